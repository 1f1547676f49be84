package collector

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	cloudevents "github.com/cloudevents/sdk-go/v2"

	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// standIns are one tenant and one Cloud Storage on loopback for all tests that go
// through the process's own storage client, which is made once.
var standIns = sync.OnceValue(func() (s struct {
	tenant *netskopetest.Server
	cloud  *gcstest.Server
	url    string
}) {
	s.tenant = &netskopetest.Server{Token: testToken}
	now := time.Now()
	s.tenant.Add(netskopetest.Generate(1, now.Add(-2*time.Hour), now.Add(-10*time.Minute), 40)...)
	refusing := func(f netskopetest.Fault) *netskopetest.Server {
		return &netskopetest.Server{Fault: func(netskopetest.Request) netskopetest.Fault { return f }}
	}
	pages := &netskopetest.Server{}
	pages.Add(netskopetest.Profile{Stream: "page", From: now.Add(-2 * time.Hour),
		To: now.Add(-10 * time.Minute), N: 25}.Alerts()...)
	s.tenant.Events = map[string]*netskopetest.Server{"page": pages, "audit": refusing(netskopetest.Forbidden()),
		"network": refusing(netskopetest.Unlicensed())}
	s.cloud = &gcstest.Server{}
	s.url = httptest.NewServer(s.tenant).URL
	os.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(httptest.NewServer(s.cloud).URL, "http://"))
	return s
})

const messagePublished = "google.cloud.pubsub.topic.v1.messagePublished"

// TestServedInEveryShape sends a tick through the functions framework in every shape
// that the platform, push subscriptions and emulators send it, and holds that each
// makes the alerts arrive.
func TestServedInEveryShape(t *testing.T) {
	s := standIns()
	for name, value := range map[string]string{
		"GCS_BUCKET": "shapes", "NETSKOPE_TENANT": s.url, "NETSKOPE_API_TOKEN": testToken, "REQUESTS_PER_SECOND": "0",
		"FUNCTION_TARGET": "CollectAlerts",
	} {
		t.Setenv(name, value)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	host, port, _ := net.SplitHostPort(address)
	go funcframework.StartHostPort(host, port) // there is no way to stop it but the process's end
	for range 100 {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			break
		}
		time.Sleep(10 * time.Millisecond)
	}

	tick := base64.StdEncoding.EncodeToString([]byte("{}"))
	now := time.Now().UTC().Format(time.RFC3339Nano)
	message := fmt.Sprintf(`{"message":{"data":%q,"messageId":"7","publishTime":%q,"attributes":{"a":"b"}},`+
		`"subscription":"projects/p/subscriptions/s"}`, tick, now)
	structured := fmt.Sprintf(`{"specversion":"1.0","id":"7","type":%q,`+
		`"source":"//pubsub.googleapis.com/projects/p/topics/t","time":%q,`+
		`"datacontenttype":"application/json","data":%s}`, messagePublished, now, message)
	emulators := strings.Replace(message, `"messageId":"7"`,
		fmt.Sprintf(`"messageId":"7","message_id":"7","publish_time":%q`, now), 1)
	binary := http.Header{"Content-Type": {"application/json"}, "Ce-Specversion": {"1.0"}, "Ce-Id": {"7"},
		"Ce-Time": {now}, "Ce-Type": {messagePublished}, "Ce-Source": {"//pubsub.googleapis.com/projects/p/topics/t"}}
	for _, test := range []struct {
		name, path, body string
		header           http.Header
	}{
		{"binary", "/", message, binary},
		{"binary without payload", "/", `{"message":{"messageId":"7"}}`, binary},
		{"binary, bare {}", "/", `{}`, binary},
		{"structured", "/", structured,
			http.Header{"Content-Type": {"application/cloudevents+json; charset=utf-8"}}},
		{"push", "/projects/p/topics/t", message, http.Header{"Content-Type": {"application/json"}}},
		{"push to the root", "/", message, http.Header{"Content-Type": {"application/json"}}},
		{"push of the emulator", "/projects/p/topics/t", emulators,
			http.Header{"Content-Type": {"application/json"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, o := range s.cloud.Objects("shapes", "") {
				s.cloud.Delete("shapes", o.Name)
			}
			request, err := http.NewRequest("POST", "http://"+address+test.path, strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header = test.header
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(response.Body)
			response.Body.Close()
			lines := 0
			for _, o := range s.cloud.Objects("shapes", "netskope/alerts/") {
				lines += bytes.Count(o.Content, []byte("\n"))
			}
			if response.StatusCode != http.StatusOK || lines != 40 {
				t.Errorf("answer %d %s, %d of 40 alerts in the bucket", response.StatusCode, body, lines)
			}
		})
	}
}

func tickEvent(data []byte) cloudevents.Event {
	e := cloudevents.NewEvent()
	e.SetID("event-7")
	e.SetSource("//pubsub.googleapis.com/projects/p/topics/t")
	e.SetType(messagePublished)
	e.SetTime(time.Now())
	if data != nil {
		if err := e.SetData(cloudevents.ApplicationJSON, data); err != nil {
			panic(err)
		}
	}
	return e
}

// handled runs the handler over the stand-ins and returns its log records.
func handled(t *testing.T, e cloudevents.Event, pairs ...string) ([]map[string]any, error) {
	t.Helper()
	s := standIns()
	var log bytes.Buffer
	pairs = append([]string{"NETSKOPE_TENANT=" + s.url, "REQUESTS_PER_SECOND=0"}, pairs...)
	err := handle(t.Context(), e, environment(pairs...), newLogger(&log, slog.LevelInfo))
	var records []map[string]any
	for line := range strings.Lines(log.String()) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Errorf("log line is not JSON: %s", line)
		}
		records = append(records, record)
	}
	if strings.Contains(log.String(), testToken) {
		t.Errorf("the log shows the token: %s", log.String())
	}
	return records, err
}

