// Package collectortest gives tests a collector that can be run. Only tests use it.
package collectortest

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/api/option"

	"netskope-alerts.internal/collector"
	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/settings"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// Open is a collector between a tenant and a Cloud Storage, both on loopback. The variables are
// NAME=value.
func Open(t *testing.T, tenant *netskopetest.Server, cloud *gcstest.Server, variables ...string) *collector.Collector {
	t.Helper()
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
		"REQUESTS_PER_SECOND": "0"}
	for _, variable := range variables {
		name, value, _ := strings.Cut(variable, "=")
		values[name] = value
	}
	config, err := settings.ConfigFromEnv(func(name string) (string, bool) { v, ok := values[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	return &collector.Collector{Config: config, Bucket: gcs.Through(client, config.BucketName), HTTP: api.Client()}
}

// Run does one run that is triggered at now, and must come to its end.
func Run(t *testing.T, c *collector.Collector, now time.Time) {
	t.Helper()
	if r, err := c.Run(t.Context(), now, nil); err != nil || !r.CaughtUp {
		t.Fatalf("run at %v: %+v, %v", now, r, err)
	}
}

// Alerts are n alerts of the hours before now, all of which the tenant shows at once.
func Alerts(seed uint64, now time.Time, from, to time.Duration, n int) []netskopetest.Alert {
	return netskopetest.Profile{Seed: seed, From: now.Add(-from), To: now.Add(-to), N: n, VisibleWithin: -1}.Alerts()
}
