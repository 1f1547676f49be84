package netskope

import (
	"context"
	"fmt"

	"netskope-alerts.internal/collector/internal/alert"
)

// crowded reports whether a range of which so many alerts are met can be seen to hold by far too
// many.
func (p *paging) crowded(met int) bool {
	const far = 3
	return p.r.To-p.r.From >= 4 && !p.order.broken && p.order.estimate(p.r, met) > far*p.r.Most
}

// rest asks, after a page that was not full, for what is left of the time in which the list would go on:
// there must be the last known alert, and nothing that is not known. done says that it is so, and the range
// has come to its end: neither a ceiling nor a page that came too short can hide anything from a
// question as narrow as this. If done is false, offsets have to show the end.
func (p *paging) rest(ctx context.Context, last int, known alert.Key) (done bool, err error) {
	rest := p.order.tail(p.r)
	if 2*(rest.To-rest.From) > p.r.To-p.r.From {
		return false, nil // as wide as the question before
	}
	s, err := p.askIn(ctx, rest, Request{}, known)
	switch {
	case isRefusal(err):
		return false, nil
	case err != nil:
		return false, err
	case s.unseen > 0 && p.pages == 0:
		return false, errChanged // or alerts came meanwhile
	case s.unseen > 0:
		return false, p.deep(last, "shorter ranges hold more")
	}
	return s.at >= 0 && s.alerts < p.settings.PageSize && s.operation == "", nil
}

// single asks, where the first offset was refused behind a page that was not full, for what is left of the
// time in which the list would go on. done says that there is nothing else, and that the answer was shorter than
// that page: so neither was cut short to a length that the tenant gives at most.
func (p *paging) single(ctx context.Context, first sheet) (done bool, err error) {
	if first.alerts >= p.settings.PageSize || p.order.broken || first.alerts < orderly {
		return false, nil
	}
	s, err := p.askIn(ctx, p.order.tail(p.r), Request{}, first.last)
	if err != nil {
		if isRefusal(err) {
			err = nil
		}
		return false, err
	}
	if s.unseen > 0 {
		return false, errChanged // that page was not all: what was met now would hide it from the next question
	}
	return s.at >= 0 && s.alerts < first.alerts && s.operation == "", nil
}

// repeats is an error if the tenant answers with known alerts to an offset so far behind the
// last one that no alerts that came meanwhile could have moved them there: then it has a
// ceiling, and says this behind it.
func (p *paging) repeats(ctx context.Context, last int, says string) error {
	s, err := p.ask(ctx, Request{Offset: last + 1 + max(p.settings.PageSize, 100)}, alert.Key{})
	switch {
	case isRefusal(err):
		return nil
	case err == nil && s.alerts > 0 && s.unseen == 0:
		return p.deep(last, says)
	}
	return err
}

// deep notes a ceiling: behind the alert at the offset the tenant says what it says.
func (p *paging) deep(last int, says string) error {
	p.ceiling.CompareAndSwap(0, int64(last)+1)
	return fmt.Errorf("%w: behind the first %d, %s", ErrDeep, last+1, says)
}

// end believes an end that the offsets have shown. If rows had moved down, because others came
// before them, these are found by another pass. And a range that is deeper than any that the
// tenant was seen to page through may end at a ceiling: then there is something where nothing
// should be, or its halves hold more.
func (p *paging) end(ctx context.Context, last int, changed bool) error {
	if changed && p.fresh > 0 {
		return errChanged
	}
	if last+1 < p.settings.PageSize || int64(last) < p.deepest.Load() {
		return nil
	}
	unseen, halves := 0, p.halves()
	switch {
	case p.r.To-p.r.From < 4: // a second, whose halves are the same question
		if err := p.repeats(ctx, last, "it gives an earlier page again"); err != nil {
			return err
		}
		halves = nil
	case halves == nil:
		return fmt.Errorf("%w: nothing shorter shows whether the first %d of one second are all", ErrDeep, last+1)
	}
	for _, half := range halves {
		n, err := p.unseenIn(ctx, half, last)
		if err != nil {
			return err
		}
		unseen += n
	}
	switch {
	case unseen > 0 && p.pages == 0:
		return errChanged // or alerts came meanwhile
	case unseen > 0:
		return p.deep(last, "shorter ranges hold more")
	}
	for deepest := p.deepest.Load(); int64(last) > deepest; deepest = p.deepest.Load() {
		p.deepest.CompareAndSwap(deepest, int64(last))
	}
	return nil
}

// unseenIn counts alerts of the half that its whole has not shown, up to the first page that holds
// one. Its end, too, is shown by a page that begins with the last known alert, and not by one that
// is short: the tenant may give less than was asked for.
func (p *paging) unseenIn(ctx context.Context, half Range, last int) (unseen int, err error) {
	offset, overlap, look := 0, false, alert.Key{}
	for nothing := 0; offset <= last && nothing < 2; {
		s, err := p.askIn(ctx, half, Request{Offset: offset}, look)
		switch {
		case err != nil && !isRefusal(err):
			return 0, err
		case s.unseen > 0:
			return s.unseen, nil
		case err != nil || s.alerts == 0:
			nothing++
		case overlap && s.at < 0:
			return 0, errChanged
		case overlap && s.at == s.alerts-1:
			return 0, nil
		default:
			overlap, look, nothing = s.alerts > 1, s.last, 0
			if offset += s.alerts; overlap {
				offset--
			}
		}
	}
	return 0, nil
}

// halves cut the range in the midst of the times that were met: so each holds fewer alerts than were met,
// and a ceiling that hides some of the range does not hide them of both. There are none where all that
// were met are of one second, or of two.
func (p *paging) halves() []Range {
	r, middle := p.r, p.r.From+(p.r.To-p.r.From)/2
	if p.dated {
		if p.newest-p.oldest < 2 {
			return nil
		}
		middle = p.oldest + (p.newest-p.oldest)/2
	}
	return []Range{{From: r.From, To: middle}, {From: middle, To: r.To}}
}
