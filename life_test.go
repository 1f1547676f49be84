package collector

import (
	"fmt"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/audit"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

var _ = fmt.Sprint
var _ = audit.Options{}

// TestGhost: a staged object of the name of one that was moved, but another one, is not pending.
func TestGhost(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(4, 200), func(w *world) {
		w.Lookback = 3 * time.Hour
		w.mustRun()
		// exactly what a detached, late upload leaves
		for _, e := range w.entries() {
			if len(e.Objects) > 0 {
				o, _ := w.cloud.Object(w.BucketName, e.Objects[0].Name)
				w.cloud.Put(w.BucketName, e.Objects[0].Staged, o.Content)
				w.take(e.Objects[0].Name)
				break
			}
		}
		if s := w.mustAudit(audit.Options{}); !s.Passed() {
			t.Errorf("%+v", s)
		}
	})
}

// TestLifeInterleaved: a run that began before the state was moved makes entries after others did
// that began behind the move; then the state is lost.
func TestLifeInterleaved(t *testing.T) {
	// A run under way while the operator moves the state back; then the state is lost.
	alerts := shownAtOnce(1, -40*time.Hour, 10*time.Hour, 3000)
	simulate(t, &netskopetest.Server{}, alerts, func(w *world) {
		w.Lookback = 3 * time.Hour
		w.mustRun()
		w.cloud.Visible = nil
		time.Sleep(6 * time.Hour)
		done := make(chan bool)
		w.faults(func(netskopetest.Request) netskopetest.Fault { return netskopetest.Fault{Delay: 20 * time.Second} }, nil)
		go func() { r, err := w.run(); t.Log("old life", r.From, r.Through, err); close(done) }()
		time.Sleep(15 * time.Second)
		m, err := w.PlanMove(w.t.Context(), time.Now(), dayStart.Add(-20*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Apply(w.t.Context(), m); err != nil {
			t.Fatal(err)
		}
		c := *w.Collector
		c.MaxRecords = 50
		w.faults(nil, nil)
		r, err := c.Run(w.t.Context(), time.Now(), nil)
		t.Log("new life", r.From, r.Through, err, time.Now())
		<-done
		w.cloud.Delete(w.BucketName, w.StateKey)
		r = w.mustRun()
		t.Log(r.Trouble, r.From, r.Through)
		w.began = dayStart.Add(-20 * time.Hour)
		w.checkDelivered()
	})
}
