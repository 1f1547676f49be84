package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"

	"netskope-alerts.internal/collector"
)

type statusCommand struct {
	HTML string `name:"html" placeholder:"FILE" help:"Write a page with plots to this file, too; it needs nothing but a browser."`
	JSON bool   `name:"json" help:"Print JSON instead of text: times in RFC 3339, durations in seconds."`
}

// Help is shown by status --help.
func (*statusCommand) Help() string {
	return `Says how far the collector has come and what it delivered in the last day, from its state and its ledger. It reads only, and may run at any time.

Example:
  GCS_BUCKET=my-bucket NETSKOPE_TENANT=https://acme.goskope.com NETSKOPE_API_TOKEN_FILE=token.txt netskope-alerts status --html status.html`
}

func (c *statusCommand) Run(ctx context.Context, s streams) error {
	k, err := s.open()
	if err != nil {
		return err
	}
	status, err := collector.ReadStatus(ctx, k.Config, k.bucket, time.Now())
	if err != nil {
		return err
	}
	return c.show(s, status)
}

// show prints the status, and writes the page if one is wanted.
func (c *statusCommand) show(out streams, status collector.Status) error {
	if c.HTML != "" {
		var page bytes.Buffer // whole, before the file is touched
		if err := writeStatusHTML(&page, status); err != nil {
			return err
		}
		if err := os.WriteFile(c.HTML, page.Bytes(), 0o644); err != nil {
			return fmt.Errorf("write the page for --html: %w", err)
		}
		defer fmt.Fprintf(out.stderr, "The page is in %s\n", c.HTML)
	}
	if c.JSON {
		return writeStatusJSON(out.stdout, status)
	}
	return printStatus(terminalOf(out.stdout, out.lookup), status)
}

// stallAfter is how long the state may stay as it is: the schedule is hourly, and every
// run that does its work saves it.
const stallAfter = 2 * time.Hour

// condition is how the collector is.
type condition struct {
	verdict  verdict
	word     string // caught up, behind, stalled or no state
	sentence string
}

func conditionOf(s collector.Status) condition {
	switch saved := s.At.Sub(s.Saved); {
	case s.Through.IsZero():
		return condition{warn, "no state", "No state yet: no run has begun to collect."}
	case saved > stallAfter:
		return condition{fail, "stalled", fmt.Sprintf("Stalled: no run has saved the state for %s.", span(saved))}
	case !s.NextDue.After(s.Saved): // it had more to do when it last did something
		return condition{warn, "behind", fmt.Sprintf("Behind by %s: alerts since %s are not delivered.", span(s.Lag), stamp(s.Through))}
	case s.NextDue.After(s.At):
		return condition{pass, "caught up", "Caught up: every alert that is due is delivered."}
	default:
		return condition{pass, "caught up", fmt.Sprintf("Caught up at its last run, %s ago; the next run has more to fetch.", span(saved))}
	}
}

// notice is something that should not be overlooked.
type notice struct {
	verdict verdict
	text    string
}

func noticesOf(s collector.Status) (all []notice) {
	add := func(v verdict, format string, arguments ...any) {
		all = append(all, notice{v, fmt.Sprintf(format, arguments...)})
	}
	for _, w := range s.Unfinished {
		add(warn, "The backfill of %s to %s is not complete.", stamp(w.From), stamp(w.To))
	}
	if s.Quarantined > 0 {
		add(warn, "%s kept out of the feed's folder, in quarantine.", count(s.Quarantined, "alert was", "alerts were"))
	}
	if s.Undated > 0 {
		add(warn, "%s without the time that windows are cut by.", count(s.Undated, "alert came", "alerts came"))
	}
	if s.Late > 0 {
		add(warn, "%s late: a repair brought what the collector had missed.", count(s.Late, "alert came", "alerts came"))
	}
	switch {
	case s.Through.IsZero():
	case s.LedgerFrom.IsZero():
		add(gap, "The ledger is empty: what was delivered is not known.")
	case len(s.Hours) > 0 && s.LedgerFrom.After(s.Hours[0].Start):
		add(gap, "The ledger begins at %s: what was delivered before is not counted.", stamp(s.LedgerFrom))
	}
	return all
}

// Marks of hours whose count is not the whole.
const (
	soFar       = "so far"       // the state has not passed the hour's end
	inPart      = "in part"      // the ledger begins within the hour
	notYet      = "not yet"      // the state has not reached the hour
	notRecorded = "not recorded" // the ledger begins after it
)

// markOf is the hour's mark, if it needs one. Of an hour without alerts it says whether
// that is known.
func markOf(h collector.Hour, s collector.Status) string {
	switch end := h.Start.Add(time.Hour); {
	case h.Alerts == 0 && !s.LedgerFrom.Before(end):
		return notRecorded
	case h.Alerts == 0 && !h.Complete && !s.Through.After(h.Start):
		return notYet
	case s.LedgerFrom.After(h.Start):
		return inPart
	case !h.Complete:
		return soFar
	}
	return ""
}

// typeRows are the types, to be drawn as bars.
func typeRows(types []collector.TypeCount) []barRow {
	rows := make([]barRow, len(types))
	for i, t := range types {
		rows[i] = barRow{label: t.Type, n: t.Alerts}
	}
	return rows
}
