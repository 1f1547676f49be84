package layout

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/stream"
)

var (
	folders = Beside("netskope/alerts")
	pages   = Beside("netskope/events").Of(stream.Page)
	moment  = time.Date(2026, 11, 23, 10, 0, 7, 0, time.UTC)
)

func TestNames(t *testing.T) {
	hour, second := cell.At(cell.Hour, moment), cell.At(cell.Last, moment)
	for _, test := range []struct{ got, want string }{
		{folders.Entry(hour, 0), "netskope/ledger/alerts/2026/11/23/20261123T095500Z_1h.ids"},
		{folders.Entry(hour, 3), "netskope/ledger/alerts/2026/11/23/20261123T095500Z_1h_late0003.ids"},
		{folders.Staged(second, 0, "U", "part1.gz"), "netskope/staging/alerts/20261123T100007Z_1s.U.part1.gz"},
		{folders.Staged(second, 12, "U", "quarantine"),
			"netskope/staging/alerts/20261123T100007Z_1s_late0012.U.quarantine"},
		{folders.Alerts(hour, 0, 1, ".ndjson"),
			"netskope/alerts/2026/11/23/alerts_20261123T095500Z_20261123T105500Z.ndjson"},
		{folders.Alerts(hour, 2, 3, ".ndjson.gz"),
			"netskope/alerts/2026/11/23/alerts_20261123T095500Z_20261123T105500Z_late0002_part3.ndjson.gz"},
		{folders.Isolated(hour, 0),
			"netskope/quarantine/alerts/2026/11/23/quarantine_20261123T095500Z_20261123T105500Z.ndjson"},
		{folders.Check, "netskope/check/alerts/"},
		{folders.Audit, "netskope/audit/alerts.json"},
		{Beside("alerts").Ledger, "ledger/alerts/"},
		{StateKey("netskope/alerts"), "netskope/state/alerts.json"},
		{StateKey("alerts"), "state/alerts.json"},
		{OriginalStateKey("netskope/alerts"), "netskope/alerts/state.json"},
		{DamagedKey("a/state.json", 7), "a/state.json.damaged-7"},
		{folders.State, "netskope/state/alerts.json"},
		{folders.Of(stream.Alert).Alerts(hour, 0, 1, ".ndjson"), folders.Alerts(hour, 0, 1, ".ndjson")},
		{pages.Alerts(hour, 2, 1, ".ndjson"),
			"netskope/events/page/2026/11/23/page_20261123T095500Z_20261123T105500Z_late0002.ndjson"},
		{pages.Entry(hour, 0), "netskope/ledger/events/page/2026/11/23/20261123T095500Z_1h.ids"},
		{pages.Staged(second, 0, "U", "part1.gz"), "netskope/staging/events/page/20261123T100007Z_1s.U.part1.gz"},
		{pages.Isolated(hour, 0),
			"netskope/quarantine/events/page/2026/11/23/quarantine_20261123T095500Z_20261123T105500Z.ndjson"},
		{pages.Check, "netskope/check/events/page/"},
		{pages.Audit, "netskope/audit/events/page.json"},
		{pages.State, "netskope/state/events/page.json"},
	} {
		if test.got != test.want {
			t.Errorf("got  %s\nwant %s", test.got, test.want)
		}
	}
}

// TestNothingOfOursIsInTheFeed: unless a folder is refused, a feed on it, with its slash or
// without, takes nothing but alerts.
func TestNothingOfOursIsInTheFeed(t *testing.T) {
	refused := 0
	for _, parent := range []string{"", "a/", "ledger/x/"} {
		for _, last := range []string{"alerts", "l", "ledger", "ledgers", "s", "st", "sta", "stat", "stag", "state",
			"a", "au", "audits", "q", "quarantine", "c", "check", "checks", "x"} {
			feed := parent + last
			f := Beside(feed)
			taken := ""
			for _, name := range []string{f.Ledger, f.Staging, f.Quarantine, f.Check, f.Audit, StateKey(feed)} {
				if strings.HasPrefix(name, feed) {
					taken = name
				}
				if strings.HasPrefix(f.Feed, name) {
					t.Errorf("the feed's folder %s is in %s", f.Feed, name)
				}
			}
			collides := Collides(feed)
			if (collides == "") != (taken == "") {
				t.Errorf("a feed on %s takes %q, and is said to take %q", feed, taken, collides)
			}
			if collides != "" {
				refused++
			}
		}
	}
	if refused == 0 {
		t.Error("nothing was refused: the test shows nothing")
	}
}

