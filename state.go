package collector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"cloud.google.com/go/storage"

	"netskope-alerts.internal/collector/internal/original"
	"netskope-alerts.internal/collector/internal/strictjson"
)

// State is how far the collector has come. Its invariant: every alert before Through is
// in the bucket, once; the next window is [Through, Next), and nothing of a later one
// is there.
//
// It moves forward only, one window at a time, after that window's delivery is in the
// ledger and its object at its place:
//
//	load ─▶ window [Through, Next) ─▶ staged ─▶ ledger entry created ─▶ moved ─▶ state saved ─▶ …
//	                  │                  │               │                │           └─ lost the race: load again
//	                  │                  │               │                └─ died here: the entry is found, nothing is left to move
//	                  │                  │               └─ died here: the entry is found, and its objects moved
//	                  └──────────────────┴─ died or failed here: the window is repeated, nothing was visible
//
// A backfill has a state of its own, which differs by having an end.
type State struct {
	Through time.Time `json:"through"` // UTC, whole seconds
	Next    time.Time `json:"next"`    // UTC, whole seconds, after Through
	Object  string    `json:"object"`  // name of the next window's object
	// Until is where a backfill ends; then Through and Next are Until, too. Zero for the
	// live collector, which never ends. UTC, whole seconds.
	Until time.Time `json:"until,omitzero"`

	// LastEventTime is the newest alert timestamp delivered, in seconds since the
	// epoch; 0 before the first alert. Nothing is decided by it: it is for people, and
	// for the original function, should somebody go back to it.
	LastEventTime int64 `json:"last_event_time,omitempty"`

	// Tenant and TimeField say what Through is a time of. A run that is configured
	// otherwise is refused, because it would skip what the other never asked for.
	Tenant    string    `json:"tenant"`
	TimeField TimeField `json:"time_field"`

	generation int64     // of the object that held this state; 0 where none did
	saved      time.Time // when that was written
}

// errStateMoved says that another run saved a state first.
var errStateMoved = errors.New("the state was saved by another run")

const (
	// earliestAlert, in epoch seconds, is September 2001, before any alert.
	earliestAlert = 1e9
	maxStateBytes = 1 << 20 // a state has half a kilobyte
	// clockTolerance is how far the clocks of two instances may differ.
	clockTolerance = 10 * time.Minute
)

func (s State) window() Window { return Window{From: s.Through, To: s.Next} }

// complete reports whether the state is a backfill's that has reached its end.
func (s State) complete() bool { return !s.Until.IsZero() && !s.Through.Before(s.Until) }

// horizon is the end of the newest window that may be asked for at now.
func (s State) horizon(now time.Time, c Config) time.Time {
	if end := c.Horizon(now); s.Until.IsZero() || end.Before(s.Until) {
		return end
	}
	return s.Until
}

// prefix is the feed's folder in which the next window's object will be. It is that of
// the configuration by which the window was chosen.
func (s State) prefix() string {
	name := strings.TrimSuffix(s.Object, gzipSuffix)
	return strings.TrimSuffix(name, s.window().objectName("", "alerts", ".ndjson"))
}

// choose makes w the next window, up to the state's end.
func (s State) choose(w Window, c Config) State {
	if !s.Until.IsZero() && w.To.After(s.Until) {
		w.To = s.Until
	}
	s.Through, s.Next, s.Object = w.From, w.To, w.alertsObject(c)
	return s
}

// loadState reads the state, adopts the original function's, or begins a new one.
// A state that had to be begun or adopted is saved before any window is worked on,
// so that two first runs at once agree where to begin. Only an object that does not
// exist counts as missing: a state that is unreadable, forbidden or malformed is an
// error, and the run ends.
//
// It needs storage.objects.get and storage.objects.list on the bucket (without the
// latter, Cloud Storage answers 403 for a missing object), and what [saveState] needs.
//
// With a span that is not zero the state is a backfill's, which has to be there.
func loadState(ctx context.Context, bucket *storage.BucketHandle, c Config, now time.Time, span Window) (State, error) {
	for range 3 {
		s, err := readState(ctx, bucket, c.StateKey)
		if err == nil && s.generation != 0 && !s.Next.IsZero() {
			return s, s.Check(c)
		}
		switch {
		case err == nil: // the original's, kept at STATE_KEY
		case errors.Is(err, storage.ErrObjectNotExist) && !span.From.IsZero():
			return State{}, fmt.Errorf("read state gs://%s/%s: %w; the backfill was given up", c.Bucket, c.StateKey, storage.ErrObjectNotExist)
		case errors.Is(err, storage.ErrObjectNotExist):
			if s, err = BeginState(ctx, c, bucket, now); err != nil {
				return State{}, err
			}
		default:
			return State{}, err
		}
		s, err = firstState(ctx, bucket, c, s)
		if !errors.Is(err, errStateMoved) {
			return s, err
		}
	}
	return State{}, fmt.Errorf("begin state gs://%s/%s: %w, three times in a row", c.Bucket, c.StateKey, errStateMoved)
}

// firstState saves the state with its first window, which overlaps none that the ledger
// shows as delivered.
//
// It needs storage.objects.list and what [saveState] needs.
func firstState(ctx context.Context, bucket *storage.BucketHandle, c Config, s State) (State, error) {
	w := Window{From: s.Through, To: s.Through.Truncate(c.Window).Add(c.Window)}
	l, err := loadLedger(ctx, bucket, w, c.Prefix)
	if err != nil {
		return s, err
	}
	s.Tenant, s.TimeField = c.Tenant, c.TimeField
	return saveState(ctx, bucket, c.StateKey, s.choose(l.clip(w), c))
}

