package collector

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/api/option"

	"netskope-alerts.internal/collector/internal/audit"
	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/ledger"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// past is a span of hours before dayStart.
func past(from, to int) Span {
	return Span{From: dayStart.Add(-time.Duration(from) * time.Hour), To: dayStart.Add(-time.Duration(to) * time.Hour)}
}

// withPast runs the collector from two hours before dayStart on.
func withPast(w *world) {
	w.Lookback, w.PageSize = 2*time.Hour, 10
	w.mustRun()
}

func (w *world) backfill(ctx context.Context, span Span) (Report, error) {
	return w.Backfill(ctx, time.Now(), span, nil)
}

// mustBackfill completes the span, in as many runs as that takes.
func (w *world) mustBackfill(span Span) (alerts int64) {
	w.t.Helper()
	for range 100 {
		r, err := w.backfill(w.t.Context(), span)
		if err != nil {
			w.t.Fatalf("backfill %v: %v", span, err)
		}
		alerts += r.Alerts
		if r.CaughtUp {
			return alerts
		}
	}
	w.t.Fatalf("backfill %v does not come to its end", span)
	return 0
}

// backfilled says that everything from there on is delivered, once.
func (w *world) backfilled(from time.Time) {
	w.t.Helper()
	w.began = from
	w.checkDelivered()
}

// wholeLedger is the ledger, all of it read.
func (w *world) wholeLedger() *ledger.Ledger {
	w.t.Helper()
	l := w.Ledger()
	if err := l.Load(w.t.Context(), at("2001-10-01T00:00:00Z"), at("2040-01-01T00:00:00Z")); err != nil {
		w.t.Fatal(err)
	}
	return l
}

// entries are the ledger's, of delivered cells and of repairs, the earliest first.
func (w *world) entries() []ledger.Entry {
	w.t.Helper()
	entries := w.wholeLedger().All()
	slices.SortFunc(entries, func(a, b ledger.Entry) int { return a.From.Compare(b.From) })
	return entries
}

// TestBackfill collects what was before the collector began, and does not touch its state.
func TestBackfill(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(26, 400), func(w *world) {
		withPast(w)
		before := w.state()
		r, err := w.backfill(w.t.Context(), past(24, 3))
		if err != nil || !r.CaughtUp || r.Alerts < 100 || !r.Through.Equal(past(24, 3).To) {
			t.Fatalf("%+v, %v", r, err)
		}
		// The rest, asked for so that it overlaps both.
		end := w.state().Through
		if r, err = w.backfill(w.t.Context(), Span{From: dayStart.Add(-25 * time.Hour), To: end}); err != nil ||
			!r.CaughtUp || r.Covered < 5 {
			t.Fatalf("%+v, %v", r, err)
		}
		w.backfilled(dayStart.Add(-25 * time.Hour))
		if after := w.state(); after.Generation != before.Generation {
			t.Error("the live state was touched")
		}
		requests := w.tenant.Requests()
		r, err = w.backfill(w.t.Context(), past(24, 3))
		if err != nil || !r.CaughtUp || r.Cells != r.Covered || r.Alerts != 0 || w.tenant.Requests() != requests {
			t.Errorf("a backfill that is complete, again: %+v, %v", r, err)
		}
		w.backfilled(dayStart.Add(-25 * time.Hour))
	})
}

// TestBackfillNeedsNoState: a backfill may come before the first run, whose state it does not
// make, and whose work it does not repeat.
func TestBackfillNeedsNoState(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(26, 400), func(w *world) {
		if r, err := w.backfill(w.t.Context(), past(24, 1)); err != nil || !r.CaughtUp || r.Alerts < 100 {
			t.Fatalf("%+v, %v", r, err)
		}
		if w.state() != nil {
			t.Error("it made a state")
		}
		w.Lookback = 6 * time.Hour
		if r := w.mustRun(); r.Covered == 0 || !r.CaughtUp || r.Trouble != "" || r.From.Before(past(7, 0).From) {
			t.Errorf("%+v", r)
		}
		w.backfilled(dayStart.Add(-24 * time.Hour))
	})
}

