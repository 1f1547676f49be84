package status

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"netskope-alerts.internal/collector"
	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/ledger"
)

// Status is how far the collector has come and what it delivered in the last day, read
// from its state and its ledger. All times are UTC.
type Status struct {
	At     time.Time `json:"at"`     // when it was asked; what ages and the day count back from
	Bucket string    `json:"bucket"` // without gs://
	Folder string    `json:"folder"` // the feed's, without slashes at its ends
	State  string    `json:"state"`  // object name
	Stream string    `json:"stream"` // that commands have to name; empty where it is the only one

	Quarantine string `json:"quarantine_folder"` // the folder beside the feed's, with a slash at its end
	Tenant     string `json:"tenant"`            // scheme and host, of the state or ledger; empty before there is either

	Through    time.Time     `json:"through"`     // every alert before it is delivered
	Next       time.Time     `json:"next"`        // the next edge of the five-minute grid
	NextDue    time.Time     `json:"next_due"`    // when what is before Next is old enough to be asked for
	Saved      time.Time     `json:"saved"`       // when a run last saved the state
	Lag        time.Duration `json:"lag"`         // from Through to At, in nanoseconds
	LastEvent  time.Time     `json:"last_event"`  // newest alert timestamp delivered; zero before the first
	LedgerFrom time.Time     `json:"ledger_from"` // start of the oldest cell that the ledger holds; zero if it is empty

	Holes   []ledger.Span `json:"holes"`   // of the last day, which the ledger does not show as delivered though it should
	Strange []string      `json:"strange"` // names in the ledger's folder that no entry has, as far as they were met

	Cells       int         `json:"cells"`       // delivered, of the last day; empty ones included
	Objects     int         `json:"objects"`     // delivered into the feed's folder
	Present     int         `json:"present"`     // of Objects, those that are still there
	Pending     int         `json:"pending"`     // of Objects, those that are still to be moved there
	GoneFrom    time.Time   `json:"gone_from"`   // start of the oldest cell with an object that is neither; or zero
	Alerts      int64       `json:"alerts"`      // delivered, late ones included
	Late        int64       `json:"late"`        // of Alerts, those that a repair brought
	Quarantined int64       `json:"quarantined"` // kept out of the feed's folder
	Undated     int64       `json:"undated"`     // without the time by which alerts are collected
	Bytes       int64       `json:"bytes"`       // of NDJSON, before compression
	Stored      int64       `json:"stored"`      // of objects as they were created
	Hours       []Hour      `json:"hours"`       // the last 24 hours and the current one, oldest first, none left out
	Types       []TypeCount `json:"types"`       // most frequent first
	Lateness    Latenesses  `json:"lateness"`
}

// Hour is what was delivered of one hour, counted by the time by which alerts are collected.
type Hour struct {
	Start    time.Time        `json:"start"`
	Alerts   int64            `json:"alerts"`
	Types    map[string]int64 `json:"types"`    // alerts by alert_type, records of another stream by its field for that
	Complete bool             `json:"complete"` // the state has passed the hour's end
}

// TypeCount is the number of alerts of one type, as of [Hour]; "(none)" has none.
type TypeCount struct {
	Type   string `json:"type"`
	Alerts int64  `json:"alerts"`
}

// Latenesses are times from an alert's timestamp to its storing by the tenant.
type Latenesses struct {
	P50     time.Duration    `json:"p50"` // nanoseconds, rounded up by an eighth at most
	P90     time.Duration    `json:"p90"`
	P99     time.Duration    `json:"p99"`
	Max     time.Duration    `json:"max"`
	Buckets []LatenessBucket `json:"buckets"` // shortest first, empty ones left out
}

// LatenessBucket counts the alerts that were at most UpTo late and longer than the
// bucket before.
type LatenessBucket struct {
	UpTo   time.Duration `json:"up_to"`
	Alerts int64         `json:"alerts"`
}

