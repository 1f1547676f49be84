package collector

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/layout"
	"netskope-alerts.internal/collector/internal/netskope"
	"netskope-alerts.internal/collector/internal/settings"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// hoursBefore is n alerts of the hours before dayStart.
func hoursBefore(hours, n int) []netskopetest.Alert {
	return shownAtOnce(1, -time.Duration(hours)*time.Hour, 0, n)
}

// hoursAround is alerts of so many hours before dayStart and after it.
func hoursAround(hours, n int) []netskopetest.Alert {
	side := time.Duration(hours) * time.Hour
	return shownAtOnce(1, -side, side, n)
}

// killAtEveryWrite plays test once for every write that work makes, with work killed at it:
// once before the storage has carried it out, once after, and once so that it is carried out
// only when the killed is long dead; with a feed that leaves objects where they are, and
// with one that takes them away at once. Then the faults are gone, and after has to
// complete the work. before prepares the world, without faults.
func killAtEveryWrite(
	t *testing.T, alerts []netskopetest.Alert,
	before func(*world), work func(context.Context, *world) error, after func(*world),
) {
	t.Helper()
	writes := 0
	simulate(t, &netskopetest.Server{}, alerts, func(w *world) {
		before(w)
		w.faults(nil, func(r gcstest.Request) (f gcstest.Fault) {
			if r.Write {
				writes++
			}
			return f
		})
		if err := work(w.t.Context(), w); err != nil {
			t.Fatal(err)
		}
	})
	if writes < 4 {
		t.Fatalf("there are only %d writes to be killed at", writes)
	}
	step := 1
	if testing.Short() {
		step = 3 // the race detector sees the same code at every write
	}
	for k := 1; k <= writes; k += step {
		for name, fault := range map[string]gcstest.Fault{
			"before it is carried out": {Reset: true},
			"after it is carried out":  {Lost: gcstest.LostByReset},
			"long before it is":        {Delay: time.Minute, Detached: true},
		} {
			for _, feed := range []func() time.Duration{nil, func() time.Duration { return time.Millisecond }} {
				t.Run(fmt.Sprintf("write %d, %s, a feed that takes: %v", k, name, feed != nil), func(t *testing.T) {
					simulate(t, &netskopetest.Server{}, alerts, func(w *world) {
						w.feed = feed
						before(w)
						ctx, die := context.WithCancel(w.t.Context())
						n := 0
						w.faults(nil, func(r gcstest.Request) (f gcstest.Fault) {
							if r.Write {
								n++
							}
							if r.Write && n == k {
								time.AfterFunc(time.Second, die)
								return fault
							}
							if n >= k {
								return gcstest.Fault{Reset: true} // the dead send nothing more
							}
							return f
						})
						if err := work(ctx, w); err == nil && n >= k {
							t.Fatal("the killed succeeded")
						}
						w.faults(nil, nil)
						time.Sleep(10 * time.Minute)
						after(w)
					})
				})
			}
		}
	}
}

// TestKillAtEveryWrite kills a run; the next must complete its work.
func TestKillAtEveryWrite(t *testing.T) {
	killAtEveryWrite(t, hoursBefore(2, 60),
		func(w *world) { w.Lookback, w.PageSize = 2*time.Hour, 10 },
		func(ctx context.Context, w *world) error {
			_, err := w.runAt(ctx, time.Now())
			return err
		},
		func(w *world) {
			w.mustRun()
			w.checkDelivered()
		})
}

// TestTwoFirstRunsAtOnce begins with two runs of different triggers that both find no
// state, over many interleavings.
func TestTwoFirstRunsAtOnce(t *testing.T) {
	alerts := hoursBefore(3, 100)
	races := 0
	for step := range 12 {
		simulate(t, &netskopetest.Server{}, alerts, func(w *world) {
			w.Lookback = 2 * time.Hour
			w.faults(nil, func(r gcstest.Request) gcstest.Fault {
				return gcstest.Fault{Delay: time.Duration(1+(r.N*7+step)%13) * 100 * time.Millisecond}
			})
			now := time.Now()
			var runs sync.WaitGroup
			for i := range 2 {
				runs.Go(func() {
					r, err := w.runAt(w.t.Context(), now.Add(-time.Duration(i)*7*time.Minute))
					if err != nil {
						t.Error(err)
					}
					w.mu.Lock()
					defer w.mu.Unlock()
					races += r.Races + r.Existing + r.Covered
				})
			}
			runs.Wait()
			w.checkDelivered()
		})
	}
	if races < 12 {
		t.Errorf("the runs met %d times: the test shows little", races)
	}
}

