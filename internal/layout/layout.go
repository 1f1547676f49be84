// Package layout names every object that the collector makes, and reads the names back. No
// other package composes or parses one.
package layout

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/stream"
)

// Folders are where the objects of one stream lie: what their names begin with, up to and with
// a slash. None but the feed's own begins with the feed's folder, with its slash or without,
// so that a feed on gs://bucket/a/b/c takes nothing but alerts.
type Folders struct {
	Feed       string // alerts, where the feed reads them
	Ledger     string // what was delivered
	Staging    string // alerts, until their entry in the ledger is made
	Quarantine string // what a feed cannot take
	Check      string // what a check makes and removes again
	Audit      string // name of the object that holds how far an audit has come
	State      string // name of the object that holds the state, unless it is named otherwise

	stream stream.Stream
}

// reserved are the folders that lie beside a feed's folder.
var reserved = []string{"ledger", "staging", "quarantine", "check", "audit", "state"}

// Beside are the folders of a feed's folder, which has no slash at its ends: those of alerts.
func Beside(feed string) Folders {
	parent, last := split(feed)
	in := func(name string) string { return parent + name + "/" + last + "/" }
	return Folders{Feed: feed + "/", Ledger: in("ledger"), Staging: in("staging"), Quarantine: in("quarantine"),
		Check: in("check"), Audit: parent + "audit/" + last + ".json", State: StateKey(feed)}
}

// Of are the folders of a stream: alerts have the feed's folder for themselves, and any other
// stream has one below it, which it shares with other events, so that one feed can take them all.
func (f Folders) Of(s stream.Stream) Folders {
	if s == stream.Alert {
		return f
	}
	below := func(folder string) string { return folder + s.String() + "/" }
	object := func(name string) string { return strings.TrimSuffix(name, ".json") + "/" + s.String() + ".json" }
	return Folders{Feed: below(f.Feed), Ledger: below(f.Ledger), Staging: below(f.Staging),
		Quarantine: below(f.Quarantine), Check: below(f.Check), Audit: object(f.Audit), State: object(f.State), stream: s}
}

// Overlap reports whether a feed on one of two feeds' folders, with its slash or without, takes
// anything of the other, or the one keeps its own where the other does.
func Overlap(feed, other string) bool {
	for _, name := range Beside(feed).all() {
		for _, others := range Beside(other).all() {
			if strings.HasPrefix(name, others) || strings.HasPrefix(others, name) {
				return true
			}
		}
	}
	return false
}

func (f Folders) all() []string {
	return []string{strings.TrimSuffix(f.Feed, "/"), f.Ledger, f.Staging, f.Quarantine, f.Check, f.Audit, f.State}
}

// StateKey is where the state of alerts lies unless it is named otherwise.
func StateKey(feed string) string {
	parent, last := split(feed)
	return parent + "state/" + last + ".json"
}

// OriginalStateKey is where the Python function that this collector replaces kept its
// state by default.
func OriginalStateKey(feed string) string { return feed + "/state.json" }

// DamagedKey is where the bytes of a state that could not be read are kept.
func DamagedKey(stateKey string, generation int64) string {
	return fmt.Sprintf("%s.damaged-%d", stateKey, generation)
}

// Collides is the folder of ours that a feed on this folder would take, or nothing.
func Collides(feed string) string {
	parent, last := split(feed)
	for _, name := range reserved {
		if strings.HasPrefix(name, last) {
			return parent + name + "/"
		}
	}
	return ""
}

func split(folder string) (parent, last string) {
	i := strings.LastIndexByte(folder, '/') + 1
	return folder[:i], folder[i:]
}

const (
	entrySuffix = ".ids"
	// compactTime is RFC 3339 without punctuation, fit for names.
	compactTime         = "20060102T150405Z"
	compactMilliseconds = "20060102T150405.000Z"
	dayFolder           = "2006/01/02/"
	// GzipSuffix is that of compressed objects.
	GzipSuffix = ".gz"
	lateMark   = "_late"
)

