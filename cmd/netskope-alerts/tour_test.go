package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"netskope-alerts.internal/collector/docs"
)

// commandsOf are the commands that the pages say the test executes, in their order.
func commandsOf(t *testing.T, test string) (all []docs.Command) {
	t.Helper()
	blocks, err := docs.ExecutedBy("../..", test)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		all = append(all, b.Commands...)
	}
	return all
}

// built is the command, built as the pages say.
func built(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "netskope-alerts")
	build := exec.Command("go", "build", "-o", program, "./cmd/netskope-alerts")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

var speed = regexp.MustCompile(`(?m)\d+\.\d$`)

// TestREADMEDemo does what the README says first, and holds all of its output, but for the
// speed, against what the README shows.
func TestREADMEDemo(t *testing.T) {
	commands := commandsOf(t, "TestREADMEDemo")
	arguments, ok := strings.CutPrefix(commands[0].Text, "go run ./cmd/netskope-alerts ")
	if !ok || len(commands) != 1 {
		t.Fatalf("the README begins with %q", commands)
	}
	demo := exec.Command(built(t), strings.Fields(arguments)...)
	demo.Dir = t.TempDir()
	out, err := demo.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var got []string
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" {
			got = append(got, speed.ReplaceAllString(line, "SPEED"))
		}
	}
	var want []string
	for _, line := range commands[0].Output {
		want = append(want, speed.ReplaceAllString(line, "SPEED"))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the README shows\n%s\nand it prints\n%s", strings.Join(want, "\n"), out)
	}
}

// TestREADMEInstall: what the README says makes a command that runs.
func TestREADMEInstall(t *testing.T) {
	folder := t.TempDir()
	for _, c := range commandsOf(t, "TestREADMEInstall") {
		install := exec.Command("sh", "-c", c.Text)
		install.Dir = "../.."
		install.Env = append(os.Environ(), "GOBIN="+folder)
		if out, err := install.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", c.Text, err, out)
		}
	}
	if out, err := exec.Command(filepath.Join(folder, "netskope-alerts"), "--version").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

var (
	months   = regexp.MustCompile(`\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d\d\b`)
	figures  = regexp.MustCompile(`[0-9][0-9,.:]*`)
	dates    = regexp.MustCompile(`\d{4}-\d\d-\d\d`)
	clocks   = regexp.MustCompile(`\b\d\d:\d\d(:\d\d)?\b`)
	spans    = regexp.MustCompile(`(\d+ (d|h|m|s|ms)\b ?)+`)
	numbers  = regexp.MustCompile(`\d+ (cells?|objects?|requests?|messages?)\b|(already) +\d+\s*$`)
	bars     = regexp.MustCompile(`[▏▎▍▌▋▊▉█]+`)
	spaces   = regexp.MustCompile(`\s+`)
	ids      = regexp.MustCompile(`\b[0-9a-f]{24}\b`)
	datePath = regexp.MustCompile(`\d{4}/\d\d/\d\d`)
	compact  = regexp.MustCompile(`\d{8}T\d{6}Z`)
)

// outline is a line of output without what changes from one moment to another: times, spans,
// how many cells the grid cuts the demo's day into, and what follows from that.
func outline(line string) string {
	line = datePath.ReplaceAllString(line, "DAY")
	line = compact.ReplaceAllString(line, "TIME")
	line = months.ReplaceAllString(line, "DATE")
	line = dates.ReplaceAllString(line, "DATE")
	line = clocks.ReplaceAllString(line, "CLOCK")
	line = spans.ReplaceAllString(line, "SPAN ")
	line = numbers.ReplaceAllString(line, "N $1$2")
	return strings.TrimSpace(spaces.ReplaceAllString(line, " "))
}

// rough is an outline without any number. It is what can be asked for where the hour ended
// during the tour: the last day is then another one.
func rough(line string) string {
	return figures.ReplaceAllString(bars.ReplaceAllString(ids.ReplaceAllString(outline(line), "ID"), "BAR"), "#")
}

// TestTour does what the tour says, and holds its output against what the page shows, line by
// line but for times.
func TestTour(t *testing.T) {
	steps := commandsOf(t, "TestTour")
	if len(steps) < 10 {
		t.Fatalf("the tour has only %d commands", len(steps))
	}
	if steps[0].Text != "go build -o netskope-alerts ./cmd/netskope-alerts" {
		t.Fatalf("the tour begins with %q", steps[0].Text)
	}
	program := built(t)
	var script strings.Builder
	environment := ""
	quoted := func(command string) string { return "'" + strings.ReplaceAll(command, "'", "''") + "'" }
	for i, s := range steps[1:] {
		switch {
		case strings.Contains(s.Text, "demo --keep"):
			fmt.Fprintf(&script, "exec sh -c %s &\nappears out/environment.sh\n",
				quoted("exec "+s.Text+" >demo.log"))
			continue
		case strings.HasPrefix(s.Text, ". "):
			environment = s.Text + "; "
			continue
		}
		fmt.Fprintf(&script, "exec sh -c %s\n", quoted(environment+s.Text+"; test $? -le 3"))
		if len(s.Output) > 0 {
			fmt.Fprintf(&script, "shows step%d\n", i)
		}
	}
	script.WriteString("kill -INT\nwait\n")
	for i, s := range steps[1:] {
		fmt.Fprintf(&script, "-- step%d --\n%s\n", i, strings.Join(s.Output, "\n"))
	}
	file := filepath.Join(t.TempDir(), "tour.txtar")
	if err := os.WriteFile(file, []byte(script.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	began := time.Now().Truncate(time.Hour)
	testscript.Run(t, testscript.Params{
		Files: []string{file},
		Setup: func(e *testscript.Env) error {
			return os.Symlink(program, filepath.Join(e.WorkDir, "netskope-alerts"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// appears FILE waits for a file.
			"appears": func(ts *testscript.TestScript, _ bool, args []string) {
				for range 1200 {
					if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
						return
					}
					time.Sleep(50 * time.Millisecond)
				}
				ts.Fatalf("%s does not appear", args[0])
			},
			// shows FILE holds the output against a step of the tour.
			"shows": func(ts *testscript.TestScript, _ bool, args []string) {
				of := outline
				if !time.Now().Truncate(time.Hour).Equal(began) {
					of = rough
				}
				got := map[string]bool{}
				for line := range strings.Lines(ts.ReadFile("stdout")) {
					got[of(line)] = true
				}
				for line := range strings.Lines(ts.ReadFile(args[0])) {
					if !got[of(line)] {
						ts.Fatalf("the tour shows\n%s(%s)\nwhich is not in the output", line, of(line))
					}
				}
			},
		},
	})
}
