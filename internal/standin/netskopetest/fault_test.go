package netskopetest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// faulty is a tenant of 100 alerts whose n-th request meets the fault.
func faulty(t *testing.T, n int, f netskopetest.Fault, s *netskopetest.Server) *tenant {
	s.Fault = func(r netskopetest.Request) netskopetest.Fault {
		if r.N == n {
			return f
		}
		return netskopetest.Fault{}
	}
	c := serve(t, s)
	c.Add(netskopetest.Uniform(1, noon.Add(-time.Hour), noon, 100, 512)...)
	return c
}

func TestAnswerFaults(t *testing.T) {
	const limited = `{"message":"API rate limit exceeded"}`
	json := [2]string{"Content-Type", "application/json"}
	html := [2]string{"Content-Type", "text/html; charset=utf-8"}
	plain := [2]string{"Content-Type", "text/plain; charset=utf-8"}
	date := noon.Add(3 * time.Second).Format(http.TimeFormat)
	for name, test := range map[string]struct {
		fault  netskopetest.Fault
		status int
		header [2]string
		body   string
	}{
		"429 seconds": {netskopetest.RateLimited("7"), 429, [2]string{"Retry-After", "7"}, limited},
		"429 date":    {netskopetest.RateLimited(date), 429, [2]string{"Retry-After", date}, limited},
		"429 none":    {netskopetest.RateLimited(""), 429, [2]string{"Retry-After", ""}, limited},
		"429 reset":   {netskopetest.RateLimited(""), 429, [2]string{"RateLimit-Reset", "1"}, limited},
		"500":         {netskopetest.GatewayError(500), 500, html, "<h1>Internal Server Error</h1>"},
		"502":         {netskopetest.GatewayError(502), 502, html, "<h1>Bad Gateway</h1>"},
		"503":         {netskopetest.GatewayError(503), 503, html, "<h1>Service Unavailable</h1>"},
		"401":         {netskopetest.Unauthorized(), 401, json, `{"message":`},
		"403":         {netskopetest.Forbidden(), 403, json, `{"message":"You cannot consume this service"}`},
		"409":         {netskopetest.Conflict(), 409, json, "Concurrency conflict"},
		"302":         {netskopetest.Redirect("https://a.example/"), 302, [2]string{"Location", "https://a.example/"}, ""},
		"ok 0":        {netskopetest.NotOK("backend <failed>"), 200, json, `{"ok":0,"result":"backend <failed>"}`},
		"status":      {netskopetest.StatusError("failed"), 200, json, `{"status":"error","msg":"failed"}`},
		"null":        {netskopetest.NullResult(), 200, json, `{"ok":1,"result":null}`},
		"string":      {netskopetest.StringResult("text"), 200, json, `{"ok":1,"result":"text"}`},
		"missing":     {netskopetest.MissingResult(), 200, json, `{"ok":1}`},
		"any":         {netskopetest.Fault{Kind: netskopetest.Answer, Status: 512, Body: "x"}, 512, plain, "x"},
	} {
		t.Run(name, func(t *testing.T) {
			c := faulty(t, 2, test.fault, &netskopetest.Server{})
			c.page(hour)
			r := c.get(hour)
			if r.err != nil || r.status != test.status || !strings.Contains(string(r.body), test.body) ||
				r.header.Get(test.header[0]) != test.header[1] {
				t.Errorf("%d %v %s %v, want %d, %v, %s", r.status, r.header, r.body, r.err, test.status, test.header, test.body)
			}
			if n := len(c.page(hour).Result); n != 100 {
				t.Errorf("%d alerts after the fault", n)
			}
			if stats := c.Stats(); stats.Faulted != 1 || stats.Pages != 2 {
				t.Errorf("counted %+v", stats)
			}
		})
	}
}

func TestReset(t *testing.T) {
	c := faulty(t, 1, netskopetest.Fault{Kind: netskopetest.Reset}, &netskopetest.Server{})
	r := c.get(hour)
	if !errors.Is(r.err, syscall.ECONNRESET) || r.status != 0 {
		t.Errorf("status %d, error %v, want a connection reset before any answer", r.status, r.err)
	}
	if stats := c.Stats(); stats.Pages != 0 {
		t.Errorf("a page was produced: %+v", stats)
	}
	c.page(hour)
}

