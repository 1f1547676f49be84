package audit

import "time"

// Options say what an audit looks at.
type Options struct {
	Since, Until time.Time // UTC; Until zero is as far as the collector has come
	Repair       bool      // deliver what is missing
	// ObjectsKept says that the feed deletes nothing, so that an object of the ledger
	// that is not in its folder is lost, and its alerts missing. Otherwise it counts as
	// taken.
	ObjectsKept bool
}

// Result is what was found of one delivered cell, or of one hole in the ledger.
type Result struct {
	From       time.Time `json:"from"` // UTC
	To         time.Time `json:"to"`
	Delivered  int64     `json:"delivered"`  // alerts by the ledger, the quarantined and late ones included
	Missing    int64     `json:"missing"`    // listed by the tenant, not delivered
	Repaired   int64     `json:"repaired"`   // of Missing, delivered now
	Duplicated int64     `json:"duplicated"` // deliveries of an alert beyond its first
	Unknown    int64     `json:"unknown"`    // delivered, and not listed by the tenant any more
	Uncovered  bool      `json:"uncovered"`  // the ledger has no entry of it: nothing was ever delivered
	Pending    int       `json:"pending"`    // objects that the ledger decided and nobody has moved to their places
	Gone       int       `json:"gone"`       // objects that are away, and whose alerts no repair has brought again
	Damaged    int       `json:"damaged"`    // objects that are not what the ledger says

	Examples     []string `json:"examples,omitempty"`      // identities of the first few missing alerts
	RepairedInto []string `json:"repaired_into,omitempty"` // names of the objects in which Repaired were delivered, some
	GoneObjects  []string `json:"gone_objects,omitempty"`  // names of Gone, some
}

// maxExamples bounds the missing alerts, and the objects of a kind, that are named.
const maxExamples = 5

// name adds an object to those that are named.
func name(objects []string, o string) []string {
	if len(objects) < maxExamples {
		objects = append(objects, o)
	}
	return objects
}

// maxFirstGaps bounds the gaps that a summary describes.
const maxFirstGaps = 20

// Passed reports whether the cell is as it should be, or is now.
func (r *Result) Passed() bool {
	return r.Missing == r.Repaired && r.Duplicated == 0 && r.Damaged == 0 && r.Pending == 0
}

// Summary sums up an audit. Counts are of the audited cells; those that a [Result] has, too,
// mean the same.
type Summary struct {
	From     time.Time `json:"from"` // what was asked for, within what can be known; UTC
	To       time.Time `json:"to"`
	At       time.Time `json:"at"`       // how far the audit has come
	Complete bool      `json:"complete"` // it has come to the end

	Cells      int   `json:"cells"`
	Gaps       int   `json:"gaps"` // of Cells, those that are not as they should be
	Delivered  int64 `json:"delivered"`
	Missing    int64 `json:"missing"`
	Repaired   int64 `json:"repaired"`
	Duplicated int64 `json:"duplicated"`
	Unknown    int64 `json:"unknown"`
	Pending    int   `json:"pending"`
	Gone       int   `json:"gone"`
	Damaged    int   `json:"damaged"`

	FirstGaps []Result `json:"first_gaps,omitempty"` // of Gaps, as they were found

	Foreign    []ForeignObject `json:"foreign"`           // objects in the feed's folder that the ledger does not know
	Strange    []string        `json:"strange,omitempty"` // names in the ledger's folder that no entry has
	LedgerFrom time.Time       `json:"ledger_from"`       // what is before it is not known
	Requests   int             `json:"requests"`          // to the tenant
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
func (s *Summary) Passed() bool {
	return s.Complete && s.Missing == s.Repaired && s.Duplicated == 0 && s.Damaged == 0 && s.Pending == 0
}

func (s *Summary) add(r *Result) {
	s.Cells++
	if !r.Passed() {
		s.Gaps++
		if len(s.FirstGaps) < maxFirstGaps {
			s.FirstGaps = append(s.FirstGaps, *r)
		}
	}
	s.Delivered += r.Delivered
	s.Missing += r.Missing
	s.Repaired += r.Repaired
	s.Duplicated += r.Duplicated
	s.Unknown += r.Unknown
	s.Pending += r.Pending
	s.Gone += r.Gone
	s.Damaged += r.Damaged
}