// TestUnreadableStateStopsTheRun covers defects 11, 14 and 19: whatever else than an
// absent or damaged state ends the run, and changes nothing; a damaged one, too, as long as
// the ledger knows of no run.
func TestUnreadableStateStopsTheRun(t *testing.T) {
	const good = `{"through":"2026-11-22T10:00:00Z","began":"2026-11-22T09:00:00Z","tenant":"http://tenant.test","time_field":"insertion"}`
	answer := func(status int) func(gcstest.Request) gcstest.Fault {
		return func(r gcstest.Request) (f gcstest.Fault) {
			if r.Op == gcstest.ReadMedia {
				f.Status = status
			}
			return f
		}
	}
	for _, test := range []struct {
		name  string
		put   string
		fault func(gcstest.Request) gcstest.Fault
		want  string
	}{
		{"500", "", answer(500), "500"},
		{"403", "", answer(403), "403"},
		{"reset", "", func(r gcstest.Request) gcstest.Fault {
			return gcstest.Fault{Reset: r.Op == gcstest.ReadMedia}
		}, "read state"},
		{"garbage", "<html>", nil, "restore an earlier version"},
		{"nothing", "", nil, "restore an earlier version"},
		{"half", `{"through":"2026-11-22T10:0`, nil, "restore an earlier version"},
		{"a later version's", strings.Replace(good, "{", `{"streams":2,`, 1), nil, "later version's"},
		{"another tenant's", strings.Replace(good, "http://tenant.test", "https://other.goskope.com", 1), nil, "STATE_KEY"},
		{"another time field's", strings.Replace(good, "insertion", "event", 1), nil, "TIME_FIELD"},
		{"in the future", strings.ReplaceAll(good, "2026", "2027"), nil, "future"},
	} {
		t.Run(test.name, func(t *testing.T) {
			simulate(t, &netskopetest.Server{}, hoursBefore(2, 20), func(w *world) {
				w.cloud.Visible = nil
				content := test.put
				if test.fault != nil {
					content = good
				}
				before := w.cloud.Put(w.BucketName, w.StateKey, []byte(content))
				w.faults(nil, test.fault)
				_, err := w.run()
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want an error with %q", err, test.want)
				}
				after, _ := w.cloud.Object(w.BucketName, w.StateKey)
				if after.Generation != before.Generation || len(w.objects()) > 0 || w.tenant.Requests() > 0 {
					t.Errorf("the run went on: state %s, %d objects, %d requests",
						after.Content, len(w.objects()), w.tenant.Requests())
				}
			})
		})
	}
}

// TestMissingBucketIsLoud: a bucket that does not exist must not pass for a first run.
func TestMissingBucketIsLoud(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(2, 20), func(w *world) {
		w.cloud.Buckets = []string{"another"}
		if _, err := w.run(); err == nil || !strings.Contains(err.Error(), "404") {
			t.Errorf("got %v", err)
		}
	})
}

