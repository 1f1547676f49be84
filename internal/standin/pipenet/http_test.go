package pipenet_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"netskope-alerts.internal/collector/internal/standin/pipenet"
)

// serve runs h on a listener of its own and returns a client for it. When the
// test's function returns, both are closed; synctest.Test then fails unless
// every goroutine of theirs has ended.
func serve(t *testing.T, h http.HandlerFunc) *http.Client {
	var l pipenet.Listener
	server := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(&l); err != http.ErrServerClosed {
			t.Errorf("serve: %v", err)
		}
	}()
	transport := &http.Transport{DialContext: l.DialContext}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		<-done
	})
	return &http.Client{Transport: transport}
}

func hijack(t *testing.T, w http.ResponseWriter) net.Conn {
	c, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Errorf("hijack: %v", err)
	}
	return c
}

func TestHTTPWaitsInSimulatedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		client := serve(t, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Errorf("read request: %v", err)
			}
			time.Sleep(7 * time.Minute)
			requests++
			fmt.Fprintf(w, "%d bytes, request %d", len(body), requests)
		})
		start := time.Now()
		for i := 1; i <= 10; i++ {
			resp, err := client.Post("http://example.test/", "text/plain", strings.NewReader(strings.Repeat("x", 300_000)))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if want := fmt.Sprintf("300000 bytes, request %d", i); string(got) != want || err != nil {
				t.Errorf("answer %q, %v; want %q", got, err, want)
			}
		}
		if got := time.Since(start); got != 70*time.Minute {
			t.Errorf("took %v of simulated time; want 70m", got)
		}
	})
}

func TestHTTPBodyCutShort(t *testing.T) {
	for _, c := range []struct {
		name  string
		reset bool
		want  error
	}{
		{"orderly", false, io.ErrUnexpectedEOF},
		{"reset", true, syscall.ECONNRESET},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := serve(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Length", "1000000")
					w.Write(make([]byte, 400_000))
					conn := hijack(t, w)
					if c.reset {
						conn.(interface{ SetLinger(int) error }).SetLinger(0)
					}
					conn.Close()
				})
				resp, err := client.Get("http://example.test/")
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				got, err := io.ReadAll(resp.Body)
				if len(got) != 400_000 || !errors.Is(err, c.want) {
					t.Errorf("read %d bytes, %v; want 400000 and %v", len(got), err, c.want)
				}
			})
		})
	}
}

func TestHTTPAnswerNeverComes(t *testing.T) {
	for _, c := range []struct {
		name  string
		reset bool
		want  error
	}{
		{"orderly", false, io.EOF},
		{"reset", true, syscall.ECONNRESET},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := serve(t, func(w http.ResponseWriter, r *http.Request) {
					io.Copy(io.Discard, r.Body)
					conn := hijack(t, w)
					if c.reset {
						conn.(interface{ SetLinger(int) error }).SetLinger(0)
					}
					conn.Close()
				})
				_, err := client.Post("http://example.test/", "text/plain", strings.NewReader("x"))
				if !errors.Is(err, c.want) {
					t.Errorf("%v; want %v", err, c.want)
				}
			})
		})
	}
}

func TestHTTPClientGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := make(chan time.Time, 1)
		client := serve(t, func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			gone <- time.Now()
		})
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://example.test/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Do(request); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v; want the context's deadline", err)
		}
		if at := (<-gone).Sub(start); at != 90*time.Second {
			t.Errorf("the server noticed after %v; want 1m30s", at)
		}
	})
}
