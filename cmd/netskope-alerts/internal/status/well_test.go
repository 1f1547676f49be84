package status

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"netskope-alerts.internal/collector"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/collectortest"
	"netskope-alerts.internal/collector/internal/settings"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// TestWell: behind, stalled, not begun and a gap are not well; a warning alone is.
func TestWell(t *testing.T) {
	for name, want := range map[string]bool{"usual": true, "waiting": true, "no-alerts": true, "one-alert": true,
		"troubled": false, "stalled": false, "no-state": false, "empty-ledger": false, "lost": true, "hole": false} {
		s, ok := samples()[name]
		if !ok {
			t.Fatal(name)
		}
		if got := well(s); got != want {
			t.Errorf("%s: well is %t", name, got)
		}
	}
	s := samples()["usual"]
	s.Late, s.Quarantined, s.Undated, s.Strange = 1, 1, 1, []string{"note"}
	s.LedgerFrom = s.Hours[3].Start.Add(time.Minute)
	if len(noticesOf(s)) != 5 || !well(s) {
		t.Errorf("warnings alone: %+v", noticesOf(s))
	}
}

// TestReadHoles: a part of the day that was skipped is a gap, with the command that mends it;
// what was before the ledger began is none. F22: a stranger in the ledger's folder stops nothing.
func TestReadHoles(t *testing.T) {
	now := time.Now()
	tenant, cloud := &netskopetest.Server{}, &gcstest.Server{}
	c := collectortest.Open(t, tenant, cloud, "LOOKBACK_HOURS=8")
	cloud.Put(c.BucketName, c.Folders().Ledger, nil)
	collectortest.Run(t, c, now.Add(-5*time.Hour))
	s, err := Read(t.Context(), c, now.Add(-5*time.Hour))
	if err != nil || len(s.Holes) != 0 || len(s.Strange) != 1 {
		t.Fatalf("%+v, %v", s, err)
	}
	m, err := c.PlanMove(t.Context(), now, now.Add(-2*time.Hour).UTC().Truncate(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Apply(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	collectortest.Run(t, c, now)
	if s, err = Read(t.Context(), c, now); err != nil || len(s.Holes) != 1 || s.Holes[0] != m.Undelivered[0] || well(s) {
		t.Fatalf("%+v, want %v, %v", s.Holes, m.Undelivered, err)
	}
	remedy := "netskope-alerts backfill --from " + s.Holes[0].From.Format(time.RFC3339) + " --to " +
		s.Holes[0].To.Format(time.RFC3339)
	flat := strings.Join(strings.Fields(printed(t, s, 80, false)), " ")
	flat = strings.ReplaceAll(flat, `\ `, "")
	if !strings.Contains(flat, remedy) || !strings.Contains(flat, "gs://alerts/netskope/ledger/alerts/.") {
		t.Errorf("no %q in\n%s", remedy, flat)
	}
	if _, err := c.Backfill(t.Context(), now, s.Holes[0], nil); err != nil {
		t.Fatal(err)
	}
	if s, err = Read(t.Context(), c, now); err != nil || len(s.Holes) != 0 || !well(s) {
		t.Errorf("after its command: %+v, %v", s.Holes, err)
	}
}

// TestReadPending: what is committed and not moved yet is neither there nor gone.
func TestReadPending(t *testing.T) {
	now := time.Now()
	tenant := &netskopetest.Server{}
	tenant.Add(collectortest.Alerts(1, now, 3*time.Hour, time.Hour, 60)...)
	cloud := &gcstest.Server{Fault: func(r gcstest.Request) gcstest.Fault {
		if r.Op == gcstest.MoveObject {
			return gcstest.Fault{Status: 403}
		}
		return gcstest.Fault{}
	}}
	c := collectortest.Open(t, tenant, cloud, "LOOKBACK_HOURS=4")
	if _, err := c.Run(t.Context(), now, nil); err == nil {
		t.Fatal("nothing could be moved, and the run was well")
	}
	s, err := Read(t.Context(), c, now)
	if err != nil || s.Pending == 0 || s.Pending != s.Objects || !s.GoneFrom.IsZero() ||
		whatIsLeft(s) != "none taken yet" {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestReadNeedsNoTenant: the status of a ledger is whoever's it is.
func TestReadNeedsNoTenant(t *testing.T) {
	tenant, cloud := &netskopetest.Server{}, &gcstest.Server{}
	c := collectortest.Open(t, tenant, cloud, "TIME_FIELD=event")
	collectortest.Run(t, c, time.Now())
	config, err := settings.ConfigToLook(func(name string) (string, bool) { return c.BucketName, name == "GCS_BUCKET" })
	if err != nil {
		t.Fatal(err)
	}
	looking := &collector.Collector{Config: config, Bucket: c.Bucket}
	s, err := Read(t.Context(), looking, time.Now())
	if err != nil || s.Tenant != c.Tenant || s.Through.IsZero() {
		t.Errorf("%+v, %v", s, err)
	}
	cloud.Delete(c.BucketName, c.StateKey)
	if s, err = Read(t.Context(), looking, time.Now()); err != nil || s.Tenant != c.Tenant {
		t.Errorf("without a state: %+v, %v", s, err)
	}
}

// TestSideBySide: all are under way before the first is done.
func TestSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		meet := make(chan bool)
		one := func(context.Context) error { meet <- true; return collector.ErrNoState }
		other := func(context.Context) error { <-meet; return nil }
		if err := sideBySide(t.Context(), one, other); !errors.Is(err, collector.ErrNoState) {
			t.Error(err)
		}
		broken := errors.New("broken")
		wait := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		fails := func(context.Context) error { return broken }
		stateless := func(context.Context) error { return collector.ErrNoState }
		if err := sideBySide(t.Context(), wait, fails, stateless); err != broken {
			t.Error(err)
		}
	})
}
