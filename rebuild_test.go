package collector

import (
	"net/http"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// TestOldTrigger: a message of hours or days ago that is delivered again after later runs does not
// move the state back, nor cry that it is ahead.
func TestOldTrigger(t *testing.T) {
	alerts := hoursAround(10, 900)
	for _, hours := range []time.Duration{1, 2, 3, 7, 30, 5 * 24} {
		age := hours * time.Hour
		t.Run(age.String(), func(t *testing.T) {
			simulate(t, &netskopetest.Server{}, alerts, func(w *world) {
				w.Lookback = 3 * time.Hour
				for range 5 {
					w.mustRun()
					time.Sleep(time.Hour)
				}
				w.mustRun()
				before := w.state()
				r, err := w.runAt(w.t.Context(), time.Now().Add(-age))
				after := w.state()
				if err != nil || r.Trouble != "" || !after.Through.Equal(before.Through) || after.Generation != before.Generation {
					t.Errorf("trouble %q err %v; state %v -> %v (gen changed %v)",
						r.Trouble, err, before.Through, after.Through, after.Generation != before.Generation)
				}
				w.mustRun()
				w.checkDelivered()
			})
		})
	}
}

// TestLostAfterMoveBack: an operator moved the state forward, and then back; it is lost on the way.
// The beginning to which it was moved last counts.
func TestLostAfterMoveBack(t *testing.T) {
	for _, back := range []time.Duration{10 * time.Hour, 5 * 24 * time.Hour} {
		t.Run(back.String(), func(t *testing.T) {
			alerts := shownAtOnce(1, -6*24*time.Hour, 10*time.Hour, 9000)
			simulate(t, &netskopetest.Server{}, alerts, func(w *world) {
				w.Lookback = 3 * time.Hour
				w.mustRun()
				time.Sleep(time.Hour)
				w.mustRun()
				m, err := w.PlanMove(w.t.Context(), time.Now(), dayStart.Add(-back))
				if err != nil {
					t.Fatal(err)
				}
				w.cloud.Visible = nil
				if _, err := w.Apply(w.t.Context(), m); err != nil {
					t.Fatal(err)
				}
				w.MaxRecords = 100
				r := w.mustRun()
				t.Log("run", r.From, r.Through, r.Stopped, r.Cells)
				w.cloud.Delete(w.BucketName, w.StateKey)
				w.MaxRecords = 0
				r = w.mustRun()
				t.Log("after loss", r.Trouble, r.From, r.Through)
				w.began = dayStart.Add(-back)
				time.Sleep(time.Hour)
				w.mustRun()
				w.checkDelivered()
			})
		})
	}
}

// TestEarlierLife: a state from before it was last moved is put back over a later one.
func TestEarlierLife(t *testing.T) {
	alerts := shownAtOnce(1, -6*24*time.Hour, 10*time.Hour, 3000)
	simulate(t, &netskopetest.Server{}, alerts, func(w *world) {
		w.Lookback = 3 * time.Hour
		w.mustRun()
		old, _ := w.cloud.Object(w.BucketName, w.StateKey)
		m, err := w.PlanMove(w.t.Context(), time.Now(), dayStart.Add(-20*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		w.cloud.Visible = nil
		if _, err := w.Apply(w.t.Context(), m); err != nil {
			t.Fatal(err)
		}
		w.MaxRecords = 100
		r := w.mustRun()
		w.MaxRecords = 0
		t.Log("run", r.From, r.Through, r.Stopped)
		w.cloud.Put(w.BucketName, w.StateKey, old.Content)
		time.Sleep(time.Hour)
		r = w.mustRun()
		t.Log("then", r.Trouble, r.From, r.Through)
		w.began = dayStart.Add(-20 * time.Hour)
		w.checkDelivered()
	})
}

// putAhead puts the state eight hours after the first run to where deliver says, before which something is not
// delivered. The next run finds that, and delivers all.
func putAhead(t *testing.T, deliver func(*world) time.Time) {
	simulate(t, &netskopetest.Server{}, hoursAround(10, 2000), func(w *world) {
		w.Lookback = 3 * time.Hour
		w.mustRun()
		began := w.began
		time.Sleep(8 * time.Hour)
		to := deliver(w)
		s := w.state().State
		through := s.Through
		s.Through = to
		w.cloud.Visible = nil
		w.putState(s)
		r := w.mustRun()
		if !to.After(through) || r.Trouble != stateAhead || r.From.After(through) {
			t.Errorf("put from %v to %v, it goes on from %v, trouble %q", through, to, r.From, r.Trouble)
		}
		w.began = began
		w.checkDelivered()
	})
}

// TestAheadToADeliveredCell: the state is ahead, at the end of a cell that a backfill delivered.
func TestAheadToADeliveredCell(t *testing.T) {
	putAhead(t, func(w *world) time.Time {
		to := w.state().Through.Add(4 * time.Hour)
		w.mustBackfill(Span{From: to.Add(-time.Hour), To: to}) // one hour in the middle
		return to
	})
}

// TestAheadOutOfOrder: the state is ahead, at the end of a cell that a run delivered before an earlier
// one.
func TestAheadOutOfOrder(t *testing.T) {
	putAhead(t, func(w *world) (last time.Time) {
		first := w.state().Through
		w.faults(func(r netskopetest.Request) (f netskopetest.Fault) {
			if r.Start.Before(first.Add(time.Hour-2*time.Second)) && r.Start.After(first.Add(-2*time.Second)) {
				return netskopetest.Fault{Kind: netskopetest.Answer, Status: 403, Delay: 20 * time.Second}
			}
			return
		}, nil)
		if _, err := w.run(); err == nil {
			t.Error("nothing was refused: the test shows nothing")
		}
		w.faults(nil, nil)
		for _, e := range w.entries() {
			if e.To.After(last) {
				last = e.To
			}
		}
		return last
	})
}

// TestBackfillClockBehind: a backfill of a span that is too young by the tenant's clock is not complete.
func TestBackfillClockBehind(t *testing.T) {
	skew := 3 * time.Hour
	tenant := &netskopetest.Server{DateSkew: -skew}
	simulate(t, tenant, hoursBefore(12, 900), func(w *world) {
		to := w.Horizon(time.Now())
		r, err := w.Backfill(w.t.Context(), time.Now(), Span{From: to.Add(-6 * time.Hour), To: to}, nil)
		if err == nil && r.CaughtUp && r.Through.Before(to) {
			t.Errorf("complete, but through %v of %v", r.Through, to)
		}
	})
}

// TestApplyLost: a move of the state whose answer was lost has been made.
func TestApplyLost(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(26, 400), func(w *world) {
		w.Lookback = 3 * time.Hour
		w.mustRun()
		to := dayStart.Add(-5 * time.Hour)
		m, err := w.PlanMove(w.t.Context(), time.Now(), to)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		w.faults(nil, func(r gcstest.Request) (f gcstest.Fault) {
			if r.Write {
				if n++; n == 1 {
					f.Lost = gcstest.LostByReset
				}
			}
			return
		})
		_, err = w.Apply(w.t.Context(), m)
		if err != nil && w.state().Through.Equal(to) {
			t.Errorf("moved, and says: %v", err)
		}
	})
}

// TestTrimmedToOverlap: the second page, behind a full one, is trimmed to the overlap.
func TestTrimmedToOverlap(t *testing.T) {
	alerts := netskopetest.Uniform(1, dayStart.Add(-65*time.Minute), dayStart.Add(-5*time.Minute), 600, 400)
	simulate(t, &netskopetest.Server{}, alerts, func(w *world) {
		w.Lookback = time.Hour
		w.HTTP = &http.Client{Transport: limiting{w.HTTP.Transport, new(int)}}
		w.cloud.Visible = nil
		r, err := w.run()
		t.Log(r.Alerts, err)
		w.began = w.state().Began
		w.checkDelivered()
	})
}

// limiting asks for a page of one where the first page by offset is asked for.
type limiting struct {
	http.RoundTripper
	n *int
}

func (t limiting) RoundTrip(r *http.Request) (*http.Response, error) {
	q := r.URL.Query()
	if q.Get("offset") == "499" && *t.n == 0 {
		*t.n++
		r = r.Clone(r.Context())
		q.Set("limit", "1")
		r.URL.RawQuery = q.Encode()
	}
	return t.RoundTripper.RoundTrip(r)
}

// forgetful is a node that knows no cursors, in the middle of a chain: it ignores the operation.
type forgetful struct {
	http.RoundTripper
	other http.RoundTripper
	n     *int // operations so far
}

func (t forgetful) RoundTrip(r *http.Request) (*http.Response, error) {
	q := r.URL.Query()
	if q.Get("operation") != "" {
		if *t.n++; *t.n == 1 {
			r = r.Clone(r.Context())
			q.Del("operation")
			r.URL.RawQuery = q.Encode()
			return t.other.RoundTrip(r)
		}
	}
	return t.RoundTripper.RoundTrip(r)
}

// TestChainEndsOnOneAnswer: an answer of such a node is not the end of the chain.
func TestChainEndsOnOneAnswer(t *testing.T) {
	alerts := netskopetest.Uniform(1, dayStart.Add(-65*time.Minute), dayStart.Add(-5*time.Minute), 1800, 400)
	for _, order := range []netskopetest.Order{netskopetest.NewestFirst, netskopetest.OldestFirst, netskopetest.Shuffled} {
		simulate(t, &netskopetest.Server{Dialect: netskopetest.Cursor, Order: order}, alerts, func(w *world) {
			w.Lookback = time.Hour
			other := &netskopetest.Server{Order: order}
			other.Add(alerts...)
			w.HTTP = &http.Client{Transport: forgetful{RoundTripper: w.HTTP.Transport, other: serve(w.t, other), n: new(int)}}
			w.cloud.Visible = nil
			r, err := w.run()
			t.Log(r.Alerts, err)
			if err == nil {
				w.began = w.state().Began
				w.checkDelivered()
			}
		})
	}
}
