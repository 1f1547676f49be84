package status

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"netskope-alerts.internal/collector"
	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/ledger"
	"netskope-alerts.internal/collector/internal/tally"
)

// Status is how far the collector has come and what it delivered in the last day, read
// from its state and its ledger. All times are UTC.
type Status struct {
	At     time.Time `json:"at"`     // when it was asked; what ages and the day count back from
	Bucket string    `json:"bucket"` // without gs://
	Folder string    `json:"folder"` // the feed's, without slashes at its ends
	State  string    `json:"state"`  // object name
	Tenant string    `json:"tenant"` // scheme and host

	Through    time.Time     `json:"through"`     // every alert before it is delivered
	Next       time.Time     `json:"next"`        // the next edge of the five-minute grid
	NextDue    time.Time     `json:"next_due"`    // when what is before Next is old enough to be asked for
	Saved      time.Time     `json:"saved"`       // when a run last saved the state
	Lag        time.Duration `json:"lag"`         // from Through to At, in nanoseconds
	LastEvent  time.Time     `json:"last_event"`  // newest alert timestamp delivered; zero before the first
	LedgerFrom time.Time     `json:"ledger_from"` // start of the oldest cell that the ledger holds; zero if it is empty

	Cells       int         `json:"cells"`       // delivered, of the last day; empty ones included
	Objects     int         `json:"objects"`     // delivered into the feed's folder
	Present     int         `json:"present"`     // of Objects, those that are still there
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
	Types    map[string]int64 `json:"types"`    // alerts by alert_type
	Complete bool             `json:"complete"` // the state has passed the hour's end
}

// TypeCount is the number of alerts of one alert_type; "(none)" has none.
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

// noType is what alerts without an alert_type are counted as.
const noType = "(none)"

// Read reads the status from the state and from the ledger's entries of the last day,
// without their keys. Where there is no state yet, Through is zero.
func Read(ctx context.Context, c *collector.Collector, now time.Time) (Status, error) {
	now = now.UTC()
	s := Status{At: now, Bucket: c.BucketName, Folder: c.Prefix, State: c.StateKey, Tenant: c.Tenant}
	switch state, err := c.ReadCheckpoint(ctx); {
	case errors.Is(err, collector.ErrNoState):
	case err != nil:
		return s, err
	default:
		s.Through, s.Saved, s.Lag = state.Through, state.Saved, now.Sub(state.Through)
		s.Next = cell.At(cell.Minutes, state.Through).To()
		s.NextDue = s.Next.Add(c.Config.Lag)
		if state.LastEventTime > 0 {
			s.LastEvent = time.Unix(state.LastEventTime, 0).UTC()
		}
	}
	l := c.Ledger()
	var err error
	if s.LedgerFrom, err = l.Start(ctx); err != nil {
		return s, err
	}
	hour := now.Truncate(time.Hour)
	day := ledger.Span{From: hour.Add(-24 * time.Hour), To: hour.Add(time.Hour)}
	if err := l.Load(ctx, day.From, day.To); err != nil {
		return s, err
	}
	entries := slices.DeleteFunc(l.All(), func(e ledger.Entry) bool {
		return !e.From.Before(day.To) || !day.From.Before(e.To)
	})
	s.count(day, entries)
	return s, s.look(ctx, c.Bucket, c.Folders().Feed, entries)
}

// count adds up the entries.
func (s *Status) count(day ledger.Span, entries []ledger.Entry) {
	for at := day.From; at.Before(day.To); at = at.Add(time.Hour) {
		s.Hours = append(s.Hours, Hour{Start: at, Types: map[string]int64{},
			Complete: !s.Through.Before(at.Add(time.Hour))})
	}
	types := map[string]int64{}
	var late tally.Lateness
	for _, e := range entries {
		if e.Late == 0 {
			s.Cells++
		}
		for _, o := range e.Objects {
			s.Objects++
			s.Stored += o.Size
		}
		s.Bytes += e.Bytes
		s.Quarantined += e.Quarantined
		s.Undated += e.Undated
		late.Merge(e.Tally.Late())
		s.countHours(day, e, types)
	}
	for name, n := range types {
		s.Types = append(s.Types, TypeCount{Type: name, Alerts: n})
	}
	slices.SortFunc(s.Types, func(a, b TypeCount) int {
		return cmp.Or(cmp.Compare(b.Alerts, a.Alerts), cmp.Compare(a.Type, b.Type))
	})
	s.Lateness = Latenesses{P50: late.Quantile(0.5), P90: late.Quantile(0.9), P99: late.Quantile(0.99),
		Max: late.Quantile(1)}
	late.Each(func(upTo time.Duration, alerts int64) {
		s.Lateness.Buckets = append(s.Lateness.Buckets, LatenessBucket{UpTo: upTo, Alerts: alerts})
	})
}

// countHours adds the entry's alerts of the day to their hours and types.
func (s *Status) countHours(day ledger.Span, e ledger.Entry, types map[string]int64) {
	hours := e.Hours
	if hours == nil && e.Alerts+e.Quarantined > 0 { // they did not fit into the entry
		hours = map[int64]map[string]int64{e.From.Unix(): {tally.Others: e.Alerts + e.Quarantined}}
	}
	for start, hour := range hours {
		i := int((start - day.From.Unix()) / 3600)
		if start < day.From.Unix() || i >= len(s.Hours) {
			continue
		}
		for name, n := range hour {
			name = cmp.Or(name, noType)
			types[name] += n
			s.Hours[i].Types[name] += n
			s.Hours[i].Alerts += n
			s.Alerts += n
			if e.Late > 0 {
				s.Late += n
			}
		}
	}
}

// look counts the objects that are still in the feed's folder.
func (s *Status) look(ctx context.Context, bucket *gcs.Bucket, folder string, entries []ledger.Entry) error {
	names := map[string]bool{}
	first := gcs.Names{Prefix: folder}
	for _, e := range entries {
		for _, o := range e.Objects {
			names[o.Name] = true
			if first.From == "" || o.Name < first.From {
				first.From = o.Name
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	return bucket.List(ctx, first, func(o gcs.Object) error {
		if names[o.Name] {
			s.Present++
		}
		return nil
	})
}
