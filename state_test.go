package collector

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestParseState(t *testing.T) {
	now := at("2026-11-23T12:00:00Z")
	const ours = `"tenant":"https://acme.goskope.com","time_field":"insertion"`
	for _, test := range []struct{ name, content, through, problem string }{
		{"ours", `{"through":"2026-11-23T10:00:00Z","next":"2026-11-23T10:05:00Z","object":"netskope/alerts/2026/11/23/alerts_20261123T100000Z_20261123T100500Z.ndjson",` + ours + `}`, "2026-11-23T10:00:00Z", ""},
		{"ours in another zone", `{"through":"2026-11-23T11:00:00+01:00","next":"2026-11-23T10:05:00Z","object":"netskope/alerts/2026/11/23/alerts_20261123T100000Z_20261123T100500Z.ndjson",` + ours + `}`, "2026-11-23T10:00:00Z", ""},
		{"the original's number", `{"last_event_time": 1795426508}`, "2026-11-23T09:33:08Z", ""},
		{"the original's float", `{"last_event_time": 1795426508.75}`, "2026-11-23T09:33:08Z", ""},
		{"the original's numeric string (defect 20)", `{"last_event_time": "1795426508"}`, "2026-11-23T09:33:08Z", ""},
		{"the original's milliseconds (defect 15)", `{"last_event_time": 1795426508000}`, "2026-11-23T09:33:08Z", ""},
		{"the original's ISO time", `{"last_event_time": "2026-11-23T09:35:08Z"}`, "2026-11-23T09:33:08Z", ""},
		{"the original's ISO time with offset", `{"last_event_time": "2026-11-23T10:35:08+01:00"}`, "2026-11-23T09:33:08Z", ""},
		{"the original's ISO time without zone", `{"last_event_time": "2026-11-23T09:35:08.123456"}`, "2026-11-23T09:33:08Z", ""},
		{"the original's future mark (defect 15)", `{"last_event_time": 1895426508}`, "", "in the future"},
		{"the original's null", `{"last_event_time": null}`, "", "neither"},
		{"the original's zero", `{"last_event_time": 0}`, "", "not a time"},
		{"empty", ``, "", "EOF"},
		{"empty object", `{}`, "", "must both be set"},
		{"torn", `{"through":"2026-11-23T10:00:00Z","ne`, "", "EOF"},
		{"garbage", `<html>`, "", "invalid"},
		{"two objects", `{"last_event_time": 1795426508}{}`, "", "follows"},
		{"unknown member", `{"through":"2026-11-23T10:00:00Z","next":"2026-11-23T10:05:00Z","object":"netskope/alerts/2026/11/23/alerts_20261123T100000Z_20261123T100500Z.ndjson","cells":1}`, "", "cells"},
		{"next before through", `{"through":"2026-11-23T10:00:00Z","next":"2026-11-23T10:00:00Z"}`, "", "not after"},
		{"another window's object", `{"through":"2026-11-23T10:00:00Z","next":"2026-11-23T10:05:00Z","object":"a/2026/11/23/alerts_20261123T100000Z_20261123T101000Z.ndjson"}`, "", "not named by the window"},
		{"fractions", `{"through":"2026-11-23T10:00:00.5Z","next":"2026-11-23T10:05:00Z"}`, "", "whole seconds"},
		{"a year-long window", `{"through":"2025-11-23T10:00:00Z","next":"2026-11-23T10:05:00Z"}`, "", "longer"},
		{"ahead of the clock", `{"through":"2026-11-23T13:00:00Z","next":"2026-11-23T13:05:00Z","object":"a/2026/11/23/alerts_20261123T130000Z_20261123T130500Z.ndjson.gz"}`, "", "in the future"},
	} {
		s, err := parseState([]byte(test.content), now)
		switch {
		case test.through == "" && (err == nil || !strings.Contains(err.Error(), test.problem)):
			t.Errorf("%s: got %+v, %v; want an error with %q", test.name, s, err, test.problem)
		case test.through != "" && (err != nil || !s.Through.Equal(at(test.through))):
			t.Errorf("%s: got %+v, %v; want through %s", test.name, s, err, test.through)
		}
	}
}

// TestStateReadableByTheOriginal holds that last_event_time is a plain number of
// seconds, as the original function writes and reads it.
func TestStateReadableByTheOriginal(t *testing.T) {
	content, err := json.Marshal(State{Through: at("2026-11-23T10:00:00Z"), Next: at("2026-11-23T10:05:00Z"), LastEventTime: 1795426508})
	if err != nil || !strings.Contains(string(content), `"last_event_time":1795426508`) {
		t.Errorf("%s, %v", content, err)
	}
}

// FuzzParseState holds that no bytes make a state that breaks its own rules, and that
// a state survives being saved.
func FuzzParseState(f *testing.F) {
	for _, seed := range []string{
		`{"through":"2026-11-23T10:00:00Z","next":"2026-11-23T10:05:00Z","object":"netskope/alerts/2026/11/23/alerts_20261123T100000Z_20261123T100500Z.ndjson","tenant":"t","time_field":"event"}`,
		`{"through":"2026-11-23T10:00:00Z","next":"2026-11-23T10:05:00Z","until":"2026-11-23T10:05:00Z","object":"netskope/alerts/2026/11/23/alerts_20261123T100000Z_20261123T100500Z.ndjson","tenant":"t","time_field":"event"}`,
		`{"last_event_time": 1795426508}`, `{"last_event_time": "2026-11-23 09:35:08+02:00"}`, `{"last_event_time":1e300}`, `{}`, `[]`, `null`, "\xef\xbb\xbf{}",
	} {
		f.Add([]byte(seed))
	}
	now := at("2026-11-23T12:00:00Z")
	f.Fuzz(func(t *testing.T, content []byte) {
		s, err := parseState(content, now)
		if err != nil {
			return
		}
		if s.Through.After(now.Add(clockTolerance)) || s.Through.Year() < 1970 || s.Through.Truncate(time.Second) != s.Through {
			t.Errorf("%q: through %v", content, s.Through)
		}
		if s.Next.IsZero() { // the original's
			if s.LastEventTime < earliestAlert {
				t.Errorf("%q: adopted as %+v", content, s)
			}
			return
		}
		if !s.Next.After(s.Through) {
			t.Errorf("%q: window %v", content, s.window())
		}
		saved, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := parseState(saved, now); err != nil || again.window() != s.window() {
			t.Errorf("%q: saved as %s, which reads as %+v, %v", content, saved, again, err)
		}
	})
}
