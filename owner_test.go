package collector

import (
	"errors"
	"fmt"
	"net/http"
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

// TestTwoTenantsWithOnePrefix: a second tenant with a STATE_KEY of its own and the first one's
// GCS_PREFIX is refused, whatever it does, whether the two meet in time or not, and whether
// it has a state already, or the first has none any more. Nothing of the first is harmed,
// and nothing of the second is delivered.
func TestTwoTenantsWithOnePrefix(t *testing.T) {
	// apart is the time from the first's last run to the second's.
	for _, apart := range []time.Duration{0, 30 * time.Hour, 100 * time.Hour} {
		for _, hasState := range []bool{false, true} {
			for _, forgotten := range []bool{false, true} { // the first's state: only the ledger remembers
				t.Run(fmt.Sprintf("%v later, with a state: %v, only the ledger remembers: %v", apart, hasState, forgotten),
					func(t *testing.T) {
						simulate(t, &netskopetest.Server{}, hoursBefore(8, 100), func(w *world) {
							w.Lookback = 6 * time.Hour
							w.mustRun()
							began := w.began
							first := w.state()
							time.Sleep(apart)

							other := &netskopetest.Server{}
							other.Add(netskopetest.Generate(7, dayStart.Add(-8*time.Hour), dayStart.Add(120*time.Hour), 500)...)
							second := *w.Collector
							second.Tenant, second.StateKey = "http://other.test", "netskope/state/other.json"
							second.HTTP = &http.Client{Transport: serve(w.t, other)}
							w.cloud.Visible = func(o gcstest.Object) {
								if o.Name != second.StateKey {
									t.Errorf("%s was written", o.Name)
								}
							}
							if hasState {
								s := state.State{Through: second.Horizon(time.Now()).Add(-time.Hour),
									Began: second.Horizon(time.Now()).Add(-time.Hour)}.Of(second.Config)
								content, err := s.Encode()
								if err != nil {
									t.Fatal(err)
								}
								w.cloud.Put(w.BucketName, second.StateKey, content)
							}
							stateOf, _ := w.cloud.Object(w.BucketName, w.StateKey)
							if forgotten {
								w.cloud.Delete(w.BucketName, w.StateKey)
							}
							objects := len(w.cloud.Objects(w.BucketName, ""))
							refused := func(what string, err error) {
								t.Helper()
								if err == nil || !errors.Is(err, ledger.ErrForeign) || !strings.Contains(err.Error(), "GCS_PREFIX") {
									t.Errorf("%s: %v", what, err)
								}
							}
							_, err := second.Run(w.t.Context(), time.Now(), nil)
							refused("run", err)
							for _, span := range []Span{past(5, 2), past(60, 50), {From: dayStart.Add(-time.Hour),
								To: second.Horizon(time.Now())}} {
								_, err = second.Backfill(w.t.Context(), time.Now(), span, nil)
								refused("backfill", err)
							}
							if hasState {
								_, err = second.Audit(w.t.Context(), audit.Options{Since: past(48, 0).From, Repair: true}, nil)
								refused("audit", err)
							}
							if other.Requests() > 0 {
								t.Errorf("the second's tenant was asked %d times", other.Requests())
							}
							if now := len(w.cloud.Objects(w.BucketName, "")); now != objects {
								t.Errorf("%d objects, there were %d", now, objects)
							}

							w.cloud.Visible = w.inspect
							if forgotten {
								w.cloud.Put(w.BucketName, w.StateKey, stateOf.Content)
							}
							if s := w.state(); !s.Through.Equal(first.Through) {
								t.Errorf("the first's state: %+v", s)
							}
							if r := w.mustRun(); !r.CaughtUp {
								t.Errorf("%+v", r)
							}
							w.backfilled(began)
							w.checkQuiet("the first", w.mustAudit(audit.Options{Since: began}))
						})
					})
			}
		}
	}
}

// stranded makes a world in which a run died between entry and move, a minute after dayStart.
func stranded(w *world) (staged gcstest.Object) {
	w.t.Helper()
	w.Lookback = 2 * time.Hour
	w.faults(nil, func(r gcstest.Request) (f gcstest.Fault) {
		if r.Op == gcstest.MoveObject {
			f.Status = http.StatusForbidden
		}
		return f
	})
	if _, err := w.run(); err == nil {
		w.t.Fatal("nothing failed")
	}
	w.faults(nil, nil)
	left := w.cloud.Objects(w.BucketName, w.Folders().Staging)
	if len(left) == 0 || len(w.objects()) > 0 {
		w.t.Fatalf("%d staged objects, %d at their places", len(left), len(w.objects()))
	}
	return left[0]
}

// advance puts the state behind what the ledger decided.
func (w *world) advance() {
	w.t.Helper()
	s := w.state().State
	s.Through = w.entries()[0].To
	w.putState(s)
}

// TestStrandedObjectsAreMoved: what a run leaves that dies between entry and move is moved by
// the next of any kind, also by one that has nothing to do with its span.
func TestStrandedObjectsAreMoved(t *testing.T) {
	for name, work := range map[string]func(*world) error{
		"run": func(w *world) error { _, err := w.run(); return err },
		"run from elsewhere": func(w *world) error {
			m, err := w.PlanMove(w.t.Context(), time.Now(), w.Horizon(time.Now()))
			if err == nil {
				_, err = w.Apply(w.t.Context(), m)
			}
			if err == nil {
				_, err = w.run()
			}
			return err
		},
		"backfill":                 func(w *world) error { _, err := w.backfill(w.t.Context(), past(2, 1)); return err },
		"backfill of another span": func(w *world) error { _, err := w.backfill(w.t.Context(), past(40, 39)); return err },
		"audit with repair": func(w *world) error {
			s, err := w.audit(w.t.Context(), audit.Options{Since: past(2, 0).From, Repair: true})
			if err == nil && (!s.Passed() || s.Pending != 0) {
				w.t.Errorf("%+v", s)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			simulate(t, &netskopetest.Server{}, hoursBefore(3, 60), func(w *world) {
				stranded(w)
				began := w.began
				if name == "audit with repair" {
					w.advance()
					s, err := w.audit(w.t.Context(), audit.Options{Since: past(2, 0).From})
					if err != nil || s.Passed() || s.Pending == 0 || s.Missing != 0 {
						t.Errorf("an audit: %+v, %v", s, err)
					}
				}
				if err := work(w); err != nil {
					t.Fatal(err)
				}
				if left := w.cloud.Objects(w.BucketName, w.Folders().Staging); len(left) > 0 || len(w.objects()) == 0 {
					t.Errorf("%d staged objects are left, %d are at their places", len(left), len(w.objects()))
				}
				w.mustBackfill(Span{From: began, To: dayStart.Add(-5 * time.Minute)})
				w.mustRun()
				w.backfilled(began)
			})
		})
	}
}

// TestStagedObjectsAreSwept: an object that no entry names is swept a day later, not before, and
// what is not ours never is.
func TestStagedObjectsAreSwept(t *testing.T) {
	for name, work := range map[string]func(*world) error{
		"run":      func(w *world) error { _, err := w.run(); return err },
		"backfill": func(w *world) error { _, err := w.backfill(w.t.Context(), past(40, 39)); return err },
		"repair": func(w *world) error {
			_, err := w.audit(w.t.Context(), audit.Options{Since: past(3, 0).From, Repair: true})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			simulate(t, &netskopetest.Server{}, hoursBefore(3, 60), func(w *world) {
				w.Lookback = 2 * time.Hour
				w.mustRun()
				delivered := w.entries()[0].Cell // by another object
				free, _ := cell.New(cell.Hour, dayStart.Add(-30*time.Hour-5*time.Minute))
				ours := []string{w.Folders().Staged(delivered, 0, "A", "part1.ndjson"), w.Folders().Staged(delivered, 1, "B",
					"part1.ndjson"),
					w.Folders().Staged(free, 0, "C", "quarantine.ndjson")}
				const notOurs = "netskope/staging/alerts/notes.txt"
				for _, name := range append(ours, notOurs) {
					w.cloud.Put(w.BucketName, name, []byte("{}\n"))
				}
				left := func() int { return len(w.cloud.Objects(w.BucketName, w.Folders().Staging)) }
				time.Sleep(23 * time.Hour)
				if err := work(w); err != nil || left() != 4 {
					t.Errorf("after 23 hours %d are left, %v", left(), err)
				}
				time.Sleep(2 * time.Hour)
				if err := work(w); err != nil || left() != 1 {
					t.Errorf("after 25 hours %d are left, %v", left(), err)
				}
				w.mustRun()
				w.checkDelivered()
			})
		})
	}
}

