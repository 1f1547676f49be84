package cli

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
)

func TestEnds(t *testing.T) {
	if got, want := (Ends{Well: "found", More: "not found"}).String(),
		"Exit status: 0 found, 3 not found, 1 failed, 2 wrong usage, 130 interrupted."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestEndsOfServers: to be stopped is how they end well.
func TestEndsOfServers(t *testing.T) {
	if got, want := (Ends{Serves: true}).String(),
		"Exit status: 0 stopped by Ctrl-C or SIGTERM, 1 failed, 2 wrong usage."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestCommandLine: a shell reads the arguments as they were.
func TestCommandLine(t *testing.T) {
	arguments := []string{"find", "it's", "a b", "", "$HOME", "*", "gs://b/o", "--since=2026-11-01T06:00:00Z"}
	line := strings.Replace(CommandLine(arguments...), "netskope-alerts", "printf '<%s>'", 1)
	out, err := exec.Command("sh", "-c", line).Output()
	if want := "<" + strings.Join(arguments, "><") + ">"; err != nil || string(out) != want {
		t.Errorf("%s: %s, %v, want %s", line, out, err, want)
	}
	if !strings.HasSuffix(line, " gs://b/o --since=2026-11-01T06:00:00Z") {
		t.Errorf("more is quoted than has to be: %s", line)
	}
}

func TestIfInterrupted(t *testing.T) {
	failed := errors.New("failed")
	over, cancel := context.WithCancel(t.Context())
	cancel()
	var stopped *Interrupted
	switch {
	case IfInterrupted(t.Context(), failed, "", "") != failed:
		t.Error("a failure is an interruption")
	case IfInterrupted(over, nil, "", "") != nil:
		t.Error("what went well is an interruption")
	case !errors.As(IfInterrupted(over, failed, "Delivered 3.", "netskope-alerts x"), &stopped):
		t.Error("an interruption is a failure")
	}
	if got := stopped.Message([]string{"y"}); got != "Interrupted. Delivered 3. Nothing is lost. To go on, type again:\n"+
		"  netskope-alerts x\n" {
		t.Error(got)
	}
}
