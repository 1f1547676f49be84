package netskopetest

import (
	"cmp"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// Path is where a [Server] lists its alerts.
	Path = eventsPath + "alert"
	// eventsPath is what the paths of all streams begin with.
	eventsPath = "/api/v2/events/data/"
)

// Dialect is how the pages of one query follow each other.
type Dialect int

const (
	// Offset pages by limit and offset; the envelope is exactly
	// {"ok":1,"result":[…]}. Every public recording of data/alert looks so.
	Offset Dialect = iota
	// Cursor adds "operation" and "wait_time" to the envelope while more pages
	// remain; the next request carries operation=… in place of an offset.
	Cursor
)

// Order is the order of the alerts of one query across its pages.
type Order int

const (
	// NewestFirst orders by descending event time, as the v1 API does unless
	// unsorted=true is passed. Ties are arbitrary, but the same every time.
	NewestFirst Order = iota
	// OldestFirst orders by ascending event time, ties as in NewestFirst.
	OldestFirst
	// Shuffled is a pseudo-random order, a function of Server.Seed.
	Shuffled
)

// Beyond is what a request gets whose page begins behind Server.Ceiling.
type Beyond int

const (
	// BeyondEmpty is an empty list.
	BeyondEmpty Beyond = iota
	// BeyondRefused is a 400 with a message.
	BeyondRefused
	// BeyondLast is the last page that there is, again.
	BeyondLast
	// BeyondFirst is the first page again.
	BeyondFirst
)

// Server is a simulated tenant. The zero value is an empty tenant that accepts
// every non-empty token. Set the fields before the first request; after that
// only the methods may be used, from any goroutine. Do not copy a Server.
type Server struct {
	// Token is the one value of the Netskope-Api-Token header that is let in;
	// all else is 401. Zero: any non-empty token. [Server.SetToken] changes it
	// while the Server is in use.
	Token string

	// TokenUses is how many requests Token, or any token if there is none, lets
	// in before it expires, after which all requests are 401 until SetToken.
	// Zero: it does not expire.
	TokenUses int

	// Dialect is how pages follow each other. Zero: Offset.
	Dialect Dialect

	// Order is the order of results. Zero: NewestFirst.
	Order Order

	// Seed decides the order of ties and of Shuffled. Zero is a seed like
	// any other.
	Seed uint64

	// TiesTurn lists the alerts of one second in another order with each
	// answer of the Offset dialect, as replicas of an index do that sorts by
	// time alone. It does not concern Shuffled.
	TiesTurn bool

	// PageCap is the most alerts a page holds; a larger limit is clamped
	// silently. Zero: 10000, the v1 maximum and what collectors send in
	// production. The OpenAPI text of the sibling endpoints says 5000.
	PageCap int

	// Ceiling is how many alerts of a range are served at most, whatever the
	// offset, in the Offset dialect; Beyond is what is answered behind them.
	// Neighbours of this API have ceilings of 10,000 and 50,000. Zero: none.
	Ceiling int
	Beyond  Beyond

	// StartInclusive also returns alerts of the very second a range starts
	// with. Zero: exclusive, "greater than" in the v1 documentation. It holds
	// for starttime and insertionstarttime alike; for the latter the
	// documentation says ">=" on one page and "after" on another.
	StartInclusive bool

	// EndExclusive leaves out alerts of the very second a range ends with.
	// Zero: inclusive, "less than or equal" in the v1 documentation. It holds
	// for endtime and insertionendtime alike.
	EndExclusive bool

	// Now is the tenant's clock; it decides which alerts are visible and
	// nothing else. Zero: time.Now.
	Now func() time.Time

	// DateSkew is how far the Date header of every answer, a refusal too, is
	// ahead of time.Now (not of Now), as when one of two clocks is wrong.
	// Negative: behind. Zero: the header is the HTTP server's.
	DateSkew time.Duration

	// RateLimit is the requests let in per calendar second of time.Now (not
	// of Now: a simulated day may pass in a second). Beyond it the answer is
	// 429 with Retry-After; every answer to an authenticated request carries
	// RateLimit-Limit, RateLimit-Remaining and RateLimit-Reset. Zero: no limit
	// and no such headers. The documented limit is 4.
	RateLimit int

	// Style is how JSON is printed. Zero: Compact, which serves Alert.JSON
	// byte for byte.
	Style Style

	// OperationFirst prints operation and wait_time before result. Zero: after.
	OperationFirst bool

	// WaitTime is the JSON text of wait_time in the Cursor dialect, for
	// instance 5, 0.5, "5" in its quotes, or null. Zero: 0.
	WaitTime string

	// CursorOnce makes a cursor answer once: as soon as its page is produced,
	// received or not, the same operation is 400. Zero: repeatable.
	CursorOnce bool

	// Gzip compresses pages for clients whose Accept-Encoding allows it.
	// Zero: never.
	Gzip bool

	// Events are the tenant's other streams, by name (see [Streams]). Each has
	// its own records, faults and way of paging; Token, TokenUses, RateLimit
	// and DateSkew are those of the Server whose Events they are, for all of
	// them together, and theirs say nothing. Zero: the tenant has alerts only,
	// and any other path is 404.
	Events map[string]*Server

	// Fault is asked about each request that would otherwise be answered with
	// a page; its zero Fault lets the request through. Calls never overlap,
	// and may use the Server's methods. Zero: no faults.
	Fault func(Request) Fault

	mu      sync.Mutex // guards Token and all below it but faults
	uses    int        // of Token
	store   store
	sets    []*resultSet // most recently used first
	cursors cursors
	shifts  map[span]int // rows by which later offsets of a range are off
	turns   uint64       // answers in which ties have turned
	rate    rateWindow
	tally   tally

	faultMu sync.Mutex // serialises Fault; guards faults
	faults  int
}

