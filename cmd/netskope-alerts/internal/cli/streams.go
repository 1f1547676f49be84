// Package cli is what all commands share: where they read and write, how they end, what of
// the collector they open, and how their flags and their JSON are written.
package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
)

// Exit statuses.
const (
	ExitFailed = 1 // the work failed
	ExitUsage  = 2 // the command line was not understood
	ExitMore   = 3 // the work went well, and there is more to do, or something to see to
	// ExitInterrupted is what a shell makes of an interrupt: 128 and SIGINT's number.
	ExitInterrupted = 130
)

// Streams are where a command reads its configuration and writes its output.
type Streams struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Lookup         func(string) (string, bool)
}

// ExitStatus is an error for which the command has said all there is to say.
type ExitStatus int

func (e ExitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// Confirm asks on the terminal. Where nobody can answer, it refuses, and says that --yes
// answers for a script.
func (s Streams) Confirm(question string) error {
	if !text.IsTerminal(s.Stdin) {
		return errors.New("this needs an answer, and there is no terminal to ask on: add --yes")
	}
	fmt.Fprintf(s.Stderr, "%s [y/N] ", question)
	answer, err := bufio.NewReader(s.Stdin).ReadString('\n')
	if err != nil && answer == "" {
		return fmt.Errorf("read the answer: %w", err)
	}
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		return errors.New("not done")
	}
	return nil
}
