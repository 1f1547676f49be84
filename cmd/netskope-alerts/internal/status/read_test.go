package status

import (
	"maps"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/api/option"

	"netskope-alerts.internal/collector"
	"netskope-alerts.internal/collector/internal/audit"
	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// deployed is a collector between a tenant and a Cloud Storage on loopback.
func deployed(t *testing.T, tenant *netskopetest.Server, cloud *gcstest.Server) *collector.Collector {
	api, storage := httptest.NewServer(tenant), httptest.NewServer(cloud)
	t.Cleanup(api.Close)
	t.Cleanup(storage.Close)
	client, err := gcs.NewClient(t.Context(), option.WithEndpoint(storage.URL+"/storage/v1/"),
		option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	values := map[string]string{"GCS_BUCKET": "alerts", "NETSKOPE_TENANT": api.URL, "NETSKOPE_API_TOKEN": "a-token",
		"LOOKBACK_HOURS": "26", "REQUESTS_PER_SECOND": "0"}
	config, err := collector.ConfigFromEnv(func(name string) (string, bool) { v, ok := values[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	return &collector.Collector{Config: config, Bucket: gcs.Through(client, config.BucketName), HTTP: api.Client()}
}

// run does one run at now, which must not fail.
func run(t *testing.T, c *collector.Collector, now time.Time) {
	t.Helper()
	if r, err := c.Run(t.Context(), now, nil); err != nil || !r.CaughtUp {
		t.Fatalf("run at %v: %+v, %v", now, r, err)
	}
}

// TestRead holds the status against what was really delivered.
func TestRead(t *testing.T) {
	now := time.Now().UTC()
	alerts := netskopetest.Profile{Seed: 1, From: now.Add(-30 * time.Hour), To: now.Add(-time.Hour), N: 400,
		VisibleWithin: -1}.Alerts()
	tenant, cloud := &netskopetest.Server{}, &gcstest.Server{}
	tenant.Add(alerts...)
	c := deployed(t, tenant, cloud)
	s, err := Read(t.Context(), c, now)
	if err != nil || !s.Through.IsZero() || !s.LedgerFrom.IsZero() || s.Alerts != 0 || len(s.Hours) != 25 {
		t.Errorf("nothing yet: %+v, %v", s, err)
	}
	run(t, c, now.Add(-3*time.Hour))
	run(t, c, now)
	late := netskopetest.Profile{Seed: 2, From: now.Add(-7 * time.Hour), To: now.Add(-2 * time.Hour), N: 3,
		VisibleWithin: -1}.Alerts()
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
	if s.LedgerFrom.Before(now.Add(-30*time.Hour)) || s.LedgerFrom.After(now.Add(-28*time.Hour)) || s.Cells < 10 {
		t.Errorf("%d cells, the ledger begins at %v", s.Cells, s.LedgerFrom)
	}
	want, total := map[time.Time]int64{}, int64(0)
	for _, a := range alerts {
		if hour := a.Inserted.UTC().Truncate(time.Hour); !hour.Before(s.Hours[0].Start) && a.Inserted.Before(s.Through) {
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
	c := deployed(t, tenant, cloud)
	run(t, c, time.Now())
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