// TestOutageMovesNothing covers defects 1, 3 and 5: hours in which every request fails
// leave the state alone, every run fails, and the first good run catches up.
func TestOutageMovesNothing(t *testing.T) {
	for name, fault := range map[string]netskopetest.Fault{
		"401":             netskopetest.Unauthorized(),
		"403":             netskopetest.Forbidden(),
		"500":             netskopetest.GatewayError(500),
		"429":             netskopetest.RateLimited("1"),
		"429 for a day":   netskopetest.RateLimited("86400"),
		"302":             netskopetest.Redirect("http://elsewhere.test/login"),
		"404":             {Kind: netskopetest.Answer, Status: 404, Body: "no Route matched"},
		"204":             {Kind: netskopetest.Answer, Status: 204},
		"reset":           {Kind: netskopetest.Reset},
		"stall":           {Kind: netskopetest.Stall},
		"half JSON":       {Kind: netskopetest.HalfJSON},
		"ok 0":            netskopetest.NotOK("Time parameters are not passed"),
		"status error":    netskopetest.StatusError("no"),
		"null result":     netskopetest.NullResult(),
		"string result":   netskopetest.StringResult("no"),
		"missing result":  netskopetest.MissingResult(),
		"object result":   {Kind: netskopetest.Answer, Body: `{"ok":1,"result":{"_id":"a"}}`},
		"top-level array": {Kind: netskopetest.Answer, Body: `[{"_id":"a"}]`},
		"trailing bytes":  {Kind: netskopetest.Answer, Body: `{"ok":1,"result":[]} {}`},
		"HTML":            {Kind: netskopetest.Answer, Body: `<html>maintenance</html>`},
		"empty body":      {Kind: netskopetest.Answer},
	} {
		t.Run(name, func(t *testing.T) {
			alerts := shownAtOnce(1, -time.Hour, 6*time.Hour, 60)
			simulate(t, &netskopetest.Server{}, alerts, func(w *world) {
				w.Lookback = time.Hour
				w.mustRun()
				before := w.state()
				objects := len(w.objects())
				w.faults(func(netskopetest.Request) netskopetest.Fault { return fault }, nil)
				for range 4 {
					time.Sleep(time.Hour)
					r, err := w.run()
					var failure *netskope.Error
					if !errors.As(err, &failure) || r.CaughtUp || r.Cells > 0 {
						t.Errorf("run in the outage: %+v, %v", r, err)
					}
					if err != nil && strings.Contains(err.Error(), testToken) {
						t.Errorf("the error shows the token: %v", err)
					}
				}
				if after := w.state(); after.Generation != before.Generation || len(w.objects()) != objects {
					t.Errorf("the state moved from %+v to %+v", before, after)
				}
				w.faults(nil, nil)
				w.mustRun()
				w.checkDelivered()
			})
		})
	}
}

// TestFailureInMidWindowLeavesNothing: pages that arrived before the one that failed are
// neither visible nor forgotten, whether they were few or filled chunks of an upload.
func TestFailureInMidWindowLeavesNothing(t *testing.T) {
	for _, size := range []int{1000, 300_000} {
		alerts := netskopetest.Uniform(1, dayStart.Add(-time.Hour), dayStart.Add(-55*time.Minute), 40, size)
		simulate(t, &netskopetest.Server{}, alerts, func(w *world) {
			w.PageSize = 30
			w.faults(func(r netskopetest.Request) (f netskopetest.Fault) {
				if !r.First {
					f = netskopetest.Forbidden()
				}
				return f
			}, nil)
			if _, err := w.run(); err == nil || len(w.objects()) > 0 {
				t.Errorf("%d objects, %v", len(w.objects()), err)
			}
			time.Sleep(10 * time.Minute)
			if n := len(w.objects()); n > 0 {
				t.Errorf("%d objects became visible later", n)
			}
			w.faults(nil, nil)
			w.mustRun()
			w.checkDelivered()
		})
	}
}

// TestRedeliveryChangesNothing delivers the same event again and again.
func TestRedeliveryChangesNothing(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(25, 200), func(w *world) {
		tick := time.Now()
		w.mustRun()
		state, objects := w.state(), w.objects()
		for range 3 {
			time.Sleep(9 * time.Minute)
			r, err := w.runAt(w.t.Context(), tick)
			if err != nil || r.Cells != 0 || !r.CaughtUp {
				t.Errorf("%+v, %v", r, err)
			}
		}
		if again := w.objects(); len(again) != len(objects) || again[0].Generation != objects[0].Generation ||
			w.state().Generation != state.Generation {
			t.Error("a redelivery wrote something")
		}
		w.checkDelivered()
	})
}

