package collector

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
	"netskope-alerts.internal/collector/internal/tally"
)

// past is a span of hours before dayStart.
func past(from, to int) Window {
	return Window{From: dayStart.Add(-time.Duration(from) * time.Hour), To: dayStart.Add(-time.Duration(to) * time.Hour)}
}

// withPast runs the collector from two hours before dayStart on.
func withPast(w *world) {
	w.config.Lookback, w.config.PageSize = 2*time.Hour, 10
	w.mustRun()
}

func (w *world) backfill(ctx context.Context, span Window) (Report, error) {
	return Backfill(ctx, w.config, w.bucket, w.client, time.Now(), span, nil)
}

// backfilled says that everything from there on is delivered, once.
func (w *world) backfilled(from time.Time) {
	w.t.Helper()
	w.began = from
	w.checkDelivered()
}

// TestBackfill collects what was before the collector began, and does not touch its state.
func TestBackfill(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(26, 400), func(w *world) {
		withPast(w)
		before := w.state()
		r, err := w.backfill(w.t.Context(), past(24, 3))
		if err != nil || !r.CaughtUp || r.Alerts < 100 {
			t.Fatalf("%+v, %v", r, err)
		}
		// The rest, asked for so that it overlaps both.
		end := w.state().Through
		if r, err = w.backfill(w.t.Context(), Window{From: dayStart.Add(-25 * time.Hour), To: end}); err != nil || !r.CaughtUp || r.Covered < 5 {
			t.Fatalf("%+v, %v", r, err)
		}
		w.backfilled(dayStart.Add(-25 * time.Hour))
		if after := w.state(); after.generation != before.generation {
			t.Error("the live state was touched")
		}
		requests := w.tenant.Requests()
		if r, err = w.backfill(w.t.Context(), past(24, 3)); err != nil || !r.CaughtUp || r.Windows != 0 || w.tenant.Requests() != requests {
			t.Errorf("a backfill that is complete, again: %+v, %v", r, err)
		}
		// What is delivered twenty-five hours back is not delivered by a new one either, state or none.
		for _, o := range w.cloud.Objects(w.config.Bucket, w.config.Folders().Backfills) {
			w.cloud.Delete(w.config.Bucket, o.Name)
		}
		if r, err = w.backfill(w.t.Context(), past(25, 1)); err != nil || !r.CaughtUp || r.Alerts != 0 {
			t.Errorf("%+v, %v", r, err)
		}
		w.backfilled(dayStart.Add(-25 * time.Hour))
	})
}

func TestBackfillRefuses(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(26, 400), func(w *world) {
		if _, err := w.backfill(w.t.Context(), past(24, 3)); err == nil || !strings.Contains(err.Error(), "has not run yet") {
			t.Errorf("without a live state: %v", err)
		}
		withPast(w)
		for _, test := range []struct {
			name, want string
			span       Window
		}{
			{"the future of the live state", "end the span there or earlier", past(3, 0)},
			{"the wrong way round", "ends before it begins", past(3, 4)},
			{"fractions", "whole seconds", Window{From: dayStart.Add(-3*time.Hour + 1), To: dayStart.Add(-2 * time.Hour)}},
			{"another zone", "UTC", Window{From: dayStart.Add(-3 * time.Hour).In(time.FixedZone("", 3600)), To: dayStart.Add(-2 * time.Hour)}},
			{"long ago", "before there were alerts", Window{From: time.Unix(0, 0).UTC(), To: dayStart.Add(-2 * time.Hour)}},
		} {
			if _, err := w.backfill(w.t.Context(), test.span); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v", test.name, err)
			}
		}
		// One that is not complete keeps others out, and repairs.
		w.config.MaxRecords = 20
		if r, err := w.backfill(w.t.Context(), past(24, 3)); err != nil || r.CaughtUp {
			t.Fatalf("%+v, %v", r, err)
		}
		w.config.MaxRecords = 0
		if _, err := w.backfill(w.t.Context(), past(5, 4)); err == nil || !strings.Contains(err.Error(), "not complete") {
			t.Errorf("an overlap: %v", err)
		}
		if _, err := PlanMove(w.t.Context(), w.config, w.bucket, time.Now(), dayStart.Add(-10*time.Hour)); err == nil || !strings.Contains(err.Error(), "not complete") {
			t.Errorf("a move of the state back into it: %v", err)
		}
		if a, err := w.audit(w.t.Context(), AuditOptions{Repair: true}); err != nil || a.Missing < 200 || a.Repaired > a.Missing/10 || a.Passed() {
			t.Errorf("a repair leaves its part to it: %+v, %v", a, err)
		}
		if _, err := w.audit(w.t.Context(), AuditOptions{}); err != nil {
			t.Errorf("an audit: %v", err)
		}
		if r, err := w.backfill(w.t.Context(), past(26, 24)); err != nil || !r.CaughtUp {
			t.Errorf("beside it: %+v, %v", r, err)
		}
		if r, err := w.backfill(w.t.Context(), past(24, 3)); err != nil || !r.CaughtUp {
			t.Errorf("to its end: %+v, %v", r, err)
		}
	})
}

