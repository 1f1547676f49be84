package netskopetest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// TestEventsAreGenerated: records of every stream have an _id, both times and a type, and no alert's
// fields; those of one seed are the same again.
func TestEventsAreGenerated(t *testing.T) {
	for _, stream := range netskopetest.Streams() {
		profile := netskopetest.Profile{Seed: 3, Stream: stream, From: dayStart, To: dayEnd, N: 300}
		records, again := profile.Alerts(), profile.Alerts()
		total := 0
		for i, a := range records {
			var r struct {
				ID       string  `json:"_id"`
				Inserted int64   `json:"_insertion_epoch_timestamp"`
				Event    int64   `json:"timestamp"`
				Type     string  `json:"type"`
				Alert    *string `json:"alert_type"`
			}
			if err := json.Unmarshal(a.JSON, &r); err != nil {
				t.Fatalf("%s: %v: %s", stream, err, a.JSON)
			}
			if r.ID != a.ID || len(r.ID) != 24 || r.Inserted != a.Inserted.Unix() || r.Event != a.Event.Unix() || r.Type == "" {
				t.Errorf("%s: %+v of %+v", stream, r, a)
			}
			if (r.Alert != nil) != (stream == "alert") {
				t.Errorf("%s: alert_type %v", stream, r.Alert)
			}
			if string(again[i].JSON) != string(a.JSON) {
				t.Errorf("%s: another record for the same seed", stream)
			}
			total += len(a.JSON)
		}
		t.Logf("%s: %d bytes on average", stream, total/len(records))
	}
}

// TestStreamsOfOneTenant: each stream lists its own records, and suffers its own faults; they share the
// token and the rate limit.
func TestStreamsOfOneTenant(t *testing.T) {
	audit := &netskopetest.Server{}
	page := &netskopetest.Server{Fault: func(netskopetest.Request) netskopetest.Fault { return netskopetest.Unlicensed() }}
	s := &netskopetest.Server{Token: "t", Events: map[string]*netskopetest.Server{"audit": audit, "page": page}}
	s.Add(netskopetest.Generate(1, dayStart, dayEnd, 3)...)
	audit.Add(netskopetest.Profile{Stream: "audit", From: dayStart, To: dayEnd, N: 5}.Alerts()...)
	ask := func(stream, token string) (status, records int) {
		r := httptest.NewRequest(http.MethodGet, fmt.Sprintf(
			"/api/v2/events/data/%s?insertionstarttime=%d&insertionendtime=%d",
			stream, dayStart.Add(-time.Second).Unix(), dayEnd.Unix()), nil)
		r.Header.Set("Netskope-Api-Token", token)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		var body struct{ Result []json.RawMessage }
		_ = json.Unmarshal(w.Body.Bytes(), &body) // a refusal has none
		return w.Code, len(body.Result)
	}
	for _, test := range []struct {
		stream, token   string
		status, records int
	}{
		{"alert", "t", 200, 3}, {"audit", "t", 200, 5}, {"page", "t", 501, 0}, {"network", "t", 404, 0},
		{"", "t", 404, 0}, {"audit", "u", 401, 0}, {"audit/", "t", 404, 0},
	} {
		if status, records := ask(test.stream, test.token); status != test.status || records != test.records {
			t.Errorf("%+v: %d, %d", test, status, records)
		}
	}
	if s.Requests() != 7 || audit.Requests() != 1 || page.Requests() != 1 {
		t.Errorf("%d requests, %d of them for audit, %d for page", s.Requests(), audit.Requests(), page.Requests())
	}
	for time.Now().Nanosecond() > 5e8 { // so that all fall into one second
		time.Sleep(time.Millisecond)
	}
	s.RateLimit = 2
	first, _ := ask("alert", "t")
	second, _ := ask("audit", "t")
	if third, _ := ask("audit", "t"); first != 200 || second != 200 || third != 429 {
		t.Errorf("with two requests a second: %d, %d, %d", first, second, third)
	}
}
