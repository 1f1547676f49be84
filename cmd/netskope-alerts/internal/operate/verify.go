package operate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/internal/audit"
)

// Verify is netskope-alerts verify.
type Verify struct {
	Since       cli.Moment `default:"48h" help:"Where the audit begins: a time, or how long ago (${default})."`
	Until       cli.Moment `help:"Where it ends; without it, where the collector has come."`
	Repair      bool       `help:"Deliver what is missing, into objects of its own."`
	ObjectsKept bool       `help:"The feed deletes nothing: count the alerts of objects that are gone as missing."`
	Gaps        bool       `help:"Print only what is not as it should be."`
	Limit       cli.AtMost `default:"100" help:"How many cells to print, of those that are well and of the others: all, none or a number (${default})."`
	JSON        bool       `name:"json" help:"Print one JSON object per line: every cell, then the sum."`
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
		"gone: objects that were taken by the feed, or lost. A feed that deletes what it has read takes them, " +
		"so they are no gap; where the feed deletes nothing they are lost, and --objects-kept --repair delivers " +
		"their alerts again.\n\n" +
		cli.Ends{Well: "PASS", More: "GAP", Failed: "the audit failed"}.String() + "\n\n" +
		"Example:\n" +
		"  netskope-alerts verify --since 7d --repair"
}

// Validate refuses a span that ends before it begins.
func (v *Verify) Validate() error {
	if now := time.Now(); v.Until != "" && !v.Since.At(now).Before(v.Until.At(now)) {
		return fmt.Errorf("--until %s is not after --since %s", v.Until, v.Since)
	}
	return nil
}

// Run prints every cell and every hole as it is audited. A gap is no error, but an exit status.
func (v *Verify) Run(ctx context.Context, s cli.Streams) error {
	now := time.Now()
	o := audit.Options{Since: v.Since.At(now), Repair: v.Repair, ObjectsKept: v.ObjectsKept}
	if v.Until != "" {
		o.Until = v.Until.At(now)
	}
	c, err := s.Open()
	if err != nil {
		return err
	}
	p := &auditSheet{Verify: v, Terminal: text.TerminalOf(s.Stdout, s.Lookup), bucket: c.BucketName, stream: s.Stream}
	each := p.result
	if v.JSON {
		each = func(r audit.Result) { _ = cli.WriteLine(s.Stdout, "cell", r) }
	}
	a, err := c.Audit(ctx, o, each)
	if err != nil {
		done := "Audited through " + text.Stamp(a.At)
		if v.Repair {
			done += ", " + text.Count(a.Repaired, "alert", "alerts") + " repaired"
		}
		return cli.IfInterrupted(ctx, err, done+".", "")
	}
	if v.JSON {
		if err := cli.WriteLine(s.Stdout, "audit", a); err != nil {
			return err
		}
	} else {
		p.sum(a)
	}
	if !a.Passed() {
		return cli.ExitStatus(cli.ExitMore)
	}
	return nil
}

// auditSheet prints an audit as it goes on.
type auditSheet struct {
	*Verify
	text.Terminal
	bucket string
	stream string // as of [cli.Streams]

	printed, passedOver [2]int    // cells that are well, and others
	goneFrom            time.Time // start of the oldest cell with an object that is gone
	gone                []string  // the newest few of these objects
}

// The columns take 80 characters.
const auditRow = "%s %-19s %9s %9s %7s %8s %10s %7s\n"

// head prints the heads of the columns, before the first line.
func (p *auditSheet) head() {
	fmt.Fprintf(p, auditRow, "    ", "from (UTC)", "length", "delivered", "missing", "repaired", "duplicated", "unknown")
}

// result prints a line of the table, and what there is to say of the cell below it.
func (p *auditSheet) result(r audit.Result) {
	mark, kind := text.Pass, 0
	if !r.Passed() {
		mark, kind = text.Gap, 1
	}
	if r.Gone > 0 {
		if p.goneFrom.IsZero() {
			p.goneFrom = r.From
		}
		p.gone = append(p.gone, r.GoneObjects...)
		p.gone = p.gone[max(len(p.gone)-3, 0):]
	}
	if r.Passed() && p.Gaps && r.Repaired == 0 {
		return
	}
	if p.printed[kind] >= int(p.Limit) {
		p.passedOver[kind]++
		return
	}
	if p.printed == [2]int{} {
		p.head()
	}
	p.printed[kind]++
	fmt.Fprintf(p, auditRow, p.Word(mark), strings.TrimSuffix(text.Stamp(r.From), " UTC"), text.Span(r.To.Sub(r.From)),
		text.Number(r.Delivered), text.Number(r.Missing), text.Number(r.Repaired), text.Number(r.Duplicated),
		text.Number(r.Unknown))
	p.notes(r)
}

