package demo

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// eventsPrefix is the folder of the streams beside alerts.
const eventsPrefix = "netskope/events"

// perAlert is how many records of each stream beside alerts the tenant makes for an alert, as it may
// be in a company: most are pages and network sessions.
var perAlert = map[string]float64{"application": 0.5, "audit": 0.02, "infrastructure": 0.05, "network": 1, "page": 2}

// addStreams gives the tenant all its streams.
func (w *world) addStreams(d *Command) {
	w.events = map[string][]netskopetest.Alert{}
	w.tenant.Events = map[string]*netskopetest.Server{}
	for i, name := range netskopetest.Streams()[1:] {
		seed, share := d.Seed+100+uint64(i), perAlert[name] // another one, so that no two records have one _id
		w.events[name] = netskopetest.Profile{Seed: seed, Stream: name, From: w.first.Add(-24 * time.Hour),
			To: w.first.Add(3 * time.Hour), N: max(int(share*float64(d.Alerts)), 10), Peak: w.peak(),
			VisibleWithin: 4 * time.Minute}.Alerts()
		w.tenant.Events[name] = &netskopetest.Server{Seed: seed, Order: netskopetest.Shuffled, Now: w.clock}
		w.tenant.Events[name].Add(w.events[name]...)
	}
}

// streams are the names of those that the function collects.
func (w *world) streams() []string {
	names := []string{"alert"}
	for name := range w.events {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// streamSettings are the function's, where it collects more than alerts.
func (w *world) streamSettings() []string {
	if len(w.events) == 0 {
		return nil
	}
	return []string{"STREAMS=" + strings.Join(w.streams(), ","), "EVENTS_PREFIX=" + eventsPrefix}
}

// inOrder sorts the records of one event by their streams, and gives them the name of the event.
func inOrder(name string, records []record) []record {
	slices.SortFunc(records, func(a, b record) int { return cmp.Compare(a.Stream, b.Stream) })
	for i := range records {
		records[i].name = name
	}
	return records
}

// began is where the collecting of a stream did.
func began(rows []record, stream string) time.Time {
	for _, r := range rows {
		if r.Stream == stream {
			return r.From
		}
	}
	return time.Time{}
}

// proveEvents does for the streams beside alerts what [world.prove] does for them, and prints it. It
// reports whether every record is there once.
func (w *world) proveEvents(out io.Writer, folder string, rows []record) (bool, error) {
	if len(w.events) == 0 {
		return true, nil
	}
	sound := true
	fmt.Fprintf(out, "\n%-16s %9s %9s %9s %9s %9s %9s\n",
		"events", "made", "too young", "lines", "lost", "twice", "changed")
	for _, name := range w.streams() {
		if name == "alert" {
			continue
		}
		p, err := w.prove(w.events[name], folder, eventsPrefix+"/"+name, began(rows, name))
		if err != nil {
			return false, err
		}
		sound = sound && p.sound()
		fmt.Fprintf(out, "%-16s %9d %9d %9d %9d %9d %9d\n", name, p.made, p.notYet, p.lines, p.lost, p.repeated, p.changed)
	}
	return sound, nil
}
