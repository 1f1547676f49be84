package collector

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/audit"
	"netskope-alerts.internal/collector/internal/ledger"
	"netskope-alerts.internal/collector/internal/settings"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
	"netskope-alerts.internal/collector/internal/state"
	"netskope-alerts.internal/collector/internal/stream"
)

// worlds are one tenant, one bucket and one process, seen by the collector of each stream.
type worlds []*world

// simulateStreams is [simulate] with a world for every stream, of which the tenant has the records.
func simulateStreams(t *testing.T, tenant func(stream.Stream) *netskopetest.Server,
	records func(stream.Stream) []netskopetest.Alert, test func(worlds)) {
	of := map[stream.Stream]*netskopetest.Server{}
	events := map[string]*netskopetest.Server{}
	for _, s := range stream.All() {
		of[s] = tenant(s)
		events[s.String()] = of[s]
	}
	of[stream.Alert].Events = events
	simulate(t, of[stream.Alert], records(stream.Alert), func(alerts *world) {
		configs, err := settings.ConfigsFromEnv(environment("STREAMS=" + stream.Names(stream.All(), ",")))
		if err != nil {
			t.Fatal(err)
		}
		all := worlds{alerts}
		for _, c := range configs[1:] {
			c.Tenant, c.PageSize = alerts.Tenant, alerts.PageSize
			w := &world{t: alerts.t, tenant: of[c.Stream], cloud: alerts.cloud, seen: map[string]bool{}, taken: map[string]int{},
				gone: map[string]bool{}, swept: map[string]bool{}, lines: map[string]netskopetest.Alert{},
				Collector: &Collector{Config: c, Bucket: alerts.Bucket, HTTP: alerts.HTTP}}
			w.populate(records(c.Stream))
			all = append(all, w)
		}
		alerts.cloud.Visible = func(o gcstest.Object) {
			for _, w := range all {
				w.inspect(o)
			}
		}
		test(all)
	})
}

// run is one run of all streams, triggered at now. Its reports say how long each took from then.
func (all worlds) run(ctx context.Context, now time.Time) (map[stream.Stream]Report, map[stream.Stream]error) {
	var mu sync.Mutex
	reports, errs := map[stream.Stream]Report{}, map[stream.Stream]error{}
	var collectors []*Collector
	for _, w := range all {
		collectors = append(collectors, w.Collector)
	}
	began := time.Now()
	SideBySide(collectors, func(c *Collector) {
		r, err := c.Run(ctx, now, nil)
		r.Took = time.Since(began)
		mu.Lock()
		defer mu.Unlock()
		reports[c.Stream] = r
		if err != nil {
			errs[c.Stream] = err
		}
	})
	return reports, errs
}

// mustCatchUp runs every hour until all streams have caught up; none may fail.
func (all worlds) mustCatchUp() {
	all[0].t.Helper()
	for range 100 {
		time.Sleep(time.Hour)
		reports, errs := all.run(all[0].t.Context(), time.Now())
		if len(errs) > 0 {
			all[0].t.Fatalf("runs failed: %v", errs)
		}
		caughtUp := 0
		for _, r := range reports {
			if r.CaughtUp {
				caughtUp++
			}
		}
		if caughtUp == len(all) {
			return
		}
	}
	all[0].t.Fatal("not all streams catch up")
}

// TestDayOfAllStreams simulates a day of hourly triggers for all six streams of one tenant at once, each
// paging in another way, with everything that can go wrong going wrong in each: each record is
// in the end in its own stream's folder exactly once, whatever happened to the others.
func TestDayOfAllStreams(t *testing.T) {
	for i := range seeds(3) {
		t.Run(fmt.Sprint(i), func(t *testing.T) { playDayOfAllStreams(t, newSeed(t)) })
	}
}

