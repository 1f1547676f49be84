package gcloudtest

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Server is one Google Cloud project behind the HTTP interfaces that gcloud
// calls. Its zero value is a project with nothing in it: no service enabled,
// no bucket, no account. The fields must not be changed once it is in use; its
// methods are safe for concurrent use.
//
// It is to be reached as an HTTP proxy, see [Server.Environ]: the service is
// told by the host of the request's absolute URL.
type Server struct {
	// Project is the project's ID. Empty means "collector-test". Every other
	// project is answered with 403, as Google Cloud answers for projects that do
	// not exist and for those that the caller may not see.
	Project string

	// Number is the project's number. Empty means "123456789012".
	Number string

	// Account is the account that is logged in. Empty means
	// "deployer@example.test".
	Account string

	// Unbilled is true if the project has no billing account. Enabling a
	// service that needs one and creating a bucket are then refused.
	Unbilled bool

	// OrgPolicies are the policies in effect of the project's organisation, as the
	// Resource Manager answers them, by constraint without "constraints/". They
	// are only told, not kept to. Nil means a project without an organisation.
	OrgPolicies map[string]map[string]any

	// Taken are names of buckets that exist in somebody else's project.
	Taken []string

	// Regions are the regions in which the project may have anything. Nil means
	// us-central1 and europe-west1.
	Regions []string

	// Runtimes are the runtimes offered for functions, in every region; one that
	// is not GA has its stage behind it, as in "go124 DEPRECATED". Nil means go125
	// and go126.
	Runtimes []string

	// Now tells the time. Nil means [time.Now].
	Now func() time.Time

	// Fail makes requests fail: a status that is not 0 is answered instead of
	// doing what the request asks. It is called once a request, before anything
	// is changed, and may call the server's methods. gcloud repeats a request
	// that was answered with 429 or 5xx, up to five times and some ten seconds
	// long, and reports 4xx at once. Nil means that no request fails.
	Fail func(Request) int

	// Invoke is called when a published message reaches a function: the
	// subscription exists, its account may invoke the service, and the service's
	// account may read the secrets. What it returns is appended to the log. It
	// must not call the server's methods. Nil means a function that logs
	// nothing.
	Invoke func(Invocation) []Entry

	mu       sync.Mutex
	stored   map[kind]map[string]*resource
	serial   int
	agents   map[string]bool // accounts of Google's services, by address
	uploads  map[string][]byte
	messages []Message
	entries  []Entry
	requests []Request
}

// call is one request on its way through a handler.
type call struct {
	name   string            // the resource, as in "projects/p/topics/t"
	params map[string]string // what stood in the braces of the pattern
	query  map[string][]string
	body   object
	raw    []byte
}

func (c *call) first(parameter string) string {
	if v := c.query[parameter]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// ServeHTTP answers one request. What is not modelled is answered with 501 and
// a message that names the method and the URL.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	seen := s.note(r, raw)
	if s.Fail != nil {
		if status := s.Fail(seen); status != 0 {
			code, body := encode(seen.Service, nil, &refusal{status, "", "failure injected by the test"})
			write(w, code, body)
			return
		}
	}
	s.mu.Lock()
	answer, err := s.answer(r, seen, raw)
	code, body := encode(seen.Service, answer, err) // answer shares its maps with the model
	s.mu.Unlock()
	write(w, code, body)
}

func (s *Server) answer(r *http.Request, seen Request, raw []byte) (any, error) {
	rt, params, name := find(seen)
	if rt == nil {
		return nil, unmodelled(seen)
	}
	c := &call{name: name, params: params, query: r.URL.Query(), raw: raw}
	if len(raw) > 0 && strings.Contains(r.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(raw, &c.body); err != nil {
			return nil, invalid("invalid JSON payload received: %v", err)
		}
	}
	if c.body == nil {
		c.body = object{}
	}
	if err := s.admit(rt.service, c); err != nil {
		return nil, err
	}
	if err := checkLabels(rt.service, c.body); err != nil {
		return nil, err
	}
	return rt.handle(s, c)
}

// admit refuses what no service gets to see: requests for another project, and
// those to a service that is not enabled.
func (s *Server) admit(service string, c *call) error {
	if project, ok := c.params["project"]; ok {
		switch project {
		case s.project(), "-":
		case s.number():
			c.name = strings.Replace(c.name, "projects/"+project, "projects/"+s.project(), 1)
			c.params["project"] = s.project()
		default:
			return denied("the caller does not have permission on project %q, or it does not exist", project)
		}
	}
	if region, ok := c.params["region"]; ok && !s.offers(region) {
		return denied("permission denied on 'locations/%s' (or it may not exist)", region)
	}
	if alwaysOn[service] || s.enabled(service+".googleapis.com") {
		return nil
	}
	return disabled(service+".googleapis.com", s.number())
}

func (s *Server) offers(region string) bool {
	if s.Regions == nil {
		return region == "us-central1" || region == "europe-west1"
	}
	return slices.Contains(s.Regions, region)
}

func (s *Server) project() string { return or(s.Project, "collector-test") }
func (s *Server) number() string  { return or(s.Number, "123456789012") }
func (s *Server) account() string { return or(s.Account, "deployer@example.test") }

func (s *Server) now() time.Time {
	if s.Now != nil {
		return s.Now().UTC()
	}
	return time.Now().UTC()
}

// stamp gives the time with milliseconds, as the services do.
func (s *Server) stamp() string { return s.now().Format("2006-01-02T15:04:05.000Z") }

// next returns a number that no call of the same server got before.
func (s *Server) next() int {
	s.serial++
	return s.serial
}

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}
