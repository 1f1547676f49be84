package collector

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/settings"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// ceilinged is a tenant that serves only the first hundred and fifty alerts of any range.
func ceilinged(beyond netskopetest.Beyond, order netskopetest.Order) *netskopetest.Server {
	return &netskopetest.Server{Ceiling: 150, Beyond: beyond, Order: order}
}

// dayOfAlerts is a day and what came before it, as the tenant stores it.
func dayOfAlerts(seed uint64, n int) []netskopetest.Alert {
	return netskopetest.Profile{Seed: seed, From: dayStart.Add(-25 * time.Hour), To: dayStart.Add(24 * time.Hour), N: n,
		VisibleWithin: 4 * time.Minute}.Alerts()
}

// TestDay simulates a day of hourly triggers in every dialect, order and inclusivity
// of the tenant, with everything that can go wrong going wrong: faults of single
// requests, hours of outage, runs that die, events that are delivered twice, two runs
// at once, a feed that takes objects away as soon as it sees them, ceilings, clocks that differ,
// times in odd forms, one _id for two alerts, hours in which moves or all of the storage are
// refused, and somebody who takes staged objects away. It holds that no visible object is ever
// incomplete, that a failed run leaves the state where the cells that are delivered without a hole
// put it, and that in the end every alert is there exactly once, or that a run has named the object
// in which it is not.
func TestDay(t *testing.T) {
	for i, test := range []struct {
		name   string
		tenant *netskopetest.Server
		change func(*settings.Config)
	}{
		{"offset newest first", &netskopetest.Server{}, nil},
		{"offset oldest first", &netskopetest.Server{Order: netskopetest.OldestFirst, StartInclusive: true}, nil},
		{"offset shuffled", &netskopetest.Server{Order: netskopetest.Shuffled, EndExclusive: true, Gzip: true}, nil},
		{"cursor newest first", &netskopetest.Server{Dialect: netskopetest.Cursor, WaitTime: `"2"`, CursorOnce: true}, nil},
		{"cursor oldest first", &netskopetest.Server{
			Dialect: netskopetest.Cursor, Order: netskopetest.OldestFirst, OperationFirst: true, EndExclusive: true,
		}, nil},
		{"cursor shuffled", &netskopetest.Server{
			Dialect: netskopetest.Cursor, Order: netskopetest.Shuffled, StartInclusive: true, WaitTime: "3",
			Style: netskopetest.Pretty,
		}, nil},
		{"short pages", &netskopetest.Server{PageCap: 37, Style: netskopetest.Spaced},
			func(c *settings.Config) { c.PageSize = 10000 }},
		{"event time", &netskopetest.Server{},
			func(c *settings.Config) { c.TimeField, c.Lag = alert.EventTime, 28*time.Hour }},
		{"compressed", &netskopetest.Server{Style: netskopetest.Spaced},
			func(c *settings.Config) { c.Compression = settings.Gzip }},
		{"busy", &netskopetest.Server{Order: netskopetest.Shuffled}, func(c *settings.Config) { c.PageSize = 25 }},
		{"ceiling, then nothing", ceilinged(netskopetest.BeyondEmpty, netskopetest.NewestFirst), smallPages},
		{"ceiling, then a refusal", ceilinged(netskopetest.BeyondRefused, netskopetest.Shuffled), smallPages},
		{"ceiling, then the last page", ceilinged(netskopetest.BeyondLast, netskopetest.OldestFirst), smallPages},
		{"ceiling, then the first page", ceilinged(netskopetest.BeyondFirst, netskopetest.NewestFirst), smallPages},
		{"ties that turn", &netskopetest.Server{TiesTurn: true}, nil},
		{"capped", &netskopetest.Server{}, func(c *settings.Config) { c.MaxRecords = 100 }},
	} {
		if testing.Short() && i%3 != 0 {
			continue // the race detector sees the same code for every tenant
		}
		t.Run(test.name, func(t *testing.T) {
			seed := newSeed(t)
			odd := drawOddities(seed)
			t.Logf("%+v", odd)
			simulate(t, test.tenant, odd.estrange(seed, dayOfAlerts(seed, 1500)), func(w *world) {
				odd.suffer(w)
				if test.change != nil {
					test.change(&w.Config)
				}
				w.day(seed, odd)
			})
		})
	}
}

func smallPages(c *settings.Config) { c.PageSize = 25 }