// TestStreamsKeepApart: a feed on the folder of all events, with its slash or without, takes
// nothing but events, and no stream's names are among another's.
func TestStreamsKeepApart(t *testing.T) {
	all := map[stream.Stream]Folders{}
	for _, s := range stream.All() {
		feed := "netskope/events"
		if s == stream.Alert {
			feed = "netskope/alerts"
		}
		all[s] = Beside(feed).Of(s)
	}
	for s, f := range all {
		for _, name := range f.all()[1:] {
			for _, feed := range []string{"netskope/events", "netskope/alerts"} {
				if strings.HasPrefix(name, feed) {
					t.Errorf("%v: a feed on %s takes %s", s, feed, name)
				}
			}
		}
		for other, g := range all {
			for _, name := range f.all() {
				for _, others := range g.all() {
					if s != other && strings.HasPrefix(name, others) {
						t.Errorf("%s of %v lies in %s of %v", name, s, others, other)
					}
				}
			}
		}
	}
	for _, test := range []struct {
		feed, other string
		overlap     bool
	}{
		{"netskope/alerts", "netskope/events", false}, {"alerts", "events", false}, {"a/x", "b/x", false},
		{"netskope/events", "netskope/events", true}, {"netskope/events", "netskope/events/alerts", true},
		{"netskope/alerts/events", "netskope/alerts", true}, {"netskope/alerts", "netskope/alerts2", true},
		{"netskope/alerts", "netskope/ledger/alerts", true}, {"netskope/audit/alerts.json", "netskope/alerts", true},
	} {
		if Overlap(test.feed, test.other) != test.overlap || Overlap(test.other, test.feed) != test.overlap {
			t.Errorf("%s and %s: want %v", test.feed, test.other, test.overlap)
		}
	}
}

// TestCollected: the folder of an object is read from its name, and one of events is of none
// where the folder is another stream's.
func TestCollected(t *testing.T) {
	hour := cell.At(cell.Hour, moment)
	for _, s := range stream.All() {
		f := Beside("a/b").Of(s)
		for _, late := range []int{0, 2} {
			name := f.Alerts(hour, late, 1+late, ".ndjson.gz")
			if folder, ok := Collected(name); !ok || folder != f.Feed {
				t.Errorf("%s is of %q, %v", name, folder, ok)
			}
		}
	}
	name := pages.Alerts(hour, 0, 1, ".ndjson")
	for _, wrong := range []string{strings.Replace(name, "page/", "audit/", 1),
		strings.Replace(name, "page_", "pages_", 1), strings.Replace(name, "11/23/", "11/24/", 1), name + ".gz.tmp"} {
		if folder, ok := Collected(wrong); ok {
			t.Errorf("%s is of %s", wrong, folder)
		}
	}
}

// randomCell is any of this century.
func randomCell(r *rand.Rand) cell.Cell {
	return cell.At(cell.Level(r.IntN(int(cell.Last)+1)), time.Unix(946_684_800+r.Int64N(3e9), 0))
}

// TestNamesAreReadBack: and names of entries sort by the cells' beginnings.
func TestNamesAreReadBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var cells []cell.Cell
	for range 2000 {
		c, late := randomCell(r), max(0, r.IntN(30_000)-10_000)
		cells = append(cells, c)
		if got, n, ok := folders.ParseEntry(folders.Entry(c, late)); !ok || got != c || n != late {
			t.Fatalf("%s: %v, %d, %v", folders.Entry(c, late), got, n, ok)
		}
		staged := folders.Staged(c, late, "ABC", "part1.gz")
		if got, n, ok := folders.ParseStaged(staged); !ok || got != c || n != late {
			t.Fatalf("%s: %v, %d, %v", staged, got, n, ok)
		}
		name := folders.Alerts(c, late, 1+r.IntN(3), ".ndjson.gz")
		from, to, isLate, ok := folders.ParseAlerts(name)
		if !ok || !from.Equal(c.From()) || !to.Equal(c.To()) || isLate != (late > 0) {
			t.Fatalf("%s: %v, %v, %v, %v", name, from, to, isLate, ok)
		}
	}
	slices.SortFunc(cells, func(a, b cell.Cell) int {
		return strings.Compare(folders.Entry(a, 0), folders.Entry(b, 0))
	})
	if !slices.IsSortedFunc(cells, func(a, b cell.Cell) int { return a.From().Compare(b.From()) }) {
		t.Error("names do not sort by the cells' beginnings")
	}
}

