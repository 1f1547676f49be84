package main

import (
	"fmt"
	"strings"
	"time"

	"netskope-alerts.internal/collector"
)

// printStatus prints the status for a person, as wide as the terminal is.
func printStatus(t terminal, s collector.Status) error {
	p := &statusText{terminal: t}
	p.condition(s)
	p.position(s)
	p.delivered(s)
	if s.Alerts > 0 {
		p.hours(s)
		p.types(s)
		p.lateness(s.Lateness)
	}
	_, err := t.Write([]byte(p.out.String()))
	return err
}

type statusText struct {
	terminal
	out strings.Builder
}

func (p *statusText) line(format string, arguments ...any) {
	fmt.Fprintf(&p.out, format+"\n", arguments...)
}

// row is a label and what is to be said of it.
func (p *statusText) row(label, format string, arguments ...any) {
	const indent = 13
	p.line("%s%s", p.painted(dim, fit(label, indent)), wrapped(fmt.Sprintf(format, arguments...), p.width, indent))
}

func (p *statusText) condition(s collector.Status) {
	is := conditionOf(s)
	p.line("%s  %s", p.word(is.verdict), p.painted(bold, wrapped(is.sentence, p.width, 6)))
	for _, n := range noticesOf(s) {
		p.line("%s  %s", p.word(n.verdict), wrapped(n.text, p.width, 6))
	}
}

func (p *statusText) position(s collector.Status) {
	p.line("")
	p.row("from", "%s", s.Tenant)
	p.row("to", "gs://%s/%s/", s.Bucket, s.Folder)
	p.row("state", "gs://%s/%s", s.Bucket, s.State)
	if s.Through.IsZero() {
		return
	}
	p.row("through", "%s; every alert before is delivered", stamp(s.Through))
	p.row("lag", "%s", span(s.Lag))
	p.row("last run", "saved the state at %s, %s ago", stamp(s.Saved), span(s.At.Sub(s.Saved)))
	p.row("next window", "%s", nextWindow(s))
	p.row("", "%s", whenDue(s))
	if !s.LastEvent.IsZero() {
		p.row("newest alert", "%s", stamp(s.LastEvent))
	}
}

func nextWindow(s collector.Status) string {
	return strings.TrimSuffix(stamp(s.Through), " UTC") + " to " + onDay(s.Next, s.Through)
}

func whenDue(s collector.Status) string {
	if s.NextDue.After(s.At) {
		return fmt.Sprintf("due at %s, in %s", onDay(s.NextDue, s.At), span(s.NextDue.Sub(s.At)))
	}
	return fmt.Sprintf("due since %s, for %s", onDay(s.NextDue, s.At), span(s.At.Sub(s.NextDue)))
}

func (p *statusText) delivered(s collector.Status) {
	if s.LedgerFrom.IsZero() {
		return
	}
	p.line("")
	p.row("last day", "%s in %s", count(s.Alerts, "alert", "alerts"), count(s.Windows, "window", "windows"))
	p.row("bytes", "%s of NDJSON, %s stored", size(s.Bytes), size(s.Stored))
	p.row("objects", "%s, %s", number(s.Objects), whatIsLeft(s))
}

// whatIsLeft says how many objects are still in the feed's folder.
func whatIsLeft(s collector.Status) string {
	switch taken := s.Objects - s.Present; {
	case s.Objects == 0:
		return "none to be taken away"
	case taken <= 0:
		return "all still there"
	case s.Present == 0:
		return "all taken away since"
	default:
		return number(taken) + " of them taken away since"
	}
}

func (p *statusText) heading(text string) { p.line("\n%s", p.painted(bold, text)) }

// barRow is a row of a plot.
type barRow struct {
	label  string
	alerts int64
	share  string // of all alerts; may be empty
	mark   string // behind the bar; at most eight columns unless there is no bar
}

func (p *statusText) bars(rows []barRow) {
	var most int64
	labels, counts, shares := 0, 0, 0
	for _, r := range rows {
		most = max(most, r.alerts)
		labels, counts, shares = max(labels, columns(r.label)), max(counts, len(number(r.alerts))), max(shares, len(r.share))
	}
	labels = min(labels, 32)
	room := max(p.width-labels-counts-shares-12, 8)
	for _, r := range rows {
		alerts := number(r.alerts)
		if r.mark == notRecorded || r.mark == notYet {
			alerts = "-"
		}
		text := fmt.Sprintf("%s  %*s  ", fit(r.label, labels), counts, alerts)
		if shares > 0 {
			text += fmt.Sprintf("%*s  ", shares, r.share)
		}
		text += p.painted(blue, bar(r.alerts, most, room))
		if r.mark != "" {
			text += p.painted(dim, " "+r.mark)
		}
		p.line("%s", strings.TrimRight(text, " "))
	}
}

func (p *statusText) hours(s collector.Status) {
	p.heading("Alerts per hour (UTC)")
	var rows []barRow
	for _, h := range s.Hours {
		rows = append(rows, barRow{label: h.Start.UTC().Format("Jan 02 15:04"), alerts: h.Alerts, mark: markOf(h, s)})
	}
	p.bars(rows)
}

func (p *statusText) types(s collector.Status) {
	p.heading("Alerts per type")
	top, others := plotted(s.Types)
	if others.Type != "" {
		top = append(top, others)
	}
	var rows []barRow
	for _, t := range top {
		rows = append(rows, barRow{label: t.Type, alerts: t.Alerts, share: share(t.Alerts, s.Alerts)})
	}
	p.bars(rows)
}

// latenessLimits are the rows of the histogram. Their last is open.
var latenessLimits = []time.Duration{10 * time.Second, time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour}

func (p *statusText) lateness(l collector.Latenesses) {
	if len(l.Buckets) == 0 {
		return
	}
	p.heading("From an alert's timestamp to its storing by the tenant")
	p.line("median %s, p90 %s, p99 %s, longest %s", span(l.P50), span(l.P90), span(l.P99), span(l.Max))
	rows := make([]barRow, len(latenessLimits)+1)
	for i, limit := range latenessLimits {
		rows[i].label = "up to " + span(limit)
	}
	rows[len(latenessLimits)].label = "longer"
	for _, b := range l.Buckets {
		i := 0
		for i < len(latenessLimits) && b.UpTo > latenessLimits[i] {
			i++
		}
		rows[i].alerts += b.Alerts
	}
	p.bars(rows)
}