// day plays the day, and as many hours of peace after it as it takes to catch up.
func (w *world) day(seed uint64, odd oddities) {
	random := rand.New(rand.NewPCG(seed, 1))
	outage := dayStart.Add(time.Duration(6+random.IntN(6)) * time.Hour)
	if random.IntN(2) == 0 {
		stays := rand.New(rand.NewPCG(seed, 4))
		w.feed = func() time.Duration { // called for one object at a time
			return time.Duration(stays.IntN(20)) * time.Duration(stays.IntN(20)) * time.Second
		}
	}
	menu := w.tenantMenu(rand.New(rand.NewPCG(seed, 2)), outage)
	if w.tenant.Ceiling > 0 {
		menu = unshifted(menu)
	}
	w.faults(w.spoil(seed, menu), odd.refuse(w, seed, cloudMenu(rand.New(rand.NewPCG(seed, 3)))))
	time.Sleep(10 * time.Minute)
	outcomes := map[string]int{}
	for hour := range 24 {
		tick := dayStart.Add(time.Duration(hour)*time.Hour + 10*time.Minute)
		if wait := time.Until(tick); wait > 0 {
			time.Sleep(wait)
		}
		var runs sync.WaitGroup
		for range 1 + random.IntN(2) { // the second is the same event, delivered again
			ctx, die := context.WithCancel(w.t.Context())
			if random.IntN(3) == 0 {
				time.AfterFunc(time.Duration(random.IntN(20_000))*time.Millisecond, die)
			}
			late := time.Duration(random.IntN(10_000)) * time.Millisecond * time.Duration(random.IntN(2))
			runs.Go(func() {
				defer die()
				time.Sleep(late)
				before := w.state()
				r, err := w.runAt(ctx, tick)
				after := w.state()
				w.mu.Lock()
				defer w.mu.Unlock()
				if err == nil {
					outcomes[r.Stopped]++
				} else {
					outcomes["failed"]++
				}
				if before != nil && (after == nil || after.Through.Before(before.Through)) {
					w.t.Errorf("the state went back from %+v to %+v", before, after)
				}
			})
		}
		runs.Wait()
	}
	w.faults(nil, nil)
	for range 200 {
		time.Sleep(time.Hour)
		if r := w.mustRun(); r.CaughtUp {
			break
		}
	}
	time.Sleep(30 * time.Hour) // for the alerts that TIME_FIELD=event with its long LAG waits for
	for range 200 {
		if r := w.mustRun(); r.CaughtUp {
			break
		}
	}
	w.t.Logf("outcomes of the runs: %v", outcomes)
	if outcomes["failed"] == 0 {
		w.t.Error("no run failed: the faults were too tame to show anything")
	}
	unnamed := 0
	for name := range w.swept {
		if !w.gone[name] {
			unnamed++
		}
	}
	w.t.Logf("%d objects were named as neither staged nor in their places, %d were not", len(w.gone), unnamed)
	if unnamed > outcomes["failed"] {
		w.t.Errorf("%d objects were swept, and no run has named them; %d runs have failed", unnamed, outcomes["failed"])
	}
	w.checkDelivered()
	w.regain()
	w.checkDelivered()
}

// tenantMenu is everything that a tenant's answer can suffer.
func (w *world) tenantMenu(random *rand.Rand, outage time.Time) func(netskopetest.Request) netskopetest.Fault {
	lied := map[[2]time.Time]time.Time{} // when a range was last answered with an empty page
	return func(r netskopetest.Request) netskopetest.Fault {
		asked := [2]time.Time{r.Start, r.End}
		latency := time.Duration(random.IntN(3000)) * time.Millisecond
		f := netskopetest.Fault{Delay: latency}
		if now := time.Now(); now.After(outage) && now.Before(outage.Add(4*time.Hour)) {
			return netskopetest.Unauthorized()
		}
		if random.IntN(4) > 0 {
			return f
		}
		switch random.IntN(20) {
		case 0:
			f.Kind = netskopetest.Reset
		case 1:
			f = netskopetest.RateLimited("2")
		case 2:
			f = netskopetest.RateLimited(time.Now().Add(5 * time.Second).UTC().Format(http.TimeFormat))
		case 3:
			f = netskopetest.RateLimited("")
		case 4:
			f = netskopetest.GatewayError(500 + random.IntN(4))
		case 5:
			f = netskopetest.Conflict()
		case 6:
			f.Kind, f.Fraction = netskopetest.Torn, random.Float64()
		case 7:
			f.Kind, f.Fraction = netskopetest.TornReset, random.Float64()
		case 8:
			f.Kind, f.Fraction = netskopetest.HalfJSON, random.Float64()
		case 9:
			f = netskopetest.NotOK("internal error")
		case 10:
			f = netskopetest.StatusError("internal error")
		case 11:
			f = netskopetest.NullResult()
		case 12:
			f = netskopetest.StringResult("no")
		case 13:
			f = netskopetest.MissingResult()
		case 14:
			// Absence is not believed on one answer; nobody could tell two lies in a row from the truth, whoever
			// else asks between them.
			if time.Since(lied[asked]) > 10*time.Minute {
				f.Kind, lied[asked] = netskopetest.EmptyPage, time.Now()
			}
		case 15:
			f.Kind, f.Fraction = netskopetest.ShortPage, random.Float64()
		case 16:
			f.Kind = netskopetest.ExpireCursor
		case 17:
			f.Kind, f.Delay = netskopetest.Stall, 0
		case 18:
			f.Kind, f.Count = netskopetest.Shift, 1+random.IntN(5)
		case 19:
			f.Kind = netskopetest.LostAnswer
		}
		return f
	}
}

// unshifted is the menu without the shifts of rows, which last: where one range is asked for
// again and again they add up to more rows than any tenant inserts.
func unshifted(menu func(netskopetest.Request) netskopetest.Fault) func(netskopetest.Request) netskopetest.Fault {
	return func(r netskopetest.Request) netskopetest.Fault {
		f := menu(r)
		if f.Kind == netskopetest.Shift {
			f = netskopetest.Fault{Delay: f.Delay}
		}
		return f
	}
}

// cloudMenu is everything that a request to Cloud Storage can suffer.
func cloudMenu(random *rand.Rand) func(gcstest.Request) gcstest.Fault {
	return func(r gcstest.Request) gcstest.Fault {
		f := gcstest.Fault{Delay: time.Duration(random.IntN(500)) * time.Millisecond}
		if random.IntN(5) > 0 {
			return f
		}
		switch random.IntN(8) {
		case 0:
			f.Reset = true
		case 1:
			f.Status = http.StatusServiceUnavailable
		case 2:
			f.Status = http.StatusTooManyRequests
		case 3:
			f.Lost = gcstest.LostByReset
		case 4:
			f.Lost = gcstest.LostByClose
		case 5:
			f.Lost = gcstest.LostAs503
		case 6: // carried out long after its sender has given up
			f.Delay, f.Detached = time.Duration(random.IntN(120))*time.Second, true
		case 7:
			f.TornBytes = 1 + random.IntN(100)
		}
		return f
	}
}
