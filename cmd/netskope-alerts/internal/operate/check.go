package operate

import (
	"context"
	"fmt"
	"strings"

	"netskope-alerts.internal/collector"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/check"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
)

// Check is netskope-alerts check; what it looks at is in package check.
type Check struct {
	JSON   bool `help:"Print one JSON document instead."`
	Strict bool `help:"Exit with 1 if there is a warning, too."`
}

// Help is shown by check --help.
func (*Check) Help() string {
	return "Looks at the configuration, the tenant, the bucket, the state and the feed's folder, " +
		"and says of everything that is not as it has to be what to do. " +
		"It asks the tenant at most ten times, and twice for each further stream, " +
		"writes only to the folder check beside the feed's, which it leaves empty, " +
		"and may run beside the deployed function. " +
		"It sees the bucket with this machine's credentials, which may be allowed more, or less, " +
		"than the function's account.\n\n" +
		cli.Ends{Well: "nothing failed", Failed: "something did"}.String() + "\n\n" +
		"Example:\n" +
		"  GCS_BUCKET=my-bucket NETSKOPE_TENANT=https://acme.goskope.com \\\n" +
		"      NETSKOPE_API_TOKEN_FILE=token.txt " +
		"netskope-alerts check"
}

// Run prints every finding as soon as it is known.
func (c *Check) Run(ctx context.Context, s cli.Streams) error {
	counts := map[check.Level]int{check.Pass: 0, check.Warn: 0, check.Fail: 0, check.Skip: 0}
	findings := []check.Finding{}
	lines := findingLines{to: text.TerminalOf(s.Stdout, s.Lookup)}
	check.Run(ctx, s.Lookup, check.Options{}, func(f check.Finding) {
		counts[f.Level]++
		if c.JSON {
			findings = append(findings, f)
		} else {
			lines.print(f)
		}
	})
	if c.JSON {
		if err := cli.WriteJSON(s.Stdout, map[string]any{"version": collector.Version, "counts": counts,
			"findings": findings}); err != nil {
			return err
		}
	} else {
		lines.flush()
		fmt.Fprintf(s.Stdout, "\n%d passed, %d to be warned of, %d failed, %d skipped\n",
			counts[check.Pass], counts[check.Warn], counts[check.Fail], counts[check.Skip])
	}
	if counts[check.Fail] > 0 || c.Strict && counts[check.Warn] > 0 {
		return cli.ExitStatus(cli.ExitFailed)
	}
	return nil
}

// findingLines prints findings as they come. Findings in a row that are skipped for the
// same reason become one line.
type findingLines struct {
	to      text.Terminal
	skipped check.Finding // the first of those that are not printed yet
	n       int           // how many these are
}

func (l *findingLines) print(f check.Finding) {
	if l.n > 0 && f.Level == check.Skip && f.Seen == l.skipped.Seen {
		l.n++
		return
	}
	l.flush()
	if f.Level == check.Skip {
		l.skipped, l.n = f, 1
		return
	}
	l.line(f)
}

func (l *findingLines) flush() {
	if l.n > 1 {
		l.skipped.Seen = fmt.Sprintf("(and %d more) %s", l.n-1, l.skipped.Seen)
	}
	if l.n > 0 {
		l.line(l.skipped)
	}
	l.n = 0
}

func (l *findingLines) line(f check.Finding) {
	const indent = 6
	head := fmt.Sprintf("%s  %-21s ", f.Level, f.Subject)
	behind := strings.Repeat("x", max(text.Columns(head)-indent, 1)) // stands for it while the line is broken
	seen := strings.TrimPrefix(text.Wrapped(behind+" "+f.Seen, l.to.Width, indent), behind)
	fmt.Fprintf(l.to, "%s%s%s\n", l.to.Painted(levelPaint[f.Level], string(f.Level)), head[len(f.Level):], seen)
	if f.Remedy != "" {
		fmt.Fprintf(l.to, "      → %s\n", text.Wrapped(f.Remedy, l.to.Width, indent+2))
	}
}

var levelPaint = map[check.Level]text.Paint{check.Pass: text.Green, check.Warn: text.Yellow, check.Fail: text.Red,
	check.Skip: text.Dim}
