package collector

import (
	"context"
	"errors"
	"fmt"
	"time"

	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/layout"
	"netskope-alerts.internal/collector/internal/ledger"
	"netskope-alerts.internal/collector/internal/state"
	"netskope-alerts.internal/collector/internal/stream"
)

// Checkpoint is a state and the object that holds it, held it, or is to hold it.
type Checkpoint struct {
	state.State
	Generation int64     `json:"generation"`        // of the object; 0 where there is none yet
	Saved      time.Time `json:"saved"`             // UTC
	Problem    string    `json:"problem,omitempty"` // why it cannot be read as a state

	trouble string         // what was wrong with the state in the place of which this one stands
	broken  *state.Damaged // that state, if it could not be read
}

const (
	// earliestAlert, in epoch seconds, is September 2001, before any alert.
	earliestAlert = 1e9
	maxStateBytes = 1 << 20 // a state has half a kilobyte
	// behindBy is how far a state may be behind what the ledger shows as delivered before
	// that is worth a warning: a run that dies saves it no more.
	behindBy = time.Hour
	// stateTries is how often a change of the state is begun anew because another came
	// first.
	stateTries = 5
)

// loadState is the state from which a run goes on, held against the ledger, whose entries
// from there up to the horizon are loaded then.
//
// Only an object that does not exist counts as missing, and only bytes that are no state as
// damaged: a state that is forbidden, out of reach or another's is an error.
//
// It needs storage.objects.get and storage.objects.list on the bucket, and what saving needs.
func (c *Collector) loadState(ctx context.Context, l *ledger.Ledger, now time.Time) (Checkpoint, error) {
	for range stateTries {
		s, stored, err := c.currentState(ctx, l, now)
		if err != nil {
			return Checkpoint{}, err
		}
		if err := l.Load(ctx, s.Through.Add(-memory), later(s.Through, c.Horizon(now))); err != nil {
			return Checkpoint{}, err
		}
		if stored {
			if s, stored, err = c.hold(ctx, l, s, now); err != nil || stored {
				return s, err
			}
		}
		if s.broken != nil {
			if err := c.keepBroken(ctx, s); err != nil {
				return Checkpoint{}, err
			}
		}
		// One that was begun, adopted or rebuilt is saved before anything is worked on: it
		// keeps where the collector began, even if this run fails.
		s, err = c.firstSave(ctx, s)
		if !errors.Is(err, errStateMoved) {
			return s, err
		}
	}
	return Checkpoint{}, fmt.Errorf("begin state: %w, %d times in a row", errStateMoved, stateTries)
}

// What may be wrong with a state.
const (
	stateLost    = "lost: rebuilt from the ledger"
	stateDamaged = "damaged: rebuilt from the ledger, the damaged bytes are kept beside it"
	stateAhead   = "ahead of what is delivered: rebuilt from the ledger"
	stateBehind  = "behind what is delivered: the ledger shows what to pass over"
	stateEarlier = "of before it was last moved: rebuilt from the ledger"
	stateReplace = "replaced by the original function's: rebuilt from the ledger"
	stateAlone   = "found where the ledger knows of no run: gone on from, as nothing else is known"
)

// currentState reads the state, or, where there is none to be read, makes it from the ledger,
// adopts the original function's, or begins a new one: then it is not stored, and has the
// generation of what it is to replace. It changes nothing.
func (c *Collector) currentState(ctx context.Context, l *ledger.Ledger, now time.Time) (
	s Checkpoint, stored bool, err error) {
	s, err = c.readState(ctx, c.StateKey, 0)
	var broken *state.Damaged
	trouble := ""
	switch {
	case err == nil && !s.Original:
		return s, true, s.Check(c.Config)
	case err == nil:
		trouble = stateReplace
	case errors.As(err, &broken):
		trouble = stateDamaged
	case errors.Is(err, gcs.ErrNotExist):
		trouble = stateLost
	default:
		return Checkpoint{}, false, err
	}
	p, newest, ok, lookErr := l.Newest(ctx)
	switch {
	case lookErr != nil:
		return Checkpoint{}, false, lookErr
	case !ok && broken != nil:
		return Checkpoint{}, false, fmt.Errorf("%w; %s", err, broken.Remedy())
	case !ok && s.Original:
		s.State = s.Of(c.Config)
		return s, false, nil
	case !ok:
		begun, err := c.BeginState(ctx, now)
		return Checkpoint{State: begun.Of(c.Config)}, false, err
	}
	s = c.rebuilt(p, newest, s.Generation, trouble)
	s.broken = broken
	return s, false, nil
}

