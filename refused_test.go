package collector

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// TestStorageRefuses: where something outside the bucket's own rules stops the storage, from
// the first request on or in the middle of a run, the run fails, says what it was, in the
// server's words, and what to do; and when that is done, nothing is lost and nothing doubled.
func TestStorageRefuses(t *testing.T) {
	const (
		object    = "alerts-bucket/o"
		locations = "constraints/gcp.resourceLocations"
		authTypes = "constraints/storage.restrictAuthTypes"
		tls       = "constraints/gcp.restrictTLSVersion"
	)
	writes := []gcstest.Op{gcstest.Insert, gcstest.StartUpload, gcstest.FinishUpload, gcstest.MoveObject}
	moves := []gcstest.Op{gcstest.MoveObject}
	all := append([]gcstest.Op{gcstest.GetObject, gcstest.ReadMedia, gcstest.ListObjects, gcstest.DeleteObject}, writes...)
	for name, test := range map[string]struct {
		fault gcstest.Fault
		ops   []gcstest.Op
		cause gcs.Cause
		said  string
	}{
		"retention policy": {gcstest.Retained(object), moves, gcs.CauseRetention, "deleted or overwritten until"},
		"temporary hold": {
			gcstest.Held(object, "Temporary"), moves, gcs.CauseHold, "under active Temporary hold",
		},
		"event-based hold": {
			gcstest.Held(object, "Event-Based"), moves, gcs.CauseHold, "under active Event-Based hold",
		},
		"constraint, 412":          {gcstest.Constrained(locations), writes, gcs.CausePolicy, "gcp.resourceLocations"},
		"constraint on moves, 412": {gcstest.Constrained(locations), moves, gcs.CausePolicy, "gcp.resourceLocations"},
		"constraint, 400":          {gcstest.ConstrainedAs(400, authTypes), all, gcs.CausePolicy, "restrictAuthTypes"},
		"constraint, 403":          {gcstest.ConstrainedAs(403, tls), all, gcs.CausePolicy, "restrictTLSVersion"},
		"VPC Service Controls": {
			gcstest.OutsidePerimeter(), all, gcs.CausePerimeter, "vpcServiceControlsUniqueIdentifier",
		},
		"moves unknown, 400": {gcstest.UnknownRoute(400), moves, gcs.CauseMove, "answered 400"},
		"moves unknown, 404": {gcstest.UnknownRoute(404), moves, gcs.CauseMove, "answered 404"},
		"moves unknown, 404 as HTML": {
			gcstest.Elsewhere(404, "Error 404 (Not Found)!!1"), moves, gcs.CauseMove, "Error 404",
		},
		"moves unknown, 405":         {gcstest.UnknownRoute(405), moves, gcs.CauseMove, "answered 405"},
		"moves unknown, 501":         {gcstest.UnknownRoute(501), moves, gcs.CauseMove, "answered 501"},
		"encryption key disabled":    {gcstest.KeyDisabled(), all, gcs.CauseKey, "Cloud KMS key is disabled"},
		"encryption key not granted": {gcstest.KeyDenied(), writes, gcs.CauseKey, "Permission denied on Cloud KMS key"},
		"billing":                    {gcstest.BillingDisabled(), all, gcs.CauseBilling, "billing account"},
		"a proxy that wants a log-in": {
			gcstest.Elsewhere(http.StatusProxyAuthRequired, "Squid"), all, gcs.CauseProxy, "answered 407",
		},
		"a proxy that forbids": {gcstest.Elsewhere(http.StatusForbidden, "Blocked"), all, gcs.CauseProxy, `"Blocked"`},
	} {
		for _, spared := range []int{0, 1, 3, 6} { // requests of these operations that are let through
			t.Run(fmt.Sprintf("%s, after %d", name, spared), func(t *testing.T) {
				simulate(t, &netskopetest.Server{}, hoursBefore(4, 200), func(w *world) {
					w.Lookback = 3 * time.Hour
					n := 0
					refuse := func(r gcstest.Request) gcstest.Fault {
						if slices.Contains(test.ops, r.Op) {
							if n++; n > spared {
								return test.fault
							}
						}
						return gcstest.Fault{}
					}
					w.faults(nil, refuse)
					began := time.Now()
					r, err := w.run()
					if n <= spared && err == nil {
						return // there were no more requests than that
					}
					refusal := gcs.RefusalOf(err)
					if refusal == nil || refusal.Cause != test.cause || !strings.Contains(err.Error(), test.said) ||
						!strings.Contains(err.Error(), refusal.Remedy) {
						t.Fatalf("%+v, %v", r, err)
					}
					if r.CaughtUp || strings.Contains(err.Error(), "secret inside") || time.Since(began) > time.Minute {
						t.Errorf("after %v: %+v, %v", time.Since(began), r, err)
					}
					if _, err := w.run(); err == nil { // it stays so as long as that is so
						t.Error("the next run says nothing of it")
					}
					w.faults(nil, nil)
					if r := w.mustRun(); !r.CaughtUp {
						t.Errorf("%+v", r)
					}
					w.checkDelivered()
					if left := w.cloud.Objects(w.BucketName, w.Folders().Staging); test.ops[0] == gcstest.MoveObject && len(left) > 0 {
						t.Errorf("%d staged objects are left", len(left))
					}
				})
			})
		}
	}
}

// TestRetentionPeriod: a bucket with a retention policy takes no move and no new state for that
// long; afterwards all is as it should be.
func TestRetentionPeriod(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(4, 200), func(w *world) {
		w.cloud.Retention = time.Hour
		w.Lookback = 3 * time.Hour
		for range 2 {
			if _, err := w.run(); gcs.RefusalOf(err) == nil || gcs.RefusalOf(err).Cause != gcs.CauseRetention {
				t.Errorf("got %v", err)
			}
		}
		if len(w.objects()) > 0 {
			t.Errorf("%d objects were moved", len(w.objects()))
		}
		time.Sleep(2 * time.Hour)
		for range 5 { // every new cell is kept for an hour, too
			_, _ = w.run()
			time.Sleep(2 * time.Hour)
		}
		w.checkDelivered()
	})
}

// TestHeldOrphan: what nobody will deliver, and somebody holds, is in nobody's way.
func TestHeldOrphan(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(4, 200), func(w *world) {
		w.Lookback = 3 * time.Hour
		c := w.Folders().Staged(cell.At(cell.Hour, past(2, 1).From), 0, "orphan", "part1.ndjson")
		w.cloud.Put(w.BucketName, c, []byte("{}\n"))
		time.Sleep(25 * time.Hour)
		w.faults(nil, func(r gcstest.Request) (f gcstest.Fault) {
			if r.Op == gcstest.DeleteObject && r.Object == c {
				f = gcstest.Held(c, "Temporary")
			}
			return f
		})
		w.mustRun()
		if _, ok := w.cloud.Object(w.BucketName, c); !ok {
			t.Error("it was swept: the test shows nothing")
		}
		w.faults(nil, nil)
		w.mustRun()
		if _, ok := w.cloud.Object(w.BucketName, c); ok {
			t.Error("it is not swept when it may be")
		}
	})
}
