// Package status is the command that says how far the collector has come: as a text, as a
// page with plots and as JSON, all three made of the same [Status].
package status

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
)

// Command is netskope-alerts status.
type Command struct {
	HTML string `name:"html" placeholder:"FILE" help:"Write a page with plots to this file, too; it needs nothing but a browser."`
	JSON bool   `name:"json" help:"Print JSON instead of text: times in RFC 3339, durations in seconds."`
}

// Help is shown by status --help.
func (*Command) Help() string {
	return "Says how far the collector has come and what it delivered in the last day, from its state and its ledger. " +
		"It reads only, and may run at any time. Of the environment it needs GCS_BUCKET, " +
		"and GCS_PREFIX and STATE_KEY where the collector has them; nothing of the tenant.\n\n" +
		cli.Ends{Well: "all is well", More: "behind, stalled, not begun, or with a gap"}.String() + "\n\n" +
		"Example:\n" +
		"  GCS_BUCKET=my-bucket netskope-alerts status --html status.html"
}

// Run reads the status once, and shows it in every form that is asked for.
func (c *Command) Run(ctx context.Context, s cli.Streams) error {
	k, err := s.OpenToLook()
	if err != nil {
		return err
	}
	status, err := Read(ctx, k, time.Now())
	if err != nil {
		return err
	}
	status.Stream = s.Stream
	if err := c.show(s, status); err != nil {
		return err
	}
	if !well(status) {
		return cli.ExitStatus(cli.ExitMore)
	}
	return nil
}

// well reports whether nobody has to see to the collector: it has begun, it keeps up, and
// there is no gap. A warning alone is none.
func well(s Status) bool {
	if conditionOf(s).verdict != text.Pass {
		return false
	}
	return !slices.ContainsFunc(noticesOf(s), func(n text.Notice) bool { return n.Verdict == text.Gap })
}

// show prints the status, and writes the page if one is wanted.
func (c *Command) show(out cli.Streams, status Status) error {
	if c.HTML != "" {
		var page bytes.Buffer // whole, before the file is touched
		if err := writeHTML(&page, status); err != nil {
			return err
		}
		if err := os.WriteFile(c.HTML, page.Bytes(), 0o644); err != nil {
			return fmt.Errorf("write the page for --html: %w", err)
		}
		defer fmt.Fprintf(out.Stderr, "The page is in %s\n", c.HTML)
	}
	if c.JSON {
		return writeJSON(out.Stdout, status)
	}
	return writeText(text.TerminalOf(out.Stdout, out.Lookup), status)
}

// stallAfter is how long the state may stay as it is: the schedule is hourly, and every
// run that does its work saves it.
const stallAfter = 2 * time.Hour

// runMayTake is how long before it saved the state a run may have begun: the function's timeout. What was not due
// when it began is no backlog.
const runMayTake = 9 * time.Minute

// condition is how the collector is.
type condition struct {
	verdict  text.Verdict
	word     string // caught up, behind, stalled or no state
	sentence string
	remedy   text.Remedy // what to do, if there is something
}

func conditionOf(s Status) condition {
	switch saved := s.At.Sub(s.Saved); {
	case s.Through.IsZero() && !s.LedgerFrom.IsZero():
		return condition{text.Warn, "no state", "No state, but a ledger: the next run goes on from what that shows.",
			text.Remedy{Text: "Wait for the next run, or run it now:", Command: "netskope-alerts collect"}}
	case s.Through.IsZero():
		return condition{text.Warn, "no state", "No state yet: no run has begun to collect.",
			text.Remedy{Text: "See that the schedule is deployed, and what its runs log:", Command: "./deploy.sh status"}}
	case saved > stallAfter:
		return condition{text.Fail, "stalled",
			fmt.Sprintf("Stalled: no run has saved the state for %s.", text.Span(saved)),
			text.Remedy{Text: "Find out whether runs fail or do not begin, and what is wrong with token, tenant or bucket:",
				Command: "./deploy.sh status\nnetskope-alerts check"}}
	case !s.NextDue.After(s.Saved.Add(-runMayTake)): // it had more to do when it began
		return condition{text.Warn, "behind",
			fmt.Sprintf("Behind by %s: alerts since %s are not delivered.", text.Span(s.Lag), text.Stamp(s.Through)),
			text.Remedy{Text: "Every run brings it further; to go on at once, run it now:",
				Command: "netskope-alerts collect"}}
	case s.NextDue.After(s.At):
		return condition{verdict: text.Pass, word: "caught up",
			sentence: "Caught up: every alert that is due is delivered."}
	default:
		return condition{verdict: text.Pass, word: "caught up",
			sentence: fmt.Sprintf("Caught up at its last run, %s ago; the next run has more to fetch.", text.Span(saved))}
	}
}

