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
	twice := s.twice
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
		behind, rows := next.alerts, q.Offset+next.alerts-twice-next.twice
		if overlap {
			behind -= max(next.at, 0) + 1
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
		case overlap && next.at < 0 && rows != p.seen:
			return errChanged
		case !overlap && behind > 0 && next.unseen == 0: // rows have moved down, or the tenant ignores offsets
			if err := p.repeats(ctx, last, "it gives an earlier page again"); err != nil {
				return err
			}
			changed, last = true, q.Offset+next.alerts-1
		case behind > 0 && rows > p.seen:
			return errChanged
		case behind > 0:
			trims = trims || s.alerts < p.settings.PageSize
			last, twice = q.Offset+next.alerts-1, twice+next.twice
			s, nothing, overlap = next, 0, next.alerts > 1
			short = overlap && s.alerts < p.settings.PageSize && !p.order.broken
		case overlap && next.at > 0 && next.first == s.first && !changed: // as above
			if err := p.repeats(ctx, last, "it gives its last page again"); err != nil {
				return err
			}
			changed = true
		case overlap && rows > p.seen:
			return errChanged
		case overlap && (trims || s.alerts >= p.settings.PageSize):
			// This answer may have been trimmed, too, to nothing but the overlap.
			overlap, nothing = false, 1
		case overlap:
			return p.end(ctx, last, changed)
		default:
			if nothing++; nothing == 2 {
				return p.end(ctx, last, changed)
			}
		}
	}
}

// reshape asks for a range that fits on one page once more, by another limit, of a tenant that
// does not take offsets.
func (p *paging) reshape(ctx context.Context, s sheet) error {
	limit := s.alerts + 1
	if limit > p.settings.PageSize && s.alerts > 1 {
		limit = s.alerts - 1
	}
	next, err := p.ask(ctx, Request{Limit: limit}, s.last)
	switch {
	case err != nil:
		return err
	case next.operation != "":
		return p.chain(ctx, next)
	case next.fresh > 0 || next.alerts < min(limit, s.alerts):
		return errChanged
	case limit < s.alerts:
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
