package netskopetest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// tenant is a Server behind a listener, and a client with a token for it.
type tenant struct {
	*netskopetest.Server
	t      testing.TB
	url    string
	client *http.Client
	token  string
}

func serve(t testing.TB, s *netskopetest.Server) *tenant {
	t.Helper()
	if s.Now == nil {
		s.Now = always
	}
	ts := httptest.NewServer(s)
	t.Cleanup(ts.Close)
	// One connection per request: the transport then never repeats a request
	// by itself, so that every fault is seen.
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &tenant{Server: s, t: t, url: ts.URL, client: client, token: "any"}
}

type reply struct {
	status int
	header http.Header
	body   []byte
	err    error // of the exchange or of reading the body
}

func (c *tenant) get(rawQuery string) reply {
	c.t.Helper()
	req, err := http.NewRequest(http.MethodGet, c.url+netskopetest.Path+"?"+rawQuery, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if c.token != "" {
		req.Header.Set("Netskope-Api-Token", c.token)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, body, err}
}

type envelope struct {
	OK        *int              `json:"ok"`
	Result    []json.RawMessage `json:"result"`
	Operation *string           `json:"operation"`
	WaitTime  json.RawMessage   `json:"wait_time"`
	Message   string            `json:"message"`
}

func (r reply) envelope(t testing.TB) envelope {
	t.Helper()
	if r.err != nil {
		t.Fatalf("reading a page: %v", r.err)
	}
	var e envelope
	if err := json.Unmarshal(r.body, &e); err != nil {
		t.Fatalf("decoding %.200q: %v", r.body, err)
	}
	return e
}

func (e envelope) ids(t testing.TB) []string {
	t.Helper()
	ids := make([]string, len(e.Result))
	for i, raw := range e.Result {
		var a struct {
			ID string `json:"_id"`
		}
		if err := json.Unmarshal(raw, &a); err != nil {
			t.Fatal(err)
		}
		ids[i] = a.ID
	}
	return ids
}

func (c *tenant) page(rawQuery string) envelope {
	c.t.Helper()
	r := c.get(rawQuery)
	e := r.envelope(c.t)
	if r.status != http.StatusOK || e.OK == nil || *e.OK != 1 || e.Result == nil {
		c.t.Fatalf("%s: %d %.200q is not a page", rawQuery, r.status, r.body)
	}
	return e
}

// drain follows the pages of a range in either dialect to an empty page or
// the end of the cursor, and returns the ids in the order received.
func (c *tenant) drain(window string, limit int) []string {
	c.t.Helper()
	var ids []string
	next := window
	for range 1000 {
		e := c.page(next + "&limit=" + strconv.Itoa(limit))
		ids = append(ids, e.ids(c.t)...)
		switch {
		case e.Operation != nil:
			next = "operation=" + url.QueryEscape(*e.Operation)
		case len(e.Result) == 0 || c.Dialect == netskopetest.Cursor:
			return ids
		default:
			next = fmt.Sprintf("%s&offset=%d", window, len(ids))
		}
	}
	c.t.Fatal("paging does not end")
	return nil
}

func window(insertion bool, start, end time.Time) string {
	prefix := ""
	if insertion {
		prefix = "insertion"
	}
	return fmt.Sprintf("%[1]sstarttime=%[2]d&%[1]sendtime=%[3]d", prefix, start.Unix(), end.Unix())
}