// TestBackfillRefuses: what cannot be cut into cells, or is not old enough. What others have
// delivered, in whole or in part, is no reason.
func TestBackfillRefuses(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(26, 400), func(w *world) {
		withPast(w)
		requests, entries := w.tenant.Requests(), len(w.entries())
		zone := time.FixedZone("", 3600)
		for _, test := range []struct {
			name, want string
			span       Span
		}{
			{"beyond the horizon", "end it there or earlier", past(3, 0)},
			{"the wrong way round", "ends before it begins", past(3, 4)},
			{"nothing", "ends before it begins", past(3, 3)},
			{"fractions", "whole seconds", Span{From: dayStart.Add(-3*time.Hour + 1), To: dayStart.Add(-2 * time.Hour)}},
			{"fractions at the end", "whole seconds", Span{From: dayStart.Add(-3 * time.Hour),
				To: dayStart.Add(-2*time.Hour + 1)}},
			{"another zone", "UTC", Span{From: dayStart.Add(-3 * time.Hour).In(zone), To: dayStart.Add(-2 * time.Hour)}},
			{"long ago", "before there were alerts", Span{From: time.Unix(0, 0).UTC(), To: dayStart.Add(-2 * time.Hour)}},
		} {
			if _, err := w.backfill(w.t.Context(), test.span); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v", test.name, err)
			}
		}
		if w.tenant.Requests() != requests || len(w.entries()) != entries {
			t.Error("a refused backfill did something")
		}
		// One that is not complete is in nobody's way.
		w.MaxRecords = 20
		if r, err := w.backfill(w.t.Context(), past(24, 3)); err != nil || r.CaughtUp || r.Stopped != StoppedMaxRecords {
			t.Fatalf("%+v, %v", r, err)
		}
		w.MaxRecords = 0
		for _, span := range []Span{past(5, 4), past(26, 23), past(24, 3), past(25, 1)} {
			if r, err := w.backfill(w.t.Context(), span); err != nil || !r.CaughtUp {
				t.Errorf("%v: %+v, %v", span, r, err)
			}
		}
		w.backfilled(dayStart.Add(-26 * time.Hour))
	})
}

// TestKilledBackfillIsResumed kills a backfill at every write, and goes on with another span
// that overlaps it.
func TestKilledBackfillIsResumed(t *testing.T) {
	span := past(4, 3)
	before := func(w *world) { withPast(w); w.PageSize = 40 }
	killAtEveryWrite(t, hoursBefore(7, 120), before,
		func(ctx context.Context, w *world) error {
			_, err := w.backfill(ctx, span)
			return err
		},
		func(w *world) {
			for _, other := range []Span{
				{From: span.From.Add(37*time.Minute + 11*time.Second), To: span.To.Add(-7 * time.Minute)},
				{From: dayStart.Add(-6 * time.Hour), To: w.began},
			} {
				if r, err := w.backfill(w.t.Context(), other); err != nil || !r.CaughtUp {
					w.t.Errorf("%v: %+v, %v", other, r, err)
				}
			}
			time.Sleep(time.Minute)
			w.backfilled(dayStart.Add(-6 * time.Hour))
			if staged := w.cloud.Objects(w.BucketName, w.Folders().Staging); len(staged) > 0 &&
				staged[0].Created.Before(dayStart) {
				w.t.Errorf("left behind: %s", staged[0].Name)
			}
		})
}