// TestStateIsRebuilt: whatever becomes of the state, the next run goes on with the ledger as its
// only source, loses nothing, repeats nothing, and says so.
func TestStateIsRebuilt(t *testing.T) {
	past := func(w *world, by time.Duration) []byte {
		s := *w.state()
		s.Through = s.Through.Add(by)
		content, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	for name, test := range map[string]struct {
		spoil func(*world) []byte // nil deletes the state
		want  string
	}{
		"deleted":        {func(*world) []byte { return nil }, stateLost},
		"cut short":      {func(w *world) []byte { return past(w, 0)[:30] }, stateDamaged},
		"emptied":        {func(*world) []byte { return []byte{} }, stateDamaged},
		"garbage":        {func(*world) []byte { return []byte("\x00\xff<html>") }, stateDamaged},
		"rolled back":    {func(w *world) []byte { return past(w, -24*time.Hour) }, stateBehind},
		"ahead":          {func(w *world) []byte { return past(w, 3*time.Hour) }, stateAhead},
		"ahead by a day": {func(w *world) []byte { return past(w, 24*time.Hour) }, stateDamaged}, // in the future
		"the original's": {func(*world) []byte {
			return fmt.Appendf(nil, `{"last_event_time": %d}`, dayStart.Add(-9*time.Hour).Unix())
		}, stateReplace},
		"ahead of its start": {func(w *world) []byte {
			return []byte(strings.Replace(string(past(w, 0)), `"began": "2026-11-2`, `"began": "2026-12-2`, 1))
		}, stateDamaged},
	} {
		for _, feed := range []func() time.Duration{nil, func() time.Duration { return time.Second }} {
			t.Run(fmt.Sprintf("%s, a feed that takes: %v", name, feed != nil), func(t *testing.T) {
				alerts := shownAtOnce(1, -40*time.Hour, 20*time.Hour, 900)
				simulate(t, &netskopetest.Server{}, alerts, func(w *world) {
					w.feed = feed
					w.Lookback = 30 * time.Hour
					w.mustRun()
					began := w.began
					time.Sleep(14 * time.Hour)
					content := test.spoil(w)
					w.cloud.Visible = nil
					if content == nil {
						w.cloud.Delete(w.BucketName, w.StateKey)
					} else {
						w.cloud.Put(w.BucketName, w.StateKey, content)
					}
					w.cloud.Visible = w.inspect
					r := w.mustRun()
					if r.Trouble != test.want || r.Alerts == 0 {
						t.Errorf("%q, want %q: %+v", r.Trouble, test.want, r)
					}
					kept := w.cloud.Objects(w.BucketName, w.StateKey+".damaged-")
					if damaged := test.want == stateDamaged; damaged != (len(kept) == 1) ||
						damaged && string(kept[0].Content) != string(content) {
						t.Errorf("kept beside it: %+v", kept)
					}
					if r := w.mustRun(); r.Trouble != "" || r.Cells > 0 {
						t.Errorf("the next run: %+v", r)
					}
					time.Sleep(time.Minute)
					w.began = began
					w.checkDelivered()
				})
			})
		}
	}
}

// TestAdoptsTheOriginalState covers defects 20 and 21: the collector goes on where the
// Python function stopped, wherever that kept its state.
func TestAdoptsTheOriginalState(t *testing.T) {
	mark := dayStart.Add(-3 * time.Hour).Add(17 * time.Second)
	for _, key := range []string{"netskope/alerts/state.json", "netskope/state/alerts.json"} {
		simulate(t, &netskopetest.Server{}, hoursBefore(25, 300), func(w *world) {
			w.cloud.Put(w.BucketName, key, fmt.Appendf(nil, `{
  "last_event_time": %d
}`, mark.Unix()))
			w.mustRun()
			w.checkDelivered()
			if s := w.state(); s.LastEventTime < mark.Unix() {
				t.Errorf("last_event_time went back: %+v", s)
			}
		})
	}
	simulate(t, &netskopetest.Server{}, nil, func(w *world) {
		w.cloud.Visible = nil
		w.cloud.Put(w.BucketName, layout.OriginalStateKey(w.Prefix), []byte("{"))
		if _, err := w.run(); err == nil || !strings.Contains(err.Error(), "original function") {
			t.Errorf("a broken state of the original: %v", err)
		}
	})
}

// TestStateInsideTheFeedStillWorks keeps the original's STATE_KEY.
func TestStateInsideTheFeedStillWorks(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(2, 20), func(w *world) {
		w.StateKey, w.Lookback = "netskope/alerts/state.json", time.Hour
		w.mustRun()
		r := w.mustRun()
		if s := w.state(); s == nil || r.Cells != 0 || s.Through.Before(dayStart.Add(-10*time.Minute)) {
			t.Errorf("state %+v after %+v", s, r)
		}
	})
}