// keepBroken keeps the bytes of the damaged state beside it that s is to replace.
func (c *Collector) keepBroken(ctx context.Context, s Checkpoint) error {
	key := layout.DamagedKey(c.StateKey, s.Generation)
	_, err := c.Bucket.Put(ctx, key, 0, s.broken.Content, "application/octet-stream", nil)
	if err != nil && !errors.Is(err, gcs.ErrChanged) {
		return fmt.Errorf("keep the damaged state: %w", err)
	}
	return nil
}

// rebuilt is the state that the ledger tells of, in the place of the one of that generation.
func (c *Collector) rebuilt(p ledger.Position, newest, generation int64, trouble string) Checkpoint {
	s := state.State{Through: p.Through, Began: p.Began, Moved: p.Moved, LastEventTime: newest}
	return Checkpoint{State: s.Of(c.Config), Generation: generation, trouble: trouble}
}

// hold compares a state with the ledger. Just before Through, the ledger must show something
// as delivered, unless the collector began there; and the entries must not say that it had
// come much further. It returns the state to go on with, and whether that is stored.
func (c *Collector) hold(ctx context.Context, l *ledger.Ledger, s Checkpoint, now time.Time) (
	held Checkpoint, stored bool, err error) {
	moved, err := l.LastMove(ctx)
	if err != nil {
		return s, false, err
	}
	var p ledger.Position // where the entries say that this collector was
	newest := s.LastEventTime
	if moved.Moved.After(s.Moved) {
		p, newest, _, err = l.Newest(ctx)
		return c.rebuilt(p, newest, s.Generation, stateEarlier), false, err
	}
	var reached time.Time // by this collector, without a gap; backfills may be anywhere
	for _, e := range l.All() {
		if !e.Began.IsZero() && e.Began.Equal(s.Began) && e.Moved.Equal(s.Moved) {
			reached = later(reached, e.From)
			if e.Position.Through.After(p.Through) {
				p = e.Position
			}
		}
	}
	if holes := l.Holes(s.Through, reached); len(holes) > 0 {
		reached = holes[0].From
	}
	if reached.After(s.Through.Add(behindBy)) {
		s.trouble = stateBehind
		return s, true, nil
	}
	if !s.Through.After(s.Began) {
		return s, true, nil
	}
	if p.Through.IsZero() {
		var ok bool
		if p, newest, ok, err = l.Newest(ctx); err != nil {
			return s, true, err
		}
		if !ok { // the folder is a new one, or somebody has taken the entries away
			s.trouble = stateAlone
			return s, true, nil
		}
	}
	if !p.Through.Before(s.Through) {
		return s, true, nil
	}
	// What lies between was being worked on when the newest entry was made, and must be there.
	if p.Through.Before(cell.At(cell.Top, s.Through.Add(-time.Second)).From()) { // or it is loaded
		if err := l.Load(ctx, p.Through, later(s.Through, c.Horizon(now))); err != nil {
			return s, false, err
		}
	}
	if len(l.Holes(p.Through, s.Through)) == 0 {
		return s, true, nil
	}
	return c.rebuilt(p, newest, s.Generation, stateAhead), false, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// BeginState is the state from which the first run, if it came now, would begin where neither
// STATE_KEY nor the ledger knows of one: the original function's, with LastEventTime set, if
// there is one, else LOOKBACK_HOURS back. It changes nothing.
//
// An original's state that cannot be read, or is in truth this collector's, is an error.
// It needs storage.objects.get and storage.objects.list.
func (c *Collector) BeginState(ctx context.Context, now time.Time) (state.State, error) {
	if key := layout.OriginalStateKey(c.Prefix); key != c.StateKey && c.Stream == stream.Alert {
		s, err := c.readState(ctx, key, 0)
		switch {
		case err == nil && !s.Original:
			return state.State{}, &state.Misplaced{Key: key, StateKey: c.StateKey}
		case err == nil:
			return s.State, nil
		case !errors.Is(err, gcs.ErrNotExist):
			return state.State{}, fmt.Errorf("adopt the original function's state: %w", err)
		}
	}
	began := c.Horizon(now).Add(-c.Lookback)
	return state.State{Through: began, Began: began}, nil
}

// readState reads a state; one that is no state is a [*state.Damaged], and what is returned with
// it says only which object that is. Generation 0 is the object as it is now.
func (c *Collector) readState(ctx context.Context, key string, generation int64) (Checkpoint, error) {
	content, o, err := c.Bucket.Read(ctx, key, generation, maxStateBytes)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("read state: %w", err)
	}
	s, err := state.Parse(content, time.Now())
	if err != nil {
		err = fmt.Errorf("parse state %s: %w", c.Bucket.URI(key), err)
	}
	return Checkpoint{State: s, Generation: o.Generation, Saved: o.Created}, err
}