func playDayOfAllStreams(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	tenant := func(stream.Stream) *netskopetest.Server {
		return &netskopetest.Server{Seed: random.Uint64(), Order: netskopetest.Order(random.IntN(3)),
			Dialect: netskopetest.Dialect(random.IntN(2)), StartInclusive: random.IntN(2) == 0,
			EndExclusive: random.IntN(2) == 0, PageCap: []int{0, 37}[random.IntN(2)]}
	}
	records := func(s stream.Stream) []netskopetest.Alert {
		return netskopetest.Profile{Seed: random.Uint64(), Stream: s.String(), From: dayStart.Add(-25 * time.Hour),
			To: dayStart.Add(24 * time.Hour), N: 200 + random.IntN(600), VisibleWithin: 4 * time.Minute}.Alerts()
	}
	simulateStreams(t, tenant, records, func(all worlds) {
		outage := dayStart.Add(time.Duration(6+random.IntN(6)) * time.Hour)
		for i, w := range all {
			w.faults(w.tenantMenu(rand.New(rand.NewPCG(seed, uint64(10+i))), outage), nil)
			if random.IntN(2) == 0 {
				stays := rand.New(rand.NewPCG(seed, uint64(20+i)))
				w.feed = func() time.Duration { return time.Duration(stays.IntN(300)) * time.Second }
			}
		}
		all[0].faults(all[0].tenantFault, cloudMenu(rand.New(rand.NewPCG(seed, 3))))
		time.Sleep(10 * time.Minute)
		failed, caughtUp := map[stream.Stream]int{}, map[stream.Stream]int{}
		for hour := range 24 {
			tick := dayStart.Add(time.Duration(hour)*time.Hour + 10*time.Minute)
			if wait := time.Until(tick); wait > 0 {
				time.Sleep(wait)
			}
			var runs sync.WaitGroup
			for range 1 + random.IntN(2) { // the second is the same event, delivered again
				ctx, die := context.WithCancel(all[0].t.Context())
				if random.IntN(3) == 0 {
					time.AfterFunc(time.Duration(random.IntN(60_000))*time.Millisecond, die)
				}
				late := time.Duration(random.IntN(10_000)) * time.Millisecond * time.Duration(random.IntN(2))
				runs.Go(func() {
					defer die()
					time.Sleep(late)
					reports, errs := all.run(ctx, tick)
					all[0].mu.Lock()
					defer all[0].mu.Unlock()
					for s, r := range reports {
						if errs[s] != nil {
							failed[s]++
						} else if r.CaughtUp {
							caughtUp[s]++
						}
					}
				})
			}
			runs.Wait()
		}
		for _, w := range all {
			w.faults(nil, nil)
		}
		all.mustCatchUp()
		time.Sleep(25 * time.Hour) // until what runs that died have staged may be swept
		all.mustCatchUp()
		t.Logf("failed: %v, caught up: %v", failed, caughtUp)
		for _, w := range all {
			if failed[w.Stream] == 0 || caughtUp[w.Stream] == 0 {
				t.Errorf("%v: %d runs failed and %d caught up: that shows nothing", w.Stream, failed[w.Stream], caughtUp[w.Stream])
			}
			w.checkDelivered()
			if left := w.cloud.Objects(w.BucketName, w.Folders().Staging); len(left) > 0 {
				t.Errorf("%v: %d objects are left in the staging folder", w.Stream, len(left))
			}
			if s := w.mustAudit(audit.Options{}); !s.Passed() || len(s.Foreign) > 0 {
				t.Errorf("%v: an audit: %+v", w.Stream, s)
			}
		}
	})
}

// always is the same fault of every request.
func always(f netskopetest.Fault) func(netskopetest.Request) netskopetest.Fault {
	return func(netskopetest.Request) netskopetest.Fault { return f }
}

