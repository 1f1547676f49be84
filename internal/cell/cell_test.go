package cell

import (
	"testing"
	"time"
)

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestLevels(t *testing.T) {
	for l := Top; l <= Last; l++ {
		if back, ok := ParseLevel(l.String()); !ok || back != l {
			t.Errorf("%v reads back as %v, %v", l, back, ok)
		}
		if l > Top && ((l-1).Length()%l.Length() != 0 || (l-1).Length() <= l.Length()) {
			t.Errorf("%v does not divide %v", l, l-1)
		}
		if l > Top && time.Duration(shift)*time.Second%Minutes.Length() != 0 {
			t.Errorf("the shift is not aligned to %v", Minutes)
		}
	}
	if Hour.Length() != time.Hour || Minutes.Length() != 5*time.Minute || Last.Length() != time.Second {
		t.Error("a level has another length than its name says")
	}
	for _, name := range []string{"", "7h", "1", "1S", "60m", "6h "} {
		if l, ok := ParseLevel(name); ok {
			t.Errorf("%q is the level %v", name, l)
		}
	}
}

func TestAt(t *testing.T) {
	for _, test := range []struct {
		level            Level
		moment, from, to string
	}{
		{Hour, "2026-11-23T10:00:00Z", "2026-11-23T09:55:00Z", "2026-11-23T10:55:00Z"},
		{Hour, "2026-11-23T10:54:59.999Z", "2026-11-23T09:55:00Z", "2026-11-23T10:55:00Z"},
		{Hour, "2026-11-23T10:55:00Z", "2026-11-23T10:55:00Z", "2026-11-23T11:55:00Z"},
		{Hour, "2026-11-23T11:00:00+01:00", "2026-11-23T09:55:00Z", "2026-11-23T10:55:00Z"},
		{Top, "2026-11-23T00:00:00Z", "2026-11-22T23:55:00Z", "2026-11-23T05:55:00Z"},
		{Top, "2026-11-22T23:54:59Z", "2026-11-22T17:55:00Z", "2026-11-22T23:55:00Z"},
		{Minutes - 1, "2026-11-23T10:09:00Z", "2026-11-23T09:55:00Z", "2026-11-23T10:10:00Z"},
		{Minutes, "2026-11-23T10:09:00Z", "2026-11-23T10:05:00Z", "2026-11-23T10:10:00Z"},
		{Minutes + 1, "2026-11-23T10:09:59Z", "2026-11-23T10:09:00Z", "2026-11-23T10:10:00Z"},
		{Last - 1, "2026-11-23T10:09:59Z", "2026-11-23T10:09:50Z", "2026-11-23T10:10:00Z"},
		{Last, "2026-11-23T10:09:59.5Z", "2026-11-23T10:09:59Z", "2026-11-23T10:10:00Z"},
		// Before the epoch.
		{Hour, "1969-12-31T23:54:59.5Z", "1969-12-31T22:55:00Z", "1969-12-31T23:55:00Z"},
		{Hour, "1969-12-31T23:55:00Z", "1969-12-31T23:55:00Z", "1970-01-01T00:55:00Z"},
		{Top, "1969-12-31T12:00:00Z", "1969-12-31T11:55:00Z", "1969-12-31T17:55:00Z"},
		{Last, "1969-12-31T23:59:58.999Z", "1969-12-31T23:59:58Z", "1969-12-31T23:59:59Z"},
	} {
		c := At(test.level, at(test.moment))
		if !c.From().Equal(at(test.from)) || !c.To().Equal(at(test.to)) || c.From().Location() != time.UTC ||
			c.To().Location() != time.UTC || c.Level() != test.level || c.Length() != test.level.Length() {
			t.Errorf("%v at %s: %v to %v, want %s to %s", test.level, test.moment, c, c.To(), test.from, test.to)
		}
		if again, ok := New(test.level, c.From()); !ok || again != c {
			t.Errorf("%v begins at %v, and is not found there", c, c.From())
		}
		if _, ok := New(test.level, c.From().Add(1)); ok {
			t.Errorf("a cell of %v begins a nanosecond after %v", test.level, c.From())
		}
	}
	if got := At(Hour, at("2026-11-23T10:00:00Z")).String(); got != "2026-11-23T09:55:00Z/1h" {
		t.Errorf("it is written %s", got)
	}
}

