package netskope

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/page"
)

const (
	// maxPasses is how often a range is paged through, because the tenant's list changed or
	// a cursor expired on the way.
	maxPasses = 4
	// maxBarrenPages is how many pages in a row may hold nothing new before the paging
	// counts as going in circles.
	maxBarrenPages = 20
	// maxContradictions is how often in a row a question is repeated whose answer
	// contradicts what the tenant has said.
	maxContradictions = 3
	// maxCursorWait is the longest wait_time that is believed.
	maxCursorWait = 5 * time.Minute
)

var (
	// ErrDeep says that a range holds more alerts than may be asked for, or than the tenant
	// pages through.
	ErrDeep = errors.New("the range holds more alerts than can be paged through")
	// ErrCursorExpired says that the tenant no longer knows an operation cursor.
	ErrCursorExpired = errors.New("the tenant no longer knows the cursor of the page")

	errChanged = errors.New("the tenant's list changed while it was paged through")
)

// Range is what is asked for: seconds counted from the epoch, both included as they are
// asked. No page is asked for behind the first Most alerts.
type Range struct {
	From, To int64
	Most     int
	// NotBefore is what the tenant's own clock must show, by the Date of its answers:
	// insertion times are the tenant's, and what is younger than it thinks may still become
	// visible. Zero asks for nothing.
	NotBefore time.Time
}

// YoungError says that by the tenant's clock it is too early to ask for the range.
type YoungError struct {
	Wait time.Duration
	Date time.Time // the tenant's clock
}

func (e *YoungError) Error() string {
	return "by the tenant's clock the range is too young to be asked for, by " + e.Wait.String()
}

// Pages hands every alert of the range to each, once, in the tenant's order. The error is
// ErrDeep where the range holds too much; after any error, each may have been handed any
// part of the alerts.
//
// That there is nothing more is never believed on one answer:
//
//   - Pages by offset overlap by an alert. The end is an answer that begins with the last
//     known alert and holds nothing behind it. One that does not begin with it shows that
//     the list has changed, and the range is paged through again. One without alerts, at an
//     offset at which there is one, shows a ceiling.
//   - A range without alerts, or with a single one, is asked for again in another shape.
//   - An answer that names a next page is not the last, also if it is empty. The last one of
//     a chain of cursors holds alerts, or comes twice.
//   - What was received and not repeated, by a page that broke off or before a cursor
//     expired, is evidence that there is more.
//
// How a tenant pages is learned from answers that worked only.
func (c *Client) Pages(ctx context.Context, r Range, each func(a *page.Alert, key alert.Key) error) (
	Seen, error) {
	p := &paging{Client: c, r: r, each: each, met: map[alert.ID]meeting{}}
	for passes := 1; ; passes++ {
		p.begin()
		err := p.follow(ctx)
		unrepeated := 0
		if err == nil {
			unrepeated = p.unrepeated()
		}
		switch {
		case err == nil && unrepeated == 0:
			return p.Seen, nil
		case err != nil && !errors.Is(err, errChanged) && !errors.Is(err, ErrCursorExpired):
			return p.Seen, err
		case passes < maxPasses:
		case errors.Is(err, errChanged):
			return p.Seen, fmt.Errorf("%w: %w, %d times in a row", ErrDeep, err, passes)
		case err != nil:
			return p.Seen, err
		default:
			return p.Seen, &Error{Status: http.StatusOK, Passing: true, Reason: fmt.Sprintf(
				"%d alerts that it gave before are in none of its answers any more", unrepeated)}
		}
	}
}

// Seen counts what is remarkable of a range.
type Seen struct {
	Again   int64 // alerts met again, and handed over once
	Clashes int64 // alerts with the _id of another one, but other bytes; handed over, too
}

// meeting is an alert that was met: the checksum of its bytes, and the answer that held it last,
// counted from 1.
type meeting struct {
	sum    uint32
	answer int32
}

