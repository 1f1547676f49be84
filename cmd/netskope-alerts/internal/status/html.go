package status

import (
	_ "embed"
	"fmt"
	"io"
	"time"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
)

var (
	//go:embed status.html
	pageHTML string
	// Parts is a page's part "status", which shows a [View].
	//
	//go:embed parts.html
	Parts string

	pageTemplate = text.Page(pageHTML, Parts)
)

// View is a status as the part "status" of a page shows it.
type View struct {
	Notices []text.Notice
	Tiles   []text.Tile

	Empty      string // why there is nothing to plot
	Hours      hoursPlot
	Types      []text.PageBar
	AllTypes   []text.PageBar // if Types does not show them all
	Lateness   latenessPlot
	Percentile []text.Tile
}

// writeHTML writes the status as a page that needs no other file and no network.
func writeHTML(w io.Writer, s Status) error {
	if err := pageTemplate.Execute(w, struct {
		Head text.Head
		View View
	}{HeadOf(s), ViewOf(s)}); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// HeadOf is the head of a page that shows the status.
func HeadOf(s Status) text.Head {
	is := conditionOf(s)
	h := text.Head{Kind: "Netskope alerts", Title: "Netskope alerts", Verdict: is.verdict, Sentence: is.sentence,
		Remedy: is.remedy, At: s.At, Reload: time.Minute,
		Foot: "State gs://" + s.Bucket + "/" + s.State + ". Written by netskope-alerts " + cli.Version + "."}
	if s.Tenant != "" {
		h.About = append(h.About, s.Tenant)
	}
	h.About = append(h.About, "gs://"+s.Bucket+"/"+s.Folder+"/")
	return h
}

// ViewOf is the status as a page shows it.
func ViewOf(s Status) View {
	v := View{Notices: noticesOf(s)}
	if !s.Through.IsZero() {
		v.Tiles = tiles(s)
	}
	switch {
	case s.Through.IsZero():
		v.Empty = "There is nothing to plot before the first run."
	case s.LedgerFrom.IsZero():
		v.Empty = "There is nothing to plot before the ledger holds an entry."
	case s.Alerts == 0:
		v.Empty = "No alert was delivered in the last day."
	default:
		v.Hours = plotHours(s)
		v.Types, v.AllTypes = text.PageBars(typeRows(s.Types), s.Alerts)
		v.Lateness = plotLateness(s.Lateness)
		l := s.Lateness
		v.Percentile = []text.Tile{{Label: "Median", Value: text.Span(l.P50)}, {Label: "p90", Value: text.Span(l.P90)},
			{Label: "p99", Value: text.Span(l.P99)}, {Label: "Longest", Value: text.Span(l.Max)}}
	}
	return v
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
