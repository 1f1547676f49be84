// Package operate holds the commands that run the collector, look at what it did and move
// it. Each is the face of something that the collector itself can do.
package operate

import (
	"context"
	"fmt"
	"io"
	"time"

	"netskope-alerts.internal/collector"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
)

// Collect is netskope-alerts collect.
type Collect struct{}

// Help is shown by collect --help.
func (*Collect) Help() string {
	return "Does what one trigger of the deployed function does, now. " +
		"It is safe beside the deployed function: what both come to is delivered once.\n\n" +
		cli.Ends{Well: "caught up", More: "more to do (BUDGET or MAX_RECORDS ended the run; run it again)",
			Failed: "failed (what was delivered before stays)"}.String() + "\n\n" +
		"Example:\n" +
		"  GCS_BUCKET=my-bucket NETSKOPE_TENANT=https://acme.goskope.com \\\n" +
		"      NETSKOPE_API_TOKEN_FILE=token.txt " +
		"netskope-alerts collect"
}

// Run does one run. That there is more to do is no error, but an exit status.
func (*Collect) Run(ctx context.Context, s cli.Streams) error {
	c, err := s.Open()
	if err != nil {
		return err
	}
	if c.StateInFeed() {
		fmt.Fprintf(s.Stderr, "warning: the state %s lies in the feed's folder %s/, "+
			"where the feed reads it as a log and may delete it; move it and set STATE_KEY\n", c.StateKey, c.Prefix)
	}
	now := time.Now()
	show, done := progressLine(s.Stderr, now)
	report, err := c.Run(ctx, now, show)
	done()
	summary(text.TerminalOf(s.Stdout, s.Lookup), report)
	switch {
	case err != nil:
		return cli.IfInterrupted(ctx, err, "What was delivered before stays: "+delivered(report)+".", "")
	case !report.CaughtUp:
		return cli.ExitStatus(cli.ExitMore)
	}
	return nil
}

// delivered says what a run has delivered.
func delivered(r collector.Report) string {
	return text.Count(r.Alerts, "alert", "alerts") + " in " + text.Count(r.Objects, "object", "objects")
}

// progressLine draws how far the run has come, if w is a terminal.
func progressLine(w io.Writer, now time.Time) (show func(collector.Report), done func()) {
	bar := text.NewProgress(w, 1, text.ProgressStyle{Width: 20, Pause: 100 * time.Millisecond})
	show = func(r collector.Report) {
		bar.End(max(int64(now.Sub(r.From).Seconds()), 1))
		bar.Say(fmt.Sprintf("%s  %s, %s", text.Stamp(r.Through), text.Count(r.Alerts, "alert", "alerts"),
			text.Count(r.Pages, "page", "pages")))
		bar.At(int64(r.Through.Sub(r.From).Seconds()))
	}
	return show, bar.Clear
}

// summary prints what the run did.
func summary(t text.Terminal, r collector.Report) {
	rows := [][2]string{{"stopped", r.Stopped}}
	add := func(label, format string, arguments ...any) {
		rows = append(rows, [2]string{label, fmt.Sprintf(format, arguments...)})
	}
	defer func() { fmt.Fprint(t, t.Rows(rows)) }()
	if r.Trouble != "" {
		add("warning", "the state was %s", r.Trouble)
	}
	if len(r.Gone) > 0 {
		add("warning", "%s neither staged nor at its place: taken by the feed, or lost; netskope-alerts verify says "+
			"how to deliver it again", text.Count(len(r.Gone), "object is", "objects are"))
	}
	if len(r.Strange) > 0 {
		add("warning", "%s in the ledger's folder that the collector did not make; netskope-alerts status names them",
			text.Count(len(r.Strange), "object", "objects"))
	}
	if r.From.IsZero() {
		return // before the state was known
	}
	add("collected", "from %s, %s", text.Stamp(r.From), text.Count(r.Cells, "cell", "cells"))
	add("through", "%s, %s ago; before it all is delivered", text.Stamp(r.Through), text.Span(r.Lag))
	add("alerts", "%s in %s, %s", text.Number(r.Alerts), text.Count(r.Objects, "object", "objects"), text.Size(r.Bytes))
	add("requests", "%s, of them retries %s", text.Number(r.Requests), text.Number(r.Retries))
	for _, extra := range []struct {
		what string
		n    int64
	}{
		{"met again on a later page, written once", r.Duplicates},
		{"without a time of their own, kept", r.Undated},
		{"quarantined", r.Quarantined},
		{"cells that were delivered already", int64(r.Existing + r.Covered)},
		{"cells that held too much and were divided", int64(r.Splits)},
	} {
		if extra.n > 0 {
			add(extra.what, "%s", text.Number(extra.n))
		}
	}
	add("lateness", "median %s, p99 %s, at most %s", text.Span(r.Lateness(0.5)), text.Span(r.Lateness(0.99)),
		text.Span(r.Lateness(1)))
	add("took", "%s", text.Span(r.Took))
}
