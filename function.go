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
//	report.go    what the run did: one record in the log
//
// Read [State] first: its invariant is what everything else keeps.
package collector

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	cloudevents "github.com/cloudevents/sdk-go/v2"
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
	fail := func(message string, err error, attributes ...slog.Attr) error {
		log.LogAttrs(ctx, slog.LevelError, message, append(attributes, slog.String("error", err.Error()))...)
		return errors.New(message + "; the log record of this event says why")
	}
	if err := checkMessage(e); err != nil {
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
	report, err := Run(ctx, c, bucket, tenantClient, triggerTime(e, time.Now()), nil)
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

// triggerTime is the run's now: the event's time, so that an event that is delivered
// again asks for the same windows, but never later than the clock.
func triggerTime(e cloudevents.Event, clock time.Time) time.Time {
	if t := e.Time(); !t.IsZero() && t.Before(clock) {
		return t
	}
	return clock
}

// checkMessage accepts the ordinary tick: a Pub/Sub message whose payload is empty or
// {}. Whatever else a message may ask for, this version cannot do, and doing the
// ordinary instead would be a silent failure.
func checkMessage(e cloudevents.Event) error {
	var envelope struct {
		Message *struct {
			Data []byte `json:"data"`
		} `json:"message"`
	}
	body := bytes.TrimSpace(e.Data())
	if len(body) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return fmt.Errorf("read event %s: its data is not a Pub/Sub message: %w", e.Type(), err)
	}
	if envelope.Message == nil {
		if !isEmptyObject(body) {
			return fmt.Errorf("read event %s: its data is not a Pub/Sub message", e.Type())
		}
		return nil
	}
	payload := bytes.TrimSpace(envelope.Message.Data)
	if len(payload) == 0 || isEmptyObject(payload) {
		return nil
	}
	if len(payload) > 100 {
		payload = append(payload[:100:100], "…"...)
	}
	return fmt.Errorf("read message: %q asks for something that this version cannot do; publish {} or an empty message to collect", payload)
}

func isEmptyObject(text []byte) bool {
	var members map[string]json.RawMessage
	return json.Unmarshal(text, &members) == nil && members != nil && len(members) == 0
}
