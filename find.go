package collector

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"cloud.google.com/go/storage"

	"netskope-alerts.internal/collector/internal/alert"
)

// Found is one delivery of an alert.
type Found struct {
	Window      Window    `json:"window"`      // in which it was delivered
	Object      string    `json:"object"`      // name, without the bucket
	Line        int64     `json:"line"`        // of the object, uncompressed, counted from 1
	Quarantined bool      `json:"quarantined"` // Object is beside the feed's folder
	Late        bool      `json:"late"`        // a repair delivered it
	Delivered   time.Time `json:"delivered"`   // when that was decided; UTC
	Present     bool      `json:"present"`     // Object is still there
}

// findReaders is how many entries of the ledger are read at the same time.
const findReaders = 16

// Find looks an alert up in the ledger's windows that overlap the span, by its _id or, if
// it has none, by "sha256:" and the SHA-256 of its line in hex. It returns every
// delivery, oldest window first; there should be one at most.
func Find(ctx context.Context, c Config, bucket *storage.BucketHandle, id string, span Window) ([]Found, error) {
	entries, err := listLedger(ctx, bucket, c.Prefix, span)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	key := alert.KeyOf([]byte(id))
	var (
		mu    sync.Mutex
		found []Found
		work  = make(chan entry)
		group sync.WaitGroup
	)
	for range findReaders {
		group.Go(func() {
			for e := range work {
				matches, err := e.find(ctx, bucket, key)
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
		if c := a.Window.From.Compare(b.Window.From); c != 0 {
			return c
		}
		return a.Delivered.Compare(b.Delivered)
	})
	return found, nil
}

// find returns where the entry delivers the alert.
func (e *entry) find(ctx context.Context, bucket *storage.BucketHandle, key alert.Key) ([]Found, error) {
	keys, err := e.readKeys(ctx, bucket)
	if err != nil {
		return nil, err
	}
	var found []Found
	for i, k := range keys {
		if k != key {
			continue
		}
		f := Found{Window: e.window(), Line: int64(i) + 1, Late: e.Late > 0, Delivered: e.created}
		if f.Quarantined = f.Line > e.Alerts; f.Quarantined {
			f.Object, f.Line = e.Quarantine.Name, f.Line-e.Alerts
		} else {
			f.Object = e.Object.Name
		}
		if f.Present, err = exists(ctx, bucket, f.Object); err != nil {
			return nil, err
		}
		found = append(found, f)
	}
	return found, nil
}
