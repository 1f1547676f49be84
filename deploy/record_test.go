package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// ownFields are in the function's records whatever they are of.
var ownFields = []string{"message", "event", "error"}

// attributes are the names, in their order, that a file's function of attributes writes.
func attributes(t *testing.T, file string) []string {
	t.Helper()
	body := regexp.MustCompile(`(?ms)^func [^\n]*[aA]ttributes\([^\n]*\) \[\]slog\.Attr \{$.*?^\}$`).
		FindString(read(t, file))
	var names []string
	for _, m := range regexp.MustCompile(`slog\.\w+\("(\w+)"`).FindAllStringSubmatch(body, -1) {
		names = append(names, m[1])
	}
	if len(names) < 10 {
		t.Fatalf("%s has the attributes %q only: is it read rightly?", file, names)
	}
	return names
}

// texts are those that function.go gives a record: whole ones, and those that it composes.
func texts(t *testing.T) map[string]bool {
	t.Helper()
	function := read(t, "../function.go")
	said := map[string]bool{}
	for _, m := range regexp.MustCompile(`\b(?:text: |text(?:, o\.\w+)? = )"([^"]+)"`).
		FindAllStringSubmatch(function, -1) {
		said[m[1]] = true
	}
	ends := regexp.MustCompile(`what ?\+ ?"( [^"]+)"`).FindAllStringSubmatch(function, -1)
	for _, m := range regexp.MustCompile(`\bended\("(\w+)"`).FindAllStringSubmatch(function, -1) {
		for _, end := range ends {
			said[m[1]+end[1]] = true
		}
	}
	return said
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// What monitoring and operate.sh look for in a record is what function.go, report.go and
// audit.go write there.
func TestNamesAreThoseOfTheRecords(t *testing.T) {
	t.Parallel()
	run, audit, said := attributes(t, "../report.go"), attributes(t, "../audit.go"), texts(t)
	want := []string{
		"audit failed", "audit found a gap", "audit not complete", "audit passed",
		"backfill failed", "backfill finished", "backfill not complete",
		"configuration refused", "message refused", "run failed", "run finished", "run not complete",
	}
	for _, text := range want {
		if !said[text] {
			t.Errorf("function.go no longer says %q", text)
		}
	}
	if len(said) != len(want) {
		t.Errorf("function.go says %v, want %q", said, want)
	}
	for file, words := range map[string][]string{
		"../function.go":                  {`log.With("event"`, `slog.String("error"`},
		"../report.go":                    {`a.Key = "message"`, `a.Key = "severity"`, `slog.StringValue("WARNING")`},
		"../internal/netskope/refusal.go": {`WriteString("netskope")`, `" answered %d"`}, // "netskope answered 401"
	} {
		for _, word := range words {
			if !strings.Contains(read(t, file), word) {
				t.Errorf("%s no longer says %s", file, word)
			}
		}
	}

	// operate.sh shows all of a run's record, in its order.
	script := read(t, "operate.sh")
	_, list, _ := strings.Cut(script, "\nRECORD_FIELDS=(")
	list, _, _ = strings.Cut(list, ")")
	shown := slices.Concat([]string{"message", "event"}, run, []string{"error"})
	if got := strings.Fields(list); !slices.Equal(got, shown) {
		t.Errorf("operate.sh shows\n%q\nwant\n%q", got, shown)
	}
	files := map[string]string{"operate.sh": script}
	for _, pattern := range []string{"monitoring/*.json", "monitoring/*/*.json"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %q, %v", pattern, names, err)
		}
		for _, name := range names {
			files[name] = read(t, name)
		}
	}

	sought := regexp.MustCompile(`jsonPayload\.message=(?:("[^"]+")|~?"?\^?\(([^)]+)\))`)
	used := map[string]bool{}
	for name, content := range files {
		content = strings.ReplaceAll(content, `\"`, `"`)
		for _, m := range regexp.MustCompile(`jsonPayload\.(\w+)`).FindAllStringSubmatch(content, -1) {
			// Runs and backfills are what metrics are made of.
			if !slices.Contains(ownFields, m[1]) && !slices.Contains(run, m[1]) &&
				(strings.HasPrefix(name, "monitoring/metrics/") || !slices.Contains(audit, m[1])) {
				t.Errorf("%s uses %s, which no such record has", name, m[1])
			}
		}
		found := 0
		for _, m := range sought.FindAllStringSubmatch(content, -1) {
			for _, text := range regexp.MustCompile(`"?(?: OR |\|)"?`).Split(strings.Trim(m[1]+m[2], `"`), -1) {
				used[text], found = true, found+1
				if !said[text] {
					t.Errorf("%s looks for %q, which function.go does not say", name, text)
				}
			}
		}
		if found == 0 && name != "operate.sh" && strings.Contains(content, "jsonPayload.message") {
			t.Errorf("%s: its texts were not found", name)
		}
	}
	for text := range said {
		if !used[text] && text != "run not complete" { // for which "run finished" is said
			t.Errorf("%q is looked for by nothing", text)
		}
	}

	// The dashboard shows whatever the function says.
	dashboard := files["monitoring/dashboard.json"]
	for text := range said {
		if text != "run not complete" && !regexp.MustCompile(`[(|]`+text+`[)|]`).MatchString(dashboard) {
			t.Errorf("the dashboard's runs leave out %q", text)
		}
	}
}

// Every failure is somebody's: of the policy on the token, or of that on runs.
func TestEveryFailureHasAPolicy(t *testing.T) {
	t.Parallel()
	failed := read(t, "monitoring/policies/run-failed.json")
	token := read(t, "monitoring/policies/token-refused.json")
	metric := read(t, "monitoring/metrics/failures.json")
	for text := range texts(t) {
		failure := regexp.MustCompile(` (failed|refused|gap)$`).MatchString(text)
		quoted := `\"` + text + `\"`
		if strings.Contains(failed, quoted) != failure || strings.Contains(metric, quoted) != failure {
			t.Errorf("%q: is it a failure?", text)
		}
		if asks := strings.HasSuffix(text, " failed"); strings.Contains(token, quoted) != asks {
			t.Errorf("%q, which may be for a token that is refused: told %t", text, !asks)
		}
	}
}