// Entry is the name of the ledger's entry of a cell, or of its nth late entry. Names sort by
// the cells' beginnings.
func (f Folders) Entry(c cell.Cell, late int) string {
	return f.Ledger + c.From().Format(dayFolder) + entryBase(c, late) + entrySuffix
}

func entryBase(c cell.Cell, late int) string {
	base := c.From().Format(compactTime) + "_" + c.Level().String()
	if late > 0 {
		base += fmt.Sprintf("%s%04d", lateMark, late)
	}
	return base
}

// ParseEntry reads what [Folders.Entry] writes.
func (f Folders) ParseEntry(name string) (c cell.Cell, late int, ok bool) {
	base, isEntry := strings.CutSuffix(strings.TrimPrefix(name, f.Ledger), entrySuffix)
	if c, late, ok = parseBase(base[strings.LastIndexByte(base, '/')+1:]); !isEntry || !ok {
		return c, late, false
	}
	return c, late, f.Entry(c, late) == name
}

func parseBase(base string) (c cell.Cell, late int, ok bool) {
	base, number, isLate := strings.Cut(base, lateMark)
	start, length, _ := strings.Cut(base, "_")
	from, err := time.Parse(compactTime, start)
	level, known := cell.ParseLevel(length)
	if err != nil || !known {
		return c, 0, false
	}
	if isLate {
		if late, err = strconv.Atoi(number); err != nil || late < 1 {
			return c, 0, false
		}
	}
	c, ok = cell.New(level, from)
	return c, late, ok
}

// EntriesFrom is where a list of the ledger begins that is to hold every cell in which the
// moment lies, and all that begin later; EntriesTo is where one ends that is to hold all
// that begin before the moment.
func (f Folders) EntriesFrom(moment time.Time) string {
	return f.Ledger + cell.At(cell.Top, moment).From().Format(dayFolder+compactTime)
}

// EntriesTo is where a list of the ledger ends: see [Folders.EntriesFrom].
func (f Folders) EntriesTo(moment time.Time) string {
	return f.Ledger + moment.UTC().Format(dayFolder+compactTime)
}

// EntriesEnd is behind all entries.
func (f Folders) EntriesEnd() string { return f.Ledger + ":" }

// Moved is where the ledger notes that an operator moved the live collector at the moment; they
// sort by it. Its folder is [Folders.Moves].
func (f Folders) Moved(moment time.Time) string {
	return f.Moves() + moment.UTC().Format(compactMilliseconds) + ".json"
}

// Moves is the folder of these notes, behind all entries.
func (f Folders) Moves() string { return f.Ledger + "moved/" }

// ParseMoved reads what [Folders.Moved] writes.
func (f Folders) ParseMoved(name string) (moment time.Time, ok bool) {
	moment, err := time.Parse(compactMilliseconds, strings.TrimSuffix(strings.TrimPrefix(name, f.Moves()), ".json"))
	return moment, err == nil && f.Moved(moment) == name
}

// IsDays reports whether a folder directly below the feed's is of the folders of days.
func (f Folders) IsDays(folder string) bool {
	year := strings.TrimSuffix(strings.TrimPrefix(folder, f.Feed), "/")
	_, err := strconv.ParseUint(year, 10, 64)
	return err == nil && len(year) == 4
}

// Staged is the name of an object that waits for its entry; unique tells the deliveries of
// one entry apart, and part the objects of one delivery.
func (f Folders) Staged(c cell.Cell, late int, unique, part string) string {
	return f.Staging + entryBase(c, late) + "." + unique + "." + part
}

// ParseStaged is the entry for which an object waits; ok says that [Folders.Staged] may have
// named it.
func (f Folders) ParseStaged(name string) (c cell.Cell, late int, ok bool) {
	rest, ours := strings.CutPrefix(name, f.Staging)
	base, _, found := strings.Cut(rest, ".")
	if c, late, ok = parseBase(base); !ours || !found || !ok {
		return c, late, false
	}
	return c, late, entryBase(c, late) == base
}