// notes are what the figures do not tell.
func (p *auditSheet) notes(r audit.Result) {
	var notes []string
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
			notes = append(notes, note.text)
		}
	}
	if len(notes) > 0 {
		fmt.Fprintf(p, "    %s\n", strings.Join(notes, ", "))
	}
	if r.Repaired > 0 && len(r.RepairedInto) > 0 {
		fmt.Fprintf(p, "    repaired: %s, in\n", text.Count(r.Repaired, "alert", "alerts"))
		for _, name := range r.RepairedInto {
			fmt.Fprintf(p, "      gs://%s/%s\n", p.bucket, text.Clean(name))
		}
	}
	what := "missing"
	if r.Repaired == r.Missing {
		what = "repaired"
	}
	for _, id := range r.Examples {
		fmt.Fprintf(p, "    %s _id %s\n", what, text.Clean(id))
	}
	if more := r.Missing - int64(len(r.Examples)); more > 0 && len(r.Examples) > 0 {
		fmt.Fprintf(p, "    and %s more\n", text.Number(more))
	}
}

// sum prints the verdict and what it is made of.
func (p *auditSheet) sum(a audit.Summary) {
	line := func(format string, arguments ...any) {
		fmt.Fprintln(p, text.Wrapped(fmt.Sprintf(format, arguments...), p.Width, 0))
	}
	if well, others := p.passedOver[0], p.passedOver[1]; well+others > 0 {
		line("and %s, of them %s well; --limit all prints them", text.Count(well+others, "cell more", "cells more"),
			text.Number(well))
	}
	if p.printed != [2]int{} || p.passedOver != [2]int{} {
		fmt.Fprintln(p)
	} else if p.Gaps {
		line("No cell has a gap.")
	}
	for i, o := range a.Foreign {
		if i >= int(p.Limit) {
			line("and %s more that are not in the ledger", text.Number(len(a.Foreign)-i))
			break
		}
		line("not in the ledger: gs://%s/%s, %s: %s delivered otherwise, too, %s that the tenant does not list", p.bucket,
			text.Clean(o.Name), text.Count(o.Alerts, "alert", "alerts"), text.Number(o.Duplicated), text.Number(o.Unknown))
	}
	line("%s of %s to %s; %s, %s", text.Count(a.Cells, "cell", "cells"), text.Stamp(a.From), text.Stamp(a.At),
		text.Count(a.Requests, "request", "requests"), text.Span(a.Took))
	line("%s delivered, %s missing, %s repaired, %s duplicated, %s unknown", text.Number(a.Delivered),
		text.Number(a.Missing), text.Number(a.Repaired), text.Number(a.Duplicated), text.Number(a.Unknown))
	p.warnings(a)
	if a.Passed() {
		fmt.Fprintln(p, p.Painted(text.Green, "PASS"))
		return
	}
	fmt.Fprintln(p, p.Painted(text.Red, "GAP")+text.Wrapped(": "+p.remedy(a), p.Width, 3))
}

// warnings are what is no gap, and should not be overlooked.
func (p *auditSheet) warnings(a audit.Summary) {
	warn := func(format string, arguments ...any) {
		fmt.Fprintf(p, "%s  %s\n", p.Word(text.Warn), text.Wrapped(fmt.Sprintf(format, arguments...), p.Width, 6))
	}
	if a.Gone > 0 && !p.ObjectsKept {
		slices.Reverse(p.gone)
		warn("%s not in the feed's folder: taken by the feed, or lost. The newest: gs://%s/%s. "+
			"If the feed deletes nothing, they are lost. To deliver their alerts again:",
			text.Count(a.Gone, "object is", "objects are"), p.bucket,
			text.Clean(strings.Join(p.gone, ", gs://"+p.bucket+"/")))
		again := cli.CommandOf(p.stream, "verify", "--objects-kept", "--repair", "--since",
			p.goneFrom.Format(time.RFC3339))
		fmt.Fprintf(p, "      %s\n", text.WrappedCommand(again, p.Width, 6))
	}
	if len(a.Strange) > 0 {
		warn("%s", cli.Strangers(p.bucket, a.Strange))
	}
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
