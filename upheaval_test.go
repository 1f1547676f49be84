package collector

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/audit"
	"netskope-alerts.internal/collector/internal/message"
	"netskope-alerts.internal/collector/internal/settings"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
	"netskope-alerts.internal/collector/internal/stream"
)

// edgeAlerts are n small alerts or a few more, inserted in the span: every fourth on an edge of cells or a second
// beside it; several in one second; several with one _id, in one second and far apart.
func edgeAlerts(r *rand.Rand, n int, span Span) (alerts []netskopetest.Alert) {
	add := func(second time.Time, id string) {
		alerts = append(alerts, netskopetest.Alert{ID: id, Event: second, Inserted: second, JSON: fmt.Appendf(nil,
			`{"_id":%q,"_insertion_epoch_timestamp":%d,"timestamp":%[2]d,"n":%d}`, id, second.Unix(), len(alerts))})
	}
	for len(alerts) < n {
		second := span.From.Add(time.Duration(r.Int64N(int64(span.To.Sub(span.From)/time.Second))) * time.Second)
		if r.IntN(4) == 0 {
			length := pickOne(r, 6*time.Hour, time.Hour, time.Hour, 15*time.Minute, 5*time.Minute, time.Minute, 10*time.Second)
			second = second.Add(5 * time.Minute).Truncate(length).Add(time.Duration(r.IntN(3)-1)*time.Second - 5*time.Minute)
		}
		if second.Before(span.From) || !second.Before(span.To) {
			continue
		}
		id := fmt.Sprint("id-", len(alerts))
		switch r.IntN(12) {
		case 0:
			for range 2 + r.IntN(3) {
				add(second, id)
			}
		case 1:
			add(second, "shared")
		case 2:
			for i := range 2 + r.IntN(9) {
				add(second, fmt.Sprint(id, "-", i))
			}
		default:
			add(second, id)
		}
	}
	return alerts
}

// fickle is a tenant of several replicas, each with its own order and clock: any of them answers a
// question, and goes on to answer it to its last page.
type fickle struct {
	mu       sync.Mutex
	random   *rand.Rand
	replicas []http.RoundTripper
	ahead    []time.Duration // their clocks
	answers  map[string]int  // by the range that is asked for
}

// replicate adds replicas of the world's tenant that list in the other orders.
func (w *world) replicate(random *rand.Rand, alerts []netskopetest.Alert) {
	f := &fickle{random: random, replicas: []http.RoundTripper{w.HTTP.Transport}, ahead: []time.Duration{0},
		answers: map[string]int{}}
	for i := range 2 {
		s := &netskopetest.Server{Order: (w.tenant.Order + netskopetest.Order(1+i)) % 3, Seed: random.Uint64(),
			StartInclusive: w.tenant.StartInclusive, EndExclusive: w.tenant.EndExclusive, PageCap: w.tenant.PageCap}
		s.Add(alerts...)
		f.replicas = append(f.replicas, serve(w.t, s))
		f.ahead = append(f.ahead, pickOne(random, 0, 4*time.Minute, -4*time.Minute, -70*time.Second))
	}
	w.HTTP = &http.Client{Transport: f}
}

func (f *fickle) RoundTrip(r *http.Request) (*http.Response, error) {
	q := r.URL.Query()
	asked := fmt.Sprint(q["insertionstarttime"], q["insertionendtime"], q["starttime"], q["endtime"])
	f.mu.Lock()
	i, known := f.answers[asked]
	if !known || q.Get("offset") == "" {
		i = f.random.IntN(len(f.replicas))
		f.answers[asked] = i
	}
	f.mu.Unlock()
	a, err := f.replicas[i].RoundTrip(r)
	if err == nil && f.ahead[i] != 0 {
		a.Header.Set("Date", time.Now().Add(f.ahead[i]).UTC().Format(http.TimeFormat))
	}
	return a, err
}

