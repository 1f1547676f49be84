package netskope

import (
	"context"
	"errors"
	"fmt"
	"net/http"
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
	// sample is how many alerts show how dense a range is.
	sample = 500
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
	// errEach stands for what the function failed with that the alerts are handed to: that may be
	// a refusal of the tenant's, too, but is none of the page.
	errEach = errors.New("an alert could not be taken")
)

// Range is what is asked for: seconds counted from the epoch, both included as they are
// asked. No page is asked for behind the first Most alerts.
type Range struct {
	From, To int64
	Most     int
	// All, if not nil, is asked after a page that was not full, and reports whether everything is met that
	// is known to be in the range, and that something is: then that page was the last.
	All func() bool
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
//     known alert and holds nothing behind it; or, where the list goes by time, an answer to
//     a question for the time that is left that holds the last known alert and nothing new.
//     One without alerts, at an offset at which there is one, shows a ceiling.
//   - As many alerts are met as the list has rows. If there are fewer, some came before others
//     meanwhile, or one was met twice in the place of another, as where a tenant lists the
//     alerts of one second in another order from answer to answer: the range is paged through
//     again. So it is if a page does not begin with the last known alert and there are more.
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
		case p.failed != nil:
			return p.Seen, p.failed
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

// paging is one range under way.
type paging struct {
	*Client
	r    Range
	each func(a *page.Alert, key alert.Key) error
	Seen
	met     map[alert.ID]meeting
	clashes map[alert.Key]int32 // as met, of further alerts with an _id that was met
	fresh   int                 // alerts of this pass that none before it had met
	seen    int                 // alerts that whole answers of this pass held, each counted once
	order   order               // of the alerts as they were met first

	dated          bool // some that were met are of a time within the range
	oldest, newest int64

	answers int32          // so far, those included that broke off
	whole   map[int32]bool // answers of this pass that were whole
	pages   int            // of earlier passes
	failed  error          // of each; it ends everything
}

func (p *paging) begin() {
	p.pages += len(p.whole)
	p.whole, p.fresh, p.seen = map[int32]bool{}, 0, 0
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

// young is how long to wait until the tenant's clock shows what it must.
func (p *paging) young() time.Duration {
	if date := p.date.Load(); date != 0 && !p.r.NotBefore.IsZero() {
		return p.r.NotBefore.Sub(time.Unix(0, date))
	}
	return 0
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
		if err == nil && s.alerts >= limit {
			err = errChanged // a full page where there was nothing, but a short one by the page size
		}
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
	case p.complete(s):
		return nil
	case p.cursors.Load():
		return p.reshape(ctx, s)
	}
	return p.offsets(ctx, s)
}

// complete reports whether the page was the last because all that is known is met.
func (p *paging) complete(s sheet) bool {
	return p.r.All != nil && s.alerts < p.settings.PageSize && p.r.All()
}
