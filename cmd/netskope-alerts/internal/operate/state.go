package operate

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"netskope-alerts.internal/collector"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
)

// State is netskope-alerts state, with its own commands.
type State struct {
	Show    stateShow    `cmd:"" help:"Print the state."`
	Set     stateSet     `cmd:"" help:"Move the state to another time."`
	History stateHistory `cmd:"" help:"List the state's versions, where the bucket keeps them."`
}

type stateShow struct {
	JSON bool `name:"json" help:"Print JSON instead of text."`
}

// Help is shown by state show --help.
func (*stateShow) Help() string {
	return "Prints how far the collector has come, and where it began. " +
		"Of the environment it needs GCS_BUCKET, and GCS_PREFIX and STATE_KEY where the collector has them.\n\n" +
		cli.Ends{Well: "there is a state", Failed: "there is none yet, or it cannot be read"}.String() + "\n\n" +
		"Example:\n" +
		"  netskope-alerts state show --json"
}

// Run only reads.
func (show *stateShow) Run(ctx context.Context, s cli.Streams) error {
	c, err := s.OpenToLook()
	if err != nil {
		return err
	}
	p, err := c.ReadCheckpoint(ctx)
	if err != nil {
		return err
	}
	if show.JSON {
		return cli.WriteJSON(s.Stdout, p)
	}
	rows := [][2]string{
		{"state", fmt.Sprintf("gs://%s/%s#%d", c.BucketName, c.StateKey, p.Generation)},
		{"saved", text.Stamp(p.Saved)},
		{"through", text.Stamp(p.Through) + "; before it all is delivered"},
	}
	if p.LastEventTime > 0 {
		rows = append(rows, [2]string{"newest alert", text.Stamp(time.Unix(p.LastEventTime, 0))})
	}
	if p.Original {
		rows = append(rows, [2]string{"origin", "it is the original function's, and will be adopted by the first run"})
	} else {
		rows = append(rows, [2]string{"began", text.Stamp(p.Began) + " (the collector, or an operator moved it there)"},
			[2]string{"tenant", fmt.Sprintf("%s, by %s time", text.Clean(p.Tenant), p.TimeField)})
	}
	t := text.TerminalOf(s.Stdout, s.Lookup)
	_, err = fmt.Fprint(t, t.Rows(rows))
	return err
}

type stateSet struct {
	Through cli.Moment `required:"" help:"The time, or how long ago: every alert before it counts as delivered then."`
	Limit   cli.AtMost `default:"20" help:"How many spans to print: all, none or a number (${default})."`
	Yes     bool       `short:"y" help:"Do not ask."`
}

// Help is shown by state set --help.
func (*stateSet) Help() string {
	return "Moves the state, if no run saves it meanwhile. " +
		"Going back collects what the ledger does not have, and does not deliver again what it has. " +
		"Going forward skips; what is skipped can be brought by backfill, or verify --repair.\n\n" +
		cli.Ends{Well: "it is where it was to be moved", Failed: "nothing was changed"}.String() + "\n\n" +
		"Example:\n" +
		"  netskope-alerts state set --through 2026-11-01T00:00:00Z"
}

// Run says what the move repeats or skips, and asks before it moves.
func (set *stateSet) Run(ctx context.Context, s cli.Streams) error {
	now := time.Now()
	c, err := s.OpenToLook()
	if err != nil {
		return err
	}
	m, err := c.PlanMove(ctx, now, set.Through.At(now))
	if err != nil {
		return err
	}
	t := text.TerminalOf(s.Stdout, s.Lookup)
	fmt.Fprintln(t, text.Wrapped(moveSentence(m), t.Width, 0))
	for i, w := range m.Undelivered {
		if i >= int(set.Limit) {
			fmt.Fprintf(t, "  and %s; --limit all prints them\n", text.Count(len(m.Undelivered)-i, "more", "more"))
			break
		}
		fmt.Fprintf(t, "  %s to %s (%s)\n", text.Stamp(w.From), text.OnDay(w.To, w.From), text.Span(w.To.Sub(w.From)))
	}
	if m.From.Equal(m.To) {
		return nil
	}
	if !set.Yes {
		if err := s.Confirm(ctx, "Move it?"); err != nil {
			return err
		}
	}
	p, err := c.Apply(ctx, m)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.Stdout, "The collector goes on from %s.\n", text.Stamp(p.Through))
	return nil
}