func readState(ctx context.Context, bucket *storage.BucketHandle, key string) (State, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	r, err := bucket.Object(key).NewReader(ctx)
	if err != nil {
		return State{}, fmt.Errorf("read state gs://%s/%s: %w", bucket.BucketName(), key, because(ctx, err))
	}
	defer r.Close()
	content, err := io.ReadAll(io.LimitReader(r, maxStateBytes+1))
	if err != nil {
		return State{}, fmt.Errorf("read state gs://%s/%s: %w", bucket.BucketName(), key, because(ctx, err))
	}
	s, err := parseState(content, time.Now())
	if err != nil {
		return State{}, fmt.Errorf("parse state gs://%s/%s: %w; nothing was collected: restore an earlier version of the object, or delete it to begin anew LOOKBACK_HOURS back", bucket.BucketName(), key, err)
	}
	s.generation, s.saved = r.Attrs.Generation, r.Attrs.LastModified.UTC()
	return s, nil
}

// parseState reads a state of ours or, with Next left zero, of the original function.
// now is the clock's, not the trigger's: a state ahead of it would have the
// collector wait in silence.
func parseState(content []byte, now time.Time) (State, error) {
	if len(content) > maxStateBytes {
		return State{}, fmt.Errorf("it is longer than %d bytes", maxStateBytes)
	}
	if o, ok, err := original.Parse(content, now, clockTolerance); ok {
		return State{Through: o.Through, LastEventTime: o.Newest}, err
	}
	var s State
	if err := strictjson.Decode(content, &s); err != nil {
		return State{}, err
	}
	s.Through, s.Next, s.Until = s.Through.UTC(), s.Next.UTC(), s.Until.UTC()
	switch w := s.window(); {
	case s.Through.IsZero() || s.Next.IsZero():
		return State{}, errors.New("through and next must both be set")
	case s.Through.Unix() < 0 || s.Through.Nanosecond() != 0 || s.Next.Nanosecond() != 0:
		return State{}, fmt.Errorf("window %v is not in whole seconds since 1970", w)
	case !s.Until.IsZero() && (s.Until.Before(s.Next) || s.Until.Nanosecond() != 0):
		return State{}, fmt.Errorf("next %s is after until %s", s.Next.Format(time.RFC3339), s.Until.Format(time.RFC3339))
	case !s.Next.After(s.Through) && !s.complete():
		return State{}, fmt.Errorf("next %s is not after through %s", s.Next.Format(time.RFC3339), s.Through.Format(time.RFC3339))
	case s.Next.Sub(s.Through) > 2*maxWindow:
		return State{}, fmt.Errorf("window %v is longer than %s", w, 2*maxWindow)
	case !strings.HasSuffix(strings.TrimSuffix(s.Object, gzipSuffix), w.objectName("", "alerts", ".ndjson")):
		return State{}, fmt.Errorf("object %.200q is not named by the window %v", s.Object, w)
	case s.Through.After(now.Add(clockTolerance)):
		return State{}, fmt.Errorf("through %s is in the future", s.Through.Format(time.RFC3339))
	}
	return s, nil
}

// Check refuses a state that was made for another tenant or time field than this run's:
// the run would skip what the other never asked for. The error names both.
func (s State) Check(c Config) error {
	what, had, has := "NETSKOPE_TENANT", s.Tenant, c.Tenant
	if had == has {
		what, had, has = "TIME_FIELD", string(s.TimeField), string(c.TimeField)
	}
	if had == has {
		return nil
	}
	return fmt.Errorf("state gs://%s/%s was made with %s=%s, but this run has %s: give each its own STATE_KEY and GCS_PREFIX; or, if the change is meant, edit the object", c.Bucket, c.StateKey, what, had, has)
}

// saveState replaces the state that s was loaded from, and no other: if the object
// has changed since, or exists where none did, it returns [errStateMoved] and the
// bucket keeps what it has. On any other error, too, either the old or the new state
// is there, whole.
//
// It needs storage.objects.create and, to replace, storage.objects.delete.
func saveState(ctx context.Context, bucket *storage.BucketHandle, key string, s State) (State, error) {
	content, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return State{}, fmt.Errorf("encode state: %w", err)
	}
	content = append(content, '\n')
	o, err := put(ctx, bucket.Object(key).If(unchanged(s.generation)), content, storage.ObjectAttrs{ContentType: "application/json"}, stateChunk)
	switch {
	case isPreconditionFailed(err):
		return State{}, errStateMoved
	case err != nil:
		return State{}, fmt.Errorf("save state gs://%s/%s: %w", bucket.BucketName(), key, err)
	}
	s.generation = o.Generation
	return s, nil
}

// BeginState is the state from which the first run, if it came now, would begin where
// STATE_KEY holds none: the original function's, with LastEventTime set, if there is one,
// else LOOKBACK_HOURS back. Only Through is set besides. It changes nothing.
//
// An original's state that cannot be read, or is in truth this collector's, is an error.
// It needs storage.objects.get and storage.objects.list.
func BeginState(ctx context.Context, c Config, bucket *storage.BucketHandle, now time.Time) (State, error) {
	if c.OriginalStateKey() != c.StateKey {
		s, err := readState(ctx, bucket, c.OriginalStateKey())
		switch {
		case err == nil && !s.Next.IsZero():
			return State{}, fmt.Errorf("adopt state gs://%s/%s: it is this collector's own; set STATE_KEY to it, or move it to %s", c.Bucket, c.OriginalStateKey(), c.StateKey)
		case err == nil:
			s.generation = 0 // of another object
			return s, nil
		case !errors.Is(err, storage.ErrObjectNotExist):
			return State{}, fmt.Errorf("adopt the original function's state: %w", err)
		}
	}
	return State{Through: c.Horizon(now).Add(-c.Lookback).Truncate(c.Window)}, nil
}
