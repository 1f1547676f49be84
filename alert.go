package collector

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"math"
	"strconv"
	"strings"
	"time"

	"netskope-alerts.internal/collector/internal/page"
)

// maxLine is the longest line that goes into the feed's folder: a longer one fails
// the whole feed with MaxLogLineSize4MBExceeded (Google SecOps, feed management).
const maxLine = 4_000_000 // bytes, with the newline

// quarantineReason says why an alert must not reach the feed, or nothing.
func quarantineReason(a *page.Alert, stray bool) string {
	switch {
	case !a.Object:
		return "not a JSON object"
	case len(a.Line)+1 > maxLine:
		return fmt.Sprintf("longer than %d bytes", maxLine)
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

// identities is a set of alert identities, each with the page that brought it first.
// It keeps 128 bits of each, so that a window of 200,000 alerts costs megabytes, not
// tens of them; two of a million alerts share them with a probability below 10^-26.
type identities struct {
	seeds [2]maphash.Seed
	pages map[[2]uint64]int32
}

func newIdentities() identities {
	return identities{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, pages: map[[2]uint64]int32{}}
}

func (s identities) key(id []byte) [2]uint64 {
	return [2]uint64{maphash.Bytes(s.seeds[0], id), maphash.Bytes(s.seeds[1], id)}
}

// add notes that the page brought the identity. It reports whether it is the first to
// do so, and if not, whether an earlier page was.
func (s identities) add(id []byte, page int) (first, earlier bool) {
	key := s.key(id)
	if at, ok := s.pages[key]; ok {
		return false, int(at) < page
	}
	s.pages[key] = int32(page)
	return true, false
}

func (s identities) has(id []byte) bool { _, ok := s.pages[s.key(id)]; return ok }

func (s identities) len() int { return len(s.pages) }
