package netskope

import (
	"bufio"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/page"
	"netskope-alerts.internal/collector/internal/plain"
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

// TestTheTokenIsInNoError: not where a redirect's host holds it, nor where what is no HTTP does; and
// a terminal obeys neither.
func TestTheTokenIsInNoError(t *testing.T) {
	const token = "T0ken-5ecret"
	for _, answer := range []string{
		"HTTP/1.1 302 Found\r\nLocation: https://t0ken-5ecret.login.example/x\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 302 Found\r\nLocation: https://\u202eT0ken-5ecret.example/\r\nContent-Length: 0\r\n\r\n",
		"NOTHTTP " + token + " \u202e\x1b[31m\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: x" + token + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: " + token + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Encoding: " + token + "\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 418 \u202e" + token + "\r\nContent-Length: 14\r\n\r\n" + token + "\u202e",
		"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n" + token + "\x1b]",
	} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				c, err := listener.Accept()
				if err != nil {
					return
				}
				_, _ = http.ReadRequest(bufio.NewReader(c))
				_, _ = c.Write([]byte(answer))
				c.Close()
			}
		}()
		c := New(Settings{Tenant: "http://" + listener.Addr().String(), Token: token}, NewPace(0, 1), &http.Client{}, nil)
		_, err = c.request(t.Context(), url.Values{}, func(time.Time, *Error) {},
			func(*page.Alert) error { return nil })
		listener.Close()
		if err == nil || strings.Contains(strings.ToLower(err.Error()), strings.ToLower(token)) ||
			strings.ContainsFunc(err.Error(), func(r rune) bool { return r != '\ufffd' && plain.IsControl(r) }) {
			t.Errorf("%q: %q", answer, err)
		}
	}
}

func TestCursorWait(t *testing.T) {
	for raw, want := range map[string]time.Duration{"5": 5 * time.Second, `"5"`: 5 * time.Second, "0.5": 500 * time.Millisecond, "": 0, "null": 0, `"x"`: 0, "-3": 0, "NaN": 0, "1e300": maxCursorWait} {
		if got := cursorWait([]byte(raw)); got != want {
			t.Errorf("%s: got %v, want %v", raw, got, want)
		}
	}
}
