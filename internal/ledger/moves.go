package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"netskope-alerts.internal/collector/internal/gcs"
)

// NoteMove notes that an operator has moved the live collector, which begins there anew. Its entries
// say so, too, but need not be the newest ones: what was delivered before is passed over.
//
// It needs storage.objects.create.
func (l *Ledger) NoteMove(ctx context.Context, p Position) error {
	content, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode a move of the collector: %w", err)
	}
	_, err = l.store.Put(ctx, l.folders.Moved(p.Moved), 0, append(content, '\n'), "application/json", nil)
	if err != nil && !errors.Is(err, gcs.ErrChanged) { // by a request whose answer was lost
		return fmt.Errorf("note a move of the collector: %w", err)
	}
	return nil
}

// LastMove is the position that was noted last; zero if there is none.
//
// It needs storage.objects.list, and storage.objects.get.
func (l *Ledger) LastMove(ctx context.Context) (Position, error) {
	last := ""
	err := l.store.List(ctx, gcs.Names{Prefix: l.folders.Moves()}, func(o gcs.Object) error {
		if _, ok := l.folders.ParseMoved(o.Name); ok {
			last = max(last, o.Name)
		}
		return nil
	})
	if err != nil || last == "" {
		return Position{}, err
	}
	content, _, err := l.store.Read(ctx, last, 0, maxMetadata)
	if err != nil {
		return Position{}, fmt.Errorf("read a move of the collector: %w", err)
	}
	return parseMove(content)
}

// parseMove reads what [Ledger.NoteMove] writes: there is nothing delivered yet.
func parseMove(content []byte) (Position, error) {
	var p Position
	if err := json.Unmarshal(content, &p); err != nil {
		return Position{}, fmt.Errorf("parse a move of the collector: %w", err)
	}
	p.Began, p.Moved = p.Began.UTC(), p.Moved.UTC()
	if p.Began.Unix() < 0 || p.Began.Nanosecond() != 0 || p.Moved.IsZero() {
		return Position{}, fmt.Errorf("parse a move of the collector: it begins at %s, moved at %s", p.Began, p.Moved)
	}
	p.Through = p.Began
	return p, nil
}
