package status

import (
	"cmp"
	"context"
	"slices"
	"time"

	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/layout"
	"netskope-alerts.internal/collector/internal/ledger"
	"netskope-alerts.internal/collector/internal/tally"
)

// noType is what alerts without a type are counted as.
const noType = "(none)"

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

// look counts the objects that are still in the feed's folder, and those that wait to be
// moved there.
func (s *Status) look(ctx context.Context, bucket *gcs.Bucket, folders layout.Folders, entries []ledger.Entry) error {
	first := gcs.Names{Prefix: folders.Feed}
	for _, e := range entries {
		for _, o := range e.Objects {
			if first.From == "" || o.Name < first.From {
				first.From = o.Name
			}
		}
	}
	if first.From == "" {
		return nil
	}
	names := func(n gcs.Names) (map[string]bool, error) {
		there := map[string]bool{}
		return there, bucket.List(ctx, n, func(o gcs.Object) error {
			there[o.Name] = true
			return nil
		})
	}
	staged, err := names(gcs.Names{Prefix: folders.Staging}) // first: what is moved meanwhile is at its place then
	if err != nil {
		return err
	}
	placed, err := names(first)
	if err != nil {
		return err
	}
	for _, e := range entries {
		for _, o := range e.Objects {
			switch {
			case placed[o.Name]:
				s.Present++
			case staged[o.Staged]:
				s.Pending++
			case s.GoneFrom.IsZero() || e.From.Before(s.GoneFrom):
				s.GoneFrom = e.From
			}
		}
	}
	return nil
}