// errStateMoved says that somebody else has changed the state.
var errStateMoved = errors.New("the state was changed meanwhile")

// firstSave stores a state that is to stand in the place of the one, or of none, whose
// generation it has. The error is errStateMoved if that is no longer there.
//
// It needs storage.objects.create and, to replace, storage.objects.delete.
func (c *Collector) firstSave(ctx context.Context, s Checkpoint) (Checkpoint, error) {
	s.Original = false
	content, err := s.Encode()
	if err != nil {
		return s, err
	}
	o, err := c.Bucket.Put(ctx, c.StateKey, s.Generation, content, "application/json", nil)
	if errors.Is(err, gcs.ErrChanged) {
		current, readErr := c.readState(ctx, c.StateKey, 0)
		if readErr == nil && current.Same(s.State) {
			return current, nil // by a request of ours whose answer was lost
		}
		if _, lookErr := c.Bucket.Look(ctx, c.StateKey); s.Generation != 0 || !errors.Is(lookErr, gcs.ErrNotExist) {
			err = fmt.Errorf("%w: %w", errStateMoved, err) // or refused for another reason
		}
	}
	if err != nil {
		return s, fmt.Errorf("save state: %w", err)
	}
	s.Generation, s.Saved = o.Generation, o.Created
	return s, nil
}

// saveState replaces the state that s was loaded from. If another run has saved one meanwhile
// that has come further, or an operator has moved it, that one stays, and is returned.
// races counts how often it had changed.
//
// It needs storage.objects.create and storage.objects.delete.
func (c *Collector) saveState(ctx context.Context, s Checkpoint) (saved Checkpoint, races int, err error) {
	for ; races < stateTries; races++ {
		saved, err = c.firstSave(ctx, s)
		if !errors.Is(err, errStateMoved) {
			return saved, races, err
		}
		current, err := c.readState(ctx, c.StateKey, 0)
		if err != nil {
			return s, races, err
		}
		if current.Original || !current.Began.Equal(s.Began) || !current.Moved.Equal(s.Moved) ||
			!current.Through.Before(s.Through) {
			return current, races + 1, nil
		}
		s.Generation = current.Generation
	}
	return s, races, fmt.Errorf("save state: %d times in a row: %w", races, err)
}