// TestKilledBackfillIsResumed kills a backfill at every write.
func TestKilledBackfillIsResumed(t *testing.T) {
	span := past(5, 3)
	killAtEveryWrite(t, hoursBefore(6, 100), withPast,
		func(ctx context.Context, w *world) error {
			_, err := w.backfill(ctx, span)
			return err
		},
		func(w *world) {
			if r, err := w.backfill(w.t.Context(), span); err != nil || !r.CaughtUp {
				w.t.Errorf("%+v, %v", r, err)
			}
			if r, err := w.backfill(w.t.Context(), Window{From: span.To, To: w.began}); err != nil || !r.CaughtUp {
				w.t.Errorf("%+v, %v", r, err)
			}
			time.Sleep(time.Minute)
			w.backfilled(span.From)
		})
}

// TestGivenUpBackfillEnds: a run whose backfill is given up must not begin it anew.
func TestGivenUpBackfillEnds(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(26, 400), func(w *world) {
		withPast(w)
		span := past(24, 3)
		w.faults(nil, func(r gcstest.Request) (f gcstest.Fault) {
			if r.Op == gcstest.MoveObject {
				w.cloud.Delete(w.config.Bucket, backfillState(w.config, span))
			}
			return f
		})
		if _, err := w.backfill(w.t.Context(), span); err == nil || !strings.Contains(err.Error(), "given up") {
			t.Errorf("got %v", err)
		}
		w.faults(nil, nil)
		if err := AbandonBackfill(w.t.Context(), w.config, w.bucket, span); err != nil {
			t.Error(err)
		}
		if r, err := w.backfill(w.t.Context(), Window{From: dayStart.Add(-25 * time.Hour), To: w.began}); err != nil || !r.CaughtUp {
			t.Errorf("another, over it: %+v, %v", r, err)
		}
		w.backfilled(dayStart.Add(-25 * time.Hour))
	})
}

