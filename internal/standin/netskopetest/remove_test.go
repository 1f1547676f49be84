package netskopetest_test

import (
	"slices"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

func TestRemove(t *testing.T) {
	c := serve(t, &netskopetest.Server{})
	alerts := netskopetest.Uniform(1, noon.Add(-time.Hour), noon, 100, 256)
	unnamed := netskopetest.Alert{Event: noon, Inserted: noon, JSON: []byte(`{}`)}
	c.Add(append(slices.Clone(alerts), alerts[3], unnamed)...)
	before := c.drain(hour, 1000)
	if len(before) != 102 {
		t.Fatalf("%d alerts", len(before))
	}
	if n := c.Remove(alerts[3].ID, alerts[70].ID, "nobody's", ""); n != 3 {
		t.Errorf("%d removed, want one that is there twice and another", n)
	}
	if n := c.Remove(alerts[3].ID); n != 0 {
		t.Errorf("%d removed once more", n)
	}
	want := slices.DeleteFunc(slices.Clone(before), func(id string) bool {
		return id == alerts[3].ID || id == alerts[70].ID
	})
	if got := c.drain(hour, 1000); !slices.Equal(got, want) || len(got) != 99 {
		t.Errorf("%d alerts by insertion time", len(got))
	}
	if got := c.drain(window(false, noon.Add(-2*time.Hour), noon), 7); !slices.Equal(got, want) {
		t.Errorf("%d alerts by event time", len(got))
	}
	removed := func(a netskopetest.Alert) bool { return a.ID == alerts[3].ID }
	if got := c.Alerts(); len(got) != 99 || slices.ContainsFunc(got, removed) {
		t.Errorf("Alerts returns %d", len(got))
	}
	c.Add(alerts[3]) // back again
	if got := c.drain(hour, 1000); len(got) != 100 || !slices.Contains(got, alerts[3].ID) {
		t.Errorf("%d alerts after one came back", len(got))
	}
}

// TestRemoveWhileReading: offsets move with the list, cursors stay with theirs.
func TestRemoveWhileReading(t *testing.T) {
	alerts := netskopetest.Uniform(1, noon.Add(-time.Hour), noon, 100, 256)
	for dialect, lost := range map[netskopetest.Dialect]int{netskopetest.Offset: 3, netskopetest.Cursor: 0} {
		c := serve(t, &netskopetest.Server{Dialect: dialect})
		c.Add(alerts...)
		first := c.page(hour + "&limit=40")
		seen := first.ids(t)
		if n := c.Remove(seen[0], seen[10], seen[39]); n != 3 {
			t.Errorf("%d removed", n)
		}
		next := hour + "&offset=40"
		if first.Operation != nil {
			next = follow(*first.Operation)
		}
		seen = append(seen, c.page(next+"&limit=1000").ids(t)...)
		slices.Sort(seen)
		if n := len(slices.Compact(seen)); n != 100-lost {
			t.Errorf("dialect %v: %d alerts seen, want %d", dialect, n, 100-lost)
		}
	}
}
