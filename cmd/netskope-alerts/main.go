// Command netskope-alerts runs the collector on this machine: against the real
// services (collect, serve), or against stand-ins, to see it work (demo, storage). To its
// operators it says how the deployed one is (check, status, console, verify, find), and lets them move it
// (backfill, state).
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/console"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/demo"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/lint"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/operate"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/preview"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/status"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
)

type commands struct {
	Demo    demo.Command    `cmd:"" help:"See it work: a simulated tenant and bucket, the real function, no account."`
	Check   operate.Check   `cmd:"" help:"Say what is wrong with configuration, tenant, bucket and state, and what to do."`
	Collect operate.Collect `cmd:"" help:"Run once now, with the configuration from the environment."`
	Serve   operate.Serve   `cmd:"" help:"Serve the function over HTTP, as Cloud Run does."`
	Storage demo.Storage    `cmd:"" help:"Serve a Cloud Storage on loopback, for trials without an account."`

	Status   status.Command   `cmd:"" help:"Say how far the collector has come, and what it delivered."`
	Console  console.Command  `cmd:"" help:"Show all that on a live page on this machine, and what became of each alert."`
	Verify   operate.Verify   `cmd:"" help:"Audit what was delivered against what the tenant has; repair gaps."`
	Backfill operate.Backfill `cmd:"" help:"Collect a past span beside the live collector."`
	State    operate.State    `cmd:"" help:"Show or move how far the collector has come."`
	Find     operate.Find     `cmd:"" help:"Say where an alert was delivered."`
	UDM      preview.Command  `cmd:"" name:"udm" help:"Preview which UDM event Google SecOps makes of each alert."`
	Lint     lint.Command     `cmd:"" help:"Hold objects against what a SecOps feed needs."`

	Stream  cli.StreamName   `placeholder:"NAME" help:"This stream alone, whatever STREAMS says."`
	Version versionCommand   `cmd:"" help:"Print the version, the commit and what built it."`
	Short   kong.VersionFlag `name:"version" help:"Print the version alone."`
}

const about = "Collects Netskope alerts into a Cloud Storage bucket, every one exactly once.\n\n" +
	`Start with "netskope-alerts demo". ` +
	"For the real thing, set at least GCS_BUCKET, NETSKOPE_TENANT and NETSKOPE_API_TOKEN, " +
	`and type "netskope-alerts collect"; docs/settings.md lists all variables.`

// grace is how long a command that was told to stop may take to say what is done. Whatever it is
// at, it may be cut off: that is as a run that dies.
const grace = 2 * time.Second

// turn is how a command goes through the streams: those that look at what the function did for each
// take one after the other; what collects or moves something nobody asked for is refused.
func (c *commands) turn(command string) cli.Turn {
	t := cli.Turn{Only: string(c.Stream), Judge: cli.Streams.JudgeToLook}
	switch command {
	case "backfill":
		t.One, t.Judge = "a span of one stream can be collected at a time", cli.Streams.Judge
	case "state history":
		t.JSON = c.State.History.JSON
	case "status":
		t.JSON = c.Status.JSON
		if c.Status.HTML != "" {
			t.One = "the page for --html is of one stream"
		}
	case "verify":
		t.JSON, t.Judge = c.Verify.JSON, cli.Streams.Judge
	case "state show":
		t.JSON = c.State.Show.JSON
	case "state set":
		t.One = "the state of one stream can be moved at a time"
	case "find":
		t.JSON, t.Any = c.Find.JSON, true
	default: // it has all of them at once, or none
		t.All = true
	}
	return t
}

func main() {
	s := cli.Streams{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Lookup: os.LookupEnv}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, stop := context.WithCancel(s.WatchStorage(context.Background()))
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, os.Args[1:], s) }()
	select {
	case status := <-ended:
		os.Exit(status)
	case <-signals:
		stop()
	}
	select {
	case status := <-ended:
		os.Exit(status)
	case <-signals: // again
	case <-time.After(grace):
	}
	fmt.Fprint(os.Stderr, "\n"+(&cli.Interrupted{}).Message(os.Args[1:]))
	os.Exit(cli.ExitInterrupted)
}

// run returns the exit status, except for --help and --version, which exit by themselves.
func run(ctx context.Context, arguments []string, s cli.Streams) int {
	c := &commands{}
	parser, err := kong.New(c, kong.Name("netskope-alerts"), kong.Description(about),
		kong.Vars{"version": cli.Version}, kong.Writers(s.Stdout, s.Stderr),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(s))
	if err != nil {
		panic(err) // the commands' own tags are wrong
	}
	chosen, err := parser.Parse(arguments)
	if err != nil {
		fmt.Fprint(s.Stderr, misunderstood(commandOf(err), err))
		return cli.ExitUsage
	}
	command := nameOf(chosen)
	err = s.Each(ctx, c.turn(command), func(s cli.Streams) error { return chosen.Run(s) })
	var quiet cli.ExitStatus
	var stopped *cli.Interrupted
	var usage cli.Usage
	if err != nil && ctx.Err() != nil && !errors.As(err, &stopped) {
		err = &cli.Interrupted{}
	}
	switch {
	case errors.As(err, &stopped):
		fmt.Fprint(s.Stderr, stopped.Message(arguments))
		return cli.ExitInterrupted
	case errors.As(err, &usage):
		fmt.Fprint(s.Stderr, misunderstood(command, err))
		return cli.ExitUsage
	case errors.As(err, &quiet):
		return int(quiet)
	case err != nil:
		// An error may quote what a service said: no terminal is to act upon that.
		fmt.Fprintf(s.Stderr, "netskope-alerts %s: %s\n", command, text.Visible([]byte(err.Error())))
		if hint := s.Hint(err, arguments); hint != "" {
			fmt.Fprintf(s.Stderr, "→ %s\n", hint)
		}
		return cli.ExitFailed
	}
	return cli.ExitWell
}

// commandOf is the name of the command whose line was not understood, as far as there is one.
func commandOf(err error) string {
	var parse *kong.ParseError
	if !errors.As(err, &parse) {
		return ""
	}
	return nameOf(parse.Context)
}

// parsersWords are in ours. To the parser the end of the line is a value.
var parsersWords = strings.NewReplacer(
	`expected string value but got "EOL" (<EOL>)`, "a value has to follow",
	`expected value value but got "EOL" (<EOL>)`, "a value has to follow",
	"expected string value but got", "want a value, not",
	"expected value value but got", "want a value, not")

// misunderstood says what is wrong with the command line, and whose help to look at.
func misunderstood(command string, err error) string {
	name := strings.TrimSpace("netskope-alerts " + command)
	said := parsersWords.Replace(strings.TrimPrefix(err.Error(), command+": ")) // so the parser begins what Validate says
	return fmt.Sprintf("%s: %s\ntype \"%s --help\" to see what there is\n", name, said, name)
}

// nameOf is the command's, as it is typed, without its arguments; empty if there is none.
func nameOf(chosen *kong.Context) string {
	name, _, _ := strings.Cut(chosen.Command(), "<")
	return strings.TrimSpace(name)
}
