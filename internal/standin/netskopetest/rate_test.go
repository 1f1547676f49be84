package netskopetest_test

import (
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// Limit, body and headers are those Netskope prints on its page about the
// dataexport endpoints: 4 requests per second, RateLimit-* on every answer,
// Retry-After only when the limit is exceeded.
func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &netskopetest.Server{RateLimit: 4}
		get := func(token string) *httptest.ResponseRecorder {
			r := httptest.NewRequest("GET", netskopetest.Path+"?"+hour, nil)
			r.Header.Set("Netskope-Api-Token", token)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			return w
		}
		for range 3 {
			for _, remaining := range []string{"3", "2", "1", "0"} {
				w := get("t")
				h := w.Header()
				if w.Code != 200 || h.Get("RateLimit-Limit") != "4" || h.Get("RateLimit-Remaining") != remaining ||
					h.Get("RateLimit-Reset") != "1" || h.Get("Retry-After") != "" {
					t.Fatalf("%d %v, want 200 and %s remaining", w.Code, h, remaining)
				}
			}
			for range 2 {
				w := get("t")
				h := w.Header()
				if w.Code != 429 || w.Body.String() != `{"message":"API rate limit exceeded"}` || h.Get("Retry-After") != "1" ||
					h.Get("RateLimit-Limit") != "4" || h.Get("RateLimit-Remaining") != "0" || h.Get("RateLimit-Reset") != "1" {
					t.Fatalf("beyond the limit: %d %v %s", w.Code, h, w.Body)
				}
			}
			time.Sleep(time.Second)
		}
		if w := get(""); w.Code != 401 || w.Header().Get("RateLimit-Limit") != "" {
			t.Errorf("without a token: %d %v", w.Code, w.Header())
		}
		if stats := s.Stats(); stats.Refused[429] != 6 || stats.Pages != 12 || stats.PeakPerSecond != 6 {
			t.Errorf("counted %+v, want 6 refused, 12 pages, 6 in a second", stats)
		}
	})
}

func TestNoRateLimitNoHeaders(t *testing.T) {
	c := serve(t, &netskopetest.Server{})
	for range 20 {
		r := c.get(hour)
		if r.status != 200 || r.header.Get("RateLimit-Limit") != "" {
			t.Fatalf("%d %v", r.status, r.header)
		}
	}
}

func TestPeakSlides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &netskopetest.Server{}
		// Two before the turn of a second and three after it.
		for _, pause := range []time.Duration{800, 100, 200, 100, 100} {
			time.Sleep(pause * time.Millisecond)
			s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", netskopetest.Path, nil))
		}
		time.Sleep(time.Minute)
		s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", netskopetest.Path, nil))
		if got := s.Stats().PeakPerSecond; got != 5 {
			t.Errorf("peak %d, want 5", got)
		}
	})
}
