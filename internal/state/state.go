// Package state is how far a collector has come, as the small JSON object that says so: what it may
// say, and whose it is. It reads and writes no bucket: when a state is loaded, held against the ledger
// and saved is the run's, in state.go at the top.
package state

import (
	"encoding/json"
	"fmt"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/settings"
	"netskope-alerts.internal/collector/internal/stream"
)

// State is how far the collector has come. Its invariant: every alert from Began to Through is
// in the bucket, once; of what comes after, whole cells may be there.
//
// It is a cache with a person's face: what is delivered stands in the ledger, and a state
// that is lost, damaged, behind or ahead is rebuilt from there. It moves forward only,
// behind cells whose delivery is in the ledger and whose objects are at their places:
//
//	load ─▶ cell, one of several ─▶ staged ─▶ ledger entry created ─▶ moved ─▶ … ─▶ state saved
//	           │                      │               │                 │             │
//	           │                      │               │                 │             └─ lost the race: the further stays
//	           │                      │               │                 └─ died here: nothing is left to move
//	           │                      │               └─ died here: the entry is found, and its objects are moved
//	           └──────────────────────┴─ died or failed here: the cell is repeated, nothing was visible
type State struct {
	Through time.Time `json:"through"` // UTC, whole seconds
	// Began is where the collector began, or was last moved to by an operator. UTC.
	Began time.Time `json:"began"`
	// Moved is when that was; zero if no operator has moved it. Of several beginnings that the
	// ledger knows, the last one counts. UTC.
	Moved time.Time `json:"moved,omitzero"`

	// LastEventTime is the newest alert timestamp delivered, in seconds since the
	// epoch; 0 before the first alert. Nothing is decided by it: it is for people, and
	// for the original function, should somebody go back to it.
	LastEventTime int64 `json:"last_event_time,omitempty"`

	// Tenant, Stream and TimeField say what Through is a time of. A run that is configured
	// otherwise is refused, because it would skip what the other never asked for.
	Tenant    string          `json:"tenant"`
	Stream    stream.Stream   `json:"stream,omitempty"` // left out of alerts'
	TimeField alert.TimeField `json:"time_field"`

	Original bool `json:"-"` // it is the original function's, and will be adopted by the first run
}

// Of is the state as the configured collector's. Who only looks, without a tenant, changes
// nothing about whose it is.
func (s State) Of(c settings.Config) State {
	s.Stream = c.Stream
	if c.Tenant == "" {
		return s
	}
	s.Tenant, s.TimeField = c.Tenant, c.TimeField
	return s
}

// Same reports whether both say the same.
func (s State) Same(other State) bool {
	return s.Original == other.Original && s.Through.Equal(other.Through) && s.Began.Equal(other.Began) &&
		s.Moved.Equal(other.Moved) && s.LastEventTime == other.LastEventTime &&
		s.Tenant == other.Tenant && s.Stream == other.Stream && s.TimeField == other.TimeField
}

// Encode is the state as its object holds it: JSON that a person can read.
func (s State) Encode() ([]byte, error) {
	content, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode state: %w", err)
	}
	return append(content, '\n'), nil
}

// Check refuses a state that was made for another tenant, stream or time field than this run's:
// the run would skip what the other never asked for. The error is a [*Foreign]. Who only
// looks, without a tenant, is shown any.
func (s State) Check(c settings.Config) error {
	if c.Tenant == "" {
		return nil
	}
	e := &Foreign{Name: "NETSKOPE_TENANT", Had: s.Tenant, Has: c.Tenant, key: c.StateKey}
	if e.Had == e.Has {
		e.Name, e.Had, e.Has = "STREAMS", s.Stream.String(), c.Stream.String()
	}
	if e.Had == e.Has {
		e.Name, e.Had, e.Has = "TIME_FIELD", string(s.TimeField), string(c.TimeField)
	}
	if e.Had == e.Has {
		return nil
	}
	return e
}

// Foreign says that the state was made with another setting than this run has.
type Foreign struct {
	Name     string // of the setting
	Had, Has string // with which it was made, and what this run has
	key      string
}

func (e *Foreign) Error() string {
	return fmt.Sprintf("state %s was made with %s=%s, but this run has %s: %s", e.key, e.Name, e.Had, e.Has, e.Remedy())
}

// Remedy is what to do about it.
func (e *Foreign) Remedy() string {
	if e.Name == "STREAMS" {
		return "give each its own STATE_KEY, GCS_PREFIX and EVENTS_PREFIX"
	}
	return "give each its own STATE_KEY and GCS_PREFIX"
}

// Misplaced says that a state of this collector lies where the original function kept
// its own.
type Misplaced struct{ Key, StateKey string }

func (e *Misplaced) Error() string {
	return fmt.Sprintf("adopt state %s: it is this collector's own; %s", e.Key, e.Remedy())
}

// Remedy is what to do about it.
func (e *Misplaced) Remedy() string {
	return fmt.Sprintf("set STATE_KEY to it, or move it to %s", e.StateKey)
}
