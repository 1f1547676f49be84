package netskopetest_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

func wantSameIDs(t testing.TB, got, want []string) {
	t.Helper()
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		t.Errorf("got %d alerts, %d different; want %d", len(got), len(slices.Compact(slices.Clone(got))), len(want))
	}
}

// expected is the oracle: by a linear scan, what a range must hold under the
// documented reading of its ends, "greater than" and "less than or equal".
func expected(alerts []netskopetest.Alert, insertion bool, start, end time.Time) []string {
	var ids []string
	for _, a := range alerts {
		at := a.Event
		if insertion {
			at = a.Inserted
		}
		if at.Unix() > start.Unix() && at.Unix() <= end.Unix() {
			ids = append(ids, a.ID)
		}
	}
	return ids
}

// TestTiesTurn: the alerts of one second, and only they, change their places from answer to answer.
func TestTiesTurn(t *testing.T) {
	alerts := netskopetest.Uniform(1, noon.Add(-time.Minute), noon, 600, 600)
	c := serve(t, &netskopetest.Server{TiesTurn: true, StartInclusive: true})
	c.Add(alerts...)
	w := window(true, noon.Add(-2*time.Minute), noon)
	first, second := c.drain(w, 600), c.drain(w, 600)
	if wantSameIDs(t, first, second); slices.Equal(first, second) {
		t.Error("nothing has turned")
	}
	at := map[string]int64{}
	for _, a := range alerts {
		at[a.ID] = a.Event.Unix()
	}
	for i := range first {
		if at[first[i]] != at[second[i]] {
			t.Errorf("row %d is of %d, then of %d", i, at[first[i]], at[second[i]])
		}
	}
}

func TestPagingReturnsEachAlertOnce(t *testing.T) {
	alerts := netskopetest.Generate(1, noon.Add(-6*time.Hour), noon, 150)
	for _, dialect := range []netskopetest.Dialect{netskopetest.Offset, netskopetest.Cursor} {
		for _, order := range []netskopetest.Order{
			netskopetest.NewestFirst, netskopetest.OldestFirst, netskopetest.Shuffled,
		} {
			for _, insertion := range []bool{true, false} {
				t.Run(fmt.Sprint(dialect, order, insertion), func(t *testing.T) {
					c := serve(t, &netskopetest.Server{Dialect: dialect, Order: order, Seed: 7})
					c.Add(alerts[75:]...)
					c.Add(alerts[:75]...)
					start, end := noon.Add(-5*time.Hour), noon.Add(-time.Hour)
					want := expected(alerts, insertion, start, end)
					if len(want) < 60 {
						t.Fatalf("only %d alerts to page through", len(want))
					}
					w := window(insertion, start, end)
					got := c.drain(w, 20)
					wantSameIDs(t, got, want)
					if again := c.drain(w, 17); !slices.Equal(got, again) {
						t.Error("the order changed between two traversals")
					}
				})
			}
		}
	}
}

func TestOrder(t *testing.T) {
	// The v1 page "Get Alerts Data" has unsorted=true to switch sorting off;
	// recorded pages are newest first.
	alerts := netskopetest.Uniform(2, noon.Add(-100*time.Second), noon, 300, 256) // three a second
	events := make(map[string]int64)
	for _, a := range alerts {
		events[a.ID] = a.Event.Unix()
	}
	sequence := func(order netskopetest.Order, seed uint64) ([]int64, []string) {
		c := serve(t, &netskopetest.Server{Order: order, Seed: seed})
		c.Add(alerts...)
		ids := c.drain(window(true, noon.Add(-time.Hour), noon), 100)
		seconds := make([]int64, len(ids))
		for i, id := range ids {
			seconds[i] = events[id]
		}
		return seconds, ids
	}
	newest, a := sequence(netskopetest.NewestFirst, 0)
	if slices.Reverse(newest); !slices.IsSorted(newest) {
		t.Error("NewestFirst is not descending")
	}
	oldest, _ := sequence(netskopetest.OldestFirst, 0)
	if !slices.IsSorted(oldest) {
		t.Error("OldestFirst is not ascending")
	}
	shuffled, _ := sequence(netskopetest.Shuffled, 0)
	if slices.IsSorted(shuffled) {
		t.Error("Shuffled is sorted")
	}
	if _, b := sequence(netskopetest.NewestFirst, 1); slices.Equal(a, b) {
		t.Error("ties do not depend on the seed")
	}
}

