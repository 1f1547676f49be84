package collector

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/audit"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// TestStatusAtEveryStep answers one storage request with a status, once, at every step of a run, a
// backfill and a repair.
func TestStatusAtEveryStep(t *testing.T) {
	alerts := append(hoursBefore(5, 60), lateAlerts(5)...)
	play := func(t *testing.T, k, status, more int, lost gcstest.Lost) (n int) {
		simulate(t, &netskopetest.Server{}, alerts, func(w *world) {
			w.Lookback, w.PageSize = 2*time.Hour, 10
			w.faults(nil, func(r gcstest.Request) (f gcstest.Fault) {
				if n++; n >= k && n <= k+more {
					f.Status, f.Lost = status, lost
				}
				return
			})
			w.run()
			w.backfill(w.t.Context(), past(5, 3))
			time.Sleep(3 * time.Hour)
			w.audit(w.t.Context(), audit.Options{Repair: true})
			w.run()
			w.faults(nil, nil)
			w.mustRun()
			w.mustBackfill(Span{From: past(5, 3).From, To: w.Horizon(dayStart).Add(-2 * time.Hour)})
			w.mustRun()
			if s := w.mustAudit(audit.Options{Repair: true}); !s.Passed() {
				t.Errorf("k %d status %d: %+v", k, status, s)
			}
			time.Sleep(time.Minute)
			w.backfilled(past(5, 3).From)
		})
		return n
	}
	n := play(t, 1<<30, 0, 0, 0)
	t.Log(n, "requests")
	for k := 1; k <= n; k += 17 - 2*int(seeds(8)) { // every request, or few
		for _, status := range []int{400, 403, 404, 412, 500} {
			for _, more := range []int{0, 3} {
				if (k+status/100+more)%3 != 0 && status != 412 { // thin
					continue
				}
				if status == 404 && more > 0 || status == 412 && more > 0 {
					continue
				}
				t.Run(fmt.Sprint(k, status, more), func(t *testing.T) { play(t, k, status, more, 0) })
			}
		}
	}
}

// TestTenantChanges: page caps change between requests, and the tenant turns from offsets to cursors.
func TestTenantChanges(t *testing.T) {
	for seed := range seeds(24) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			order := netskopetest.Order(seed % 3)
			alerts := netskopetest.Profile{
				Seed: seed, From: dayStart.Add(-30 * time.Hour), To: dayStart.Add(10 * time.Hour), N: 4000,
				Burst: 600, VisibleWithin: 4 * time.Minute,
			}.Alerts()
			a := &netskopetest.Server{Order: order, StartInclusive: seed%2 == 0, EndExclusive: seed%4 == 0}
			simulate(t, a, alerts, func(w *world) {
				b := &netskopetest.Server{
					Order: order, Dialect: netskopetest.Cursor, StartInclusive: seed%2 == 0, EndExclusive: seed%4 == 0,
				}
				b.Add(alerts...)
				tr := &switching{
					random: rand.New(rand.NewPCG(seed, 4)), a: w.HTTP.Transport, b: serve(w.t, b), at: 40 + int(seed)*5,
				}
				w.HTTP = &http.Client{Transport: tr}
				w.PageSize = 50
				fails := 0
				for range 12 {
					if _, err := w.run(); err != nil {
						fails++
					}
					time.Sleep(time.Hour)
				}
				tr.calm = true
				w.mustRun()
				time.Sleep(time.Minute)
				t.Log("fails", fails)
				w.checkDelivered()
			})
		})
	}
}

type switching struct {
	mu     sync.Mutex
	random *rand.Rand
	a, b   http.RoundTripper
	n, at  int
	calm   bool
}

func (s *switching) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.n++
	to, q := s.a, r.URL.Query()
	if s.n > s.at {
		to = s.b
	}
	if !s.calm && s.random.IntN(2) == 0 {
		var limit int
		fmt.Sscan(q.Get("limit"), &limit)
		q.Set("limit", fmt.Sprint(min(limit, 2+s.random.IntN(60))))
	}
	r = r.Clone(r.Context())
	r.URL.RawQuery = q.Encode()
	s.mu.Unlock()
	return to.RoundTrip(r)
}

// TestClockJumps: the tenant's clock is another in every answer.
func TestClockJumps(t *testing.T) {
	for seed := range seeds(16) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			alerts := shownAtOnce(seed, -30*time.Hour, 30*time.Hour, 4000)
			simulate(t, &netskopetest.Server{Order: netskopetest.Shuffled}, alerts, func(w *world) {
				tr := &jumping{RoundTripper: w.HTTP.Transport, random: rand.New(rand.NewPCG(seed, 4))}
				w.HTTP = &http.Client{Transport: tr}
				w.Lookback, w.PageSize = 20*time.Hour, 40
				for range 14 {
					if _, err := w.run(); err != nil {
						t.Log(err)
					}
					time.Sleep(time.Hour)
				}
				tr.calm = true
				w.mustRun()
				if r := w.mustRun(); !r.Through.Equal(w.Horizon(time.Now())) {
					t.Error(r.Through)
				}
				w.checkDelivered()
				if s := w.mustAudit(audit.Options{}); !s.Passed() {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

type jumping struct {
	http.RoundTripper
	mu     sync.Mutex
	random *rand.Rand
	calm   bool
}

func (j *jumping) RoundTrip(r *http.Request) (*http.Response, error) {
	a, err := j.RoundTripper.RoundTrip(r)
	j.mu.Lock()
	defer j.mu.Unlock()
	if err == nil && !j.calm {
		skew := time.Duration(j.random.IntN(7200)-5400) * time.Second * time.Duration(j.random.IntN(2))
		a.Header.Set("Date", time.Now().Add(skew).UTC().Format(http.TimeFormat))
	}
	return a, err
}
