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
	"netskope-alerts.internal/collector/internal/stream"
)

// Backfill is netskope-alerts backfill.
type Backfill struct {
	From         cli.Moment    `required:"" help:"Where the span begins: a time, or how long ago, in whole minutes."`
	To           cli.Moment    `required:"" help:"Where it ends; at the latest where alerts are old enough to be collected (LAG)."`
	Publish      bool          `help:"Publish what is not delivered in pieces to the topic, for the deployed function to work off."`
	Topic        string        `env:"NETSKOPE_ALERTS_TOPIC" placeholder:"projects/P/topics/T" help:"With --publish: the topic that triggers the function."`
	Piece        time.Duration `default:"6h" help:"With --publish: the longest that a piece may be (${default})."`
	Beyond90Days bool          `name:"beyond-90-days" help:"Go on where the span begins before what a tenant keeps."`
	Yes          bool          `short:"y" help:"Do not ask."`
}

// kept is how long a tenant keeps alerts.
const kept = 90 * 24 * time.Hour

// Help is shown by backfill --help.
func (*Backfill) Help() string {
	return "Collects a past span beside the live collector, whose state it does not touch. " +
		"What the ledger shows as delivered is passed over; the rest is delivered, once. " +
		"Interrupt it at any time: the same command goes on where it stopped.\n\n" +
		"Other backfills, and the collector itself, may be at the same span. " +
		"Where several streams are collected, --stream says whose span it is.\n\n" +
		"With --publish nothing is collected here: " +
		"what is not delivered is cut into pieces, and a message for each is published, which Cloud Run works off, " +
		"several at once if it is allowed more than one instance. " +
		"The same command again publishes what is left.\n\n" +
		"A tenant keeps alerts for 90 days. What it does not have any more it lists as nothing, " +
		"and nothing is then recorded as delivered, for ever; so a span that begins earlier " +
		"needs --beyond-90-days.\n\n" +
		cli.Ends{Well: "all is delivered (with --publish: published)"}.String() + "\n\n" +
		"Example:\n" +
		"  netskope-alerts backfill --from 2026-10-01 --to 2026-11-01"
}

// Run collects what the ledger does not have of the span, or publishes it.
func (b *Backfill) Run(ctx context.Context, s cli.Streams) error {
	now := time.Now()
	span := b.span(now)
	c, err := s.Open()
	if err != nil {
		return err
	}
	var topic *topic
	if b.Publish { // before anything is promised
		if topic, err = openTopic(ctx, s, b.Topic); err != nil {
			return err
		}
	}
	holes, err := c.Undelivered(ctx, now, span)
	if err != nil {
		return err
	}
	t := text.TerminalOf(s.Stdout, s.Lookup)
	say := func(format string, arguments ...any) {
		fmt.Fprintln(t, text.Wrapped(fmt.Sprintf(format, arguments...), t.Width, 0))
	}
	if len(holes) == 0 {
		say("There is nothing to do: the ledger has all of %s to %s.", text.Stamp(span.From), text.Stamp(span.To))
		return nil
	}
	left := time.Duration(0)
	for _, hole := range holes {
		left += hole.To.Sub(hole.From)
	}
	say("Of %s to %s, %s is not in the ledger, from %s to %s.", text.Stamp(span.From),
		text.Stamp(span.To), text.Span(left), text.Stamp(holes[0].From), text.Stamp(holes[len(holes)-1].To))
	if !b.Yes {
		fmt.Fprintln(s.Stderr, "If another collector has delivered a part of it, SecOps gets that again.")
		if err := s.Confirm(ctx, "Collect it?"); err != nil {
			return err
		}
	}
	if b.Publish {
		err = b.publish(ctx, s, topic, c.Stream, holes, say)
	} else {
		err = b.collect(ctx, s, c, span, say)
	}
	return err
}

// span is what is asked for. Its ends are fixed from now on: a command that goes on names them.
func (b *Backfill) span(now time.Time) collector.Span {
	return collector.Span{From: b.From.At(now), To: b.To.At(now)}
}

