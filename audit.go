package collector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"netskope-alerts.internal/collector/internal/audit"
	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/layout"
	"netskope-alerts.internal/collector/internal/ledger"
	"netskope-alerts.internal/collector/internal/message"
	"netskope-alerts.internal/collector/internal/stream"
	"netskope-alerts.internal/collector/internal/strictjson"
)

// Audit lists the tenant's alerts of the past again, compares them with the ledger, and with
// what lies in the feed's folder, and tells each what it found. With Repair it delivers what
// is missing, in late objects that the ledger records; two repairs at once, or one that is
// killed and repeated, deliver it once.
func (c *Collector) Audit(ctx context.Context, o audit.Options, each func(audit.Result)) (audit.Summary, error) {
	s := audit.Summary{From: o.Since, To: o.Until}
	err := c.resumeAudit(ctx, o, &s, each)
	return s, err
}

// resumeAudit audits from where the summary has come, or from its start.
func (c *Collector) resumeAudit(ctx context.Context, o audit.Options, s *audit.Summary, each func(audit.Result)) error {
	began := time.Now()
	if c.Pace == nil { // a hole that is filled is asked for at the same pace
		paced := *c
		c, paced.Pace = &paced, c.NewPace()
	}
	l := c.Ledger()
	state, _, err := c.currentState(ctx, l, began) // where it is lost or damaged, the ledger's
	if err != nil {
		return err
	}
	f := c.fetcher(nil)
	a := audit.Auditor{Ledger: l, Bucket: c.Bucket, Folders: c.Folders(), Options: o, Through: state.Through,
		Page: c.PageSize, States: []string{c.StateKey, layout.OriginalStateKey(c.Prefix)}, TimeField: c.TimeField,
		Fetch: func(ctx context.Context, s Span, all func() bool, keep ledger.Keep) (ledger.Fetched, error) {
			seen, _, err := f.fetch(ctx, s, all, keep)
			return seen, err
		}, Fill: c.fill, InFlight: c.share(c.InFlight)}
	err = a.Run(ctx, s, each)
	s.Took += time.Since(began)
	s.Requests += f.client.Counts().Requests
	return err
}

// fill delivers a hole in the ledger as a backfill does.
func (c *Collector) fill(ctx context.Context, hole Span) (alerts int64, err error) {
	for {
		r, err := c.Backfill(ctx, time.Now(), hole, nil)
		alerts += r.Alerts
		if err != nil || r.CaughtUp {
			return alerts, err
		}
	}
}

// auditAttributes are an audit's record in the log.
func auditAttributes(of stream.Stream, s *audit.Summary) []slog.Attr {
	return []slog.Attr{
		slog.String("stream", of.String()),
		slog.Time("audit_from", s.From),
		slog.Time("audit_to", s.To),
		slog.Time("audit_at", s.At),
		slog.Bool("complete", s.Complete),
		slog.Int("cells", s.Cells),
		slog.Int("cells_with_gaps", s.Gaps),
		slog.Int64("delivered", s.Delivered),
		slog.Int64("missing", s.Missing),
		slog.Int64("repaired", s.Repaired),
		slog.Int64("duplicated", s.Duplicated),
		slog.Int64("unknown", s.Unknown),
		slog.Int("objects_pending", s.Pending),
		slog.Int("objects_gone", s.Gone),
		slog.Int("objects_damaged", s.Damaged),
		slog.Int("objects_foreign", len(s.Foreign)),
		slog.Int("requests", s.Requests),
		slog.Float64("duration_seconds", s.Took.Seconds()),
	}
}

// progress is how far an audit that a message asked for has come: a run of the function
// may have too little time for all of it.
type progress struct {
	Asked  time.Duration `json:"asked"` // how far back, nanoseconds
	Repair bool          `json:"repair"`
	Now    time.Time     `json:"now"` // the first message's time
	Audit  audit.Summary `json:"audit"`

	generation int64
	saved      time.Time
}

// leftAlone is how long the progress of an audit may stand still before it is in nobody's way.
const leftAlone = time.Hour

// progressEvery is how many cells are audited between two savings.
const progressEvery = 50

