package operate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"netskope-alerts.internal/collector"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
)

// Backfill is netskope-alerts backfill.
type Backfill struct {
	From    string        `required:"" help:"Where the span begins: a time, or how long ago."`
	To      string        `required:"" help:"Where it ends; the collector itself collects what is later than it has come."`
	Publish bool          `help:"Publish the span in pieces to the topic, for the deployed function to work off."`
	Topic   string        `env:"NETSKOPE_ALERTS_TOPIC" placeholder:"projects/P/topics/T" help:"With --publish: the topic that triggers the function ($$NETSKOPE_ALERTS_TOPIC)."`
	Piece   time.Duration `default:"6h" help:"With --publish: the length of a piece (${default})."`
	GiveUp  bool          `help:"Give the backfill of exactly this span up, so that others may overlap it. What it has delivered stays."`
	Yes     bool          `short:"y" help:"Do not ask."`
}

// Help is shown by backfill --help.
func (*Backfill) Help() string {
	return "Collects a past span beside the live collector, whose state it does not touch. " +
		"What the ledger shows as delivered is passed over; the rest is delivered, once. " +
		"Interrupt it at any time: the same command goes on where it stopped.\n\n" +
		"With --publish nothing is collected here: " +
		"the span is cut into pieces, and a message for each is published, which Cloud Run works off, " +
		"several at once if it is allowed more than one instance. " +
		"The same command again publishes what is left.\n\n" +
		"Exit status: 0 all is delivered (with --publish: published), 1 failed.\n\n" +
		"Example:\n" +
		"  netskope-alerts backfill --from 2026-10-01 --to 2026-11-01"
}

// Run collects what the ledger does not have of the span, or publishes it, or gives it up.
func (b *Backfill) Run(ctx context.Context, s cli.Streams) error {
	now := time.Now()
	var w collector.Window
	var err error
	if w.From, err = cli.ParseMoment("--from", b.From, now); err != nil {
		return err
	}
	if w.To, err = cli.ParseMoment("--to", b.To, now); err != nil {
		return err
	}
	if b.Publish && b.Topic == "" {
		return errors.New("--publish needs the topic that triggers the function: " +
			"--topic projects/P/topics/T, or NETSKOPE_ALERTS_TOPIC")
	}
	if b.Piece < time.Minute || b.Piece%time.Second != 0 {
		return fmt.Errorf("--piece %s: want whole seconds, a minute at least", b.Piece)
	}
	c, err := s.Open()
	if err != nil {
		return err
	}
	if b.GiveUp {
		return collector.AbandonBackfill(ctx, c.Config, c.Handle, w)
	}
	holes, err := collector.Undelivered(ctx, c.Config, c.Handle, w)
	if err != nil {
		return err
	}
	if len(holes) == 0 {
		fmt.Fprintf(s.Stdout, "The ledger has all of %s to %s: there is nothing to do.\n", text.Stamp(w.From),
			text.Stamp(w.To))
		return nil
	}
	left := time.Duration(0)
	for _, hole := range holes {
		left += hole.To.Sub(hole.From)
	}
	fmt.Fprintf(s.Stdout, "Of %s to %s, %s is not in the ledger, from %s to %s.\n", text.Stamp(w.From),
		text.Stamp(w.To), text.Span(left), text.Stamp(holes[0].From), text.Stamp(holes[len(holes)-1].To))
	if !b.Yes {
		fmt.Fprintln(s.Stderr, "If another collector has delivered a part of it, SecOps gets that again.")
		if err := s.Confirm("Collect it?"); err != nil {
			return err
		}
	}
	if b.Publish {
		return b.publish(ctx, s, c, w)
	}
	return b.collect(ctx, s, c, w)
}

// collect works the span off here, run after run.
func (b *Backfill) collect(ctx context.Context, s cli.Streams, c cli.Collection, w collector.Window) error {
	show, done := estimateLine(s.Stderr, w)
	defer done()
	var alerts, objects, requests int64
	for {
		r, err := collector.Backfill(ctx, c.Config, c.Handle, c.Client, time.Now(), w, show)
		alerts, objects, requests = alerts+r.Alerts, objects+int64(r.Objects), requests+int64(r.Requests)
		if err != nil {
			done()
			return fmt.Errorf("%w; what is delivered stays, and the same command goes on there", err)
		}
		if r.CaughtUp {
			done()
			fmt.Fprintf(s.Stdout, "Delivered %s in %s; %s to the tenant.\n", text.Count(alerts, "alert", "alerts"),
				text.Count(objects, "object", "objects"), text.Count(requests, "request", "requests"))
			return nil
		}
	}
}

// publish has the function work the span off.
func (b *Backfill) publish(ctx context.Context, s cli.Streams, c cli.Collection, w collector.Window) error {
	pieces, err := collector.PlanBackfill(ctx, c.Config, c.Handle, w, b.Piece)
	if err != nil {
		return err
	}
	var messages [][]byte
	for _, piece := range pieces {
		message, err := collector.BackfillMessage(piece)
		if err != nil {
			return err
		}
		messages = append(messages, message)
	}
	if err := publish(ctx, s, b.Topic, messages); err != nil {
		return err
	}
	fmt.Fprintf(s.Stdout, "Published %s to %s. netskope-alerts status names those that are not complete.\n",
		text.Count(len(messages), "message", "messages"), b.Topic)
	return nil
}

// estimateLine draws how far the backfill has come and how long it will take, if w is a
// terminal.
func estimateLine(w io.Writer, all collector.Window) (show func(collector.Report), done func()) {
	length := all.To.Sub(all.From)
	bar := text.NewProgress(w, int64(length.Seconds()),
		text.ProgressStyle{Width: 20, Estimate: true, Pause: 100 * time.Millisecond})
	show = func(r collector.Report) {
		bar.Say(fmt.Sprintf("%s  %s", text.Stamp(r.Through), text.Count(r.Alerts, "alert", "alerts")))
		bar.At(int64(r.Through.Sub(all.From).Seconds()))
	}
	return show, bar.Clear
}
