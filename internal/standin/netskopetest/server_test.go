package netskopetest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

var (
	noon   = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	always = func() time.Time { return noon.AddDate(0, 0, 7) }
)

func TestEnvelopeHasNothingElse(t *testing.T) {
	c := serve(t, &netskopetest.Server{})
	w := window(true, noon.Add(-time.Hour), noon)
	if got := string(c.get(w).body); got != `{"ok":1,"result":[]}` {
		t.Errorf("an empty tenant answers %s", got)
	}
	at := noon.Add(-time.Minute)
	poison := `{"_id":"1","n":8638023457299261081,"f":1.10,"s":"\ud83d<\/b>"}`
	c.Add(netskopetest.Alert{ID: "1", Event: at, Inserted: at, JSON: []byte(poison)})
	r := c.get(w)
	if got, want := string(r.body), `{"ok":1,"result":[`+poison+`]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := r.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
}

func TestRefusals(t *testing.T) {
	const times = "starttime=1&endtime=2"
	for _, test := range []struct{ query, message string }{
		{"", "Time parameters are not passed"},
		{"limit=1", "Time parameters are not passed"},
		{"starttime=1", "Time parameters are not passed"},
		{"insertionendtime=1", "Time parameters are not passed"},
		{times + "&insertionstarttime=1&insertionendtime=2", "cannot be combined"},
		{"starttime=1&insertionendtime=2", "cannot be combined"},
		{"starttime=3&endtime=2", "endtime is before starttime"},
		{"starttime=1.5&endtime=2", "starttime must be whole epoch seconds"},
		{"starttime=-1&endtime=2", "starttime must be whole epoch seconds"},
		{"starttime=&endtime=2", "starttime must be whole epoch seconds"},
		{"starttime=1&endtime=1686737089365", "endtime must be whole epoch seconds"},
		{"starttime=2026-03-10T12:00:00Z&endtime=2", "starttime must be whole epoch seconds"},
		{times + "&limit=0", "limit"},
		{times + "&limit=x", "limit"},
		{times + "&offset=-1", "offset"},
		{times + "&skip=5", "unknown parameter"},
		{times + "&timeperiod=3600", "unknown parameter"},
		{times + "&operation=next", "unknown parameter"},
		{times + "&limit=1&limit=2", "more than once"},
		{times + "&x=%zz", "malformed"},
	} {
		c := serve(t, &netskopetest.Server{})
		r := c.get(test.query)
		if e := r.envelope(t); r.status != http.StatusBadRequest || !strings.Contains(e.Message, test.message) {
			t.Errorf("%q: %d %s, want 400 with %q", test.query, r.status, r.body, test.message)
		}
	}
}

func TestTokenAndRotation(t *testing.T) {
	c := serve(t, &netskopetest.Server{})
	w := window(true, noon.Add(-time.Hour), noon)
	status := func(token string) int {
		c.token = token
		r := c.get(w)
		if r.status == http.StatusUnauthorized && r.envelope(t).Message == "" {
			t.Error("401 without a message")
		}
		return r.status
	}
	if got := status("whatever"); got != 200 {
		t.Errorf("without a Token: %d", got)
	}
	if got := status(""); got != 401 {
		t.Errorf("no token: %d", got)
	}
	c.SetToken("old")
	if a, b := status("old"), status("new"); a != 200 || b != 401 {
		t.Errorf("before the rotation: %d with the old token, %d with the new", a, b)
	}
	c.SetToken("new")
	if a, b := status("old"), status("new"); a != 401 || b != 200 {
		t.Errorf("after the rotation: %d with the old token, %d with the new", a, b)
	}
	stats := c.Stats()
	if stats.Requests != 6 || stats.Requests != c.Requests() || stats.Refused[401] != 3 || stats.Pages != 3 {
		t.Errorf("counted %+v", stats)
	}
	if stats.UserAgents["Go-http-client/1.1"] != 6 {
		t.Errorf("user agents %v", stats.UserAgents)
	}
}

func TestOtherPathsAndMethods(t *testing.T) {
	var s netskopetest.Server
	for _, test := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/api/v2/events/dataexport/events/alert", 404},
		{"GET", netskopetest.Path + "/", 404},
		{"POST", netskopetest.Path, 405},
	} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(test.method, test.path, nil))
		if w.Code != test.status || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s %s: %d %s, want %d", test.method, test.path, w.Code, w.Body, test.status)
		}
	}
}
