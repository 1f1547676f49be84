// Package original reads the state of the Python function that this collector replaces.
package original

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"netskope-alerts.internal/collector/internal/strictjson"
)

// overlap is how far before its mark the original function asked again.
const overlap = 2 * time.Minute

// earliest, in epoch seconds, is September 2001, before any alert.
const earliest = 1e9

// State is what the original function remembered.
type State struct {
	Through time.Time // where its successor goes on: an overlap before its mark; UTC, whole seconds
	Newest  int64     // its mark: the newest timestamp that it had seen, epoch seconds
}

// Parse reads the original function's state; ok says that it is one, and err what is wrong
// with it. now is the clock's: a mark that is ahead of it by more than tolerance would have
// the collector wait in silence.
func Parse(content []byte, now time.Time, tolerance time.Duration) (s State, ok bool, err error) {
	var original struct {
		LastEventTime json.RawMessage `json:"last_event_time"`
	}
	if strictjson.Decode(content, &original) != nil || original.LastEventTime == nil {
		return State{}, false, nil
	}
	t, err := mark(original.LastEventTime)
	if err != nil {
		return State{}, true, err
	}
	if t.After(now.Add(tolerance)) {
		return State{}, true, fmt.Errorf("last_event_time %s is in the future", t.Format(time.RFC3339))
	}
	return State{Through: t.Add(-overlap).Truncate(time.Second), Newest: t.Unix()}, true, nil
}

// mark reads the original's last_event_time: epoch seconds as a number or a
// string (from 10^11 on it can only be milliseconds), or an ISO 8601 time, without
// a zone UTC.
func mark(raw json.RawMessage) (time.Time, error) {
	text := string(raw)
	if err := json.Unmarshal(raw, &text); err != nil && len(raw) > 0 && raw[0] == '"' {
		return time.Time{}, fmt.Errorf("last_event_time is not a string: %w", err)
	}
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		if n >= 1e11 {
			n /= 1000
		}
		if !(n >= earliest && n < 1e11) {
			return time.Time{}, fmt.Errorf("last_event_time %.40s is not a time of an alert", text)
		}
		whole, fraction := math.Modf(n)
		return time.Unix(int64(whole), int64(fraction*1e9)).UTC(), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00",
		"2006-01-02 15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil && t.Unix() >= earliest {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("last_event_time %.40q is neither epoch seconds nor an ISO 8601 time", text)
}
