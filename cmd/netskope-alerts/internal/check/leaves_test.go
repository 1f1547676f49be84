package check

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// furnished puts into the bucket what a collector leaves there.
func (w *world) furnished() {
	w.cloud.Put(w.config.BucketName, w.config.StateKey,
		stateOf(w, dayStart.Add(-10*time.Minute), "http://localhost", "insertion"))
	w.cloud.Put(w.config.BucketName, w.config.Prefix+"/2026/11/22/alerts_20261122T100000Z_20261122T100500Z.ndjson",
		[]byte("{}\n"))
	w.cloud.Put(w.config.BucketName, w.config.Folders().Ledger+"2026/11/22/x", []byte("{}\n"))
}

// checkStorage is a check without its questions to the tenant.
func (w *world) checkStorage() findings {
	return w.judged(w.t.Context(), func(ctx context.Context, each func(Finding)) {
		c := newCheckup(Options{Bucket: func(string) (*gcs.Bucket, error) { return w.bucket, nil }}, each)
		c.config = w.config
		c.skipRest("left out", tenantSubjects)
		c.checkStorage(ctx)
		time.Sleep(2 * time.Minute) // for requests that are done late
	})
}

// TestCheckLeavesNothing lets every single request to the storage fail in every way,
// alone or with all that follow. judged itself holds that the bucket is then as before, or
// that what is left is named; here it is held that nothing is left where it could be removed.
func TestCheckLeavesNothing(t *testing.T) {
	requests := 0
	checked(t, &netskopetest.Server{}, 0, func(w *world) {
		w.furnished()
		if bad := w.checkStorage().not(Pass, Skip); len(bad) > 0 {
			t.Errorf("found fault with a good world:\n%v", bad)
		}
		requests = w.cloud.Requests()
	})
	if requests < 20 {
		t.Fatalf("a check makes only %d requests", requests)
	}
	step := 1
	if testing.Short() {
		step = 4
		t.Log("only every fourth request fails, because of -short")
	}
	for name, fault := range map[string]gcstest.Fault{
		"reset":         {Reset: true},
		"503":           {Status: http.StatusServiceUnavailable},
		"429":           {Status: http.StatusTooManyRequests},
		"403":           {Status: http.StatusForbidden},
		"404":           {Status: http.StatusNotFound},
		"412":           {Status: http.StatusPreconditionFailed},
		"lost by reset": {Lost: gcstest.LostByReset},
		"lost by close": {Lost: gcstest.LostByClose},
		"lost as 503":   {Lost: gcstest.LostAs503},
		"hangs":         {Delay: time.Hour},
		"late":          {Delay: storagePatience + time.Second, Detached: true},
		"torn":          {TornBytes: 3},
	} {
		for _, lasting := range []bool{false, true} {
			if lasting && fault.Status == http.StatusNotFound {
				continue // then the bucket itself is gone
			}
			t.Run(fmt.Sprintf("%s, lasting %v", name, lasting), func(t *testing.T) {
				left := 0
				for n := 0; n < requests; n += step {
					checked(t, &netskopetest.Server{}, 0, func(w *world) {
						w.furnished()
						seen := 0
						w.faults(nil, func(gcstest.Request) gcstest.Fault {
							if seen++; seen-1 == n || lasting && seen-1 > n {
								return fault
							}
							return gcstest.Fault{}
						})
						all := w.checkStorage()
						w.mu.Lock() // faults are made under it
						if seen <= n {
							t.Error("there was no such request")
						}
						w.mu.Unlock()
						// What the client repeats by itself is no finding.
						if passing := fault.Reset || fault.Lost != gcstest.NotLost ||
							fault.Status == http.StatusServiceUnavailable ||
							fault.Status == http.StatusTooManyRequests; passing && !lasting {
							if bad := all.not(Pass, Skip); len(bad) > 0 {
								t.Errorf("request %d: %v", n, bad)
							}
						}
						if cleaned := all.of("bucket.cleanup"); len(cleaned.not(Pass, Skip)) > 0 {
							left++
							// nobody knows what becomes of a request without an answer
							if !lasting && fault.Delay == 0 {
								t.Errorf("request %d: %v", n, cleaned)
							}
						}
					})
					if t.Failed() {
						t.Fatalf("at request %d", n)
					}
				}
				t.Logf("something was left, and named, after %d of %d requests", left, requests)
			})
		}
	}
}

// TestCheckTouchesNothing holds which objects a check's requests name.
func TestCheckTouchesNothing(t *testing.T) {
	checked(t, &netskopetest.Server{}, 20, func(w *world) {
		written := 0
		w.faults(nil, func(r gcstest.Request) gcstest.Fault {
			if r.Write {
				written++
				for _, name := range []string{r.Object, r.Destination} {
					if name != "" && !strings.HasPrefix(name, "netskope/check/alerts/check_2") {
						t.Errorf("%s of %s", r.Op, name)
					}
				}
			}
			return gcstest.Fault{}
		})
		w.check()
		if written < 8 {
			t.Errorf("only %d writes were seen", written)
		}
	})
}
