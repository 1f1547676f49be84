package collector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
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

const (
	// mostStraySeconds is for how many seconds outside its range a cell asks, because the
	// tenant lists alerts of them.
	mostStraySeconds = 20
	// farAhead is how far in the future an alert's time may be for its cell to be waited for.
	farAhead = 24 * time.Hour
)

// errSlow says that the run's time was up while the tenant was still answering for a cell.
var errSlow = errors.New("the cell did not fit into the run's time")

// errCrowded says that a cell holds too much, and how dense that part of it is of which alerts were
// seen, in alerts per second: the tenant's order decides how little or much of the cell that is.
type errCrowded struct{ density float64 }

func (e *errCrowded) Error() string { return ledger.ErrTooMuch.Error() }
func (e *errCrowded) Unwrap() error { return ledger.ErrTooMuch }

// density is that of the parts, each so many seconds long, in which there are alerts; or that of the seconds
// within which all are, if these are fewer.
func density(held []int, part, seconds int64) float64 {
	alerts, parts := 0, int64(0)
	for _, n := range held {
		if n > 0 {
			alerts, parts = alerts+n, parts+1
		}
	}
	return float64(alerts) / float64(max(min(parts*part, seconds), 1))
}

// crowdParts is how many parts a cell has by which its density is measured.
const crowdParts = 60

// fetcher fetches cells: asked wide, kept exact.
type fetcher struct {
	client *netskope.Client
	field  alert.TimeField
	lag    time.Duration
}

// fetch pages through the span of whole seconds and hands every alert that belongs to it to keep, exactly
// once, in the tenant's order. all is as of [netskope.Range]. It returns [ledger.ErrTooMuch] if
// the span is longer than a second and holds more than a cell should. After an error, keep may
// have been handed any part of the alerts.
//
// The documentation contradicts itself on which bounds of a range are inclusive, so one
// second more is asked for on both sides than would do if both were. Alerts are told apart
// by _id, or by all their bytes if they have none, so pages may overlap, be asked for again,
// and begin again. An alert whose own time lies in the neighbour's seconds is left to it.
//
// An alert without a time of its own, or with one that is outside of all that was asked for,
// can be met in both neighbours of an edge. The earlier one has it: what the ranges of both
// have in common is just what is answered to a question from the start of the later range to
// the end of the earlier one, whichever bounds are inclusive. So nothing has to be known of
// what the neighbour does.
func (f fetcher) fetch(ctx context.Context, c Span, all func() bool, keep ledger.Keep) (
	seen ledger.Fetched, again int64, err error) {
	var counter tally.Counter
	var earlier map[alert.Key]bool // what the cell before has, too, of alerts without a time that says whose they are
	strays, kept := strays{fetcher: f}, true
	from, to := c.From.Unix()-1, c.To.Unix()
	var held [crowdParts + 3]int // by parts of the range that is asked for
	first, last := to, from
	part := (to - from + crowdParts - 1) / crowdParts
	most := mostPerCell
	second := c.To.Sub(c.From) <= time.Second
	if second {
		most = mostPerSecond
	}
	r := netskope.Range{From: from, To: to, Most: most, All: all, NotBefore: c.To.Add(f.lag)}
	met, err := f.client.Pages(ctx, r, func(a *page.Alert, key alert.Key) error {
		at, dated := alert.Time(a, f.field)
		reason := alert.QuarantineReason(a)
		if dated && (at < from || at > to) { // listed here, although its own time is elsewhere
			there, err := strays.listed(ctx, at, key)
			switch {
			case err != nil:
				return err
			case there && at > time.Now().Add(farAhead).Unix():
				reason = "its time is in the future"
			case there:
				return nil // it belongs to the cell of its own time
			}
			dated = false // nobody meets it by asking for its time
		} else if dated {
			held[(at-from)/part]++
			first, last = min(first, at), max(last, at)
		}
		if dated && (at == from || at == to) {
			return nil
		}
		if !dated {
			if earlier == nil {
				set, err := f.common(ctx, from, from+1)
				if err != nil {
					return err
				}
				earlier = set // whole, or not at all
			}
			if earlier[key] {
				return nil
			}
			at = c.From.Unix()
		}
		switch err := keep(a, key, reason); {
		case errors.Is(err, ledger.ErrKnown):
			return nil
		case err != nil:
			kept = false
			return err
		}
		if !dated {
			seen.Undated++
		}
		counter.Add(a, at)
		if stamp, ok := alert.EpochSeconds(a.Timestamp); ok {
			if stamp <= c.To.Unix() {
				seen.Newest = max(seen.Newest, stamp)
			}
			if stored, ok := alert.EpochSeconds(a.Inserted); ok {
				counter.Late(stored - stamp)
			}
		}
		return nil
	})
	seen.Tally, seen.Clashes, again = counter.Tally(), met.Clashes, met.Again
	switch {
	case err == nil:
		return seen, again, nil
	case errors.Is(err, netskope.ErrDeep) && !second:
		return seen, again, &errCrowded{density(held[:], part, last-first+1)}
	case errors.Is(err, netskope.ErrDeep):
		at := c.From
		if most := slices.Max(held[:]); most > held[1] {
			at = at.Add(time.Duration(slices.Index(held[:], most)-1) * time.Second)
		}
		err = fmt.Errorf("the second %s, or those beside it, holds more alerts than can be collected (at most %d): %w",
			at.Format(time.RFC3339), most, err)
	case kept && ctx.Err() == context.DeadlineExceeded && errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("%w: %w", errSlow, err)
	}
	return seen, again, fmt.Errorf("fetch %v: %w", c, err)
}

// strays are alerts that the tenant lists for a cell although their own times lie elsewhere.
type strays struct {
	fetcher
	at map[int64]map[alert.Key]bool // what is listed for a second
}

// listed reports whether the tenant lists the alert, too, if it is asked for the second.
func (s *strays) listed(ctx context.Context, second int64, key alert.Key) (bool, error) {
	if s.at == nil {
		s.at = map[int64]map[alert.Key]bool{}
	}
	if s.at[second] == nil {
		if len(s.at) == mostStraySeconds {
			return false, fmt.Errorf("the tenant does not keep to the range that is asked for: "+
				"it lists alerts of more than %d seconds outside", mostStraySeconds)
		}
		set, err := s.common(ctx, second-1, second)
		if err != nil {
			return false, err
		}
		s.at[second] = set
	}
	return s.at[second][key], nil
}

// common are the alerts of the range, both seconds included as they are asked for.
func (f fetcher) common(ctx context.Context, from, to int64) (map[alert.Key]bool, error) {
	set := map[alert.Key]bool{}
	r := netskope.Range{From: from, To: to, Most: mostPerSecond}
	_, err := f.client.Pages(ctx, r, func(_ *page.Alert, key alert.Key) error {
		set[key] = true
		return nil
	})
	return set, err
}