// TestMaxRecords covers defects 6, 12 and 41: a cap ends the run after whole cells,
// and the next run goes on.
func TestMaxRecords(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(25, 2000), func(w *world) {
		w.MaxRecords, w.PageSize = 400, 50
		runs := 0
		for ; ; runs++ {
			r := w.mustRun()
			if r.CaughtUp {
				break
			}
			if r.Stopped != StoppedMaxRecords || r.Alerts < 400 || runs > 20 {
				t.Fatalf("run %d: %+v", runs, r)
			}
		}
		if runs < 2 {
			t.Errorf("caught up after %d runs: the cap did nothing", runs)
		}
		w.checkDelivered()
	})
}

// TestBudget covers defect 31: a run ends by itself, keeps what it has completed, and
// says that there is more. One that cannot complete a single window fails.
func TestBudget(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(25, 400), func(w *world) {
		w.PageSize = 10
		slow := func(netskopetest.Request) netskopetest.Fault { return netskopetest.Fault{Delay: 25 * time.Second} }
		w.faults(slow, nil)
		for runs := 1; ; runs++ {
			began := time.Now()
			r := w.mustRun()
			if took := time.Since(began); took > w.Budget+time.Second {
				t.Fatalf("the run took %v of %v", took, w.Budget)
			}
			if r.CaughtUp {
				if runs < 2 {
					t.Error("one run sufficed: the budget did nothing")
				}
				break
			}
			if r.Stopped != StoppedBudget || r.Cells == 0 || runs > 20 {
				t.Fatalf("run %d: %+v", runs, r)
			}
		}
		w.checkDelivered()

		time.Sleep(time.Hour)
		w.Budget = 30 * time.Second
		before := w.state()
		if r, err := w.run(); !errors.Is(err, errBudgetSpent) || r.Cells != 0 {
			t.Errorf("no cell fits: %+v, %v", r, err)
		}
		if after := w.state(); after.Generation != before.Generation {
			t.Error("the state moved")
		}
	})
}

// TestLongCellIsAloneInTheEnd: a cell that would fit into the budget if it had the tenant for itself is delivered
// by the run that begins it, however many others there are that would take their share of the pace.
func TestLongCellIsAloneInTheEnd(t *testing.T) {
	long := Span{From: dayStart.Add(-100*time.Hour - 5*time.Minute), To: dayStart.Add(-99*time.Hour - 5*time.Minute)}
	alerts := append(netskopetest.Uniform(1, long.From, long.To, 8000, 300),
		netskopetest.Uniform(2, long.To, dayStart, 2000, 300)...)
	simulate(t, &netskopetest.Server{}, alerts, func(w *world) {
		w.hourly(long.From)
		w.Lookback, w.PageSize, w.RequestsPerSecond, w.Budget = 100*time.Hour, 100, 2, 2*time.Minute
		r := w.mustRun()
		if r.Stopped != StoppedBudget || r.Cells < 10 {
			t.Errorf("the test shows nothing: %+v", r)
		}
		if r.Through.Before(long.To) || r.Splits > 0 {
			t.Errorf("the first run has come to %v, the long cell ends at %v: %+v", r.Through, long.To, r)
		}
		for range 5 {
			if r.CaughtUp {
				break
			}
			r = w.mustRun()
		}
		w.checkDelivered()
	})
}

