package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// mute is a service that takes every request, and answers none.
type mute struct {
	*httptest.Server
	asked chan string
}

func newMute(t *testing.T) *mute {
	m := &mute{asked: make(chan string, 100)}
	over := make(chan bool)
	m.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case m.asked <- r.URL.Path:
		default:
		}
		select {
		case <-r.Context().Done():
		case <-over:
		}
	}))
	t.Cleanup(func() {
		close(over)
		m.CloseClientConnections()
		m.Close()
	})
	return m
}

func host(s *httptest.Server) string { return strings.TrimPrefix(s.URL, "http://") }

// linked is this test binary under the name by which it is the command: see TestMain. It is no
// symbolic link, because the demo starts its own program under its real name.
func linked(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "netskope-alerts")
	if os.Link(self, name) == nil {
		return name
	}
	program, err := os.ReadFile(self) // on another file system
	if err == nil {
		err = os.WriteFile(name, program, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// started is the command in an environment of nothing else.
func started(t *testing.T, environment []string, arguments ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second) // or it hangs
	t.Cleanup(cancel)
	command := exec.CommandContext(ctx, linked(t), arguments...)
	command.Env = append([]string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}, environment...)
	command.Dir = t.TempDir()
	return command
}

// ends holds how an interrupted command ended against what is promised.
func ends(t *testing.T, command *exec.Cmd, stderr string, err error, again string) {
	t.Helper()
	if status := command.ProcessState.ExitCode(); status != 130 {
		t.Errorf("it ended with %d, %v, not 130:\n%s", status, err, stderr)
	}
	for _, want := range []string{"Interrupted.", "Nothing is lost. To go on, type again:\n  netskope-alerts " + again} {
		if !strings.Contains(stderr, want) {
			t.Errorf("no %q in:\n%s", want, stderr)
		}
	}
	if strings.Contains(stderr, "context canceled") || strings.Contains(stderr, "right-token") {
		t.Errorf("it says\n%s", stderr)
	}
}

// TestInterrupted sends a signal to every command while it waits for a service that does not
// answer.
func TestInterrupted(t *testing.T) {
	for i, test := range []struct {
		command string
		of      string // the service that is mute
		again   string // how the command begins that goes on; the same by default
	}{
		{"status", "storage", ""},
		{"find nobody", "storage", ""},
		{"state show", "storage", ""},
		{"state history", "storage", ""},
		{"state set --through 3h --yes", "storage", ""},
		{"collect", "storage", ""},
		{"collect", "tenant", ""},
		{"verify", "storage", ""},
		{"verify --repair", "storage", ""},
		{"backfill --from 3h --to 2h --yes", "storage", ""},
		{"backfill --from 3h --to 2h --yes", "tenant", "backfill --from 20"},
		{"backfill --from 3h --to 2h --yes --publish --topic projects/p/topics/t", "topic", ""},
		{"backfill --stream page --from 3h --to 2h --yes", "tenant", "backfill --from 20"},
		{"collect --stream page", "tenant", ""},
		{"check", "storage", ""},
		{"check", "tenant", ""},
		{"lint gs://alerts/netskope/alerts/", "storage", ""},
		{"udm gs://alerts/netskope/alerts/", "storage", ""},
	} {
		signal := os.Signal(syscall.SIGINT)
		if i%2 == 1 {
			signal = syscall.SIGTERM
		}
		t.Run(test.command+" without "+test.of, func(t *testing.T) {
			t.Parallel()
			m := newMute(t)
			storage := httptest.NewServer(&gcstest.Server{Buckets: []string{"alerts"}})
			t.Cleanup(storage.Close)
			tenant := httptest.NewServer(&netskopetest.Server{Token: "right-token"})
			t.Cleanup(tenant.Close)
			environment := map[string]string{"STORAGE_EMULATOR_HOST": host(storage), "NETSKOPE_TENANT": tenant.URL,
				"PUBSUB_EMULATOR_HOST": "", "GCS_BUCKET": "alerts", "NETSKOPE_API_TOKEN": "right-token"}
			switch test.of {
			case "storage":
				environment["STORAGE_EMULATOR_HOST"] = host(m.Server)
			case "tenant":
				environment["NETSKOPE_TENANT"] = m.URL
			case "topic":
				environment["PUBSUB_EMULATOR_HOST"] = host(m.Server)
			}
			var pairs []string
			for name, value := range environment {
				pairs = append(pairs, name+"="+value)
			}
			command := started(t, pairs, strings.Fields(test.command)...)
			var stderr strings.Builder
			command.Stderr = &stderr
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			<-m.asked
			if err := command.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			err := command.Wait()
			again := test.again
			if again == "" {
				again = test.command
			}
			ends(t, command, stderr.String(), err, again)
			if strings.Contains(test.command, "--stream page") && !strings.Contains(stderr.String(), " --stream page") {
				t.Errorf("the command that goes on is of another stream:\n%s", stderr.String())
			}
		})
	}
}

