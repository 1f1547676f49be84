package main

import (
	"fmt"
	"strings"
	"time"

	"netskope-alerts.internal/collector"
)

// printStatus prints the status for a person, as wide as the terminal is.
func printStatus(t terminal, s collector.Status) error {
	p := &statusText{sheet{terminal: t}}
	p.condition(s)
	p.position(s)
	p.delivered(s)
	if s.Alerts > 0 {
		p.hours(s)
		p.types(s)
		p.lateness(s.Lateness)
	}
	return p.flush()
}

type statusText struct{ sheet }

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

func (p *statusText) hours(s collector.Status) {
	p.heading("Alerts per hour (UTC)")
	var rows []barRow
	for _, h := range s.Hours {
		row := barRow{label: h.Start.UTC().Format("Jan 02 15:04"), n: h.Alerts, mark: markOf(h, s)}
		row.unknown = row.mark == notRecorded || row.mark == notYet
		rows = append(rows, row)
	}
	p.bars(rows)
}

func (p *statusText) types(s collector.Status) {
	p.heading("Alerts per type")
	top, others := plotted(typeRows(s.Types))
	if others.label != "" {
		top = append(top, others)
	}
	for i := range top {
		top[i].share = share(top[i].n, s.Alerts)
	}
	p.bars(top)
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
		rows[i].n += b.Alerts
	}
	p.bars(rows)
}
