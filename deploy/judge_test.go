package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"netskope-alerts.internal/collector/internal/layout"
	"netskope-alerts.internal/collector/internal/settings"
)

// judge returns what deploy.sh says of settings, each given alone, by name and value;
// nothing where it has no objection.
func (w *world) judge(settings [][2]string) []string {
	w.t.Helper()
	const script = `source deploy/settings.sh
source deploy/validate.sh
parse_arguments --project-id p --gcs-bucket alerts-bucket --netskope-tenant https://acme.goskope.com
while (($#)); do
	(
		printf -v "$1" %s "$(trim "$2")"
		check_settings
	) 2>&1 || :
	printf '\0'
	shift 2
done`
	arguments := []string{"-euo", "pipefail", "-c", script, "judge"}
	for _, s := range settings {
		arguments = append(arguments, s[0], s[1])
	}
	c := exec.Command(filepath.Join(toolbox, "bash"), arguments...)
	c.Dir, c.Env = w.source(), []string{"PATH=" + toolbox}
	out, err := c.CombinedOutput()
	if err != nil {
		w.t.Fatalf("%v\n%s", err, out)
	}
	said := strings.Split(string(out), "\x00")
	if len(said) != len(settings)+1 {
		w.t.Fatalf("%d answers for %d settings:\n%s", len(said), len(settings), out)
	}
	return said[:len(settings)]
}