// TestBackfillBeyondThrough: a backfill may reach where the live run has not come yet; that one
// passes over what it finds, also where the two cut time differently.
func TestBackfillBeyondThrough(t *testing.T) {
	alerts := netskopetest.Profile{Seed: 1, From: dayStart.Add(-30 * time.Hour), To: dayStart.Add(30 * time.Hour), N: 1500,
		VisibleWithin: -1}.Alerts()
	for _, span := range []Span{
		{From: dayStart.Add(time.Hour), To: dayStart.Add(10 * time.Hour)},                               // ahead of it
		{From: dayStart.Add(-20 * time.Hour), To: dayStart.Add(20 * time.Hour)},                         // over it
		{From: dayStart.Add(3*time.Hour + 17*time.Second), To: dayStart.Add(7*time.Hour + time.Second)}, // in other cells
	} {
		simulate(t, &netskopetest.Server{}, alerts, func(w *world) {
			w.Lookback = 2 * time.Hour
			w.mustRun()
			time.Sleep(26 * time.Hour)
			before := w.state()
			filled := w.mustBackfill(span)
			if after := w.state(); after.Generation != before.Generation {
				t.Error("the live state was touched")
			}
			r := w.mustRun()
			if !r.CaughtUp || r.Covered == 0 || filled == 0 || !r.Through.Equal(w.Horizon(time.Now())) || r.Alerts == 0 {
				t.Errorf("%v: %+v after %d alerts", span, r, filled)
			}
			for _, e := range w.entries() {
				within := !e.From.Before(span.From) && !e.To.After(span.To)
				if !e.From.Before(before.Through) && e.Began.IsZero() != within {
					t.Errorf("entry %v says that it is of a collector that began at %v", e.Cell, e.Began)
				}
			}
			from := w.began
			if span.From.Before(from) {
				from = span.From
			}
			w.backfilled(from)
			// Where all of it is delivered, nothing is asked for.
			time.Sleep(2 * time.Hour)
			w.mustBackfill(Span{From: before.Through, To: w.Horizon(time.Now())})
			requests := w.tenant.Requests()
			if r := w.mustRun(); r.Cells != r.Covered || w.tenant.Requests() != requests ||
				!r.Through.Equal(w.Horizon(time.Now())) {
				t.Errorf("%+v", r)
			}
			w.backfilled(from)
		})
	}
}

// TestPlannedBackfill works the messages of a plan, which are spans, off as Pub/Sub may
// deliver them: out of order, several at once, again after they failed, and again after they
// succeeded, each by an instance that has little time; beside the live collector, and with
// all faults.
func TestPlannedBackfill(t *testing.T) {
	seed := newSeed(t)
	for round := range rounds(3) {
		simulate(t, &netskopetest.Server{Order: netskopetest.Shuffled}, hoursBefore(50, 1500), func(w *world) {
			w.Lookback = 2 * time.Hour
			w.mustRun()
			w.Budget = time.Minute
			from := dayStart.Add(-49 * time.Hour)
			random := rand.New(rand.NewPCG(seed, round))
			var queue []Span
			for at := from; at.Before(w.began); at = at.Add(6 * time.Hour) {
				// The pieces overlap, or not: nobody has to care.
				end := earlier(w.began, at.Add(6*time.Hour+time.Duration(random.IntN(5000))*time.Second))
				queue = append(queue, Span{From: at, To: end})
				if random.IntN(3) == 0 {
					queue = append(queue, Span{From: at, To: end}) // delivered twice
				}
			}
			random.Shuffle(len(queue), func(i, j int) { queue[i], queue[j] = queue[j], queue[i] })
			w.faults(w.tenantMenu(rand.New(rand.NewPCG(seed, 10+round)), dayStart.Add(-100*time.Hour)),
				cloudMenu(rand.New(rand.NewPCG(seed, 20+round))))
			again := 0
			var instances sync.WaitGroup
			for range 4 {
				instances.Go(func() {
					for range 300 {
						w.mu.Lock()
						if len(queue) == 0 {
							w.mu.Unlock()
							return
						}
						s := queue[0]
						queue = queue[1:]
						w.mu.Unlock()
						if r, err := w.backfill(w.t.Context(), s); err != nil || !r.CaughtUp {
							w.mu.Lock()
							queue = append(queue, s)
							again++
							w.mu.Unlock()
							time.Sleep(10 * time.Second)
						}
					}
				})
			}
			time.Sleep(time.Hour)
			_, _ = w.run() // the live one, beside it
			instances.Wait()
			w.faults(nil, nil)
			if len(queue) > 0 {
				t.Fatalf("%d messages are left", len(queue))
			}
			if again == 0 {
				t.Error("no message had to come again: the test shows nothing")
			}
			w.Budget = 8 * time.Minute
			w.mustRun()
			w.backfilled(from)
			left, err := w.Undelivered(w.t.Context(), time.Now(), Span{From: from, To: w.state().Through})
			if err != nil || len(left) != 0 {
				t.Errorf("left to do: %v, %v", left, err)
			}
			if s := w.mustAudit(audit.Options{Since: from}); !s.Passed() || s.Delivered < 1300 || s.Missing != 0 ||
				s.Unknown != 0 {
				t.Errorf("audit: %+v", s)
			}
		})
	}
}

