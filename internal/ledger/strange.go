package ledger

import (
	"context"
	"fmt"
	"time"

	"netskope-alerts.internal/collector/internal/gcs"
)

// LookAround lists what is in the ledger's folder before all names that entries have, and after
// those of the entries up to now: normally nothing. What is met there is in [Ledger.Strange] then.
//
// It needs storage.objects.list.
func (l *Ledger) LookAround(ctx context.Context, now time.Time) error {
	folder := l.folders.Ledger
	for _, names := range []gcs.Names{{Prefix: folder, To: folder + "1"}, {Prefix: folder, From: l.folders.EntriesTo(now)}} {
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
