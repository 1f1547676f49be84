package audit

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/semaphore"

	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/ledger"
)

const (
	// longest is the longest span that is asked for at once.
	longest = 24 * time.Hour
	// mostBegun is how many alerts the parts may hold in all that are audited at the same time: they
	// are what an audit needs memory for.
	mostBegun = 150_000
)

// part is what is audited with one set of questions: delivered cells that lie side by side, or, without
// entries, a hole in the ledger.
//
// None of the questions is one that the collector has asked: those for several cells at once, or
// for parts of a cell, are for spans that no cell has.
type part struct {
	ledger.Span
	entries []ledger.Entry
	alerts  int64 // that the ledger knows of it
}

// cut is the part that begins at the moment and ends, if it has several cells, not after to. It
// holds as much as fits on a page, or a single cell.
func (a *Auditor) cut(at, to time.Time) part {
	e, ok := a.Ledger.Delivered(at)
	if !ok {
		return part{Span: a.Ledger.Holes(at, sooner(cell.At(cell.Hour, at).To(), to))[0]}
	}
	p := part{Span: ledger.Span{From: at, To: e.To}}
	for {
		p.entries, p.alerts, p.To = append(p.entries, e), p.alerts+a.alerts(e), e.To
		e, ok = a.Ledger.Delivered(p.To)
		if !ok || e.To.After(to) || e.To.Sub(at) > longest || p.alerts+a.alerts(e) > a.aPage() {
			return p
		}
	}
}

// aPage is how many alerts that are known leave room for some that are not on one page.
func (a *Auditor) aPage() int64 { return max(int64(a.Page)*9/10, 1) }

// alerts are those of the cell that the ledger knows, repairs included.
func (a *Auditor) alerts(e ledger.Entry) (n int64) {
	for _, e := range append(a.Ledger.Late(e.Cell), e) {
		n += e.Alerts + e.Quarantined
	}
	return n
}

// spans are for what the tenant is asked about the cells: for all at once, or, of a single one, for
// parts that fit on a page each, two at least. A second cannot be cut.
func (a *Auditor) spans(p part) []ledger.Span {
	if len(p.entries) > 1 {
		return []ledger.Span{p.Span}
	}
	seconds := int64(p.To.Sub(p.From).Seconds())
	n := min(max(2, (p.alerts+a.aPage()-1)/a.aPage()), seconds)
	spans := make([]ledger.Span, n)
	for i := range spans {
		at := func(i int64) time.Time { return p.From.Add(time.Duration(seconds*i/n) * time.Second) }
		spans[i] = ledger.Span{From: at(int64(i)), To: at(int64(i) + 1)}
	}
	return spans
}

// audited is what was found of a part.
type audited struct {
	results []*Result
	to      time.Time
	err     error
}

// audit audits what is left of the summary's span, several parts at once, and tells of them in their order.
func (a *Auditor) audit(ctx context.Context, s *Summary, each func(Result)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a.begun, a.fill = semaphore.NewWeighted(mostBegun), make(chan struct{}, 1)
	slots := make(chan struct{}, max(a.InFlight, 1))
	flying := make(chan chan audited, cap(slots)) // in the order of their parts
	go func() {
		defer close(flying)
		for at := s.At; at.Before(s.To); {
			p := a.cut(at, s.To)
			at = p.To
			weight := min(p.alerts, mostBegun)
			if a.begun.Acquire(ctx, weight) != nil {
				return
			}
			slots <- struct{}{}
			done := make(chan audited, 1)
			go func() {
				defer func() { a.begun.Release(weight); <-slots }()
				results, err := a.look(ctx, p)
				done <- audited{results, p.To, err}
			}()
			flying <- done
		}
	}()
	var first error
	for done := range flying {
		found := <-done
		switch {
		case first != nil: // those behind it have to end
		case found.err != nil:
			first = found.err
			cancel()
		default:
			for _, r := range found.results {
				s.add(r)
			}
			s.At = found.to // before anybody is told, who may save how far the audit has come
			for _, r := range found.results {
				if each != nil {
					each(*r)
				}
			}
		}
	}
	if first == nil && s.At.Before(s.To) {
		first = ctx.Err()
	}
	return first
}

// look audits a part.
func (a *Auditor) look(ctx context.Context, p part) ([]*Result, error) {
	if len(p.entries) == 0 {
		r, err := a.hole(ctx, p.Span)
		return []*Result{r}, err
	}
	results, err := a.compare(ctx, p)
	if !errors.Is(err, errAsunder) {
		return results, err
	}
	results = nil
	for _, e := range p.entries {
		one, err := a.compare(ctx, part{ledger.Span{From: e.From, To: e.To}, []ledger.Entry{e}, a.alerts(e)})
		if err != nil {
			return nil, err
		}
		results = slices.Concat(results, one)
	}
	return results, nil
}

func sooner(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
