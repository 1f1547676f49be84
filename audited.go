package collector

import (
	"log/slog"
	"time"
)

// AuditOptions say what [Verify] looks at.
type AuditOptions struct {
	Since, Until time.Time // UTC; Until zero is as far as the collector has come
	Repair       bool      // deliver what is missing
	// ObjectsKept says that the feed deletes nothing, so that an object of the ledger
	// that is not in its folder is lost, and its alerts missing. Otherwise it counts as
	// taken.
	ObjectsKept bool
}

// AuditedWindow is what was found of one window.
type AuditedWindow struct {
	Window
	Delivered  int64 `json:"delivered"`  // alerts by the ledger, the quarantined and late ones included
	Missing    int64 `json:"missing"`    // listed by the tenant, not delivered
	Repaired   int64 `json:"repaired"`   // of Missing, delivered now
	Duplicated int64 `json:"duplicated"` // deliveries of an alert beyond its first
	Unknown    int64 `json:"unknown"`    // delivered, and not listed by the tenant any more
	Uncovered  bool  `json:"uncovered"`  // the ledger has no entry of it: nothing was ever delivered
	Pending    int   `json:"pending"`    // objects that the ledger decided and nobody has moved to their places
	Gone       int   `json:"gone"`       // objects that are not at their places any more
	Damaged    int   `json:"damaged"`    // objects that are not what the ledger says

	Examples []string `json:"examples,omitempty"` // identities of the first few missing alerts
}

// Audit sums up what [Verify] found. Counts are of the audited windows; those that an
// [AuditedWindow] has, too, mean the same.
type Audit struct {
	From     time.Time `json:"from"` // what was asked for, within what can be known; UTC
	To       time.Time `json:"to"`
	At       time.Time `json:"at"`       // how far the audit has come
	Complete bool      `json:"complete"` // it has come to the last window that ends by To

	Windows    int   `json:"windows"`
	Gaps       int   `json:"gaps"` // of Windows, those that are not as they should be
	Delivered  int64 `json:"delivered"`
	Missing    int64 `json:"missing"`
	Repaired   int64 `json:"repaired"`
	Duplicated int64 `json:"duplicated"`
	Unknown    int64 `json:"unknown"`
	Pending    int   `json:"pending"`
	Gone       int   `json:"gone"`
	Damaged    int   `json:"damaged"`

	Foreign    []ForeignObject `json:"foreign"`     // objects in the feed's folder that the ledger does not know
	LedgerFrom time.Time       `json:"ledger_from"` // what is before it is not known
	Requests   int             `json:"requests"`    // to the tenant
	Took       time.Duration   `json:"took_nanoseconds"`
}

// ForeignObject is an object in the feed's folder that the ledger does not know.
type ForeignObject struct {
	Name       string `json:"name"`
	Alerts     int64  `json:"alerts"`
	Duplicated int64  `json:"duplicated"` // of Alerts, those that are delivered otherwise
	Unknown    int64  `json:"unknown"`    // of Alerts, those that the tenant does not list in the audited span
}

// Passed reports whether all was audited and every alert of it is delivered once.
func (a *Audit) Passed() bool {
	return a.Complete && a.Missing == a.Repaired && a.Duplicated == 0 && a.Damaged == 0 && a.Pending == 0
}

// Passed reports whether the window is as it should be, or is now.
func (w *AuditedWindow) Passed() bool {
	return w.Missing == w.Repaired && w.Duplicated == 0 && w.Damaged == 0 && w.Pending == 0
}

// maxExamples bounds the missing alerts that are named.
const maxExamples = 5

func (a *Audit) add(w AuditedWindow) {
	a.Windows++
	if !w.Passed() {
		a.Gaps++
	}
	a.Delivered += w.Delivered
	a.Missing += w.Missing
	a.Repaired += w.Repaired
	a.Duplicated += w.Duplicated
	a.Unknown += w.Unknown
	a.Pending += w.Pending
	a.Gone += w.Gone
	a.Damaged += w.Damaged
}

// attributes are the audit's record in the log.
func (a *Audit) attributes() []slog.Attr {
	return []slog.Attr{
		slog.Time("audit_from", a.From),
		slog.Time("audit_to", a.To),
		slog.Time("audit_at", a.At),
		slog.Bool("complete", a.Complete),
		slog.Int("windows", a.Windows),
		slog.Int("windows_with_gaps", a.Gaps),
		slog.Int64("delivered", a.Delivered),
		slog.Int64("missing", a.Missing),
		slog.Int64("repaired", a.Repaired),
		slog.Int64("duplicated", a.Duplicated),
		slog.Int64("unknown", a.Unknown),
		slog.Int("objects_pending", a.Pending),
		slog.Int("objects_gone", a.Gone),
		slog.Int("objects_damaged", a.Damaged),
		slog.Int("objects_foreign", len(a.Foreign)),
		slog.Int("requests", a.Requests),
		slog.Float64("duration_seconds", a.Took.Seconds()),
	}
}
