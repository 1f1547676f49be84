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
	"netskope-alerts.internal/collector/internal/cell"
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

// Search is what [Ledger.Search] looks for, and where.
type Search struct {
	Identity string    // of the alert: see [alert.Identity]
	From, To time.Time // of cells, half-open
	All      bool      // look on when it is found
	// Progress, unless nil, is told how many of the entries with alerts are read. It is never called
	// twice at once.
	Progress func(read, of int)
}

const (
	// findReaders is how many entries of the ledger are read at the same time: of a quarter of a
	// year in five-minute cells, at 60 ms each, that takes a quarter of a minute.
	findReaders = 100
	// listAtOnce is the part of a span that one of several lists is of, and listers is how many
	// there are at the same time.
	listAtOnce = 3 * 24 * time.Hour
	listers    = 16
)

// Find looks an alert up in the entries of the span, half-open, by its identity (see
// [alert.Identity]). It returns every delivery, that of the oldest cell first; there should
// be one at most.
//
// It needs storage.objects.list and storage.objects.get.
func (l *Ledger) Find(ctx context.Context, identity string, from, to time.Time) ([]Found, error) {
	return l.Search(ctx, Search{Identity: identity, From: from, To: to, All: true})
}

// Search looks an alert up, in the newest cells first, many at the same time. Unless All is asked
// for, it ends with the cell in which it finds it; what was found elsewhere until then is
// returned, too, that of the oldest cell first.
//
// It needs storage.objects.list and storage.objects.get.
func (l *Ledger) Search(ctx context.Context, s Search) ([]Found, error) {
	if err := l.loadSideBySide(ctx, s.From, s.To); err != nil {
		return nil, err
	}
	entries := slices.DeleteFunc(l.All(), func(e Entry) bool { return e.Alerts+e.Quarantined == 0 })
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(b.From.Compare(a.From), cmp.Compare(a.Cell.Level(), b.Cell.Level()), cmp.Compare(b.Late, a.Late))
	})
	id := alert.IDOf([]byte(s.Identity))
	var (
		mu     sync.Mutex
		found  []Found
		read   int
		inCell = map[cell.Cell]bool{} // in which it was found
	)
	err := eachSideBySide(ctx, findReaders, entries, func(ctx context.Context, e Entry) error {
		mu.Lock()
		enough := !s.All && len(inCell) > 0 && !inCell[e.Cell]
		mu.Unlock()
		if enough {
			return gcs.Enough
		}
		matches, err := l.find(ctx, e, id)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		if read++; s.Progress != nil {
			s.Progress(read, len(entries))
		}
		if found = append(found, matches...); len(matches) > 0 {
			inCell[e.Cell] = true
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find alert: %w", err)
	}
	slices.SortFunc(found, func(a, b Found) int {
		return cmp.Or(a.From.Compare(b.From), a.Delivered.Compare(b.Delivered))
	})
	return found, nil
}

// loadSideBySide is Load of a long span, in several lists at the same time.
func (l *Ledger) loadSideBySide(ctx context.Context, from, to time.Time) error {
	var parts []Span
	for at := from; at.Before(to); at = at.Add(listAtOnce) {
		end := at.Add(listAtOnce)
		if to.Before(end) {
			end = to
		}
		parts = append(parts, Span{From: at, To: end})
	}
	return eachSideBySide(ctx, listers, parts, func(ctx context.Context, part Span) error {
		return l.Load(ctx, part.From, part.To)
	})
}

// eachSideBySide calls do for all, in their order, for as many as most at the same time. The first
// error ends it; gcs.Enough ends it without one, when what was begun is done.
func eachSideBySide[T any](ctx context.Context, most int, all []T, do func(context.Context, T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work, enough := make(chan T), make(chan struct{})
	var once sync.Once
	var group sync.WaitGroup
	for range min(most, len(all)) {
		group.Go(func() {
			for one := range work {
				switch err := do(ctx, one); {
				case errors.Is(err, gcs.Enough):
					once.Do(func() { close(enough) })
				case err != nil:
					cancel(err)
				}
			}
		})
	}
feed:
	for _, one := range all {
		select {
		case work <- one:
		case <-enough:
			break feed
		case <-ctx.Done():
			break feed
		}
	}
	close(work)
	group.Wait()
	return context.Cause(ctx)
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