// TestSlowerWorkerMovesForTheDead: a worker that finds a cell decided by another, which dies before
// it moves anything, moves that one's objects before it counts the cell as delivered.
func TestSlowerWorkerMovesForTheDead(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(3, 60), func(w *world) {
		w.Lookback = 2 * time.Hour
		dead := false
		w.faults(func(netskopetest.Request) netskopetest.Fault {
			return netskopetest.Fault{Delay: time.Second}
		}, func(r gcstest.Request) (f gcstest.Fault) {
			if r.Op == gcstest.MoveObject && !dead {
				f.Status = http.StatusForbidden
			}
			return f
		})
		slower := *w.Collector
		slower.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			time.Sleep(500 * time.Millisecond)
			return w.HTTP.Transport.RoundTrip(r)
		})}
		done := make(chan Report)
		go func() {
			r, err := slower.Run(w.t.Context(), time.Now(), nil)
			if err != nil {
				t.Error(err)
			}
			done <- r
		}()
		if _, err := w.run(); err == nil {
			t.Error("nobody died")
		}
		w.mu.Lock()
		dead = true
		w.mu.Unlock()
		if r := <-done; r.Existing == 0 || !r.CaughtUp {
			t.Errorf("%d cells were decided by the other: the test shows nothing", r.Existing)
		}
		if left := w.cloud.Objects(w.BucketName, w.Folders().Staging); len(left) > 0 {
			t.Errorf("%d staged objects are left", len(left))
		}
		w.checkDelivered()
	})
}
