package netskopetest

import (
	"maps"
	"net/http"
	"time"
)

// Stats counts what a Server was asked and what it answered.
type Stats struct {
	// Requests is all requests, whatever their answer.
	Requests int
	// Pages is the pages produced, Alerts the alerts in them, also of pages
	// that a fault then tore or lost.
	Pages, Alerts int
	// Refused is the refusals by status: 400, 401, 404, 405, 429 by RateLimit.
	// Answers made by a Fault are not among them, but for ExpireCursor's.
	Refused map[int]int
	// Faulted is the requests that met a Fault of a Kind other than None.
	Faulted int
	// PeakPerSecond is the most requests that came within any one second,
	// a sliding one by time.Now.
	PeakPerSecond int
	// UserAgents is the requests by User-Agent header, "" for none.
	UserAgents map[string]int
}

// tally is Stats in the making, and the requests of the last second.
type tally struct {
	Stats
	recent []time.Time
}

func (s *Server) arrive(r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, now := &s.tally, time.Now()
	t.Requests++
	if t.UserAgents == nil {
		t.UserAgents = make(map[string]int)
	}
	t.UserAgents[r.UserAgent()]++
	old := 0
	for old < len(t.recent) && now.Sub(t.recent[old]) >= time.Second {
		old++
	}
	t.recent = append(t.recent[old:], now)
	t.PeakPerSecond = max(t.PeakPerSecond, len(t.recent))
}

func (t *tally) refused(status int) {
	if t.Refused == nil {
		t.Refused = make(map[int]int)
	}
	t.Refused[status]++
}

func (t *tally) served(alerts int) {
	t.Pages++
	t.Alerts += alerts
}

// Requests returns the number of requests so far, whatever their answer.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tally.Requests
}

// Stats returns what the Server has counted so far. The maps are the caller's,
// and nil when there is nothing in them.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.tally.Stats
	stats.Refused = maps.Clone(stats.Refused)
	stats.UserAgents = maps.Clone(stats.UserAgents)
	return stats
}
