// Package operate holds the commands that run the collector, look at what it did and move
// it. Each is the face of something that the collector itself can do.
package operate

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
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
		"Exit status: 0 caught up, 3 more to do (BUDGET or MAX_RECORDS ended the run; run it again), " +
		"1 failed (what was delivered before stays).\n\n" +
		"Example:\n" +
		"  GCS_BUCKET=my-bucket NETSKOPE_TENANT=https://acme.goskope.com NETSKOPE_API_TOKEN_FILE=token.txt " +
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
	summary(s.Stdout, report)
	switch {
	case err != nil:
		return err
	case !report.CaughtUp:
		return cli.ExitStatus(cli.ExitMore)
	}
	return nil
}

// progressLine draws how far the run has come, if w is a terminal.
func progressLine(w io.Writer, now time.Time) (show func(collector.Report), done func()) {
	bar := text.NewProgress(w, 1, text.ProgressStyle{Width: 20, Pause: 100 * time.Millisecond})
	show = func(r collector.Report) {
		bar.End(max(int64(now.Sub(r.From).Seconds()), 1))
		bar.Say(fmt.Sprintf("%s  %d alerts, %d pages", r.Through.Format("2006-01-02 15:04"), r.Alerts, r.Pages))
		bar.At(int64(r.Through.Sub(r.From).Seconds()))
	}
	return show, bar.Clear
}

// summary prints what the run did.
func summary(w io.Writer, r collector.Report) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer t.Flush()
	fmt.Fprintf(t, "stopped\t%s\n", r.Stopped)
	if r.Trouble != "" {
		fmt.Fprintf(t, "warning\tthe state was %s\n", r.Trouble)
	}
	if r.From.IsZero() {
		return // before the state was known
	}
	fmt.Fprintf(t, "collected\t%s to %s (%s)\n", r.From.Format(time.RFC3339), r.Through.Format(time.RFC3339),
		text.Count(r.Cells, "cell", "cells"))
	fmt.Fprintf(t, "alerts\t%d in %d objects, %.1f MB\n", r.Alerts, r.Objects, float64(r.Bytes)/1e6)
	fmt.Fprintf(t, "requests\t%d, of them retries %d\n", r.Requests, r.Retries)
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
			fmt.Fprintf(t, "%s\t%d\n", extra.what, extra.n)
		}
	}
	fmt.Fprintf(t, "lateness\tmedian %s, p99 %s, at most %s\n", r.Lateness(0.5), r.Lateness(0.99), r.Lateness(1))
	fmt.Fprintf(t, "lag\t%s\n", r.Lag.Round(time.Second))
	fmt.Fprintf(t, "took\t%s\n", r.Took.Round(time.Millisecond))
}
