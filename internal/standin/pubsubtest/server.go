package pubsubtest

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Server is a topic with one push subscription. Its zero value takes messages and
// keeps them until it has an endpoint. Set the fields before the first use; after
// that only the methods may be used, from any goroutine. Close it at the end. In a
// synctest bubble it has to be used from one bubble only. Do not copy a Server.
type Server struct {
	// Topic is the topic's whole name, projects/P/topics/T. Zero:
	// "projects/project/topics/topic".
	Topic string

	// Subscription is the subscription's whole name, which a push names. Zero: one
	// in the topic's project, of the form that Eventarc gives it.
	Subscription string

	// Endpoint is the URL that messages are pushed to. Zero: nothing is pushed
	// before [Server.SetEndpoint].
	Endpoint string

	// Transport carries the pushes; redirects are not followed. It has to end a
	// request whose context is cancelled, or Close waits for it. Nil: a transport
	// of the Server's own.
	Transport http.RoundTripper

	// Concurrency is how many pushes are under way at most, not counting twins and
	// those past the deadline. Zero: 8.
	Concurrency int

	// AckDeadline is how long a push may take. Zero: 10 seconds, Pub/Sub's default;
	// its maximum is 600.
	AckDeadline time.Duration

	// HoldOpen lets a push that has missed the deadline run on: its endpoint notices
	// nothing, and its answer counts for nothing. Zero: it is broken off.
	HoldOpen bool

	// MinBackoff and MaxBackoff are the shortest and the longest time from a failed
	// push to the next of the same message. Zero: 10 and 600 seconds.
	MinBackoff, MaxBackoff time.Duration

	// Retention is how long after it was published a message that nobody has
	// acknowledged is given up. Zero: 24 hours, which Eventarc sets.
	Retention time.Duration

	// Now stamps messages with the time they are published at, and nothing else.
	// Nil: [time.Now].
	Now func() time.Time

	// Seed decides IDs, the order of Shuffle, and what Menu does to which message.
	// Zero is a seed like any other.
	Seed uint64

	// Shuffle pushes what is due in a pseudo-random order. Zero: what is due longest
	// comes first, which still is no order between pushes under way.
	Shuffle bool

	// Menu is what goes wrong at random. Zero: nothing.
	Menu Menu

	// PublishFault is asked about each publish request that would otherwise be
	// answered with IDs. A zero PublishFault leaves it to Menu. Calls never overlap,
	// and may use the Server's methods but Close and those that wait. Nil: no faults.
	PublishFault func(PublishRequest) PublishFault

	// PushFault is asked about each push before it is sent; the message is as it
	// stands, so that it has been pushed len(Pushes) times. A zero PushFault leaves
	// the push to Menu. Otherwise as PublishFault.
	PushFault func(Message) PushFault

	faultMu  sync.Mutex // serialises the faults; guards requests
	requests int

	mu       sync.Mutex // guards Endpoint and all below it
	down     bool
	closed   bool
	messages []*message
	unacked  int   // messages neither acknowledged nor expired
	open     int   // pushes waiting, ready or under way
	waiting  queue // for their time
	ready    queue // for one of Concurrency places
	queued   uint64
	running  int
	timer    *time.Timer
	changed  chan struct{} // closed at the next change of unacked or open
	life     context.Context
	end      context.CancelFunc
	own      *http.Transport
	flights  sync.WaitGroup
}

// start makes what a zero Server lacks. The caller holds s.mu.
func (s *Server) start() {
	if s.life != nil {
		return
	}
	s.life, s.end = context.WithCancel(context.Background())
	s.changed = make(chan struct{})
	s.own = &http.Transport{MaxIdleConnsPerHost: s.concurrency()}
}

// SetEndpoint changes where messages are pushed to: a new deployment, or the first.
// With "" no push begins any more; none of that counts as a failure.
func (s *Server) SetEndpoint(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Endpoint = url
	s.kick()
}

// SetDown begins or ends an outage of the endpoint: while it is down every push fails
// before it is sent, and is repeated after its backoff.
func (s *Server) SetDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// Close ends all pushes, those under way too, and returns when none of the Server's
// goroutines is left. What was not acknowledged stays so. Publishing is 503 from now
// on.
func (s *Server) Close() {
	s.mu.Lock()
	s.start()
	s.closed = true
	if s.timer != nil {
		s.timer.Stop()
	}
	s.end()
	s.mu.Unlock()
	s.flights.Wait()
	s.own.CloseIdleConnections()
}

// ServeHTTP answers one request of the REST API. It panics with
// [http.ErrAbortHandler], which a net/http server takes for "drop the connection",
// when a fault asks for a broken connection and w cannot be hijacked.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	resource, verb, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v1/"), ":")
	parts := strings.Split(resource, "/")
	if len(parts) != 4 || parts[0] != "projects" || parts[2] != "topics" || !strings.HasPrefix(r.URL.Path, "/v1/") {
		notModelled("%s %s", r.Method, r.URL.Path).write(w)
		return
	}
	switch {
	case r.Method == http.MethodPost && verb == "publish":
	case r.Method == http.MethodGet && verb == "" && !strings.HasSuffix(r.URL.Path, ":"):
	default:
		notModelled("%s %s", r.Method, r.URL.Path).write(w)
		return
	}
	if resource != s.topic() {
		failed(http.StatusNotFound, "Resource not found (resource=%s).", parts[3]).write(w)
		return
	}
	if verb == "" {
		ok(map[string]string{"name": s.topic()}).write(w)
		return
	}
	s.publish(w, r)
}

func (s *Server) topic() string { return cmp.Or(s.Topic, "projects/project/topics/topic") }

func (s *Server) subscription() string {
	if s.Subscription != "" {
		return s.Subscription
	}
	project, topic, _ := strings.Cut(s.topic(), "/topics/")
	return project + "/subscriptions/eventarc-us-central1-" + topic + "-sub-1"
}

func (s *Server) concurrency() int { return max(cmp.Or(s.Concurrency, 8), 1) }

func (s *Server) now() time.Time {
	if s.Now != nil {
		return s.Now().UTC()
	}
	return time.Now().UTC()
}
