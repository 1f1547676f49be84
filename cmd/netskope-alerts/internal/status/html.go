package status

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
)

//go:embed status.html
var pageHTML string

var pageTemplate = template.Must(template.New("status.html").Parse(pageHTML))

// page is what status.html shows.
type page struct {
	Policy template.HTML // a meta element
	Style  template.CSS

	Verdict   text.Verdict
	Condition string
	At        string
	Tenant    string
	Target    string // of the feed
	State     string
	Version   string
	Notices   []pageNotice
	Tiles     []text.Tile

	Empty      string // why there is nothing to plot
	Hours      hoursPlot
	Types      []text.PageBar
	AllTypes   []text.PageBar // if Types does not show them all
	Lateness   latenessPlot
	Percentile []text.Tile
}

type pageNotice struct {
	Verdict text.Verdict
	Text    string
}

// writeHTML writes the status as a page that needs no other file, no network and no
// script.
func writeHTML(w io.Writer, s Status) error {
	is := conditionOf(s)
	p := page{
		Policy: text.Policy(text.PageCSS), Style: template.CSS(text.PageCSS),
		Verdict: is.verdict, Condition: text.Unbroken(is.sentence),
		At: text.Stamp(s.At), Tenant: s.Tenant, Target: "gs://" + s.Bucket + "/" + s.Folder + "/",
		State: "gs://" + s.Bucket + "/" + s.State, Version: cli.Version,
	}
	for _, n := range noticesOf(s) {
		p.Notices = append(p.Notices, pageNotice{n.verdict, text.Unbroken(strings.TrimSpace(n.text + " " + n.command))})
	}
	if !s.Through.IsZero() {
		for _, t := range tiles(s) {
			p.Tiles = append(p.Tiles, text.Tile{Label: t.Label, Value: text.Unbroken(t.Value),
				Note: text.Unbroken(t.Note)})
		}
	}
	switch {
	case s.Through.IsZero():
		p.Empty = "There is nothing to plot before the first run."
	case s.LedgerFrom.IsZero():
		p.Empty = "There is nothing to plot before the ledger holds an entry."
	case s.Alerts == 0:
		p.Empty = "No alert was delivered in the last day."
	default:
		p.Hours = plotHours(s)
		p.Types, p.AllTypes = text.PageBars(typeRows(s.Types), s.Alerts)
		p.Lateness = plotLateness(s.Lateness)
		l := s.Lateness
		p.Percentile = []text.Tile{{Label: "Median", Value: text.Span(l.P50)}, {Label: "p90", Value: text.Span(l.P90)},
			{Label: "p99", Value: text.Span(l.P99)}, {Label: "Longest", Value: text.Span(l.Max)}}
	}
	if err := pageTemplate.Execute(w, p); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

func tiles(s Status) []text.Tile {
	due := "in " + text.Span(s.NextDue.Sub(s.At))
	if !s.NextDue.After(s.At) {
		due = "since " + text.Span(s.At.Sub(s.NextDue))
	}
	newest := ""
	if !s.LastEvent.IsZero() {
		newest = "; newest alert of " + text.OnDay(s.LastEvent, s.Through)
	}
	all := []text.Tile{
		{Label: "Delivered through", Value: text.Clock(s.Through),
			Note: fmt.Sprintf("of %s, %s ago%s", s.Through.UTC().Format("2006-01-02"), text.Span(s.Lag), newest)},
		{Label: "Last run", Value: text.Span(s.At.Sub(s.Saved)) + " ago",
			Note: "saved the state at " + text.OnDay(s.Saved, s.At)},
		{Label: "Next due", Value: due, Note: nextSpan(s) + ", due at " + text.OnDay(s.NextDue, s.Through)},
	}
	if s.LedgerFrom.IsZero() {
		return all
	}
	return append(all,
		text.Tile{Label: "Alerts, last day", Value: text.Number(s.Alerts),
			Note: "in " + text.Count(s.Cells, "cell", "cells")},
		text.Tile{Label: "Bytes, last day", Value: text.Size(s.Bytes),
			Note: "of NDJSON, " + text.Size(s.Stored) + " stored"},
		text.Tile{Label: "Objects, last day", Value: text.Number(s.Objects), Note: objectsNote(s)},
	)
}

// objectsNote says what is left of the objects, and what to do if they were lost.
func objectsNote(s Status) string {
	if !s.GoneFrom.IsZero() {
		return whatIsLeft(s) + ". " + ifLost + " " + bringAgain(s)
	}
	return whatIsLeft(s)
}