// moveSentence says what the move repeats or skips.
func moveSentence(m collector.Move) string {
	switch {
	case m.From.IsZero():
		return fmt.Sprintf("There is no state yet: the collector will begin at %s.", text.Stamp(m.To))
	case m.From.Equal(m.To):
		return fmt.Sprintf("The state is at %s already.", text.Stamp(m.To))
	case m.To.After(m.From):
		sentence := fmt.Sprintf("Forward from %s to %s, %s:", text.Stamp(m.From), text.Stamp(m.To),
			text.Span(m.To.Sub(m.From)))
		if len(m.Undelivered) == 0 {
			return sentence + " all of it is delivered, nothing is skipped."
		}
		return sentence + " alerts of these spans will be skipped:"
	default:
		sentence := fmt.Sprintf("Back from %s to %s, %s: %s in the ledger will not be delivered again;",
			text.Stamp(m.From), text.Stamp(m.To), text.Span(m.From.Sub(m.To)), text.Count(m.Delivered, "alert", "alerts"))
		if len(m.Undelivered) == 0 {
			return sentence + " nothing will be collected."
		}
		return sentence + " what is not in it will be collected (again, if another collector delivered it):"
	}
}

type stateHistory struct {
	Limit cli.AtMost `default:"20" help:"How many versions to print, the newest first: all, none or a number (${default})."`
	JSON  bool       `name:"json" help:"Print JSON instead of text."`
}

// Help is shown by state history --help.
func (*stateHistory) Help() string {
	return "Lists the state and its earlier versions, newest first. " +
		"The bucket keeps versions if that is switched on:\n\n" +
		"  gcloud storage buckets update gs://BUCKET --versioning\n\n" +
		cli.Ends{Well: "listed"}.String() + "\n\n" +
		"Example:\n" +
		"  netskope-alerts state history"
}

// Run only reads.
func (h *stateHistory) Run(ctx context.Context, s cli.Streams) error {
	c, err := s.OpenToLook()
	if err != nil {
		return err
	}
	versions, err := c.History(ctx)
	if err != nil {
		return err
	}
	kept := len(versions)
	versions = versions[:min(kept, int(h.Limit))]
	if h.JSON {
		return cli.WriteJSON(s.Stdout, versions)
	}
	columns := []text.Column{{Head: "SAVED (UTC)"}, {Head: "THROUGH"}, {Head: "BEGAN"}, {Head: "GENERATION", Right: true}}
	var rows [][]string
	clock := func(t time.Time) string { return strings.TrimSuffix(text.Stamp(t), " UTC") }
	for _, v := range versions {
		row := []string{clock(v.Saved), clock(v.Through), "(the original's)", strconv.FormatInt(v.Generation, 10)}
		switch {
		case v.Problem != "":
			row[1], row[2] = "no state: "+text.Clean(v.Problem), ""
		case !v.Original:
			row[2] = clock(v.Began)
		}
		rows = append(rows, row)
	}
	t := text.TerminalOf(s.Stdout, s.Lookup)
	if len(rows) > 0 {
		fmt.Fprintln(t, t.Table(columns, rows))
	}
	if more := kept - len(versions); more > 0 {
		fmt.Fprintf(t, "and %s; --limit all prints them\n", text.Count(more, "earlier one", "earlier ones"))
	}
	if kept < 2 {
		fmt.Fprintln(t, "\nThe bucket keeps no earlier versions; see netskope-alerts state history --help.")
	}
	return nil
}