// TestWindowThatDoesNotFitIsSplit covers defect 23: a burst after a quiet stretch, in a window
// that had grown, is more than a run can move. The collector must get through all the
// same, exactly once, also while another run, with more time, works on the whole window.
func TestWindowThatDoesNotFitIsSplit(t *testing.T) {
	burst := netskopetest.Uniform(1, dayStart.Add(-3*time.Hour), dayStart.Add(-2*time.Hour), 1000, 1000)
	for _, test := range []struct {
		name   string
		faulty bool
		other  time.Duration // budget of a run beside it
	}{
		{"alone", false, 0}, {"with faults", true, 0},
		{"beside a longer run", false, time.Hour}, {"beside a longer run, with faults", true, time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			seed := newSeed(t)
			simulate(t, &netskopetest.Server{}, burst, func(w *world) {
				w.PageSize, w.Budget, w.Compression = 20, 2*time.Minute, settings.Gzip
				menu := cloudMenu(rand.New(rand.NewPCG(seed, 1)))
				w.faults(func(netskopetest.Request) netskopetest.Fault { return netskopetest.Fault{Delay: 10 * time.Second} },
					func(r gcstest.Request) (f gcstest.Fault) {
						if test.faulty {
							f = menu(r)
						}
						return f
					})
				var beside sync.WaitGroup
				if test.other > 0 {
					longer := *w.Collector
					longer.Budget = test.other
					beside.Go(func() { _, _ = longer.Run(w.t.Context(), time.Now(), nil) })
				}
				for runs := 0; ; runs++ {
					r, err := w.run()
					if err == nil && r.CaughtUp {
						break
					}
					if runs > 100 {
						t.Fatalf("not through after %d runs: %+v, %v", runs, w.state(), err)
					}
				}
				beside.Wait()
				w.faults(nil, nil)
				if !w.wholeLedger().Split(cell.At(cell.Hour, dayStart.Add(-150*time.Minute))) {
					t.Error("no cell had to be split: the test shows nothing")
				}
				w.checkDelivered()
			})
		})
	}
}

// TestChangedSettingsMakeNoSecondObject: a cell whose object was made, but behind which the state
// was not saved, is found again although the compression has changed.
func TestChangedSettingsMakeNoSecondObject(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(2, 40), func(w *world) {
		w.Lookback = 2 * time.Hour
		w.faults(nil, func(r gcstest.Request) (f gcstest.Fault) {
			if r.Write && r.Object == w.StateKey && len(w.cloud.Objects(w.BucketName, w.Prefix+"/")) > 0 {
				f.Status = http.StatusForbidden
			}
			return f
		})
		if _, err := w.run(); err == nil || len(w.objects()) == 0 {
			t.Fatalf("%d objects, %v", len(w.objects()), err)
		}
		w.faults(nil, nil)
		w.Compression = settings.Gzip
		if r := w.mustRun(); r.Covered == 0 || r.Alerts > 0 {
			t.Errorf("report: %+v", r)
		}
		w.checkDelivered()
	})
}

// TestBudgetSpentOnPacing: a budget that ends while the run waits for its next request is a
// spent budget, too, and no failure.
func TestBudgetSpentOnPacing(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(25, 400), func(w *world) {
		w.PageSize, w.Budget = 10, 9100*time.Millisecond
		runs := 0
		for ; ; runs++ {
			if r := w.mustRun(); r.CaughtUp {
				break
			} else if r.Stopped != StoppedBudget || runs > 100 {
				t.Fatalf("run %d: %+v", runs, r)
			}
		}
		if runs < 2 {
			t.Errorf("caught up after %d runs: the budget did nothing", runs)
		}
		w.checkDelivered()
	})
}

// TestStorageOutageFails: a storage that takes nothing ends the run as a failure, in
// time, and the work is done once it is back.
func TestStorageOutageFails(t *testing.T) {
	for name, fault := range map[string]gcstest.Fault{
		"503": {Status: 503}, "429": {Status: 429}, "403": {Status: 403},
		"reset": {Reset: true}, "silence": {Delay: 20 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			simulate(t, &netskopetest.Server{}, hoursBefore(2, 40), func(w *world) {
				w.Lookback = time.Hour
				w.faults(nil, func(r gcstest.Request) (f gcstest.Fault) {
					if r.Write && r.Object != w.StateKey {
						f = fault
					}
					return f
				})
				began := time.Now()
				if r, err := w.run(); err == nil || r.Objects > 0 {
					t.Errorf("%+v, %v", r, err)
				}
				if took := time.Since(began); took > w.Budget+time.Second {
					t.Errorf("the run took %v", took)
				}
				w.faults(nil, nil)
				w.mustRun()
				w.checkDelivered()
			})
		})
	}
}

