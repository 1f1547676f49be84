package cli

import (
	"testing"
	"time"
)

func TestAtMost(t *testing.T) {
	for text, want := range map[string]int64{"all": 1<<63 - 1, "none": 0, "0": 0, "25": 25, "": -1, "-1": -1,
		"many": -1, "99999999999": -1} {
		var n AtMost
		if err := n.UnmarshalText([]byte(text)); (err != nil) != (want < 0) || want >= 0 && int64(n) != want {
			t.Errorf("%q: %d, %v", text, n, err)
		}
	}
}

// TestParseMoment: how long ago is a whole minute; a time is as it is written.
func TestParseMoment(t *testing.T) {
	now := time.Date(2026, 11, 26, 14, 37, 41, 5e8, time.FixedZone("", 3600))
	for text, want := range map[string]string{
		"24h":                       "2026-11-25T13:37:00Z",
		"7d":                        "2026-11-19T13:37:00Z",
		"1d2h30m":                   "2026-11-25T11:07:00Z",
		"90s":                       "2026-11-26T13:36:00Z",
		"0s":                        "2026-11-26T13:37:00Z",
		"2026-11-01":                "2026-11-01T00:00:00Z",
		"2026-11-01T06:00:07":       "2026-11-01T06:00:07Z",
		"2026-11-01T06:00:07+02:00": "2026-11-01T04:00:07Z",
		"tomorrow":                  "",
		"-3h":                       "",
		"3":                         "",
	} {
		got, err := ParseMoment(text, now)
		if (err == nil) != (want != "") ||
			err == nil && (got.Format(time.RFC3339Nano) != want || got.Location() != time.UTC) {
			t.Errorf("%s is %v, %v, want %s", text, got, err, want)
		}
	}
}
