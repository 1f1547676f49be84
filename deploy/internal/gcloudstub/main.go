package gcloudstub

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// Main is the stand-in as a program; it returns the exit status.
func Main() int {
	d := Directory(os.Getenv(Variable))
	if d == "" {
		fmt.Fprintln(os.Stderr, "ERROR: the stand-in for gcloud has no", Variable)
		return 3
	}
	p, err := d.Get()
	if err != nil {
		fmt.Fprintln(os.Stderr, "ERROR:", err)
		return 3
	}
	call := Call{Args: os.Args[1:], Environment: slices.DeleteFunc(os.Environ(), func(v string) bool {
		return !strings.Contains(v, "TOKEN")
	})}
	out, err := p.run(d, &call)
	call.Failed = err != nil
	if recorded := d.record(call); recorded != nil {
		err = errors.Join(err, recorded)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "ERROR: (gcloud.%s) %v\n", strings.Join(words(os.Args[1:]), "."), err)
		return 1
	}
	fmt.Print(out)
	return 0
}

// invocation is one command with its names and flags.
type invocation struct {
	p     *Project
	args  []string // positional
	flags map[string]string
	stdin string
}

// flag's value, or "".
func (i *invocation) flag(name string) string { return i.flags[name] }

func words(args []string) []string {
	var w []string
	for _, a := range args {
		if strings.HasPrefix(a, "-") {
			break
		}
		w = append(w, a)
	}
	return w
}

// run finds the command with the longest name, checks its flags' names, and carries it
// out: on the model, which is stored only where the command succeeds.
func (p *Project) run(d Directory, call *Call) (string, error) {
	for n := min(len(call.Args), 5); n > 0; n-- {
		name := strings.Join(call.Args[:n], " ")
		c, ok := commands[name]
		if !ok {
			continue
		}
		i := &invocation{p: p, flags: map[string]string{}}
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
		if c.positional != len(i.args) && c.positional >= 0 {
			return "", fmt.Errorf("want %d names, got %q", c.positional, i.args)
		}
		if c.scoped && i.flag("--project") != p.ID {
			return "", fmt.Errorf("--project=%q is not %s", i.flag("--project"), p.ID)
		}
		call.Mutating = c.mutating
		if c.stdin {
			content, err := io.ReadAll(os.Stdin)
			if err != nil {
				return "", err
			}
			i.stdin, call.Stdin = string(content), string(content)
		}
		before, after := false, false
		if c.mutating {
			before, after = d.failure()
		}
		if before {
			return "", errors.New("PERMISSION_DENIED: injected failure, nothing was done")
		}
		answer, err := c.do(i)
		if err != nil {
			return "", errors.Join(err, d.Put(p)) // a refusal may be counted
		}
		if c.mutating {
			if err := d.Put(p); err != nil {
				return "", err
			}
		}
		if after {
			return "", errors.New("UNAVAILABLE: injected failure, the answer was lost")
		}
		return format(answer, i.flag("--flatten"), i.flag("--format"))
	}
	return "", fmt.Errorf("invalid choice: %q", call.Args)
}
