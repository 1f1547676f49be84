package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/gcs"
)

// sweepAfter is how old a staged object must be that no entry names before it is deleted:
// far older than any worker that may still commit. A worker may stand still for as long just
// before the commit point, though, as on a computer that is suspended: see [Ledger.bar].
const sweepAfter = 24 * time.Hour

// Recover finishes what workers that died have left in the staging folder, which is normally
// empty: an object that an entry names is moved to its place, and one that no entry names
// or will name, and that is older than a day, is deleted. It returns how many objects it has
// moved. What this worker had loaded before is settled then.
//
// It needs storage.objects.list, and the permissions of a look, a move and a deletion.
func (l *Ledger) Recover(ctx context.Context) (moved int, err error) {
	loaded := l.All()
	var staged []gcs.Object
	if err := l.store.List(ctx, gcs.Names{Prefix: l.folders.Staging}, func(o gcs.Object) error {
		staged = append(staged, o)
		return nil
	}); err != nil {
		return 0, fmt.Errorf("list staged objects: %w", err)
	}
	for _, o := range staged {
		c, late, ok := l.folders.ParseStaged(o.Name)
		if !ok {
			continue // not ours; it is in nobody's way
		}
		old := l.now().Sub(o.Created) > sweepAfter
		e, err := l.look(ctx, c, late)
		if old && errors.Is(err, gcs.ErrNotExist) {
			e, err = l.bar(ctx, c, late)
		}
		if err != nil && !errors.Is(err, gcs.ErrNotExist) {
			return moved, err
		}
		i := slices.IndexFunc(e.placed(), func(p Placed) bool { return p.Staged == o.Name && p.Generation == o.Generation })
		switch {
		case i >= 0:
			if err := l.move(ctx, e.placed()[i]); err != nil {
				return moved, err
			}
			moved++
		case old && err == nil:
			if err := l.store.Delete(ctx, o.Name, o.Generation); err != nil &&
				!errors.Is(err, gcs.ErrNotExist) && !errors.Is(err, gcs.ErrChanged) && !kept(err) {
				return moved, err
			}
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range loaded { // listed before the staged objects were
		e.settled = true
		l.note(e)
	}
	return moved, nil
}

// kept reports whether the storage keeps the object for somebody's sake: then it stays where it
// is, in nobody's way, until it may go.
func kept(err error) bool {
	refusal := gcs.RefusalOf(err)
	return refusal != nil && (refusal.Cause == gcs.CauseRetention || refusal.Cause == gcs.CauseHold)
}

// bar takes the name of an entry that was not made in a day, so that the worker that was to
// make it, if it goes on after all, finds it taken. A cell is marked split, which delivers
// nothing and forbids nothing, and an entry of a repair has no alerts. A second cannot be
// split: the error is ErrNotExist then, and what is staged for it stays until somebody
// delivers that second.
func (l *Ledger) bar(ctx context.Context, c cell.Cell, late int) (e Entry, err error) {
	switch {
	case late > 0:
		e, _, err = l.create(ctx, Entry{Cell: c, Late: late}, nil)
	case c.Level() < cell.Last:
		e, err = l.mark(ctx, c)
	default:
		err = gcs.ErrNotExist
	}
	return e, err
}

// Newest is where the live collector was when it made its newest entries, and the newest alert
// timestamp in them, epoch seconds. Of several beginnings, the one to which it was last moved
// counts: see [Ledger.NoteMove]. ok says that there are entries of a live collector at all. It
// lists the newest days, and ever more of them until one of the live collector's is met: the
// whole ledger, where there is none.
//
// It needs storage.objects.list.
func (l *Ledger) Newest(ctx context.Context) (p Position, newest int64, ok bool, err error) {
	start, err := l.Start(ctx)
	if err != nil {
		return Position{}, 0, false, err
	}
	now := l.now().UTC()
	names := gcs.Names{Prefix: l.folders.Ledger, To: l.folders.EntriesEnd()}
	for days := 1; !ok && !start.IsZero(); days *= 2 {
		now = now.AddDate(0, 0, -days)
		names.From = l.folders.EntriesFrom(now)
		if p, newest, ok, err = l.newestOf(ctx, names); err != nil {
			return Position{}, 0, false, err
		}
		if now.Before(start) {
			break
		}
		names.To = names.From
	}
	moved, err := l.LastMove(ctx)
	if err != nil {
		return Position{}, 0, false, err
	}
	if moved.Moved.After(p.Moved) { // what it has delivered since is passed over
		p, ok = moved, true
	}
	return p, newest, ok, nil
}

// newestOf is what the names' entries say of the newest.
func (l *Ledger) newestOf(ctx context.Context, names gcs.Names) (p Position, newest int64, ok bool, err error) {
	var life time.Time // when the newest entry of the beginning was made
	err = l.store.List(ctx, names, func(o gcs.Object) error {
		if l.isStrange(o) {
			return nil
		}
		e, err := l.parse(o)
		if err != nil {
			return err
		}
		newest = max(newest, e.Newest)
		switch {
		case e.Began.IsZero():
		case !ok || e.Moved.After(p.Moved), e.Moved.Equal(p.Moved) && !e.Began.Equal(p.Began) && e.Created.After(life):
			p, ok, life = e.Position, true, e.Created
		case e.Began.Equal(p.Began) && e.Moved.Equal(p.Moved):
			if e.Through.After(p.Through) {
				p.Through = e.Through
			}
			if e.Created.After(life) {
				life = e.Created
			}
		}
		return nil
	})
	if err != nil {
		return Position{}, 0, false, fmt.Errorf("look for the newest ledger entries: %w", err)
	}
	return p, newest, ok, nil
}

// Start is the beginning of the oldest cell in the ledger, or zero if it is empty.
//
// It needs storage.objects.list.
func (l *Ledger) Start(ctx context.Context) (start time.Time, err error) {
	entries := gcs.Names{Prefix: l.folders.Ledger, To: l.folders.EntriesEnd(), AtOnce: 100}
	err = l.store.List(ctx, entries, func(o gcs.Object) error {
		if l.isStrange(o) {
			return nil
		}
		e, err := l.parse(o)
		if err != nil || e.Split {
			return err
		}
		start = e.From
		return gcs.Enough
	})
	if err != nil {
		return start, fmt.Errorf("look for the ledger's start: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ours = true // its oldest entries are
	return start, nil
}

// CheckOwner refuses a ledger that is another's, by its oldest entries: a run over a span of
// which the other has nothing would not meet one. The error is ErrForeign.
//
// It needs storage.objects.list.
func (l *Ledger) CheckOwner(ctx context.Context) error {
	l.mu.Lock()
	known := l.ours || len(l.entries) > 0
	l.mu.Unlock()
	if known {
		return nil // what has been read was this one's
	}
	few := gcs.Names{Prefix: l.folders.Ledger, AtOnce: 10}
	err := l.store.List(ctx, few, func(o gcs.Object) error {
		switch _, err := l.parse(o); {
		case errors.Is(err, ErrForeign):
			return err
		case err == nil:
			return gcs.Enough
		}
		return nil // it is in nobody's way here
	})
	if err != nil {
		return fmt.Errorf("look whose the ledger is: %w", err)
	}
	return nil
}

// Holes are the parts of the span, half-open, that this worker knows no delivery of. The
// span has to be loaded.
func (l *Ledger) Holes(from, to time.Time) []Span {
	var holes []Span
	for at := from; at.Before(to); {
		e, ok := l.Delivered(at)
		if ok {
			at = e.To
			continue
		}
		end := l.undelivered(at, to)
		if n := len(holes); n > 0 && holes[n-1].To.Equal(at) {
			holes[n-1].To = end
		} else {
			holes = append(holes, Span{at, end})
		}
		at = end
	}
	return holes
}

// undelivered is the end, up to to, of the largest cell that holds the moment and is not
// marked split: nothing of it is delivered.
func (l *Ledger) undelivered(moment, to time.Time) time.Time {
	for level := cell.Top; level <= cell.Last; level++ {
		if c := cell.At(level, moment); !l.Split(c) {
			if c.To().Before(to) {
				return c.To()
			}
			break
		}
	}
	return to
}

// Span is a span of time, half-open, UTC.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

func (s Span) String() string { return s.From.Format(time.RFC3339) + "/" + s.To.Format(time.RFC3339) }