// delivered is how often each line lies in the bucket or was taken by the feed.
func (w *world) delivered() map[string]int {
	w.t.Helper()
	w.mu.Lock()
	n := maps.Clone(w.taken)
	w.mu.Unlock()
	for _, o := range w.objects() {
		for _, line := range w.content(o) {
			n[line]++
		}
	}
	return n
}

// missing is how many of the tenant's alerts are not delivered. None may be delivered twice.
func (w *world) missing(due func(netskopetest.Alert) bool) (n int64) {
	w.t.Helper()
	delivered := w.delivered()
	for line, one := range w.lines {
		if delivered[line] == 0 && due(one) {
			n++
		}
		if delivered[line] > 1 {
			w.t.Errorf("%s, stored %v, is delivered %d times", one.ID, one.Inserted, delivered[line])
		}
	}
	return n
}

// blindToStates has states that are put by hand, and those after them, say nothing of where the collector began, and
// leaves it to the end to say what is missing, for tests in which LAG is not always the same.
func (w *world) blindToStates() {
	w.undated = true
	visible := w.cloud.Visible
	w.cloud.Visible = func(o gcstest.Object) {
		if o.Name != w.StateKey {
			visible(o)
		}
	}
}

// spoilState does to the state what a person or an accident may: puts an earlier one back, removes it, cuts it off.
func (w *world) spoilState(r *rand.Rand, copies *[][]byte) {
	o, ok := w.cloud.Object(w.BucketName, w.StateKey)
	w.mu.Lock()
	defer w.mu.Unlock()
	if ok {
		*copies = append(*copies, bytes.Clone(o.Content))
	}
	switch n := r.IntN(5); {
	case n < 3 && len(*copies) > 0:
		w.cloud.Put(w.BucketName, w.StateKey, pickOne(r, *copies...))
	case n == 3:
		w.cloud.Delete(w.BucketName, w.StateKey)
	case n == 4 && ok:
		w.cloud.Put(w.BucketName, w.StateKey, o.Content[:len(o.Content)-3])
	}
}

// TestMovedThenRolledBack: an operator moves the state forward or back while runs that die, backfills over the span,
// audits and repairs are under way, and somebody puts states back that are from before the move, removes the state or
// cuts it off. Where the state was moved to last is where collection goes on, whatever lies there: when the runs have
// caught up, everything from there on is delivered, without a backfill's or a repair's help, and nothing is twice.
func TestMovedThenRolledBack(t *testing.T) {
	base := newSeed(t)
	moved, ruined := 0, 0
	for i := range seeds(40) {
		seed := base + i
		random := rand.New(rand.NewPCG(seed, 30))
		span := Span{From: dayStart.Add(-30 * time.Hour), To: dayStart.Add(10 * time.Hour)}
		alerts := edgeAlerts(random, 100+random.IntN(200), span)
		tenant := &netskopetest.Server{Order: netskopetest.Order(random.IntN(3)),
			Dialect: netskopetest.Dialect(random.IntN(2))}
		simulate(t, tenant, alerts, func(w *world) {
			w.blindToStates()
			w.Lookback, w.PageSize = time.Duration(1+random.IntN(6))*time.Hour, pickOne(random, 3, 10, 500)
			if random.IntN(2) == 0 {
				w.feed = func() time.Duration { return time.Second }
			}
			w.mustRun()
			began := w.state().Began
			w.faults(func(netskopetest.Request) netskopetest.Fault {
				return netskopetest.Fault{Delay: 700 * time.Millisecond}
			}, func(gcstest.Request) gcstest.Fault { return gcstest.Fault{Delay: 130 * time.Millisecond} })
			var copies [][]byte
			for range 3 + random.IntN(3) {
				var together sync.WaitGroup
				wait, hour := time.Duration(random.IntN(3000))*time.Millisecond, time.Duration(random.IntN(36)-29)*time.Hour
				together.Go(func() {
					time.Sleep(wait)
					to := earlier(dayStart.Add(hour+17*time.Second), w.Horizon(time.Now()))
					m, err := w.PlanMove(w.t.Context(), time.Now(), to)
					if err == nil {
						_, err = w.Apply(w.t.Context(), m)
					}
					if err == nil {
						began, moved = to, moved+1
					}
				})
				for range 1 + random.IntN(3) {
					r := rand.New(rand.NewPCG(seed, random.Uint64()))
					together.Go(func() {
						time.Sleep(time.Duration(r.IntN(5000)) * time.Millisecond)
						if r.IntN(3) == 0 {
							w.spoilState(r, &copies)
							w.mu.Lock()
							ruined++
							w.mu.Unlock()
							return
						}
						w.beside(r)
					})
				}
				together.Wait()
				time.Sleep(time.Duration(random.IntN(100)) * time.Minute)
				for !w.mustRun().CaughtUp {
				}
				through := w.state().Through
				n := w.missing(func(one netskopetest.Alert) bool {
					return !one.Inserted.Before(began) && one.Inserted.Before(through)
				})
				if n > 0 {
					w.t.Fatalf("seed %d: of what is from %v to %v, %d are lost", seed, began, through, n)
				}
			}
		})
	}
	if moved == 0 || ruined == 0 {
		t.Errorf("%d moves and %d spoilt states show nothing", moved, ruined)
	}
}

