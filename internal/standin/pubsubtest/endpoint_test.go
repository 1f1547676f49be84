package pubsubtest_test

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/api/option"
	"google.golang.org/api/pubsub/v1"

	"netskope-alerts.internal/collector/internal/standin/pipenet"
	"netskope-alerts.internal/collector/internal/standin/pubsubtest"
)

const topic = "projects/project/topics/topic"

var seedFlag = flag.Uint64("seed", 0, "seed of the random tests; 0 picks one")

func newSeed(t *testing.T) uint64 {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("repeat with: go test -run '^%s$' -args -seed %d", t.Name(), seed)
	return seed
}

// endpoint is where messages are pushed to: it records what arrives and answers with
// what respond says, 200 without it.
type endpoint struct {
	began   time.Time
	respond func(w http.ResponseWriter, r *http.Request, data string)

	mu       sync.Mutex
	arrived  []arrival
	now, max int // requests under way
}

type arrival struct {
	after    time.Duration // since began
	id, data string
	header   http.Header
	body     []byte
}

func newEndpoint() *endpoint { return &endpoint{began: time.Now()} }

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var event struct{ Message struct{ Data []byte } }
	_ = json.Unmarshal(body, &event)
	e.mu.Lock()
	e.arrived = append(e.arrived,
		arrival{time.Since(e.began), r.Header.Get("Ce-Id"), string(event.Message.Data), r.Header, body})
	e.now++
	e.max = max(e.max, e.now)
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.now--
	}()
	if e.respond != nil {
		e.respond(w, r, string(event.Message.Data))
	}
}

// RoundTrip makes the endpoint a transport: requests reach it without a network.
func (e *endpoint) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	done := make(chan struct{})
	go func() { defer close(done); e.ServeHTTP(w, r) }()
	select {
	case <-done:
		return w.Result(), nil
	case <-r.Context().Done():
		<-done // nothing of a test outlives its bubble
		return nil, r.Context().Err()
	}
}

func (e *endpoint) arrivals() []arrival {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.arrived)
}

// times are when messages arrived, whole seconds since the endpoint was made.
func (e *endpoint) times() (seconds []int) {
	for _, a := range e.arrivals() {
		seconds = append(seconds, int(a.after/time.Second))
	}
	return seconds
}

// data is what arrived, in order.
func (e *endpoint) data() (all []string) {
	for _, a := range e.arrivals() {
		all = append(all, a.data)
	}
	return all
}

// inBubble gives s the endpoint for a transport and closes it at the test's end.
func inBubble(t *testing.T, s *pubsubtest.Server) *endpoint {
	e := newEndpoint()
	s.Endpoint, s.Transport = "http://function.test/", e
	t.Cleanup(s.Close)
	return e
}

func quiet(t *testing.T, s *pubsubtest.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*24*time.Hour)
	defer cancel()
	if err := s.WaitQuiet(ctx); err != nil {
		t.Fatal(err)
	}
}

func acknowledged(t *testing.T, s *pubsubtest.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*24*time.Hour)
	defer cancel()
	if err := s.WaitAcknowledged(ctx); err != nil {
		t.Fatal(err)
	}
}

// client is the real REST client for s, over loopback.
func client(t *testing.T, s *pubsubtest.Server) *pubsub.Service {
	t.Helper()
	ts := httptest.NewServer(s)
	t.Cleanup(ts.Close)
	t.Cleanup(s.Close)
	c, err := pubsub.NewService(t.Context(), option.WithEndpoint(ts.URL), option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// overPipe serves a handler on a network without sockets and returns a transport to
// it.
func overPipe(t *testing.T, h http.Handler) *http.Transport {
	var l pipenet.Listener
	server := &http.Server{Handler: h}
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(&l) }()
	transport := &http.Transport{DialContext: l.DialContext}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		<-served
	})
	return transport
}