// What the function would refuse, deploy.sh refuses before, and nothing else.
func TestSettingsAreJudgedAsByTheFunction(t *testing.T) {
	t.Parallel()
	paths := []string{
		"x/y", "/x/y/", "//x/y//", "x", "/", "//", "gs:x", "gs://b/x", "xgs:/y", "x//y", ".", "..", "./x", "x/.",
		"x/..",
		"x/./y", "x/../y", "/../", "../x", ".x/..y", "x/...", "x/a..b/c", "x y", "é/ü", "日本", "x\u00a0y",
		"x\u00ady", "x\u200by",
		"x\u2028y", "x\u202ey", "x\u2060y", "x\u3000y", "x\ufeffy", "x\ue000y", "x\xffy", "x\xc3",
		"x\xed\xa0\x80y", "x\x01y",
		"x\ny", "😀/x", "x\U000e0001", "x€y", "x\u2010y", strings.Repeat("x", 824), strings.Repeat("x", 825),
		strings.Repeat("é", 412), strings.Repeat("é", 413), " x ", "$x", "*", "x/*", "?", "x/[l]*", `x\y`, `x"y`,
	}
	integers := []string{
		"0", "1", "-1", "+1", "007", "08", "1.5", "x", "1 2", "0x10", "1e3", "10000", "10001", "2160", "2161",
		"1099511627776",
		"1099511627777", "99999999999999999999", "--1", "",
	}
	durations := []string{
		"0", "0s", "-0", "+5m", "-5m", "5m", "300", "1s", "999ms", "1000ms", "1500ms", "1.5m", "1.5s", ".5m",
		"1.m", ".s", "m", "5",
		"1m30s", "30s1m", "1h2m3s", "24h", "24h1s", "25h", "23.99h", "8m59s", "1000000us", "1000000µs", "1000000μs",
		"1000000000ns", "1d", "5 m", "5M", "99999999999999h", "soon", "1e3s", "4.35m", "08m", "",
	}
	folders := []string{
		"ledger", "x/ledger", "x/led", "x/l", "x/ledgers", "x/ledger/y", "ledger/x", "a", "x/a", "x/au",
		"x/alerts", "s", "st", "sta",
		"stat", "stag", "x/state", "x/state.json", "x/states", "quarantine", "q", "c", "check", "checks",
		"x/Ledger", "x/ledger/",
	}
	var all [][2]string
	judged := map[string][]string{
		"GCS_BUCKET": {
			"abc", "ab", "Abc", "a_b.c-d", "-abc", "abc-", "gs://abc", "a b", "",
			strings.Repeat("x", 222), strings.Repeat("x", 223),
		},
		"GCS_PREFIX":    append(folders, paths...),
		"EVENTS_PREFIX": append(folders, paths...),
		"STREAMS": {
			"alert", "Alert", "page,audit", " page , audit,", "alert application infrastructure  network", ",", "",
			"alerts", "alert;page", "all", "*", "alert,incident",
		},
		"STATE_KEY":      paths,
		"MAX_RECORDS":    integers,
		"PAGE_SIZE":      integers,
		"IN_FLIGHT":      append([]string{"12", "16", "17"}, integers...),
		"LOOKBACK_HOURS": integers,
		"LAG":            durations,
		"BUDGET":         durations,
		"REQUESTS_PER_SECOND": {
			"0", "4", "0.5", ".5", "5.", "1e2", "1e9", "1000", "1000.1",
			"-1", "-0", "+2", "NaN", "Inf", "x", "1,5", "1 2", "",
		},
		"TIME_FIELD":  {"insertion", "Event", "created", ""},
		"COMPRESSION": {"none", "GZIP", "zstd", ""},
		"LOG_LEVEL":   {"info", "DEBUG", "warn", "error", "warning", ""},
		"NETSKOPE_TENANT": {
			"acme.goskope.com", "HTTPS://Acme.goskope.com", "https://acme.goskope.com/",
			"https://acme.goskope.com//", "acme", "",
			"https://", "http://acme.goskope.com", "HTTP://acme.goskope.com", "ftp://acme.goskope.com",
			"https://acme.goskope.com/x",
			"https://acme.goskope.com?x=1", "https://acme.goskope.com#x", "https://u:p@acme.goskope.com",
			"a_b.goskope.com",
			"[x](https://acme.goskope.com)", "https://acme.goskope.com:8443", "a b.goskope.com",
			"https://acme,goskope.com", "https://acme.eu.goskope.com", "https://goskope.com", "https://evilgoskope.com",
			"https://acme.goskope.com.evil.example", "https://acme.goskope.com.", "https://acme.goskope.com:",
			"https://acme.goskope.com:0", "https://acme.goskope.com:65535", "https://acme.goskope.com:65536",
			"https://acme.goskope.com:99999999999999999999", "https://acme.goskope.com:x", "https://acme.govskope.us",
			"https://169.254.169.254", "https://metadata.google.internal", "https://[fd00:ec2::254]",
			"https://[fe80::1]",
			"https://10.0.0.1", "https://203.0.113.7:443", "https://[2001:db8::1]:443", "https://2130706433",
			"https://127.1",
			"https://netskope.corp.internal", "https://netskope.local", "https:acme.goskope.com", "//acme.goskope.com",
			"https//acme.goskope.com", "https:///acme.goskope.com", "https://äcme.goskope.com",
			"https://acme..goskope.com",
			"https://acme.goskope.com\\@evil.example", "https://.goskope.com", "<https://acme.goskope.com>",
			"https://-.goskope.com",
			"https://*.goskope.com", "https://acme.goskope.com%2eevil.example", strings.Repeat("a1", 18),
			"eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.c2lnbmF0dXJlLXNpZ25hdHVyZQ",
		},
		"NETSKOPE_DOMAIN": {
			"goskope.com", "GoSkope.com", "com", "", "https://goskope.com", ".goskope.com", "*.goskope.com",
			"goskope.com.",
			"govskope.us", "10.0.0.1", "a b.c", "acme.goskope.com", "co", "c.om",
		},
	}
	for _, name := range functionSettings(t) {
		if judged[name] == nil {
			t.Errorf("no value of %s is judged here by the function and by deploy.sh", name)
		}
	}
	for name, values := range judged {
		for _, value := range values {
			all = append(all, [2]string{name, value})
		}
	}
	if testing.Short() { // with the race detector, which sees nothing of the shell that takes the time
		n := 0
		all = slices.DeleteFunc(all, func([2]string) bool { n++; return n%5 != 0 })
	}
	said := newWorld(t).judge(all)
	for i, s := range all {
		name, value := s[0], s[1]
		_, err := settings.ConfigFromEnv(func(asked string) (string, bool) {
			set, ok := map[string]string{
				"GCS_BUCKET": "alerts-bucket", "NETSKOPE_TENANT": "https://acme.goskope.com",
				"NETSKOPE_API_TOKEN": token,
				name:                 value,
			}[asked]
			return set, ok
		})
		// Only deploy.sh knows how long the platform lets a run take.
		own := name == "BUDGET" && strings.Contains(said[i], "is not below TIMEOUT")
		// The deployed function cannot reach the machine on which a stand-in runs.
		own = own || name == "NETSKOPE_TENANT" && (strings.Contains(value, "://127.0.0.1") ||
			strings.Contains(value, "localhost"))
		if refused := said[i] != ""; refused != (err != nil) && !own {
			t.Errorf("%s=%q: the function says %v, deploy.sh %q", name, value, err, said[i])
		}
		// A tenant that is not below another domain is the tenant's problem.
		elsewhere := name == "NETSKOPE_DOMAIN" && strings.Contains(said[i], "  - NETSKOPE_TENANT")
		if said[i] != "" && (!strings.Contains(said[i], "  - "+name) && !elsewhere || strings.Contains(said[i],
			"unexpected")) {
			t.Errorf("%s=%q: deploy.sh says %q", name, value, said[i])
		}
	}
}

