package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"netskope-alerts.internal/collector/internal/stream"
)

// StreamName is the value of a flag for a stream.
type StreamName string

// UnmarshalText refuses what is no stream's name, with those that there are.
func (n *StreamName) UnmarshalText(text []byte) error {
	of, err := stream.Parse(string(text))
	*n = StreamName(of.String())
	return err
}

// Moment is the value of a flag for a time, as [ParseMoment] reads it.
type Moment string

// UnmarshalText refuses what is no time.
func (m *Moment) UnmarshalText(text []byte) error {
	*m = Moment(text)
	_, err := ParseMoment(string(text), time.Now())
	return err
}

// At is the time, in UTC, as seen from now. What was no time is zero: [Moment.UnmarshalText] has refused it.
func (m Moment) At(now time.Time) time.Time {
	at, _ := ParseMoment(string(m), now)
	return at
}

// ParseMoment reads a time: RFC 3339, or a part of it, which is UTC, or how long ago it
// was, which is rounded down to a whole minute.
func ParseMoment(text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04",
		"2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC().Truncate(time.Second), nil
		}
	}
	ago := text
	days := 0
	if before, rest, ok := strings.Cut(text, "d"); ok {
		if _, err := fmt.Sscanf(before, "%d", &days); err == nil && fmt.Sprint(days) == before {
			ago = rest
		}
	}
	if ago == "" {
		ago = "0s"
	}
	if d, err := time.ParseDuration(ago); err == nil && d >= 0 && days >= 0 && (days > 0 || text == ago) {
		return now.Add(-d).AddDate(0, 0, -days).UTC().Truncate(time.Minute), nil
	}
	return time.Time{}, fmt.Errorf("%q: want a time as in 2026-11-01T06:00:00Z or 2026-11-01 (UTC), "+
		"or how long ago, as in 48h or 7d", text)
}

// AtMost is how many of a kind are shown.
type AtMost int

// UnmarshalText reads all, none or a number.
func (n *AtMost) UnmarshalText(text []byte) error {
	switch string(text) {
	case "all":
		*n = math.MaxInt
	case "none":
		*n = 0
	default:
		value, err := strconv.ParseUint(string(text), 10, 31)
		if err != nil {
			return fmt.Errorf("%q: want all, none or a number", text)
		}
		*n = AtMost(value)
	}
	return nil
}

// CheckPort refuses what is no port to listen on. The flag is a text, and judged when its command is chosen:
// what PORT holds for another program is no business of the other commands.
func CheckPort(text string) error {
	if _, err := strconv.ParseUint(text, 10, 16); err != nil {
		return fmt.Errorf("--port %q: want a number from 0 to 65535, as in --port 8080", text)
	}
	return nil
}
