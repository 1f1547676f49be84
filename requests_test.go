package collector

import (
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/settings"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// TestRequestsPerHour says what one run of an hour costs, of a collector that has run the hours
// before: go test -run TestRequestsPerHour -v. It bounds the requests of the quiet and the busy
// one, which most tenants have.
func TestRequestsPerHour(t *testing.T) {
	for _, test := range []struct {
		name     string
		alerts   int
		within   time.Duration // of the hour
		requests int           // to the tenant, at most
		storage  int           // at most
	}{
		{"nothing", 0, time.Hour, 2, 7},
		{"quiet", 125, time.Hour, 3, 9},
		{"busy", 8000, time.Hour, 3, 12},
		{"bursting", 60_000, 10 * time.Minute, 180, 200},
	} {
		if testing.Short() && test.alerts > 1_000 {
			continue
		}
		for _, dialect := range []netskopetest.Dialect{netskopetest.Offset, netskopetest.Cursor} {
			from := dayStart.Add(-5 * time.Minute) // of the hour that is measured
			before := netskopetest.Uniform(1, from.Add(-6*time.Hour), from, 6*min(test.alerts, 8000), 400)
			later := from.Add(20 * time.Minute)
			until := later.Add(min(test.within, 40*time.Minute))
			alerts := append(before, netskopetest.Uniform(2, later, until, test.alerts, 400)...)
			simulate(t, &netskopetest.Server{Dialect: dialect}, alerts, func(w *world) {
				w.cloud.Visible = nil
				w.Lookback = 3 * time.Hour
				w.PageSize = settings.SafePageSize
				for !w.mustRun().CaughtUp {
				}
				time.Sleep(time.Hour)
				tenant, total, lists := w.tenant.Requests(), w.cloud.Requests(), w.cloud.Requests(gcstest.ListObjects)
				for {
					r := w.mustRun()
					if r.CaughtUp {
						t.Logf("%-9s dialect %d: %6d alerts, %3d cells, %3d requests to the tenant, %3d to the storage, %d of them lists",
							test.name, dialect, test.alerts, r.Cells, w.tenant.Requests()-tenant, w.cloud.Requests()-total,
							w.cloud.Requests(gcstest.ListObjects)-lists)
						break
					}
				}
				got, stored := w.tenant.Requests()-tenant, w.cloud.Requests()-total
				if got > test.requests || stored > test.storage {
					t.Errorf("%s, dialect %d: %d requests to the tenant, at most %d; %d to the storage, at most %d",
						test.name, dialect, got, test.requests, stored, test.storage)
				}
				if w.began = w.state().Began; test.alerts > 0 {
					w.checkDelivered()
				}
			})
		}
	}
}