// TestWorkersAtOnce: several backfills over spans that overlap, cut differently, with several cells
// in flight each, at the same time, over many interleavings.
func TestWorkersAtOnce(t *testing.T) {
	alerts := hoursBefore(14, 700)
	met := 0
	for step := range rounds(6) {
		simulate(t, &netskopetest.Server{}, alerts, func(w *world) {
			w.Lookback = time.Hour
			w.mustRun()
			w.PageSize = []int{10, 40, 500}[step%3]
			inflight, most := 0, 0
			delay := func(n int) time.Duration { return time.Duration(1+(n*7+int(step))%13) * 100 * time.Millisecond }
			w.faults(func(r netskopetest.Request) netskopetest.Fault {
				inflight++
				most = max(most, inflight)
				time.AfterFunc(delay(r.N), func() {
					w.mu.Lock()
					inflight--
					w.mu.Unlock()
				})
				return netskopetest.Fault{Delay: delay(r.N)}
			}, func(r gcstest.Request) gcstest.Fault { return gcstest.Fault{Delay: delay(r.N)} })
			random := rand.New(rand.NewPCG(step, 1))
			var workers sync.WaitGroup
			for i := range 5 {
				c := *w.Collector
				c.PageSize = []int{10, 25, 100, 500, 1000}[(i+int(step))%5]
				from := time.Duration(random.IntN(3*3600)) * time.Second
				to := time.Duration(random.IntN(3*3600)) * time.Second
				span := Span{From: past(13, 1).From.Add(from), To: past(13, 1).To.Add(-to)}
				if i == 0 {
					span = Span{From: past(13, 1).From, To: w.began}
				}
				workers.Go(func() {
					r, err := c.Backfill(w.t.Context(), time.Now(), span, nil)
					if err != nil || !r.CaughtUp || r.Through.Before(span.To) {
						t.Errorf("through %v of %v, %v", r.Through, span, err)
					}
					w.mu.Lock()
					defer w.mu.Unlock()
					met += r.Existing + r.Covered
				})
			}
			workers.Wait()
			w.faults(nil, nil)
			if most < 6 {
				t.Errorf("at most %d requests at once: the test shows nothing", most)
			}
			w.backfilled(past(13, 1).From)
			if s := w.mustAudit(audit.Options{Since: past(13, 1).From}); !s.Passed() || s.Missing != 0 || s.Unknown != 0 {
				t.Errorf("%+v", s)
			}
			if staged := w.cloud.Objects(w.BucketName, w.Folders().Staging); len(staged) > 0 {
				t.Errorf("%d staged objects are left", len(staged))
			}
		})
	}
	if met < 20 {
		t.Errorf("the workers met %d times: the test shows nothing", met)
	}
}

