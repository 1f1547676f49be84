package settings

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/env"
	"netskope-alerts.internal/collector/internal/stream"
)

const testToken = "t0ken-5ecret"

// environment is a lookup over name=value pairs on top of a configuration that works.
func environment(pairs ...string) func(string) (string, bool) {
	values := map[string]string{
		"GCS_BUCKET":         "alerts-bucket",
		"NETSKOPE_TENANT":    "https://acme.goskope.com",
		"NETSKOPE_API_TOKEN": testToken,
	}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		values[name] = value
	}
	return func(name string) (string, bool) { value, ok := values[name]; return value, ok }
}

func TestConfigDefaults(t *testing.T) {
	got, err := ConfigFromEnv(environment())
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		BucketName: "alerts-bucket", Prefix: "netskope/alerts", StateKey: "netskope/state/alerts.json",
		Tenant: "https://acme.goskope.com", Token: testToken,
		PageSize: 5000, RequestsPerSecond: 4, InFlight: 12, Lookback: 24 * time.Hour,
		Lag: 5 * time.Minute, Budget: 8 * time.Minute,
		TimeField: alert.InsertionTime, Compression: NoCompression,
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got.StateInFeed() {
		t.Error("the default state lies in the feed's folder")
	}
}

// TestConfigOfEveryStream: each has its own folder, state and ledger, and they share the rest; alerts'
// are as they are where nothing is set.
func TestConfigOfEveryStream(t *testing.T) {
	for _, test := range []struct {
		pairs []string
		want  []string // stream, folder, ledger and state
	}{
		{nil, []string{"alert netskope/alerts/ netskope/ledger/alerts/ netskope/state/alerts.json"}},
		{[]string{"STREAMS=page, Audit,ALERT,page", "STATE_KEY=x/state.json", "LAG=10m"}, []string{
			"alert netskope/alerts/ netskope/ledger/alerts/ x/state.json",
			"audit netskope/events/audit/ netskope/ledger/events/audit/ netskope/state/events/audit.json",
			"page netskope/events/page/ netskope/ledger/events/page/ netskope/state/events/page.json"}},
		{[]string{"STREAMS=network", "EVENTS_PREFIX=/a/b/", "GCS_PREFIX=a/b", "STATE_KEY=a/b/c"}, []string{
			"network a/b/network/ a/ledger/b/network/ a/state/b/network.json"}}, // there are no alerts to keep apart
	} {
		configs, err := ConfigsFromEnv(environment(test.pairs...))
		if err != nil || len(configs) != len(test.want) {
			t.Errorf("%q: %v, %v", test.pairs, configs, err)
			continue
		}
		first, err := ConfigFromEnv(environment(test.pairs...))
		if err != nil || first != configs[0] {
			t.Errorf("%q: the first is %+v, %v", test.pairs, first, err)
		}
		for i, c := range configs {
			f := c.Folders()
			if got := strings.Join([]string{c.Stream.String(), f.Feed, f.Ledger, c.StateKey}, " "); got != test.want[i] {
				t.Errorf("%q:\ngot  %s\nwant %s", test.pairs, got, test.want[i])
			}
			if c.Lag != configs[0].Lag || c.Token != testToken || c.StateInFeed() {
				t.Errorf("%q: %+v", test.pairs, c)
			}
		}
	}
	for _, test := range []struct {
		pairs      []string
		name, says string
	}{
		{[]string{"STREAMS=alerts"}, "STREAMS",
			"want one or more of alert, application, audit, infrastructure, network, page"},
		{[]string{"STREAMS=alert,page", "EVENTS_PREFIX=netskope/alerts"}, "EVENTS_PREFIX", "GCS_PREFIX=netskope/alerts"},
		{[]string{"STREAMS=alert,page", "GCS_PREFIX=netskope/events/alerts"}, "EVENTS_PREFIX", "beside each other"},
		{[]string{"STREAMS=alert,page", "EVENTS_PREFIX=netskope/alerts/events"}, "EVENTS_PREFIX", "beside each other"},
		{[]string{"STREAMS=alert,page", "EVENTS_PREFIX=netskope/ledger/alerts"}, "EVENTS_PREFIX", "beside each other"},
		{[]string{"STREAMS=page", "EVENTS_PREFIX=netskope/led"}, "EVENTS_PREFIX", "netskope/ledger/"},
		{[]string{"STREAMS=alert,page", "STATE_KEY=netskope/events/state.json"}, "STATE_KEY",
			"EVENTS_PREFIX=netskope/events"},
	} {
		_, err := ConfigsFromEnv(environment(test.pairs...))
		problems := env.Problems(err)
		if len(problems) != 1 || problems[0].Name != test.name || !strings.Contains(problems[0].Error(), test.says) {
			t.Errorf("%q: %v, want %s and %q", test.pairs, err, test.name, test.says)
		}
	}
	if _, err := ConfigsFromEnv(environment("GCS_PREFIX=netskope/events")); err != nil {
		t.Errorf("EVENTS_PREFIX says nothing where events are not collected: %v", err)
	}
}

