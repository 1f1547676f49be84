// Package alert reads what the collector needs of a raw alert: who it is, when it belongs,
// and why a feed cannot take it. Nothing else of it is decoded.
package alert

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strconv"
	"time"

	"netskope-alerts.internal/collector/internal/page"
)

// MaxLine is the longest line that goes into the feed's folder, in bytes, with the
// newline: a longer one fails the whole feed with MaxLogLineSize4MBExceeded (Google
// SecOps, feed management).
const MaxLine = 4_000_000

// QuarantineReason says why an alert must not reach the feed, or nothing.
func QuarantineReason(a *page.Alert, stray bool) string {
	switch {
	case !a.Object:
		return "not a JSON object"
	case len(a.Line)+1 > MaxLine:
		return fmt.Sprintf("longer than %d bytes", MaxLine)
	case stray:
		return "its time is outside the range that was asked for"
	}
	return ""
}

// Identity is what tells an alert from others: its _id, or, if it has none, a digest
// of its bytes. It is valid as long as the alert is.
func Identity(a *page.Alert) []byte {
	switch id := a.ID; {
	case len(id) > 2 && id[0] == '"':
		return id[1 : len(id)-1]
	case len(id) > 0 && (id[0] == '-' || id[0] >= '0' && id[0] <= '9'):
		return id
	}
	return fmt.Appendf(nil, "sha256:%x", sha256.Sum256(a.Line))
}

// Time is the time by which an alert belongs to a cell, in epoch seconds.
func Time(a *page.Alert, field TimeField) (int64, bool) {
	if field == EventTime {
		return EpochSeconds(a.Timestamp)
	}
	return EpochSeconds(a.Inserted)
}

// EpochSeconds reads a raw time of an alert, a JSON number or a string, cut to whole seconds. It is
// the one reader of times: seconds, milliseconds, microseconds or nanoseconds since the
// epoch, told apart by their size, with a fraction or an exponent; or ISO 8601 with or
// without a fraction or a zone (then it is UTC). 0 and negative numbers are none.
func EpochSeconds(raw []byte) (int64, bool) {
	text := bytes.TrimSpace(bytes.Trim(raw, `"`))
	if len(text) == 0 || len(text) > 40 {
		return 0, false
	}
	whole := int64(0)
	for i, c := range text {
		if c < '0' || c > '9' || i == 18 {
			return uncommonTime(string(text))
		}
		whole = whole*10 + int64(c-'0')
	}
	for whole >= 1e11 { // no alert is of the year 5138 or later
		whole /= 1000
	}
	return whole, whole > 0
}

func uncommonTime(text string) (int64, bool) {
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		if !(f >= 1 && f < 1e20) {
			return 0, false
		}
		for f >= 1e11 {
			f /= 1000
		}
		return int64(f), true
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, text); err == nil && t.Unix() > 0 {
			return t.Unix(), true
		}
	}
	return 0, false
}

// timeLayouts take a fraction of a second, too.
var timeLayouts = []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05",
	"2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05Z0700", time.ANSIC, time.RFC1123, time.RFC1123Z, "2006-01-02"}

// Key stands for an alert's identity: the first 128 bits of its SHA-256. Two of a
// million alerts share one with a probability below 10^-26.
type Key [16]byte

// KeyOf is the key of an identity.
func KeyOf(identity []byte) Key {
	sum := sha256.Sum256(identity)
	return Key(sum[:])
}

// TimeField says which of an alert's two times decides where it belongs.
type TimeField string

const (
	// InsertionTime is when the tenant stored the alert. It is the default,
	// because an alert can be stored up to a day after it happened.
	InsertionTime TimeField = "insertion"
	// EventTime is the alert's own timestamp, as the original function used it.
	// Alerts that are stored later than LAG after it are missed.
	EventTime TimeField = "event"
)
