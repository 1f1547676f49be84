// Package operate holds the commands that run the collector, look at what it did and move
// it. Each is the face of something that the collector itself can do.
package operate

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"netskope-alerts.internal/collector"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/internal/stream"
)

// Collect is netskope-alerts collect.
type Collect struct{}

// Help is shown by collect --help.
func (*Collect) Help() string {
	return "Does what one trigger of the deployed function does, now, for all of STREAMS at the same time. " +
		"It is safe beside the deployed function: what both come to is delivered once.\n\n" +
		cli.Ends{Well: "caught up", More: "more to do (BUDGET or MAX_RECORDS ended the run; run it again)",
			Failed: "failed (what was delivered before stays)"}.String() + "\n\n" +
		"Example:\n" +
		"  GCS_BUCKET=my-bucket NETSKOPE_TENANT=https://acme.goskope.com \\\n" +
		"      NETSKOPE_API_TOKEN_FILE=token.txt " +
		"netskope-alerts collect"
}

// Run does one run of every stream, all at the same time, as the function does. That there is more to
// do is no error, but an exit status.
func (*Collect) Run(ctx context.Context, s cli.Streams) error {
	collectors, err := s.OpenAll()
	if err != nil {
		return err
	}
	if c := collectors[0]; c.StateInFeed() {
		fmt.Fprintf(s.Stderr, "warning: the state %s lies in the feed's folder %s/, "+
			"where the feed reads it as a log and may delete it; move it and set STATE_KEY\n", c.StateKey, c.Prefix)
	}
	now := time.Now()
	line := newProgressLine(s.Stderr, now)
	var mu sync.Mutex
	reports, errs := map[stream.Stream]collector.Report{}, map[stream.Stream]error{}
	collector.SideBySide(collectors, func(c *collector.Collector) {
		report, err := c.Run(ctx, now, line.show)
		mu.Lock()
		defer mu.Unlock()
		reports[c.Stream], errs[c.Stream] = report, err
	})
	line.clear()
	fmt.Fprint(s.Stderr, s.OneOff())
	return ended(ctx, s, collectors, reports, errs)
}

// ended prints what the runs did, and returns how they ended.
func ended(ctx context.Context, s cli.Streams, collectors []*collector.Collector,
	reports map[stream.Stream]collector.Report, errs map[stream.Stream]error) error {
	var sum collector.Report
	var all cli.Endings
	var stopped error
	for i, c := range collectors {
		report, err := reports[c.Stream], errs[c.Stream]
		if len(collectors) > 1 {
			if err := s.Head(c.Stream, i > 0); err != nil {
				return err
			}
		}
		summary(text.TerminalOf(s.Stdout, s.Lookup), report)
		sum.Alerts, sum.Objects = sum.Alerts+report.Alerts, sum.Objects+report.Objects
		if err != nil {
			stopped = err
		} else if !report.CaughtUp {
			err = cli.ExitStatus(cli.ExitMore)
		}
		all.Add(c.Stream, err)
		if len(collectors) == 1 && err != nil {
			return cli.IfInterrupted(ctx, err, whatStays(sum), "")
		}
	}
	if stopped != nil && ctx.Err() != nil {
		return cli.IfInterrupted(ctx, stopped, whatStays(sum), "")
	}
	return all.Err(false)
}

func whatStays(r collector.Report) string {
	return "What was delivered before stays: " + delivered(r) + "."
}

// delivered says what a run has delivered.
func delivered(r collector.Report) string {
	return text.Count(r.Alerts, "alert", "alerts") + " in " + text.Count(r.Objects, "object", "objects")
}

// progressLine draws how far the runs have come.
type progressLine struct {
	bar *text.Progress
	now time.Time

	mu sync.Mutex
	of map[stream.Stream]collector.Report // the last of each
}

// newProgressLine draws on w, if that is a terminal.
func newProgressLine(w io.Writer, now time.Time) *progressLine {
	return &progressLine{bar: text.NewProgress(w, 1, text.ProgressStyle{Width: 20, Pause: 100 * time.Millisecond}),
		now: now, of: map[stream.Stream]collector.Report{}}
}

// show draws what of all runs is known: the report is of one of them.
func (p *progressLine) show(r collector.Report) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.of[r.Stream] = r
	var sum collector.Report
	span, reached := time.Duration(0), time.Duration(0)
	sum.Through = r.Through
	for _, r := range p.of {
		if r.Through.Before(sum.Through) {
			sum.Through = r.Through
		}
		sum.Alerts, sum.Pages = sum.Alerts+r.Alerts, sum.Pages+r.Pages
		span, reached = span+p.now.Sub(r.From), reached+r.Through.Sub(r.From)
	}
	p.bar.End(max(int64(span.Seconds()), 1))
	p.bar.Say(fmt.Sprintf("%s  %s, %s", text.Stamp(sum.Through), text.Count(sum.Alerts, "alert", "alerts"),
		text.Count(sum.Pages, "page", "pages")))
	p.bar.At(int64(reached.Seconds()))
}

func (p *progressLine) clear() { p.bar.Clear() }

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