func TestFolderFromEnv(t *testing.T) {
	for _, test := range []struct {
		pairs          []string
		bucket, prefix string
		problem        string
	}{
		{[]string{"NETSKOPE_TENANT=", "NETSKOPE_API_TOKEN="}, "alerts-bucket", "netskope/alerts", ""},
		{[]string{"GCS_PREFIX=/a/b/"}, "alerts-bucket", "a/b", ""},
		{[]string{"GCS_PREFIX=a//b"}, "", "", "GCS_PREFIX"},
		{[]string{"STREAMS=page,alert"}, "alerts-bucket", "netskope/alerts", ""},
		{[]string{"STREAMS=page", "EVENTS_PREFIX=x/y"}, "alerts-bucket", "x/y/page", ""},
		{[]string{"GCS_BUCKET="}, "", "", "GCS_BUCKET is not set"},
		{[]string{"GCS_BUCKET=gs://" + testToken}, "", "", "(the token)"},
	} {
		bucket, prefix, err := FolderFromEnv(environment(test.pairs...))
		if bucket != test.bucket || prefix != test.prefix || (err == nil) != (test.problem == "") {
			t.Errorf("%q: %q, %q, %v", test.pairs, bucket, prefix, err)
		}
		if err != nil && (!strings.Contains(err.Error(), test.problem) || strings.Contains(err.Error(), testToken)) {
			t.Errorf("%q: %v, want %s", test.pairs, err, test.problem)
		}
	}
}

func TestConfigAccepts(t *testing.T) {
	for _, test := range []struct {
		pair string
		got  func(Config) any
		want any
	}{
		{"GCS_PREFIX=/netskope/alerts/", func(c Config) any { return c.Prefix }, "netskope/alerts"},
		{"GCS_PREFIX=", func(c Config) any { return c.Prefix }, "netskope/alerts"},
		{"STATE_KEY=netskope/alerts/state.json", func(c Config) any { return c.StateInFeed() }, true},
		{"STATE_KEY=netskope/alerts.json", func(c Config) any { return c.StateInFeed() }, true},
		{"NETSKOPE_TENANT=acme.goskope.com", func(c Config) any { return c.Tenant }, "https://acme.goskope.com"},
		{"NETSKOPE_TENANT=HTTPS://Acme.goskope.com", func(c Config) any { return c.Tenant }, "https://acme.goskope.com"},
		{"NETSKOPE_TENANT= https://acme.eu.goskope.com/ ", func(c Config) any { return c.Tenant },
			"https://acme.eu.goskope.com"},
		{"NETSKOPE_TENANT=http://127.0.0.1:8080", func(c Config) any { return c.Tenant }, "http://127.0.0.1:8080"},
		{"NETSKOPE_TENANT=http://localhost:8080", func(c Config) any { return c.Tenant }, "http://localhost:8080"},
		{"NETSKOPE_TENANT=http://[::1]:8080", func(c Config) any { return c.Tenant }, "http://[::1]:8080"},
		{"NETSKOPE_API_TOKEN=\t" + testToken + "\r\n", func(c Config) any { return c.Token }, testToken},
		{"MAX_RECORDS=0", func(c Config) any { return c.MaxRecords }, 0},
		{"LAG=90s", func(c Config) any { return c.Lag }, 90 * time.Second},
		{"LAG=0", func(c Config) any { return c.Lag }, time.Duration(0)},
		{"IN_FLIGHT=3", func(c Config) any { return c.InFlight }, 3},
		{"REQUESTS_PER_SECOND=0", func(c Config) any { return c.RequestsPerSecond }, 0.0},
		{"TIME_FIELD=Event", func(c Config) any { return c.TimeField }, alert.EventTime},
		{"COMPRESSION=GZIP", func(c Config) any { return c.Compression }, Gzip},
	} {
		c, err := ConfigFromEnv(environment(test.pair))
		if err != nil {
			t.Errorf("%s: %v", test.pair, err)
		} else if got := test.got(c); got != test.want {
			t.Errorf("%s: got %v, want %v", test.pair, got, test.want)
		}
	}
}

