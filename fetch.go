package collector

import (
	"context"
	"errors"
	"fmt"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/ledger"
	"netskope-alerts.internal/collector/internal/netskope"
	"netskope-alerts.internal/collector/internal/page"
	"netskope-alerts.internal/collector/internal/tally"
)

const (
	// mostPerCell is how many alerts a cell may hold before it is split. Whether the tenant has a
	// ceiling on offsets is not known; neighbours have one at 10,000 or 50,000, so none
	// beyond the lowest is asked for where a shorter cell does.
	mostPerCell = 10_000
	// mostPerSecond is how many alerts a second, which cannot be split, may hold: more would
	// not fit into the memory of a run. The tenant itself gives at most some 20,000 a second.
	mostPerSecond = 500_000
)

// errSlow says that the run's time was up while the tenant was still answering for a cell.
var errSlow = errors.New("the cell did not fit into the run's time")

// fetcher fetches cells: asked wide, kept exact.
type fetcher struct {
	client *netskope.Client
	field  alert.TimeField
}

// fetch pages through the cell and hands every alert that belongs to it to keep, exactly
// once, in the tenant's order. It returns [ledger.ErrTooMuch] if the cell holds more than a
// cell should. After an error, keep may have been handed any part of the alerts.
//
// The documentation contradicts itself on which bounds of a range are inclusive, so one
// second more is asked for on both sides than would do if both were. Alerts are told apart
// by _id, or by all their bytes if they have none, so pages may overlap, be asked for again,
// and begin again. An alert whose own time lies in the neighbour's seconds is left to it.
//
// An alert without a time of its own can be met in both neighbours of an edge. The earlier
// one has it: what the ranges of both have in common is just what is answered to a question
// from the start of the later range to the end of the earlier one, whichever bounds are
// inclusive. So nothing has to be known of what the neighbour does.
func (f fetcher) fetch(ctx context.Context, c cell.Cell, keep ledger.Keep) (seen ledger.Fetched, duplicates int64, err error) {
	var counter tally.Counter
	var earlier alert.Set // what the cell before has, too, of alerts without a time
	known, kept := alert.Set{}, true
	from, to := c.From().Unix()-1, c.To().Unix()
	most := mostPerCell
	if c.Level() == cell.Last {
		most = mostPerSecond
	}
	err = f.client.Pages(ctx, from, to, most, func(a *page.Alert, number int) (bool, error) {
		key := alert.KeyOf(alert.Identity(a))
		if met := known.Meet(key, number); met > 0 {
			if met < number {
				duplicates++
			}
			return met == number, nil
		}
		at, dated := alert.Time(a, f.field)
		stray := dated && (at < from || at > to)
		if dated && !stray && !c.Contains(at) {
			return true, nil
		}
		if !dated {
			if earlier == nil {
				if earlier, err = f.common(ctx, from, from+1); err != nil {
					return true, err
				}
			}
			if _, ok := earlier[key]; ok {
				return true, nil
			}
		}
		err := keep(a, key, alert.QuarantineReason(a, stray))
		switch {
		case errors.Is(err, ledger.ErrKnown):
			return true, nil
		case err != nil:
			kept = false
			return true, err
		}
		if !dated {
			seen.Undated++
		}
		if !dated || stray {
			at = c.From().Unix()
		}
		counter.Add(a, at)
		if stamp, ok := alert.EpochSeconds(a.Timestamp); ok {
			if stamp <= c.To().Unix() {
				seen.Newest = max(seen.Newest, stamp)
			}
			if stored, ok := alert.EpochSeconds(a.Inserted); ok {
				counter.Late(stored - stamp)
			}
		}
		return true, nil
	})
	seen.Tally = counter.Tally()
	switch {
	case err == nil:
		return seen, duplicates, nil
	case errors.Is(err, netskope.ErrDeep) && c.Level() < cell.Last:
		return seen, duplicates, ledger.ErrTooMuch
	case errors.Is(err, netskope.ErrDeep):
		err = fmt.Errorf("the second %s holds more than %d alerts, which is more than can be collected: %w",
			c.From().Format(time.RFC3339), most, err)
	case kept && ctx.Err() == context.DeadlineExceeded && errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("%w: %w", errSlow, err)
	}
	return seen, duplicates, fmt.Errorf("fetch cell %v: %w", c, err)
}

// common are the alerts of the range, both seconds included as they are asked for.
func (f fetcher) common(ctx context.Context, from, to int64) (alert.Set, error) {
	set := alert.Set{}
	err := f.client.Pages(ctx, from, to, mostPerSecond, func(a *page.Alert, number int) (bool, error) {
		met := set.Meet(alert.KeyOf(alert.Identity(a)), number)
		return met < 0 || met == number, nil
	})
	return set, err
}
