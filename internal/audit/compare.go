package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/ledger"
	"netskope-alerts.internal/collector/internal/page"
)

// errAsunder says that a cut over several cells shows something that only shorter cuts can
// assign to one of them.
var errAsunder = errors.New("an alert without a time of its own is missing")

// maxRepairRaces is how often a repair is begun anew because another came first.
const maxRepairRaces = 20

// compared is a delivered cell that is held against the tenant's alerts.
type compared struct {
	*Result
	entry   ledger.Entry
	entries []ledger.Entry     // the cell's own, and those of repairs
	known   map[alert.Key]bool // what they deliver; true if the tenant lists just that
	ids     map[alert.ID]bool  // of known
	missing map[alert.Key]bool
}

// know notes that the alert is delivered.
func (c *compared) know(key alert.Key) {
	if _, ok := c.known[key]; !ok {
		c.known[key] = false
	}
	c.ids[key.ID()] = true
}

// compare asks the tenant for the part's cells, and repairs what is missing of each.
func (a *Auditor) compare(ctx context.Context, p part) ([]*Result, error) {
	cells := make([]*compared, len(p.entries))
	reading, ctx2 := errgroup.WithContext(ctx)
	for i, e := range p.entries {
		reading.Go(func() (err error) {
			cells[i], err = a.delivered(ctx2, e)
			return err
		})
	}
	if err := reading.Wait(); err != nil {
		return nil, err
	}
	l := listing{a: a, cells: cells, unlisted: map[alert.ID]int32{}, others: map[alert.Key]other{}}
	for _, c := range cells {
		for key := range c.known {
			l.unlisted[key.ID()]++
			l.unseen++
		}
	}
	all := func() bool { return l.unseen == 0 }
	if l.unseen == 0 {
		all = nil // absence has to be shown otherwise
	}
	_, err := a.ask(ctx, a.spans(p), all, l.take)
	if err == nil {
		l.settle()
		if l.asunder {
			err = errAsunder
		}
	}
	if err != nil {
		return nil, err
	}
	var results []*Result
	for _, c := range cells {
		if c.Missing > 0 && a.Options.Repair {
			if err := a.repair(ctx, c); err != nil {
				return nil, fmt.Errorf("repair cell %v: %w", c.entry.Cell, err)
			}
		}
		results = append(results, c.Result)
	}
	return results, nil
}

// ask fetches the spans; one that holds too much is asked for in halves.
func (a *Auditor) ask(ctx context.Context, spans []ledger.Span, all func() bool, keep ledger.Keep) (
	seen ledger.Fetched, err error) {
	for _, s := range spans {
		part, err := a.Fetch(ctx, s, all, keep)
		seen.Add(part)
		if half := s.To.Sub(s.From) / 2; errors.Is(err, ledger.ErrTooMuch) && half >= time.Second {
			middle := s.From.Add(half.Truncate(time.Second))
			part, err = a.ask(ctx, []ledger.Span{{From: s.From, To: middle}, {From: middle, To: s.To}}, all, keep)
			seen.Add(part)
		}
		if err != nil {
			return seen, err
		}
	}
	return seen, nil
}

// delivered is what ledger and folder say of the cell.
func (a *Auditor) delivered(ctx context.Context, e ledger.Entry) (*compared, error) {
	c := &compared{Result: &Result{From: e.From, To: e.To}, entry: e,
		known: map[alert.Key]bool{}, ids: map[alert.ID]bool{}, missing: map[alert.Key]bool{}}
	c.entries = append([]ledger.Entry{e}, a.Ledger.Late(e.Cell)...)
	know := func(keys []alert.Key) {
		for _, key := range keys {
			if _, again := c.known[key]; again {
				c.Duplicated++
			}
			c.Duplicated += a.folder.duplicate(key)
			c.know(key)
		}
	}
	for _, e := range slices.Backward(c.entries) { // repairs first: they may have brought again what was lost
		a.folder.recognize(e)
		keys, err := a.Ledger.Keys(ctx, e)
		if err != nil {
			return nil, err
		}
		a.folder.examine(e, c.Result)
		for _, p := range e.Objects {
			part := keys[:p.Lines]
			keys = keys[p.Lines:]
			gone := a.folder.gone(p)
			if gone && !slices.ContainsFunc(part, func(key alert.Key) bool { _, ok := c.known[key]; return !ok }) {
				continue // a repair has brought them again
			}
			c.Delivered += p.Lines
			if gone {
				c.Gone++
				c.GoneObjects = name(c.GoneObjects, p.Name)
			}
			if !gone || !a.Options.ObjectsKept { // else it is lost: what the feed has not got is missing
				know(part)
			}
		}
		c.Delivered += int64(len(keys))
		know(keys) // in quarantine
	}
	return c, nil
}

// repair delivers what is missing of the cell as its next late entry. Where another repair got
// in between, what is missing is found out anew.
func (a *Auditor) repair(ctx context.Context, c *compared) error {
	spans := a.spans(part{ledger.Span{From: c.entry.From, To: c.entry.To}, []ledger.Entry{c.entry}, a.alerts(c.entry)})
	for range maxRepairRaces {
		kept := map[alert.Key]bool{}
		fetch := func(ctx context.Context, _ cell.Cell, keep ledger.Keep) (ledger.Fetched, error) {
			return a.ask(ctx, spans, nil, func(raw *page.Alert, key alert.Key, reason string) error {
				if c.ids[key.ID()] && !c.missing[key] || kept[key] || a.folder.list(key) {
					return ledger.ErrKnown
				}
				kept[key] = true
				return keep(raw, key, reason)
			})
		}
		e, err := a.Ledger.Repair(ctx, c.entry.Cell, fetch)
		if errors.Is(err, ledger.ErrRepaired) {
			keys, err := a.Ledger.Keys(ctx, e)
			if err != nil {
				return err
			}
			for _, key := range keys {
				c.know(key)
				delete(c.missing, key)
			}
			continue
		}
		if err != nil {
			return err
		}
		c.repaired(kept)
		c.into(e)
		return nil
	}
	return fmt.Errorf("%w, %d times in a row", ledger.ErrRepaired, maxRepairRaces)
}

// repaired notes what a repair has delivered. What another one delivered is missing no more;
// what the tenant has listed once and not again still is.
func (c *compared) repaired(kept map[alert.Key]bool) {
	c.Repaired = int64(len(kept))
	c.Missing = c.Repaired
	for key := range c.missing {
		if !kept[key] {
			c.Missing++
		}
	}
}