// zombie is the collector on a machine that falls asleep for more than an hour in the middle of a
// request, now and then, and then goes on as if nothing had been.
func (w *world) zombie(random *rand.Rand) *Collector {
	var mu sync.Mutex
	left := 4 + random.IntN(40) // requests until it falls asleep
	asleep := func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			left--
			now, after := left == 0, random.IntN(2) == 0
			nap := time.Duration(61+random.IntN(60)) * time.Minute
			mu.Unlock()
			if now && !after {
				time.Sleep(nap) // the request is sent all the same
				ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 5*time.Minute)
				context.AfterFunc(ctx, cancel)
				r = r.WithContext(ctx)
			}
			answer, err := next.RoundTrip(r)
			if now && after {
				time.Sleep(nap)
			}
			return answer, err
		})
	}
	client, err := gcs.NewClient(w.t.Context(), option.WithEndpoint("http://storage.test/storage/v1/"),
		option.WithoutAuthentication(),
		option.WithHTTPClient(&http.Client{Transport: asleep(serve(w.t, w.cloud))}))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { client.Close() })
	c := *w.Collector
	c.HTTP = &http.Client{Transport: asleep(w.HTTP.Transport)}
	c.Bucket = gcs.Through(client, c.BucketName)
	c.Budget = 100 * time.Hour // its other clock stood still
	return &c
}

// TestAnyMix is the promise as a whole: runs, repairs, backfills and moves of the state, in
// any order and at the same time, killed, asleep for hours, and repeated, with all faults
// and a feed that takes objects away. In the end every alert is delivered once, also those
// that became visible too late.
func TestAnyMix(t *testing.T) {
	seed := newSeed(t)
	done := map[string]int{}
	for round := range rounds(6) {
		alerts := netskopetest.Profile{Seed: seed, From: dayStart.Add(-30 * time.Hour), To: dayStart.Add(12 * time.Hour),
			N: 1000, VisibleWithin: 4 * time.Minute}.Alerts()
		for i := range alerts {
			if i%20 == 0 {
				alerts[i].Visible = alerts[i].Inserted.Add(3 * time.Hour)
			}
		}
		simulate(t, &netskopetest.Server{Order: netskopetest.Shuffled}, alerts, func(w *world) {
			w.mix(seed, round, done)
		})
	}
	t.Log(done)
	for _, name := range []string{"run", "repair", "backfill", "move"} {
		if done[name] == 0 || done[name+" failed"] == 0 {
			t.Errorf("the mix shows little: %v", done)
		}
	}
	if done["woke up too late"] == 0 {
		t.Errorf("nobody woke up too late: %v", done)
	}
}

func (w *world) mix(seed, round uint64, done map[string]int) {
	random := rand.New(rand.NewPCG(seed, round))
	w.Lookback, w.Budget = 5*time.Hour, 3*time.Minute
	w.mustRun()
	if round%2 == 0 {
		stays := rand.New(rand.NewPCG(seed, 40+round))
		w.feed = func() time.Duration { return time.Duration(stays.IntN(300)) * time.Second }
	}
	w.faults(unshifted(w.tenantMenu(rand.New(rand.NewPCG(seed, 10+round)), dayStart.Add(7*time.Hour))),
		cloudMenu(rand.New(rand.NewPCG(seed, 20+round))))
	var zombies sync.WaitGroup
	for range 40 {
		var together sync.WaitGroup
		for range 1 + random.IntN(3) {
			c, group := w.Collector, &together
			ctx, die := context.WithCancel(w.t.Context())
			switch random.IntN(6) {
			case 0, 1:
				time.AfterFunc(time.Duration(random.IntN(60_000))*time.Millisecond, die)
			case 2:
				c, group = w.zombie(rand.New(rand.NewPCG(seed, random.Uint64()))), &zombies
			}
			what := random.IntN(6)
			from := random.IntN(40*3600) - 28*3600
			span := Span{From: dayStart.Add(time.Duration(from) * time.Second)}
			span.To = span.From.Add(time.Duration(1+random.IntN(6*3600)) * time.Second)
			group.Go(func() {
				defer die()
				name, err := mixed(ctx, c, what, span, w.t)
				w.mu.Lock()
				defer w.mu.Unlock()
				if err != nil {
					if strings.Contains(err.Error(), "was asleep") {
						done["woke up too late"]++
					}
					name += " failed"
				}
				done[name]++
			})
		}
		together.Wait()
		time.Sleep(time.Duration(random.IntN(20)) * time.Minute)
	}
	zombies.Wait()
	w.faults(nil, nil)
	time.Sleep(max(0, time.Until(dayStart.Add(18*time.Hour))))
	first := dayStart.Add(-28 * time.Hour)
	for !w.mustRun().CaughtUp {
	}
	w.mustBackfill(Span{From: first, To: w.Horizon(time.Now())})
	for i := range 3 {
		s := w.mustAudit(audit.Options{Since: first, Repair: true})
		if !s.Passed() || i > 0 && s.Missing > 0 || s.Unknown > 0 || s.Delivered < 700 || len(s.Foreign) > 0 {
			w.t.Errorf("audit %d: %+v", i, s)
		}
	}
	time.Sleep(time.Hour)
	if !w.state().Through.After(dayStart.Add(12 * time.Hour)) {
		w.t.Errorf("the state: %+v", w.state())
	}
	w.backfilled(first)
	time.Sleep(25 * time.Hour)
	w.mustRun()
	if staged := w.cloud.Objects(w.BucketName, w.Folders().Staging); len(staged) > 0 {
		w.t.Errorf("%d staged objects are left, %s", len(staged), staged[0].Name)
	}
}