// paging is one range under way.
type paging struct {
	*Client
	r    Range
	each func(a *page.Alert, key alert.Key) error
	Seen
	met     map[alert.ID]meeting
	clashes map[alert.Key]int32 // as met, of further alerts with an _id that was met
	fresh   int                 // alerts of this pass that none before it had met

	answers int32          // so far, those included that broke off
	whole   map[int32]bool // answers of this pass that were whole
	pages   int            // of earlier passes
}

func (p *paging) begin() {
	p.pages += len(p.whole)
	p.whole, p.fresh = map[int32]bool{}, 0
}

// unrepeated counts the alerts that no whole answer of this pass held.
func (p *paging) unrepeated() (n int) {
	if int(p.answers) == len(p.whole) {
		return 0 // nothing broke off, and this is the first pass
	}
	for _, m := range p.met {
		if !p.whole[m.answer] {
			n++
		}
	}
	for _, answer := range p.clashes {
		if !p.whole[answer] {
			n++
		}
	}
	return n
}

// sheet is one page, as far as it shows where the paging is.
type sheet struct {
	alerts      int
	fresh       int // of alerts, those not met before
	unseen      int // of alerts, those not met before by whole answers of this pass
	first, last alert.Key
	at          int    // where the alert is that was looked for; -1 if it is not there
	operation   string // cursor of the next page; empty for none
	wait        time.Duration
}

// ask asks for a page, and looks for an alert in it.
func (p *paging) ask(ctx context.Context, q Request, look alert.Key) (sheet, error) {
	return p.askIn(ctx, p.r, q, look)
}

func (p *paging) askIn(ctx context.Context, r Range, q Request, look alert.Key) (sheet, error) {
	q.Field, q.From, q.To = p.settings.Field, r.From, r.To
	if q.Limit == 0 {
		q.Limit = p.settings.PageSize
	}
	var s sheet
	envelope, err := p.page(ctx, q.query(), func() func(*page.Alert) error {
		p.answers++
		s = sheet{at: -1}
		return func(a *page.Alert) error {
			key := alert.KeyOf(a)
			if s.alerts == 0 {
				s.first = key
			}
			s.last = key
			if key == look && s.at < 0 {
				s.at = s.alerts
			}
			s.alerts++
			earlier, known := p.meet(key)
			if !p.whole[earlier] && earlier != p.answers {
				s.unseen++
			}
			if known {
				if earlier != p.answers {
					p.Again++
				}
				return nil
			}
			s.fresh++
			p.fresh++
			return p.each(a, key)
		}
	})
	if err != nil {
		return s, err
	}
	p.whole[p.answers] = true
	s.operation, s.wait = cursor(envelope.Operation), cursorWait(envelope.WaitTime)
	if s.operation != "" {
		p.cursors.Store(true)
	}
	return s, nil
}

// young is how long to wait until the tenant's clock shows what it must.
func (p *paging) young() time.Duration {
	if date := p.date.Load(); date != 0 && !p.r.NotBefore.IsZero() {
		return p.r.NotBefore.Sub(time.Unix(0, date))
	}
	return 0
}

// meet notes that the answer under way holds the alert, and returns the answer that held it last.
func (p *paging) meet(key alert.Key) (earlier int32, known bool) {
	id, sum := key.ID(), binary.BigEndian.Uint32(key[12:])
	first, known := p.met[id]
	if !known || first.sum == sum {
		p.met[id] = meeting{sum, p.answers}
		return first.answer, known
	}
	earlier, known = p.clashes[key] // another alert of the same _id
	if !known {
		p.Clashes++
	}
	if p.clashes == nil {
		p.clashes = map[alert.Key]int32{}
	}
	p.clashes[key] = p.answers
	return earlier, known
}

// follow pages through the range once.
func (p *paging) follow(ctx context.Context) error {
	s, err := p.ask(ctx, Request{}, alert.Key{})
	if err == nil && s.alerts == 0 && s.operation == "" {
		limit := p.settings.PageSize - 1
		if limit == 0 {
			limit = 2
		}
		s, err = p.ask(ctx, Request{Limit: limit}, alert.Key{})
	}
	switch {
	case err != nil:
		return err
	case p.young() > 0:
		return &YoungError{p.young(), time.Unix(0, p.date.Load()).UTC()}
	case s.operation != "":
		return p.chain(ctx, s)
	case s.alerts == 0:
		return nil
	case p.cursors.Load():
		return p.reshape(ctx, s)
	}
	return p.offsets(ctx, s)
}

