package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"

	"netskope-alerts.internal/collector"
)

//go:embed status.html
var statusHTML string

var statusTemplate = template.Must(template.New("status.html").Parse(statusHTML))

// statusPage is what status.html shows.
type statusPage struct {
	Policy template.HTML // a meta element
	Style  template.CSS

	Verdict   verdict
	Condition string
	At        string
	Tenant    string
	Target    string // of the feed
	State     string
	Version   string
	Notices   []pageNotice
	Tiles     []tile

	Empty      string // why there is nothing to plot
	Hours      hoursPlot
	Types      []pageBar
	AllTypes   []pageBar // if Types does not show them all
	Lateness   latenessPlot
	Percentile []tile
}

type pageNotice struct {
	Verdict verdict
	Text    string
}

// writeStatusHTML writes the status as a page that needs no other file, no network and no
// script.
func writeStatusHTML(w io.Writer, s collector.Status) error {
	is := conditionOf(s)
	p := statusPage{
		Policy: policy(pageCSS), Style: template.CSS(pageCSS),
		Verdict: is.verdict, Condition: unbroken(is.sentence),
		At: stamp(s.At), Tenant: s.Tenant, Target: "gs://" + s.Bucket + "/" + s.Folder + "/", State: "gs://" + s.Bucket + "/" + s.State,
		Version: version,
	}
	for _, n := range noticesOf(s) {
		p.Notices = append(p.Notices, pageNotice{n.verdict, unbroken(n.text)})
	}
	if !s.Through.IsZero() {
		for _, t := range tiles(s) {
			p.Tiles = append(p.Tiles, tile{t.Label, unbroken(t.Value), unbroken(t.Note)})
		}
	}
	switch {
	case s.Through.IsZero():
		p.Empty = "There is nothing to plot before the first run."
	case s.LedgerFrom.IsZero():
		p.Empty = "There is nothing to plot before the ledger holds a window."
	case s.Alerts == 0:
		p.Empty = "No alert was delivered in the last day."
	default:
		p.Hours = plotHours(s)
		p.Types, p.AllTypes = pageBars(typeRows(s.Types), s.Alerts)
		p.Lateness = plotLateness(s.Lateness)
		l := s.Lateness
		p.Percentile = []tile{{Label: "Median", Value: span(l.P50)}, {Label: "p90", Value: span(l.P90)}, {Label: "p99", Value: span(l.P99)}, {Label: "Longest", Value: span(l.Max)}}
	}
	if err := statusTemplate.Execute(w, p); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

func tiles(s collector.Status) []tile {
	due := "in " + span(s.NextDue.Sub(s.At))
	if !s.NextDue.After(s.At) {
		due = "since " + span(s.At.Sub(s.NextDue))
	}
	newest := ""
	if !s.LastEvent.IsZero() {
		newest = "; newest alert of " + onDay(s.LastEvent, s.Through)
	}
	all := []tile{
		{"Delivered through", clock(s.Through), fmt.Sprintf("of %s, lag %s%s", s.Through.UTC().Format("2006-01-02"), span(s.Lag), newest)},
		{"Last run", span(s.At.Sub(s.Saved)) + " ago", "saved the state at " + onDay(s.Saved, s.At)},
		{"Next window due", due, nextWindow(s) + ", due at " + onDay(s.NextDue, s.Through)},
	}
	if s.LedgerFrom.IsZero() {
		return all
	}
	return append(all,
		tile{"Alerts, last day", number(s.Alerts), "in " + count(s.Windows, "window", "windows")},
		tile{"Bytes, last day", size(s.Bytes), "of NDJSON, " + size(s.Stored) + " stored"},
		tile{"Objects, last day", number(s.Objects), whatIsLeft(s)},
	)
}
