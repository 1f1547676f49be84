package check

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/settings"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

func TestCheckAllWell(t *testing.T) {
	for _, dialect := range []netskopetest.Dialect{netskopetest.Offset, netskopetest.Cursor} {
		checked(t, &netskopetest.Server{Dialect: dialect, RateLimit: 4}, 800, func(w *world) {
			w.cloud.Put(w.config.BucketName, "other/object", []byte("of somebody else"))
			all := w.check()
			if bad := all.not(Pass, Skip); len(bad) > 0 {
				t.Errorf("found fault with a good world:\n%v", bad)
			}
			for _, f := range all.not(Pass) {
				if !slices.Contains([]string{"tenant.tls", "state.config", "state.age", "state.lag"}, f.Subject) {
					t.Errorf("skipped %+v", f)
				}
			}
			all.want(t, "config", Pass, "http://localhost", "gs://alerts-bucket/netskope/alerts/")
			all.want(t, "tenant.name", Pass, "localhost is 127.0.0.1, ::1")
			all.want(t, "tenant.paging", Pass,
				map[netskopetest.Dialect]string{netskopetest.Offset: "by offset",
					netskopetest.Cursor: "by cursor"}[dialect])
			all.want(t, "tenant.page_size", Pass, "pages of 500 alerts")
			all.want(t, "tenant.rate", Pass, "RateLimit-Limit 4, RateLimit-Remaining")
			all.want(t, "bucket.precondition", Pass,
				"create-only write, write on another generation, move to a name that is taken, "+
					"deletion on another generation")
			all.want(t, "state.content", Pass, "none yet", "24 hours back, at 2026-11-21T23:55:00Z")
		})
	}
}

// TestCheckBesideARun: what a collector has made is well, and is left alone.
func TestCheckBesideARun(t *testing.T) {
	checked(t, &netskopetest.Server{}, 300, func(w *world) {
		w.mustRun()
		for name := range w.everything() {
			if !slices.ContainsFunc(places(w.config), func(p place) bool {
				return name == p.name || p.isFolder() && strings.HasPrefix(name, p.name) &&
					p.ends([]string{path.Ext(name)})
			}) {
				t.Errorf("%s is at no place that the check knows", name)
			}
		}
		all := w.check()
		if bad := all.not(Pass, Skip); len(bad) > 0 {
			t.Errorf("found fault with a collector's work:\n%v", bad)
		}
		all.want(t, "state.content", Pass, "every alert before 2026-11-22T23:55:00Z")
		all.want(t, "state.config", Pass)
		all.want(t, "state.age", Pass, "saved ")
		all.want(t, "state.lag", Pass, "caught up")
		all.want(t, "feed.folder", Pass, "objects in netskope/alerts/")
	})
}

func TestCheckConfig(t *testing.T) {
	var all findings
	Run(t.Context(), environment("LAG=5", "GCS_BUCKET=gs://b;c: d/", "STATE_KEY=netskope/alerts", "PAGE_SIZE=1e9",
		`NETSKOPE_TENANT=a b"c`, "NETSKOPE_API_TOKEN="),
		Options{}, all.add)
	all.sound(t, checkedToken)
	all.want(t, "config.LAG", Fail, `LAG="5" has no unit`, "write 5s")
	all.want(t, "config.GCS_BUCKET", Fail, `GCS_BUCKET="gs://b;c: d/" will not do`, "leave out gs://")
	all.want(t, "config.STATE_KEY", Fail, "is the name of the feed's folder", "name an object outside it")
	all.want(t, "config.PAGE_SIZE", Fail, `"1e9" will not do`, "from 1 to 10000")
	all.want(t, "config.NETSKOPE_TENANT", Fail, `a b\"c`, "https://acme.goskope.com")
	all.want(t, "config.NETSKOPE_API_TOKEN", Fail, "is not set", "set it to a REST API v2 token")
	all.want(t, "token.shape", Skip)
	all.want(t, "bucket.create", Skip, "the configuration has to be right first")
}

// TestCheckMisspelt: a variable that nothing reads is asked about.
func TestCheckMisspelt(t *testing.T) {
	t.Setenv("PAGESIZE", "7")
	var all findings
	c := newCheckup(Options{}, all.add)
	if !c.checkConfig(environment("PAGESIZE=7", "LANG=C")) {
		t.Error("it is a reason to refuse the configuration")
	}
	all.want(t, "config.PAGESIZE", Warn, "PAGESIZE is set, but nothing reads it\ndo you mean PAGE_SIZE?")
	if len(all.not(Pass)) != 1 {
		t.Errorf("%v", all)
	}
}

