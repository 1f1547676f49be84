package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/gcs"
)

// Found is one delivery of an alert.
type Found struct {
	From        time.Time `json:"from"`        // of the cell in which it was delivered; UTC
	To          time.Time `json:"to"`          // exclusive
	Object      string    `json:"object"`      // name, without the bucket
	Line        int64     `json:"line"`        // of the object, uncompressed, counted from 1
	Quarantined bool      `json:"quarantined"` // Object is beside the feed's folder
	Late        bool      `json:"late"`        // a repair delivered it
	Delivered   time.Time `json:"delivered"`   // when that was decided; UTC
	Present     bool      `json:"present"`     // Object is still there
}

// findReaders is how many entries of the ledger are read at the same time.
const findReaders = 16

// Find looks an alert up in the entries of the span, half-open, by its identity (see
// [alert.Identity]). It returns every delivery, that of the oldest cell first; there should
// be one at most.
//
// It needs storage.objects.list and storage.objects.get.
func (l *Ledger) Find(ctx context.Context, identity string, from, to time.Time) ([]Found, error) {
	if err := l.Load(ctx, from, to); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	id := alert.IDOf([]byte(identity))
	var (
		mu    sync.Mutex
		found []Found
		work  = make(chan Entry)
		group sync.WaitGroup
	)
	for range findReaders {
		group.Go(func() {
			for e := range work {
				matches, err := l.find(ctx, e, id)
				if err != nil {
					cancel(err)
					return
				}
				mu.Lock()
				found = append(found, matches...)
				mu.Unlock()
			}
		})
	}
	entries := l.All()
	slices.SortFunc(entries, func(a, b Entry) int { return b.From.Compare(a.From) })
feed:
	for _, e := range entries {
		select {
		case work <- e:
		case <-ctx.Done():
			break feed
		}
	}
	close(work)
	group.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("find alert: %w", err)
	}
	slices.SortFunc(found, func(a, b Found) int {
		return cmp.Or(a.From.Compare(b.From), a.Delivered.Compare(b.Delivered))
	})
	return found, nil
}

// find returns where the entry delivers the alert.
func (l *Ledger) find(ctx context.Context, e Entry, id alert.ID) ([]Found, error) {
	keys, err := l.Keys(ctx, e)
	if err != nil {
		return nil, err
	}
	var found []Found
	for i, k := range keys {
		if k.ID() != id {
			continue
		}
		f := Found{From: e.From, To: e.To, Late: e.Late > 0, Delivered: e.Created}
		f.Object, f.Line, f.Quarantined = e.place(int64(i))
		_, err := l.store.Look(ctx, f.Object)
		if f.Present = err == nil; err != nil && !errors.Is(err, gcs.ErrNotExist) {
			return nil, err
		}
		found = append(found, f)
	}
	return found, nil
}

// place is where the nth of the entry's alerts is.
func (e Entry) place(n int64) (object string, line int64, quarantined bool) {
	for _, p := range e.Objects {
		if n < p.Lines {
			return p.Name, n + 1, false
		}
		n -= p.Lines
	}
	return e.Quarantine.Name, n + 1, true
}