// SetToken replaces Token, as the rotation of a token does: from now on
// requests with the old one are 401, and the new one has all its uses.
func (s *Server) SetToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Token, s.uses = token, 0
}

// ServeHTTP answers one request. It panics with [http.ErrAbortHandler], which
// a net/http server takes for "drop the connection", when a Fault asks for a
// broken connection and w cannot be hijacked.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.arrive(r)
	if s.DateSkew != 0 {
		w.Header().Set("Date", time.Now().Add(s.DateSkew).UTC().Format(http.TimeFormat))
	}
	of := s.stream(r.URL.Path)
	switch {
	case of == nil:
		s.refuse(w, http.StatusNotFound, "no Route matched with those values")
		return
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		s.refuse(w, http.StatusMethodNotAllowed, "Method not allowed")
		return
	case !s.authorized(r.Header):
		s.refuse(w, http.StatusUnauthorized, "Unauthorized")
		return
	case !s.admit(w.Header()):
		s.refuse(w, http.StatusTooManyRequests, "API rate limit exceeded")
		return
	}
	if of != s {
		of.arrive(r)
	}
	of.list(w, r)
}

// stream is the Server that lists the records of a path, or nil.
func (s *Server) stream(path string) *Server {
	if path == Path {
		return s
	}
	name, _ := strings.CutPrefix(path, eventsPath)
	return s.Events[name]
}

// list answers a request that was let in.
func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	q, err := s.parse(r.URL.RawQuery)
	if err != nil {
		s.refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	if s.refusesOffset(q) {
		s.refuse(w, http.StatusBadRequest, "offset + limit must be less than or equal to "+strconv.Itoa(s.Ceiling))
		return
	}
	f := s.faultFor(q)
	if f.Kind == ExpireCursor && q.cursor != nil {
		s.expire(q.cursor)
		s.refuse(w, cmp.Or(f.Status, http.StatusBadRequest), errExpired.Error())
		return
	}
	s.answer(w, r, q, f)
}

func (s *Server) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

func (s *Server) authorized(h http.Header) bool {
	got := h.Values("Netskope-Api-Token")
	if len(got) != 1 || got[0] == "" {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Token != "" && got[0] != s.Token {
		return false
	}
	s.uses++
	return s.TokenUses == 0 || s.uses <= s.TokenUses
}

// refuse answers with the error body of the API: {"message": string}.
func (s *Server) refuse(w http.ResponseWriter, status int, message string) {
	s.mu.Lock()
	s.tally.refused(status)
	s.mu.Unlock()
	body := `{"message":` + quote(message) + `}`
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	io.WriteString(w, body)
}