// Validate refuses what cannot be meant.
func (b *Backfill) Validate() error {
	if b.From == "" || b.To == "" {
		return nil // which the parser has better words for
	}
	now := time.Now()
	span := b.span(now)
	if !span.From.Before(span.To) {
		return fmt.Errorf("--to %s is not after --from %s", b.To, b.From)
	}
	if b.Publish && b.Topic == "" {
		return errors.New("--publish needs the topic that triggers the function: " +
			"--topic projects/P/topics/T, or NETSKOPE_ALERTS_TOPIC")
	}
	if b.Publish && !topicName.MatchString(b.Topic) {
		return fmt.Errorf("--topic %q: want projects/PROJECT/topics/TOPIC", b.Topic)
	}
	if b.Piece < time.Minute || b.Piece%time.Second != 0 {
		return fmt.Errorf("--piece %s: want whole seconds, a minute at least", b.Piece)
	}
	if oldest := now.Add(-kept).UTC().Truncate(time.Minute); span.From.Before(oldest) && !b.Beyond90Days {
		return fmt.Errorf("--from %s is before %s: a tenant keeps alerts for 90 days, and what it lists no more "+
			"would be recorded as delivered, with nothing in it, for ever; begin there with --from 90d, "+
			"or add --beyond-90-days if this tenant keeps them longer", span.From.Format(time.RFC3339), text.Stamp(oldest))
	}
	return nil
}

// again is the command that goes on with the span; of is as [cli.Streams.Stream].
func (b *Backfill) again(of string, span collector.Span) string {
	words := []string{"backfill", "--from", span.From.Format(time.RFC3339), "--to", span.To.Format(time.RFC3339)}
	if b.Publish {
		words = append(words, "--publish", "--topic", b.Topic, "--piece", b.Piece.String())
	}
	if b.Beyond90Days {
		words = append(words, "--beyond-90-days")
	}
	if b.Yes {
		words = append(words, "--yes")
	}
	return cli.CommandOf(of, words...)
}

// collect works the span off here, run after run.
func (b *Backfill) collect(ctx context.Context, s cli.Streams, c *collector.Collector, span collector.Span,
	say func(string, ...any)) error {
	show, done := estimateLine(s.Stderr, span)
	defer done()
	var sum collector.Report
	for {
		r, err := c.Backfill(ctx, time.Now(), span, show)
		sum.Alerts, sum.Objects, sum.Requests = sum.Alerts+r.Alerts, sum.Objects+r.Objects, sum.Requests+r.Requests
		if err != nil {
			done()
			again := b.again(s.Stream, span)
			stopped := cli.IfInterrupted(ctx, err, "Delivered "+delivered(sum)+", which stay.", again)
			if stopped != err {
				return stopped
			}
			return fmt.Errorf("%w; what is delivered stays, and the same command goes on there: %s", err, again)
		}
		if r.CaughtUp {
			done()
			say("Delivered %s; %s to the tenant.", delivered(sum), text.Count(sum.Requests, "request", "requests"))
			return nil
		}
	}
}

// publish has the function work off what is not delivered.
func (b *Backfill) publish(ctx context.Context, s cli.Streams, topic *topic, of stream.Stream, holes []collector.Span,
	say func(string, ...any)) error {
	var messages [][]byte
	for _, piece := range pieces(holes, b.Piece) {
		content, err := message.Backfill(piece.From, piece.To, &of)
		if err != nil {
			return err
		}
		messages = append(messages, content)
	}
	if sent, err := topic.publish(ctx, messages); err != nil {
		whole := collector.Span{From: holes[0].From, To: holes[len(holes)-1].To}
		return cli.IfInterrupted(ctx, err, fmt.Sprintf("Published %d of %s.", sent,
			text.Count(len(messages), "message", "messages")), b.again(s.Stream, whole))
	}
	say("Published %s to %s. The same command says what is left, and publishes it again.",
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
			if !end.Before(span.To) {
				end = span.To
			} else {
				end = edgeBefore(at, end)
			}
			all = append(all, collector.Span{From: at, To: end})
			at = end
		}
	}
	return all
}

// edgeBefore is the last moment after at, and not after end, where one of the longest cells that
// have such an edge begins.
func edgeBefore(at, end time.Time) time.Time {
	for level := cell.Top; level <= cell.Last; level++ {
		if edge := cell.At(level, end).From(); edge.After(at) {
			return edge
		}
	}
	return end
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