func TestBounds(t *testing.T) {
	// Documented: "greater than" starttime, "less than or equal" endtime;
	// elsewhere ">=" and "after"/"before" for the insertion pair.
	var alerts []netskopetest.Alert
	for i, offset := range []int{-10, -9, 0, 9, 10} {
		at := noon.Add(time.Duration(offset)*time.Second + 700*time.Millisecond)
		id := strconv.Itoa(i)
		alerts = append(alerts, netskopetest.Alert{ID: id, Event: at, Inserted: at, JSON: []byte(`{"_id":"` + id + `"}`)})
	}
	for _, test := range []struct {
		startInclusive, endExclusive bool
		want                         []string
	}{
		{false, false, []string{"1", "2", "3", "4"}},
		{true, false, []string{"0", "1", "2", "3", "4"}},
		{false, true, []string{"1", "2", "3"}},
		{true, true, []string{"0", "1", "2", "3"}},
	} {
		for _, insertion := range []bool{true, false} {
			c := serve(t, &netskopetest.Server{
				StartInclusive: test.startInclusive, EndExclusive: test.endExclusive, Order: netskopetest.OldestFirst,
			})
			c.Add(alerts...)
			got := c.drain(window(insertion, noon.Add(-10*time.Second), noon.Add(10*time.Second)), 2)
			if !slices.Equal(got, test.want) {
				t.Errorf("start inclusive %v, end exclusive %v, insertion %v: got %v, want %v",
					test.startInclusive, test.endExclusive, insertion, got, test.want)
			}
		}
	}
	c := serve(t, &netskopetest.Server{})
	c.Add(alerts...)
	if got := c.drain(window(true, noon, noon), 5); len(got) != 0 {
		t.Errorf("the empty range (noon, noon] holds %v", got)
	}
}

func TestPageCapClampsSilently(t *testing.T) {
	c := serve(t, &netskopetest.Server{PageCap: 30})
	alerts := netskopetest.Uniform(1, noon.Add(-time.Hour), noon, 100, 300)
	c.Add(alerts...)
	w := window(true, noon.Add(-time.Hour-time.Second), noon)
	for _, limit := range []string{"", "&limit=31", "&limit=10000"} {
		if n := len(c.page(w + limit).Result); n != 30 {
			t.Errorf("limit %q: %d alerts, want 30", limit, n)
		}
	}
	if n := len(c.page(w + "&limit=29").Result); n != 29 {
		t.Errorf("limit 29: %d alerts", n)
	}
	if got := c.drain(w, 20000); len(got) != 100 {
		t.Errorf("%d alerts by pages of the clamped size, want 100", len(got))
	}
}

func TestPageCapOfZeroIs10000(t *testing.T) {
	c := serve(t, &netskopetest.Server{})
	c.Add(netskopetest.Uniform(1, noon.Add(-time.Hour), noon, 10001, 256)...)
	if n := len(c.page(window(true, noon.Add(-2*time.Hour), noon) + "&limit=20000").Result); n != 10000 {
		t.Errorf("%d alerts on a page, want 10000", n)
	}
}

func TestVisibility(t *testing.T) {
	now := noon
	c := serve(t, &netskopetest.Server{Now: func() time.Time { return now }})
	for i, after := range []time.Duration{0, 5 * time.Second, 30 * time.Second} {
		at := noon.Add(-time.Minute)
		c.Add(netskopetest.Alert{
			Event: at, Inserted: at, Visible: noon.Add(after),
			JSON: []byte(`{"_id":"` + strconv.Itoa(i) + `"}`),
		})
	}
	w := window(true, noon.Add(-time.Hour), noon)
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{-time.Nanosecond, 0}, {0, 1}, {5*time.Second - 1, 1}, {5 * time.Second, 2}, {time.Hour, 3}, {0, 1}} {
		now = noon.Add(step.after)
		if got := len(c.page(w).Result); got != step.want {
			t.Errorf("%v after noon %d alerts are visible, want %d", step.after, got, step.want)
		}
	}
	now = noon.Add(time.Hour)
	c.Add(netskopetest.Alert{Event: noon, Inserted: noon, JSON: []byte(`{"_id":"late"}`)})
	if got := len(c.page(w).Result); got != 4 {
		t.Errorf("%d alerts after another was added, want 4", got)
	}
	if got := len(c.Alerts()); got != 4 {
		t.Errorf("Alerts returns %d", got)
	}
}
