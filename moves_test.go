package collector

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/audit"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
	"netskope-alerts.internal/collector/internal/state"
)

// TestMoves mixes runs, old triggers, backfills, repairs and moves of the state back and forth.
func TestMoves(t *testing.T) {
	for seed := range seeds(24) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			alerts := shownAtOnce(seed, -40*time.Hour, 40*time.Hour, 2000)
			simulate(t, &netskopetest.Server{Order: netskopetest.Order(seed % 3)}, alerts, func(w *world) {
				w.Lookback = 3 * time.Hour
				random := rand.New(rand.NewPCG(seed, 9))
				var mu sync.Mutex
				w.mustRun()
				lowest := w.began
				for range 8 {
					var group sync.WaitGroup
					for range 1 + random.IntN(4) {
						kind, at := random.IntN(6), time.Duration(random.IntN(4000))*time.Millisecond
						age := time.Duration(random.IntN(30)) * time.Hour
						m := 1 + random.IntN(200)
						group.Go(func() {
							time.Sleep(at)
							c := *w.Collector
							switch kind {
							case 0, 1:
								c.MaxRecords = m
								c.Run(w.t.Context(), time.Now(), nil)
							case 2:
								c.Run(w.t.Context(), time.Now().Add(-age), nil)
							case 3:
								to := time.Now().Add(-age).Truncate(time.Second)
								if to.After(c.Horizon(time.Now())) {
									to = c.Horizon(time.Now())
								}
								p, err := c.PlanMove(w.t.Context(), time.Now(), to)
								if err == nil {
									if _, err = c.Apply(w.t.Context(), p); err == nil {
										mu.Lock()
										if to.Before(lowest) {
											lowest = to
										}
										mu.Unlock()
									}
								}
							case 4:
								to := c.Horizon(time.Now().Add(-age))
								mu.Lock()
								if b := to.Add(-3 * time.Hour); b.Before(lowest) {
									lowest = b
								}
								mu.Unlock()
								c.Backfill(w.t.Context(), time.Now(), Span{From: to.Add(-3 * time.Hour), To: to}, nil)
							case 5:
								c.Audit(w.t.Context(), audit.Options{Since: time.Now().Add(-20 * time.Hour).UTC(), Repair: true}, nil)
							}
						})
					}
					group.Wait()
					time.Sleep(time.Duration(random.IntN(120)) * time.Minute)
				}
				p, err := w.PlanMove(w.t.Context(), time.Now(), lowest)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := w.Apply(w.t.Context(), p); err != nil {
					t.Fatal(err)
				}
				w.mustRun()
				w.began = lowest
				w.checkDelivered()
				s := w.mustAudit(audit.Options{})
				if !s.Passed() {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// TestOldTriggersBesideLive: messages of long ago, worked off beside live runs, do not move the state back,
// not for a moment, and none of them fails.
func TestOldTriggersBesideLive(t *testing.T) {
	for seed := range seeds(8) {
		alerts := shownAtOnce(seed, -40*time.Hour, 100*time.Hour, 1000)
		simulate(t, &netskopetest.Server{}, alerts, func(w *world) {
			w.Lookback = 3 * time.Hour
			random := rand.New(rand.NewPCG(seed, 9))
			pause := rand.New(rand.NewPCG(seed, 10))
			w.faults(func(netskopetest.Request) netskopetest.Fault { // or hardly two runs are under way at once
				return netskopetest.Fault{Delay: time.Duration(pause.IntN(2000)) * time.Millisecond}
			}, nil)
			var through time.Time
			w.cloud.Visible = func(o gcstest.Object) {
				w.inspect(o)
				if o.Name != w.StateKey {
					return
				}
				if s, _ := state.Parse(o.Content, time.Now()); s.Through.Before(through) {
					t.Errorf("seed %d: the state went back from %v to %v", seed, through, s.Through)
				} else {
					through = s.Through
				}
			}
			for range 12 {
				var group sync.WaitGroup
				for i := range 3 {
					now := time.Now().Add(-time.Duration(random.IntN(10)) * time.Hour * time.Duration(i))
					d := time.Duration(random.IntN(1500)) * time.Millisecond
					group.Go(func() {
						time.Sleep(d)
						if _, err := w.runAt(w.t.Context(), now); err != nil {
							t.Errorf("seed %d, a trigger of %v: %v", seed, now, err)
						}
					})
				}
				group.Wait()
				time.Sleep(time.Duration(1+random.IntN(8)) * time.Hour) // so that an old one, too, finds something to do
			}
			w.mustRun()
			w.checkDelivered()
		})
	}
}

// TestBurstBudget: bursts beside quiet hours, with budgets that end in their middle.
func TestBurstBudget(t *testing.T) {
	budgets := []time.Duration{5 * time.Second, 8 * time.Second, 20 * time.Second}
	for _, budget := range budgets[:seeds(3)] {
		alerts := shownAtOnce(3, -7*time.Hour, 0, 300)
		alerts = append(alerts, tinyAt(dayStart.Add(-2*time.Hour-5*time.Minute), 12000)...)
		alerts = append(alerts, tinyAt(dayStart.Add(-2*time.Hour-5*time.Minute-time.Second), 3000)...)
		for i := range 30 {
			alerts = append(alerts, tinyAt(dayStart.Add(-4*time.Hour+time.Duration(i)*time.Second), 500)...)
		}
		simulate(t, &netskopetest.Server{Order: netskopetest.Shuffled}, alerts, func(w *world) {
			w.Lookback, w.PageSize = 6*time.Hour, 2000
			w.cloud.Visible = nil
			w.faults(func(netskopetest.Request) netskopetest.Fault {
				return netskopetest.Fault{Delay: 300 * time.Millisecond}
			}, nil)
			began := w.Horizon(time.Now()).Add(-6 * time.Hour)
			w.Budget = budget
			n := 0
			for n = range 200 {
				r, err := w.runAt(w.t.Context(), dayStart)
				if err == nil && r.CaughtUp {
					break
				}
			}
			t.Log(budget, n, "runs")
			w.began = began
			w.checkDelivered()
		})
	}
}
