package operate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/internal/audit"
)

// Verify is netskope-alerts verify.
type Verify struct {
	Since       string `default:"48h" help:"Where the audit begins: a time, or how long ago (${default})."`
	Until       string `help:"Where it ends; without it, where the collector has come."`
	Repair      bool   `help:"Deliver what is missing, into objects of its own."`
	ObjectsKept bool   `help:"The feed deletes nothing: count the alerts of objects that are gone as missing."`
	Gaps        bool   `help:"Print only what is not as it should be."`
	JSON        bool   `name:"json" help:"Print one JSON object per line: every cell, then the sum."`
}

// Help is shown by verify --help.
func (*Verify) Help() string {
	return "Lists the tenant's alerts of the past again, and compares them with the ledger of what was delivered, " +
		"and with the objects in the feed's folder. " +
		"It may run at any time, beside the collector and other audits. " +
		"Without --repair it only reads.\n\n" +
		"missing: the tenant has it and it was never delivered. " +
		"duplicated: delivered more than once. " +
		"unknown: delivered, but the tenant no longer lists it. " +
		"gone: objects that the feed, or somebody, has taken away.\n\n" +
		"Exit status: 0 PASS, 3 GAP, 1 the audit failed.\n\n" +
		"Example:\n" +
		"  netskope-alerts verify --since 7d --repair"
}

// Run prints every cell and every hole as it is audited. A gap is no error, but an exit status.
func (v *Verify) Run(ctx context.Context, s cli.Streams) error {
	now := time.Now()
	o := audit.Options{Repair: v.Repair, ObjectsKept: v.ObjectsKept}
	var err error
	if o.Since, err = cli.ParseMoment("--since", v.Since, now); err != nil {
		return err
	}
	if v.Until != "" {
		if o.Until, err = cli.ParseMoment("--until", v.Until, now); err != nil {
			return err
		}
		if !o.Since.Before(o.Until) {
			return fmt.Errorf("--until %s is not after --since %s", v.Until, v.Since)
		}
	}
	c, err := s.Open()
	if err != nil {
		return err
	}
	t := text.TerminalOf(s.Stdout, s.Lookup)
	each := func(r audit.Result) { v.line(t, r) }
	if v.JSON {
		each = func(r audit.Result) { _ = cli.WriteLine(s.Stdout, "cell", r) }
	} else {
		fmt.Fprintf(t, "%-36s %9s %8s %8s %10s %8s\n", "span (UTC)", "delivered", "missing", "repaired", "duplicated",
			"unknown")
	}
	a, err := c.Audit(ctx, o, each)
	if err != nil {
		return err
	}
	if v.JSON {
		if err := cli.WriteLine(s.Stdout, "audit", a); err != nil {
			return err
		}
	} else {
		v.sum(t, a)
	}
	if !a.Passed() {
		return cli.ExitStatus(cli.ExitMore)
	}
	return nil
}

// line prints a line of the table.
func (v *Verify) line(t text.Terminal, r audit.Result) {
	if v.Gaps && r.Passed() {
		return
	}
	mark := text.Pass
	if !r.Passed() {
		mark = text.Gap
	}
	fmt.Fprintf(t, "%-36s %9s %8s %8s %10s %8s  %s",
		strings.ReplaceAll(text.Stamp(r.From)+" to "+text.OnDay(r.To, r.From), " UTC", ""), text.Number(r.Delivered),
		text.Number(r.Missing), text.Number(r.Repaired), text.Number(r.Duplicated), text.Number(r.Unknown),
		t.Word(mark))
	for _, note := range []struct {
		when bool
		text string
	}{
		{r.Uncovered && r.Missing > 0, "never collected"},
		{r.Pending > 0, text.Count(r.Pending, "object not moved yet", "objects not moved yet")},
		{r.Damaged > 0, text.Count(r.Damaged, "object changed", "objects changed")},
		{r.Gone > 0, text.Count(r.Gone, "object gone", "objects gone")},
	} {
		if note.when {
			fmt.Fprint(t, "  "+note.text)
		}
	}
	fmt.Fprintln(t)
	for _, id := range r.Examples {
		fmt.Fprintf(t, "    missing _id %s\n", text.Clean(id))
	}
	if more := r.Missing - int64(len(r.Examples)); more > 0 && len(r.Examples) > 0 {
		fmt.Fprintf(t, "    and %s more\n", text.Number(more))
	}
}

// sum prints the verdict and what it is made of.
func (v *Verify) sum(t text.Terminal, a audit.Summary) {
	fmt.Fprintln(t)
	for _, o := range a.Foreign {
		fmt.Fprintf(t, "not in the ledger: %s, %s: %s delivered otherwise, too, %s that the tenant does not list\n",
			text.Clean(o.Name),
			text.Count(o.Alerts, "alert", "alerts"), text.Number(o.Duplicated), text.Number(o.Unknown))
	}
	fmt.Fprintf(t,
		"%s of %s to %s: %s delivered, %s missing, %s repaired, %s duplicated, %s unknown; %s to the tenant, %s\n",
		text.Count(a.Cells, "cell", "cells"), text.Stamp(a.From), text.Stamp(a.At), text.Number(a.Delivered),
		text.Number(a.Missing), text.Number(a.Repaired), text.Number(a.Duplicated), text.Number(a.Unknown),
		text.Count(a.Requests, "request", "requests"), text.Span(a.Took))
	if a.Passed() {
		fmt.Fprintln(t, t.Painted(text.Green, "PASS"))
		return
	}
	fmt.Fprintln(t, t.Painted(text.Red, "GAP")+": "+v.remedy(a))
}

// remedy is what to do about a gap.
func (v *Verify) remedy(a audit.Summary) string {
	switch {
	case a.Missing > a.Repaired && !v.Repair:
		return "add --repair, and what is missing is delivered"
	case a.Missing > a.Repaired:
		return "not all that is missing could be delivered; the same command again tries it again"
	case a.Duplicated > 0:
		return "the feed gets alerts more than once; " +
			"look at the objects named above, and move those out of the feed's folder that are not the collector's"
	case a.Damaged > 0:
		return "an object is not what was delivered; somebody has replaced it"
	default:
		return "objects wait to be moved to the feed's folder; the next run, or --repair, does it"
	}
}