// mixed does one of what may be done.
func mixed(ctx context.Context, c *Collector, what int, span Span, t *testing.T) (name string, err error) {
	switch what {
	case 0, 1:
		_, err = c.Run(ctx, time.Now(), nil)
		return "run", err
	case 2, 3:
		s, err := c.Audit(ctx, audit.Options{Since: dayStart.Add(-28 * time.Hour), Repair: true}, nil)
		if err == nil && s.Duplicated > 0 {
			t.Errorf("audit: %+v", s)
		}
		return "repair", err
	case 4:
		if horizon := c.Horizon(time.Now()); span.To.After(horizon) {
			span.To = horizon
		}
		if !span.From.Before(span.To) {
			return "nothing", nil
		}
		_, err = c.Backfill(ctx, time.Now(), span, nil)
		return "backfill", err
	}
	m, err := c.PlanMove(ctx, time.Now(), earlier(span.From, c.Horizon(time.Now())))
	if err == nil {
		_, err = c.Apply(ctx, m)
	}
	return "move", err
}

// TestForeignObjectAtThePlace: an object of a cell's name that the ledger does not
// know is not overwritten, and the run says what to do.
func TestForeignObjectAtThePlace(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(2, 60), func(w *world) {
		w.Lookback = 2 * time.Hour
		w.mustRun()
		time.Sleep(time.Hour)
		w.cloud.Visible = nil
		w.add(netskopetest.Generate(3, dayStart.Add(-4*time.Minute), dayStart.Add(50*time.Minute), 5)...)
		state := w.state()
		name := fmt.Sprintf("%s2026/11/22/alerts_20261122T235500Z_20261123T005500Z.ndjson", w.Folders().Feed)
		o := w.cloud.Put(w.BucketName, name, []byte("precious\n"))
		if _, err := w.run(); err == nil || !strings.Contains(err.Error(), "does not know it") {
			t.Errorf("got %v", err)
		}
		if after, _ := w.cloud.Object(w.BucketName, o.Name); after.Generation != o.Generation {
			t.Error("it was overwritten")
		}
		if !w.state().Through.Equal(state.Through) {
			t.Error("the state moved beyond what is not at its place")
		}
		w.cloud.Delete(w.BucketName, o.Name)
		w.mustRun()
		w.checkDelivered()
	})
}

// add gives the tenant further alerts.
func (w *world) add(alerts ...netskopetest.Alert) {
	w.t.Helper()
	w.tenant.Add(alerts...)
	for _, one := range alerts {
		w.lines[compacted(w.t, one)] = one
	}
}
