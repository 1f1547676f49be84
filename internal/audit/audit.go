// Package audit holds what was delivered against what the tenant lists, and delivers what is
// missing. It asks in other cuts of time than the collector did, so that what hid an alert
// from the one does not hide it from the other.
package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/semaphore"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/layout"
	"netskope-alerts.internal/collector/internal/ledger"
	"netskope-alerts.internal/collector/internal/page"
)

// Auditor is one audit under way. All fields but the last group are handed in.
type Auditor struct {
	Ledger  *ledger.Ledger
	Bucket  *gcs.Bucket
	Folders layout.Folders
	Options Options
	// Through is how far the collector has come: nothing behind it is audited. UTC.
	Through time.Time
	// Page is how many alerts a page holds: cuts that hold less are joined.
	Page int
	// States are names in the feed's folder that are the state's.
	States []string
	// TimeField is the time by which alerts belong to cells.
	TimeField alert.TimeField
	// Fetch hands every alert of a span of whole seconds to keep, once. all, if not nil, is asked after
	// a page that was not full, and reports whether what is known to be in the span was handed over, and
	// that something is: then that page was the last. The error is [ledger.ErrTooMuch] if a span of more
	// than a second holds too much.
	Fetch func(ctx context.Context, s ledger.Span, all func() bool, keep ledger.Keep) (ledger.Fetched, error)
	// Fill delivers a hole in the ledger, and says how many alerts that were.
	Fill func(ctx context.Context, hole ledger.Span) (int64, error)
	// InFlight is how many parts are audited at the same time.
	InFlight int

	folder *folder
	begun  *semaphore.Weighted // alerts of the parts that are being audited
	fill   chan struct{}       // holes are filled one after the other: that takes workers of its own
}

// ErrNothing says that there is nothing that could be audited.
var ErrNothing = errors.New("there is nothing to audit")

// Run audits from where the summary has come up to its end, one delivered cell or hole after
// the other, and hands what it finds to each.
//
// Only what the collector has left behind is audited, and nothing before the ledger begins.
// An error ends it; what was repaired is repaired.
func (a *Auditor) Run(ctx context.Context, s *Summary, each func(Result)) error {
	defer func() { s.Strange = a.Ledger.Strange() }()
	if err := a.begin(ctx, s); err != nil {
		return err
	}
	if err := a.audit(ctx, s, each); err != nil {
		return err
	}
	if s.Cells == 0 {
		return fmt.Errorf("%w between %s and %s", ErrNothing, s.From.Format(time.RFC3339), s.To.Format(time.RFC3339))
	}
	if err := a.recognize(ctx, s); err != nil {
		return err
	}
	s.Complete = true
	return nil
}

// begin finds out what can be audited, and reads the ledger and the folders.
func (a *Auditor) begin(ctx context.Context, s *Summary) (err error) {
	if s.To = s.To.Truncate(time.Second); s.To.IsZero() || s.To.After(a.Through) {
		s.To = a.Through
	}
	if s.LedgerFrom, err = a.Ledger.Start(ctx); err != nil {
		return err
	}
	if err := a.Ledger.LookAround(ctx, time.Now()); err != nil {
		return err
	}
	if s.LedgerFrom.IsZero() {
		return fmt.Errorf("%w: the ledger is empty, and nothing that was delivered so far is known", ErrNothing)
	}
	s.From = s.From.Truncate(time.Second) // a hole is cut into cells from there
	if s.From.Before(s.LedgerFrom) {
		s.From = s.LedgerFrom
	}
	if s.At.Before(s.From) {
		s.At = s.From
	}
	if !s.At.Before(s.To) {
		return fmt.Errorf("%w: the ledger begins at %s, the collector has come to %s", ErrNothing,
			s.LedgerFrom.Format(time.RFC3339), a.Through.Format(time.RFC3339))
	}
	if err := a.Ledger.Load(ctx, s.At, s.To); err != nil {
		return err
	}
	if e, ok := a.Ledger.Delivered(s.At); ok {
		s.At = e.From // whole cells
	}
	if a.Options.Repair {
		if _, err := a.Ledger.Recover(ctx); err != nil {
			return err
		}
	}
	a.folder, err = listFolder(ctx, a.Bucket, a.Folders, a.States, ledger.Span{From: s.At, To: s.To}, a.Ledger.All())
	return err
}

// hole lists what the tenant has of a span of which nothing was ever delivered.
func (a *Auditor) hole(ctx context.Context, hole ledger.Span) (*Result, error) {
	r := &Result{From: hole.From, To: hole.To, Uncovered: true}
	missing := map[alert.Key]bool{}
	_, err := a.ask(ctx, []ledger.Span{hole}, nil, func(raw *page.Alert, key alert.Key, _ string) error {
		if !a.folder.list(key) && !missing[key] {
			missing[key] = true
			r.miss(string(alert.Identity(raw)))
		}
		return nil
	})
	if err != nil || r.Missing == 0 || !a.Options.Repair {
		return r, err
	}
	select {
	case a.fill <- struct{}{}:
		defer func() { <-a.fill }()
	case <-ctx.Done():
		return r, ctx.Err()
	}
	filled, err := a.Fill(ctx, hole)
	if err == nil {
		err = a.strike(ctx, hole, missing)
	}
	if err != nil {
		return r, fmt.Errorf("repair hole %v: %w", hole, err)
	}
	for _, e := range a.Ledger.All() {
		if e.From.Before(hole.To) && hole.From.Before(e.To) {
			r.into(e)
		}
	}
	// By this repair, or by somebody else who delivered a part of it meanwhile.
	left := int64(len(missing))
	r.Repaired = max(r.Missing-left, filled)
	r.Missing = r.Repaired + left
	return r, nil
}

// strike strikes out of the missing what the ledger shows as delivered in the span by now.
func (a *Auditor) strike(ctx context.Context, span ledger.Span, missing map[alert.Key]bool) error {
	if err := a.Ledger.Load(ctx, span.From, span.To); err != nil {
		return err
	}
	for _, e := range a.Ledger.All() {
		if !e.From.Before(span.To) || !span.From.Before(e.To) {
			continue
		}
		keys, err := a.Ledger.Keys(ctx, e)
		if err != nil {
			return err
		}
		for _, key := range keys {
			delete(missing, key)
		}
	}
	return nil
}

// into names the objects that a repair has made.
func (r *Result) into(e ledger.Entry) {
	for _, p := range e.Objects {
		r.RepairedInto = name(r.RepairedInto, p.Name)
	}
	if e.Quarantine != nil {
		r.RepairedInto = name(r.RepairedInto, e.Quarantine.Name)
	}
}

func (r *Result) miss(identity string) {
	r.Missing++
	if len(r.Examples) < maxExamples {
		r.Examples = append(r.Examples, identity)
	}
}
