package collector

import (
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/ledger"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// TestMoveAfterOneOfAnEarlyClock: a move holds although the one before it was made on a machine whose clock is
// ahead of this one's.
func TestMoveAfterOneOfAnEarlyClock(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(26, 400), func(w *world) {
		w.Lookback = 3 * time.Hour
		w.mustRun()
		to := func(before time.Duration) {
			t.Helper()
			m, err := w.PlanMove(w.t.Context(), time.Now(), dayStart.Add(-before))
			if err == nil {
				_, err = w.Apply(w.t.Context(), m)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		to(5 * time.Hour)
		s := *w.state()
		s.Moved = s.Moved.Add(5 * time.Minute)
		if _, err := w.firstSave(w.t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if err := w.Ledger().NoteMove(w.t.Context(), ledger.Position{Began: s.Began, Moved: s.Moved}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		to(20 * time.Hour)
		if r := w.mustRun(); r.Trouble != "" || !r.From.Equal(dayStart.Add(-20*time.Hour)) {
			t.Errorf("%+v", r)
		}
		w.backfilled(dayStart.Add(-20 * time.Hour))
	})
}

// TestARunDoesNotSaveOverAMoveToItsOwnBeginning: the beginning is the same, and the state is another all the same.
func TestARunDoesNotSaveOverAMoveToItsOwnBeginning(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(26, 400), func(w *world) {
		w.Lookback = 3 * time.Hour
		w.mustRun()
		old := *w.state()
		m, err := w.PlanMove(w.t.Context(), time.Now(), old.Began)
		if err == nil {
			_, err = w.Apply(w.t.Context(), m)
		}
		if err != nil {
			t.Fatal(err)
		}
		moved := *w.state()
		if _, _, err := w.saveState(w.t.Context(), old); err != nil {
			t.Fatal(err)
		}
		if s := *w.state(); !s.Same(moved.State) {
			t.Errorf("the move was saved over: %+v", s)
		}
	})
}