func TestOtherNamesAreNotRead(t *testing.T) {
	const entry, staged = "netskope/ledger/alerts/2026/11/23/", "netskope/staging/alerts/"
	for _, name := range []string{"", "x", entry, entry + ".ids", entry + "20261123T095500Z.ids",
		entry + "20261123T095500Z_1h", entry + "20261123T095500Z_1h.txt", entry + "20261123T095500Z_2h.ids",
		entry + "20261123T095501Z_1h.ids", entry + "20261123T095500.0Z_1h.ids",
		entry + "20261123T095500Z_1h_late0000.ids", entry + "20261123T095500Z_1h_late1.ids",
		entry + "20261123T095500Z_1h_late+001.ids",
		entry + "20261123T095500Z_1h_late00001.ids", entry + "20261123T095500Z_1h_late0001_late0001.ids",
		entry + "x/20261123T095500Z_1h.ids", "netskope/ledger/alerts/2026/11/24/20261123T095500Z_1h.ids",
		"20261123T095500Z_1h.ids", "other/ledger/alerts/2026/11/23/20261123T095500Z_1h.ids"} {
		if c, late, ok := folders.ParseEntry(name); ok {
			t.Errorf("%s is the entry %v, %d", name, c, late)
		}
	}
	for _, name := range []string{"", staged, staged + "20261123T095500Z_1h", staged + "20261123T095500Z.U.part1",
		staged + "20261123T095500.0Z_1h.U.part1", staged + "20261123T095500Z_1h_late1.U.part1",
		staged + "20261123T095500Z_1h_late+001.U.part1", staged + "x/20261123T095500Z_1h.U.part1",
		"20261123T095500Z_1h.U.part1", "netskope/alerts/20261123T095500Z_1h.U.part1"} {
		if c, late, ok := folders.ParseStaged(name); ok {
			t.Errorf("%s is staged for %v, %d", name, c, late)
		}
	}
	for _, name := range []string{"", "state.json", "alerts.ndjson", "alerts_20261123T095500Z.ndjson",
		"late_20261123T095500Z_20261123T105500Z.ndjson", "alerts_x_20261123T105500Z.ndjson",
		"alerts_20261123T095500Z_x.ndjson"} {
		if from, to, _, ok := folders.ParseAlerts(folders.Feed + name); ok {
			t.Errorf("%s is of %v to %v", name, from, to)
		}
	}
}

// TestListsOfEntries: a list between EntriesFrom and EntriesTo holds every entry of a cell
// that has a moment of the span, late or not.
func TestListsOfEntries(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 20_000 {
		c := randomCell(r)
		// A span somewhere around the cell.
		around := func() time.Time { return c.From().Add(time.Duration(r.Int64N(86_400)-43_200) * time.Second) }
		from, to := around(), around()
		switch r.IntN(4) {
		case 0:
			from = c.To().Add(-time.Duration(r.IntN(2)) * time.Second)
		case 1:
			to = c.From().Add(time.Duration(r.IntN(2)) * time.Second)
		}
		if !from.Before(to) {
			continue
		}
		zone := time.FixedZone("", 3600*(r.IntN(24)-12))
		first, end := folders.EntriesFrom(from.In(zone)), folders.EntriesTo(to.In(zone))
		overlaps := c.From().Before(to) && from.Before(c.To())
		for _, late := range []int{0, 1} {
			name := folders.Entry(c, late)
			if listed := name >= first && name < end; overlaps && !listed {
				t.Fatalf("%s is not between %s and %s", name, first, end)
			}
			if !c.From().Before(to) && name < end {
				t.Fatalf("%s is before %s", name, end)
			}
		}
	}
}

// FuzzParseEntry holds that only names that the layout composes are read.
func FuzzParseEntry(f *testing.F) {
	f.Add("netskope/ledger/alerts/2026/11/23/20261123T095500Z_1h.ids")
	f.Add("netskope/ledger/alerts/2026/11/23/20261123T100007Z_1s_late0003.ids")
	f.Add("netskope/ledger/alerts/2026/11/23/20261123T100007.00Z_1s_late0003.ids")
	f.Fuzz(func(t *testing.T, name string) {
		if c, late, ok := folders.ParseEntry(name); ok && folders.Entry(c, late) != name {
			t.Errorf("%q is read as %q", name, folders.Entry(c, late))
		}
	})
}

func FuzzParseStaged(f *testing.F) {
	f.Add("netskope/staging/alerts/20261123T100007Z_1s.U.part1")
	f.Add("netskope/staging/alerts/20261123T095500Z_1h_late0003..")
	f.Fuzz(func(t *testing.T, name string) {
		c, late, ok := folders.ParseStaged(name)
		if begin := strings.TrimSuffix(folders.Staged(c, late, "", ""), "."); ok && !strings.HasPrefix(name, begin) {
			t.Errorf("%q is read as %q", name, begin)
		}
	})
}

func FuzzParseAlerts(f *testing.F) {
	f.Add("netskope/alerts/2026/11/23/alerts_20261123T095500Z_20261123T105500Z_late0002_part3.ndjson.gz")
	f.Add("alerts__")
	f.Fuzz(func(t *testing.T, name string) {
		from, to, _, ok := folders.ParseAlerts(name)
		if ok && (!strings.Contains(name, "alerts_") || !strings.Contains(name, from.Format("20060102T150405")) ||
			!strings.Contains(name, to.Format("20060102T150405"))) {
			t.Errorf("%q is of %v to %v", name, from, to)
		}
	})
}
