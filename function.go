// Package collector is a Cloud Run function that moves alerts from a Netskope tenant
// into a Cloud Storage bucket, from where a Google SecOps feed reads them.
//
// Its promise: every alert that the tenant makes available lands in the bucket exactly
// once, byte for byte, in an object that is complete or absent, whatever fails in
// between. A run that cannot do its work fails loudly and changes nothing.
//
// This package is the run: what one invocation does, in the order in which it does it.
//
//	function.go  a Pub/Sub message arrives: [CollectAlerts]
//	collector.go what a run is configured to do (internal/settings), wired: a [Collector]
//	state.go     how far the collector has come (internal/state): loaded, held against the ledger, saved
//	run.go       [Collector.Run] and [Collector.Backfill]: a span of time is delivered
//	cells.go     which cells tile the span, several at once, until the budget is spent
//	fetch.go     one cell: asked wide, kept exact
//	report.go    what the run did: one record in the log
//	audit.go     the other thing that a message can ask for: [Collector.Audit]
//	move.go      an operator moves the state
//
// Time is cut by a fixed grid of cells (internal/cell), a tree from six hours down to a
// second. What is delivered is decided cell by cell in the ledger (internal/ledger), which
// keeps the one rule from which the promise follows. Read that package's comment first.
package collector

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	cloudevents "github.com/cloudevents/sdk-go/v2"

	"netskope-alerts.internal/collector/internal/message"
	"netskope-alerts.internal/collector/internal/settings"
	"netskope-alerts.internal/collector/internal/stream"
)

func init() {
	functions.CloudEvent("CollectAlerts", CollectAlerts)
}

// CollectAlerts is the function's entry point: one run for one Pub/Sub message. It
// returns nil only when all that it wrote is durable and the state is saved; the
// message is then acknowledged. The run's record, or what is wrong, is in the log.
func CollectAlerts(ctx context.Context, e cloudevents.Event) error {
	return handle(ctx, e, os.LookupEnv, newLogger(os.Stderr, settings.LogLevelFromEnv(os.LookupEnv)))
}

// outcome is what became of a message, for one stream or before any was at work: one record in
// the log.
type outcome struct {
	of         string // the stream, where several are at work
	level      slog.Level
	text       string
	attributes []slog.Attr
	err        error // why it failed; nil otherwise
	again      bool  // the message is to be delivered again
}

// handle does what the message asks for, and logs once for every stream. The error that it returns
// says no more than where to look, because the framework prints it as a format string.
func handle(ctx context.Context, e cloudevents.Event, lookup func(string) (string, bool), log *slog.Logger) error {
	log = log.With("event", e.ID())
	var mu sync.Mutex
	var failed, again []string
	perform(ctx, e, lookup, log, func(o outcome) {
		mu.Lock()
		defer mu.Unlock()
		text := o.text
		if o.of != "" {
			text = o.of + ": " + text
		}
		switch {
		case o.err != nil:
			log.LogAttrs(ctx, slog.LevelError, o.text, append(o.attributes, slog.String("error", o.err.Error()))...)
			failed = append(failed, text)
			return
		case o.again:
			again = append(again, text)
		}
		log.LogAttrs(ctx, o.level, o.text, o.attributes...)
	})
	slices.Sort(failed)
	slices.Sort(again)
	switch {
	case len(failed) > 1:
		return errors.New(strings.Join(failed, ", ") + "; the log records of this event say why")
	case len(failed) > 0:
		return errors.New(failed[0] + "; the log record of this event says why")
	case len(again) > 0:
		return errors.New(strings.Join(again, ", ") + "; the message is to be delivered again")
	}
	return nil
}

// perform turns a message into outcomes: one of every stream that it concerns, and one alone
// where it comes to none.
func perform(ctx context.Context, e cloudevents.Event, lookup func(string) (string, bool), log *slog.Logger,
	each func(outcome)) {
	asked, err := message.Read(e)
	if err != nil {
		each(outcome{text: "message refused", err: err})
		return
	}
	for _, p := range settings.Misspelt(lookup) {
		log.LogAttrs(ctx, slog.LevelWarn, p.Error(), slog.String("variable", p.Name))
	}
	configs, err := settings.ConfigsFromEnv(lookup)
	if err != nil {
		each(outcome{text: "configuration refused", err: err})
		return
	}
	configs, err = concerned(asked, configs)
	if err != nil {
		each(outcome{text: "message refused", err: err})
		return
	}
	if config := configs[0]; config.StateInFeed() {
		log.LogAttrs(ctx, slog.LevelWarn, stateInFeed,
			slog.String("state", config.StateKey), slog.String("folder", config.Prefix+"/"))
	}
	collectors, err := OpenAll(configs)
	if err != nil {
		each(outcome{text: "run failed", err: err})
		return
	}
	now := triggerTime(e, time.Now())
	SideBySide(collectors, func(c *Collector) {
		o := c.perform(ctx, now, asked)
		if len(collectors) > 1 {
			o.of = c.Stream.String()
		}
		each(o)
	})
}

// concerned are the configurations of the streams that the message is for.
func concerned(asked message.Request, configs []settings.Config) ([]settings.Config, error) {
	streams := make([]stream.Stream, len(configs))
	for i, c := range configs {
		streams[i] = c.Stream
	}
	streams, err := asked.Concerns(streams)
	return slices.DeleteFunc(configs, func(c settings.Config) bool { return !slices.Contains(streams, c.Stream) }), err
}

// perform does what the message asks for with one stream.
func (c *Collector) perform(ctx context.Context, now time.Time, asked message.Request) outcome {
	switch {
	case asked.Verify > 0:
		return c.performAudit(ctx, now, asked)
	case !asked.From.IsZero():
		r, err := c.Backfill(ctx, now, Span{From: asked.From, To: asked.To}, nil)
		return ended("backfill", r, err)
	default:
		r, err := c.Run(ctx, now, nil)
		o := ended("run", r, err)
		if err == nil { // the next tick comes anyway
			o.text, o.again = "run finished", false
		}
		return o
	}
}

const stateInFeed = "state lies in the feed's folder: the feed reads it as a log every time it changes, and, " +
	"if it deletes what it has read, deletes the state; move the object and set STATE_KEY to its new name"

func ended(what string, r Report, err error) outcome {
	o := outcome{level: r.level(), text: what + " finished", attributes: r.attributes()}
	switch {
	case err != nil:
		o.text, o.err = what+" failed", err
	case !r.CaughtUp:
		o.text, o.again = what+" not complete", true
	}
	return o
}

func (c *Collector) performAudit(ctx context.Context, now time.Time, asked message.Request) outcome {
	s, err := c.auditBudgeted(ctx, now, asked)
	o := outcome{text: "audit passed", attributes: auditAttributes(c.Stream, &s)}
	switch {
	case err != nil:
		o.text, o.err = "audit failed", err
	case !s.Complete:
		o.text, o.again = "audit not complete", true
	case !s.Passed():
		o.text, o.level = "audit found a gap", slog.LevelError
	}
	return o
}

// triggerTime is the run's now: the event's time, so that an event that is delivered
// again asks for the same span, but never later than the clock.
func triggerTime(e cloudevents.Event, clock time.Time) time.Time {
	if t := e.Time(); !t.IsZero() && t.Before(clock) {
		return t
	}
	return clock
}
