package collector

import (
	"context"
	"fmt"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/netskope"
	"netskope-alerts.internal/collector/internal/page"
	"netskope-alerts.internal/collector/internal/tally"
)

// fetched is what the paging of one window came to.
type fetched struct {
	alerts     int64 // kept: to be delivered, or put into quarantine
	newest     int64 // newest timestamp of a kept alert not later than the window's end; epoch seconds
	known      int64 // of the window's, delivered before
	duplicates int64 // met again on a later page
	undated    int64 // without a time of their own
	unsure     int64 // undated, or of a time that was not asked for: a neighbour may meet them again
	counter    tally.Counter
}

// fetch pages through the window and hands every alert that belongs to it to keep,
// exactly once, in the tenant's order. known are alerts that are delivered already.
//
// Alerts are told apart by _id, or by all their bytes if they have none, so pages may
// overlap, be asked for again, and begin again. An alert whose own time lies in the
// second more that is asked for on either side is left to the neighbour. An alert
// without a time is kept; known must hold what the neighbours have of these. When fetch
// returns an error, keep may have been handed any part of the alerts.
func fetch(ctx context.Context, t *netskope.Client, w Window, field TimeField, known alert.Set, keep func(a *page.Alert, key alert.Key, reason string) error) (*fetched, error) {
	f := &fetched{}
	if known == nil {
		known = alert.Set{}
	}
	from, to := w.asked()
	err := t.Pages(ctx, from, to, func(a *page.Alert, number int) (bool, error) {
		key := alert.KeyOf(alert.Identity(a))
		switch earlier := known.Meet(key, number); {
		case earlier == 0:
			f.known++
			return true, nil
		case earlier > 0:
			if earlier < number {
				f.duplicates++
			}
			return earlier == number, nil
		}
		at, dated := alert.Time(a, field)
		stray := dated && (at < from || at > to)
		if dated && !stray && !w.contains(at) {
			return true, nil
		}
		if !dated {
			f.undated++
		}
		if !dated || stray {
			f.unsure++
			at = w.From.Unix()
		}
		f.alerts++
		f.counter.Add(a, at)
		if stamp, ok := alert.EpochSeconds(a.Timestamp); ok {
			if stamp <= w.To.Unix() {
				f.newest = max(f.newest, stamp)
			}
			if stored, ok := alert.EpochSeconds(a.Inserted); ok {
				f.counter.Late(stored - stamp)
			}
		}
		return true, keep(a, key, alert.QuarantineReason(a, stray))
	})
	if err != nil {
		return nil, fmt.Errorf("fetch window %v: %w", w, err)
	}
	return f, nil
}