// auditBudgeted audits, within the budget, what a message asks for. An audit that was
// not complete is gone on with, whatever the new message asks for: that comes when it is
// delivered again. The same message delivered again after its audit was completed
// changes nothing.
func (c *Collector) auditBudgeted(ctx context.Context, now time.Time, asked message.Request) (audit.Summary, error) {
	p, err := c.readProgress(ctx)
	if err != nil {
		return audit.Summary{}, err
	}
	atEnd := !p.Audit.To.IsZero() && !p.Audit.At.Before(p.Audit.To) // without having said so
	if p.generation != 0 && !p.Audit.Complete && (atEnd || time.Since(p.saved) > leftAlone) {
		p.Audit.Complete, p.Now = true, time.Time{}
	}
	mine := p.generation != 0 && p.Now.Equal(now) && p.Asked == asked.Verify && p.Repair == asked.Repair
	switch {
	case mine && p.Audit.Complete:
		return p.Audit, nil
	case p.generation == 0 || p.Audit.Complete:
		p = progress{Asked: asked.Verify, Repair: asked.Repair, Now: now.UTC(), generation: p.generation,
			Audit: audit.Summary{From: now.Add(-asked.Verify).UTC().Truncate(time.Second)}}
		mine = true
	}
	budgeted, cancel := context.WithTimeout(ctx, c.Budget)
	defer cancel()
	cells := 0
	var saveErr error
	err = c.resumeAudit(budgeted, audit.Options{Repair: p.Repair}, &p.Audit, func(audit.Result) {
		if cells++; cells%progressEvery == 0 && saveErr == nil {
			if p, saveErr = c.saveProgress(ctx, p); saveErr != nil {
				cancel() // somebody else audits, or nothing can be saved
			}
		}
	})
	spent := saveErr == nil && budgeted.Err() == context.DeadlineExceeded && errors.Is(err, context.DeadlineExceeded)
	switch {
	case saveErr != nil:
		return p.Audit, saveErr
	case err != nil && !spent:
		return p.Audit, err
	case spent && cells == 0:
		return p.Audit, fmt.Errorf("%w: no cell could be audited in it: %w", errBudgetSpent, err)
	}
	if _, err := c.saveProgress(ctx, p); err != nil {
		return p.Audit, err
	}
	if !mine && p.Audit.Complete {
		p.Audit.Complete = false // the other message's; this one has not been worked on
	}
	return p.Audit, nil
}

func (c *Collector) readProgress(ctx context.Context) (progress, error) {
	var p progress
	content, o, err := c.Bucket.Read(ctx, c.Folders().Audit, 0, maxStateBytes)
	if errors.Is(err, gcs.ErrNotExist) {
		return p, nil
	}
	if err == nil {
		err = strictjson.Decode(content, &p)
	}
	if err != nil {
		return p, fmt.Errorf("read progress of the audit %s: %w; if it is damaged, delete it, and the audit begins anew",
			c.Bucket.URI(c.Folders().Audit), err)
	}
	p.generation, p.saved = o.Generation, o.Created
	return p, nil
}

// LastAudit is the audit that a message asked for last, whether it is complete or not, and when
// it was saved, UTC; zero if there was none. Audits of an operator's command leave no trace.
//
// It needs storage.objects.get and storage.objects.list.
func (c *Collector) LastAudit(ctx context.Context) (audit.Summary, time.Time, error) {
	p, err := c.readProgress(ctx)
	return p.Audit, p.saved, err
}

// saveProgress replaces what p was read from, and no other.
func (c *Collector) saveProgress(ctx context.Context, p progress) (progress, error) {
	content, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return p, fmt.Errorf("encode progress of the audit: %w", err)
	}
	o, err := c.Bucket.Put(ctx, c.Folders().Audit, p.generation, append(content, '\n'), "application/json", nil)
	if errors.Is(err, gcs.ErrChanged) {
		err = fmt.Errorf("another audit saved its own; one at a time: %w", err)
	}
	if err != nil {
		return p, fmt.Errorf("save progress of the audit: %w", err)
	}
	p.generation = o.Generation
	return p, nil
}
