package collector

import (
	"context"
	"slices"
	"time"

	"cloud.google.com/go/storage"

	"netskope-alerts.internal/collector/internal/alert"
)

// ledger is the part of the ledger that a run found when it began, and what the run has
// met since. Of the windows that others deliver beside it, it need not know: those have
// their entries' names to meet at.
type ledger struct {
	bucket  *storage.BucketHandle
	entries []entry // by From
}

// loadLedger lists what is delivered in w into the folders, and close enough to it to be
// met again.
func loadLedger(ctx context.Context, bucket *storage.BucketHandle, w Window, prefixes ...string) (*ledger, error) {
	l := &ledger{bucket: bucket}
	for _, prefix := range slices.Compact(prefixes) {
		entries, err := listLedger(ctx, bucket, prefix, w.widened())
		if err != nil {
			return nil, err
		}
		l.entries = append(l.entries, entries...)
	}
	return l, nil
}

// covering is the entry of the window that holds the moment. Late entries cover
// nothing: they hold what was missing.
func (l *ledger) covering(at time.Time) (entry, bool) {
	for _, e := range l.entries {
		if !e.Split && e.Late == 0 && !at.Before(e.From) && at.Before(e.To) {
			return e, true
		}
	}
	return entry{}, false
}

// clip ends the window before the next one that is delivered, so that no two windows
// overlap.
func (l *ledger) clip(w Window) Window {
	for _, e := range l.entries {
		if !e.Split && e.Late == 0 && e.From.After(w.From) && e.From.Before(w.To) {
			w.To = e.From
		}
	}
	return w
}

// known are the alerts that a request for the window may meet although they are
// delivered: by entries that overlap it, and, if they have alerts without a time of
// their own, by its neighbours.
func (l *ledger) known(ctx context.Context, w Window) (alert.Set, error) {
	known := alert.Set{}
	for _, e := range l.entries {
		if e.window().overlaps(w) || e.undated() && e.window().overlaps(w.widened()) {
			keys, err := e.readKeys(ctx, l.bucket)
			if err != nil {
				return nil, err
			}
			for _, key := range keys {
				known[key] = 0
			}
		}
	}
	return known, nil
}