// Alerts is the name of a part of a cell's alerts in the feed's folder: a person sees the stream
// and the span. Parts are counted from 1. suffix is .ndjson, and .gz behind it if the object is
// compressed.
func (f Folders) Alerts(c cell.Cell, late, part int, suffix string) string {
	return f.Feed + f.object(kind(f.stream), c, late, part) + suffix
}

// AlertsFrom is where a list of the feed's folder begins that is to hold every cell's alerts in
// which the moment lies, and all of cells that begin later; AlertsTo is where one ends that is to
// hold those of all that begin before the moment.
func (f Folders) AlertsFrom(moment time.Time) string {
	return f.Feed + cell.At(cell.Top, moment).From().Format(dayFolder)
}

// AlertsTo is where a list of the feed's folder ends: see [Folders.AlertsFrom].
func (f Folders) AlertsTo(moment time.Time) string {
	return f.Feed + moment.UTC().Add(24*time.Hour-time.Nanosecond).Format(dayFolder)
}

// Isolated is the name of the object of a cell's alerts that a feed cannot take.
func (f Folders) Isolated(c cell.Cell, late int) string {
	return f.Quarantine + f.object("quarantine", c, late, 1) + ".ndjson"
}

// kind is what the names of a stream's objects in the feed's folder begin with.
func kind(s stream.Stream) string {
	if s == stream.Alert {
		return "alerts"
	}
	return s.String()
}

func (f Folders) object(kind string, c cell.Cell, late, part int) string {
	name := c.From().Format(dayFolder) + kind + "_" + c.From().Format(compactTime) + "_" + c.To().Format(compactTime)
	if late > 0 {
		name += fmt.Sprintf("%s%04d", lateMark, late)
	}
	if part > 1 {
		name += fmt.Sprintf("_part%d", part)
	}
	return name
}

// ParseAlerts is the span that the name of an object in the feed's folder says it is of.
func (f Folders) ParseAlerts(name string) (from, to time.Time, late bool, ok bool) {
	stem, _, _ := strings.Cut(name[strings.LastIndexByte(name, '/')+1:], ".")
	fields := strings.Split(stem, "_")
	if len(fields) < 3 || fields[0] != kind(f.stream) {
		return from, to, false, false
	}
	from, err := time.Parse(compactTime, fields[1])
	to, toErr := time.Parse(compactTime, fields[2])
	return from, to, strings.Contains(stem, lateMark), err == nil && toErr == nil
}

// Collected is the folder, up to and with its slash, in which an object lies that
// [Folders.Alerts] could have named so: one of alerts may be anywhere, one of another stream
// in a folder that is called so.
func Collected(name string) (folder string, ok bool) {
	stem, suffix, _ := strings.Cut(name[strings.LastIndexByte(name, '/')+1:], ".")
	if suffix != "ndjson" && suffix != "ndjson"+GzipSuffix {
		return "", false
	}
	for _, s := range stream.All() {
		f := Folders{stream: s}
		from, to, _, named := f.ParseAlerts(name)
		if !named {
			continue
		}
		folder, ok = f.collected(name, stem, "."+suffix, from, to)
		return folder, ok && (s == stream.Alert || strings.HasSuffix("/"+folder, "/"+s.String()+"/"))
	}
	return "", false
}

func (f Folders) collected(name, stem, suffix string, from, to time.Time) (folder string, ok bool) {
	late, part := 0, 0
	for _, field := range strings.Split(stem, "_")[3:] {
		number, isLate := strings.CutPrefix("_"+field, lateMark)
		if isLate {
			late, _ = strconv.Atoi(number)
		} else {
			part, _ = strconv.Atoi(strings.TrimPrefix(field, "part"))
		}
	}
	for level := cell.Top; level <= cell.Last; level++ {
		if c, begins := cell.New(level, from); begins && c.To().Equal(to) {
			folder, ok = strings.CutSuffix(name, f.Alerts(c, late, part, suffix))
			return folder, ok && (folder == "" || strings.HasSuffix(folder, "/"))
		}
	}
	return "", false
}