// TestOneStreamIsLeftAlone: whatever one stream suffers, each of the others delivers its hour in the same
// run, no later than a turn for every stream and every cell in flight lets expect, and fails
// for nothing.
func TestOneStreamIsLeftAlone(t *testing.T) {
	for _, test := range []struct {
		name    string
		records int // of the stream, in the hour
		fault   func(netskopetest.Request) netskopetest.Fault
		fails   bool
		at      int // with so many requests, if that is known
	}{
		{"nothing", 300, nil, false, 2},
		{"refused", 300, always(netskopetest.Forbidden()), true, 1},
		{"not licensed", 300, always(netskopetest.Unlicensed()), true, 1},
		{"unknown", 300, always(netskopetest.NotFound()), true, 1},
		{"stalled", 300, always(netskopetest.Fault{Kind: netskopetest.Stall}), true, 0},
		{"no answer", 300, always(netskopetest.Fault{Delay: time.Hour}), true, 0},
		{"limited", 300, always(netskopetest.RateLimited("60")), true, 0},
		{"broken", 300, always(netskopetest.NotOK("internal error")), true, 0},
		{"bursting", 150_000, nil, false, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			const ill = stream.Application
			tenant := func(s stream.Stream) *netskopetest.Server { return &netskopetest.Server{} }
			records := func(s stream.Stream) []netskopetest.Alert {
				n, from := 300, dayStart.Add(-2*time.Hour)
				if s == ill {
					n = test.records
				}
				if testing.Short() {
					n = min(n, 20_000)
				}
				return netskopetest.Uniform(uint64(len(s)), from, dayStart, n, 300)
			}
			simulateStreams(t, tenant, records, func(all worlds) {
				for _, w := range all {
					w.Lookback = time.Hour
					latency := func(r netskopetest.Request) netskopetest.Fault { return netskopetest.Fault{Delay: time.Second} }
					if w.Stream == ill && test.fault != nil {
						latency = test.fault
					}
					w.faults(latency, nil)
				}
				all[0].cloud.Visible = nil // it has seen many records
				reports, errs := all.run(all[0].t.Context(), time.Now())
				if peak := all[0].tenant.Stats().PeakPerSecond; peak > 5 { // four, and one at each end of a second
					t.Errorf("%d requests in a second", peak)
				}
				for s, r := range reports {
					t.Logf("%v: %d records, %d requests, %v, %s, %v", s, r.Alerts, r.Requests, r.Took, r.Stopped, errs[s])
					switch {
					case s == ill && test.at > 0 && r.Requests != test.at:
						t.Errorf("%v: %d requests, want %d: it is of no use to ask again", s, r.Requests, test.at)
					case s == ill && test.fails != (errs[s] != nil):
						t.Errorf("%v: %v", s, errs[s])
					case s == ill:
					case errs[s] != nil || !r.CaughtUp || r.Alerts < 100:
						t.Errorf("%v: %+v, %v", s, r, errs[s])
					case r.Took > 20*time.Second:
						t.Errorf("%v: it took %v", s, r.Took)
					}
				}
			})
		})
	}
}

// TestCellsInFlightAreShared: six streams with a day to deliver have no more requests under way, nor cells,
// than IN_FLIGHT says of one, and one that is left alone has all of them for itself.
func TestCellsInFlightAreShared(t *testing.T) {
	for _, test := range []struct {
		name            string
		busy, low, high int // streams with work, and how many requests are under way at most
	}{{"one of six", 1, 9, 12}, {"all", 6, 9, 12}} {
		if testing.Short() && test.busy == 1 {
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			tenant := func(stream.Stream) *netskopetest.Server { return &netskopetest.Server{} }
			records := func(s stream.Stream) []netskopetest.Alert {
				n := 3000
				if test.busy == 1 && s != stream.Network {
					n = 1
				}
				return netskopetest.Uniform(1, dayStart.Add(-25*time.Hour), dayStart, n, 300)
			}
			simulateStreams(t, tenant, records, func(all worlds) {
				through := &counting{through: all[0].HTTP.Transport}
				for _, w := range all {
					w.HTTP, w.PageSize, w.RequestsPerSecond, w.InFlight = &http.Client{Transport: through}, 10, 0, 12
					w.faults(func(netskopetest.Request) netskopetest.Fault { return netskopetest.Fault{Delay: time.Second} }, nil)
				}
				reports, errs := all.run(all[0].t.Context(), time.Now())
				if len(errs) > 0 || !reports[stream.Network].CaughtUp {
					t.Fatalf("%v, %+v", errs, reports[stream.Network])
				}
				if through.most < test.low || through.most > test.high {
					t.Errorf("%d requests were under way, want %d to %d", through.most, test.low, test.high)
				}
			})
		})
	}
}