// functionSettings are the settings that deploy.sh hands to the function.
func functionSettings(t *testing.T) []string {
	source, err := os.ReadFile("settings.sh")
	if err != nil {
		t.Fatal(err)
	}
	_, list, ok := strings.Cut(string(source), "FUNCTION_SETTINGS=(")
	list, _, ends := strings.Cut(list, ")")
	if !ok || !ends {
		t.Fatal("deploy/settings.sh has no list of the function's settings")
	}
	return append(strings.Fields(list), "GCS_BUCKET", "NETSKOPE_TENANT")
}

// A token is refused before anything is changed where the function would refuse it at every run.
func TestTokenIsJudgedAsByTheFunction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tokens := []string{
		token, " " + token + "\r\n", "", " \n", "ab cd", "ab\tcd", "ab\ncd", "abé", "a\u00a0b", "https://a.b",
		"acme.goskope.com",
		"$TOKEN", "${TOKEN}", "{token}", "<token>", `"quoted"`, "'quoted'", "`quoted`",
		"a,b=c;d&e|fh[i]j*k?l!m#n%o^p~q",
		"a(b", "Bearer abc", "bearerabc", "Netskope-Api-Token:abc",
		strings.Repeat("x", 4096), strings.Repeat("x", 4097), "a\x01b", "a\x7fb", `a\b`, "-n", "a/b+c==",
	}
	var all [][2]string
	for i, text := range tokens {
		file := filepath.Join(w.dir, "token"+strconv.Itoa(i))
		write(t, file, []byte(text))
		all = append(all, [2]string{"NETSKOPE_API_TOKEN_FILE", file})
	}
	for i, said := range w.judge(all) {
		_, err := settings.TokenFromEnv(func(name string) (string, bool) {
			return all[i][1], name == "NETSKOPE_API_TOKEN_FILE"
		})
		if (said != "") != (err != nil) || strings.Contains(said, "unexpected") {
			t.Errorf("%.20q: the function says %v, deploy.sh %q", tokens[i], err, said)
		}
	}
}

// The state is kept out of whatever a feed on the folder may take, and by default it is.
func TestStateIsKeptOutOfTheFeed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refused := w.judge([][2]string{
		{"STATE_KEY", "netskope/alerts"},
		{"STATE_KEY", "netskope/alerts/x.json"},
		{"STATE_KEY", "/netskope/alerts.json"},
		{"STATE_KEY", "netskope/alert"},
		{"STATE_KEY", "netskope/Alerts.json"},
		{"STATE_KEY", layout.StateKey("netskope/alerts")},
	})
	for i, want := range []bool{true, true, true, false, false, false} {
		if got := refused[i] != ""; got != want {
			t.Errorf("%d: refused %t, want %t: %s", i, got, want, refused[i])
		}
	}
	for _, feed := range []string{"netskope/alerts", "x", "x/y/z", "x y/$z", "/x/y/"} {
		r := w.run(w.settings("--gcs-prefix", feed, "--state-key", feed+"-state.json", "--dry-run")...)
		key := layout.StateKey(strings.Trim(feed, "/"))
		if strings.ContainsAny(key, " $") {
			key = "'" + key + "'" // a shell takes it so
		}
		want := ", as in --state-key " + key + ", its default"
		if !strings.Contains(r.err, want) {
			t.Errorf("GCS_PREFIX=%s: lacks %q: %s", feed, want, r.err)
		}
	}
}
