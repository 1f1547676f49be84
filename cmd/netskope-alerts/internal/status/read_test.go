package status

import (
	"maps"
	"strings"
	"testing"
	"time"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/collectortest"
	"netskope-alerts.internal/collector/internal/audit"
	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// TestRead holds the status against what was really delivered.
func TestRead(t *testing.T) {
	now := time.Now().UTC()
	alerts := collectortest.Alerts(1, now, 30*time.Hour, time.Hour, 400)
	tenant, cloud := &netskopetest.Server{}, &gcstest.Server{}
	tenant.Add(alerts...)
	c := collectortest.Open(t, tenant, cloud, "LOOKBACK_HOURS=26")
	s, err := Read(t.Context(), c, now)
	if err != nil || !s.Through.IsZero() || !s.LedgerFrom.IsZero() || s.Alerts != 0 || len(s.Hours) != 25 {
		t.Errorf("nothing yet: %+v, %v", s, err)
	}
	collectortest.Run(t, c, now.Add(-3*time.Hour))
	collectortest.Run(t, c, now)
	late := collectortest.Alerts(2, now, 7*time.Hour, 2*time.Hour, 3)
	tenant.Add(late...)
	if sum, err := c.Audit(t.Context(), audit.Options{Repair: true}, nil); err != nil || sum.Repaired != 3 {
		t.Fatalf("%+v, %v", sum, err)
	}
	alerts = append(alerts, late...)
	taken := 0
	all := cloud.Objects(c.BucketName, c.Folders().Feed)
	for _, o := range all[len(all)-3:] {
		cloud.Delete(c.BucketName, o.Name)
		taken++
	}
	if s, err = Read(t.Context(), c, now); err != nil {
		t.Fatal(err)
	}
	state, err := c.ReadCheckpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Through != state.Through || s.LastEvent.Unix() != state.LastEventTime || s.Saved != state.Saved ||
		s.Lag != s.At.Sub(s.Through) || s.NextDue != s.Next.Add(c.Config.Lag) || !s.Next.After(s.Through) ||
		s.Next.Sub(s.Through) > 5*time.Minute || s.Next.Unix()%300 != 0 {
		t.Errorf("%+v\nof %+v", s, state)
	}
	cells := map[cell.Cell]bool{} // as the names of the ledger's objects have them
	for _, o := range cloud.Objects(c.BucketName, c.Folders().Ledger) {
		if of, late, ok := c.Folders().ParseEntry(o.Name); ok && late == 0 && of.To().After(s.Hours[0].Start) {
			cells[of] = true
		}
	}
	maps.DeleteFunc(cells, func(whole cell.Cell, _ bool) bool { // it was split
		for of := range cells {
			if of != whole && !of.From().Before(whole.From()) && !of.To().After(whole.To()) {
				return true
			}
		}
		return false
	})
	if s.LedgerFrom.Before(now.Add(-30*time.Hour)) || s.LedgerFrom.After(now.Add(-28*time.Hour)) ||
		s.Cells != len(cells) || len(cells) < 24/6 { // no cell is longer than six hours
		t.Errorf("%d cells, want %d; the ledger begins at %v", s.Cells, len(cells), s.LedgerFrom)
	}
	want, total := map[time.Time]int64{}, int64(0)
	for _, a := range alerts {
		hour := a.Inserted.UTC().Truncate(time.Hour)
		if !hour.Before(s.Hours[0].Start) && a.Inserted.Before(s.Through) {
			want[hour]++
			total++
		}
	}
	got, types := map[time.Time]int64{}, map[string]int64{}
	for i, h := range s.Hours {
		sum := int64(0)
		for name, n := range h.Types {
			sum += n
			types[name] += n
		}
		if sum != h.Alerts || h.Start != s.Hours[0].Start.Add(time.Duration(i)*time.Hour) ||
			h.Complete == s.Through.Before(h.Start.Add(time.Hour)) {
			t.Errorf("hour %+v", h)
		}
		if h.Alerts > 0 {
			got[h.Start] = h.Alerts
		}
	}
	if !maps.Equal(got, want) || s.Alerts != total || s.Late != 3 {
		t.Errorf("%d alerts, want %d; %d late\n%v\n%v", s.Alerts, total, s.Late, got, want)
	}
	sum := int64(0)
	for i, k := range s.Types {
		sum += k.Alerts
		if types[k.Type] != k.Alerts || i > 0 && k.Alerts > s.Types[i-1].Alerts {
			t.Errorf("types %+v", s.Types)
		}
	}
	if sum != total || s.Lateness.P50 == 0 || s.Lateness.Max < s.Lateness.P99 || len(s.Lateness.Buckets) == 0 {
		t.Errorf("%+v", s)
	}
	if s.Objects-s.Present != taken || taken != 3 || s.Bytes == 0 || s.Stored < s.Bytes {
		t.Errorf("%d objects, %d present, %d bytes, %d stored", s.Objects, s.Present, s.Bytes, s.Stored)
	}
}

// TestReadWithoutState: a state that is lost is no ledger that is lost.
func TestReadWithoutState(t *testing.T) {
	tenant, cloud := &netskopetest.Server{}, &gcstest.Server{}
	c := collectortest.Open(t, tenant, cloud)
	collectortest.Run(t, c, time.Now())
	cloud.Delete(c.BucketName, c.StateKey)
	s, err := Read(t.Context(), c, time.Now())
	if err != nil || !s.Through.IsZero() || s.LedgerFrom.IsZero() {
		t.Fatalf("%+v, %v", s, err)
	}
	if is := conditionOf(s); is.word != "no state" || !strings.Contains(is.sentence, "a ledger") {
		t.Errorf("%+v", is)
	}
	cloud.Put(c.BucketName, c.StateKey, []byte("garbage"))
	if _, err := Read(t.Context(), c, time.Now()); err == nil || !strings.Contains(err.Error(), c.StateKey) {
		t.Errorf("a damaged state: %v", err)
	}
}
