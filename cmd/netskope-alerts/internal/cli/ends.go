package cli

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Exit statuses.
const (
	ExitWell        = 0
	ExitFailed      = 1   // the work failed
	ExitUsage       = 2   // the command line was not understood
	ExitMore        = 3   // the work went well, and there is more to do, or something to see to
	ExitInterrupted = 130 // by Ctrl-C or SIGTERM, with work left to do; shells have it so for the former
)

// Ends are what a command's exit statuses mean, for its help.
type Ends struct {
	Well   string // 0
	More   string // 3; empty if it never ends so
	Failed string // 1; "failed" if empty
	Serves bool   // it works until it is stopped, which is then no interruption: 0 says so
}

// Stopped is what the exit status 0 means of a command that serves until somebody stops it.
const Stopped = "stopped by Ctrl-C or SIGTERM"

func (e Ends) String() string {
	if e.Serves {
		e.Well = Stopped
	}
	text := fmt.Sprintf("Exit status: %d %s", ExitWell, e.Well)
	if e.More != "" {
		text += fmt.Sprintf(", %d %s", ExitMore, e.More)
	}
	if e.Failed == "" {
		e.Failed = "failed"
	}
	text += fmt.Sprintf(", %d %s, %d wrong usage", ExitFailed, e.Failed, ExitUsage)
	if !e.Serves {
		text += fmt.Sprintf(", %d interrupted", ExitInterrupted)
	}
	return text + "."
}

// ExitStatus is an error for which the command has said all there is to say.
type ExitStatus int

func (e ExitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// Usage is the error of a command line that was read, but cannot be meant, or not without what it leaves out.
// What can be judged by the flags alone has a method Validate, which the parser calls before any work.
type Usage string

func (e Usage) Error() string { return string(e) }

// Interrupted is the error of a command that was told to stop. Wherever that was, nothing is
// lost, and the same command goes on.
type Interrupted struct {
	Done  string // what is done, in a sentence; may be empty
	Again string // the command that goes on; empty if it is the same, word for word
}

func (e *Interrupted) Error() string { return "interrupted" }

// Message says what is done, and how to go on. arguments are those of the command line.
func (e *Interrupted) Message(arguments []string) string {
	again := e.Again
	if again == "" {
		again = CommandLine(arguments...)
	}
	done := e.Done
	if done != "" {
		done = " " + done
	}
	return fmt.Sprintf("Interrupted.%s Nothing is lost. To go on, type again:\n  %s\n", done, again)
}

// IfInterrupted is the error of a command that has worked in the context: where that was ended,
// whatever failed of it is an interruption, with what is done so far.
func IfInterrupted(ctx context.Context, err error, done, again string) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	return &Interrupted{Done: done, Again: again}
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// CommandOf is as [CommandLine], for the stream, if that is not empty.
func CommandOf(stream string, arguments ...string) string {
	if stream != "" {
		arguments = append(slices.Clip(arguments), "--stream", stream)
	}
	return CommandLine(arguments...)
}

// CommandLine is the command of this program with the arguments, as a shell takes it.
func CommandLine(arguments ...string) string {
	words := []string{"netskope-alerts"}
	for _, word := range arguments {
		if !plainWord.MatchString(word) {
			word = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}
