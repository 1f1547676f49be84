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
	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/message"
)

// Backfill is netskope-alerts backfill.
type Backfill struct {
	From    string        `required:"" help:"Where the span begins: a time, or how long ago."`
	To      string        `required:"" help:"Where it ends; at the latest where alerts are old enough to be collected (LAG)."`
	Publish bool          `help:"Publish what is not delivered in pieces to the topic, for the deployed function to work off."`
	Topic   string        `env:"NETSKOPE_ALERTS_TOPIC" placeholder:"projects/P/topics/T" help:"With --publish: the topic that triggers the function ($$NETSKOPE_ALERTS_TOPIC)."`
	Piece   time.Duration `default:"6h" help:"With --publish: the longest that a piece may be (${default})."`
	Yes     bool          `short:"y" help:"Do not ask."`
}

// Help is shown by backfill --help.
func (*Backfill) Help() string {
	return "Collects a past span beside the live collector, whose state it does not touch. " +
		"What the ledger shows as delivered is passed over; the rest is delivered, once. " +
		"Interrupt it at any time: the same command goes on where it stopped.\n\n" +
		"Other backfills, and the collector itself, may be at the same span.\n\n" +
		"With --publish nothing is collected here: " +
		"what is not delivered is cut into pieces, and a message for each is published, which Cloud Run works off, " +
		"several at once if it is allowed more than one instance. " +
		"The same command again publishes what is left.\n\n" +
		"Exit status: 0 all is delivered (with --publish: published), 1 failed.\n\n" +
		"Example:\n" +
		"  netskope-alerts backfill --from 2026-10-01 --to 2026-11-01"
}

// Run collects what the ledger does not have of the span, or publishes it.
func (b *Backfill) Run(ctx context.Context, s cli.Streams) error {
	now := time.Now()
	var span collector.Span
	var err error
	if span.From, err = cli.ParseMoment("--from", b.From, now); err != nil {
		return err
	}
	if span.To, err = cli.ParseMoment("--to", b.To, now); err != nil {
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
	holes, err := c.Undelivered(ctx, now, span)
	if err != nil {
		return err
	}
	if len(holes) == 0 {
		fmt.Fprintf(s.Stdout, "The ledger has all of %s to %s: there is nothing to do.\n", text.Stamp(span.From),
			text.Stamp(span.To))
		return nil
	}
	left := time.Duration(0)
	for _, hole := range holes {
		left += hole.To.Sub(hole.From)
	}
	fmt.Fprintf(s.Stdout, "Of %s to %s, %s is not in the ledger, from %s to %s.\n", text.Stamp(span.From),
		text.Stamp(span.To), text.Span(left), text.Stamp(holes[0].From), text.Stamp(holes[len(holes)-1].To))
	if !b.Yes {
		fmt.Fprintln(s.Stderr, "If another collector has delivered a part of it, SecOps gets that again.")
		if err := s.Confirm("Collect it?"); err != nil {
			return err
		}
	}
	if b.Publish {
		return b.publish(ctx, s, holes)
	}
	return b.collect(ctx, s, c, span)
}

// collect works the span off here, run after run.
func (b *Backfill) collect(ctx context.Context, s cli.Streams, c *collector.Collector, span collector.Span) error {
	show, done := estimateLine(s.Stderr, span)
	defer done()
	var alerts, objects, requests int64
	for {
		r, err := c.Backfill(ctx, time.Now(), span, show)
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

// publish has the function work off what is not delivered.
func (b *Backfill) publish(ctx context.Context, s cli.Streams, holes []collector.Span) error {
	var messages [][]byte
	for _, piece := range pieces(holes, b.Piece) {
		content, err := message.Backfill(piece.From, piece.To)
		if err != nil {
			return err
		}
		messages = append(messages, content)
	}
	if err := publish(ctx, s, b.Topic, messages); err != nil {
		return err
	}
	fmt.Fprintf(s.Stdout, "Published %s to %s. The same command says what is left, and publishes it again.\n",
		text.Count(len(messages), "message", "messages"), b.Topic)
	return nil
}

// pieces cuts the spans into pieces that are no longer than most, at edges of the longest
// cells where it can.
func pieces(spans []collector.Span, most time.Duration) []collector.Span {
	var all []collector.Span
	for _, span := range spans {
		for at := span.From; at.Before(span.To); {
			end := at.Add(most)
			if edge := cell.At(cell.Top, end).From(); !end.Before(span.To) {
				end = span.To
			} else if edge.After(at) {
				end = edge
			}
			all = append(all, collector.Span{From: at, To: end})
			at = end
		}
	}
	return all
}

// estimateLine draws how far the backfill has come and how long it will take, if w is a
// terminal.
func estimateLine(w io.Writer, all collector.Span) (show func(collector.Report), done func()) {
	length := all.To.Sub(all.From)
	bar := text.NewProgress(w, int64(length.Seconds()),
		text.ProgressStyle{Width: 20, Estimate: true, Pause: 100 * time.Millisecond})
	show = func(r collector.Report) {
		bar.Say(fmt.Sprintf("%s  %s", text.Stamp(r.Through), text.Count(r.Alerts, "alert", "alerts")))
		bar.At(int64(r.Through.Sub(all.From).Seconds()))
	}
	return show, bar.Clear
}
