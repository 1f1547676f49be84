package collector

import (
	"fmt"
	"math"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/api/option"

	"netskope-alerts.internal/collector/internal/audit"
	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/settings"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// paceEnd is the trigger's time of the simulated workloads: on the hour, as the schedule has it.
var paceEnd = at("2026-11-23T12:00:00Z")

// workload is something to be done at the latencies of a real tenant and a real bucket.
type workload struct {
	name   string
	alerts int           // that the tenant has in span
	span   time.Duration // before what is old enough at paceEnd
	size   int           // bytes of an alert
	short  bool          // also with -short
	kept   bool          // what is written is read again
	// prepare does what came before, and is not measured. Nil: nothing did.
	prepare func(b *bench)
	work    func(b *bench) error
}

// bench is a workload under way.
type bench struct {
	*Collector
	w workload
	t *testing.T
}

func (b *bench) run() error {
	r, err := b.Run(b.t.Context(), time.Now(), nil)
	for err == nil && !r.CaughtUp { // the budget was spent
		r, err = b.Run(b.t.Context(), time.Now(), nil)
	}
	return err
}

func firstRun(b *bench) error { return b.run() }

// tickedBefore has run an hour before.
func tickedBefore(b *bench) {
	b.Lookback = time.Hour
	r, err := b.Run(b.t.Context(), paceEnd.Add(-time.Hour), nil)
	if err != nil || !r.CaughtUp {
		panic(fmt.Sprint(r, err))
	}
}

func collected(b *bench) {
	if err := b.run(); err != nil {
		panic(err)
	}
}

func verified(b *bench) error {
	s, err := b.Audit(b.t.Context(), audit.Options{Since: b.Horizon(paceEnd).Add(-b.w.span)}, nil)
	if err == nil && (s.Delivered != int64(b.w.alerts) || s.Missing != 0) {
		err = fmt.Errorf("verified %d of %d alerts, %d missing", s.Delivered, b.w.alerts, s.Missing)
	}
	return err
}

func backfilled(b *bench) error {
	to := b.Horizon(paceEnd)
	for {
		r, err := b.Backfill(b.t.Context(), time.Now(), Span{From: to.Add(-b.w.span), To: to}, nil)
		if err != nil || r.CaughtUp {
			return err
		}
	}
}

const day = 24 * time.Hour

var workloads = []workload{
	{name: "first run of 24 h/3,000", alerts: 3_000, span: day, size: 2048, short: true, work: firstRun},
	{name: "first run of 24 h/200,000", alerts: 200_000, span: day, size: 2048, work: firstRun},
	{name: "first run of 24 h/2,000,000", alerts: 2_000_000, span: day, size: 512, work: firstRun},
	{name: "tick/125", alerts: 250, span: 2 * time.Hour, size: 2048, short: true, prepare: tickedBefore, work: firstRun},
	{name: "tick/8,000", alerts: 16_000, span: 2 * time.Hour, size: 2048, short: true,
		prepare: tickedBefore, work: firstRun},
	{name: "tick/80,000", alerts: 160_000, span: 2 * time.Hour, size: 2048, prepare: tickedBefore, work: firstRun},
	// Those of the table of costs in docs/deploy.md: 10 thousand, 1 million and 100 million alerts a month.
	{name: "tick/14", alerts: 28, span: 2 * time.Hour, size: 2048, prepare: tickedBefore, work: firstRun},
	{name: "tick/1,400", alerts: 2_800, span: 2 * time.Hour, size: 2048, prepare: tickedBefore, work: firstRun},
	{name: "tick/139,000", alerts: 278_000, span: 2 * time.Hour, size: 512, prepare: tickedBefore, work: firstRun},
	{name: "backfill of 30 days/90,000", alerts: 90_000, span: 30 * day, size: 2048, work: backfilled},
	{name: "verify of 48 h/6,000", alerts: 6_000, span: 2 * day, size: 2048, short: true, kept: true,
		prepare: collected, work: verified},
	{name: "verify of 24 h/50,000", alerts: 50_000, span: day, size: 512, kept: true, prepare: collected, work: verified},
	{name: "verify of 48 h/400,000", alerts: 400_000, span: 2 * day, size: 512, kept: true,
		prepare: collected, work: verified},
}

// BenchmarkPace does each workload in simulated time, so that it says the same on every machine:
// how long it takes at the latencies of a tenant and of a storage, what it asks of both, and
// the bound, which is the time that the rate limit sets for its full pages. ratio is the time
// by the bound. (In the largest, alerts are of 512 bytes instead of 2 KB, to fit into memory:
// storage has fewer pieces of uploads to take.)
func BenchmarkPace(b *testing.B) {
	for _, latency := range []struct{ tenant, storage time.Duration }{
		{500 * time.Millisecond, 60 * time.Millisecond}, {2 * time.Second, 200 * time.Millisecond},
	} {
		for dialect, name := range []string{netskopetest.Offset: "offset", netskopetest.Cursor: "cursor"} {
			for _, w := range workloads {
				b.Run(fmt.Sprintf("%v/%v/%s/%s", latency.tenant, latency.storage, name, w.name), func(b *testing.B) {
					if testing.Short() && !w.short {
						b.Skip("not with -short: large")
					}
					var took time.Duration
					var requests, operations int64
					rate := 0.0
					for b.Loop() {
						took, requests, operations, rate = w.simulate(b, latency.tenant, latency.storage, dialect)
					}
					measured := w.alerts
					if w.prepare != nil && w.span == 2*time.Hour {
						measured /= 2 // the hour before was not
					}
					bound := math.Ceil(float64(measured)/settings.SafePageSize) / rate
					b.ReportMetric(0, "ns/op")
					b.ReportMetric(took.Seconds(), "sim-s")
					b.ReportMetric(float64(requests), "requests")
					b.ReportMetric(float64(operations), "storage-ops")
					b.ReportMetric(bound, "bound-s")
					b.ReportMetric(took.Seconds()/bound, "ratio")
				})
			}
		}
	}
}

// simulate does the workload in a bubble.
func (w workload) simulate(b *testing.B, tenantLatency, storageLatency time.Duration, dialect int) (
	took time.Duration, requests, operations int64, rate float64) {
	inBubble(b, func(t *testing.T) {
		time.Sleep(time.Until(paceEnd))
		c, err := settings.ConfigFromEnv(environment())
		if err != nil {
			t.Fatal(err)
		}
		c.Tenant, c.RequestsPerSecond, c.Lookback = "http://tenant.test", 4, w.span
		rate = c.RequestsPerSecond
		tenant := &netskopetest.Server{Dialect: netskopetest.Dialect(dialect)}
		to := c.Horizon(paceEnd)
		tenant.Add(netskopetest.Uniform(1, to.Add(-w.span), to, w.alerts, w.size)...)
		cloud := &gcstest.Server{Discard: !w.kept, Fault: func(gcstest.Request) gcstest.Fault {
			atomic.AddInt64(&operations, 1)
			return gcstest.Fault{Delay: storageLatency}
		}}
		client, err := gcs.NewClient(t.Context(), option.WithEndpoint("http://storage.test/storage/v1/"),
			option.WithoutAuthentication(), option.WithHTTPClient(&http.Client{Transport: serve(t, cloud)}))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { client.Close() })
		through := serve(t, tenant)
		run := &bench{&Collector{Config: c, Bucket: gcs.Through(client, c.BucketName),
			HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				atomic.AddInt64(&requests, 1) // refused ones, too
				sleep(r.Context(), tenantLatency)
				return through.RoundTrip(r)
			})}}, w, t}
		if w.prepare != nil {
			w.prepare(run)
		}
		atomic.StoreInt64(&requests, 0)
		atomic.StoreInt64(&operations, 0)
		began := time.Now()
		if err := w.work(run); err != nil {
			t.Error(err)
		}
		took = time.Since(began)
	})
	return took, requests, operations, rate
}

// inBubble runs f in a bubble with a clock of its own, which a benchmark cannot open itself.
func inBubble(b *testing.B, f func(*testing.T)) {
	always := func(string, string) (bool, error) { return true, nil }
	if !testing.RunTests(always, []testing.InternalTest{{Name: b.Name(), F: func(t *testing.T) { synctest.Test(t, f) }}}) {
		b.Fatal("the simulation failed")
	}
}