// Glance reads of the status how far the collector has come, from the state alone.
func Glance(ctx context.Context, c *collector.Collector, now time.Time) (Status, error) {
	s := Status{At: now.UTC(), Bucket: c.BucketName, Folder: strings.TrimSuffix(c.Folders().Feed, "/"), State: c.StateKey}
	state, err := c.ReadCheckpoint(ctx)
	switch {
	case errors.Is(err, collector.ErrNoState):
		return s, nil
	case err == nil:
		s.reached(c, state)
	}
	return s, err
}

// Read reads the status from the state and from the ledger's entries of the last day,
// without their keys. Where there is no state yet, Through is zero. What does not depend on
// each other is asked side by side.
func Read(ctx context.Context, c *collector.Collector, now time.Time) (Status, error) {
	now = now.UTC()
	s := Status{At: now, Bucket: c.BucketName, Folder: strings.TrimSuffix(c.Folders().Feed, "/"), State: c.StateKey,
		Tenant: c.Tenant, Quarantine: c.Folders().Quarantine}
	hour := now.Truncate(time.Hour)
	day := ledger.Span{From: hour.Add(-24 * time.Hour), To: hour.Add(time.Hour)}
	l := c.Ledger()
	var state collector.Checkpoint
	err := sideBySide(ctx,
		func(ctx context.Context) (err error) {
			state, err = c.ReadCheckpoint(ctx)
			return err
		},
		func(ctx context.Context) (err error) {
			s.LedgerFrom, err = l.Start(ctx)
			return err
		},
		func(ctx context.Context) error { return l.Load(ctx, day.From, day.To) },
		func(ctx context.Context) error { return l.LookAround(ctx, now) })
	if err != nil && !errors.Is(err, collector.ErrNoState) {
		return s, err
	}
	entries := slices.DeleteFunc(l.All(), func(e ledger.Entry) bool {
		return !e.From.Before(day.To) || !day.From.Before(e.To)
	})
	s.Strange = l.Strange()
	if err == nil {
		s.reached(c, state)
	}
	if len(entries) > 0 {
		s.Tenant = cmp.Or(s.Tenant, entries[0].Tenant)
	}
	if from := liveFrom(entries); !from.IsZero() {
		s.Holes = l.Holes(later(day.From, from), s.Through)
	}
	s.count(day, entries)
	return s, s.look(ctx, c.Bucket, c.Folders(), entries)
}

// reached notes what the state says.
func (s *Status) reached(c *collector.Collector, state collector.Checkpoint) {
	s.Tenant = cmp.Or(state.Tenant, s.Tenant)
	s.Through, s.Saved, s.Lag = state.Through, state.Saved, s.At.Sub(state.Through)
	s.Next = cell.At(cell.Minutes, state.Through).To()
	s.NextDue = s.Next.Add(c.Config.Lag)
	if state.LastEventTime > 0 {
		s.LastEvent = time.Unix(state.LastEventTime, 0).UTC()
	}
}

// liveFrom is where the oldest of the cells begins that a live collector has delivered: what comes
// after it and before Through should be delivered, too. What a backfill brings says nothing of
// what is around it.
func liveFrom(entries []ledger.Entry) (from time.Time) {
	for _, e := range entries {
		if !e.Began.IsZero() && (from.IsZero() || e.From.Before(from)) {
			from = e.From
		}
	}
	return from
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// sideBySide does all at the same time. Its error is the first one; that there is no state yet
// stops none of the others, and counts only where nothing else is wrong.
func sideBySide(ctx context.Context, all ...func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var group sync.WaitGroup
	var missing atomic.Bool
	failed := make(chan error, len(all))
	for _, do := range all {
		group.Go(func() {
			switch err := do(ctx); {
			case errors.Is(err, collector.ErrNoState):
				missing.Store(true)
			case err != nil:
				failed <- err // with the words of whoever refused, also where the caller's time was up
				cancel()
			}
		})
	}
	group.Wait()
	if len(failed) > 0 {
		return <-failed
	}
	if missing.Load() {
		return collector.ErrNoState
	}
	return nil
}
