package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"netskope-alerts.internal/collector"
)

type verifyCommand struct {
	Since       string `default:"48h" help:"Where the audit begins: a time, or how long ago (${default})."`
	Until       string `help:"Where it ends; without it, where the collector has come."`
	Repair      bool   `help:"Deliver what is missing, into objects of its own."`
	ObjectsKept bool   `help:"The feed deletes nothing: count the alerts of objects that are gone as missing."`
	Gaps        bool   `help:"Print only windows that are not as they should be."`
	JSON        bool   `name:"json" help:"Print one JSON object per line: every window, then the sum."`
}

// Help is shown by verify --help.
func (*verifyCommand) Help() string {
	return `Lists the tenant's alerts of the past again, and compares them with the ledger of what was delivered, and with the objects in the feed's folder. It may run at any time, beside the collector and other audits. Without --repair it only reads.

missing: the tenant has it and it was never delivered. duplicated: delivered more than once. unknown: delivered, but the tenant no longer lists it. gone: objects that the feed, or somebody, has taken away.

Exit status: 0 PASS, 3 GAP, 1 the audit failed.

Example:
  netskope-alerts verify --since 7d --repair`
}

func (v *verifyCommand) Run(ctx context.Context, s streams) error {
	now := time.Now()
	o := collector.AuditOptions{Repair: v.Repair, ObjectsKept: v.ObjectsKept}
	var err error
	if o.Since, err = parseMoment("--since", v.Since, now); err != nil {
		return err
	}
	if v.Until != "" {
		if o.Until, err = parseMoment("--until", v.Until, now); err != nil {
			return err
		}
		if !o.Since.Before(o.Until) {
			return fmt.Errorf("--until %s is not after --since %s", v.Until, v.Since)
		}
	}
	c, err := s.open()
	if err != nil {
		return err
	}
	t := terminalOf(s.stdout, s.lookup)
	each := func(w collector.AuditedWindow) { v.window(t, w) }
	if v.JSON {
		each = func(w collector.AuditedWindow) { _ = writeLine(s.stdout, "window", w) }
	} else {
		fmt.Fprintf(t, "%-36s %9s %8s %8s %10s %8s\n", "window (UTC)", "delivered", "missing", "repaired", "duplicated", "unknown")
	}
	a, err := collector.Verify(ctx, c.Config, c.bucket, c.client, o, each)
	if err != nil {
		return err
	}
	if v.JSON {
		if err := writeLine(s.stdout, "audit", a); err != nil {
			return err
		}
	} else {
		v.sum(t, a)
	}
	if !a.Passed() {
		return exitStatus(exitMore)
	}
	return nil
}

// window prints a line of the table.
func (v *verifyCommand) window(t terminal, w collector.AuditedWindow) {
	if v.Gaps && w.Passed() {
		return
	}
	mark := pass
	if !w.Passed() {
		mark = gap
	}
	fmt.Fprintf(t, "%-36s %9s %8s %8s %10s %8s  %s", strings.ReplaceAll(stamp(w.From)+" to "+onDay(w.To, w.From), " UTC", ""), number(w.Delivered), number(w.Missing), number(w.Repaired), number(w.Duplicated), number(w.Unknown), t.word(mark))
	for _, note := range []struct {
		when bool
		text string
	}{
		{w.Uncovered && w.Missing > 0, "never collected"},
		{w.Pending > 0, count(w.Pending, "object not moved yet", "objects not moved yet")},
		{w.Damaged > 0, count(w.Damaged, "object changed", "objects changed")},
		{w.Gone > 0, count(w.Gone, "object gone", "objects gone")},
	} {
		if note.when {
			fmt.Fprint(t, "  "+note.text)
		}
	}
	fmt.Fprintln(t)
	for _, id := range w.Examples {
		fmt.Fprintf(t, "    missing _id %s\n", clean(id))
	}
	if more := w.Missing - int64(len(w.Examples)); more > 0 && len(w.Examples) > 0 {
		fmt.Fprintf(t, "    and %s more\n", number(more))
	}
}

// sum prints the verdict and what it is made of.
func (v *verifyCommand) sum(t terminal, a collector.Audit) {
	fmt.Fprintln(t)
	for _, o := range a.Foreign {
		fmt.Fprintf(t, "not in the ledger: %s, %s: %s delivered otherwise, too, %s that the tenant does not list\n", clean(o.Name),
			count(o.Alerts, "alert", "alerts"), number(o.Duplicated), number(o.Unknown))
	}
	fmt.Fprintf(t, "%s of %s to %s: %s delivered, %s missing, %s repaired, %s duplicated, %s unknown; %s to the tenant, %s\n",
		count(a.Windows, "window", "windows"), stamp(a.From), stamp(a.At), number(a.Delivered), number(a.Missing), number(a.Repaired), number(a.Duplicated), number(a.Unknown),
		count(a.Requests, "request", "requests"), span(a.Took))
	if a.Passed() {
		fmt.Fprintln(t, t.painted(green, "PASS"))
		return
	}
	fmt.Fprintln(t, t.painted(red, "GAP")+": "+v.remedy(a))
}

// remedy is what to do about a gap.
func (v *verifyCommand) remedy(a collector.Audit) string {
	switch {
	case a.Missing > a.Repaired && !v.Repair:
		return "add --repair, and what is missing is delivered"
	case a.Missing > a.Repaired:
		return "a part of what is missing belongs to a backfill that is not complete; see netskope-alerts status"
	case a.Duplicated > 0:
		return "the feed gets alerts more than once; look at the objects named above, and move those out of the feed's folder that are not the collector's"
	case a.Damaged > 0:
		return "an object is not what was delivered; somebody has replaced it"
	default:
		return "objects wait to be moved to the feed's folder; the next run, or --repair, does it"
	}
}
