// Package alert reads what the collector needs of a raw alert: who it is, when it belongs,
// and why a feed cannot take it. Nothing else of it is decoded.
package alert

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math"
	"strconv"

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

// EpochSeconds reads a raw JSON number, or a string that holds one, cut to whole
// seconds. From 10^11 on it can only be milliseconds, in which the tenant gives some
// of its times.
func EpochSeconds(raw []byte) (int64, bool) {
	raw = bytes.Trim(raw, `"`)
	var seconds int64
	if len(raw) == 0 || len(raw) > 40 {
		return 0, false
	}
	for i, c := range raw {
		if c < '0' || c > '9' || i == 18 {
			f, err := strconv.ParseFloat(string(raw), 64)
			if err != nil || !(f >= 0 && f < 1e17) {
				return 0, false
			}
			seconds = int64(math.Floor(f))
			break
		}
		seconds = seconds*10 + int64(c-'0')
	}
	if seconds >= 1e11 {
		seconds /= 1000
	}
	return seconds, true
}

// Key stands for an alert's identity: the first 128 bits of its SHA-256. Two of a
// million alerts share one with a probability below 10^-26.
type Key [16]byte

// KeyOf is the key of an identity.
func KeyOf(identity []byte) Key {
	sum := sha256.Sum256(identity)
	return Key(sum[:])
}

// Set is a set of alerts' keys, each with the number of the page that brought it
// first, or 0 as long as it is only known from elsewhere.
type Set map[Key]int32

// Meet notes that the page brought the alert. It returns the page that brought it
// before, or -1 if none did.
func (s Set) Meet(key Key, page int) (earlier int) {
	at, ok := s[key]
	if !ok || at == 0 {
		s[key] = int32(page)
	}
	if !ok {
		return -1
	}
	return int(at)
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
