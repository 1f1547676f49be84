package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Exit statuses.
const (
	exitFailed = 1 // the work failed
	exitUsage  = 2 // the command line was not understood
	exitMore   = 3 // the work went well, and there is more to do, or something to see to
)

// streams are where a command reads its configuration and writes its output.
type streams struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	lookup         func(string) (string, bool)
}

// exitStatus is an error for which the command has said all there is to say.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// confirm asks on the terminal. Where nobody can answer, it refuses, and says that --yes
// answers for a script.
func (s streams) confirm(question string) error {
	if !isTerminal(s.stdin) {
		return errors.New("this needs an answer, and there is no terminal to ask on: add --yes")
	}
	fmt.Fprintf(s.stderr, "%s [y/N] ", question)
	answer, err := bufio.NewReader(s.stdin).ReadString('\n')
	if err != nil && answer == "" {
		return fmt.Errorf("read the answer: %w", err)
	}
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		return errors.New("not done")
	}
	return nil
}
