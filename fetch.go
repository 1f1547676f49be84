package collector

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"netskope-alerts.internal/collector/internal/page"
)

const (
	// maxRestarts is how often the paging of one window begins anew after its cursor
	// expired.
	maxRestarts = 3
	// maxBarrenPages is how many pages in a row may hold nothing but alerts of earlier
	// pages before the paging counts as going in circles.
	maxBarrenPages = 20
	// maxCursorWait is the longest wait_time that is believed.
	maxCursorWait = 5 * time.Minute
)

// errCursorExpired says that the tenant no longer knows an operation cursor.
var errCursorExpired = errors.New("the tenant no longer knows the cursor of the page")

// fetched is what the paging of one window came to.
type fetched struct {
	alerts     int64 // kept: to be delivered, or put into quarantine
	newest     int64 // newest timestamp of a kept alert not later than the window's end; epoch seconds
	known      int64 // of the window's, delivered before
	duplicates int64 // met again on a later page
	undated    int64 // without a time of their own
	unsure     int64 // undated, or of a time that was not asked for: a neighbour may meet them again
	late       lateness
	counter    counter
}

// fetch pages through the window and hands every alert that belongs to it to keep,
// exactly once, in the tenant's order. known are alerts that are delivered already.
//
// Alerts are told apart by _id, or by all their bytes if they have none, so pages may
// overlap, be asked for again, and begin again. An alert whose own time lies in the
// second more that is asked for on either side is left to the neighbour. An alert
// without a time is kept; known must hold what the neighbours have of these. When fetch
// returns an error, keep may have been handed any part of the alerts.
func (t *tenant) fetch(ctx context.Context, w Window, field TimeField, known keySet, keep func(a *page.Alert, key alertKey, reason string) error) (*fetched, error) {
	f := &fetched{}
	if known == nil {
		known = keySet{}
	}
	from, to := w.asked()
	err := t.pages(ctx, from, to, field, func(a *page.Alert, number int) (bool, error) {
		key := keyOf(identity(a))
		switch earlier := known.meet(key, number); {
		case earlier == 0:
			f.known++
			return true, nil
		case earlier > 0:
			if earlier < number {
				f.duplicates++
			}
			return earlier == number, nil
		}
		at, dated := ownTime(a, field)
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
		f.counter.add(a, at)
		if stamp, ok := epochSeconds(a.Timestamp); ok {
			if stamp <= w.To.Unix() {
				f.newest = max(f.newest, stamp)
			}
			if stored, ok := epochSeconds(a.Inserted); ok {
				f.late.add(stored - stamp)
			}
		}
		return true, keep(a, key, quarantineReason(a, stray))
	})
	if err != nil {
		return nil, fmt.Errorf("fetch window %v: %w", w, err)
	}
	return f, nil
}

// pages asks for all pages of the seconds from..to, both included, and hands their
// alerts to each with the page's number, counted from 1. each says whether it met
// the alert for the first time. Where a cursor expires the paging begins again.
func (t *tenant) pages(ctx context.Context, from, to int64, field TimeField, each func(a *page.Alert, number int) (bool, error)) error {
	query := PageRequest{Field: field, From: from, To: to, Limit: t.pageSize}.query()
	number := 0
	for restarts := 0; ; restarts++ {
		query.Del("offset")
		query.Del("operation")
		err := t.pass(ctx, query, &number, each)
		if restarts == maxRestarts || !errors.Is(err, errCursorExpired) {
			return err
		}
	}
}

// pass follows the tenant's paging once, from the first page to the last. A page
// that names an operation is followed by that cursor; after any other, offset grows
// by what was received, because the tenant may cap or trim a page below its limit.
//
// Only an empty page ends the paging, or, with a tenant that pages by cursors, a page
// that names no further one. An empty page that follows alerts, or has a cursor, is
// believed when it is met twice in a row: that costs one request, and in simulations
// believing it at once lost alerts. One that comes first is an empty window.
func (t *tenant) pass(ctx context.Context, query url.Values, number *int, each func(a *page.Alert, number int) (bool, error)) error {
	var offset, empty, barren int
	allowed := maxBarrenPages + *number // a pass after a restart meets all pages before it again
	for {
		*number++
		progress := false
		answer, err := t.page(ctx, query, func(a *page.Alert) error {
			first, err := each(a, *number)
			progress = progress || first
			return err
		})
		if err != nil {
			if query.Has("operation") && isRefusal(err) {
				return fmt.Errorf("%w: %w", errCursorExpired, err)
			}
			if query.Has("offset") && !t.offsets && offset < t.pageSize && isRefusal(err) {
				t.cursors = true // it knows no offset, and had no cursor to give: that page was all
				return nil
			}
			return err
		}
		operation := cursor(answer.Operation)
		t.cursors = t.cursors || operation != ""
		t.offsets = t.offsets || query.Has("offset")
		if answer.Alerts == 0 {
			empty++
			inDoubt := operation != "" || query.Has("offset")
			if !inDoubt || empty == 2 {
				return nil
			}
		} else {
			if t.cursors && !query.Has("offset") && operation == "" {
				return nil
			}
			empty = 0
			offset += answer.Alerts
			if barren++; progress {
				barren = 0
			}
			if barren > allowed {
				return &TenantError{Status: http.StatusOK, Reason: fmt.Sprintf("paging goes in circles: %d pages in a row held only alerts of earlier pages", barren)}
			}
		}
		switch {
		case operation != "":
			query.Set("operation", operation)
			query.Del("offset")
			if err := pause(ctx, cursorWait(answer.WaitTime)); err != nil {
				return err
			}
		case !query.Has("operation"):
			query.Set("offset", strconv.Itoa(offset))
		}
	}
}

// isRefusal reports whether the tenant may have refused the request's cursor or
// offset. What exactly it answers then is not documented.
func isRefusal(err error) bool {
	var e *TenantError
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
