// Package cli is what all commands share: where they read and write, how they end, what of
// the collector they open, and how their flags and their JSON are written.
package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/internal/stream"
)

// Streams are where a command reads its configuration and writes its output.
type Streams struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Lookup         func(string) (string, bool)

	// Stream is the stream that a command for the same one has to name: that of --stream, or
	// one of several that are configured. Otherwise it is empty.
	Stream string

	// Configured are those of STREAMS, where that leaves out the one that --stream wants; otherwise none.
	Configured []stream.Stream

	judged bool // what there is to say of the variables has been said
}

// Confirm asks on the terminal. Where nobody can answer, it refuses, and says that --yes
// answers for a script. The end of the context is an answer, too: nothing was done.
func (s Streams) Confirm(ctx context.Context, question string) error {
	if !text.IsTerminal(s.Stdin) {
		return errors.New("this needs an answer, and there is no terminal to ask on: add --yes")
	}
	fmt.Fprintf(s.Stderr, "%s [y/N] ", question)
	type line struct {
		text string
		err  error
	}
	answers := make(chan line, 1)
	go func() { // it may be left behind, reading: nobody reads after it
		answer, err := bufio.NewReader(s.Stdin).ReadString('\n')
		answers <- line{answer, err}
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(s.Stderr)
		return &Interrupted{Done: "Nothing was done."}
	case answer := <-answers:
		if answer.err != nil && answer.text == "" {
			return fmt.Errorf("there was no answer (%w), so nothing was done: where nobody can give one, add --yes", answer.err)
		}
		if a := strings.ToLower(strings.TrimSpace(answer.text)); a != "y" && a != "yes" {
			return errors.New("not done")
		}
		return nil
	}
}

// OneOff says of a stream that --stream alone wants how to have every run collect it; it is empty for one of STREAMS.
func (s Streams) OneOff() string {
	if len(s.Configured) == 0 {
		return ""
	}
	now := stream.Names(s.Configured, ",")
	all := now + "," + s.Stream
	t := text.TerminalOf(s.Stderr, s.Lookup)
	return text.Wrapped(fmt.Sprintf("STREAMS, which is %s, leaves %s out: no run collects it unless --stream names it. "+
		"To have every run here collect it, too:", now, s.Stream), t.Width, 0) + "\n  export STREAMS=" + all + "\n" +
		text.Wrapped("and every run of the deployed function, with the other settings as they are:", t.Width, 0) +
		"\n  ./deploy.sh --streams " + all + "\n"
}
