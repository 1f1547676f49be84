package collector

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
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

// quarantineReason says why an alert must not reach the feed, or nothing.
func quarantineReason(a *page.Alert, stray bool) string {
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

// identity is what tells an alert from others: its _id, or, if it has none, a digest
// of its bytes. It is valid as long as the alert is.
func identity(a *page.Alert) []byte {
	switch id := a.ID; {
	case len(id) > 2 && id[0] == '"':
		return id[1 : len(id)-1]
	case len(id) > 0 && (id[0] == '-' || id[0] >= '0' && id[0] <= '9'):
		return id
	}
	return fmt.Appendf(nil, "sha256:%x", sha256.Sum256(a.Line))
}

// ownTime is the time by which an alert belongs to a window, in epoch seconds.
func ownTime(a *page.Alert, field TimeField) (int64, bool) {
	if field == EventTime {
		return epochSeconds(a.Timestamp)
	}
	return epochSeconds(a.Inserted)
}

// epochSeconds reads a raw JSON number, or a string that holds one, cut to whole
// seconds. From 10^11 on it can only be milliseconds, in which the tenant gives some
// of its times.
func epochSeconds(raw []byte) (int64, bool) {
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

// cursor is the operation that an answer names, or nothing.
func cursor(raw []byte) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	if _, ok := epochSeconds(raw); ok {
		return string(raw)
	}
	return ""
}

// cursorWait is how long an answer's wait_time asks to wait before its cursor is
// followed. It comes in seconds, as a number or as a string.
func cursorWait(raw []byte) time.Duration {
	seconds, err := strconv.ParseFloat(strings.Trim(string(raw), `" `), 64)
	if err != nil || !(seconds > 0) {
		return 0
	}
	return time.Duration(min(seconds, maxCursorWait.Seconds()) * float64(time.Second))
}

// alertKey stands for an alert's identity: the first 128 bits of its SHA-256. Two of a
// million alerts share one with a probability below 10^-26.
type alertKey [16]byte

func keyOf(identity []byte) alertKey {
	sum := sha256.Sum256(identity)
	return alertKey(sum[:])
}

// keySet is a set of alerts' keys, each with the number of the page that brought it
// first, or 0 as long as it is only known from elsewhere.
type keySet map[alertKey]int32

// meet notes that the page brought the alert. It returns the page that brought it
// before, or -1 if none did.
func (s keySet) meet(key alertKey, page int) (earlier int) {
	at, ok := s[key]
	if !ok || at == 0 {
		s[key] = int32(page)
	}
	if !ok {
		return -1
	}
	return int(at)
}
