package collector

import "time"

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
