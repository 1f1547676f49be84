package netskope

import (
	"net/http"
	"testing"
	"time"
)

// FuzzRetryDelay holds that no header makes a hot loop or an endless wait.
func FuzzRetryDelay(f *testing.F) {
	for _, seed := range []string{"1", "1.5", "0", "-1", "NaN", "Inf", "1e300", "soon", "Wed, 21 Oct 2015 07:28:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", ""} {
		f.Add(seed, "1")
		f.Add("", seed)
	}
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, after, reset string) {
		d := retryDelay(http.Header{"Retry-After": {after}, "Ratelimit-Reset": {reset}}, now)
		if d != 0 && (d < 250*time.Millisecond || d > 24*time.Hour) {
			t.Errorf("Retry-After %q, RateLimit-Reset %q: %v", after, reset, d)
		}
	})
}

func TestCursorWait(t *testing.T) {
	for raw, want := range map[string]time.Duration{"5": 5 * time.Second, `"5"`: 5 * time.Second, "0.5": 500 * time.Millisecond, "": 0, "null": 0, `"x"`: 0, "-3": 0, "NaN": 0, "1e300": maxCursorWait} {
		if got := cursorWait([]byte(raw)); got != want {
			t.Errorf("%s: got %v, want %v", raw, got, want)
		}
	}
}
