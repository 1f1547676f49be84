// Package deploy holds the tests of deploy.sh. They run the script as it is, with a
// stand-in for gcloud that keeps a model of the project, and no other program on the
// PATH than those that the script says it needs.
package deploy

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/standin/gcloudtest"
	"netskope-alerts.internal/collector/internal/standin/gcloudtest/gcloudstub"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	token   = "tok-0123456789-SECRET-abcdef"
	ourMark = "netskope-alerts-collector"
)

// programs is all that deploy.sh needs besides gcloud and, for one command, curl.
var programs = []string{
	"bash", "awk", "basename", "cat", "cut", "dirname", "grep", "mktemp",
	"rm", "sed", "sha256sum", "sleep", "sort", "tail", "tr",
}

// toolbox is a directory with the programs.
var toolbox string

// source is a copy of the repository as far as deploy.sh reads it, so that its hash
// stands still while somebody works on the original. It is made by the first test, not
// before: go test looks for changes only in files that a test has opened.
var source = sync.OnceValues(func() (string, error) {
	path := filepath.Join(toolbox, "source")
	return path, copySource(path)
})

// TestMain is also the stand-in: the test binary under the name gcloud.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "gcloud" {
		os.Exit(gcloudstub.Main())
	}
	flag.Parse()
	dir, err := os.MkdirTemp("", "toolbox")
	if err != nil {
		panic(err)
	}
	for _, program := range programs {
		path, err := exec.LookPath(program)
		if err != nil {
			println("deploy.sh cannot be tested: " + err.Error())
			os.Exit(1)
		}
		if err := os.Symlink(path, filepath.Join(dir, program)); err != nil {
			panic(err)
		}
	}
	toolbox = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func copySource(to string) error {
	for _, pattern := range []string{
		"../*.go", "../go.mod", "../go.sum", "../.gcloudignore", "../deploy.sh", "*.sh", "monitoring/*",
		"monitoring/*/*",
	} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		for _, name := range names {
			content, err := os.ReadFile(name)
			if err != nil {
				continue // a directory
			}
			path := filepath.Join(to, "deploy", name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				return err
			}
			if err := os.WriteFile(path, content, 0o700); err != nil {
				return err
			}
		}
	}
	return nil
}

// world is one project, and the machine that deploy.sh is run on.
type world struct {
	t           *testing.T
	api         *gcloudtest.Server // the project
	stub        *gcloudstub.Stub   // gcloud in front of it
	address     string             // of the stub
	tick        map[string]any     // the record that a run leads to, without its event
	others      []map[string]any   // those of other streams
	dir         string
	bin         string
	environment []string
	stdin       string
	noGcloud    bool
	ownSource   string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, dir: dir, bin: filepath.Join(dir, "bin")}
	w.api = &gcloudtest.Server{
		Project: "my-project", Account: "someone@example.com", Runtimes: []string{"go125", "go126", "python312"},
		Now: func() time.Time { return time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC) },
		Invoke: func(in gcloudtest.Invocation) []gcloudtest.Entry {
			if w.tick == nil {
				return nil
			}
			var entries []gcloudtest.Entry
			for _, said := range append([]map[string]any{w.tick}, w.others...) {
				record := map[string]any{"event": in.Message.ID}
				maps.Copy(record, said)
				entries = append(entries, gcloudtest.Entry{Severity: "INFO", Record: record})
			}
			return entries
		},
	}
	w.stub = &gcloudstub.Stub{API: w.api}
	server := httptest.NewServer(w.stub)
	t.Cleanup(server.Close)
	w.address = server.Listener.Addr().String()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w.must(os.Mkdir(w.bin, 0o700))
	w.must(os.Symlink(executable, filepath.Join(w.bin, "gcloud")))
	w.must(os.WriteFile(filepath.Join(dir, "token"), []byte("\n "+token+" \r\n"), 0o600))
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// gcloud runs a command that is not deploy.sh's, with the token on standard input. A word
// is what stands between two spaces.
func (w *world) gcloud(command ...string) {
	w.t.Helper()
	w.must(w.stub.Do(token, strings.Fields(strings.Join(command, " "))...))
}

// enable has the project offer what deploy.sh takes for enabled unless it deploys.
func (w *world) enable(apis ...string) {
	for _, api := range apis {
		w.api.Add("services", api+".googleapis.com", nil)
	}
}

// resources holds the project and all that is in it, by kind and short name ("topics/t"),
// but for what is enabled.
func (w *world) resources() map[string]map[string]any {
	w.t.Helper()
	var kinds map[string]map[string]map[string]any
	w.must(json.Unmarshal([]byte(w.api.Model()), &kinds))
	all := map[string]map[string]any{}
	for kind, named := range kinds {
		for name, fields := range named {
			if kind != "services" {
				_, short, _ := strings.Cut(name, "/"+strings.Replace(kind, "runS", "s", 1)+"/")
				all[kind+"/"+cmp.Or(short, name)] = fields
			}
		}
	}
	return all
}

func (w *world) names() []string { w.t.Helper(); return slices.Sorted(maps.Keys(w.resources())) }