// beside does, with the little time that it has, what may be done beside a move of the state.
func (w *world) beside(r *rand.Rand) {
	c := *w.Collector
	c.MaxRecords, c.InFlight = pickOne(r, 0, 1, 10), pickOne(r, 1, 16)
	ctx, die := context.WithTimeout(w.t.Context(), pickOne(r, time.Hour, time.Duration(1+r.IntN(6000))*time.Millisecond))
	defer die()
	from := dayStart.Add(-29 * time.Hour)
	switch r.IntN(4) {
	case 0, 1:
		_, _ = c.Run(ctx, time.Now(), nil)
	case 2:
		from = from.Add(time.Duration(r.IntN(20*3600)) * time.Second)
		span := Span{From: from, To: from.Add(time.Duration(1+r.IntN(8*3600)) * time.Second)}
		_, _ = c.Backfill(ctx, time.Now(), span, nil)
	case 3:
		s, err := c.Audit(ctx, audit.Options{Since: from, Repair: r.IntN(2) == 0}, nil)
		if err == nil && s.Duplicated > 0 {
			w.t.Errorf("audit: %+v", s)
		}
	}
}

// TestSettingsOfEveryRun: every run, backfill, audit and move has other settings than the one before and beside it
// (pages of one alert, one cell in flight or sixteen, a budget of a second, a cap, gzip, another LAG), against a tenant
// that pages by cursors or offsets, up to a ceiling, in one order or in another for every question, with the clocks of
// several machines, over the turn of a year or by event time; with all faults, storms of 429 among them, and states
// that are put back. In the end every alert is delivered once, and of those that came too late the audit counts
// exactly the missing.
func TestSettingsOfEveryRun(t *testing.T) {
	base := newSeed(t)
	done, failed, late := 0, 0, int64(0)
	for i := range seeds(16) {
		seed := base + i
		random := rand.New(rand.NewPCG(seed, 31))
		start := pickOne(random, dayStart, at("2027-01-01T00:00:00Z"))
		span := Span{From: start.Add(-14 * time.Hour), To: start.Add(8 * time.Hour)}
		alerts := edgeAlerts(random, 60+random.IntN(200), Span{From: span.From.Add(time.Hour), To: span.To})
		for i := range alerts {
			if random.IntN(25) == 0 {
				alerts[i].Visible = pickOne(random, alerts[i].Inserted.Add(2*time.Hour), start.Add(15*time.Hour))
			}
		}
		tenant := &netskopetest.Server{Order: netskopetest.Order(random.IntN(3)), Seed: seed,
			StartInclusive: random.IntN(2) == 0, EndExclusive: random.IntN(2) == 0, PageCap: pickOne(random, 0, 0, 1, 4)}
		kind := random.IntN(4)
		switch kind {
		case 0:
			tenant.Dialect, tenant.CursorOnce, tenant.PageCap = netskopetest.Cursor, random.IntN(2) == 0, 0
		case 1:
			tenant.Ceiling, tenant.Beyond = 12+random.IntN(40), netskopetest.Beyond(random.IntN(4))
		}
		simulate(t, tenant, alerts, func(w *world) {
			w.blindToStates()
			if random.IntN(4) == 0 {
				w.TimeField = alert.EventTime
			}
			if kind == 2 {
				w.replicate(random, alerts)
			}
			if random.IntN(2) == 0 {
				stays := rand.New(rand.NewPCG(seed, 32))
				w.feed = func() time.Duration { return time.Duration(stays.IntN(300)*stays.IntN(2)) * time.Second }
			}
			time.Sleep(time.Until(start))
			w.faults(storms(seed, unshifted(w.tenantMenu(rand.New(rand.NewPCG(seed, 33)), start.Add(-100*time.Hour)))),
				cloudMenu(rand.New(rand.NewPCG(seed, 34))))
			var copies [][]byte
			for range 6 + random.IntN(10) {
				var together sync.WaitGroup
				for range 1 + random.IntN(4) {
					r := rand.New(rand.NewPCG(seed, random.Uint64()))
					together.Go(func() {
						if r.IntN(6) == 0 {
							w.spoilState(r, &copies)
							return
						}
						err := w.otherwise(r, span)
						w.mu.Lock()
						defer w.mu.Unlock()
						if done++; err != nil {
							failed++
						}
					})
				}
				together.Wait()
				time.Sleep(time.Duration(random.IntN(60)) * time.Minute)
			}
			w.faults(nil, nil)
			time.Sleep(max(0, time.Until(start.Add(14*time.Hour))))
			w.PageSize = 5
			switch {
			case kind == 0:
				w.PageSize = 500 // a second that fills a page to its last alert is refused where there are cursors
			case tenant.PageCap > 0:
				w.PageSize = tenant.PageCap // an audit believes a page that came too short, if it holds all that it knows
			}
			if o, ok := w.cloud.Object(w.BucketName, w.StateKey); ok && !bytes.HasSuffix(o.Content, []byte("}\n")) {
				w.cloud.Delete(w.BucketName, w.StateKey) // as a person must, if the ledger knows of no run
			}
			for !w.mustRun().CaughtUp {
			}
			w.mustBackfill(Span{From: span.From, To: w.Horizon(time.Now().Add(-time.Hour))}) // clocks differ
			time.Sleep(2 * time.Hour)
			missing := w.missing(func(netskopetest.Alert) bool { return true })
			for i, repair := range []bool{false, true, false} {
				s := w.mustAudit(audit.Options{Since: span.From, Repair: repair})
				if i < 2 && s.Missing != missing || i == 2 && s.Missing > 0 || s.Duplicated > 0 || s.Unknown > 0 ||
					i > 0 && !s.Passed() {
					w.t.Errorf("seed %d: %d are missing, audit %d: %+v", seed, missing, i, s)
				}
			}
			late += missing
			w.backfilled(span.From)
		})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if failed == 0 || done == failed || late == 0 {
		t.Errorf("of %d, %d failed, and %d were late: the test shows little", done, failed, late)
	}
}

// storms adds to the faults of the tenant seconds in which it answers nothing but 429, and empty pages within chains.
func storms(
	seed uint64, menu func(netskopetest.Request) netskopetest.Fault,
) func(netskopetest.Request) netskopetest.Fault {
	r := rand.New(rand.NewPCG(seed, 35))
	var until time.Time
	return func(q netskopetest.Request) netskopetest.Fault {
		if r.IntN(60) == 0 {
			until = time.Now().Add(time.Duration(r.IntN(40)) * time.Second)
		}
		switch {
		case time.Now().Before(until):
			return netskopetest.RateLimited(pickOne(r, "", "1", "3"))
		case q.Operation != "" && r.IntN(12) == 0:
			return netskopetest.Fault{Kind: netskopetest.EmptyPage}
		}
		return menu(q)
	}
}

// otherwise does one of what may be done, with settings that are drawn, and may die at it.
func (w *world) otherwise(r *rand.Rand, span Span) error {
	c := *w.Collector
	c.PageSize, c.MaxRecords = pickOne(r, 1, 2, 3, 5, 20, 500), pickOne(r, 0, 0, 0, 1, 7, 50)
	if w.tenant.Ceiling > 0 {
		c.PageSize = min(c.PageSize, 5) // a ceiling below a page's size is no ceiling that shows
	}
	c.InFlight, c.Compression = pickOne(r, 1, 2, 12, 16), pickOne(r, settings.NoCompression, settings.Gzip)
	c.Budget = pickOne(r, time.Second, 3*time.Second, 5*time.Second, time.Minute, 8*time.Minute)
	c.Lookback, c.RequestsPerSecond = time.Duration(1+r.IntN(10))*time.Hour, pickOne(r, 0, 4.0, 50)
	c.Lag = pickOne(r, c.Lag, c.Lag, 0, time.Second, time.Hour)
	death := pickOne(r, time.Hour, time.Hour, time.Duration(r.IntN(30_000))*time.Millisecond)
	ctx, die := context.WithTimeout(w.t.Context(), death)
	defer die()
	time.Sleep(time.Duration(r.IntN(5000)) * time.Millisecond)
	within := func() time.Time {
		moment := span.From.Add(time.Duration(r.Int64N(int64(20 * time.Hour)))).Truncate(time.Second)
		return earlier(moment, c.Horizon(time.Now()))
	}
	switch r.IntN(5) {
	case 0, 1:
		report, err := c.Run(ctx, time.Now().Add(-time.Duration(r.IntN(2)*r.IntN(600))*time.Minute), nil)
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, name := range report.Gone {
			w.gone[name] = true
		}
		return err
	case 2:
		a, b := within(), within()
		if b.Before(a) {
			a, b = b, a
		}
		_, err := c.Backfill(ctx, time.Now(), Span{From: a, To: b}, nil)
		return err
	case 3:
		m, err := c.PlanMove(ctx, time.Now(), within())
		if err == nil {
			_, err = c.Apply(ctx, m)
		}
		return err
	}
	asked := message.Request{Verify: time.Duration(8+r.IntN(3)) * time.Hour, Repair: r.IntN(2) == 0}
	s, err := c.auditBudgeted(ctx, time.Now().Truncate(2*time.Hour), asked) // delivered again and again
	if err == nil && s.Duplicated > 0 {
		w.t.Errorf("audit: %+v", s)
	}
	return err
}

// TestLedgerOfOneStreamRemoved: somebody removes one stream's whole ledger, against all advice. Its runs go on behind
// its state and deliver nothing twice, and the other streams do not notice.
func TestLedgerOfOneStreamRemoved(t *testing.T) {
	simulateStreams(t, func(stream.Stream) *netskopetest.Server { return &netskopetest.Server{} },
		func(s stream.Stream) []netskopetest.Alert {
			return netskopetest.Profile{Seed: 3, Stream: s.String(), From: dayStart.Add(-12 * time.Hour),
				To: dayStart.Add(12 * time.Hour), N: 200, VisibleWithin: -1}.Alerts()
		}, func(all worlds) {
			for hour := range 7 {
				if hour == 3 {
					page := all[len(all)-1]
					for _, o := range page.cloud.Objects(page.BucketName, page.Folders().Ledger) {
						page.cloud.Delete(page.BucketName, o.Name)
					}
				}
				reports, errs := all.run(all[0].t.Context(), time.Now())
				if len(errs) > 0 {
					t.Errorf("hour %d: %v", hour, errs)
				}
				for s, report := range reports {
					if told := report.Trouble == stateAlone; told != (hour == 3 && s == all[len(all)-1].Stream) {
						t.Errorf("hour %d, stream %s: %q", hour, s, report.Trouble)
					}
				}
				time.Sleep(time.Hour)
			}
			for _, w := range all {
				w.checkDelivered()
			}
		})
}
