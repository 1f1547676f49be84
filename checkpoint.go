package collector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"
)

// Checkpoint is a state as the bucket has it, or had it.
type Checkpoint struct {
	State
	Generation int64     `json:"generation"`
	Saved      time.Time `json:"saved"`             // UTC
	Problem    string    `json:"problem,omitempty"` // why it cannot be read as a state
}

// ErrNoState says that there is no state yet.
var ErrNoState = errors.New("there is no state yet: the first run makes one")

// ReadCheckpoint reads the state, or returns an error that is [ErrNoState].
func ReadCheckpoint(ctx context.Context, c Config, bucket *storage.BucketHandle) (Checkpoint, error) {
	s, err := readState(ctx, bucket, c.StateKey)
	if errors.Is(err, storage.ErrObjectNotExist) {
		return Checkpoint{}, fmt.Errorf("read state gs://%s/%s: %w", c.Bucket, c.StateKey, ErrNoState)
	}
	return Checkpoint{State: s, Generation: s.generation, Saved: s.saved}, err
}

// History returns the state and its earlier versions, newest first, as far as the bucket
// keeps them: for that, object versioning must be on.
func History(ctx context.Context, c Config, bucket *storage.BucketHandle) ([]Checkpoint, error) {
	var versions []Checkpoint
	for objects := bucket.Objects(ctx, &storage.Query{Prefix: c.StateKey, Versions: true}); ; {
		o, err := objects.Next()
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("list versions of gs://%s/%s: %w", c.Bucket, c.StateKey, err)
		}
		if o.Name != c.StateKey {
			continue
		}
		v := Checkpoint{Generation: o.Generation, Saved: o.Created.UTC()}
		content, err := readVersion(ctx, bucket, o)
		if errors.Is(err, storage.ErrObjectNotExist) {
			continue // its time was up
		}
		if err != nil {
			return nil, fmt.Errorf("read gs://%s/%s#%d: %w", c.Bucket, c.StateKey, o.Generation, err)
		}
		if v.State, err = parseState(content, time.Now()); err != nil {
			v.Problem = err.Error()
		}
		versions = append(versions, v)
	}
	slices.SortFunc(versions, func(a, b Checkpoint) int { return int(min(max(b.Generation-a.Generation, -1), 1)) })
	return versions, nil
}

func readVersion(ctx context.Context, bucket *storage.BucketHandle, o *storage.ObjectAttrs) ([]byte, error) {
	r, err := bucket.Object(o.Name).Generation(o.Generation).NewReader(ctx)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, maxStateBytes+1))
}

// Move is a change of how far the state says the collector has come.
type Move struct {
	From, To time.Time // UTC, whole seconds; From is zero if there was no state

	// Delivered are the alerts between the two that the ledger shows as delivered. Going
	// back does not deliver them again.
	Delivered int64
	// Undelivered are the spans between the two that the ledger does not have. Going back
	// collects them; going forward skips them.
	Undelivered []Window

	state State
}

// PlanMove finds out what moving the state to the moment would do. It changes nothing.
func PlanMove(ctx context.Context, c Config, bucket *storage.BucketHandle, now, to time.Time) (Move, error) {
	to = to.UTC()
	switch limit := c.Horizon(now); {
	case to.Nanosecond() != 0:
		return Move{}, fmt.Errorf("move state to %s: want whole seconds", to.Format(time.RFC3339Nano))
	case to.After(limit):
		return Move{}, fmt.Errorf("move state to %s: the collector would wait until then; %s is the latest", to.Format(time.RFC3339), limit.Format(time.RFC3339))
	case to.Unix() < earliestAlert:
		return Move{}, fmt.Errorf("move state to %s: there were no alerts then", to.Format(time.RFC3339))
	}
	s, err := readState(ctx, bucket, c.StateKey)
	switch {
	case errors.Is(err, storage.ErrObjectNotExist):
		return Move{To: to}, nil
	case err != nil:
		return Move{}, err
	}
	if !s.Next.IsZero() {
		if err := s.Check(c); err != nil {
			return Move{}, err
		}
	}
	m := Move{From: s.Through, To: to, state: s}
	between := Window{From: m.From, To: m.To}
	if to.Before(m.From) {
		between = Window{From: m.To, To: m.From}
		r, err := readRegistry(ctx, c, bucket)
		if err != nil {
			return Move{}, err
		}
		for _, other := range r.Unfinished {
			if other.window().overlaps(between) {
				return Move{}, fmt.Errorf("move state to %s: %w: %v", to.Format(time.RFC3339), errSpanTaken, other.window())
			}
		}
	}
	l, err := loadLedger(ctx, bucket, between, c.Prefix)
	if err != nil {
		return Move{}, err
	}
	m.Delivered, m.Undelivered = l.holes(between)
	return m, nil
}

// holes counts the alerts that are delivered in the span, and finds what of it has no
// entry.
func (l *ledger) holes(span Window) (delivered int64, holes []Window) {
	for _, e := range l.entries {
		if e.window().overlaps(span) {
			delivered += e.Alerts + e.Quarantined
		}
	}
	for at := span.From; at.Before(span.To); {
		if e, ok := l.covering(at); ok {
			at = e.To
			continue
		}
		hole := l.clip(Window{From: at, To: span.To})
		holes = append(holes, hole)
		at = hole.To
	}
	return delivered, holes
}

// Apply moves the state, if it is still the one that the move was planned for.
func (m Move) Apply(ctx context.Context, c Config, bucket *storage.BucketHandle) (Checkpoint, error) {
	s := m.state
	s.Through = m.To
	s, err := firstState(ctx, bucket, c, s)
	if errors.Is(err, errStateMoved) {
		return Checkpoint{}, fmt.Errorf("move state gs://%s/%s: %w meanwhile: nothing was changed; look again", c.Bucket, c.StateKey, err)
	}
	return Checkpoint{State: s, Generation: s.generation, Saved: time.Now().UTC()}, err
}

// Undelivered are the parts of the span that the ledger does not have.
func Undelivered(ctx context.Context, c Config, bucket *storage.BucketHandle, span Window) ([]Window, error) {
	if err := span.check(); err != nil {
		return nil, err
	}
	l, err := loadLedger(ctx, bucket, span, c.Prefix)
	if err != nil {
		return nil, err
	}
	_, holes := l.holes(span)
	return holes, nil
}
