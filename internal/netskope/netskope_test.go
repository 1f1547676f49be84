package netskope

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"netskope-alerts.internal/collector/internal/page"
	"netskope-alerts.internal/collector/internal/plain"
)

// FuzzRetryDelay holds that no header makes a hot loop or an endless wait.
func FuzzRetryDelay(f *testing.F) {
	for _, seed := range []string{
		"", "1", "1.5", "0", "-1", "NaN", "Inf", "1e300", "soon",
		"Wed, 21 Oct 2015 07:28:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT",
	} {
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

// FuzzRateHeaders holds that no header that is not understood makes a wait, and that the tenant's clock is
// one that can be reckoned with.
func FuzzRateHeaders(f *testing.F) {
	for _, seed := range []string{"1", "1795426508", "1795426508123", "1e10", "0x10", "Mon, 23 Nov 2026 12:00:01 GMT",
		"Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "\u0661", " 3 ", "3, 4"} {
		f.Add(seed, seed, seed)
	}
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, after, reset, date string) {
		h := http.Header{"Retry-After": {after}, "Ratelimit-Reset": {reset}, "Date": {date}}
		if d := retryDelay(h, now); d != 0 && (d < 250*time.Millisecond || d > 24*time.Hour) {
			t.Errorf("%q: %v", h, d)
		}
		if !strings.ContainsAny(after+reset, "0123456789") {
			if d := retryDelay(h, now); d != 0 {
				t.Errorf("%q: %v", h, d)
			}
		}
		if at, ok := tenantDate(h); ok && !time.Unix(0, at.UnixNano()).Equal(at) {
			t.Errorf("%q is %v, which does not survive", date, at)
		}
	})
}

// fuzzedToken is a token that no answer may bring into an error.
const fuzzedToken = "0123456789abcdef"

// wantFit holds that an error's text is short, printable and without the token.
func wantFit(t *testing.T, what string, err *Error) {
	t.Helper()
	text := err.Error()
	if len(text) > 1500 || strings.Contains(text, fuzzedToken) || !utf8.ValidString(text) ||
		strings.ContainsFunc(text, plain.IsControl) {
		t.Errorf("%s: %q", what, text)
	}
}

// FuzzRefusal holds that whatever refuses a request is a refusal, with a reason that is fit to be
// shown, and that only what may pass is tried again.
func FuzzRefusal(f *testing.F) {
	for _, body := range []string{
		`{"message":"API rate limit exceeded"}`, `{"errors":[{"message":"m"}]}`, `{"error":{"message":"m"}}`,
		`{"errors":["m",{"detail":"d"}]}`, `{"message":12}`, "<html><title>Log in</title>", "", "{", "[]",
		"\x8b\x00", "\u202eevil", `{"message":"` + fuzzedToken + `"}`, `{"message":"\u0030123456789abcdef"}`,
	} {
		for _, status := range []int{204, 301, 400, 401, 404, 407, 409, 429, 500, 599} {
			f.Add(status, body, "https://elsewhere.test/"+fuzzedToken, "br")
		}
	}
	f.Add(302, "", "https://"+fuzzedToken+".test/", "")
	c := New(Settings{Token: fuzzedToken}, nil, http.DefaultClient, nil)
	f.Fuzz(func(t *testing.T, status int, body, location, encoding string) {
		if status < 100 || status > 599 || status == 200 {
			return
		}
		response := &http.Response{
			StatusCode: status,
			Header:     http.Header{"Location": {location}, "Content-Encoding": {encoding}},
			Body:       io.NopCloser(strings.NewReader(body)),
		}
		err := c.refusal(response)
		refusal, ok := err.(*Error)
		if !ok || refusal.Status != status || refusal.Reason == "" {
			t.Fatalf("%d %q: %#v", status, body, err)
		}
		wantFit(t, body, refusal)
		passing := status >= 500 || status == 429 || status == 409 || status == 408 || status == 425
		if refusal.Passing != passing || refusal.After < 0 || refusal.After > 24*time.Hour {
			t.Errorf("%d %q: %+v", status, body, refusal)
		}
	})
}

// FuzzVerdict holds that an answer with status 200 counts as a page only where it says so, or holds
// alerts and says nothing else.
func FuzzVerdict(f *testing.F) {
	for _, body := range []string{
		`{"ok":1,"result":[]}`, `{"ok":true,"result":[{"_id":"a"}]}`, `{"result":[{"_id":"a"}]}`, `{"result":[]}`,
		`{"ok":0,"result":"internal error"}`, `{"status":"error","msg":"no","result":[]}`,
		`{"ok":1,"success":false,"result":[]}`, `{"ok":1,"result":null}`, `{"ok":"1","result":[]}`,
		`{"ok":1,"status":"success","result":[],"message":"` + fuzzedToken + `"}`,
		`{"ok":1,"ok":0,"result":[]}`, `{"data":[],"result":[{}]}`, `[]`, `{}`,
	} {
		f.Add([]byte(body))
	}
	c := New(Settings{Token: fuzzedToken}, nil, http.DefaultClient, nil)
	f.Fuzz(func(t *testing.T, body []byte) {
		alerts := 0
		envelope, err := new(page.Reader).Read(bytes.NewReader(body), func(*page.Alert) error { alerts++; return nil })
		if err != nil {
			return
		}
		verdict := c.verdict(envelope)
		if failed, ok := verdict.(*Error); ok {
			wantFit(t, string(body), failed)
			return
		}
		var said struct {
			OK      json.RawMessage `json:"ok"`
			Success json.RawMessage `json:"success"`
			Result  json.RawMessage `json:"result"`
		}
		if verdict != nil || json.Unmarshal(body, &said) != nil || len(said.Result) == 0 || said.Result[0] != '[' {
			t.Fatalf("%q: %v", body, verdict)
		}
		if ok := string(said.OK); ok != "1" && ok != "true" && (ok != "" || alerts == 0) || string(said.Success) == "false" {
			t.Errorf("%q counts as a page", body)
		}
	})
}

func TestCursorWait(t *testing.T) {
	for raw, want := range map[string]time.Duration{
		"5": 5 * time.Second, `"5"`: 5 * time.Second, "0.5": 500 * time.Millisecond, "1e300": maxCursorWait,
		"": 0, "null": 0, `"x"`: 0, "-3": 0, "NaN": 0,
	} {
		if got := cursorWait([]byte(raw)); got != want {
			t.Errorf("%s: got %v, want %v", raw, got, want)
		}
	}
}
