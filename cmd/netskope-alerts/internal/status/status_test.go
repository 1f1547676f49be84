package status

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/browsertest"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/golden"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
)

func printed(t *testing.T, s Status, width int, colour bool) string {
	t.Helper()
	var out bytes.Buffer
	if err := writeText(text.Terminal{Writer: &out, Width: width, Colour: colour}, s); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestStatusText(t *testing.T) {
	all := samples()
	for name, s := range all {
		golden.Check(t, ""+name+"-80.txt", []byte(printed(t, s, 80, false)))
	}
	golden.Check(t, "troubled-140.txt", []byte(printed(t, all["troubled"], 140, false)))
	golden.Check(t, "troubled-80-colour.txt", []byte(printed(t, all["troubled"], 80, true)))
	golden.Check(t, "usual-140-colour.txt", []byte(printed(t, all["usual"], 140, true)))
}

func TestStatusTextFits(t *testing.T) {
	escape := regexp.MustCompile("\x1b\\[[0-9]+m")
	for name, s := range samples() {
		for i := range s.Types { // every name hostile: none may get through
			if i == 0 || i >= text.PlottedRows {
				continue
			}
			s.Types[i].Type = browsertest.Hostile
		}
		for _, width := range []int{72, 80, 100, 140, 250} {
			plain, coloured := printed(t, s, width, false), printed(t, s, width, true)
			if stripped := escape.ReplaceAllString(coloured, ""); stripped != plain {
				t.Errorf("%s at %d columns: colour changes the text:\n%s", name, width, cmp.Diff(plain, stripped))
			}
			widest := 0
			for _, line := range strings.Split(plain, "\n") {
				widest = max(widest, text.Columns(line))
				for _, r := range line {
					if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x202e {
						t.Errorf("%s at %d columns: %U in %q", name, width, r, line)
					}
				}
			}
			if widest > width {
				t.Errorf("%s is %d columns wide, not %d:\n%s", name, widest, width, plain)
			}
			if s.Alerts > 0 && widest < width-10 {
				t.Errorf("%s leaves %d of %d columns unused", name, width-widest, width)
			}
		}
	}
}

func TestCondition(t *testing.T) {
	at := time.Date(2026, 11, 23, 11, 27, 0, 0, time.UTC)
	for _, c := range []struct {
		name             string
		saved, due       time.Duration // after at
		verdict          text.Verdict
		word, sentenceIs string
	}{
		{"nothing due", -time.Minute, time.Second, text.Pass, "caught up",
			"Caught up: every alert that is due is delivered."},
		{"due this moment", -time.Minute, 0, text.Pass, "caught up",
			"Caught up at its last run, 1 m ago; the next run has more to fetch."},
		{"due since the last run", -2 * time.Hour, -119 * time.Minute, text.Pass, "caught up",
			"Caught up at its last run, 2 h ago; the next run has more to fetch."},
		{"due while it was at work", -time.Minute, -time.Minute, text.Pass, "caught up",
			"Caught up at its last run, 1 m ago; the next run has more to fetch."},
		{"due before it began", -time.Minute, -time.Minute - runMayTake, text.Warn, "behind",
			"Behind by 1 h 30 m: alerts since 2026-11-23 09:57 UTC are not delivered."},
		{"two hours and a second", -2*time.Hour - time.Second, -time.Hour, text.Fail, "stalled",
			"Stalled: no run has saved the state for 2 h."},
		{"stalled with nothing due", -3 * time.Hour, time.Hour, text.Fail, "stalled",
			"Stalled: no run has saved the state for 3 h."},
		{"saved by a clock ahead", time.Minute, 2 * time.Minute, text.Pass, "caught up",
			"Caught up: every alert that is due is delivered."},
	} {
		got := conditionOf(Status{At: at, Through: at.Add(-90 * time.Minute), Lag: 90 * time.Minute,
			Saved: at.Add(c.saved), NextDue: at.Add(c.due)})
		got.remedy = text.Remedy{}
		if want := (condition{verdict: c.verdict, word: c.word, sentence: c.sentenceIs}); got != want {
			t.Errorf("%s: got %+v, want %+v", c.name, got, want)
		}
	}
	if got := conditionOf(Status{At: at}); got.word != "no state" {
		t.Errorf("without a state it is %+v", got)
	}
}

func TestStatusJSON(t *testing.T) {
	for _, name := range []string{"troubled", "one-alert", "no-state"} {
		var out bytes.Buffer
		if err := writeJSON(&out, samples()[name]); err != nil {
			t.Fatal(err)
		}
		golden.Check(t, ""+name+".json", out.Bytes())
	}
}

// TestStatusJSONIsTheStatus: nothing of the status is missing in the JSON, and nothing is
// changed on the way.
func TestStatusJSONIsTheStatus(t *testing.T) {
	s := samples()["troubled"]
	s.At = s.At.In(time.FixedZone("", 3600))
	s.Through = s.Through.In(time.FixedZone("", 3600))
	s.Lateness.P50 = 1500 * time.Millisecond
	s.Types[0].Type, s.Types[1].Type = "a\u009b\U000e0001\u202e", browsertest.Hostile
	var out bytes.Buffer
	if err := writeJSON(&out, s); err != nil {
		t.Fatal(err)
	}
	for _, r := range out.String() {
		if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r == 0x202e {
			t.Errorf("%U is in the JSON as it is", r)
		}
	}
	var got document
	decoder := json.NewDecoder(&out)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.At.Location() != time.UTC || !got.At.Equal(s.At) || got.Through.Location() != time.UTC ||
		!got.Through.Equal(s.Through) {
		t.Errorf("at %v and through %v", got.At, got.Through)
	}
	if got.Day.Types[0] != s.Types[0] || got.Day.Types[1] != s.Types[1] {
		t.Errorf("types %+v", got.Day.Types[:2])
	}
	if time.Duration(got.Day.Lateness.P50) != s.Lateness.P50 || time.Duration(got.Lag) != s.Lag {
		t.Errorf("p50 %v, lag %v", time.Duration(got.Day.Lateness.P50), time.Duration(got.Lag))
	}
	var sum int64
	for _, b := range got.Day.Lateness.Buckets {
		sum += b.Alerts
	}
	if sum != s.Alerts {
		t.Errorf("the buckets hold %d alerts, not %d", sum, s.Alerts)
	}

	names := map[string]bool{}
	for _, of := range []reflect.Type{reflect.TypeFor[document](), reflect.TypeFor[dayJSON](),
		reflect.TypeFor[latenessJSON]()} {
		for i := range of.NumField() {
			name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
			names[strings.TrimSuffix(name, "_seconds")] = true
		}
	}
	for _, of := range []reflect.Type{reflect.TypeFor[Status](), reflect.TypeFor[Latenesses]()} {
		for i := range of.NumField() {
			if name := of.Field(i).Tag.Get("json"); !names[name] {
				t.Errorf("%s of %s is not in the JSON", name, of)
			}
		}
	}
}

func (s *seconds) UnmarshalJSON(text []byte) error {
	var value float64
	err := json.Unmarshal(text, &value)
	*s = seconds(value * float64(time.Second))
	return err
}

func TestStatusCommand(t *testing.T) {
	s := samples()["usual"]
	lookup := func(string) (string, bool) { return "", false }
	run := func(c Command) (stdout, stderr string, err error) {
		var out, errors bytes.Buffer
		err = c.show(cli.Streams{Stdout: &out, Stderr: &errors, Lookup: lookup}, s)
		return out.String(), errors.String(), err
	}
	plain, _, err := run(Command{})
	if err != nil || plain != printed(t, s, 80, false) {
		t.Errorf("status prints %q, %v", plain, err)
	}
	page := filepath.Join(t.TempDir(), "status.html")
	stdout, stderr, err := run(Command{HTML: page, JSON: true})
	if err != nil || !json.Valid([]byte(stdout)) || !strings.Contains(stderr, page) {
		t.Errorf("status --html --json prints %q and %q, %v", stdout, stderr, err)
	}
	if content, err := os.ReadFile(page); err != nil || !bytes.HasPrefix(content, []byte("<!doctype html>")) {
		t.Errorf("the page is %.40q, %v", content, err)
	}
	stdout, stderr, err = run(Command{HTML: filepath.Join(page, "in-a-file")})
	if err == nil || stdout != "" || strings.Contains(stderr, "The page is") {
		t.Errorf("a page that cannot be written: %q and %q, %v", stdout, stderr, err)
	}
}

func TestStatusFlags(t *testing.T) {
	var commands struct {
		Status Command `cmd:""`
	}
	var help bytes.Buffer
	exited := false
	parser, err := kong.New(&commands, kong.Writers(&help, &help), kong.Exit(func(int) { exited = true }))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse([]string{"status", "--html", "a.html", "--json"}); err != nil ||
		commands.Status != (Command{"a.html", true}) {
		t.Errorf("parsed %+v, %v", commands.Status, err)
	}
	_, _ = parser.Parse([]string{"status", "--help"}) // goes on after the exit
	if !exited || !strings.Contains(help.String(), "--html=FILE") ||
		!strings.Contains(help.String(), "netskope-alerts status --html status.html") {
		t.Errorf("help:\n%s", help.String())
	}
}

func TestStatusSaysThatItWasNotWritten(t *testing.T) {
	s := samples()["usual"]
	for what, err := range map[string]error{
		"text": writeText(text.Terminal{Writer: brokenWriter{}, Width: 80, Colour: false}, s),
		"JSON": writeJSON(brokenWriter{}, s),
		"HTML": writeHTML(brokenWriter{}, s),
	} {
		if err == nil || !strings.Contains(err.Error(), "broken pipe") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
