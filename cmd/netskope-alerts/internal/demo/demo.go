// Package demo is the command that shows the collector at work on stand-ins of its services,
// and then proves that every alert arrived once.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
)

// Command is netskope-alerts demo.
type Command struct {
	Alerts  int    `default:"20000" help:"Alerts that the simulated tenant makes (${default})."`
	Seed    uint64 `default:"0" help:"Seed of the simulation: the same one gives the same alerts and counts; 0 picks one."`
	Out     string `default:"out" help:"Folder that shows the bucket's objects afterwards (./${default})."`
	Gzip    bool   `help:"Have the function compress its objects."`
	Streams bool   `help:"Have it make, and collect, all six streams."`
	Keep    bool   `help:"Leave everything running afterwards, to try the other commands on it."`
}

// Help is shown by demo --help.
func (*Command) Help() string {
	return "Starts a simulated Netskope tenant with a day of alerts and an embedded Cloud Storage on loopback, " +
		"serves the real function, and sends it Pub/Sub events as Eventarc does: " +
		"a first run, the next three hours, and one event delivered a second time. " +
		"The tenant limits the rate, breaks a page and loses alerts' order; the storage loses an answer. " +
		"Then every alert of the tenant is looked up in the bucket; with --streams, every record of all six streams. " +
		"The day is 2 March 2026, so that a seed says all; with --keep it is today.\n\n" +
		cli.Ends{Well: "every alert is there once (with --keep: " + cli.Stopped + ")",
			Failed: "one is not, or the demo failed"}.String() + "\n\n" +
		"Example:\n" +
		"  netskope-alerts demo --alerts 100000 --seed 7 --keep"
}

// Validate refuses a day of too few alerts for its proof, and of too many for this machine.
func (d *Command) Validate() error {
	if d.Alerts < 100 || d.Alerts > 1_000_000 {
		return fmt.Errorf("--alerts %d: want 100 to 1000000", d.Alerts)
	}
	return nil
}

// Run plays the day, proves what it led to, and tears all down unless it is to be kept.
func (d *Command) Run(ctx context.Context, s cli.Streams) error {
	if d.Seed == 0 {
		d.Seed = 1 + rand.Uint64N(999_999)
	}
	if err := emptyFolder(d.Out); err != nil {
		return err
	}
	played, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()

	t := text.TerminalOf(s.Stdout, s.Lookup)
	say := func(format string, arguments ...any) {
		fmt.Fprintln(t, text.Wrapped(fmt.Sprintf(format, arguments...), t.Width, 0))
	}
	say("Seed %d. A tenant with %d alerts and a Cloud Storage start on loopback; the function is served.", d.Seed, d.Alerts)
	w, err := startWorld(d)
	if err != nil {
		return err
	}
	defer w.close()
	f, err := startFunction(ctx, w.environment(d))
	if err != nil {
		return err
	}
	defer f.stop()

	done := showProgress(s.Stderr, w)
	rows, err := w.play(played, f)
	done()
	table(t, rows)
	if err != nil {
		return err
	}
	proof, err := w.prove(w.alerts, d.Out, prefix, began(rows, "alert"))
	if err != nil {
		return err
	}
	fmt.Fprintln(t)
	say("On the way the tenant refused %s with 429 and broke %s, and the storage lost %s.",
		text.Count(int(w.limited.Load()), "request", "requests"), text.Count(int(w.broken.Load()), "page", "pages"),
		text.Count(int(w.lost.Load()), "answer", "answers"))
	proof.print(t, d)
	events, err := w.proveEvents(s.Stdout, d.Out, rows)
	if err != nil {
		return err
	}
	if !proof.sound() || !events {
		return cli.ExitStatus(cli.ExitFailed)
	}
	if d.Keep {
		return w.keep(ctx, s, f, d)
	}
	return nil
}

// marker is a file that says that a folder is a demo's and may be emptied by the next.
const marker = ".made-by-netskope-alerts-demo"

// emptyFolder makes the folder, or empties one that an earlier demo made. It removes
// nothing of anybody else's.
func emptyFolder(name string) error {
	entries, err := os.ReadDir(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("open --out folder: %w", err)
	}
	if len(entries) > 0 {
		if _, err := os.Stat(filepath.Join(name, marker)); err != nil {
			return fmt.Errorf("--out %s is not empty and not from an earlier demo: name another folder", name)
		}
		if err := os.RemoveAll(name); err != nil {
			return fmt.Errorf("empty --out folder: %w", err)
		}
	}
	if err := os.MkdirAll(name, 0o755); err != nil {
		return fmt.Errorf("make --out folder: %w", err)
	}
	if err := os.WriteFile(filepath.Join(name, marker), nil, 0o644); err != nil {
		return fmt.Errorf("mark --out folder: %w", err)
	}
	return nil
}

// table prints a line for every run. But for the speed, the seed decides all of it; how many
// pages a run asks for depends on how its cells meet, too, and is left out.
func table(t text.Terminal, rows []record) {
	columns := []text.Column{{Head: "RUN"}, {Head: "COLLECTED (UTC)"}, {Head: "CELLS", Right: true},
		{Head: "ALERTS", Right: true}, {Head: "OBJECTS", Right: true}, {Head: "RETRIES", Right: true},
		{Head: "MB/s"}} // which alone differs from one demo to the next, and moves nothing there
	var lines [][]string
	for i, r := range rows {
		name := r.name
		first := i == 0 || rows[i-1].name != r.name
		if !first || i+1 < len(rows) && rows[i+1].name == r.name { // of several streams
			columns[3].Head = "RECORDS"
			name = "  " + r.Stream
			if first {
				lines = append(lines, []string{r.name})
			}
		}
		span := "nothing new"
		if r.Cells > 0 {
			span = r.From.Format("Jan 02 15:04") + ", " + text.Span(r.To.Sub(r.From))
		}
		lines = append(lines, []string{name, span, strconv.Itoa(r.Cells), strconv.Itoa(r.Alerts), strconv.Itoa(r.Objects),
			strconv.Itoa(r.Retries), fmt.Sprintf("%.1f", r.Bytes/1e6/max(r.Seconds, 0.001))})
	}
	fmt.Fprintf(t, "\n%s\n", t.Table(columns, lines))
}
