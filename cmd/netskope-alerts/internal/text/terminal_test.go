package text

import (
	"bytes"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

func TestBar(t *testing.T) {
	for _, c := range []struct {
		n, largest int64
		width      int
		want       string
	}{
		{0, 10, 10, ""},
		{-1, 10, 10, ""},
		{3, 0, 10, ""},
		{10, 10, 10, "██████████"},
		{20, 10, 4, "████"},
		{5, 10, 10, "█████"},
		{1, 1_000_000, 10, "▏"},
		{1, 8, 1, "▏"}, {2, 8, 1, "▎"}, {3, 8, 1, "▍"}, {4, 8, 1, "▌"}, {5, 8, 1, "▋"}, {6, 8, 1, "▊"}, {7, 8, 1, "▉"},
		{8, 8, 1, "█"},
		{11, 16, 2, "█▍"},
		{9_000_000_000_000_000_000, 9_000_000_000_000_000_000, 3, "███"},
	} {
		if got := bar(c.n, c.largest, c.width); got != c.want {
			t.Errorf("bar(%d, %d, %d) = %q, want %q", c.n, c.largest, c.width, got, c.want)
		}
	}
}

func TestWrapped(t *testing.T) {
	for _, c := range []struct {
		text          string
		width, indent int
		want          string
	}{
		{"", 10, 2, ""},
		{"one two", 9, 2, "one two"},
		{"one two", 8, 2, "one\n  two"},
		{"a unbreakable b", 6, 1, "a\n unbreakable\n b"},
	} {
		if got := Wrapped(c.text, c.width, c.indent); got != c.want {
			t.Errorf("wrapped(%q, %d, %d) = %q, want %q", c.text, c.width, c.indent, got, c.want)
		}
	}
}

func TestWordsAreColoured(t *testing.T) {
	for v, code := range map[Verdict]string{Pass: "32", Warn: "33", Fail: "31", Gap: "31"} {
		if got, want := (Terminal{Colour: true}).Word(v), "\x1b["+code+"m"+Fit(string(v), 4)+"\x1b[0m"; got != want {
			t.Errorf("%s with colour: %q, want %q", v, got, want)
		}
		if got, want := (Terminal{}).Word(v), Fit(string(v), 4); got != want {
			t.Errorf("%s without colour: %q, want %q", v, got, want)
		}
	}
}

func TestNoTerminal(t *testing.T) {
	none := func(string) (string, bool) { return "", false }
	file, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, got := range []Terminal{TerminalOf(&bytes.Buffer{}, none), TerminalOf(file, none)} {
		if got.Colour || got.Width != 80 {
			t.Errorf("%T: colour %t, width %d", got.Writer, got.Colour, got.Width)
		}
	}
}

// TestTerminal gets a real terminal from the script(1) of util-linux, and runs itself in
// it.
func TestTerminal(t *testing.T) {
	if os.Getenv("IN_TERMINAL") != "" {
		got := TerminalOf(os.Stdout, os.LookupEnv)
		os.Stdout.WriteString("terminal: " + strconv.FormatBool(got.Colour) + " " + strconv.Itoa(got.Width) + "\n")
		return
	}
	script, err := exec.LookPath("script")
	if err != nil || runtime.GOOS != "linux" {
		t.Skipf("NOT TESTED: without the script(1) of util-linux there is no terminal to try: %v", err)
	}
	for _, c := range []struct {
		environment, want string
	}{
		{"TERM=xterm", "true 123"},
		{"TERM=xterm NO_COLOR=", "true 123"},
		{"TERM=xterm NO_COLOR=0", "false 123"},
		{"TERM=dumb", "false 123"},
	} {
		t.Run(c.environment, func(t *testing.T) {
			command := exec.Command(script, "-qec",
				"stty cols 123; env -u NO_COLOR IN_TERMINAL=1 "+c.environment+" "+os.Args[0]+
					" -test.run '^TestTerminal$'", "/dev/null")
			command.Env = append(os.Environ(), "SHELL=/bin/sh")
			output, err := command.CombinedOutput()
			if err != nil || !strings.Contains(string(output), "terminal: "+c.want) {
				t.Errorf("%v: want %s in:\n%s", err, c.want, output)
			}
		})
	}
}

// TestWrappedCommand: a command that is too wide is one for a shell, too.
func TestWrappedCommand(t *testing.T) {
	command := "printf %s- verify --since 2026-11-22T13:00:00Z --repair"
	for width := 20; width < 70; width++ {
		got := WrappedCommand(command, width, 4)
		for i, line := range strings.Split(got, "\n") {
			indent := 4
			if i > 0 {
				indent = 0
			}
			if n := Columns(line) + indent; n > width && n > 4+len("2026-11-22T13:00:00Z")+2 {
				t.Errorf("at %d columns: %q", width, line)
			}
		}
		if out, err := exec.Command("sh", "-c", got).Output(); err != nil ||
			string(out) != "verify---since-2026-11-22T13:00:00Z---repair-" {
			t.Errorf("at %d columns: %s, %v", width, out, err)
		}
	}
}

func TestRows(t *testing.T) {
	got := Terminal{Width: 20}.Rows([][2]string{{"a", "one two three four"}, {"longer", "x"}})
	if want := "a       one two\n        three four\nlonger  x\n"; got != want {
		t.Errorf("got\n%s", got)
	}
}