// payload is the data of a message that asks for something.
func payload(text string) string {
	return `{"message":{"data":"` + base64.StdEncoding.EncodeToString([]byte(text)) + `"}}`
}

func TestMessageThatAsksForSomethingUnknownIsRefused(t *testing.T) {
	s := standIns()
	for _, test := range []struct{ name, data, want string }{
		{"another command", payload(`{"verify":"soon"}`), "verify"},
		{"two commands", payload(`{"verify":"48h","backfill":{"from":"2026-11-01T00:00:00Z",` +
			`"to":"2026-11-02T00:00:00Z"}}`), "two things"},
		{"repair alone", payload(`{"repair":true}`), "needs verify"},
		{"a span the wrong way round", payload(`{"backfill":{"from":"2026-11-02T00:00:00Z",` +
			`"to":"2026-11-01T00:00:00Z"}}`), "ends before it begins"},
		{"a word that is not known", payload(`{"verifyy":"48h"}`), "verifyy"},
		{"text", payload(`100% %d now`), "100%"},
		{"null", payload(`null`), "null"},
		{"not base64", `{"message":{"data":"%%%"}}`, "not a Pub/Sub message"},
		{"another service's event", `{"bucket":"b","name":"n"}`, "not a Pub/Sub message"},
		{"no JSON", `{"message":`, "not a Pub/Sub message"},
	} {
		before := s.tenant.Requests()
		records, err := handled(t, tickEvent([]byte(test.data)), "GCS_BUCKET=refused")
		if err == nil || strings.Contains(err.Error(), "%") {
			t.Errorf("%s: the framework gets %v", test.name, err)
		}
		if len(records) != 1 || records[0]["severity"] != "ERROR" ||
			!strings.Contains(fmt.Sprint(records[0]["error"]), test.want) {
			t.Errorf("%s: logged %v", test.name, records)
		}
		if s.tenant.Requests() != before || len(s.cloud.Objects("refused", "")) > 0 {
			t.Errorf("%s: work was done", test.name)
		}
	}
}

// TestRunIsLoggedOnce covers defects 39 and 40: the record's names and severities are
// what metrics and alert policies are built on.
func TestRunIsLoggedOnce(t *testing.T) {
	records, err := handled(t, tickEvent(nil), "GCS_BUCKET=logged-once")
	if err != nil || len(records) != 1 {
		t.Fatalf("%v, %v", records, err)
	}
	r := records[0]
	if r["severity"] != "INFO" || r["message"] != "run finished" || r["event"] != "event-7" || r["alerts"] != 40.0 ||
		r["caught_up"] != true || r["stopped"] != StoppedCaughtUp {
		t.Errorf("record: %v", r)
	}
	for _, name := range []string{"from", "through", "cells", "bytes", "objects", "cells_existing", "cells_covered",
		"cells_split", "requests", "pages", "retries", "duplicates", "undated", "quarantined", "state_races",
		"state_trouble", "lag_seconds", "lateness_p50_seconds", "lateness_p99_seconds", "lateness_max_seconds",
		"duration_seconds"} {
		if _, ok := r[name]; !ok {
			t.Errorf("the record lacks %s: %v", name, r)
		}
	}

	records, err = handled(t, tickEvent(nil), "GCS_BUCKET=logged-once", "STATE_KEY=netskope/alerts/state.json")
	if err != nil || len(records) != 2 || records[0]["severity"] != "WARNING" ||
		!strings.Contains(fmt.Sprint(records[0]["message"]), "feed") {
		t.Errorf("state in the feed's folder: %v, %v", records, err)
	}

	for _, test := range []struct{ pair, message, want string }{
		{"GCS_BUCKET=", "configuration refused", "GCS_BUCKET is not set"},
		{"NETSKOPE_API_TOKEN=expired", "run failed", "401"},
	} {
		records, err = handled(t, tickEvent(nil), "GCS_BUCKET=logged-failure", test.pair)
		if err == nil || len(records) != 1 || records[0]["severity"] != "ERROR" ||
			records[0]["message"] != test.message ||
			!strings.Contains(fmt.Sprint(records[0]["error"]), test.want) {
			t.Errorf("%s: %v, %v", test.pair, records, err)
		}
	}
}