// TestCheckConfigProblems holds that every problem of the configuration becomes a finding
// about its variable, with something to do.
func TestCheckConfigProblems(t *testing.T) {
	for _, pair := range []string{
		"GCS_BUCKET=", "GCS_BUCKET=B", "GCS_BUCKET=gs://x", "GCS_PREFIX=/", "GCS_PREFIX=a//b", "GCS_PREFIX=gs://x/y",
		"GCS_PREFIX=a/../b", "GCS_PREFIX=a/led", "GCS_PREFIX=" + strings.Repeat("x", 1000), "GCS_PREFIX=a\x01b",
		"STATE_KEY=netskope/alerts", "NETSKOPE_TENANT=", "NETSKOPE_TENANT=[a](b)",
		"NETSKOPE_TENANT=https://u:p@acme.goskope.com", "NETSKOPE_TENANT=https://acme.goskope.com/x",
		"NETSKOPE_TENANT=http://acme.goskope.com", "NETSKOPE_TENANT=ftp://acme.goskope.com", "NETSKOPE_TENANT=acme",
		"NETSKOPE_API_TOKEN=", "NETSKOPE_API_TOKEN=a b", "NETSKOPE_API_TOKEN=https://acme.goskope.com",
		"NETSKOPE_TENANT=https://169.254.169.254", "NETSKOPE_TENANT=https://metadata.google.internal",
		"NETSKOPE_TENANT=https://10.0.0.1", "NETSKOPE_TENANT=https://netskope.corp.internal",
		"NETSKOPE_TENANT=https://example.com",
		"NETSKOPE_DOMAIN=com", "NETSKOPE_DOMAIN=https://goskope.com", `NETSKOPE_API_TOKEN="0123456789abcdef"`,
		"NETSKOPE_API_TOKEN=${TOKEN}", "NETSKOPE_API_TOKEN=Bearer:0123456789abcdef",
		"HTTPS_PROXY=http://svc:100%cr3t@proxy:8888",
		"http_proxy=proxy:port", "PAGE_SIZE=0", "LOOKBACK_HOURS=0", "BUDGET=2h",
		"NETSKOPE_API_TOKEN_FILE=/nowhere", "MAX_RECORDS=x", "LAG=5", "LAG=x", "LAG=1ms", "LAG=1500ms", "WINDOW=5m",
		"TIME_FIELD=x", "COMPRESSION=x", "LOG_LEVEL=x", "REQUESTS_PER_SECOND=x", `LAG=a\"; b: c"d`,
	} {
		var all findings
		if newCheckup(Options{}, all.add).checkConfig(environment(pair)) {
			t.Errorf("%.50s is no problem", pair)
		}
		name, _, _ := strings.Cut(pair, "=")
		if strings.Contains(all.String(), "cr3t") {
			t.Errorf("a password is shown: %v", all)
		}
		for _, f := range all.not(Pass, Skip) {
			if f.Subject != "config."+strings.TrimSuffix(name, "_FILE") && f.Subject != "token.shape" ||
				len(f.Seen) < len(name)+4 || len(f.Remedy) < 10 || strings.Contains(f.Remedy, name+"=\"") {
				t.Errorf("%.50s: %+v", pair, f)
			}
		}
	}
}

func TestCheckToken(t *testing.T) {
	now := time.Now()
	jwt := func(claims string) string {
		return encodeSegment(`{"alg":"RS256","typ":"JWT"}`) + "." + encodeSegment(claims) + ".c2lnbmF0dXJl"
	}
	for _, test := range []struct {
		token string
		level Level
		seen  string
	}{
		{"0123456789abcdef0123456789ABCDEF", Pass, "32 hexadecimal digits"},
		{"Zb1xkVd83qPsd2fVbn3kd8sKd2nXkd93", Pass, "32 characters"},
		{"short", Warn, "5 characters"},
		{jwt(fmt.Sprint(`{"exp":`, now.Add(-time.Minute).Unix(), `}`)), Fail,
			"expired on " + now.Add(-time.Minute).UTC().Format(day)},
		{jwt(fmt.Sprint(`{"exp":`, now.Add(73*time.Hour).Unix(), `}`)), Warn, "in 3 days"},
		{jwt(fmt.Sprint(`{"exp":`, now.Add(15*24*time.Hour).Unix(), `}`)), Pass, "expires on"},
		{jwt(`{"sub":"me"}`), Pass, "does not say when"},
		{jwt(`{"exp":1e300}`), Pass, "does not say when"},
		{"eyJhbGciOiJub25lIn0.bm8ganNvbg.x", Pass, "characters"},
		{"one.two.three-and-some-more", Pass, "characters"},
	} {
		var all findings
		c := newCheckup(Options{}, all.add)
		c.config.Token = test.token
		c.checkToken(test.token)
		all.want(t, "token.shape", test.level, test.seen)
		if strings.Contains(all.String(), test.token) && test.token != "short" {
			t.Errorf("shown: %v", all)
		}
	}
}

func TestPrintable(t *testing.T) {
	c := &checkup{config: settings.Config{Token: checkedToken}}
	for text, want := range map[string]string{
		"a\x1b[31mred\x1b[0m\r\nb\tc": "a [31mred [0m b c",
		"rtl \u202eevil":              "rtl \uFFFDevil",
		"bad \xff utf8\u009b31m":      "bad \uFFFD utf8 31m",
		"is " + checkedToken + "!":    "is (the token)!",
		strings.Repeat("é", 1000):     strings.Repeat("é", longestSentence) + "…",
	} {
		if got := c.printable(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

// TestCheckGivesUp: a check that is interrupted ends, and still removes what it made.
func TestCheckGivesUp(t *testing.T) {
	checked(t, &netskopetest.Server{}, 20, func(w *world) {
		t := w.t
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		stopped := rewrite{to: serve(t, w.cloud), change: func(r *http.Request) {
			if strings.Contains(r.URL.Path, "/moveTo/") {
				cancel()
			}
		}}
		w.checkThrough(ctx, storageThrough(t, stopped))
		if n := len(w.everything()); n != 0 {
			t.Errorf("%d objects are left", n)
		}
	})
}
