package collector

import (
	"log/slog"
	"time"

	"netskope-alerts.internal/collector/internal/netskope"
	"netskope-alerts.internal/collector/internal/tally"
)

// Report is what one run did, up to where it came. Counts are of completed windows,
// except those of requests.
type Report struct {
	From, Through time.Time // what was completed, half-open, UTC
	Windows       int       // completed, empty ones included
	Alerts        int64     // in the completed windows, the quarantined included
	Bytes         int64     // of NDJSON, before compression
	Objects       int       // in the feed's folder
	Existing      int       // of Windows: those that another run, or this one's request whose answer was lost, had delivered
	Covered       int       // of Windows: those that the ledger showed as delivered when the run began; in no other count

	Requests    int   // to the tenant, retries included
	Pages       int   // answers that were pages of alerts
	Retries     int   // requests made again after an error or a rate limit
	Duplicates  int64 // alerts that a later page held again; written once
	Undated     int64 // alerts without the time that windows are cut by; kept
	Quarantined int64 // alerts kept out of the feed's folder

	Lag      time.Duration // from Through to the trigger's time
	CaughtUp bool          // no further window is old enough
	Stopped  string        // why the run ended: caught up, budget, max records, or failed
	Races    int           // states that another run saved first
	Started  time.Time     // by the clock
	Took     time.Duration

	lateness tally.Lateness
}

// Lateness is the time from an alert's timestamp to its storing by the tenant, for the
// given share of the run's alerts (0.5 is the median), rounded up by an eighth at most.
func (r *Report) Lateness(share float64) time.Duration { return r.lateness.Quantile(share) }

// reach notes how far the state has come.
func (r *Report) reach(s State, now time.Time) {
	r.Through, r.Lag = s.Through, now.Sub(s.Through)
}

// count notes the requests so far.
func (r *Report) count(n netskope.Counts) {
	r.Requests, r.Pages, r.Retries = n.Requests, n.Pages, n.Retries
}

// complete adds a window whose state is saved: what was fetched, and the entry by which it
// is delivered, whoever created that. One that is covered was delivered and reported
// long ago.
func (r *Report) complete(f *fetched, e entry, created, covered bool) {
	r.Windows++
	r.Duplicates += f.duplicates
	if covered {
		r.Covered++
		return
	}
	r.Alerts += e.Alerts + e.Quarantined
	r.Undated += f.undated
	r.lateness.Merge(e.Tally.Late())
	r.Quarantined += e.Quarantined
	r.Bytes += e.Bytes
	if e.Object != nil {
		r.Objects++
	}
	if !created {
		r.Existing++
	}
}

// attributes are the run's record in the log. Their names are used by log-based
// metrics: a change breaks them.
func (r *Report) attributes() []slog.Attr {
	return []slog.Attr{
		slog.Time("window_from", r.From),
		slog.Time("window_to", r.Through),
		slog.Int("windows", r.Windows),
		slog.Int64("alerts", r.Alerts),
		slog.Int64("bytes", r.Bytes),
		slog.Int("objects", r.Objects),
		slog.Int("windows_existing", r.Existing),
		slog.Int("windows_covered", r.Covered),
		slog.Int("requests", r.Requests),
		slog.Int("pages", r.Pages),
		slog.Int("retries", r.Retries),
		slog.Int64("duplicates", r.Duplicates),
		slog.Int64("undated", r.Undated),
		slog.Int64("quarantined", r.Quarantined),
		slog.Int("state_races", r.Races),
		slog.Float64("lag_seconds", r.Lag.Seconds()),
		slog.Float64("lateness_p50_seconds", r.Lateness(0.5).Seconds()),
		slog.Float64("lateness_p99_seconds", r.Lateness(0.99).Seconds()),
		slog.Float64("lateness_max_seconds", r.Lateness(1).Seconds()),
		slog.Bool("caught_up", r.CaughtUp),
		slog.String("stopped", r.Stopped),
		slog.Float64("duration_seconds", r.Took.Seconds()),
	}
}
