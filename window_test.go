package collector

import (
	"math/rand/v2"
	"testing"
	"time"
)

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestFollowing(t *testing.T) {
	c := Config{Window: 5 * time.Minute, Lag: 5 * time.Minute, PageSize: 1000}
	late := at("2026-11-30T00:00:00Z")
	for _, test := range []struct {
		name    string
		from    string
		span    time.Duration
		alerts  int64
		horizon time.Time
		want    time.Duration
	}{
		{"empty grows fourfold", "2026-11-01T00:00:00Z", 5 * time.Minute, 0, late, 20 * time.Minute},
		{"a quarter page grows fourfold", "2026-11-01T00:00:00Z", 5 * time.Minute, 250, late, 20 * time.Minute},
		{"half a page doubles", "2026-11-01T00:00:00Z", 5 * time.Minute, 500, late, 10 * time.Minute},
		{"a page stays", "2026-11-01T00:00:00Z", 20 * time.Minute, 1000, late, 20 * time.Minute},
		{"more than a page halves", "2026-11-01T00:00:00Z", 20 * time.Minute, 1001, late, 10 * time.Minute},
		{"never below WINDOW", "2026-11-01T00:00:00Z", 5 * time.Minute, 9999, late, 5 * time.Minute},
		{"never above six hours", "2026-11-01T00:00:00Z", 4 * time.Hour, 0, late, 6 * time.Hour},
		{"not past the horizon", "2026-11-01T00:00:00Z", 40 * time.Minute, 0, at("2026-11-01T01:00:00Z"), 20 * time.Minute},
		{"near the present WINDOW", "2026-11-01T00:00:00Z", time.Hour, 0, at("2026-11-01T01:00:00Z"), 5 * time.Minute},
		{"aligns what was not", "2026-11-01T00:02:03Z", 7*time.Minute + 57*time.Second, 1000, late, 5 * time.Minute},
	} {
		w := Window{From: at(test.from), To: at(test.from).Add(test.span)}
		next := following(w, test.alerts, test.horizon, c)
		if next.From != w.To || next.To.Sub(next.From) != test.want {
			t.Errorf("%s: after %v comes %v, want %v", test.name, w, next, test.want)
		}
	}
}

// TestQuietBacklogTakesFewWindows holds the figure that the README gives.
func TestQuietBacklogTakesFewWindows(t *testing.T) {
	c := Config{Window: 5 * time.Minute, Lag: 5 * time.Minute, PageSize: 5000}
	end := at("2026-11-30T00:00:00Z")
	w := Window{From: end.AddDate(0, 0, -30), To: end.AddDate(0, 0, -30).Add(c.Window)}
	n := 0
	for ; !w.To.After(end); n++ {
		w = following(w, 0, end, c)
	}
	if n > 130 {
		t.Errorf("30 empty days take %d windows, want at most 130", n)
	}
}

// TestFollowingTiles holds, for any sequence of counts, that windows follow one
// another without gap or overlap, that they end, and that a dense one is never
// followed by a wider one.
func TestFollowingTiles(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 200 {
		c := Config{Window: time.Duration(1+random.IntN(600)) * time.Second, PageSize: 1 + random.IntN(5000)}
		from := at("2026-11-01T00:00:00Z").Add(time.Duration(random.IntN(1e6)) * time.Second)
		end := from.Add(time.Duration(random.IntN(1e6)) * time.Second).Truncate(c.Window)
		w := Window{From: from, To: from.Truncate(c.Window).Add(c.Window)}
		for !w.To.After(end) {
			n := int64(random.IntN(2 * c.PageSize))
			next := following(w, n, end, c)
			span, before := next.To.Sub(next.From), w.To.Sub(w.From)
			switch {
			case next.From != w.To, span <= 0, span > max(maxWindow, c.Window), next.To.Truncate(c.Window) != next.To:
				t.Fatalf("WINDOW %v: %v is followed by %v", c.Window, w, next)
			case 2*n > int64(c.PageSize) && span > max(before, c.Window):
				t.Fatalf("WINDOW %v: %v with %d alerts is followed by the wider %v", c.Window, w, n, next)
			case next.To.After(end) && span > c.Window:
				t.Fatalf("WINDOW %v: %v reaches past the horizon %v", c.Window, next, end)
			}
			w = next
		}
	}
}

func TestObjectName(t *testing.T) {
	w := Window{From: at("2026-11-23T23:55:00Z"), To: at("2026-11-24T00:00:00Z")}
	const want = "netskope/alerts/2026/11/23/alerts_20261123T235500Z_20261124T000000Z.ndjson"
	if got := w.objectName("netskope/alerts", "alerts", ".ndjson"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