// TestStorageOutageIsNoSpentBudget: where the storage takes nothing any more after the
// first objects, the run fails; it must not end as one that had too little time.
func TestStorageOutageIsNoSpentBudget(t *testing.T) {
	for _, size := range []int{1000, 300_000} { // within a chunk, and many chunks
		alerts := netskopetest.Uniform(1, dayStart.Add(-12*time.Hour), dayStart.Add(-10*time.Minute), 60, size)
		simulate(t, &netskopetest.Server{}, alerts, func(w *world) {
			w.Lookback, w.PageSize = 12*time.Hour, 5
			w.faults(nil, func(r gcstest.Request) (f gcstest.Fault) {
				if r.Write && r.Object != w.StateKey && len(w.objects()) >= 1 {
					f.Status = http.StatusServiceUnavailable
				}
				return f
			})
			if r, err := w.run(); err == nil || r.Cells == 0 || errors.Is(err, errBudgetSpent) ||
				!outage.MatchString(err.Error()) {
				t.Errorf("%+v, %v", r, err)
			}
			w.faults(nil, nil)
			w.mustRun()
			w.checkDelivered()
		})
	}
}

// TestQuietTenant covers defect 18: nothing is delivered for nothing, and a backlog of
// empty days takes few requests.
func TestQuietTenant(t *testing.T) {
	alerts := netskopetest.Generate(1, dayStart.AddDate(0, 0, -31), dayStart.AddDate(0, 0, -31).Add(time.Hour), 1)
	simulate(t, &netskopetest.Server{}, alerts, func(w *world) {
		w.Lookback = 30 * 24 * time.Hour
		r := w.mustRun()
		if !r.CaughtUp || r.Requests > 260 || len(w.objects()) > 0 {
			t.Errorf("30 empty days: %+v, %d objects", r, len(w.objects()))
		}
		for range 24 {
			time.Sleep(time.Hour)
			if r := w.mustRun(); !r.CaughtUp || r.Alerts > 0 || r.Requests > 5 {
				t.Errorf("an empty hour: %+v", r)
			}
		}
	})
}

// TestReplayOfADay sends the events of a past day, as an operator may do.
func TestReplayOfADay(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(30, 300), func(w *world) {
		w.Lookback = time.Hour
		first := dayStart.Add(-24 * time.Hour)
		for hour := range 24 {
			r, err := w.runAt(w.t.Context(), first.Add(time.Duration(hour)*time.Hour))
			if err != nil || !r.CaughtUp || r.Lag > 10*time.Minute+w.Lag {
				t.Fatalf("hour %d: %+v, %v", hour, r, err)
			}
		}
		w.checkDelivered()
	})
}

// TestTokenGoesNowhereElse holds that a redirect is not followed, and what the error says.
func TestTokenGoesNowhereElse(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(2, 5), func(w *world) {
		inner := w.HTTP.Transport
		w.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host != "tenant.test" {
				t.Errorf("a request with the token %q went to %s", r.Header.Get("Netskope-Api-Token"), r.URL.Host)
			}
			return inner.RoundTrip(r)
		})}
		w.faults(func(netskopetest.Request) netskopetest.Fault {
			return netskopetest.Redirect("https://phish.example.com/login?a=100%25")
		}, nil)
		_, err := w.run()
		if err == nil || !strings.Contains(err.Error(), "phish.example.com") ||
			!strings.Contains(err.Error(), "NETSKOPE_TENANT") {
			t.Errorf("got %v", err)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// outage is how an error names a storage that takes nothing.
var outage = regexp.MustCompile("cloud storage (did not|answered 503)")
