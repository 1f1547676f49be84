package netskopetest_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

func TestStyles(t *testing.T) {
	const (
		a = `{"a":1.10,"s":"x, y: \"{},:\"\\","n":[1,{}],"e":[]}`
		b = `{"u":"\ud83d \/"}`
	)
	for style, want := range map[netskopetest.Style]string{
		netskopetest.Compact: `{"ok":1,"result":[` + a + `,` + b + `]}`,
		netskopetest.Spaced: `{"ok": 1, "result": [{"a": 1.10, "s": "x, y: \"{},:\"\\", "n": [1, {}], "e": []}, ` +
			`{"u": "\ud83d \/"}]}`,
		netskopetest.Pretty: `{
    "ok": 1,
    "result": [
        {
            "a": 1.10,
            "s": "x, y: \"{},:\"\\",
            "n": [
                1,
                {}
            ],
            "e": []
        },
        {
            "u": "\ud83d \/"
        }
    ]
}`,
	} {
		c := serve(t, &netskopetest.Server{Style: style})
		c.Add(
			netskopetest.Alert{Event: noon, Inserted: noon, JSON: []byte(a)},
			netskopetest.Alert{Event: noon.Add(-time.Second), Inserted: noon, JSON: []byte(b)},
		)
		if got := string(c.get(hour).body); got != want {
			t.Errorf("style %v: got\n%s\nwant\n%s", style, got, want)
		}
		empty := serve(t, &netskopetest.Server{Style: style}).page(hour)
		if len(empty.Result) != 0 {
			t.Errorf("style %v: an empty page holds %d", style, len(empty.Result))
		}
	}
}

func TestStylesKeepGeneratedAlerts(t *testing.T) {
	alerts := netskopetest.Generate(3, noon.Add(-time.Hour), noon, 60)
	for _, style := range []netskopetest.Style{netskopetest.Spaced, netskopetest.Pretty} {
		for _, first := range []bool{false, true} {
			s := &netskopetest.Server{Style: style, Dialect: netskopetest.Cursor, OperationFirst: first}
			c := serve(t, s)
			c.Add(alerts...)
			byID := make(map[string]string)
			for _, a := range alerts {
				byID[a.ID] = string(a.JSON)
			}
			body := c.get(hour + "&limit=50").body
			if before := bytes.Index(body, []byte(`"operation"`)) < bytes.Index(body, []byte(`"result"`)); before != first {
				t.Errorf("style %v, OperationFirst %v: operation before result is %v", style, first, before)
			}
			e := reply{status: 200, body: body}.envelope(t)
			for i, id := range e.ids(t) {
				var compact bytes.Buffer
				if err := json.Compact(&compact, e.Result[i]); err != nil {
					t.Fatal(err)
				}
				if compact.String() != byID[id] {
					t.Errorf("style %v changed %s", style, id)
				}
			}
			if len(e.Result) != 50 || e.Operation == nil {
				t.Errorf("style %v: %d alerts, operation %v", style, len(e.Result), e.Operation)
			}
		}
	}
}

func TestGzip(t *testing.T) {
	plain := &netskopetest.Server{Now: always}
	zipping := &netskopetest.Server{Now: always, Gzip: true}
	alerts := netskopetest.Generate(4, noon.Add(-time.Hour), noon, 50)
	plain.Add(alerts...)
	zipping.Add(alerts...)
	get := func(s *netskopetest.Server, accept string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", netskopetest.Path+"?"+hour, nil)
		r.Header.Set("Netskope-Api-Token", "t")
		if accept != "" {
			r.Header.Set("Accept-Encoding", accept)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}
	want := get(plain, "gzip").Body.String()
	if !json.Valid([]byte(want)) {
		t.Fatal("compressed without Gzip being set")
	}
	for accept, zipped := range map[string]bool{
		"gzip": true, "deflate, gzip;q=0.5": true, "br, gzip; q=1": true,
		"": false, "identity": false, "gzip;q=0": false,
	} {
		w := get(zipping, accept)
		if got := w.Header().Get("Content-Encoding") == "gzip"; got != zipped {
			t.Errorf("Accept-Encoding %q: gzip %v, want %v", accept, got, zipped)
			continue
		}
		var body io.Reader = w.Body
		if zipped {
			gz, err := gzip.NewReader(body)
			if err != nil {
				t.Fatal(err)
			}
			body = gz
		}
		got, err := io.ReadAll(body)
		if err != nil || string(got) != want {
			t.Errorf("Accept-Encoding %q: %d bytes, %v; want %d", accept, len(got), err, len(want))
		}
	}
	c := serve(t, zipping)
	if got := string(c.get(hour).body); got != want {
		t.Error("http.Client reads another body")
	}
}

func TestConcurrentUse(t *testing.T) {
	s := &netskopetest.Server{Token: "t", RateLimit: 1 << 30, Fault: func(r netskopetest.Request) netskopetest.Fault {
		if r.N%5 == 0 {
			return netskopetest.Fault{Kind: netskopetest.ShortPage}
		}
		return netskopetest.Fault{}
	}}
	c := serve(t, s)
	c.token = "t"
	alerts := netskopetest.Uniform(1, noon.Add(-time.Hour), noon, 200, 256)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 5 {
				n := (i*5 + j) * 10
				s.Add(alerts[n : n+10]...)
				s.SetToken("t")
				if r := c.get(hour + "&limit=" + strings.Repeat("9", 1+j%3)); r.err != nil || r.status != http.StatusOK {
					t.Errorf("%d, %v", r.status, r.err)
				}
				s.Stats()
				s.Alerts()
			}
		})
	}
	wg.Wait()
	if got := c.drain(hour, 7); len(got) != 200 {
		t.Errorf("%d alerts, want 200", len(got))
	}
}