// offsets follows the first page by offsets.
func (p *paging) offsets(ctx context.Context, s sheet) error {
	last := s.alerts - 1    // offset of the last known alert
	overlap := s.alerts > 1 // or it would be the question before
	trims := false          // the tenant gives less than was asked for, although there is more
	changed, first := false, s
	for nothing := 0; ; {
		if ceiling := int(p.ceiling.Load()); ceiling > 0 && last+1 >= ceiling {
			return fmt.Errorf("%w: the tenant serves no more than %d of a range", ErrDeep, ceiling)
		}
		if last+1 > p.r.Most {
			return ErrDeep
		}
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
			if nothing++; nothing < maxContradictions {
				continue
			}
			if err != nil && last == first.alerts-1 {
				return p.reshape(ctx, first)
			}
			return p.deep(last, "it answers nothing")
		case overlap && next.at < 0:
			return errChanged
		case !overlap && behind > 0 && next.unseen == 0:
			return p.deep(last, "it gives an earlier page again")
		case behind > 0:
			trims = trims || s.alerts < p.settings.PageSize
			changed = changed || overlap && next.at > 0
			last = q.Offset + next.alerts - 1
			s, nothing, overlap = next, 0, next.alerts > 1
		case overlap && next.at > 0 && next.first == s.first:
			return p.deep(last, "it gives its last page again")
		case overlap && trims: // this answer may have been trimmed, too, to nothing but the overlap
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
	if last < p.settings.PageSize || int64(last) < p.deepest.Load() {
		return nil
	}
	unseen, halves := 0, p.r.halves()
	if p.r.To-p.r.From < 4 { // a second, whose halves are the same question
		behind, err := p.ask(ctx, Request{Offset: last + 1}, alert.Key{})
		if err != nil && !isRefusal(err) {
			return err
		}
		if behind.alerts > 0 && behind.unseen == 0 {
			return p.deep(last, "it gives an earlier page again")
		}
		unseen, halves = behind.unseen, nil
	}
	for _, half := range halves {
		for q := (Request{}); q.Offset <= last; q.Offset += p.settings.PageSize {
			s, err := p.askIn(ctx, half, q, alert.Key{})
			if err != nil && !isRefusal(err) {
				return err
			}
			if unseen += s.unseen; s.alerts < p.settings.PageSize || s.unseen > 0 {
				break
			}
		}
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

func (r Range) halves() []Range {
	middle := r.From + (r.To-r.From)/2
	return []Range{{From: r.From, To: middle}, {From: middle, To: r.To}}
}

// reshape asks for a range that fits on one page once more, by another limit, of a tenant that
// does not take offsets.
func (p *paging) reshape(ctx context.Context, s sheet) error {
	limit := s.alerts + 1
	if limit >= p.settings.PageSize {
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
	received, barren, twice := s.alerts, 0, false
	allowed := maxBarrenPages + p.pages // a pass after another meets all pages before it again
	for operation := ""; ; {
		if s.operation == "" && (s.alerts > 0 || twice) {
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

// cursor is the operation that an answer names, or nothing.
func cursor(raw []byte) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	if _, ok := alert.EpochSeconds(raw); ok {
		return string(raw)
	}
	return ""
}

// cursorWait is how long an answer's wait_time asks to wait before its cursor is
// followed. It comes in seconds, as a number or as a string.
func cursorWait(raw []byte) time.Duration {
	seconds, err := strconv.ParseFloat(strings.Trim(string(raw), `" `), 64)
	if err != nil || !(seconds > 0) {
		return 0
	}
	return time.Duration(min(seconds, maxCursorWait.Seconds()) * float64(time.Second))
}
