package collector

import (
	"errors"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/audit"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

func TestMove(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(26, 400), func(w *world) {
		w.Lookback = 3 * time.Hour
		plan := func(to time.Time) (Move, error) { return w.PlanMove(w.t.Context(), time.Now(), to) }
		m, err := plan(dayStart.Add(-5 * time.Hour))
		if err != nil || !m.From.IsZero() {
			t.Fatalf("without a state: %+v, %v", m, err)
		}
		if _, err := w.Apply(w.t.Context(), m); err != nil {
			t.Fatal(err)
		}
		w.mustRun()
		began := dayStart.Add(-5 * time.Hour)
		w.backfilled(began)

		// Back: what is delivered is not delivered again, what is not is collected.
		delivered := w.due()
		m, err = plan(dayStart.Add(-20 * time.Hour))
		if err != nil || len(m.Undelivered) != 1 || m.Undelivered[0] != (Span{From: m.To, To: began}) ||
			m.Delivered != delivered || m.Delivered < 50 {
			t.Fatalf("%+v, %v, want %d delivered", m, err, delivered)
		}
		if _, err := w.Apply(w.t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if r := w.mustRun(); r.Covered == 0 || r.Trouble != "" {
			t.Errorf("%+v", r)
		}
		w.backfilled(dayStart.Add(-20 * time.Hour))
		if again, err := plan(dayStart.Add(-10 * time.Hour)); err != nil || len(again.Undelivered) != 0 {
			t.Errorf("%+v, %v", again, err)
		}

		// A run was faster.
		time.Sleep(time.Hour)
		if m, err = plan(dayStart.Add(-10 * time.Hour)); err != nil {
			t.Fatal(err)
		}
		w.mustRun()
		before := w.state()
		if _, err := w.Apply(w.t.Context(), m); !errors.Is(err, errStateMoved) || w.state().Generation != before.Generation {
			t.Errorf("the state was moved under a run: %v", err)
		}

		// Forward: what is skipped is a hole, which a repair fills.
		time.Sleep(6 * time.Hour)
		w.add(netskopetest.Generate(9, dayStart.Add(2*time.Hour), dayStart.Add(6*time.Hour), 50)...)
		if m, err = plan(dayStart.Add(6 * time.Hour)); err != nil || len(m.Undelivered) != 1 {
			t.Fatalf("%+v, %v", m, err)
		}
		if _, err := w.Apply(w.t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if r := w.mustRun(); !r.From.Equal(dayStart.Add(6 * time.Hour)) {
			t.Errorf("%+v", r)
		}
		if s := w.mustAudit(audit.Options{}); s.Missing < 40 || s.Passed() {
			t.Errorf("%+v", s)
		}
		if s := w.mustAudit(audit.Options{Repair: true}); s.Repaired < 40 || !s.Passed() {
			t.Errorf("%+v", s)
		}
		w.checkQuiet("in the end", w.mustAudit(audit.Options{}))
		w.backfilled(dayStart.Add(-20 * time.Hour))

		for name, to := range map[string]time.Time{"future": time.Now().Add(time.Hour),
			"fraction": dayStart.Add(-time.Hour + 1), "long ago": time.Unix(1, 0)} {
			if _, err := plan(to); err == nil {
				t.Errorf("%s: no error", name)
			}
		}
	})
}

// TestMoveUnderARun: once a run has met that an operator moved the state, it leaves that alone, also while it
// works on, and says so once; what it delivers is passed over by the next.
func TestMoveUnderARun(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(26, 400), func(w *world) {
		w.hourly(dayStart.Add(-26 * time.Hour))
		w.PageSize, w.InFlight = 50, 1
		w.faults(func(netskopetest.Request) netskopetest.Fault { return netskopetest.Fault{Delay: 5 * time.Second} }, nil)
		done := make(chan Report)
		go func() { done <- w.mustRun() }()
		time.Sleep(100 * time.Second)
		m, err := w.PlanMove(w.t.Context(), time.Now(), dayStart.Add(-10*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Apply(w.t.Context(), m); err != nil {
			t.Fatal(err)
		}
		moved, refused := w.state(), 0
		w.faults(func(netskopetest.Request) netskopetest.Fault { return netskopetest.Fault{Delay: 5 * time.Second} },
			func(r gcstest.Request) (f gcstest.Fault) {
				if r.Write && r.Object == w.StateKey {
					refused++
				}
				return f
			})
		r := <-done
		if r.Took < 3*time.Minute || r.Races != 1 || refused != 1 {
			t.Errorf("the run took %v, met %d changes of the state, and wrote it %d times after the move",
				r.Took, r.Races, refused)
		}
		if after := w.state(); !after.Same(moved.State) {
			t.Errorf("the run has changed the state: %+v, it was moved to %+v", after, moved)
		}
		w.faults(nil, nil)
		if r := w.mustRun(); !r.From.Equal(m.To) || r.Trouble != "" || !r.CaughtUp {
			t.Errorf("%+v", r)
		}
		w.checkDelivered()
	})
}

func TestHistory(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(3, 40), func(w *world) {
		w.Lookback = time.Hour
		w.cloud.Versioning = true
		w.mustRun()
		w.cloud.Visible = nil
		w.cloud.Put(w.BucketName, w.StateKey, []byte("garbage"))
		versions, err := w.History(w.t.Context())
		if err != nil || len(versions) < 3 || versions[0].Problem == "" {
			t.Fatalf("%+v, %v", versions, err)
		}
		for i, v := range versions[1:] {
			if v.Problem != "" || v.Generation >= versions[i].Generation || i > 0 && v.Through.After(versions[i].Through) ||
				v.Saved.IsZero() {
				t.Errorf("%+v after %+v", v, versions[i])
			}
		}
		if _, err := w.ReadCheckpoint(w.t.Context()); err == nil {
			t.Error("garbage was read")
		}
	})
}
