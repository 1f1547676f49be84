// Package alert reads what the collector needs of a raw alert: who it is, when it belongs,
// and why a feed cannot take it. Nothing else of it is decoded.
package alert

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"math"
	"strconv"
	"strings"
	"time"

	"netskope-alerts.internal/collector/internal/page"
)

// MaxLine is the longest line that goes into the feed's folder, in bytes, with the
// newline: a longer one fails the whole feed with MaxLogLineSize4MBExceeded (Google
// SecOps, feed management).
const MaxLine = 4_000_000

// QuarantineReason says why an alert must not reach the feed, or nothing.
func QuarantineReason(a *page.Alert) string {
	switch {
	case !a.Object:
		return "not a JSON object"
	case len(a.Line)+1 > MaxLine:
		return fmt.Sprintf("longer than %d bytes", MaxLine)
	}
	return ""
}

// Identity is the alert's name: its _id as a person reads it, without quotes and escapes, or, if it has
// none, a digest of its bytes. It is valid as long as the alert is.
func Identity(a *page.Alert) []byte {
	switch {
	case HasID(a) && a.ID[0] != '"':
		return a.ID
	case HasID(a) && bytes.IndexByte(a.ID, '\\') >= 0:
		var text string
		if json.Unmarshal(a.ID, &text) == nil {
			return []byte(text)
		}
		return a.ID[1 : len(a.ID)-1]
	case HasID(a):
		return a.ID[1 : len(a.ID)-1]
	}
	return fmt.Appendf(nil, "sha256:%x", sha256.Sum256(a.Line))
}

// HasID reports whether the alert has an _id that identifies anything: a string or a number,
// and none of those by which systems say that there is nothing.
func HasID(a *page.Alert) bool {
	if len(a.ID) == 0 || a.ID[0] != '"' && a.ID[0] != '-' && (a.ID[0] < '0' || a.ID[0] > '9') {
		return false
	}
	id := bytes.TrimSpace(bytes.Trim(a.ID, `"`))
	if len(id) > len("undefined") {
		return true // as nearly all are
	}
	switch string(bytes.ToLower(id)) {
	case "", "0", "-1", "null", "nil", "none", "undefined", "nan", "n/a", "-":
		return false
	}
	return true
}

// Time is the time by which an alert belongs to a cell, in epoch seconds.
func Time(a *page.Alert, field TimeField) (int64, bool) {
	if field == EventTime {
		return EpochSeconds(a.Timestamp)
	}
	return EpochSeconds(a.Inserted)
}

// EpochSeconds reads a raw time of an alert, a JSON number or a string, cut to whole seconds, as
// [Moment] does.
func EpochSeconds(raw []byte) (int64, bool) {
	text := bytes.TrimSpace(bytes.Trim(raw, `"`))
	whole := int64(0)
	for i, c := range text {
		if c < '0' || c > '9' || i == 18 {
			t, ok := Moment(string(text))
			return t.Unix(), ok
		}
		whole = whole*10 + int64(c-'0')
	}
	for whole >= tooLate {
		whole /= 1000
	}
	return whole, whole > 0
}

// tooLate is the year 5138, in epoch seconds: no alert is of then, so a larger number is of
// a finer unit.
const tooLate = 1e11

// Moment reads a time of an alert. It is the one reader of times: seconds, milliseconds,
// microseconds or nanoseconds since the epoch, told apart by their size, with a fraction or
// an exponent; or ISO 8601 with or without a fraction or a zone (then it is UTC). 0,
// negative numbers and what is before 1970 are none.
func Moment(text string) (time.Time, bool) {
	text = strings.TrimSpace(text)
	if len(text) == 0 || len(text) > 40 {
		return time.Time{}, false
	}
	if t, ok := epoch(text); ok {
		return t, true
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil { // with an exponent
		if strings.ContainsAny(text, "_xXpP") || !(f >= 1 && f < 1e20) {
			return time.Time{}, false
		}
		for f >= tooLate {
			f /= 1000
		}
		whole, fraction := math.Modf(f)
		return time.Unix(int64(whole), int64(fraction*1e9)).UTC(), true
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), t.Unix() > 0
		}
	}
	return time.Time{}, false
}

// epoch reads digits, with or without a fraction, without loss.
func epoch(text string) (time.Time, bool) {
	whole, fraction, _ := strings.Cut(text, ".")
	n, err := strconv.ParseUint(whole, 10, 63)
	if err != nil || strings.Trim(fraction, "0123456789") != "" {
		return time.Time{}, false
	}
	nanos := uint64(1e9) // of the unit
	for n/(1e9/nanos) >= tooLate {
		if nanos /= 1000; nanos == 0 {
			return time.Time{}, false
		}
	}
	per := 1e9 / nanos // units of a second
	part, _ := strconv.ParseUint((fraction + "000000000")[:9], 10, 63)
	t := time.Unix(int64(n/per), int64(n%per*nanos+part*nanos/1e9)).UTC()
	return t, t.Unix() > 0
}

// timeLayouts take a fraction of a second, too.
var timeLayouts = []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05",
	"2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05Z0700", time.ANSIC, time.RFC1123, time.RFC1123Z, "2006-01-02"}

// Key tells an alert from all others: 96 bits of the SHA-256 of its identity, and the CRC32C of
// its bytes. Two alerts are the same only if both say so. Two of a million identities share
// their part with a probability below 10^-16.
type Key [16]byte

// ID is the part of a key that stands for the identity.
type ID [12]byte

// ID is the part of the key that stands for the identity.
func (k Key) ID() ID { return ID(k[:12]) }

// IDOf is what stands for an identity.
func IDOf(identity []byte) ID {
	sum := sha256.Sum256(identity)
	return ID(sum[:12])
}

// KeyOf is the alert's key.
func KeyOf(a *page.Alert) (k Key) {
	id := IDOf(Identity(a))
	binary.BigEndian.PutUint32(k[copy(k[:], id[:]):], crc32.Checksum(a.Line, castagnoli))
	return k
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

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
