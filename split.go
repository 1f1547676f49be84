package collector

import (
	"context"
	"fmt"
	"time"

	"cloud.google.com/go/storage"
)

// splitTimeout bounds the splitting of a window, which comes after the run's budget.
const splitTimeout = 20 * time.Second

// split gives the window that did not fit into a whole run a nearer end, so that a burst
// after a long quiet stretch cannot hold the collector up for ever.
//
// The end of a window may be changed only if nobody can deliver the whole window any
// more, or its alerts would be there twice. So the name of its ledger entry is taken
// first, by an entry that delivers nothing: whoever still works on the whole window
// finds the name taken, sees why, and goes on with the stored end.
//
// On an error the window may be marked, but its end is as it was; the next run that
// delivers the window finds the mark and moves the end then.
func split(ctx context.Context, bucket *storage.BucketHandle, c Config, s State) (State, error) {
	ctx, cancel := context.WithTimeout(ctx, splitTimeout)
	defer cancel()
	mark, _, err := createEntry(ctx, bucket, windowEntry(s.prefix(), s.window()), splitMark(s.window()), nil)
	if err != nil {
		return s, fmt.Errorf("split window %v: %w", s.window(), err)
	}
	if !mark.Split {
		return s, nil // delivered after all
	}
	return saveSplit(ctx, bucket, c, s)
}

// saveSplit stores the nearer end of a window that is marked.
func saveSplit(ctx context.Context, bucket *storage.BucketHandle, c Config, s State) (State, error) {
	saved, err := saveState(ctx, bucket, c.StateKey, s.choose(s.window().split(c.Window), c))
	if err != nil {
		return s, err
	}
	return saved, nil
}
