// Package gcloudstub stands in for the command gcloud where scripts that call it are
// tested: it does what a command does by asking the APIs of a [gcloudtest.Server], which
// holds the model of the project and its rules, records how it was called, and refuses
// commands and flags that it does not know. The real gcloud can be run against the same
// server; this one answers in milliseconds, can fail at any change, and needs no gcloud.
//
// Not modelled are gcloud's own checks of flags beyond their names, and what it uploads
// of a source: the archive is a mere sign that there was one.
package gcloudstub

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"

	"netskope-alerts.internal/collector/internal/standin/gcloudtest"
)

// Stub is a gcloud with a project. A test serves it with HTTP, and puts a program that
// calls [Main] on the script's PATH as gcloud, with the address in [Variable].
type Stub struct {
	API *gcloudtest.Server

	// LoggedOut is true if nobody is logged in.
	LoggedOut bool

	// Version is that of the Google Cloud SDK. Empty means "558.0.0", the first
	// whose functions have Direct VPC egress.
	Version string

	// Refuse makes commands fail with an error, before they do anything. Nil means that
	// none does.
	Refuse func(args []string) error

	mu        sync.Mutex
	calls     []Call
	failAt    int
	failAfter bool
}

// Call is one invocation.
type Call struct {
	Args     []string
	Mutating bool
	Stdin    string // of commands that read it
	// Environment holds the variables with TOKEN in their names that were passed on.
	Environment []string

	// Directory is where it was called.
	Directory string
}

// Calls are those since the last [Stub.Forget].
func (s *Stub) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Forget removes the record of calls.
func (s *Stub) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = nil
}

// Fail lets the n-th mutating call from now on fail, counted from 1: before it takes
// effect, or after it did. 0 lets none fail.
func (s *Stub) Fail(n int, after bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failAt, s.failAfter = n, after
}

// failure counts a mutating call and reports whether it is to fail before or after.
func (s *Stub) failure() (before, after bool) {
	if s.failAt == 0 {
		return false, false
	}
	s.failAt--
	return s.failAt == 0 && !s.failAfter, s.failAt == 0 && s.failAfter
}

// Variable names the stub's address to the program.
const Variable = "GCLOUD_STUB"

// answer is what a command prints, and why it failed.
type answer struct{ Out, Problem string }

// ServeHTTP carries out the call that [Main] sends. One at a time is enough for scripts.
func (s *Stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var c Call
	if err := json.NewDecoder(r.Body).Decode(&c); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var a answer
	out, err := s.run(&c)
	if a.Out = out; err != nil {
		a.Problem = fmt.Sprintf("(gcloud.%s) %v", strings.Join(words(c.Args), "."), err)
	}
	s.calls = append(s.calls, c)
	_ = json.NewEncoder(w).Encode(a)
}

// Main is gcloud as a program; it returns the exit status.
func Main() int {
	a, err := ask()
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "ERROR: the stand-in for gcloud:", err)
		return 3
	case a.Problem != "":
		fmt.Fprintln(os.Stderr, "ERROR:", a.Problem)
		return 1
	}
	fmt.Print(a.Out)
	return 0
}

func ask() (answer, error) {
	var a answer
	c := Call{Args: os.Args[1:], Environment: slices.DeleteFunc(os.Environ(), func(v string) bool {
		return !strings.Contains(v, "TOKEN")
	})}
	var err error
	if c.Directory, err = os.Getwd(); err != nil {
		return a, err
	}
	if slices.Contains(c.Args, "--data-file=-") {
		content, err := io.ReadAll(os.Stdin)
		if err != nil {
			return a, err
		}
		c.Stdin = string(content)
	}
	body, err := json.Marshal(c)
	if err != nil {
		return a, err
	}
	response, err := http.Post("http://"+os.Getenv(Variable), "application/json", strings.NewReader(string(body)))
	if err != nil {
		return a, err
	}
	return a, errors.Join(json.NewDecoder(response.Body).Decode(&a), response.Body.Close())
}

// Do carries out a command that no script gave, in the project, without recording it.
func (s *Stub) Do(stdin string, args ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.run(&Call{Args: append(args, "--project="+s.API.Project), Stdin: stdin})
	return err
}

func words(args []string) []string {
	for n, a := range args {
		if strings.HasPrefix(a, "-") {
			return args[:n]
		}
	}
	return args
}

// run finds the command with the longest name, checks its flags' names, and carries it
// out.
func (s *Stub) run(call *Call) (string, error) {
	for n := min(len(call.Args), 5); n > 0; n-- {
		c, ok := commands[strings.Join(call.Args[:n], " ")]
		if !ok {
			continue
		}
		i := &invocation{stub: s, call: call, flags: map[string]string{}}
		for _, a := range call.Args[n:] {
			if !strings.HasPrefix(a, "--") {
				i.args = append(i.args, a)
				continue
			}
			key, value, _ := strings.Cut(a, "=")
			if !slices.Contains(strings.Fields(c.flags+" --project --format --flatten"), key) {
				return "", fmt.Errorf("unrecognized arguments: %s", a)
			}
			i.flags[key] = value
		}
		if c.names != len(i.args) && c.names >= 0 {
			return "", fmt.Errorf("want %d names, got %q", c.names, i.args)
		}
		if !c.global && i.flag("--project") != s.API.Project {
			return "", fmt.Errorf("--project=%q is not %s", i.flag("--project"), s.API.Project)
		}
		call.Mutating = c.mutating
		return i.carryOut(c)
	}
	return "", fmt.Errorf("invalid choice: %q", call.Args)
}

func (i *invocation) carryOut(c command) (string, error) {
	before, after := false, false
	if c.mutating {
		before, after = i.stub.failure()
	}
	if before {
		return "", errors.New("PERMISSION_DENIED: injected failure, nothing was done")
	}
	if i.stub.Refuse != nil {
		if err := i.stub.Refuse(i.call.Args); err != nil {
			return "", err
		}
	}
	rows, err := c.do(i)
	if err != nil {
		return "", err
	}
	if after {
		return "", errors.New("UNAVAILABLE: injected failure, the answer was lost")
	}
	return format(rows, i.flag("--flatten"), i.flag("--format"))
}
