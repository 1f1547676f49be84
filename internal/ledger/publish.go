package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"netskope-alerts.internal/collector/internal/gcs"
)

// publish moves what the entry delivers to its place, unless that has been done. Whoever
// finds an entry may publish it, as often as he likes.
func (l *Ledger) publish(ctx context.Context, e Entry) error {
	if e.settled {
		return nil
	}
	for _, p := range e.placed() {
		if err := l.move(ctx, p); err != nil {
			return err
		}
	}
	e.settled = true
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note(e)
	return nil
}

// move believes that an object is gone from where it was staged only after a look: then it
// is, or has been, at its place, because a move is atomic; or somebody has taken it away before,
// which is noted.
func (l *Ledger) move(ctx context.Context, p Placed) error {
	err := l.store.Move(ctx, p.Staged, p.Generation, p.Name)
	taken := errors.Is(err, gcs.ErrChanged)
	if !taken && !errors.Is(err, gcs.ErrNotExist) {
		return err
	}
	o, lookErr := l.store.Look(ctx, p.Staged)
	switch {
	case errors.Is(lookErr, gcs.ErrNotExist), lookErr == nil && o.Generation != p.Generation:
		return l.seek(ctx, p) // or another object: nobody but us makes one of that name, and none twice
	case lookErr != nil:
		return lookErr
	case taken:
		return fmt.Errorf("%w: an object of that name is there already, and the ledger does not know it; "+
			"move it out of the feed's folder, and the next run goes on", err)
	}
	return fmt.Errorf("%w: but the staged object is there; does this endpoint know Objects: move?", err)
}

// seek looks for an object that is not staged any more at its place.
func (l *Ledger) seek(ctx context.Context, p Placed) error {
	_, err := l.store.Look(ctx, p.Name)
	if errors.Is(err, gcs.ErrNotExist) {
		l.miss(p)
		return nil
	}
	return err
}

func (l *Ledger) miss(p Placed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone[p.Name] = true
}

// Gone are names of objects that are neither staged nor at their places, although this worker
// found nothing that says that they ever were there. The feed has taken them, if it deletes
// what it has read; or they are lost.
func (l *Ledger) Gone() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.gone))
}

// Seek looks whether the objects of all loaded entries are at their places that were made after
// moved, and whose cells end after the moment through: nobody has said yet that those were
// moved. What is staged has to be recovered before.
//
// It needs storage.objects.list and storage.objects.get.
func (l *Ledger) Seek(ctx context.Context, through, moved time.Time) error {
	var entries []Entry
	objects := map[string]Placed{}
	for _, e := range l.All() {
		// What is not settled was met after the staging folder was listed: its maker may be about to move it.
		if e.settled && e.To.After(through) && e.Created.After(moved) && len(e.placed()) > 0 {
			entries = append(entries, e)
			for _, p := range e.Objects {
				objects[p.Name] = p
			}
		}
	}
	if len(entries) == 0 {
		return nil
	}
	first := slices.MinFunc(entries, func(a, b Entry) int { return a.From.Compare(b.From) })
	last := slices.MaxFunc(entries, func(a, b Entry) int { return a.From.Compare(b.From) })
	there := gcs.Names{Prefix: l.folders.Feed, From: l.folders.AlertsFrom(first.From), To: l.folders.AlertsTo(last.To)}
	if err := l.store.List(ctx, there, func(o gcs.Object) error {
		delete(objects, o.Name)
		return nil
	}); err != nil {
		return fmt.Errorf("look whether all is at its place: %w", err)
	}
	for _, p := range objects {
		if err := l.seek(ctx, p); err != nil { // it may have been moved behind the list's back
			return err
		}
	}
	return nil
}
