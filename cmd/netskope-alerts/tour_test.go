package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// step is one command of the README's tour, and the output shown below it.
type step struct {
	command string
	output  []string
}

// tour reads the commands between the marks in the README.
func tour(t *testing.T) (steps []step) {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(readme), "<!-- tour -->\n")
	text, _, ended := strings.Cut(text, "<!-- end of tour -->\n")
	if !ended {
		t.Fatal("README.md has no tour")
	}
	for i, block := range strings.Split(text, "```") {
		if i%2 == 0 {
			continue
		}
		body, ok := strings.CutPrefix(block, "console\n")
		if !ok {
			t.Fatalf("a block of the tour is no console: %s", block)
		}
		for line := range strings.Lines(body) {
			line = strings.TrimSuffix(line, "\n")
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				steps = append(steps, step{command: command})
			} else if strings.TrimSpace(line) != "" && strings.TrimSpace(line) != "…" {
				last := &steps[len(steps)-1]
				last.output = append(last.output, line)
			}
		}
	}
	return steps
}

var (
	months   = regexp.MustCompile(`\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b`)
	figures  = regexp.MustCompile(`[0-9][0-9,.:]*`)
	spans    = regexp.MustCompile(`(# (d|h|m|s|ms)\b ?)+`)
	bars     = regexp.MustCompile(`[▏▎▍▌▋▊▉█]+`)
	spaces   = regexp.MustCompile(`\s+`)
	ids      = regexp.MustCompile(`\b[0-9a-f]{24}\b`)
	datePath = regexp.MustCompile(`\d{4}/\d\d/\d\d`)
	compact  = regexp.MustCompile(`\d{8}T\d{6}Z`)
)

// outline is a line of output without what changes from run to run: times, numbers, bars.
func outline(line string) string {
	line = ids.ReplaceAllString(line, "ID")
	line = datePath.ReplaceAllString(line, "DAY")
	line = compact.ReplaceAllString(line, "TIME")
	line = months.ReplaceAllString(line, "Mon")
	line = figures.ReplaceAllString(line, "#")
	line = spans.ReplaceAllString(line, "SPAN ")
	line = bars.ReplaceAllString(line, "BAR")
	return strings.TrimSpace(spaces.ReplaceAllString(line, " "))
}

// TestTour does what the README's tour says, and holds its output against what the README
// shows, line by line but for times and numbers.
func TestTour(t *testing.T) {
	steps := tour(t)
	if len(steps) < 10 {
		t.Fatalf("the tour has only %d commands", len(steps))
	}
	folder := t.TempDir()
	build, ok := strings.CutPrefix(steps[0].command, "go build -o netskope-alerts ")
	if !ok {
		t.Fatalf("the tour begins with %q", steps[0].command)
	}
	made := exec.Command("go", "build", "-o", filepath.Join(folder, "netskope-alerts"), build)
	made.Dir = "../.."
	if out, err := made.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var script strings.Builder
	environment := ""
	quoted := func(command string) string { return "'" + strings.ReplaceAll(command, "'", "''") + "'" }
	for i, s := range steps[1:] {
		switch {
		case strings.Contains(s.command, "demo --keep"):
			fmt.Fprintf(&script, "exec sh -c %s &\nappears out/environment.sh\n",
				quoted("exec "+s.command+" >demo.log"))
			continue
		case strings.HasPrefix(s.command, ". "):
			environment = s.command + "; "
			continue
		}
		fmt.Fprintf(&script, "exec sh -c %s\n", quoted(environment+s.command+"; test $? -le 3"))
		if len(s.output) > 0 {
			fmt.Fprintf(&script, "shows step%d\n", i)
		}
	}
	script.WriteString("kill -INT\nwait\n")
	for i, s := range steps[1:] {
		fmt.Fprintf(&script, "-- step%d --\n%s\n", i, strings.Join(s.output, "\n"))
	}
	file := filepath.Join(folder, "tour.txtar")
	if err := os.WriteFile(file, []byte(script.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Files: []string{file},
		Setup: func(e *testscript.Env) error {
			return os.Symlink(filepath.Join(folder, "netskope-alerts"), filepath.Join(e.WorkDir, "netskope-alerts"))
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
			// shows FILE holds the output against a step of the README.
			"shows": func(ts *testscript.TestScript, _ bool, args []string) {
				got := map[string]bool{}
				for line := range strings.Lines(ts.ReadFile("stdout")) {
					got[outline(line)] = true
				}
				for line := range strings.Lines(ts.ReadFile(args[0])) {
					if !got[outline(line)] {
						ts.Fatalf("README.md shows\n%s(%s)\nwhich is not in the output", line, outline(line))
					}
				}
			},
		},
	})
}