// variables are those that the function was given.
func (w *world) variables() map[string]any {
	w.t.Helper()
	config, _ := w.resources()["functions/"+ourMark]["serviceConfig"].(map[string]any)
	variables, _ := config["environmentVariables"].(map[string]any)
	return variables
}

// granted lists who holds what, as "kind/name role member condition's title", but for what
// comes with a bucket and a project.
func (w *world) granted() []string {
	w.t.Helper()
	list := []string{}
	for name, fields := range w.resources() {
		policy, _ := fields["policy"].(map[string]any)
		for role, members := range policy {
			role, text, conditional := strings.Cut(role, " if ")
			var condition struct{ Title string }
			if conditional {
				w.must(json.Unmarshal([]byte(text), &condition))
			}
			for _, member := range members.([]any) {
				if !strings.HasPrefix(member.(string), "project") && role != "roles/owner" {
					line := fmt.Sprintf("%s %s %s %s", name, role, member, condition.Title)
					list = append(list, strings.TrimSpace(line))
				}
			}
		}
	}
	slices.Sort(list)
	return list
}

// source is the directory of deploy.sh: the shared copy, unless the test made its own.
func (w *world) source() string {
	w.t.Helper()
	if w.ownSource != "" {
		return w.ownSource
	}
	path, err := source()
	w.must(err)
	return path
}

func (w *world) tokenFile() string { return filepath.Join(w.dir, "token") }

// settings are those of a complete deployment, to be followed by others that overrule.
func (w *world) settings(more ...string) []string {
	return append([]string{
		"--project-id", "my-project", "--gcs-bucket", "my-alerts",
		"--netskope-tenant=https://acme.goskope.com", "--token-file", w.tokenFile(),
	}, more...)
}

type result struct {
	out, err string
	code     int
	calls    []gcloudstub.Call
}

// run runs deploy.sh and returns what it printed and called.
func (w *world) run(args ...string) result {
	w.t.Helper()
	w.stub.Forget()
	script := filepath.Join(w.source(), "deploy.sh")
	c := exec.Command(filepath.Join(toolbox, "bash"), append([]string{script}, args...)...)
	path := w.bin + ":" + toolbox
	if w.noGcloud {
		path = toolbox
	}
	c.Env = append([]string{
		"PATH=" + path, "HOME=" + w.dir, "TMPDIR=" + w.dir, gcloudstub.Variable + "=" + w.address,
		// The race detector would have every call of the stand-in sleep a second at its end.
		"GORACE=atexit_sleep_ms=0",
		"SETTLE_SECONDS=0", "POLL_SECONDS=0", "RUN_SECONDS=0",
		"TODAY=2026-11-23",
	}, w.environment...)
	c.Stdin = strings.NewReader(w.stdin)
	var out, problems bytes.Buffer
	c.Stdout, c.Stderr = &out, &problems
	var exit *exec.ExitError
	if err := c.Run(); err != nil && !errors.As(err, &exit) {
		w.t.Fatal(err)
	}
	r := result{out: out.String(), err: problems.String(), code: c.ProcessState.ExitCode(), calls: w.stub.Calls()}
	w.keepsToken(r)
	return r
}

// keepsToken fails if the token is where others can read it.
func (w *world) keepsToken(r result) {
	w.t.Helper()
	if strings.Contains(r.out+r.err, token) {
		w.t.Errorf("the token is printed:\n%s%s", r.out, r.err)
	}
	for _, c := range r.calls {
		if strings.Contains(strings.Join(slices.Concat(c.Args, c.Environment), " "), token) {
			w.t.Errorf("the token is an argument or a variable of gcloud: %q %q", c.Args, c.Environment)
		}
	}
}

// succeed runs deploy.sh and fails the test where that fails.
func (w *world) succeed(args ...string) result {
	w.t.Helper()
	r := w.run(args...)
	if r.code != 0 {
		w.t.Fatalf("deploy.sh %q: status %d\n%s%s", args, r.code, r.out, r.err)
	}
	return r
}

// mutating are the changes that were asked for, one line each.
func (r result) mutating() []string {
	var lines []string
	for _, c := range r.calls {
		if c.Mutating {
			lines = append(lines, strings.Join(c.Args, " "))
		}
	}
	return lines
}

// golden compares with testdata/name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		const again = "go test ./deploy/... -update writes it anew"
		t.Errorf("differs from %s (%s):\n%s", path, again, difference(string(want), got))
	}
}

// difference shows the first lines that differ.
func difference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(a), len(b)) {
		x, y := "(end)", "(end)"
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return "- " + x + "\n+ " + y
		}
	}
	return ""
}

// script runs text with bash in the source directory, and returns what it printed.
func (w *world) script(text string) string {
	w.t.Helper()
	c := exec.Command(filepath.Join(toolbox, "bash"), "-euo", "pipefail", "-c", text)
	c.Dir = w.source()
	c.Env = []string{
		"PATH=" + w.bin + ":" + toolbox, "HOME=" + w.dir, "TMPDIR=" + w.dir, gcloudstub.Variable + "=" + w.address,
		"GORACE=atexit_sleep_ms=0",
	}
	out, err := c.CombinedOutput()
	if err != nil {
		w.t.Fatalf("%v\n%s\n%s", err, out, text)
	}
	return string(out)
}
