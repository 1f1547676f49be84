package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"netskope-alerts.internal/collector/internal/original"
	"netskope-alerts.internal/collector/internal/strictjson"
)

// clockTolerance is how far the clocks of two instances may differ.
const clockTolerance = 10 * time.Minute

// Parse reads a state of ours or of the original function. now is the clock's, not the
// trigger's: a state ahead of it would have the collector wait in silence.
//
// The error is a [*Damaged], which the ledger can replace, or says that somebody has to look at it.
func Parse(content []byte, now time.Time) (State, error) {
	broken := func(err error) (State, error) { return State{}, &Damaged{Content: content, reason: err} }
	if o, ok, err := original.Parse(content, now, clockTolerance); ok && err != nil {
		return broken(err)
	} else if ok {
		return State{Through: o.Through, Began: o.Through, LastEventTime: o.Newest, Original: true}, nil
	}
	var s State
	if err := json.Unmarshal(content, &s); err != nil {
		return broken(err)
	}
	s.Through, s.Began, s.Moved = s.Through.UTC(), s.Began.UTC(), s.Moved.UTC()
	switch {
	case s.Through.IsZero() || s.Began.IsZero():
		return broken(errors.New("through and began must both be set"))
	case s.Began.Unix() < 0 || s.Through.Nanosecond() != 0 || s.Began.Nanosecond() != 0:
		return broken(errors.New("through and began must be whole seconds since 1970"))
	case s.Through.Before(s.Began):
		return broken(fmt.Errorf("through %s is before began %s",
			s.Through.Format(time.RFC3339), s.Began.Format(time.RFC3339)))
	case s.Through.After(now.Add(clockTolerance)):
		return broken(fmt.Errorf("through %s is in the future", s.Through.Format(time.RFC3339)))
	}
	if err := strictjson.Decode(content, &State{}); err != nil {
		return State{}, fmt.Errorf("it is a later version's, or was edited by hand: %w", err)
	}
	return s, nil
}

// Damaged is a state that cannot be read, with its bytes.
type Damaged struct {
	Content []byte
	reason  error
}

func (d *Damaged) Error() string { return d.reason.Error() }
func (d *Damaged) Unwrap() error { return d.reason }

// Remedy is what to do about it, where the ledger cannot replace it.
func (d *Damaged) Remedy() string {
	return "the ledger knows of no run, either: restore an earlier version of the object, " +
		"or delete it to begin anew LOOKBACK_HOURS back"
}
