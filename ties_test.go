package collector

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// TestTiesTurn: the tenant lists by time alone, and the alerts of one second in another order with each answer. Where
// they lie across the end of a page, one that is known stands in the place of one that is not, behind the very alert
// by which the pages overlap; the list has more rows then than it has shown alerts.
func TestTiesTurn(t *testing.T) {
	seeds := 60
	if testing.Short() {
		seeds = 10
	}
	for i := range seeds {
		seed := *seedFlag + uint64(i)
		r := rand.New(rand.NewPCG(seed, 7))
		server := &netskopetest.Server{Seed: seed, TiesTurn: true, Order: netskopetest.Order(r.IntN(2))}
		size := 10 + r.IntN(40)
		var alerts []netskopetest.Alert
		for second := range 120 {
			for n := range 1 + r.IntN(min(size-2, 12)) {
				stored := dayStart.Add(-time.Hour + time.Duration(second)*20*time.Second)
				one := late(fmt.Sprintf("%d-%d", second, n), stored)
				one.Visible, one.Event = time.Time{}, stored // the stand-in lists by Event
				alerts = append(alerts, one)
			}
		}
		simulate(t, server, alerts, func(w *world) {
			w.PageSize, w.Lookback = size, 2*time.Hour
			if i%2 == 1 { // an answer that breaks off holds what whole ones held
				var asked atomic.Int64
				w.faults(func(netskopetest.Request) (f netskopetest.Fault) {
					if asked.Add(1)%4 == 0 {
						f = netskopetest.Fault{Kind: netskopetest.HalfJSON, Fraction: 0.7}
					}
					return f
				}, nil)
			}
			for runs := 0; !w.mustRun().CaughtUp; runs++ { // it asks again and again, and its time is up
				if runs == 10 {
					t.Fatalf("seed %d: not caught up", seed)
				}
			}
			w.checkDelivered()
			if t.Failed() {
				t.Fatalf("seed %d, pages of %d", seed, size)
			}
		})
	}
}

// TestSecondOfOnePage: a second holds exactly a page, behind cells that were split, of a tenant whose pages name
// cursors: no cursor says that this is all, and no larger limit may be asked for.
func TestSecondOfOnePage(t *testing.T) {
	for _, size := range []int{1, 4, 50} {
		second := dayStart.Add(-30 * time.Minute)
		alerts := append(tinyAt(second, size), tinyAt(dayStart.Add(-50*time.Minute), 2*size)...)
		simulate(t, &netskopetest.Server{Dialect: netskopetest.Cursor}, alerts, func(w *world) {
			w.PageSize, w.Lookback, w.InFlight = size, time.Hour, 1
			l := w.Ledger()
			for level := cell.Top; level < cell.Last; level++ {
				if err := l.MarkSplit(w.t.Context(), cell.At(level, second)); err != nil {
					t.Fatal(err)
				}
			}
			w.mustRun()
			w.checkDelivered()
		})
	}
}