// TestConfigRefuses holds that every problem names the variable, and what to do.
func TestConfigRefuses(t *testing.T) {
	for _, test := range []struct{ pair, remedy string }{
		{"GCS_BUCKET=", "name of the bucket"},
		{"GCS_BUCKET=gs://alerts-bucket", "leave out gs://"},
		{"GCS_BUCKET=Alerts Bucket", "not a bucket name"},
		{"GCS_PREFIX=/", "names no folder"},
		{"GCS_PREFIX=netskope//alerts", "leave one slash"},
		{"GCS_PREFIX=gs://bucket/netskope", "without gs://"},
		{"GCS_PREFIX=netskope/../alerts", "has a folder . or .."},
		{"GCS_PREFIX=netskope\x01alerts", "control characters"},
		{"GCS_PREFIX=" + strings.Repeat("a", 1000), "too long"},
		{"STATE_KEY=netskope/alerts", "outside it"},
		{"NETSKOPE_TENANT=", "https://acme.goskope.com"},
		{"NETSKOPE_TENANT=[https://acme.goskope.com](https://acme.goskope.com)", "Markdown"},
		{"NETSKOPE_TENANT=http://acme.goskope.com", "want https://acme.goskope.com"},
		{"NETSKOPE_TENANT=http://127.0.0.1.example.com", "unencrypted"},
		{"NETSKOPE_TENANT=ftp://acme.goskope.com", "unknown scheme"},
		{"NETSKOPE_TENANT=https://acme.goskope.com/api/v2", "more than a host"},
		{"NETSKOPE_TENANT=https://acme.goskope.com?x=1", "more than a host"},
		{"NETSKOPE_TENANT=https://user:pass@acme.goskope.com", "user or password"},
		{"NETSKOPE_TENANT=acme", "acme.goskope.com"},
		{"NETSKOPE_TENANT=https://", "as in https://acme.goskope.com"},
		{"NETSKOPE_API_TOKEN=", "REST API v2 token"},
		{"NETSKOPE_API_TOKEN=ab\ncd", "byte 3"},
		{"NETSKOPE_API_TOKEN=ab cd", "byte 3"},
		{"NETSKOPE_API_TOKEN=https://acme.goskope.com", "swapped"},
		{"NETSKOPE_API_TOKEN_FILE=/token", "both set"},
		{"MAX_RECORDS=-1", "from 0"},
		{"MAX_RECORDS=many", "whole number"},
		{"PAGE_SIZE=0", "from 1 to 10000"},
		{"PAGE_SIZE=20000", "5000"},
		{"LOOKBACK_HOURS=-24", "from 1 to 2160"},
		{"LOOKBACK_HOURS=1.5", "whole number"},
		{"LAG=300", "write 300s for seconds or 300m"},
		{"LAG=25h", "from 0s to 24h"},
		{"LAG=1500ms", "whole seconds"},
		{"WINDOW=5m", "no longer exists: time is cut by a fixed grid; unset it"},
		{"GCS_PREFIX=a/ledger", "the collector's own objects in a/ledger/"},
		{"GCS_PREFIX=a/led", "the collector's own objects in a/ledger/"},
		{"LAG=-5m", "from 0s to 24h"},
		{"BUDGET=soon", "as in 8m"},
		{"IN_FLIGHT=0", "from 1 to 16"},
		{"IN_FLIGHT=17", "from 1 to 16"},
		{"REQUESTS_PER_SECOND=NaN", "from 0 to 1000"},
		{"TIME_FIELD=created", "want insertion or event"},
		{"COMPRESSION=zstd", "want none or gzip"},
		{"LOG_LEVEL=verbose", "want info or debug or warn or error"},
	} {
		_, err := ConfigFromEnv(environment(test.pair))
		name, _, _ := strings.Cut(test.pair, "=")
		if err == nil {
			t.Errorf("%s: accepted", test.pair)
		} else if !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), test.remedy) {
			t.Errorf("%s: error lacks the variable or %q: %v", test.pair, test.remedy, err)
		}
	}
}

// TestConfigRefusesAProxyThatWouldBeIgnored: the variable is named, the password is not shown.
func TestConfigRefusesAProxyThatWouldBeIgnored(t *testing.T) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		_, err := ConfigFromEnv(environment(name + "=http://svc:100%cr3t@127.0.0.1:8888"))
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(),
			"with % in a password written as %25") ||
			strings.Contains(err.Error(), "cr3t") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConfigReportsEveryProblemAtOnce(t *testing.T) {
	_, err := ConfigFromEnv(environment("GCS_BUCKET=", "PAGE_SIZE=x", "LAG=y", "NETSKOPE_TENANT=http://acme.goskope.com"))
	for _, name := range []string{"GCS_BUCKET", "PAGE_SIZE", "LAG", "NETSKOPE_TENANT"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is missing from: %v", name, err)
		}
	}
}

