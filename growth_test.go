package collector

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/audit"
	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/ledger"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
	"netskope-alerts.internal/collector/internal/state"
)

// past puts days of hourly cells into the bucket, each of one alert, with late entries of nightly
// repairs, and a feed that keeps everything; and the state behind them. The last two days are the
// same, however many came before. It returns how many late entries that are.
func (w *world) past(days, lateEach int) (late int) {
	w.t.Helper()
	w.cloud.Visible = nil
	began := dayStart.AddDate(0, 0, -days).Add(-5 * time.Minute)
	through := dayStart.Add(-5 * time.Minute)
	put := func(c cell.Cell, number int, e ledger.Entry, keys []byte) {
		e.From, e.To, e.Tenant, e.TimeField = c.From(), c.To(), w.Tenant, w.TimeField
		text, err := json.Marshal(e)
		if err != nil {
			w.t.Fatal(err)
		}
		w.cloud.PutWith(w.BucketName, w.Folders().Entry(c, number), keys, map[string]string{"netskope-ledger": string(text)})
	}
	entry := func(c cell.Cell, number int) {
		line := fmt.Appendf(nil, `{"_id":"%v %d"}`+"\n", c, number)
		at := w.Folders().Alerts(c, number, 1, ".ndjson")
		o := w.cloud.Put(w.BucketName, at, line)
		e := ledger.Entry{Alerts: 1, Bytes: int64(len(line)), Objects: []ledger.Placed{{Name: at, Generation: 1,
			Staged: w.Folders().Staged(c, number, "u", "part1"), Size: o.Size, CRC32C: o.CRC32C, Lines: 1}}}
		if number == 0 {
			e.Position = ledger.Position{Began: began, Through: c.From()}
		}
		put(c, number, e, append([]byte(nil), (string(line) + strings.Repeat(" ", 16))[:16]...))
	}
	for c := cell.At(cell.Top, began); c.From().Before(through); c = cell.At(cell.Top, c.To()) {
		put(c, 0, ledger.Entry{Split: true}, nil)
	}
	for c := cell.At(cell.Hour, began); c.From().Before(through); c = cell.At(cell.Hour, c.To()) {
		entry(c, 0)
		for number := 1; number <= lateEach; number++ {
			entry(c, number)
			late++
		}
	}
	w.putState(state.State{Through: through, Began: began}.Of(w.Config))
	return late
}

// TestGrowth: what a run, an audit, a search and a backfill ask of the storage is bounded by what
// they were asked about: with a year of hourly cells and 100,000 late entries behind them it is
// what it is with a few days.
func TestGrowth(t *testing.T) {
	year, lateEach := 365, 12
	if testing.Short() {
		year, lateEach = 60, 3
	}
	works := map[string]func(w *world){
		"a run": func(w *world) {
			if r := w.mustRun(); !r.CaughtUp || r.Trouble != "" {
				t.Errorf("%+v", r)
			}
		},
		"a run that finds no state": func(w *world) {
			w.cloud.Delete(w.BucketName, w.StateKey)
			if r := w.mustRun(); !r.CaughtUp || r.Trouble != stateLost {
				t.Errorf("%+v", r)
			}
		},
		"an audit of two days": func(w *world) {
			s := w.mustAudit(audit.Options{Since: dayStart.Add(-48 * time.Hour), Repair: true, ObjectsKept: true})
			if s.Missing > 0 || s.Pending+s.Gone+s.Damaged > 0 || s.Cells < 48 || len(s.Foreign) > 0 {
				t.Errorf("%+v", s)
			}
		},
		"a search of two days": func(w *world) {
			if _, err := w.Ledger().Find(w.t.Context(), "x", dayStart.Add(-48*time.Hour), dayStart); err != nil {
				t.Error(err)
			}
		},
		"a backfill of two days that are there": func(w *world) {
			r, err := w.Backfill(w.t.Context(), time.Now(),
				Span{From: dayStart.Add(-48 * time.Hour), To: dayStart.Add(-5 * time.Minute)}, nil)
			if err != nil || r.Cells != r.Covered {
				t.Errorf("%+v, %v", r, err)
			}
		},
		"a move planned": func(w *world) {
			if _, err := w.PlanMove(w.t.Context(), time.Now(), dayStart.Add(-48*time.Hour)); err != nil {
				t.Error(err)
			}
		},
	}
	asked := map[string][]string{}
	for _, days := range []int{7, year} {
		simulate(t, &netskopetest.Server{}, nil, func(w *world) {
			t.Logf("%d days, %d late entries", days, w.past(days, lateEach))
			w.faults(nil, func(gcstest.Request) gcstest.Fault { return gcstest.Fault{Delay: 600 * time.Millisecond} })
			time.Sleep(time.Minute)
			for _, name := range slices.Sorted(maps.Keys(works)) {
				total, lists, began := w.cloud.Requests(), w.cloud.Requests(gcstest.ListObjects), time.Now()
				works[name](w)
				ops := fmt.Sprintf("%d requests to the storage, %d of them lists", w.cloud.Requests()-total,
					w.cloud.Requests(gcstest.ListObjects)-lists)
				t.Logf("  %s: %s, %v at 600 ms each", name, ops, time.Since(began).Round(time.Second))
				asked[name] = append(asked[name], ops)
			}
		})
	}
	for name, ops := range asked {
		if ops[0] != ops[1] {
			t.Errorf("%s grows with the past: %s, and with %d days %s", name, ops[0], year, ops[1])
		}
	}
}
