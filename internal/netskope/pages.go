package netskope

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
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

// ErrCursorExpired says that the tenant no longer knows an operation cursor.
var ErrCursorExpired = errors.New("the tenant no longer knows the cursor of the page")

// ErrDeep says that a range holds more alerts than it may.
var ErrDeep = errors.New("the range holds more alerts than may be asked for at once")

// Pages asks for all pages of the seconds from..to, both included, and hands their
// alerts to each with the page's number, counted from 1. each says whether it met
// the alert for the first time. Where a cursor expires the paging begins again. No page is
// asked for behind the first most alerts: where there are more, the error is ErrDeep.
func (c *Client) Pages(ctx context.Context, from, to int64, most int,
	each func(a *page.Alert, number int) (bool, error)) error {
	query := Request{Field: c.settings.Field, From: from, To: to, Limit: c.settings.PageSize}.query()
	number := 0
	for restarts := 0; ; restarts++ {
		query.Del("offset")
		query.Del("operation")
		err := c.pass(ctx, query, &number, most, each)
		if restarts == maxRestarts || !errors.Is(err, ErrCursorExpired) {
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
func (c *Client) pass(ctx context.Context, query url.Values, number *int, most int,
	each func(a *page.Alert, number int) (bool, error)) error {
	var offset, empty, barren int
	allowed := maxBarrenPages + *number // a pass after a restart meets all pages before it again
	for {
		*number++
		progress := false
		answer, err := c.page(ctx, query, func(a *page.Alert) error {
			first, err := each(a, *number)
			progress = progress || first
			return err
		})
		if err != nil {
			if query.Has("operation") && isRefusal(err) {
				return fmt.Errorf("%w: %w", ErrCursorExpired, err)
			}
			if query.Has("offset") && !c.offsets.Load() && offset < c.settings.PageSize && isRefusal(err) {
				c.cursors.Store(true) // it knows no offset, and had no cursor to give: that page was all
				return nil
			}
			return err
		}
		operation := cursor(answer.Operation)
		if operation != "" {
			c.cursors.Store(true)
		}
		if query.Has("offset") {
			c.offsets.Store(true)
		}
		if answer.Alerts == 0 {
			empty++
			inDoubt := operation != "" || query.Has("offset")
			if !inDoubt || empty == 2 {
				return nil
			}
		} else {
			if c.cursors.Load() && !query.Has("offset") && operation == "" {
				return nil
			}
			empty = 0
			offset += answer.Alerts
			if barren++; progress {
				barren = 0
			}
			if barren > allowed {
				return &Error{Status: http.StatusOK, Reason: fmt.Sprintf(
					"paging goes in circles: %d pages in a row held only alerts of earlier pages", barren)}
			}
		}
		switch {
		case offset > most:
			return ErrDeep
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