// TestServersEnd: what serves until it is stopped ends well.
func TestServersEnd(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	listener.Close()
	environment := []string{"GCS_BUCKET=alerts", "NETSKOPE_TENANT=https://acme.goskope.com",
		"NETSKOPE_API_TOKEN=right-token", "STORAGE_EMULATOR_HOST=127.0.0.1:" + port}
	for _, test := range []struct{ arguments, sign string }{
		{"storage --port " + port, "until you press Ctrl-C"},
		{"serve --port " + port, `30="}}'`},
		{"demo --alerts 200 --keep --out kept", "  export GCS_BUCKET"},
		{"console", "Press Ctrl-C"},
	} {
		for _, signal := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
			t.Run(test.arguments, func(t *testing.T) {
				command := started(t, environment, strings.Fields(test.arguments)...)
				read, write, err := os.Pipe()
				if err != nil {
					t.Fatal(err)
				}
				command.Stdout, command.Stderr = write, write
				if err := command.Start(); err != nil {
					t.Fatal(err)
				}
				write.Close()
				seen := await(t, read, test.sign)
				for line := range strings.Lines(seen) {
					if wide(line) {
						t.Errorf("wider than 80 columns: %s", line)
					}
				}
				if err := command.Process.Signal(signal); err != nil {
					t.Fatal(err)
				}
				go io.Copy(io.Discard, read)
				if err := command.Wait(); err != nil {
					t.Errorf("%v\n%s", err, seen)
				}
			})
		}
	}
}

// await reads up to a sign, and returns what it read.
func await(t *testing.T, from io.Reader, sign string) string {
	t.Helper()
	in := bufio.NewReader(from)
	var seen strings.Builder
	for !strings.Contains(seen.String(), sign) {
		b, err := in.ReadByte()
		if err != nil {
			t.Fatalf("%v before %q:\n%s", err, sign, seen.String())
		}
		seen.WriteByte(b)
	}
	return seen.String()
}

// TestInterruptedAtAQuestion presses Ctrl-C, and sends SIGTERM, where somebody is asked on a real
// terminal, and finds that the next line goes to the shell.
func TestInterruptedAtAQuestion(t *testing.T) {
	for _, test := range []struct{ command, question string }{
		{"backfill --from 3h --to 2h", "Collect it? [y/N]"},
		{"state set --through 3h", "Move it? [y/N]"},
	} {
		for _, how := range []string{"Ctrl-C", "SIGTERM"} {
			t.Run(test.command+" "+how, func(t *testing.T) {
				cloud := &gcstest.Server{Buckets: []string{"alerts"}}
				storage := httptest.NewServer(cloud)
				defer storage.Close()
				command := started(t, []string{"STORAGE_EMULATOR_HOST=" + host(storage), "GCS_BUCKET=alerts",
					"NETSKOPE_TENANT=https://acme.goskope.com", "NETSKOPE_API_TOKEN=right-token"}, strings.Fields(test.command)...)
				keyboard := onTerminal(t, command)
				seen := await(t, keyboard, test.question)
				if how == "Ctrl-C" {
					if _, err := keyboard.Write([]byte{3}); err != nil {
						t.Fatal(err)
					}
				} else if err := command.Process.Signal(syscall.SIGTERM); err != nil {
					t.Fatal(err)
				}
				seen += rest(keyboard)
				err := command.Wait()
				ends(t, command, strings.ReplaceAll(seen, "\r", ""), err, test.command)
				if !strings.Contains(seen, "Nothing was done.") || len(cloud.Objects("alerts", "")) > 0 {
					t.Errorf("it says\n%s\nand the bucket has %v", seen, cloud.Objects("alerts", ""))
				}
			})
		}
	}
}

// TestWaitingIsSaid: after two seconds a person is told what is being waited for.
func TestWaitingIsSaid(t *testing.T) {
	m := newMute(t)
	storage := httptest.NewServer(&gcstest.Server{Buckets: []string{"alerts"}})
	defer storage.Close()
	for name, want := range map[string]string{
		"STORAGE_EMULATOR_HOST=" + host(m.Server): "waiting for Cloud Storage, gs://alerts, which STORAGE_EMULATOR_HOST has at " + host(m.Server),
		"NETSKOPE_TENANT=" + m.URL:                "waiting for the tenant, " + m.URL,
	} {
		t.Run(want, func(t *testing.T) {
			command := started(t, []string{"STORAGE_EMULATOR_HOST=" + host(storage), "GCS_BUCKET=alerts",
				"NETSKOPE_TENANT=https://acme.goskope.com", "NETSKOPE_API_TOKEN=right-token", name}, "collect")
			keyboard := onTerminal(t, command)
			seen := await(t, keyboard, want)
			if _, err := keyboard.Write([]byte{3}); err != nil {
				t.Fatal(err)
			}
			seen += rest(keyboard)
			err := command.Wait()
			ends(t, command, strings.ReplaceAll(seen, "\r", ""), err, "collect")
		})
	}
}

// rest is what else a terminal shows; a terminal that nobody holds any more ends with an error.
func rest(terminal io.Reader) string {
	content, _ := io.ReadAll(terminal)
	return string(content)
}

// onTerminal starts the command as the foreground of a terminal of its own, and returns the
// terminal's other end.
func onTerminal(t *testing.T, command *exec.Cmd) *os.File {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("NOT TESTED: how to make a terminal is known for Linux only")
	}
	keyboard, screen, err := openTerminal()
	if err != nil {
		t.Skipf("NOT TESTED: there is no terminal to try: %v", err)
	}
	command.Stdin, command.Stdout, command.Stderr = screen, screen, screen
	command.SysProcAttr = foreground()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	screen.Close()
	var once sync.Once
	t.Cleanup(func() { once.Do(func() { keyboard.Close() }) })
	return keyboard
}
