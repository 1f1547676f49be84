package pubsubtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/google/go-cmp/cmp"

	"netskope-alerts.internal/collector/internal/standin/pubsubtest"
)

// TestEventAsRecorded holds a push against one that was recorded on Cloud Run:
// https://github.com/googleapis/google-cloudevents/issues/151.
func TestEventAsRecorded(t *testing.T) {
	e := newEndpoint()
	ts := httptest.NewServer(e)
	defer ts.Close()
	s := &pubsubtest.Server{
		Topic: "projects/p/topics/t", Subscription: "projects/p/subscriptions/s", Endpoint: ts.URL,
		Now: func() time.Time { return time.Date(2021, 2, 5, 4, 6, 14, 109e6, time.UTC) },
	}
	defer s.Close()
	id := s.Publish([]byte("Do that thing, yo! I love it"), nil)
	acknowledged(t, s)
	got := e.arrivals()[0]
	for name, want := range map[string]string{
		"Accept": "application/json", "Content-Type": "application/json", "From": "noreply@google.com",
		"Ce-Id": id, "Ce-Source": "//pubsub.googleapis.com/projects/p/topics/t", "Ce-Specversion": "1.0",
		"Ce-Time": "2021-02-05T04:06:14.109Z", "Ce-Type": "google.cloud.pubsub.topic.v1.messagePublished",
	} {
		if v := got.header.Values(name); !slices.Equal(v, []string{want}) {
			t.Errorf("%s: %q, want %q", name, v, want)
		}
	}
	var body, want map[string]any
	if err := json.Unmarshal(got.body, &body); err != nil {
		t.Fatal(err)
	}
	_ = json.Unmarshal([]byte(`{"message":{"data":"RG8gdGhhdCB0aGluZywgeW8hIEkgbG92ZSBpdA==",
		"messageId":"`+id+`","message_id":"`+id+`","publishTime":"2021-02-05T04:06:14.109Z","publish_time":"2021-02-05T04:06:14.109Z"},
		"subscription":"projects/p/subscriptions/s"}`), &want)
	if diff := cmp.Diff(want, body); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

// framework serves a function of the real functions framework, which has no way to
// stop it but the process's end, and returns its URL. The function is what called
// holds.
var (
	called    atomic.Pointer[func(cloudevents.Event) error]
	framework = sync.OnceValues(func() (string, error) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		address := listener.Addr().String()
		listener.Close()
		receive := func(_ context.Context, e cloudevents.Event) error { return (*called.Load())(e) }
		err = funcframework.RegisterCloudEventFunctionContext(context.Background(), "/function", receive)
		host, port, _ := net.SplitHostPort(address)
		go funcframework.StartHostPort(host, port)
		return "http://" + address + "/function", err
	})
)

// TestFrameworkReceives publishes with the real client and receives with the real
// functions framework, whose function fails the first time.
func TestFrameworkReceives(t *testing.T) {
	url, err := framework()
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var events []cloudevents.Event
	function := func(e cloudevents.Event) error {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, e.Clone())
		if len(events) == 1 {
			return errors.New("not yet")
		}
		return nil
	}
	called.Store(&function)

	s := &pubsubtest.Server{MinBackoff: 20 * time.Millisecond} // long enough for it to listen, in the end
	c := client(t, s)
	m := text("{}")
	m.Attributes = map[string]string{"a": "b"}
	answer, err := c.Projects.Topics.Publish(topic, request(m)).Do()
	if err != nil {
		t.Fatal(err)
	}
	s.SetEndpoint(url)
	acknowledged(t, s)

	mu.Lock()
	defer mu.Unlock()
	published := s.Messages()[0]
	if len(events) != 2 || published.Delivered() != 2 {
		t.Fatalf("%d events, %+v", len(events), published.Pushes)
	}
	for _, e := range events {
		if e.ID() != answer.MessageIds[0] || !e.Time().Equal(published.Published) ||
			e.Type() != "google.cloud.pubsub.topic.v1.messagePublished" ||
			e.Source() != "//pubsub.googleapis.com/"+topic {
			t.Errorf("event %v", e)
		}
		var body struct {
			Message struct {
				Data        []byte
				Attributes  map[string]string
				MessageID   string
				PublishTime time.Time
			}
			Subscription string
		}
		if err := e.DataAs(&body); err != nil {
			t.Fatal(err)
		}
		if got := body.Message; string(got.Data) != "{}" || got.Attributes["a"] != "b" ||
			got.MessageID != e.ID() || !got.PublishTime.Equal(e.Time()) ||
			body.Subscription != "projects/project/subscriptions/eventarc-us-central1-topic-sub-1" {
			t.Errorf("data %s", e.Data())
		}
	}
	last := len(published.Pushes) - 1
	if p := published.Pushes[last-1]; p.Status != 500 || p.Acknowledged {
		t.Errorf("the function's error arrives as %+v", p)
	}
	if p := published.Pushes[last]; p.Status != 200 || !p.Acknowledged || p.Err != nil {
		t.Errorf("the last push: %+v", p)
	}
}

// TestWhatAcknowledges: https://cloud.google.com/pubsub/docs/push lists the statuses.
func TestWhatAcknowledges(t *testing.T) {
	for status, want := range map[int]bool{
		200: true, 201: true, 202: true, 204: true,
		203: false, 205: false, 206: false, 301: false, 302: false,
		400: false, 404: false, 429: false, 500: false, 503: false,
	} {
		moved := make(chan string, 1)
		mux := http.NewServeMux()
		mux.HandleFunc("/moved", func(_ http.ResponseWriter, r *http.Request) { moved <- r.Method })
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			if status/100 == 3 {
				w.Header().Set("Location", "/moved")
			}
			w.WriteHeader(status)
		})
		ts := httptest.NewServer(mux)
		s := &pubsubtest.Server{Endpoint: ts.URL, Retention: time.Second} // shorter than the backoff: one push only
		s.Publish([]byte("x"), nil)
		acknowledged(t, s)
		m := s.Messages()[0]
		if len(m.Pushes) != 1 || m.Pushes[0].Status != status || m.Pushes[0].Acknowledged != want ||
			m.Acknowledged != want || m.Expired == want {
			t.Errorf("%d: %+v", status, m)
		}
		if len(moved) > 0 {
			t.Errorf("%d: the redirect was followed", status)
		}
		s.Close()
		ts.Close()
	}
}
