package collector

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"cloud.google.com/go/storage"

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
	Next       time.Time     `json:"next"`        // end of the window that comes next
	NextDue    time.Time     `json:"next_due"`    // when that window is old enough to be asked for
	Saved      time.Time     `json:"saved"`       // when a run last saved the state
	Lag        time.Duration `json:"lag"`         // from Through to At, in nanoseconds
	Unfinished []Window      `json:"unfinished"`  // spans of backfills that are not complete
	LastEvent  time.Time     `json:"last_event"`  // newest alert timestamp delivered; zero before the first
	LedgerFrom time.Time     `json:"ledger_from"` // start of the oldest window that the ledger holds; zero if it is empty

	Windows     int         `json:"windows"`     // delivered, of the last day; empty ones included
	Objects     int         `json:"objects"`     // delivered into the feed's folder
	Present     int         `json:"present"`     // of Objects, those that are still there
	Alerts      int64       `json:"alerts"`      // delivered, late ones included
	Late        int64       `json:"late"`        // of Alerts, those that a repair brought
	Quarantined int64       `json:"quarantined"` // kept out of the feed's folder
	Undated     int64       `json:"undated"`     // without the time that windows are cut by
	Bytes       int64       `json:"bytes"`       // of NDJSON, before compression
	Stored      int64       `json:"stored"`      // of objects as they were created
	Hours       []Hour      `json:"hours"`       // the last 24 hours and the current one, oldest first, none left out
	Types       []TypeCount `json:"types"`       // most frequent first
	Lateness    Latenesses  `json:"lateness"`
}

// Hour is what was delivered of one hour, counted by the time that windows are cut by.
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

// ReadStatus reads the status from the state and from the ledger's entries of the last day,
// without their keys. Where there is no state yet, Through is zero.
func ReadStatus(ctx context.Context, c Config, bucket *storage.BucketHandle, now time.Time) (Status, error) {
	now = now.UTC()
	s := Status{At: now, Bucket: c.Bucket, Folder: c.Prefix, State: c.StateKey, Tenant: c.Tenant}
	state, err := readState(ctx, bucket, c.StateKey)
	if err != nil && !errors.Is(err, storage.ErrObjectNotExist) {
		return s, err
	}
	if err == nil {
		s.Through, s.Next, s.Saved = state.Through, state.Next, state.saved
		s.Lag = now.Sub(state.Through)
		s.NextDue = state.Next.Add(c.Lag)
		if state.LastEventTime > 0 {
			s.LastEvent = time.Unix(state.LastEventTime, 0).UTC()
		}
	}
	r, err := readRegistry(ctx, c, bucket)
	if err != nil {
		return s, err
	}
	for _, span := range r.Unfinished {
		s.Unfinished = append(s.Unfinished, span.window())
	}
	if s.LedgerFrom, err = ledgerStart(ctx, bucket, c.Prefix); err != nil {
		return s, err
	}
	day := Window{From: now.Truncate(time.Hour).Add(-24 * time.Hour), To: now.Truncate(time.Hour).Add(time.Hour)}
	entries, err := listLedger(ctx, bucket, c.Prefix, day)
	if err != nil {
		return s, err
	}
	s.count(day, entries)
	return s, s.look(ctx, bucket, entries)
}

// count adds up the entries.
func (s *Status) count(day Window, entries []entry) {
	for at := day.From; at.Before(day.To); at = at.Add(time.Hour) {
		s.Hours = append(s.Hours, Hour{Start: at, Types: map[string]int64{}, Complete: !s.Through.Before(at.Add(time.Hour))})
	}
	types := map[string]int64{}
	var late tally.Lateness
	for _, e := range entries {
		if e.Split {
			continue
		}
		if e.Late == 0 {
			s.Windows++
		}
		if e.Object != nil {
			s.Objects++
			s.Stored += e.Object.Size
		}
		s.Bytes += e.Bytes
		s.Quarantined += e.Quarantined
		s.Undated += e.Undated
		late.Merge(e.Tally.Late())
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
	for name, n := range types {
		s.Types = append(s.Types, TypeCount{Type: name, Alerts: n})
	}
	slices.SortFunc(s.Types, func(a, b TypeCount) int {
		return cmp.Or(cmp.Compare(b.Alerts, a.Alerts), cmp.Compare(a.Type, b.Type))
	})
	s.Lateness = Latenesses{P50: late.Quantile(0.5), P90: late.Quantile(0.9), P99: late.Quantile(0.99), Max: late.Quantile(1)}
	late.Each(func(upTo time.Duration, alerts int64) {
		s.Lateness.Buckets = append(s.Lateness.Buckets, LatenessBucket{UpTo: upTo, Alerts: alerts})
	})
}

// look counts the objects that are still in the feed's folder.
func (s *Status) look(ctx context.Context, bucket *storage.BucketHandle, entries []entry) error {
	names := map[string]bool{}
	q := storage.Query{Prefix: s.Folder + "/"}
	for _, e := range entries {
		if e.Object != nil {
			names[e.Object.Name] = true
			if q.StartOffset == "" || e.Object.Name < q.StartOffset {
				q.StartOffset = e.Object.Name
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	return eachObject(ctx, bucket, q, func(o *storage.ObjectAttrs) error {
		if names[o.Name] {
			s.Present++
		}
		return nil
	})
}