// counting is a transport that knows how many requests are waiting for their answers to begin.
type counting struct {
	through   http.RoundTripper
	mu        sync.Mutex
	now, most int
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.now--
		c.mu.Unlock()
	}()
	return c.through.RoundTrip(r)
}

// TestStreamsAreKeptApart: a stream whose state or folder is another stream's is refused, and changes
// nothing.
func TestStreamsAreKeptApart(t *testing.T) {
	tenant := func(stream.Stream) *netskopetest.Server { return &netskopetest.Server{} }
	records := func(s stream.Stream) []netskopetest.Alert {
		return netskopetest.Uniform(uint64(len(s)), dayStart.Add(-2*time.Hour), dayStart, 100, 300)
	}
	simulateStreams(t, tenant, records, func(all worlds) {
		if _, errs := all.run(all[0].t.Context(), time.Now()); len(errs) > 0 {
			t.Fatal(errs)
		}
		time.Sleep(time.Hour)
		objects := len(all[0].cloud.Objects(all[0].BucketName, ""))
		var alerts, pages = all[0], all[len(all)-1]

		stranger := *pages.Collector // with the state of alerts
		stranger.StateKey = alerts.StateKey
		_, err := stranger.Run(pages.t.Context(), time.Now(), nil)
		var foreign *state.Foreign
		if !errors.As(err, &foreign) || foreign.Name != "STREAMS" || foreign.Had != "alert" || foreign.Has != "page" {
			t.Errorf("a state of alerts: %v", err)
		}
		stranger = *alerts.Collector // in the folder of pages, where they do not meet in time either
		stranger.Stream, stranger.Prefix, stranger.StateKey = stream.Alert, "netskope/events/page", "elsewhere/state.json"
		for _, e := range pages.cloud.Objects(pages.BucketName, pages.Folders().Ledger) {
			name := stranger.Folders().Ledger + strings.TrimPrefix(e.Name, pages.Folders().Ledger)
			_, err := pages.Bucket.Put(pages.t.Context(), name, 0, e.Content, "application/octet-stream", e.Metadata)
			if err != nil {
				t.Fatal(err)
			}
			objects++
		}
		_, runErr := stranger.Run(pages.t.Context(), time.Now(), nil)
		_, backfillErr := stranger.Backfill(pages.t.Context(), time.Now(), past(60, 50), nil)
		for _, err := range []error{runErr, backfillErr} {
			if !errors.Is(err, ledger.ErrForeign) ||
				!strings.Contains(err.Error(), "is of the stream page, but this run collects alert") {
				t.Errorf("a ledger of pages: %v", err)
			}
		}
		if now := len(all[0].cloud.Objects(all[0].BucketName, "")); now != objects {
			t.Errorf("%d objects, there were %d", now, objects)
		}
		// What is of alerts says so no more than it ever did.
		for _, o := range all[0].cloud.Objects(all[0].BucketName, "netskope/") {
			says := strings.Contains(string(o.Content), `"stream"`) ||
				strings.Contains(o.Metadata["netskope-ledger"], `"stream"`)
			of, _, _ := strings.Cut(strings.TrimPrefix(o.Name, "netskope/"), "/")
			if of != "ledger" && of != "state" {
				continue
			}
			if events := strings.Contains(o.Name, "/events/"); says != events {
				t.Errorf("%s says its stream: %v", o.Name, says)
			}
		}
	})
}

