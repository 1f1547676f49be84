package gcstest_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"

	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/pipenet"
)

const bucket = "alerts"

// overTCP serves s on the loopback interface and returns its base URL.
func overTCP(t testing.TB, s *gcstest.Server) string {
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return server.URL
}

func newClient(t testing.TB, options ...option.ClientOption) *storage.Client {
	c, err := storage.NewClient(t.Context(), options...)
	if err != nil {
		t.Fatalf("new client: %v", err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// emulator is a client that found s by STORAGE_EMULATOR_HOST.
func emulator(t *testing.T, s *gcstest.Server, options ...option.ClientOption) *storage.Client {
	t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(overTCP(t, s), "http://"))
	return newClient(t, options...)
}

// overPipe serves s on a pipenet and returns an HTTP client for it. In a bubble,
// synctest.Test fails if a goroutine of either outlives the test.
func overPipe(t testing.TB, s *gcstest.Server) *http.Client {
	var l pipenet.Listener
	server := &http.Server{Handler: s}
	done := make(chan struct{})
	go func() {
		defer close(done)
		server.Serve(&l)
	}()
	transport := &http.Transport{DialContext: l.DialContext}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		<-done
	})
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func piped(t testing.TB, s *gcstest.Server, options ...option.ClientOption) *storage.Client {
	return newClient(t, append(options,
		option.WithEndpoint("http://storage.test/storage/v1/"), option.WithHTTPClient(overPipe(t, s)))...)
}

// everyWay runs f with every way for the real client to reach a server.
func everyWay(t *testing.T, f func(t *testing.T, s *gcstest.Server, c *storage.Client)) {
	everyServer(t, func(*testing.T) *gcstest.Server { return &gcstest.Server{} }, f)
}

func everyServer(
	t *testing.T, make func(*testing.T) *gcstest.Server,
	f func(t *testing.T, s *gcstest.Server, c *storage.Client),
) {
	t.Run("tcp, emulator host, XML reads", func(t *testing.T) {
		s := make(t)
		f(t, s, emulator(t, s))
	})
	t.Run("tcp, emulator host, JSON reads", func(t *testing.T) {
		s := make(t)
		f(t, s, emulator(t, s, storage.WithJSONReads()))
	})
	t.Run("tcp, endpoint", func(t *testing.T) {
		s := make(t)
		f(t, s, newClient(t, option.WithEndpoint(overTCP(t, s)+"/storage/v1/"), option.WithHTTPClient(&http.Client{})))
	})
	t.Run("bubble, XML reads", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := make(t)
			f(t, s, piped(t, s))
		})
	})
	t.Run("bubble, JSON reads", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := make(t)
			f(t, s, piped(t, s, storage.WithJSONReads()))
		})
	})
}

// inBubble runs f with a client in a bubble, where waiting costs no time.
func inBubble(t *testing.T, s *gcstest.Server, f func(t *testing.T, c *storage.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, piped(t, s)) })
}

func noise(size int) []byte {
	p := make([]byte, size)
	rng := rand.NewChaCha8([32]byte{byte(size), byte(size >> 8), byte(size >> 16)})
	rng.Read(p)
	return p
}

// write uploads body in one Write and returns Close's error.
func write(t *testing.T, o *storage.ObjectHandle, body []byte, change ...func(*storage.Writer)) error {
	t.Helper()
	_, err := writeAttrs(t, o, body, change...)
	return err
}

func writeAttrs(
	t *testing.T, o *storage.ObjectHandle, body []byte, change ...func(*storage.Writer),
) (*storage.ObjectAttrs, error) {
	t.Helper()
	w := o.NewWriter(t.Context())
	w.ChunkSize = 256 << 10
	for _, f := range change {
		f(w)
	}
	if _, err := w.Write(body); err != nil {
		w.Close()
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return w.Attrs(), nil
}

func mustWrite(
	t *testing.T, o *storage.ObjectHandle, body []byte, change ...func(*storage.Writer),
) *storage.ObjectAttrs {
	t.Helper()
	attrs, err := writeAttrs(t, o, body, change...)
	if err != nil {
		t.Fatalf("write %s: %v", o.ObjectName(), err)
	}
	return attrs
}

func read(t *testing.T, o *storage.ObjectHandle) ([]byte, error) {
	t.Helper()
	r, err := o.NewReader(t.Context())
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// wantContent checks an object both as the client reads it and as it is stored.
func wantContent(t *testing.T, s *gcstest.Server, o *storage.ObjectHandle, want []byte) {
	t.Helper()
	got, err := read(t, o)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s reads as %d bytes, %v; want the %d written", o.ObjectName(), len(got), err, len(want))
	}
	stored, ok := s.Object(o.BucketName(), o.ObjectName())
	if !ok || !bytes.Equal(stored.Content, want) {
		t.Errorf("%s is stored with %d bytes (there: %v); want %d", o.ObjectName(), len(stored.Content), ok, len(want))
	}
}

func wantNothing(t *testing.T, s *gcstest.Server) {
	t.Helper()
	if left := s.Objects(bucket, ""); len(left) != 0 {
		t.Errorf("%d objects are visible, the first %q with %d bytes; want none", len(left), left[0].Name, left[0].Size)
	}
}

func wantCode(t *testing.T, err error, code int) {
	t.Helper()
	var apiErr *googleapi.Error
	if !errors.As(err, &apiErr) || apiErr.Code != code {
		t.Errorf("error %v; want status %d", err, code)
	}
}

// on makes a fault of the requests with one operation, the first n of them.
func on(op gcstest.Op, n int, f gcstest.Fault) func(gcstest.Request) gcstest.Fault {
	return func(r gcstest.Request) gcstest.Fault {
		if r.Op == op && n > 0 {
			n--
			return f
		}
		return gcstest.Fault{}
	}
}

// clock is a Now that steps by a millisecond with every look.
func clock() func() time.Time {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	return func() time.Time {
		at = at.Add(time.Millisecond)
		return at
	}
}