func TestLargest(t *testing.T) {
	for _, test := range []struct {
		from, to string
		most     Level
		want     string
	}{
		{"2026-11-23T09:55:00Z", "2026-11-23T10:55:00Z", Top, "2026-11-23T09:55:00Z/1h"},
		{"2026-11-23T09:55:00Z", "2026-11-23T10:54:59Z", Top, "2026-11-23T09:55:00Z/15m"},
		{"2026-11-23T05:55:00Z", "2026-11-23T11:55:00Z", Top, "2026-11-23T05:55:00Z/6h"},
		{"2026-11-23T05:55:00Z", "2026-11-23T11:55:00Z", Hour, "2026-11-23T05:55:00Z/1h"},
		{"2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z", Top, "2026-11-23T10:00:00Z/5m"},
		{"2026-11-23T10:00:07Z", "2026-11-23T11:00:00Z", Top, "2026-11-23T10:00:07Z/1s"},
		{"2026-11-23T10:00:00Z", "2026-11-23T10:00:01.5Z", Top, "2026-11-23T10:00:00Z/1s"},
		{"2026-11-23T10:00:00Z", "2026-11-23T10:00:00.5Z", Top, ""},
		{"2026-11-23T10:00:00.5Z", "2026-11-23T11:00:00Z", Top, ""},
		{"2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z", Top, ""},
		{"2026-11-23T10:00:00Z", "2026-11-23T09:00:00Z", Top, ""},
	} {
		c, ok := Largest(at(test.from), at(test.to), test.most)
		if ok != (test.want != "") || ok && c.String() != test.want {
			t.Errorf("%s to %s, %v at most: %v, %v, want %q", test.from, test.to, test.most, c, ok, test.want)
		}
	}
	if n := len(Tile(at("2026-11-23T09:55:00Z"), at("2026-11-23T10:55:00Z"), Top)); n != 1 {
		t.Errorf("an hour is tiled by %d cells", n)
	}
}

// FuzzTile holds that cells tile any span exactly once, and that parents and children agree.
func FuzzTile(f *testing.F) {
	f.Add(int64(1795426508), int64(86_400), 0)
	f.Add(int64(1795426500), int64(1), 6)
	f.Add(int64(-100), int64(7_300), 1)
	f.Add(int64(0), int64(0), 3)
	f.Add(int64(-301), int64(2), 0)
	f.Fuzz(func(t *testing.T, start, length int64, level int) {
		const most = 1 << 40
		if start < -most || start > most || length < 0 || length > 20_000_000 || level < int(Top) || level > int(Last) {
			return
		}
		if Level(level) > Minutes && length > 100_000 {
			return // only slow
		}
		from := time.Unix(start, 0).UTC()
		to := from.Add(time.Duration(length) * time.Second)
		end := from
		for i, c := range Tile(from, to, Level(level)) {
			if !c.From().Equal(end) || !c.To().After(end) || c.Level() < Level(level) {
				t.Fatalf("cell %d, %v, does not begin at %v, or is too long", i, c, end)
			}
			end = c.To()
			if i < 5 {
				check(t, c)
			}
		}
		if !end.Equal(to) {
			t.Errorf("%v to %v is tiled up to %v", from, to, end)
		}
	})
}

// check holds what is true of any cell.
func check(t *testing.T, c Cell) {
	t.Helper()
	first, last := c.From().Unix(), c.To().Unix()-1
	if (first+shift)%int64(c.Length()/time.Second) != 0 || c.To().Sub(c.From()) != c.Length() {
		t.Errorf("%v is not aligned", c)
	}
	if !c.Contains(first) || !c.Contains(last) || c.Contains(first-1) || c.Contains(last+1) {
		t.Errorf("%v does not contain just its own seconds", c)
	}
	ancestors := c.Ancestors()
	if len(ancestors) != int(c.Level()) {
		t.Errorf("%v has the ancestors %v", c, ancestors)
	}
	for i, a := range ancestors {
		if a.Level() != Level(i) || !a.Holds(c) || c.Holds(a) || a.From().After(c.From()) || a.To().Before(c.To()) {
			t.Errorf("%v is not the ancestor of %v", a, c)
		}
	}
	if !c.Holds(c) || c.Holds(At(c.Level(), c.To())) || c.Holds(At(Last, c.To())) || !c.Holds(At(Last, c.From())) {
		t.Errorf("%v does not hold just what lies in it", c)
	}
	children := c.Children()
	if (children == nil) != (c.Level() == Last) {
		t.Errorf("%v has the children %v", c, children)
	}
	end := c.From()
	for _, child := range children {
		if !child.From().Equal(end) || child.Level() != c.Level()+1 || child != At(child.Level(), end) {
			t.Errorf("%v is no child of %v", child, c)
		}
		if up := child.Ancestors(); up[len(up)-1] != c {
			t.Errorf("%v is the parent of %v, a child of %v", up[len(up)-1], child, c)
		}
		end = child.To()
	}
	if children != nil && !end.Equal(c.To()) {
		t.Errorf("the children of %v end at %v", c, end)
	}
}
