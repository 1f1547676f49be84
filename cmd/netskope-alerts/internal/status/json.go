package status

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/internal/ledger"
)

// document is what status --json prints; programs rely on it. Its names are those of
// [Status], with these differences: durations are numbers of seconds, and
// their names say so; the figures of the last day are together; a time that is not
// known is left out. Times are RFC 3339, UTC. Lists are never null.
type document struct {
	At         time.Time     `json:"at"`
	Condition  string        `json:"condition"` // caught up, behind, stalled or no state
	Summary    string        `json:"summary"`   // the condition in a sentence, for people
	Bucket     string        `json:"bucket"`
	Folder     string        `json:"folder"`
	State      string        `json:"state"`
	Quarantine string        `json:"quarantine_folder"`
	Stream     string        `json:"stream,omitempty"` // where several are collected
	Tenant     string        `json:"tenant"`
	Through    time.Time     `json:"through,omitzero"`
	Next       time.Time     `json:"next,omitzero"`
	NextDue    time.Time     `json:"next_due,omitzero"`
	Saved      time.Time     `json:"saved,omitzero"`
	Lag        seconds       `json:"lag_seconds"`
	LastEvent  time.Time     `json:"last_event,omitzero"`
	LedgerFrom time.Time     `json:"ledger_from,omitzero"`
	Holes      []ledger.Span `json:"holes"`   // oldest first
	Strange    []string      `json:"strange"` // object names
	Day        dayJSON       `json:"day"`
}

type dayJSON struct {
	Cells       int          `json:"cells"`
	Objects     int          `json:"objects"`
	Present     int          `json:"present"`
	Pending     int          `json:"pending"`
	GoneFrom    time.Time    `json:"gone_from,omitzero"`
	Alerts      int64        `json:"alerts"`
	Late        int64        `json:"late"`
	Quarantined int64        `json:"quarantined"`
	Undated     int64        `json:"undated"`
	Bytes       int64        `json:"bytes"`
	Stored      int64        `json:"stored"`
	Hours       []Hour       `json:"hours"` // oldest first
	Types       []TypeCount  `json:"types"` // most frequent first
	Lateness    latenessJSON `json:"lateness"`
}

type latenessJSON struct {
	P50     seconds              `json:"p50_seconds"`
	P90     seconds              `json:"p90_seconds"`
	P99     seconds              `json:"p99_seconds"`
	Max     seconds              `json:"max_seconds"`
	Buckets []latenessBucketJSON `json:"buckets"`
}

type latenessBucketJSON struct {
	UpTo   seconds `json:"up_to_seconds"`
	Alerts int64   `json:"alerts"`
}

// seconds is a duration that becomes a JSON number.
type seconds time.Duration

// MarshalJSON writes seconds, with a fraction if there is one.
func (s seconds) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, time.Duration(s).Seconds(), 'f', -1, 64), nil
}

// writeJSON writes the status for programs, indented.
func writeJSON(w io.Writer, s Status) error {
	is := conditionOf(s)
	out := document{
		At: s.At.UTC(), Condition: is.word, Summary: is.sentence,
		Bucket: s.Bucket, Folder: s.Folder, State: s.State, Quarantine: s.Quarantine, Stream: s.Stream, Tenant: s.Tenant,
		Through: s.Through.UTC(), Next: s.Next.UTC(), NextDue: s.NextDue.UTC(), Saved: s.Saved.UTC(),
		Lag:       seconds(s.Lag),
		LastEvent: s.LastEvent.UTC(), LedgerFrom: s.LedgerFrom.UTC(),
		Holes: append([]ledger.Span{}, s.Holes...), Strange: append([]string{}, s.Strange...),
		Day: dayJSON{
			Cells: s.Cells, Objects: s.Objects, Present: s.Present, Pending: s.Pending,
			GoneFrom: s.GoneFrom.UTC(), Alerts: s.Alerts, Late: s.Late,
			Quarantined: s.Quarantined, Undated: s.Undated, Bytes: s.Bytes, Stored: s.Stored,
			Hours: []Hour{}, Types: append([]TypeCount{}, s.Types...),
			Lateness: latenessJSON{
				P50: seconds(s.Lateness.P50), P90: seconds(s.Lateness.P90), P99: seconds(s.Lateness.P99),
				Max:     seconds(s.Lateness.Max),
				Buckets: []latenessBucketJSON{},
			},
		},
	}
	for _, h := range s.Hours {
		h.Start = h.Start.UTC()
		if h.Types == nil {
			h.Types = map[string]int64{}
		}
		out.Day.Hours = append(out.Day.Hours, h)
	}
	for _, b := range s.Lateness.Buckets {
		out.Day.Lateness.Buckets = append(out.Day.Lateness.Buckets, latenessBucketJSON{seconds(b.UpTo), b.Alerts})
	}
	encoded, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the status: %w", err)
	}
	_, err = w.Write(append(text.Visible(encoded), '\n'))
	return err
}