// TestFunctionWorksOnAllStreams: one message, one record for every stream; a stream that is refused fails
// alone and says what to do, and the message fails for it.
func TestFunctionWorksOnAllStreams(t *testing.T) {
	const bucket = "GCS_BUCKET=all-streams"
	of := func(records []map[string]any) map[any]map[string]any {
		by := map[any]map[string]any{}
		for _, r := range records {
			by[r["stream"]] = r
		}
		return by
	}
	hour := time.Now().UTC().Truncate(time.Hour).Add(-30 * time.Hour)
	span := fmt.Sprintf(`"backfill":{"from":%q,"to":%q}`, hour.Format(time.RFC3339),
		hour.Add(time.Hour).Format(time.RFC3339))
	for _, test := range []struct {
		name, payload, streams string
		messages               map[string]string // of the records, by stream
		err                    string
	}{
		{"a tick", ``, "alert,page", map[string]string{"alert": "run finished", "page": "run finished"}, ""},
		{"one stream's tick", `{"stream":"page"}`, "alert,page", map[string]string{"page": "run finished"}, ""},
		{"a backfill of one stream", `{` + span + `,"stream":"page"}`, "alert,page",
			map[string]string{"page": "backfill finished"}, ""},
		{"a backfill where only alerts are collected", `{` + span + `}`, "",
			map[string]string{"alert": "backfill finished"}, ""},
		{"an audit", `{"verify":"48h"}`, "alert,page",
			map[string]string{"alert": "audit passed", "page": "audit passed"}, ""},
		{"an audit of one stream", `{"verify":"48h","stream":"alert"}`, "alert,page",
			map[string]string{"alert": "audit passed"}, ""},
		{"refused streams", ``, "alert,page,audit,network", map[string]string{"alert": "run finished", "page": "run finished",
			"audit": "run failed", "network": "run failed"},
			"audit: run failed, network: run failed; the log records of this event say why"},
		{"a stream that the tenant lacks", ``, "alert,application",
			map[string]string{"alert": "run finished", "application": "run failed"}, "application: run failed"},
	} {
		records, err := handled(t, tickEvent([]byte(payload(test.payload))), bucket, "STREAMS="+test.streams)
		if len(records) != len(test.messages) {
			t.Errorf("%s: %v", test.name, records)
		}
		by := of(records)
		for s, message := range test.messages {
			if by[s]["message"] != message {
				t.Errorf("%s: %s: %v", test.name, s, by[s])
			}
		}
		if (err != nil) != (test.err != "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: the framework gets %v", test.name, err)
		}
		for s, remedy := range map[string]string{"audit": "its role may read /api/v2/events/data/audit",
			"network":     "licensed for /api/v2/events/data/network, or take network out of STREAMS",
			"application": "licensed for /api/v2/events/data/application, or take application out of STREAMS"} {
			if _, failed := test.messages[s]; failed && (by[s]["severity"] != "ERROR" ||
				!strings.Contains(fmt.Sprint(by[s]["error"]), remedy)) {
				t.Errorf("%s: %s: %v", test.name, s, by[s])
			}
		}
	}
	lines := 0
	for _, o := range standIns().cloud.Objects("all-streams", "netskope/events/page/") {
		lines += strings.Count(string(o.Content), "\n")
	}
	if lines != 25 {
		t.Errorf("%d of 25 pages in the bucket", lines)
	}
	for message, want := range map[string]string{
		`{"stream":"network"}`: "the stream network, which is not collected: STREAMS is alert,page; add it there",
		`{"stream":"pages"}`:   "want alert or application or audit",
		`{"stream":7}`:         "stream",
		`{` + span + `}`:       `does not say of which stream: add "stream", one of alert, page`,
	} {
		records, err := handled(t, tickEvent([]byte(payload(message))), bucket, "STREAMS=alert,page")
		if err == nil || len(records) != 1 || records[0]["message"] != "message refused" ||
			!strings.Contains(fmt.Sprint(records[0]["error"]), want) {
			t.Errorf("%s: %v, %v", message, records, err)
		}
	}
}

// hourOfStreams divides the records of a tenant's hour as a company of some thousand people might see
// them: most are pages and network sessions.
func hourOfStreams(records int) map[stream.Stream]int {
	n := map[stream.Stream]int{stream.Page: records * 60 / 100, stream.Network: records * 25 / 100,
		stream.Application: records * 12 / 100, stream.Audit: records / 200, stream.Infrastructure: records / 200}
	n[stream.Alert] = records
	for s, part := range n {
		if s != stream.Alert {
			n[stream.Alert] -= part
		}
	}
	return n
}

