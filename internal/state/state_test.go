package state

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/stream"
)

// TestParse says of every content what it is: ours, the original's, damaged, which the
// ledger can replace, or somebody's who has to look at it.
func TestParse(t *testing.T) {
	now := at("2026-11-23T12:00:00Z")
	const (
		began = `"began":"2026-11-22T09:00:00Z"`
		ours  = began + `,"tenant":"https://acme.goskope.com","time_field":"insertion"`
		whole = `{"through":"2026-11-23T10:00:00Z",` + ours + `}`
		mark  = "2026-11-23T09:33:08Z"
	)
	for _, test := range []struct{ name, content, through, problem string }{
		{"ours", whole, "2026-11-23T10:00:00Z", ""},
		{"ours in another zone", strings.Replace(whole, "10:00:00Z", "11:00:00+01:00", 1), "2026-11-23T10:00:00Z", ""},
		{"ours, at its beginning", strings.Replace(whole, "23T10:00", "22T09:00", 1), "2026-11-22T09:00:00Z", ""},
		{"the original's number", `{"last_event_time": 1795426508}`, mark, ""},
		{"the original's float", `{"last_event_time": 1795426508.75}`, mark, ""},
		{"the original's numeric string (defect 20)", `{"last_event_time": "1795426508"}`, mark, ""},
		{"the original's milliseconds (defect 15)", `{"last_event_time": 1795426508000}`, mark, ""},
		{"the original's ISO time", `{"last_event_time": "2026-11-23T09:35:08Z"}`, mark, ""},
		{"the original's ISO time with offset", `{"last_event_time": "2026-11-23T10:35:08+01:00"}`, mark, ""},
		{"the original's ISO time without zone", `{"last_event_time": "2026-11-23T09:35:08.123456"}`, mark, ""},
		{"the original's future mark (defect 15)", `{"last_event_time": 1895426508}`, "", "in the future"},
		{"the original's null", `{"last_event_time": null}`, "", "neither"},
		{"the original's zero", `{"last_event_time": 0}`, "", "not a time"},
		{"empty", ``, "", "unexpected end"},
		{"empty object", `{}`, "", "must both be set"},
		{"torn", whole[:50], "", "unexpected end"},
		{"garbage", `<html>`, "", "invalid"},
		{"an array", `[]`, "", "cannot unmarshal"},
		{"two objects", `{"last_event_time": 1795426508}{}`, "", "after top-level value"},
		{"no beginning", `{"through":"2026-11-23T10:00:00Z"}`, "", "must both be set"},
		{"through before its beginning", strings.Replace(whole, "-23T10", "-22T08", 1), "", "is before began"},
		{"fractions", strings.Replace(whole, "10:00:00Z", "10:00:00.5Z", 1), "", "whole seconds"},
		{"fractions of its beginning", strings.Replace(whole, "09:00:00Z", "09:00:00.5Z", 1), "", "whole seconds"},
		{"before there were clocks", strings.Replace(whole, "2026-11-22", "1926-11-22", 1), "", "since 1970"},
		{"ahead of the clock", strings.Replace(whole, "10:00", "13:00", 1), "", "in the future"},
	} {
		s, err := Parse([]byte(test.content), now)
		var broken *Damaged
		switch {
		case test.through != "" && (err != nil || !s.Through.Equal(at(test.through)) || s.Began.After(s.Through)):
			t.Errorf("%s: got %+v, %v; want through %s", test.name, s, err, test.through)
		case test.through == "" && (err == nil || !strings.Contains(err.Error(), test.problem)):
			t.Errorf("%s: got %+v, %v; want an error with %q", test.name, s, err, test.problem)
		case test.through == "" && (!errors.As(err, &broken) || string(broken.Content) != test.content):
			t.Errorf("%s: %v does not count as damaged, or has lost the bytes", test.name, err)
		}
	}
	// A member that is not known has a meaning for somebody: that is no damage.
	_, err := Parse([]byte(strings.Replace(whole, "{", `{"cells":1,`, 1)), now)
	if broken := (*Damaged)(nil); err == nil || errors.As(err, &broken) || !strings.Contains(err.Error(), "cells") {
		t.Errorf("an unknown member: %v", err)
	}
}

// TestStateReadableByTheOriginal holds that last_event_time is a plain number of
// seconds, as the original function writes and reads it.
func TestStateReadableByTheOriginal(t *testing.T) {
	content, err := State{Through: at("2026-11-23T10:00:00Z"), LastEventTime: 1795426508}.Encode()
	if err != nil || !strings.Contains(string(content), `"last_event_time": 1795426508`) {
		t.Errorf("%s, %v", content, err)
	}
}

// TestEncode holds the bytes of a state: other versions and people read them, and what says nothing is left out.
func TestEncode(t *testing.T) {
	s := State{Through: at("2026-11-23T10:00:00Z"), Began: at("2026-11-22T09:00:00Z"), Tenant: "https://acme.goskope.com",
		TimeField: alert.InsertionTime}
	const live = `{
  "through": "2026-11-23T10:00:00Z",
  "began": "2026-11-22T09:00:00Z",
  "tenant": "https://acme.goskope.com",
  "time_field": "insertion"
}
`
	moved := s
	moved.Moved = at("2026-11-23T09:30:00Z").Add(5 * time.Millisecond)
	moved.LastEventTime, moved.Stream = 1795426508, stream.Page
	for want, s := range map[string]State{live: s, `{
  "through": "2026-11-23T10:00:00Z",
  "began": "2026-11-22T09:00:00Z",
  "moved": "2026-11-23T09:30:00.005Z",
  "last_event_time": 1795426508,
  "tenant": "https://acme.goskope.com",
  "stream": "page",
  "time_field": "insertion"
}
`: moved} {
		content, err := s.Encode()
		if err != nil || string(content) != want {
			t.Errorf("got %s, %v\nwant %s", content, err, want)
		}
		if again, err := Parse(content, s.Through); err != nil || !again.Same(s) {
			t.Errorf("it reads as %+v, %v", again, err)
		}
	}
}

// FuzzParse holds that no bytes make a state that breaks its own rules, and that
// a state survives being saved.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"through":"2026-11-23T10:00:00Z","began":"2026-11-23T10:00:00Z","tenant":"t","time_field":"event"}`,
		`{"through":"2026-11-23T10:00:00+02:00","began":"2026-11-22T10:00:00Z","last_event_time":1795426508}`,
		`{"last_event_time": 1795426508}`, `{"last_event_time": "2026-11-23 09:35:08+02:00"}`,
		`{"last_event_time":1e300}`, `{}`, `[]`, `null`, "\xef\xbb\xbf{}",
	} {
		f.Add([]byte(seed))
	}
	now := at("2026-11-23T12:00:00Z")
	f.Fuzz(func(t *testing.T, content []byte) {
		s, err := Parse(content, now)
		if err != nil {
			return
		}
		if s.Through.After(now.Add(clockTolerance)) || s.Began.Year() < 1970 ||
			s.Through.Truncate(time.Second) != s.Through || s.Through.Before(s.Began) {
			t.Errorf("%q: %+v", content, s)
		}
		if s.Original {
			if s.LastEventTime < 1e9 {
				t.Errorf("%q: adopted as %+v", content, s)
			}
			return
		}
		saved, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := Parse(saved, now); err != nil || again != s {
			t.Errorf("%q: saved as %s, which reads as %+v, %v", content, saved, again, err)
		}
	})
}

// at is a moment in RFC 3339.
func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}
