package original

import (
	"strings"
	"testing"
	"time"
)

var (
	now       = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	tolerance = 5 * time.Minute
)

func TestParse(t *testing.T) {
	for _, test := range []struct {
		name, content, through string
		newest                 int64
		problem                string
	}{
		{"a number", `{"last_event_time": 1795426508}`, "2026-11-23T09:33:08Z", 1795426508, ""},
		{"a float", `{"last_event_time": 1795426508.75}`, "2026-11-23T09:33:08Z", 1795426508, ""},
		{"with an exponent", `{"last_event_time": 1.795426508e9}`, "2026-11-23T09:33:08Z", 1795426508, ""},
		{"a numeric string (defect 20)", `{"last_event_time": "1795426508"}`, "2026-11-23T09:33:08Z", 1795426508, ""},
		{"with blanks", `{"last_event_time": " 1795426508 "}`, "2026-11-23T09:33:08Z", 1795426508, ""},
		{"milliseconds (defect 15)", `{"last_event_time": 1795426508000}`, "2026-11-23T09:33:08Z", 1795426508, ""},
		{"an ISO time", `{"last_event_time": "2026-11-23T09:35:08Z"}`, "2026-11-23T09:33:08Z", 1795426508, ""},
		{"with an offset", `{"last_event_time": "2026-11-23T10:35:08+01:00"}`, "2026-11-23T09:33:08Z", 1795426508, ""},
		{"with a blank", `{"last_event_time": "2026-11-23 10:35:08+01:00"}`, "2026-11-23T09:33:08Z", 1795426508, ""},
		{"without a zone", `{"last_event_time": "2026-11-23T09:35:08.123456"}`, "2026-11-23T09:33:08Z", 1795426508, ""},
		{"a day", `{"last_event_time": "2026-11-23"}`, "2026-11-22T23:58:00Z", 1795392000, ""},
		{"hardly ahead", `{"last_event_time": "2026-11-23T12:05:00Z"}`, "2026-11-23T12:03:00Z", 1795435500, ""},
		{"ahead", `{"last_event_time": "2026-11-23T12:05:01Z"}`, "", 0, "in the future"},
		{"far ahead (defect 15)", `{"last_event_time": 1895426508}`, "", 0, "in the future"},
		{"null", `{"last_event_time": null}`, "", 0, "neither"},
		{"zero", `{"last_event_time": 0}`, "", 0, "not a time"},
		{"negative", `{"last_event_time": -1795426508}`, "", 0, "not a time"},
		{"not a number", `{"last_event_time": "NaN"}`, "", 0, "not a time"},
		{"endless", `{"last_event_time": "inf"}`, "", 0, "not a time"},
		{"huge", `{"last_event_time": 1e300}`, "", 0, "not a time"},
		{"an object", `{"last_event_time": {}}`, "", 0, "neither"},
		{"a word", `{"last_event_time": "yesterday"}`, "", 0, "neither"},
		{"an empty string", `{"last_event_time": ""}`, "", 0, "neither"},
		{"long ago", `{"last_event_time": "1999-11-23T09:35:08Z"}`, "", 0, "neither"},
	} {
		s, ok, err := Parse([]byte(test.content), now, tolerance)
		switch {
		case !ok:
			t.Errorf("%s: is not taken for the original's", test.name)
		case test.problem == "" &&
			(err != nil || s.Through.Format(time.RFC3339Nano) != test.through || s.Newest != test.newest):
			t.Errorf("%s: %+v, %v, want %s", test.name, s, err, test.through)
		case test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem) || s != State{}):
			t.Errorf("%s: %+v, %v, want %q", test.name, s, err, test.problem)
		}
	}
}

// TestOthersAreNotTheOriginals: what is not, whatever it is, is somebody else's to read.
func TestOthersAreNotTheOriginals(t *testing.T) {
	for _, content := range []string{``, `{}`, `[]`, `null`, `1795426508`, `<html>`, `{"last_event_time": 17954`,
		`{"last_event_time": 1795426508}{}`, `{"last_event_time": 1795426508, "through": "2026-11-23T10:00:00Z"}`,
		"\xef\xbb\xbf{}"} {
		if s, ok, err := Parse([]byte(content), now, tolerance); ok || err != nil {
			t.Errorf("%q: %+v, %v", content, s, err)
		}
	}
}

// FuzzParse holds that no bytes make a state before there were alerts, or ahead of the clock.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{"last_event_time": 1795426508}`, `{"last_event_time": "2026-11-23 09:35:08+02:00"}`,
		`{"last_event_time":1e300}`, `{"last_event_time":"0x1p30"}`, `{}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		s, ok, err := Parse(content, now, tolerance)
		if !ok || err != nil {
			if s != (State{}) {
				t.Errorf("%q: %+v, %v, %v", content, s, ok, err)
			}
			return
		}
		if s.Newest < earliest || s.Through.After(now.Add(tolerance)) || s.Through.Nanosecond() != 0 ||
			s.Through.Location() != time.UTC || s.Newest-s.Through.Unix() < 119 || s.Newest-s.Through.Unix() > 121 {
			t.Errorf("%q: %+v", content, s)
		}
	})
}