// TestHourOfAllStreams prints, and bounds, what an hour of all six streams costs of a tenant that answers in
// half a second and two more for a full page: simulated seconds, and requests.
func TestHourOfAllStreams(t *testing.T) {
	for _, test := range []struct{ records, requests int }{{8_000, 14}, {80_000, 60}, {400_000, 300}} {
		if testing.Short() && test.records > 8_000 {
			continue
		}
		share := hourOfStreams(test.records)
		tenant := func(stream.Stream) *netskopetest.Server { return &netskopetest.Server{} }
		records := func(s stream.Stream) []netskopetest.Alert {
			return netskopetest.Uniform(uint64(len(s)), dayStart.Add(-65*time.Minute), dayStart.Add(-5*time.Minute),
				share[s], 300)
		}
		simulateStreams(t, tenant, records, func(all worlds) {
			for _, w := range all {
				w.Lookback, w.PageSize = time.Hour, settings.SafePageSize
				w.faults(func(r netskopetest.Request) netskopetest.Fault {
					full := min(float64(share[w.Stream])*r.End.Sub(r.Start).Hours()/settings.SafePageSize, 1)
					return netskopetest.Fault{Delay: time.Duration((0.5 + 2*full) * float64(time.Second))}
				}, nil)
			}
			all[0].cloud.Visible = nil // it has seen many records
			began := time.Now()
			reports, errs := all.run(all[0].t.Context(), time.Now())
			requests, got := 0, int64(0)
			for s, r := range reports {
				t.Logf("%v: %d records, %d cells, %d requests, %.1f s", s, r.Alerts, r.Cells, r.Requests, r.Took.Seconds())
				requests, got = requests+r.Requests, got+r.Alerts
				if !r.CaughtUp {
					t.Errorf("%v: %+v", s, r)
				}
			}
			t.Logf("%d records an hour: %.1f s, %d requests", test.records, time.Since(began).Seconds(), requests)
			if len(errs) > 0 || got != int64(test.records) || requests > test.requests {
				t.Errorf("%d records with %d requests: %v", got, requests, errs)
			}
		})
	}
}

// TestEventsAreCountedByType: entries count each stream's records by what happened, and hardly any as of none.
func TestEventsAreCountedByType(t *testing.T) {
	tenant := func(stream.Stream) *netskopetest.Server { return &netskopetest.Server{} }
	records := func(s stream.Stream) []netskopetest.Alert {
		return netskopetest.Profile{
			Seed: 4, Stream: s.String(), From: dayStart.Add(-3 * time.Hour), To: dayStart.Add(-2 * time.Hour),
			N: 200, VisibleWithin: -1,
		}.Alerts()
	}
	simulateStreams(t, tenant, records, func(all worlds) {
		all.mustCatchUp()
		for _, w := range all {
			counts, sum := map[string]int64{}, int64(0)
			l := w.Ledger()
			if err := l.Load(w.t.Context(), dayStart.Add(-24*time.Hour), dayStart.Add(24*time.Hour)); err != nil {
				t.Fatal(err)
			}
			for _, e := range l.All() {
				for _, types := range e.Tally.Hours {
					for name, n := range types {
						counts[name], sum = counts[name]+n, sum+n
					}
				}
			}
			for name, want := range map[stream.Stream]string{stream.Application: "Upload", stream.Audit: "Edited policy",
				stream.Infrastructure: "CPU_15min", stream.Network: "PrivateApp", stream.Page: "CloudApp"} {
				if w.Stream == name && counts[want] == 0 {
					t.Errorf("%v: none of %q is counted: %v", name, want, counts)
				}
			}
			if sum < 100 || counts[""] > sum/2 {
				t.Errorf("%v: of %d records %d are of no type: %v", w.Stream, sum, counts[""], counts)
			}
		}
	})
}