// TestConfigNeverShowsTheToken covers defects 33 and 34 of the original function,
// and pastes into the wrong variable.
func TestConfigNeverShowsTheToken(t *testing.T) {
	const token = "abcdefghijklmnopqrstuvwxyz0123456789"
	for _, pairs := range [][]string{
		{"NETSKOPE_API_TOKEN=" + token + "\n\x01"},
		{"NETSKOPE_API_TOKEN=" + token + " x", "GCS_BUCKET=" + token},
		{"NETSKOPE_API_TOKEN=" + token, "NETSKOPE_TENANT=https://acme.goskope.com/?token=" + token},
		{"NETSKOPE_API_TOKEN=https://acme.goskope.com", "NETSKOPE_TENANT=" + token},
		{"NETSKOPE_API_TOKEN=" + token, "NETSKOPE_TENANT=https://u:" + token + "@acme.goskope.com"},
	} {
		_, err := ConfigFromEnv(environment(pairs...))
		if err == nil {
			t.Errorf("%q: accepted", pairs)
		} else if strings.Contains(err.Error(), token) {
			t.Errorf("%q: the error shows the token: %v", pairs, err)
		}
	}
}

func TestConfigReadsTheTokenFileAtEveryCall(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	lookup := environment("NETSKOPE_API_TOKEN=", "NETSKOPE_API_TOKEN_FILE="+file)
	if _, err := ConfigFromEnv(lookup); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("missing file: %v", err)
	}
	for _, content := range []string{"first\n", "second\r\n"} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := ConfigFromEnv(lookup)
		if err != nil || c.Token != strings.TrimSpace(content) {
			t.Errorf("file with %q: token %q, %v", content, c.Token, err)
		}
	}
	if err := os.WriteFile(file, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ConfigFromEnv(lookup); err == nil || !strings.Contains(err.Error(), "is empty") {
		t.Errorf("empty file: %v", err)
	}
}

// FuzzTenantAddress holds that whatever is accepted sends the token encrypted, or to
// this machine, and to a host alone.
func FuzzTenantAddress(f *testing.F) {
	for _, seed := range []string{
		"acme.goskope.com", "https://acme.goskope.com/", "HTTP://acme.goskope.com", "https:acme.goskope.com",
		"//acme.goskope.com", "https://acme.goskope.com:99999", "https://acme.goskope.com@example.com",
		"http://127.0.0.1:80", "http://127.1", "http://2130706433", "http://[::1]:80", "http://localhost.example.com",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		c, err := ConfigFromEnv(environment("NETSKOPE_TENANT=" + address))
		if err != nil {
			return
		}
		u, err := url.Parse(c.Tenant + stream.Alert.Path())
		if err != nil || u.Path != stream.Alert.Path() || u.User != nil || u.RawQuery != "" ||
			u.Fragment != "" || u.Host == "" {
			t.Errorf("%q is accepted as %q: %+v, %v", address, c.Tenant, u, err)
		}
		if ip := net.ParseIP(u.Hostname()); u.Scheme != "https" && u.Hostname() != "localhost" && !ip.IsLoopback() {
			t.Errorf("%q is accepted as %q, which is not encrypted", address, c.Tenant)
		}
	})
}

// TestConfigToLook: to look at what was delivered, nothing of the tenant is needed; where it is
// given, it counts.
func TestConfigToLook(t *testing.T) {
	look := func(pairs ...string) (Config, error) {
		values := map[string]string{}
		for _, pair := range pairs {
			name, value, _ := strings.Cut(pair, "=")
			values[name] = value
		}
		return ConfigToLook(func(name string) (string, bool) { v, ok := values[name]; return v, ok })
	}
	c, err := look("GCS_BUCKET=alerts")
	if err != nil || c.BucketName != "alerts" || c.Prefix != "netskope/alerts" ||
		c.StateKey != "netskope/state/alerts.json" ||
		c.Lag != 5*time.Minute || c.Tenant != "" || c.Token != "" {
		t.Errorf("%+v, %v", c, err)
	}
	c, err = look("GCS_BUCKET=alerts", "GCS_PREFIX=a/b/", "STATE_KEY=s.json", "NETSKOPE_TENANT=acme.goskope.com",
		"TIME_FIELD=event", "PAGE_SIZE=nonsense")
	if err != nil || c.Prefix != "a/b" || c.StateKey != "s.json" || c.Tenant != "https://acme.goskope.com" ||
		c.TimeField != alert.EventTime {
		t.Errorf("%+v, %v", c, err)
	}
	for _, pairs := range [][]string{nil, {"GCS_BUCKET=gs://alerts"}, {"GCS_BUCKET=alerts", "GCS_PREFIX=a", "STATE_KEY=a"},
		{"GCS_BUCKET=alerts", "NETSKOPE_TENANT=acme"}, {"GCS_BUCKET=alerts", "LAG=5"}} {
		if c, err := look(pairs...); err == nil {
			t.Errorf("%q is taken: %+v", pairs, c)
		}
	}
}
