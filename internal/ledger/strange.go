package ledger

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"netskope-alerts.internal/collector/internal/gcs"
)

// LookAround lists what is in the ledger's folder before all names that entries have, and after
// those of the entries up to now: normally nothing. What is met there is in [Ledger.Strange] then.
//
// It needs storage.objects.list.
func (l *Ledger) LookAround(ctx context.Context, now time.Time) error {
	folder := l.folders.Ledger
	for _, names := range []gcs.Names{
		{Prefix: folder, To: folder + "1"}, {Prefix: folder, From: l.folders.EntriesTo(now)},
	} {
		if err := l.store.List(ctx, names, func(o gcs.Object) error {
			if _, noted := l.folders.ParseMoved(o.Name); !noted {
				l.isStrange(o)
			}
			return nil
		}); err != nil {
			return fmt.Errorf("look around the ledger: %w", err)
		}
	}
	return nil
}

// isStrange reports whether the object has a name that no entry has: somebody has left it in
// the ledger's folder, as a console does that makes folders. It is in nobody's way.
func (l *Ledger) isStrange(o gcs.Object) bool {
	if _, _, ok := l.folders.ParseEntry(o.Name); ok {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.strange == nil {
		l.strange = map[string]bool{}
	}
	l.strange[o.Name] = true
	return true
}

// Strange are names that this worker has met in the ledger's folder and that no entry has.
func (l *Ledger) Strange() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.strange))
}