// TestPlannedBackfill works the messages of a plan off as Pub/Sub may deliver them: out of
// order, several at once, again after they failed, and again after they succeeded, each by
// an instance that has little time; beside the live collector, and with all faults.
func TestPlannedBackfill(t *testing.T) {
	seed := newSeed(t)
	for round := range rounds(3) {
		simulate(t, &netskopetest.Server{Order: netskopetest.Shuffled}, hoursBefore(50, 1500), func(w *world) {
			w.config.Lookback = 2 * time.Hour
			w.mustRun()
			w.config.Budget = time.Minute
			span := Window{From: dayStart.Add(-49 * time.Hour), To: w.began}
			spans, err := PlanBackfill(w.t.Context(), w.config, w.bucket, span, 6*time.Hour)
			if err != nil || len(spans) != 8 {
				t.Fatalf("%v, %v", spans, err)
			}
			random := rand.New(rand.NewPCG(seed, round))
			var queue []Window
			for _, s := range spans {
				content, err := BackfillMessage(s)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Contains(content, []byte(s.From.Format(time.RFC3339))) {
					t.Fatalf("%s asks for %v", content, s)
				}
				queue = append(queue, s)
				if random.IntN(3) == 0 {
					queue = append(queue, s) // delivered twice
				}
			}
			random.Shuffle(len(queue), func(i, j int) { queue[i], queue[j] = queue[j], queue[i] })
			w.faults(w.tenantMenu(rand.New(rand.NewPCG(seed, 10+round)), dayStart.Add(-100*time.Hour)), cloudMenu(rand.New(rand.NewPCG(seed, 20+round))))
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
						r, err := w.backfill(w.t.Context(), s)
						if err != nil || !r.CaughtUp {
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
			w.config.Budget = 8 * time.Minute
			w.mustRun()
			w.backfilled(span.From)
			left, err := PlanBackfill(w.t.Context(), w.config, w.bucket, span, 6*time.Hour)
			if err != nil || len(left) != 0 {
				t.Errorf("left to do: %v, %v", left, err)
			}
			if a := w.mustAudit(AuditOptions{Since: span.From}); !a.Passed() || a.Delivered < 1300 {
				t.Errorf("audit: %+v", a)
			}
		})
	}
}

// TestAnyMix is the promise as a whole: runs, repairs, backfills and moves of the state, in
// any order and at the same time, killed and repeated, with all faults and a feed that
// takes objects away. In the end every alert is delivered once, also those that became
// visible too late.
func TestAnyMix(t *testing.T) {
	seed := newSeed(t)
	done := map[string]int{}
	for round := range rounds(6) {
		alerts := netskopetest.Profile{Seed: seed, From: dayStart.Add(-30 * time.Hour), To: dayStart.Add(12 * time.Hour), N: 1000, VisibleWithin: 4 * time.Minute}.Alerts()
		for i := range alerts {
			if i%20 == 0 {
				alerts[i].Visible = alerts[i].Inserted.Add(3 * time.Hour)
			}
		}
		simulate(t, &netskopetest.Server{Order: netskopetest.Shuffled}, alerts, func(w *world) {
			random := rand.New(rand.NewPCG(seed, round))
			w.config.Lookback, w.config.Budget = 5*time.Hour, 3*time.Minute
			w.mustRun()
			if round%2 == 0 {
				stays := rand.New(rand.NewPCG(seed, 40+round))
				w.feed = func() time.Duration { return time.Duration(stays.IntN(300)) * time.Second }
			}
			w.faults(unshifted(w.tenantMenu(rand.New(rand.NewPCG(seed, 10+round)), dayStart.Add(7*time.Hour))), cloudMenu(rand.New(rand.NewPCG(seed, 20+round))))
			end := w.began
			for range 40 {
				var together sync.WaitGroup
				for range 1 + random.IntN(3) {
					ctx, die := context.WithCancel(w.t.Context())
					if random.IntN(3) == 0 {
						time.AfterFunc(time.Duration(random.IntN(60_000))*time.Millisecond, die)
					}
					what := random.IntN(5)
					from := 28 - 4*random.IntN(7)
					together.Go(func() {
						defer die()
						var err error
						name := "run"
						switch what {
						case 0, 1:
							_, err = w.runAt(ctx, time.Now())
						case 2, 3:
							name = "repair"
							var a Audit
							a, err = w.audit(ctx, AuditOptions{Repair: true})
							if err == nil && a.Duplicated > 0 {
								w.t.Errorf("audit: %+v", a)
							}
						case 4:
							name = "backfill"
							span := Window{From: dayStart.Add(-time.Duration(from) * time.Hour), To: dayStart.Add(-time.Duration(from-4) * time.Hour)}
							if span.To.After(end) {
								span.To = end
							}
							if span.From.Before(span.To) {
								_, err = w.backfill(ctx, span)
							}
						}
						w.mu.Lock()
						defer w.mu.Unlock()
						if err != nil {
							name += " failed"
						}
						done[name]++
					})
				}
				together.Wait()
				time.Sleep(time.Duration(random.IntN(20)) * time.Minute)
			}
			w.faults(nil, nil)
			time.Sleep(time.Until(dayStart.Add(18 * time.Hour)))
			w.mustAudit(AuditOptions{Since: dayStart.Add(-28 * time.Hour), Repair: true})
			for from := 28; from > 0; from -= 4 {
				span := past(from, from-4)
				if span.To.After(end) {
					span.To = end
				}
				if !span.From.Before(span.To) {
					break
				}
				for {
					r, err := w.backfill(w.t.Context(), span)
					if err != nil {
						t.Fatal(err)
					}
					if r.CaughtUp {
						break
					}
				}
			}
			for !w.mustRun().CaughtUp {
			}
			time.Sleep(time.Hour)
			w.mustRun()
			for range 2 {
				if a := w.mustAudit(AuditOptions{Since: dayStart.Add(-28 * time.Hour), Repair: true}); !a.Passed() {
					t.Errorf("audit: %+v", a)
				}
			}
			time.Sleep(time.Hour)
			w.backfilled(dayStart.Add(-28 * time.Hour))
		})
	}
	t.Log(done)
	for _, name := range []string{"run", "repair", "backfill"} {
		if done[name] == 0 || done[name+" failed"] == 0 {
			t.Errorf("the mix shows little: %v", done)
		}
	}
}

// TestLedgerIsRefusedWhenDamaged: a run must not take for delivered, nor for missing, what
// it cannot read.
func TestLedgerIsRefusedWhenDamaged(t *testing.T) {
	for name, damage := range map[string]func(*gcstest.Object){
		"no metadata": func(o *gcstest.Object) { o.Metadata = nil },
		"no JSON":     func(o *gcstest.Object) { o.Metadata = map[string]string{ledgerMember: "{"} },
		"keys cut":    func(o *gcstest.Object) { o.Content = o.Content[:len(o.Content)/2] },
	} {
		simulate(t, &netskopetest.Server{}, hoursBefore(26, 400), func(w *world) {
			withPast(w)
			entries := w.entries()
			i := slices.IndexFunc(entries, func(e entry) bool { return e.Alerts > 0 })
			o, _ := w.cloud.Object(w.config.Bucket, entries[i].name)
			damage(&o)
			w.cloud.Delete(w.config.Bucket, o.Name)
			writer := w.bucket.Object(o.Name).NewWriter(w.t.Context())
			writer.Metadata = o.Metadata
			if _, err := writer.Write(o.Content); err != nil {
				t.Fatal(err)
			}
			if err := writer.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := w.audit(w.t.Context(), AuditOptions{}); err == nil || !strings.Contains(err.Error(), o.Name) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// TestEntryFitsIntoMetadata: whatever the tenant's types are called, the entry of a window
// can be written.
func TestEntryFitsIntoMetadata(t *testing.T) {
	var c tally.Counter
	random := rand.New(rand.NewPCG(1, 1))
	for hour := range int64(7) {
		for range 100 {
			name := make([]byte, random.IntN(80))
			for i := range name {
				name[i] = byte(random.IntN(256))
			}
			quoted, _ := json.Marshal(string(name))
			c.Add(pageAlert(string(quoted)), hour*3600)
		}
	}
	for i := range 400 {
		c.Late(int64(1) << (i % 40) * int64(i))
	}
	long := &placed{Name: strings.Repeat("n", 1000), Staged: strings.Repeat("s", 1000)}
	e := entry{From: dayStart, To: dayStart.Add(time.Hour), Object: long, Quarantine: long, Alerts: 1, Tally: c.Tally()}
	metadata, err := e.metadata()
	if err != nil || len(metadata[ledgerMember]) > maxMetadata {
		t.Errorf("%d bytes, %v", len(metadata[ledgerMember]), err)
	}
	var back entry
	if err := json.Unmarshal([]byte(metadata[ledgerMember]), &back); err != nil || back.Object.Name != long.Name {
		t.Errorf("%v", err)
	}
}

// TestForeignObjectAtThePlace: an object of the window's name that the ledger does not
// know is not overwritten, and the run says what to do.
func TestForeignObjectAtThePlace(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(2, 60), func(w *world) {
		w.config.Lookback = 2 * time.Hour
		w.mustRun()
		time.Sleep(time.Hour)
		w.cloud.Visible = nil
		w.tenant.Add(netskopetest.Generate(3, dayStart.Add(-4*time.Minute), dayStart, 5)...)
		o := w.cloud.Put(w.config.Bucket, w.state().Object, []byte("precious\n"))
		if _, err := w.run(); err == nil || !strings.Contains(err.Error(), "does not know it") {
			t.Errorf("got %v", err)
		}
		if after, _ := w.cloud.Object(w.config.Bucket, o.Name); after.Generation != o.Generation {
			t.Error("it was overwritten")
		}
		w.cloud.Delete(w.config.Bucket, o.Name)
		w.mustRun()
	})
}

// TestBackfillWithoutState: a backfill whose state is gone was given up; it must not begin
// as the live collector would.
func TestBackfillWithoutState(t *testing.T) {
	simulate(t, &netskopetest.Server{}, nil, func(w *world) {
		span := Window{From: dayStart.Add(-48 * time.Hour), To: dayStart.Add(-24 * time.Hour)}
		_, err := loadState(w.t.Context(), w.bucket, w.config, time.Now(), span)
		if err == nil || !strings.Contains(err.Error(), "the backfill was given up") {
			t.Errorf("got %v", err)
		}
		if w.state() != nil {
			t.Error("a state was made")
		}
	})
}
