package ledger

import (
	"context"
	"errors"
	"fmt"

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
// is, or has been, at its place, because a move is atomic.
func (l *Ledger) move(ctx context.Context, p Placed) error {
	err := l.store.Move(ctx, p.Staged, p.Generation, p.Name)
	taken := errors.Is(err, gcs.ErrChanged)
	if !taken && !errors.Is(err, gcs.ErrNotExist) {
		return err
	}
	o, lookErr := l.store.Look(ctx, p.Staged)
	switch {
	case errors.Is(lookErr, gcs.ErrNotExist):
		return nil
	case lookErr != nil:
		return lookErr
	case o.Generation != p.Generation:
		return nil // another object: nobody but us makes one of that name, and none twice
	case taken:
		return fmt.Errorf("%w: an object of that name is there already, and the ledger does not know it; "+
			"move it out of the feed's folder, and the next run goes on", err)
	}
	return fmt.Errorf("%w: but the staged object is there; does this endpoint know Objects: move?", err)
}
