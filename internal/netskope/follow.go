package netskope

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
)

// offsets follows the first page by offsets.
func (p *paging) offsets(ctx context.Context, s sheet) error {
	last := s.alerts - 1    // offset of the last known alert
	overlap := s.alerts > 1 // or it would be the question before
	trims := false          // the tenant gives less than was asked for, although there is more
	changed, first := false, s
	short := false // a page after full ones was not full
	for nothing := 0; ; {
		if ceiling := int(p.ceiling.Load()); ceiling > 0 && last+1 >= ceiling {
			return fmt.Errorf("%w: the tenant serves no more than %d of a range", ErrDeep, ceiling)
		}
		if last+1 > p.r.Most || p.crowded(last+1) {
			return ErrDeep
		}
		if short && !trims && !changed {
			if done, err := p.rest(ctx, last, s.last); done || err != nil {
				return err
			}
		}
		short = false
		q := Request{Offset: last}
		if !overlap {
			q.Offset++
		}
		next, err := p.ask(ctx, q, s.last)
		behind := next.alerts
		if overlap {
			behind -= next.at + 1
		}
		switch {
		case err != nil && !isRefusal(err):
			return err
		case err == nil && next.operation != "":
			return p.chain(ctx, next)
		case err != nil || overlap && next.alerts == 0: // although there is an alert at this offset
			single := err != nil && last == first.alerts-1 // the tenant may not take offsets at all
			if single && nothing == 0 {
				if done, err := p.single(ctx, first); done || err != nil {
					return err
				}
			}
			if nothing++; nothing < maxContradictions {
				continue
			}
			if single {
				return p.reshape(ctx, first)
			}
			if p.pages == 0 {
				return errChanged // alerts may have vanished meanwhile
			}
			return p.deep(last, "it answers nothing")
		case overlap && next.at < 0:
			return errChanged
		case !overlap && behind > 0 && next.unseen == 0: // rows have moved down, or the tenant ignores offsets
			if err := p.repeats(ctx, last, "it gives an earlier page again"); err != nil {
				return err
			}
			changed, last = true, q.Offset+next.alerts-1
		case behind > 0:
			trims = trims || s.alerts < p.settings.PageSize
			changed = changed || overlap && next.at > 0
			last = q.Offset + next.alerts - 1
			s, nothing, overlap = next, 0, next.alerts > 1
			short = overlap && s.alerts < p.settings.PageSize && !p.order.broken
		case overlap && next.at > 0 && next.first == s.first && !changed: // as above
			if err := p.repeats(ctx, last, "it gives its last page again"); err != nil {
				return err
			}
			changed = true
		case overlap && (trims || s.alerts >= p.settings.PageSize): // this answer may have been trimmed, too, to nothing but the overlap
			changed = changed || next.at > 0
			overlap, nothing = false, 1
		case overlap:
			return p.end(ctx, last, changed || next.at > 0)
		default:
			if nothing++; nothing == 2 {
				return p.end(ctx, last, changed)
			}
		}
	}
}

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

// reshape asks for a range that fits on one page once more, by another limit, of a tenant that
// does not take offsets.
func (p *paging) reshape(ctx context.Context, s sheet) error {
	limit := s.alerts + 1
	if limit > p.settings.PageSize {
		limit = max(s.alerts-1, 1)
	}
	next, err := p.ask(ctx, Request{Limit: limit}, s.last)
	switch {
	case err != nil:
		return err
	case next.operation != "":
		return p.chain(ctx, next)
	case next.fresh > 0 || next.alerts < min(limit, s.alerts):
		return errChanged
	case s.alerts >= p.settings.PageSize:
		return fmt.Errorf("%w: a full page, and neither a cursor nor an offset leads on", ErrDeep)
	}
	return nil
}

// chain follows a page that names a cursor, to the last.
func (p *paging) chain(ctx context.Context, s sheet) error {
	begin, received, barren, twice := s, s.alerts, 0, false
	allowed := maxBarrenPages + p.pages // a pass after another meets all pages before it again
	for operation := ""; ; {
		switch last := s.operation == "" && operation != ""; {
		case last && s.alerts > 0 && s.first == begin.first:
			return errChanged // the first page again, from somewhere where no cursor is known
		case last && (s.alerts > 0 || twice):
			return nil
		}
		if received > p.r.Most {
			return ErrDeep
		}
		if barren++; s.fresh > 0 {
			barren = 0
		}
		if barren > allowed {
			return &Error{Status: http.StatusOK, Reason: fmt.Sprintf(
				"paging goes in circles: %d pages in a row held nothing new", barren)}
		}
		if twice = s.operation == ""; !twice {
			operation = s.operation
		}
		if err := pause(ctx, s.wait); err != nil {
			return err
		}
		next, err := p.ask(ctx, Request{Operation: operation}, alert.Key{})
		if isRefusal(err) {
			return fmt.Errorf("%w: %w", ErrCursorExpired, err)
		}
		if err != nil {
			return err
		}
		received += next.alerts
		s = next
	}
}

// isRefusal reports whether the tenant may have refused the request's cursor or
// offset. What exactly it answers then is not documented.
func isRefusal(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusGone, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