// noticesOf are what should not be overlooked.
func noticesOf(s Status) (all []text.Notice) {
	add := func(v text.Verdict, remedy text.Remedy, format string, arguments ...any) {
		all = append(all, text.Notice{Verdict: v, Text: fmt.Sprintf(format, arguments...), Remedy: remedy})
	}
	if s.Quarantined > 0 {
		add(text.Warn, text.Remedy{Text: "Their objects say why of each:",
			Command: "gcloud storage cat 'gs://" + s.Bucket + "/" + s.Quarantine + "**'"},
			"%s kept out of the feed's folder, in quarantine.", text.Count(s.Quarantined, "alert was", "alerts were"))
	}
	if s.Undated > 0 {
		add(text.Warn, text.Remedy{Text: "They are delivered, in the hour in which they were met. " +
			"If they become many, ask by the alerts' own time, TIME_FIELD=event."},
			"%s without the time by which alerts are collected.", text.Count(s.Undated, "alert came", "alerts came"))
	}
	if s.Late > 0 {
		add(text.Warn, text.Remedy{Text: "They are delivered now. If it happens again, the tenant shows alerts late: " +
			"give it longer, with a larger LAG."},
			"%s late: a repair brought what the collector had missed.", text.Count(s.Late, "alert came", "alerts came"))
	}
	if len(s.Holes) > 0 {
		first, last := s.Holes[0], s.Holes[len(s.Holes)-1]
		left := time.Duration(0)
		for _, hole := range s.Holes {
			left += hole.To.Sub(hole.From)
		}
		add(text.Gap, text.Remedy{Text: "To collect it:", Command: cli.CommandOf(s.Stream, "backfill",
			"--from", first.From.Format(time.RFC3339), "--to", last.To.Format(time.RFC3339))},
			"%s of the last day, between %s and %s, was never collected.", text.Span(left), text.Stamp(first.From),
			text.Stamp(last.To))
	}
	if s.Pending > 0 {
		add(text.Warn, text.Remedy{Text: "The next run does it."}, "%s still to be moved to the feed's folder.",
			text.Count(s.Pending, "object is", "objects are"))
	}
	if len(s.Strange) > 0 {
		add(text.Warn, text.Remedy{}, "%s", cli.Strangers(s.Bucket, s.Strange))
	}
	switch {
	case s.Through.IsZero():
	case s.LedgerFrom.IsZero():
		add(text.Gap, text.Remedy{Text: "The next run makes entries. What the bucket had before, no audit can tell."},
			"The ledger is empty: what was delivered is not known.")
	case len(s.Hours) > 0 && s.LedgerFrom.After(s.Hours[0].Start):
		add(text.Warn, text.Remedy{Text: "If nobody delivered it, bring it:", Command: cli.CommandOf(s.Stream, "backfill",
			"--from", s.Hours[0].Start.UTC().Format(time.RFC3339), "--to", s.LedgerFrom.UTC().Format(time.RFC3339))},
			"The ledger begins at %s: what was delivered before is not counted.", text.Stamp(s.LedgerFrom))
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
func markOf(h Hour, s Status) string {
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
func typeRows(types []TypeCount) []text.BarRow {
	rows := make([]text.BarRow, len(types))
	for i, t := range types {
		rows[i] = text.BarRow{Label: t.Type, N: t.Alerts}
	}
	return rows
}
