package collector

import (
	"io"
	"log/slog"
	"strings"
	"time"

	"netskope-alerts.internal/collector/internal/ledger"
	"netskope-alerts.internal/collector/internal/netskope"
	"netskope-alerts.internal/collector/internal/stream"
	"netskope-alerts.internal/collector/internal/tally"
)

// Reasons for which a run ends without an error.
const (
	StoppedCaughtUp   = "caught up"
	StoppedBudget     = "budget"
	StoppedMaxRecords = "max records"
	stoppedFailed     = "failed"
)

// Report is what one run did, up to where it came. Counts are of cells that are delivered,
// except those of requests.
type Report struct {
	Stream stream.Stream // whose cells

	From, Through time.Time // what is delivered without a hole, half-open, UTC
	Cells         int       // delivered, empty ones included
	Alerts        int64     // in these, the quarantined included
	Bytes         int64     // of NDJSON, before compression
	Objects       int       // in the feed's folder
	Existing      int       // of Cells: those that another run delivered while this one was at them
	Covered       int       // of Cells: those that had been delivered before; in no other count
	Splits        int       // cells that turned out to hold too much, and were divided

	Requests    int   // to the tenant, retries included
	Pages       int   // answers that were pages of alerts
	Retries     int   // requests made again after an error or a rate limit
	Duplicates  int64 // alerts that a later page held again; written once
	Undated     int64 // alerts without the time that cells are cut by; kept
	Clashes     int64 // alerts with the _id of another one, but other bytes; kept
	Quarantined int64 // alerts kept out of the feed's folder

	Skew     time.Duration // by which this machine's clock is ahead of the tenant's
	Lag      time.Duration // from Through to the trigger's time
	CaughtUp bool          // nothing further is old enough
	Stopped  string        // why the run ended: caught up, budget, max records, or failed
	Trouble  string        // what was wrong with the state, which was rebuilt from the ledger; or empty
	Strange  []string      // objects in the ledger's folder that are no entries
	Gone     []string      // delivered objects that were neither staged nor in their places: taken by the feed, or lost
	Races    int           // states that another run saved first
	Started  time.Time     // by the clock
	Took     time.Duration

	lateness tally.Lateness
	newest   int64 // newest alert timestamp delivered, epoch seconds
}

// Lateness is the time from an alert's timestamp to its storing by the tenant, for the
// given share of the run's alerts (0.5 is the median), rounded up by an eighth at most.
func (r *Report) Lateness(share float64) time.Duration { return r.lateness.Quantile(share) }

// count notes the requests so far.
func (r *Report) count(n netskope.Counts) {
	r.Requests, r.Pages, r.Retries = n.Requests, n.Pages, n.Retries
}

// complete adds a delivered cell: the entry by which it is delivered, and whose work that was.
func (r *Report) complete(e ledger.Entry, outcome ledger.Outcome, duplicates int64) {
	r.Cells++
	r.Duplicates += duplicates
	r.newest = max(r.newest, e.Newest)
	switch outcome {
	case ledger.Covered:
		r.Covered++
		return
	case ledger.Existing:
		r.Existing++
	}
	r.Alerts += e.Alerts + e.Quarantined
	r.Undated += e.Undated
	r.Clashes += e.Clashes
	r.lateness.Merge(e.Tally.Late())
	r.Quarantined += e.Quarantined
	r.Bytes += e.Bytes
	r.Objects += len(e.Objects)
}

// attributes are the run's record in the log. Their names are used by log-based
// metrics: a change breaks them.
func (r *Report) attributes() []slog.Attr {
	return []slog.Attr{
		slog.String("stream", r.Stream.String()),
		slog.Time("from", r.From),
		slog.Time("through", r.Through),
		slog.Int("cells", r.Cells),
		slog.Int64("alerts", r.Alerts),
		slog.Int64("bytes", r.Bytes),
		slog.Int("objects", r.Objects),
		slog.Int("cells_existing", r.Existing),
		slog.Int("cells_covered", r.Covered),
		slog.Int("cells_split", r.Splits),
		slog.Int("requests", r.Requests),
		slog.Int("pages", r.Pages),
		slog.Int("retries", r.Retries),
		slog.Int64("duplicates", r.Duplicates),
		slog.Int64("undated", r.Undated),
		slog.Int64("id_clashes", r.Clashes),
		slog.Int64("quarantined", r.Quarantined),
		slog.Int("state_races", r.Races),
		slog.String("state_trouble", r.Trouble),
		slog.Int("objects_gone", len(r.Gone)),
		slog.String("objects_gone_names", strings.Join(r.Gone[:min(len(r.Gone), 3)], " ")),
		slog.String("ledger_strange", strings.Join(r.Strange[:min(len(r.Strange), 3)], " ")),
		slog.Float64("clock_skew_seconds", r.Skew.Seconds()),
		slog.Float64("lag_seconds", r.Lag.Seconds()),
		slog.Float64("lateness_p50_seconds", r.Lateness(0.5).Seconds()),
		slog.Float64("lateness_p99_seconds", r.Lateness(0.99).Seconds()),
		slog.Float64("lateness_max_seconds", r.Lateness(1).Seconds()),
		slog.Bool("caught_up", r.CaughtUp),
		slog.String("stopped", r.Stopped),
		slog.Float64("duration_seconds", r.Took.Seconds()),
	}
}

// skewWarning is by how much the clocks may differ before that is worth a warning.
const skewWarning = time.Minute

// level is the severity of a run that did its work.
func (r *Report) level() slog.Level {
	if r.Quarantined > 0 || r.Undated > 0 || r.Clashes > 0 || r.Skew.Abs() > skewWarning || r.Trouble != "" ||
		len(r.Strange) > 0 || len(r.Gone) > 0 {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// newLogger writes one JSON object per line in the form that Cloud Logging reads:
// severity, message, time (Google Cloud: structured logging).
func newLogger(w io.Writer, level slog.Leveler) *slog.Logger {
	replace := func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) > 0 {
			return a
		}
		switch a.Key {
		case slog.MessageKey:
			a.Key = "message"
		case slog.LevelKey:
			a.Key = "severity"
			if a.Value.Any() == slog.LevelWarn {
				a.Value = slog.StringValue("WARNING")
			}
		}
		return a
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: replace}))
}
