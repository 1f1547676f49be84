package gcloudtest

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// Request is a request as it reached the server.
type Request struct {
	N       int    // counts from 1
	Service string // such as "storage" or "run"; "" for a host that is not Google's
	Region  string // of a regional host, such as "us-central1", else ""
	Method  string
	URL     string // absolute, with the query
	Path    string // without the query
	Body    string // "(secret)" or "(source)" in place of a payload; no headers, no tokens
}

// String gives method and URL.
func (r Request) String() string { return r.Method + " " + r.URL }

// Requests returns the requests so far, oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// host matches "run.googleapis.com" and "us-central1-run.googleapis.com".
var host = regexp.MustCompile(`^(?:([a-z]+-[a-z]+[0-9]+)-)?([a-z0-9]+)\.googleapis\.com(?::\d+)?$`)

func (s *Server) note(r *http.Request, raw []byte) Request {
	q := Request{Method: r.Method, Path: r.URL.Path, URL: "http://" + r.Host + r.URL.RequestURI(), Body: string(raw)}
	if r.URL.Host != "" {
		q.URL = r.URL.String()
	}
	if r.Method == http.MethodConnect {
		q.URL = "https://" + r.Host
	} else if m := host.FindStringSubmatch(r.Host); m != nil {
		q.Region, q.Service = m[1], m[2]
	}
	switch {
	case strings.HasSuffix(q.Path, ":addVersion"), q.Service == "oauth2":
		q.Body = "(secret)"
	case q.Service == "storage" && r.Method == http.MethodPut && strings.HasPrefix(q.Path, uploadPath):
		q.Body = "(source)"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q.N = len(s.requests) + 1
	s.requests = append(s.requests, q)
	return q
}

func unmodelled(r Request) error {
	return &refusal{http.StatusNotImplemented, "UNIMPLEMENTED", fmt.Sprintf("gcloudtest does not model %s", r)}
}
