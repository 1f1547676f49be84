package netskopetest_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// TestDateSkew: whatever the answer is, its Date is off.
func TestDateSkew(t *testing.T) {
	for _, skew := range []time.Duration{90 * time.Minute, -36 * time.Hour, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			s := &netskopetest.Server{Token: "t", DateSkew: skew, RateLimit: 2}
			s.Fault = func(r netskopetest.Request) (f netskopetest.Fault) {
				if r.N == 1 {
					f = netskopetest.GatewayError(503)
				}
				return f
			}
			want := time.Now().Add(skew).UTC().Format(http.TimeFormat)
			for _, test := range []struct {
				path, token string
				status      int
			}{
				{netskopetest.Path + "?" + hour, "t", 503},
				{netskopetest.Path + "?" + hour, "t", 200},
				{netskopetest.Path + "?" + hour, "t", 429},
				{netskopetest.Path + "?" + hour, "", 401},
				{"/", "t", 404},
			} {
				r := httptest.NewRequest("GET", test.path, nil)
				r.Header.Set("Netskope-Api-Token", test.token)
				w := httptest.NewRecorder()
				s.ServeHTTP(w, r)
				if got := w.Header().Values("Date"); w.Code != test.status || !slices.Equal(got, []string{want}) {
					t.Errorf("skew %v: %d dated %q, want %d dated %q", skew, w.Code, got, test.status, want)
				}
			}
		})
	}
	// The HTTP server, which would set Date itself, lets it stand.
	c := serve(t, &netskopetest.Server{DateSkew: -24 * time.Hour})
	date, err := http.ParseTime(c.get(hour).header.Get("Date"))
	if behind := time.Since(date); err != nil || behind < 23*time.Hour || behind > 25*time.Hour {
		t.Errorf("dated %v, %v", date, err)
	}
	if h := serve(t, &netskopetest.Server{}).get(hour).header.Values("Date"); len(h) != 1 {
		t.Errorf("without a skew: Date %q", h)
	}
}

func TestTokenExpiresInMidRun(t *testing.T) {
	for _, dialect := range []netskopetest.Dialect{netskopetest.Offset, netskopetest.Cursor} {
		c := serve(t, &netskopetest.Server{Token: "old", TokenUses: 2, Dialect: dialect})
		c.Add(netskopetest.Uniform(1, noon.Add(-time.Hour), noon, 100, 256)...)
		c.token = "wrong"
		if r := c.get(hour); r.status != 401 {
			t.Errorf("another token: %d", r.status)
		}
		c.token = "old"
		next := hour + "&offset=30"
		if e := c.page(hour + "&limit=30"); e.Operation != nil {
			next = follow(*e.Operation)
		}
		c.page(next + "&limit=30")
		for range 2 {
			if r := c.get(next + "&limit=30"); r.status != 401 || r.envelope(t).Message == "" {
				t.Errorf("%d %s after two uses, want 401", r.status, r.body)
			}
		}
		c.SetToken("new")
		c.token = "new"
		c.page(next + "&limit=30") // the run goes on with the new token
		c.page(hour)
		if r := c.get(hour); r.status != 401 {
			t.Errorf("the new token's third use: %d", r.status)
		}
		if stats := c.Stats(); stats.Refused[401] != 4 {
			t.Errorf("counted %+v", stats)
		}
	}
	c := serve(t, &netskopetest.Server{TokenUses: 1})
	if first, second := c.get(hour), c.get(hour); first.status != 200 || second.status != 401 {
		t.Errorf("any token: %d, then %d", first.status, second.status)
	}
}

// TestDiagnosableAnswers holds what a diagnosis sees of each trouble, and that the
// next request goes through.
func TestDiagnosableAnswers(t *testing.T) {
	const json, limited = "application/json", `{"message":"API rate limit exceeded"}`
	limits := []string{"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After"}
	for _, test := range []struct {
		name    string
		fault   netskopetest.Fault
		status  int
		kind    string // Content-Type
		headers []string
		body    string
	}{
		{"401", netskopetest.Unauthorized(), 401, json, nil, `{"message":"Unauthorized"}`},
		{"403", netskopetest.Forbidden(), 403, json, nil, `{"message":"You cannot consume this service"}`},
		{"404", netskopetest.NotFound(), 404, json, nil, `{"message":"no Route matched with those values"}`},
		{"429 with all", netskopetest.RateLimited("1"), 429, json, limits, limited},
		{"429 without Retry-After", netskopetest.RateLimited(""), 429, json, limits[:3], limited},
		{"429 with nothing", netskopetest.TooManyRequests(), 429, json, nil, limited},
		{"failure in a 200", netskopetest.StatusError("no access"), 200, json, nil, `{"status":"error","msg":"no access"}`},
		{"login page", netskopetest.LoginPage(), 200, "text/html; charset=utf-8", nil, "<html>"},
		{"redirect", netskopetest.Redirect("https://login.example.org/"), 302, "", nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := faulty(t, 1, test.fault, &netskopetest.Server{})
			r := c.get(hour)
			var headers []string
			for _, name := range limits {
				if r.header.Get(name) != "" {
					headers = append(headers, name)
				}
			}
			if r.err != nil || r.status != test.status || r.header.Get("Content-Type") != test.kind ||
				!slices.Equal(headers, test.headers) ||
				!strings.HasPrefix(string(r.body), test.body) {
				t.Errorf("%d %v %s, %v", r.status, r.header, r.body, r.err)
			}
			if n := len(c.page(hour).Result); n != 100 {
				t.Errorf("then %d alerts", n)
			}
		})
	}
}

// TestVeryLate: an alert that becomes visible hours after its insertion time is in no
// answer before, whatever was asked.
func TestVeryLate(t *testing.T) {
	now := noon
	c := serve(t, &netskopetest.Server{Now: func() time.Time { return now }})
	alerts := netskopetest.Profile{
		Seed: 1, From: noon.Add(-time.Hour), To: noon.Add(-10 * time.Minute), N: 20, VisibleWithin: -1,
	}.Alerts()
	late := alerts[7].ID
	alerts[7].Visible = alerts[7].Inserted.Add(11 * time.Hour)
	c.Add(alerts...)
	for _, insertion := range []bool{true, false} {
		for hours, want := range map[int]int{0: 19, 10: 19, 12: 20} {
			now = noon.Add(time.Duration(hours) * time.Hour)
			ids := c.drain(window(insertion, noon.AddDate(0, 0, -2), noon), 6)
			if len(ids) != want || slices.Contains(ids, late) != (want == 20) {
				t.Errorf("after %d hours %d alerts, the late one %v", hours, len(ids), slices.Contains(ids, late))
			}
		}
	}
	// In a profile one in fifty.
	many := netskopetest.Profile{
		Seed: 1, From: noon.Add(-time.Hour), To: noon, N: 2000, VisibleWithin: 10 * time.Hour,
	}.Alerts()
	hours := map[bool]int{}
	for _, a := range many {
		hours[a.Visible.Sub(a.Inserted) > time.Hour]++
	}
	if hours[true] < 10 || hours[true] > 100 {
		t.Errorf("%d of %d are visible an hour late or more", hours[true], len(many))
	}
}
