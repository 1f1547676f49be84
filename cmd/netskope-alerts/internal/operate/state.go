package operate

import (
	"context"
	"fmt"
	"text/tabwriter"
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
	return `Prints how far the collector has come, and where it began.

Example:
  netskope-alerts state show --json`
}

// Run only reads.
func (show *stateShow) Run(ctx context.Context, s cli.Streams) error {
	c, err := s.Open()
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
	t := tabwriter.NewWriter(s.Stdout, 0, 0, 2, ' ', 0)
	defer t.Flush()
	fmt.Fprintf(t, "state\tgs://%s/%s#%d\n", c.BucketName, c.StateKey, p.Generation)
	fmt.Fprintf(t, "saved\t%s\n", text.Stamp(p.Saved))
	fmt.Fprintf(t, "through\t%s (every alert before it is delivered)\n", text.Stamp(p.Through))
	if p.LastEventTime > 0 {
		fmt.Fprintf(t, "newest alert\t%s\n", text.Stamp(time.Unix(p.LastEventTime, 0)))
	}
	if p.Original {
		fmt.Fprintln(t, "origin\tit is the original function's, and will be adopted by the first run")
		return nil
	}
	fmt.Fprintf(t, "began\t%s (the collector, or an operator moved it there)\n", text.Stamp(p.Began))
	fmt.Fprintf(t, "tenant\t%s, by %s time\n", p.Tenant, p.TimeField)
	return nil
}

type stateSet struct {
	Through string `required:"" help:"The time, or how long ago: every alert before it counts as delivered then."`
	Yes     bool   `short:"y" help:"Do not ask."`
}

// Help is shown by state set --help.
func (*stateSet) Help() string {
	return "Moves the state, if no run saves it meanwhile. " +
		"Going back collects what the ledger does not have, and does not deliver again what it has. " +
		"Going forward skips; what is skipped can be brought by backfill, or verify --repair.\n\n" +
		"Example:\n" +
		"  netskope-alerts state set --through 2026-11-01T00:00:00Z"
}

// Run says what the move repeats or skips, and asks before it moves.
func (set *stateSet) Run(ctx context.Context, s cli.Streams) error {
	now := time.Now()
	to, err := cli.ParseMoment("--through", set.Through, now)
	if err != nil {
		return err
	}
	c, err := s.Open()
	if err != nil {
		return err
	}
	m, err := c.PlanMove(ctx, now, to)
	if err != nil {
		return err
	}
	fmt.Fprintln(s.Stdout, moveSentence(m))
	for _, w := range m.Undelivered {
		fmt.Fprintf(s.Stdout, "  %s to %s (%s)\n", text.Stamp(w.From), text.Stamp(w.To), text.Span(w.To.Sub(w.From)))
	}
	if m.From.Equal(m.To) {
		return nil
	}
	if !set.Yes {
		if err := s.Confirm("Move it?"); err != nil {
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
	JSON bool `name:"json" help:"Print JSON instead of text."`
}

// Help is shown by state history --help.
func (*stateHistory) Help() string {
	return `Lists the state and its earlier versions, newest first. The bucket keeps versions if that is switched on:

  gcloud storage buckets update gs://BUCKET --versioning

Example:
  netskope-alerts state history`
}

// Run only reads.
func (h *stateHistory) Run(ctx context.Context, s cli.Streams) error {
	c, err := s.Open()
	if err != nil {
		return err
	}
	versions, err := c.History(ctx)
	if err != nil {
		return err
	}
	if h.JSON {
		return cli.WriteJSON(s.Stdout, versions)
	}
	t := tabwriter.NewWriter(s.Stdout, 0, 0, 2, ' ', 0)
	defer t.Flush()
	fmt.Fprintln(t, "SAVED (UTC)\tTHROUGH\tBEGAN\tGENERATION")
	for _, v := range versions {
		if v.Problem != "" {
			fmt.Fprintf(t, "%s\tno state: %s\t\t%d\n", text.Stamp(v.Saved), text.Clean(v.Problem), v.Generation)
			continue
		}
		began := "(the original function's)"
		if !v.Original {
			began = text.Stamp(v.Began)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\n", text.Stamp(v.Saved), text.Stamp(v.Through), began, v.Generation)
	}
	if len(versions) < 2 {
		fmt.Fprintln(t, "\nThe bucket keeps no earlier versions; see netskope-alerts state history --help.")
	}
	return nil
}