func TestTornBodies(t *testing.T) {
	whole := len(faulty(t, 0, netskopetest.Fault{}, &netskopetest.Server{}).get(hour).body)
	for _, gzip := range []bool{false, true} {
		c := faulty(t, 1, netskopetest.Fault{Kind: netskopetest.Torn, Fraction: 0.25}, &netskopetest.Server{Gzip: gzip})
		r := c.get(hour)
		if r.status != 200 || !errors.Is(r.err, io.ErrUnexpectedEOF) {
			t.Errorf("Torn, gzip %v: %d, %v, want 200 and an unexpected EOF", gzip, r.status, r.err)
		}
		if !gzip && len(r.body) != whole/4 {
			t.Errorf("Torn: %d bytes, want a quarter of %d", len(r.body), whole)
		}
		if len(r.body) == 0 || json.Valid(r.body) {
			t.Errorf("Torn, gzip %v: %d bytes", gzip, len(r.body))
		}
		c.page(hour)

		c = faulty(t, 1, netskopetest.Fault{Kind: netskopetest.TornReset}, &netskopetest.Server{Gzip: gzip})
		// The RST may overtake the status line.
		if r := c.get(hour); !errors.Is(r.err, syscall.ECONNRESET) {
			t.Errorf("TornReset, gzip %v: %v, want a connection reset", gzip, r.err)
		}
		c.page(hour)

		c = faulty(t, 1, netskopetest.Fault{Kind: netskopetest.HalfJSON, Fraction: 0.75}, &netskopetest.Server{Gzip: gzip})
		r = c.get(hour)
		if r.err != nil || r.status != 200 || len(r.body) != whole*3/4 || json.Valid(r.body) {
			t.Errorf("HalfJSON, gzip %v: %d, %d bytes of %d, %v", gzip, r.status, len(r.body), whole, r.err)
		}
		if !gzip && r.header.Get("Content-Length") != strconv.Itoa(len(r.body)) {
			t.Errorf("HalfJSON: Content-Length %q", r.header.Get("Content-Length"))
		}
		c.page(hour)
	}
}

func TestStall(t *testing.T) {
	c := faulty(t, 1, netskopetest.Fault{Kind: netskopetest.Stall}, &netskopetest.Server{})
	req, err := http.NewRequest("GET", c.url+netskopetest.Path+"?"+hour, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Netskope-Api-Token", "t")
	resp, err := c.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	part := make([]byte, 25_000) // half of the body is a little more
	if _, err := io.ReadFull(resp.Body, part); err != nil {
		t.Errorf("reading what comes before the stall: %v", err)
	}
	resp.Body.Close() // else closing the server would hang, and the test fail

	c = faulty(t, 1, netskopetest.Fault{Kind: netskopetest.Stall, Delay: time.Millisecond}, &netskopetest.Server{})
	if r := c.get(hour); r.status != 200 || !errors.Is(r.err, io.ErrUnexpectedEOF) {
		t.Errorf("a stall that ends: %d, %v, want 200 and an unexpected EOF", r.status, r.err)
	}
}

func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &netskopetest.Server{Fault: func(netskopetest.Request) netskopetest.Fault {
			return netskopetest.Fault{Delay: time.Minute}
		}}
		for patience, answered := range map[time.Duration]bool{time.Hour: true, time.Second: false} {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			r := httptest.NewRequestWithContext(ctx, "GET", netskopetest.Path+"?"+hour, nil)
			r.Header.Set("Netskope-Api-Token", "t")
			w, began := httptest.NewRecorder(), time.Now()
			s.ServeHTTP(w, r)
			if waited, want := time.Since(began), min(patience, time.Minute); waited != want {
				t.Errorf("returned after %v, want %v", waited, want)
			}
			if got := w.Body.Len() > 0; got != answered {
				t.Errorf("answered a client that waits %v: %v", patience, got)
			}
			cancel()
		}
	})
}

func TestFaultSeesTheRequest(t *testing.T) {
	var seen []netskopetest.Request
	s := &netskopetest.Server{Token: "t", Dialect: netskopetest.Cursor}
	s.Fault = func(r netskopetest.Request) netskopetest.Fault {
		seen = append(seen, r)
		s.SetToken("t") // methods may be called
		return netskopetest.Fault{}
	}
	c := serve(t, s)
	c.Add(netskopetest.Uniform(1, noon.Add(-time.Hour), noon, 100, 256)...)
	c.get(hour) // no fault is asked about what is refused anyway
	c.token = "t"
	c.get(hour + "&limit=0")
	operation := *c.page(hour + "&limit=60").Operation
	c.page(follow(operation) + "&limit=20")
	base := netskopetest.Request{Insertion: true, Start: noon.Add(-time.Hour - time.Second), End: noon}
	first, second := base, base
	first.N, first.Limit, first.First = 1, 60, true
	second.N, second.Limit, second.Offset, second.Operation = 2, 20, 60, operation
	if want := []netskopetest.Request{first, second}; !slices.Equal(seen, want) {
		t.Errorf("saw %+v, want %+v", seen, want)
	}
}

func TestFaultsWithoutAConnectionAbort(t *testing.T) {
	s := &netskopetest.Server{Fault: func(netskopetest.Request) netskopetest.Fault {
		return netskopetest.Fault{Kind: netskopetest.Torn}
	}}
	r := httptest.NewRequest("GET", netskopetest.Path+"?"+hour, nil)
	r.Header.Set("Netskope-Api-Token", "t")
	defer func() {
		if got := recover(); got != http.ErrAbortHandler {
			t.Errorf("recovered %v", got)
		}
	}()
	s.ServeHTTP(httptest.NewRecorder(), r)
	t.Error("returned normally")
}
