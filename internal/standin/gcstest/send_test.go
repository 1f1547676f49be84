package gcstest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"netskope-alerts.internal/collector/internal/standin/gcstest"
)

// The protocol of resumable sessions without the client:
// https://cloud.google.com/storage/docs/performing-resumable-uploads.

const quantum = 256 << 10

type response struct {
	code   int
	header http.Header
	body   string
	err    error
}

// send makes one request; headers are name and value by turns.
func send(t testing.TB, c *http.Client, method, path, body string, headers ...string) response {
	t.Helper()
	if strings.HasPrefix(path, "/") {
		path = "http://storage.test" + path
	}
	r, err := http.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.Do(r)
	if err != nil {
		return response{err: err}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return response{resp.StatusCode, resp.Header, string(text), err}
}

// startSession opens a session and returns its URI.
func startSession(t testing.TB, c *http.Client, resource string, query ...string) string {
	t.Helper()
	path := "/upload/storage/v1/b/alerts/o?uploadType=resumable&" + strings.Join(query, "&")
	resp := send(t, c, "POST", path, resource, "Content-Type", "application/json")
	if resp.code != http.StatusOK || resp.header.Get("Location") == "" || resp.body != "" {
		t.Fatalf("start: %+v", resp)
	}
	return resp.header.Get("Location")
}

// put sends bytes from first on; total "*" means there are more to come.
func put(t testing.TB, c *http.Client, uri string, body []byte, first int, total any, headers ...string) response {
	t.Helper()
	span := fmt.Sprintf("bytes %d-%d/%v", first, first+len(body)-1, total)
	if len(body) == 0 {
		span = fmt.Sprintf("bytes */%v", total)
	}
	return send(t, c, "PUT", uri, string(body), append([]string{"Content-Range", span}, headers...)...)
}

func want308(t *testing.T, what string, resp response, persisted int) {
	t.Helper()
	want := ""
	if persisted > 0 {
		want = fmt.Sprintf("bytes=0-%d", persisted-1)
	}
	if resp.code != 308 || resp.header.Get("Range") != want || resp.body != "" {
		t.Errorf("%s: %d, Range %q, body %q, %v; want 308 and %q",
			what, resp.code, resp.header.Get("Range"), resp.body, resp.err, want)
	}
}

func wantFinished(t *testing.T, what string, resp response, size int) {
	t.Helper()
	var o struct{ Kind, Name, Size string }
	json.Unmarshal([]byte(resp.body), &o)
	if resp.code != 200 || o.Kind != "storage#object" || o.Name != "a" || o.Size != fmt.Sprint(size) {
		t.Errorf("%s: %d %s; want 200 and the object with %d bytes", what, resp.code, resp.body, size)
	}
}

func wantStored(t *testing.T, s *gcstest.Server, want []byte) {
	t.Helper()
	if o, ok := s.Object(bucket, "a"); !ok || !bytes.Equal(o.Content, want) {
		t.Errorf("stored: %v, %d bytes; want %d", ok, len(o.Content), len(want))
	}
}
