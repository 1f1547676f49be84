package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
	"netskope-alerts.internal/collector/internal/standin/pubsubtest"
)

const topicName = "projects/demo/topics/netskope-alerts-trigger"

// lateDemoAlerts is how many alerts of the collected hours the kept tenant has kept back.
const lateDemoAlerts = 5

// keep leaves the demo's world running until the context ends: the tenant, whose clock goes
// on from now, the storage, and a topic that triggers the served function. The tenant gets
// something to find: a few alerts of the collected hours that it did not show, and two days
// before those hours.
func (w *world) keep(ctx context.Context, s cli.Streams, f *function, d *Command) error {
	past := w.first.Add(-24 * time.Hour)
	w.tenant.Add(netskopetest.Profile{Seed: d.Seed + 1, From: past.Add(-48 * time.Hour), To: past.Add(-2 * time.Hour),
		N: d.Alerts / 4, Peak: w.peak(), VisibleWithin: -1}.Alerts()...)
	w.tenant.Add(netskopetest.Profile{Seed: d.Seed + 2, From: w.first.Add(-6 * time.Hour), To: w.first.Add(-time.Hour),
		N: lateDemoAlerts, Peak: w.peak(), VisibleWithin: -1}.Alerts()...)
	w.live.Store(true)

	topic := &pubsubtest.Server{Topic: topicName, Endpoint: f.url, Concurrency: 2, AckDeadline: 10 * time.Minute,
		MinBackoff: time.Second}
	defer topic.Close()
	pubsub, err := w.serve(topic)
	if err != nil {
		return err
	}
	environment := []string{
		"NETSKOPE_ALERTS_TOPIC=" + topicName,
		"PUBSUB_EMULATOR_HOST=" + pubsub,
		"LOOKBACK_HOURS=24",
	}
	for _, pair := range w.environment(d) {
		if name, _, _ := strings.Cut(pair, "="); strings.Contains(name, "_") && name != "PAGE_SIZE" {
			environment = append(environment, pair)
		}
	}
	if len(w.events) > 0 {
		environment = append(environment, "STREAMS="+strings.Join(w.streams(), ","))
	}
	file := filepath.Join(d.Out, "environment.sh")
	if err := writeEnvironment(file, environment); err != nil {
		return err
	}
	t := text.TerminalOf(s.Stdout, s.Lookup)
	fmt.Fprintf(t, "\n%s\n\n  . %s\n\n%s\n\n",
		text.Wrapped("The tenant, the bucket and the function are left running until you press Ctrl-C. "+
			"In another terminal:", t.Width, 0), file,
		text.Wrapped("and then, for example, netskope-alerts check, status, verify, verify --repair, state show, "+
			"backfill --from 3d --to 36h --publish, find ID (of an alert in "+
			filepath.Join(d.Out, filepath.FromSlash(prefix))+"). The environment is", t.Width, 0))
	for _, pair := range environment {
		fmt.Fprintf(s.Stdout, "  export %s\n", pair)
	}
	fmt.Fprintln(s.Stdout)
	for {
		select {
		case <-ctx.Done():
			return nil
		case r, ok := <-f.records:
			if !ok && ctx.Err() != nil {
				return nil // it was told to end, too
			}
			if !ok {
				return fmt.Errorf("the function ended")
			}
			printRecord(t, r)
		}
	}
}

// printRecord shows what the function has logged.
func printRecord(t text.Terminal, r record) {
	said := fmt.Sprintf("the function, message %s: %s", r.Event, r.Message)
	if r.Error != "" {
		said += ": " + r.Error
	}
	if r.Cells > 0 {
		said += fmt.Sprintf(" (%s)", text.Count(r.Cells, "cell", "cells"))
	}
	fmt.Fprintln(t, text.Wrapped(said, t.Width, 2))
}

// writeEnvironment writes what a shell reads with a dot.
func writeEnvironment(file string, environment []string) error {
	var text strings.Builder
	for _, pair := range environment {
		name, value, _ := strings.Cut(pair, "=")
		fmt.Fprintf(&text, "export %s='%s'\n", name, strings.ReplaceAll(value, "'", `'\''`))
	}
	// Whoever finds the file finds it whole.
	if err := os.WriteFile(file+".part", []byte(text.String()), 0o644); err != nil {
		return fmt.Errorf("write environment: %w", err)
	}
	if err := os.Rename(file+".part", file); err != nil {
		return fmt.Errorf("write environment: %w", err)
	}
	return nil
}
