package collector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/ledger"
	"netskope-alerts.internal/collector/internal/state"
)

// ErrNoState says that there is no state yet.
var ErrNoState = errors.New("there is no state yet: the first run makes one")

// ReadCheckpoint reads the state, or returns an error that is [ErrNoState].
//
// It needs storage.objects.get and storage.objects.list.
func (c *Collector) ReadCheckpoint(ctx context.Context) (Checkpoint, error) {
	s, err := c.readState(ctx, c.StateKey, 0)
	if errors.Is(err, gcs.ErrNotExist) {
		return Checkpoint{}, fmt.Errorf("read state %s: %w", c.Bucket.URI(c.StateKey), ErrNoState)
	}
	return s, err
}

// History returns the state and its earlier versions, newest first, as far as the bucket
// keeps them: for that, object versioning must be on.
func (c *Collector) History(ctx context.Context) ([]Checkpoint, error) {
	var versions []Checkpoint
	err := c.Bucket.Versions(ctx, c.StateKey, func(o gcs.Object) error {
		s, err := c.readState(ctx, c.StateKey, o.Generation)
		broken := (*state.Damaged)(nil)
		switch {
		case errors.Is(err, gcs.ErrNotExist):
			return nil // its time was up
		case errors.As(err, &broken):
			versions = append(versions, Checkpoint{Generation: o.Generation, Saved: o.Created, Problem: broken.Error()})
			return nil
		case err != nil:
			return err
		}
		s.Saved = o.Created
		versions = append(versions, s)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list versions of the state: %w", err)
	}
	slices.SortFunc(versions, func(a, b Checkpoint) int { return int(min(max(b.Generation-a.Generation, -1), 1)) })
	return versions, nil
}

// Move is a move of the state that an operator may apply: what it repeats or skips.
type Move struct {
	From, To    time.Time // From is zero where there is no state yet; UTC
	Delivered   int64     // alerts that the ledger has between the two: they are not delivered again
	Undelivered []Span    // parts between the two that it does not have

	state Checkpoint
}

// PlanMove says what it would mean to move the state. It changes nothing.
func (c *Collector) PlanMove(ctx context.Context, now, to time.Time) (Move, error) {
	to = to.UTC()
	switch limit := c.Horizon(now); {
	case to.Nanosecond() != 0:
		return Move{}, fmt.Errorf("move state to %s: want whole seconds", to.Format(time.RFC3339Nano))
	case to.After(limit):
		return Move{}, fmt.Errorf("move state to %s: the collector would wait until then; %s is the latest",
			to.Format(time.RFC3339), limit.Format(time.RFC3339))
	case to.Unix() < earliestAlert:
		return Move{}, fmt.Errorf("move state to %s: there were no alerts then", to.Format(time.RFC3339))
	}
	s, err := c.readState(ctx, c.StateKey, 0)
	switch {
	case c.Tenant == "" && (errors.Is(err, gcs.ErrNotExist) || err == nil && s.Original):
		return Move{}, errors.New("move state: there is none yet that says whose alerts are collected: set NETSKOPE_TENANT")
	case errors.Is(err, gcs.ErrNotExist):
		return Move{To: to}, nil
	case err != nil:
		return Move{}, err
	}
	if !s.Original {
		if err := s.Check(c.Config); err != nil {
			return Move{}, err
		}
	}
	m := Move{From: s.Through, To: to, state: s}
	between := Span{From: m.From, To: m.To}
	if to.Before(m.From) {
		between = Span{From: m.To, To: m.From}
	}
	if c.Tenant == "" { // who only looked moves the state as the one whose it is
		owner := *c
		owner.Tenant, owner.TimeField = m.state.Tenant, m.state.TimeField
		c = &owner
	}
	l := c.Ledger()
	if err := l.Load(ctx, between.From, between.To); err != nil {
		return Move{}, err
	}
	for _, e := range l.All() {
		if e.From.Before(between.To) && between.From.Before(e.To) {
			m.Delivered += e.Alerts + e.Quarantined
		}
	}
	m.Undelivered = l.Holes(between.From, between.To)
	return m, nil
}

// Apply moves the state, if it is still the one that the move was planned for. The collector
// counts as having begun where it is moved to.
func (c *Collector) Apply(ctx context.Context, m Move) (Checkpoint, error) {
	before, err := c.Ledger().LastMove(ctx)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("move state: %w", err)
	}
	s := m.state
	s.State = s.Of(c.Config)
	// The last move counts: it must not seem to be before another one, made by a clock that is ahead of this one.
	moved := later(time.Now().UTC().Truncate(time.Millisecond), later(before.Moved, s.Moved).Add(time.Millisecond))
	s.Through, s.Began, s.Moved = m.To, m.To, moved
	s, err = c.firstSave(ctx, s)
	if errors.Is(err, errStateMoved) {
		err = fmt.Errorf("nothing was changed, look again: %w", err)
	}
	if err == nil {
		err = c.Ledger().NoteMove(ctx, ledger.Position{Began: s.Began, Moved: s.Moved})
	}
	if err != nil {
		return Checkpoint{}, fmt.Errorf("move state: %w", err)
	}
	return s, nil
}

// Undelivered are the parts of the span that the ledger does not have.
func (c *Collector) Undelivered(ctx context.Context, now time.Time, span Span) ([]Span, error) {
	if err := c.checkSpan(now, span); err != nil {
		return nil, err
	}
	l := c.Ledger()
	if err := l.Load(ctx, span.From, span.To); err != nil {
		return nil, err
	}
	return l.Holes(span.From, span.To), nil
}
