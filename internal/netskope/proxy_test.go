package netskope

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/page"
	"netskope-alerts.internal/collector/internal/plain"
)

// TestProxyRefuses: a proxy that opens no tunnel is named as the proxy, with what it says and what
// to do; it is asked once, unless the error is its own. The tenant's token never goes to it.
func TestProxyRefuses(t *testing.T) {
	const token, password = "T0ken-5ecret", "s3cr%t"
	for _, test := range []struct {
		answer  string
		passing bool
		want    string
	}{
		{"407 Proxy Authentication Required", false, "HTTPS_PROXY=http://user:password@127.0.0.1"},
		{"403 Forbidden by \u202epolicy\x1b[31m", false, "let the proxy pass NETSKOPE_TENANT's host"},
		{"403 " + token, false, "answered 403 (the token)"},
		{"302 Found", false, "the proxy's answer, not the tenant's"},
		{"502 Bad Gateway", true, "see whether it reaches the tenant"},
		{"429 Too Many Requests", true, "not the tenant's"},
	} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		asked := make(chan *http.Request, 20)
		go func() {
			for {
				c, err := listener.Accept()
				if err != nil {
					close(asked)
					return
				}
				request, err := http.ReadRequest(bufio.NewReader(c))
				if err == nil {
					asked <- request
				}
				_, _ = c.Write([]byte("HTTP/1.1 " + test.answer + "\r\nLocation: https://login.example/\r\nContent-Length: 0\r\n\r\n"))
				c.Close()
			}
		}()
		transport := NewTransport()
		proxy := &url.URL{Scheme: "http", Host: listener.Addr().String(), User: url.UserPassword("svc", password)}
		transport.Proxy = http.ProxyURL(proxy)
		settings := Settings{Tenant: "https://acme.goskope.com", Token: token}
		c := New(settings, NewPace(0, 1), &http.Client{Transport: transport}, nil)
		began := time.Now()
		each := func(*page.Alert) error { return nil }
		if test.passing {
			_, err = c.request(t.Context(), url.Values{}, func(time.Time, *Error) {}, each)
		} else {
			_, err = c.page(t.Context(), url.Values{}, func() func(*page.Alert) error { return each })
		}
		listener.Close()
		n := 0
		for request := range asked {
			n++
			if request.Method != http.MethodConnect || request.Header.Get("Netskope-Api-Token") != "" ||
				request.Header.Get("Proxy-Authorization") == "" {
				t.Errorf("%s: the proxy got %+v", test.answer, request)
			}
		}
		var failure *Error
		if !errors.As(err, &failure) {
			t.Fatalf("%s: %v", test.answer, err)
		}
		text := failure.Error()
		status, _, _ := strings.Cut(test.answer, " ")
		if failure.Passing != test.passing || n != 1 || failure.Status != 0 || !strings.Contains(text, test.want) ||
			!strings.Contains(text, "the proxy "+listener.Addr().String()+" answered "+status) ||
			time.Since(began) > time.Minute ||
			strings.Contains(text, token) || strings.Contains(text, password) || strings.Contains(text,
			"netskope answered") ||
			strings.ContainsFunc(text, func(r rune) bool { return r != '\ufffd' && plain.IsControl(r) }) {
			t.Errorf("%s: %d requests, passing %t: %q", test.answer, n, failure.Passing, text)
		}
	}
}