// TestMessagesAskForMore has the function audit and backfill.
func TestMessagesAskForMore(t *testing.T) {
	hour := time.Now().UTC().Truncate(time.Hour)
	span := func(from, to int) string {
		const form = `{"backfill":{"from":%q,"to":%q}}`
		return fmt.Sprintf(form, hour.Add(time.Duration(from)*time.Hour).Format(time.RFC3339),
			hour.Add(time.Duration(to)*time.Hour).Format(time.RFC3339))
	}
	for _, test := range []struct {
		name, payload, severity, message string
		attributes                       map[string]any
	}{
		{"before the first run", `{"verify":"48h"}`, "ERROR", "audit failed", nil},
		{"before the first run", span(-40, -36), "INFO", "backfill finished",
			map[string]any{"alerts": 0.0, "caught_up": true,
				"through": hour.Add(-36 * time.Hour).Format(time.RFC3339)}},
		{"the first run", ``, "INFO", "run finished", map[string]any{"alerts": 40.0}},
		{"an audit", `{"verify":"48h"}`, "INFO", "audit passed",
			map[string]any{"delivered": 40.0, "missing": 0.0, "complete": true}},
		{"an audit with repair", `{"verify":"24h","repair":true}`, "INFO", "audit passed",
			map[string]any{"delivered": 40.0, "repaired": 0.0}},
		{"a backfill", span(-30, -26), "INFO", "backfill finished", map[string]any{"alerts": 0.0, "caught_up": true}},
		{"the same backfill again", span(-30, -26), "INFO", "backfill finished",
			map[string]any{"alerts": 0.0, "requests": 0.0, "objects": 0.0, "caught_up": true}},
		{"a backfill over what the run delivered", span(-26, -1), "INFO", "backfill finished",
			map[string]any{"alerts": 0.0, "caught_up": true}},
		{"its future", span(-30, 2), "ERROR", "backfill failed", nil},
	} {
		records, err := handled(t, tickEvent([]byte(payload(test.payload))), "GCS_BUCKET=asked-for-more")
		if failed := test.severity == "ERROR"; failed != (err != nil) || len(records) != 1 ||
			records[0]["severity"] != test.severity || records[0]["message"] != test.message {
			t.Errorf("%s: %v, %v", test.name, records, err)
			continue
		}
		for name, want := range test.attributes {
			if records[0][name] != want {
				t.Errorf("%s: %s is %v, want %v", test.name, name, records[0][name], want)
			}
		}
	}
	// What the tenant shows late is a gap, at a severity that alerts.
	s := standIns()
	stored := time.Now().Add(-90 * time.Minute)
	s.tenant.Add(netskopetest.Generate(77, stored, stored.Add(time.Minute), 3)...)
	defer func() {
		for _, a := range netskopetest.Generate(77, stored, stored.Add(time.Minute), 3) {
			s.tenant.Remove(a.ID)
		}
	}()
	for _, test := range []struct{ payload, severity, message string }{
		{`{"verify":"47h"}`, "ERROR", "audit found a gap"},
		{`{"verify":"46h","repair":true}`, "INFO", "audit passed"},
		{`{"verify":"45h"}`, "INFO", "audit passed"},
	} {
		records, err := handled(t, tickEvent([]byte(payload(test.payload))), "GCS_BUCKET=asked-for-more")
		if err != nil || len(records) != 1 || records[0]["severity"] != test.severity ||
			records[0]["message"] != test.message {
			t.Errorf("%s: %v, %v", test.payload, records, err)
		}
	}
}

func TestTriggerTime(t *testing.T) {
	clock := at("2026-11-23T12:00:00Z")
	for _, test := range []struct {
		name        string
		event, want time.Time
	}{
		{"the event's", clock.Add(-time.Hour), clock.Add(-time.Hour)},
		{"never later than the clock", clock.Add(time.Hour), clock},
		{"none", time.Time{}, clock},
	} {
		e := cloudevents.NewEvent()
		if !test.event.IsZero() {
			e.SetTime(test.event)
		}
		if got := triggerTime(e, clock); !got.Equal(test.want) {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

// TestMisspeltVariableIsAsked: a variable that nothing reads is asked about, also where that is why the
// configuration will not do, and its value is not shown.
func TestMisspeltVariableIsAsked(t *testing.T) {
	t.Setenv("GCS_BUCKET_NAME", "s3cret")
	t.Setenv("LANG", "C")
	records, err := handled(t, tickEvent([]byte(`{}`)), "GCS_BUCKET_NAME=s3cret", "LANG=C", "GCS_BUCKET=")
	if err == nil || len(records) != 2 {
		t.Fatalf("%v, %v", records, err)
	}
	if r := records[0]; r["severity"] != "WARNING" || r["variable"] != "GCS_BUCKET_NAME" ||
		r["message"] != "GCS_BUCKET_NAME is set, but nothing reads it: do you mean GCS_BUCKET?" {
		t.Errorf("%v", r)
	}
	if strings.Contains(fmt.Sprint(records), "s3cret") {
		t.Errorf("the value is shown: %v", records)
	}
	if records, _ := handled(t, tickEvent([]byte(`{}`))); len(records) != 1 {
		t.Errorf("%v", records)
	}
}
