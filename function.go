// Package collector is a Cloud Run function that moves alerts from a Netskope tenant
// into a Cloud Storage bucket, from where a Google SecOps feed reads them.
//
// Its promise: every alert that the tenant makes available lands in the bucket exactly
// once, byte for byte, in an object that is complete or absent, whatever fails in
// between. A run that cannot do its work fails loudly and changes nothing.
//
// The flow goes one way, a file for every verb:
//
//	function.go  a Pub/Sub message arrives: [CollectAlerts]
//	config.go    the environment becomes a [Config]; variables.go reads it
//	run.go       [Run] repeats, window after window:
//	state.go       what was done so far: load it, save it by compare-and-swap
//	window.go      which span of time comes next; split.go, if it was too long
//	fetch.go       the window's pages; tenant.go asks for one, refusal.go judges it
//	deliver.go     the window's object; write.go writes it, complete or absent
//	ledger.go      the entry that decides what is delivered; settle.go moves it there
//	report.go    what the run did: one record in the log
//
// A message can ask for more than the next windows (message.go): backfill.go collects
// a past span with the same loop, and audit.go ([Verify]) compares what was delivered with
// what the tenant has, and delivers what is missing.
//
// Read [State] first: its invariant is what everything else keeps.
package collector

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	cloudevents "github.com/cloudevents/sdk-go/v2"

	"netskope-alerts.internal/collector/internal/message"
)

func init() {
	functions.CloudEvent("CollectAlerts", CollectAlerts)
}

// tenantClient keeps its connections from one invocation of an instance to the next.
var tenantClient = &http.Client{Transport: NewTransport()}

// CollectAlerts is the function's entry point: one run for one Pub/Sub message. It
// returns nil only when all that it wrote is durable and the state is saved; the
// message is then acknowledged. The run's record, or what is wrong, is in the log.
func CollectAlerts(ctx context.Context, e cloudevents.Event) error {
	return handle(ctx, e, os.LookupEnv, newLogger(os.Stderr, levelFromEnv(os.LookupEnv)))
}

// handle runs once and logs once. The error that it returns says no more than where
// to look, because the framework prints it as a format string.
func handle(ctx context.Context, e cloudevents.Event, lookup func(string) (string, bool), log *slog.Logger) error {
	log = log.With("event", e.ID())
	fail := func(what string, err error, attributes ...slog.Attr) error {
		log.LogAttrs(ctx, slog.LevelError, what, append(attributes, slog.String("error", err.Error()))...)
		return errors.New(what + "; the log record of this event says why")
	}
	asked, err := message.Read(e)
	if err != nil {
		return fail("message refused", err)
	}
	c, err := ConfigFromEnv(lookup)
	if err != nil {
		return fail("configuration refused", err)
	}
	if c.StateInFeed() {
		log.LogAttrs(ctx, slog.LevelWarn, "state lies in the feed's folder: the feed reads it as a log every time it changes, and, if it deletes what it has read, deletes the state, after which alerts are delivered again; move the object and set STATE_KEY to its new name",
			slog.String("state", c.StateKey), slog.String("folder", c.Prefix+"/"))
	}
	bucket, err := OpenBucket(c.Bucket)
	if err != nil {
		return fail("run failed", err)
	}
	now := triggerTime(e, time.Now())
	if asked.Verify > 0 {
		audit, err := verifyBudgeted(ctx, c, bucket, tenantClient, now, asked)
		switch attributes := audit.attributes(); {
		case err != nil:
			return fail("audit failed", err, attributes...)
		case !audit.Complete:
			return unfinished(ctx, log, "audit not complete", attributes)
		case !audit.Passed():
			log.LogAttrs(ctx, slog.LevelError, "audit found a gap", attributes...)
		default:
			log.LogAttrs(ctx, slog.LevelInfo, "audit passed", attributes...)
		}
		return nil
	}
	if span := (Window{From: asked.From, To: asked.To}); span != (Window{}) {
		report, err := Backfill(ctx, c, bucket, tenantClient, now, span, nil)
		switch attributes := report.attributes(); {
		case err != nil:
			return fail("backfill failed", err, attributes...)
		case !report.CaughtUp:
			return unfinished(ctx, log, "backfill not complete", attributes)
		default:
			log.LogAttrs(ctx, slog.LevelInfo, "backfill finished", attributes...)
		}
		return nil
	}
	report, err := Run(ctx, c, bucket, tenantClient, now, nil)
	if err != nil {
		return fail("run failed", err, report.attributes()...)
	}
	level := slog.LevelInfo
	if report.Quarantined > 0 || report.Undated > 0 {
		level = slog.LevelWarn
	}
	log.LogAttrs(ctx, level, "run finished", report.attributes()...)
	return nil
}

// unfinished logs work whose budget is spent, and has the message delivered again.
func unfinished(ctx context.Context, log *slog.Logger, what string, attributes []slog.Attr) error {
	log.LogAttrs(ctx, slog.LevelInfo, what, attributes...)
	return errors.New(what + "; the message is to be delivered again")
}

// triggerTime is the run's now: the event's time, so that an event that is delivered
// again asks for the same windows, but never later than the clock.
func triggerTime(e cloudevents.Event, clock time.Time) time.Time {
	if t := e.Time(); !t.IsZero() && t.Before(clock) {
		return t
	}
	return clock
}
