package status

import (
	"fmt"
	"strings"
	"time"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
)

// writeText prints the status for a person, as wide as the terminal is.
func writeText(t text.Terminal, s Status) error {
	p := &sheet{text.Sheet{Terminal: t}}
	p.condition(s)
	p.position(s)
	p.delivered(s)
	if s.Alerts > 0 {
		p.hours(s)
		p.types(s)
		p.lateness(s.Lateness)
	}
	return p.Flush()
}

type sheet struct{ text.Sheet }

func (p *sheet) condition(s Status) {
	is := conditionOf(s)
	p.Line("%s  %s", p.Word(is.verdict), p.Painted(text.Bold, text.Wrapped(is.sentence, p.Width, 6)))
	p.remedy(is.remedy)
	for _, n := range noticesOf(s) {
		p.Line("%s  %s", p.Word(n.Verdict), text.Wrapped(n.Text, p.Width, 6))
		p.remedy(n.Remedy)
	}
}

func (p *sheet) remedy(r text.Remedy) {
	if r.Text != "" {
		p.Line("      %s", text.Wrapped(r.Text, p.Width, 6))
	}
	for command := range strings.Lines(r.Command) {
		p.Line("      %s", text.WrappedCommand(strings.TrimSpace(command), p.Width, 6))
	}
}

func (p *sheet) position(s Status) {
	p.Line("")
	if s.Tenant != "" {
		p.Row("from", "%s", s.Tenant)
	}
	p.Row("to", "gs://%s/%s/", s.Bucket, s.Folder)
	p.Row("state", "gs://%s/%s", s.Bucket, s.State)
	if s.Through.IsZero() {
		return
	}
	p.Row("through", "%s, %s ago; before it all is delivered", text.Stamp(s.Through), text.Span(s.Lag))
	p.Row("last run", "saved the state at %s, %s ago", text.Stamp(s.Saved), text.Span(s.At.Sub(s.Saved)))
	p.Row("next", "%s", nextSpan(s))
	p.Row("", "%s", whenDue(s))
	if !s.LastEvent.IsZero() {
		p.Row("newest alert", "%s", text.Stamp(s.LastEvent))
	}
}

func nextSpan(s Status) string {
	return strings.TrimSuffix(text.Stamp(s.Through), " UTC") + " to " + text.OnDay(s.Next, s.Through)
}

func whenDue(s Status) string {
	if s.NextDue.After(s.At) {
		return fmt.Sprintf("due at %s, in %s", text.OnDay(s.NextDue, s.At), text.Span(s.NextDue.Sub(s.At)))
	}
	return fmt.Sprintf("due since %s, for %s", text.OnDay(s.NextDue, s.At), text.Span(s.At.Sub(s.NextDue)))
}

func (p *sheet) delivered(s Status) {
	if s.LedgerFrom.IsZero() {
		return
	}
	p.Line("")
	p.Row("last day", "%s in %s", text.Count(s.Alerts, "alert", "alerts"), text.Count(s.Cells, "cell", "cells"))
	p.Row("bytes", "%s of NDJSON, %s stored", text.Size(s.Bytes), text.Size(s.Stored))
	p.Row("objects", "%s, %s", text.Number(s.Objects), whatIsLeft(s))
	if !s.GoneFrom.IsZero() {
		p.Row("", "%s", ifLost)
		p.Line("    %s", text.WrappedCommand(bringAgain(s), p.Width, 4))
	}
}

const ifLost = "If the feed deletes nothing, they are lost. To deliver them again:"

// bringAgain is the command for objects that are gone and were lost.
func bringAgain(s Status) string {
	return cli.CommandOf(s.Stream, "verify", "--objects-kept", "--repair", "--since", s.GoneFrom.Format(time.RFC3339))
}

// whatIsLeft says how many objects are still in the feed's folder.
func whatIsLeft(s Status) string {
	switch taken := s.Objects - s.Present - s.Pending; {
	case s.Objects == 0:
		return "none to be taken away"
	case taken <= 0 && s.Pending == 0:
		return "all still there"
	case taken <= 0:
		return "none taken yet"
	case taken == s.Objects:
		return "all taken by the feed, or lost"
	default:
		return text.Number(taken) + " of them taken by the feed, or lost"
	}
}

func (p *sheet) hours(s Status) {
	p.Heading("Alerts per hour (UTC)")
	var rows []text.BarRow
	for _, h := range s.Hours {
		row := text.BarRow{Label: h.Start.UTC().Format("Jan 02 15:04"), N: h.Alerts, Mark: markOf(h, s)}
		row.Unknown = row.Mark == notRecorded || row.Mark == notYet
		rows = append(rows, row)
	}
	p.Bars(rows)
}

func (p *sheet) types(s Status) {
	p.Heading("Alerts per type")
	top, others := text.Plotted(typeRows(s.Types))
	if others.Label != "" {
		top = append(top, others)
	}
	for i := range top {
		top[i].Share = text.Share(top[i].N, s.Alerts)
	}
	p.Bars(top)
}

// latenessLimits are the rows of the histogram. Their last is open.
var latenessLimits = []time.Duration{10 * time.Second, time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour,
	24 * time.Hour}

func (p *sheet) lateness(l Latenesses) {
	if len(l.Buckets) == 0 {
		return
	}
	p.Heading("From an alert's timestamp to its storing by the tenant")
	p.Line("median %s, p90 %s, p99 %s, longest %s", text.Span(l.P50), text.Span(l.P90), text.Span(l.P99),
		text.Span(l.Max))
	rows := make([]text.BarRow, len(latenessLimits)+1)
	for i, limit := range latenessLimits {
		rows[i].Label = "up to " + text.Span(limit)
	}
	rows[len(latenessLimits)].Label = "longer"
	for _, b := range l.Buckets {
		i := 0
		for i < len(latenessLimits) && b.UpTo > latenessLimits[i] {
			i++
		}
		rows[i].N += b.Alerts
	}
	p.Bars(rows)
}
