package collector

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/message"
	"netskope-alerts.internal/collector/internal/page"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// audit verifies the last hours.
func (w *world) audit(ctx context.Context, o AuditOptions) (Audit, error) {
	if o.Since.IsZero() {
		o.Since = time.Now().Add(-48 * time.Hour).UTC()
	}
	return Verify(ctx, w.config, w.bucket, w.client, o, nil)
}

func (w *world) mustAudit(o AuditOptions) Audit {
	w.t.Helper()
	a, err := w.audit(w.t.Context(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// lateAlerts are n alerts of the last two hours with which the tenant answers only from
// dayStart plus two hours on.
func lateAlerts(n int) []netskopetest.Alert {
	var alerts []netskopetest.Alert
	for i := range n {
		moment := dayStart.Add(-time.Duration(1+i) * 110 * time.Minute / time.Duration(n+1)).Truncate(time.Second)
		a := netskopetest.Alert{ID: fmt.Sprintf("late-%d", i), Event: moment, Inserted: moment, Visible: dayStart.Add(2 * time.Hour)}
		a.JSON = fmt.Appendf(nil, `{"_id":"late-%d","_insertion_epoch_timestamp":%d,"timestamp":%d,"alert_type":"DLP"}`, i, moment.Unix(), moment.Unix())
		alerts = append(alerts, a)
	}
	return alerts
}

// withGaps runs the collector over two hours, after which the tenant turns out to have
// ten alerts more.
func withGaps(w *world) {
	w.config.Lookback, w.config.PageSize = 2*time.Hour, 10
	w.mustRun()
	time.Sleep(3 * time.Hour)
	w.mustRun()
}

// TestAuditPasses where nothing is wrong, whether the feed takes objects away or not.
func TestAuditPasses(t *testing.T) {
	for _, feed := range []func() time.Duration{nil, func() time.Duration { return time.Second }} {
		simulate(t, &netskopetest.Server{}, hoursBefore(2, 60), func(w *world) {
			w.feed = feed
			withGaps(w)
			a := w.mustAudit(AuditOptions{})
			if !a.Passed() || a.Delivered != 60 && a.Delivered != 59 || a.Windows < 8 || a.Gaps != 0 || a.Unknown != 0 || len(a.Foreign) != 0 {
				t.Errorf("%+v", a)
			}
			if gone := a.Gone > 0; gone != (feed != nil) {
				t.Errorf("%d objects gone", a.Gone)
			}
		})
	}
}

// TestAuditFindsLateAlerts: alerts that became visible after their window was collected
// are missing, exactly those; a repair delivers them, and the next audit passes.
func TestAuditFindsLateAlerts(t *testing.T) {
	for _, feed := range []func() time.Duration{nil, func() time.Duration { return time.Second }} {
		simulate(t, &netskopetest.Server{}, append(hoursBefore(2, 60), lateAlerts(10)...), func(w *world) {
			w.feed = feed
			withGaps(w)
			var missing []string
			a, err := Verify(w.t.Context(), w.config, w.bucket, w.client, AuditOptions{Since: dayStart.Add(-3 * time.Hour)}, func(f AuditedWindow) {
				missing = append(missing, f.Examples...)
				if f.Missing != int64(len(f.Examples)) && len(f.Examples) < maxExamples {
					t.Errorf("%+v", f)
				}
			})
			if err != nil || a.Passed() || a.Missing != 10 || a.Duplicated != 0 || a.Repaired != 0 {
				t.Errorf("%+v, %v", a, err)
			}
			slices.Sort(missing)
			for i := range slices.Compact(missing) {
				if want := fmt.Sprintf("late-%d", i); missing[i] != want {
					t.Errorf("missing %q, want %s", missing[i], want)
				}
			}
			objects := len(w.seen)
			if a := w.mustAudit(AuditOptions{Repair: true}); !a.Passed() || a.Missing != 10 || a.Repaired != 10 {
				t.Errorf("repair: %+v", a)
			}
			if len(w.seen) == objects {
				t.Error("no late object")
			}
			time.Sleep(time.Minute)
			w.checkDelivered()
			for _, repair := range []bool{false, true} {
				if a := w.mustAudit(AuditOptions{Repair: repair}); !a.Passed() || a.Missing != 0 || a.Delivered < 69 {
					t.Errorf("after the repair: %+v", a)
				}
			}
			w.checkDelivered()
		})
	}
}

// TestKilledRepairIsRepeated kills a repair at every write; the next must complete it.
func TestKilledRepairIsRepeated(t *testing.T) {
	killAtEveryWrite(t, append(hoursBefore(2, 60), lateAlerts(4)...), withGaps,
		func(ctx context.Context, w *world) error {
			_, err := w.audit(ctx, AuditOptions{Repair: true})
			return err
		},
		func(w *world) {
			if a := w.mustAudit(AuditOptions{Repair: true}); !a.Passed() {
				w.t.Errorf("%+v", a)
			}
			time.Sleep(time.Minute)
			w.checkDelivered()
			if a := w.mustAudit(AuditOptions{}); !a.Passed() || a.Missing != 0 {
				w.t.Errorf("in the end: %+v", a)
			}
		})
}

// TestRepairsAtOnce: several audits that repair the same gaps at the same time deliver
// each alert once.
func TestRepairsAtOnce(t *testing.T) {
	for step := range 8 {
		simulate(t, &netskopetest.Server{}, append(hoursBefore(2, 60), lateAlerts(10)...), func(w *world) {
			withGaps(w)
			w.faults(nil, func(r gcstest.Request) gcstest.Fault {
				return gcstest.Fault{Delay: time.Duration(1+(r.N*7+step)%13) * 100 * time.Millisecond}
			})
			var audits sync.WaitGroup
			repaired := int64(0)
			for range 3 {
				audits.Go(func() {
					a, err := w.audit(w.t.Context(), AuditOptions{Repair: true, ObjectsKept: step%2 == 0})
					if err != nil || !a.Passed() {
						t.Errorf("%+v, %v", a, err)
					}
					w.mu.Lock()
					defer w.mu.Unlock()
					repaired += a.Repaired
				})
			}
			audits.Wait()
			if repaired != 10 {
				t.Errorf("%d alerts repaired", repaired)
			}
			w.checkDelivered()
		})
	}
}

// TestAuditFindsLostObjects: where the feed deletes nothing, an object that is not there
// is a gap, and is delivered again; where it deletes, it is not.
func TestAuditFindsLostObjects(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(2, 60), func(w *world) {
		withGaps(w)
		lost := w.objects()[2]
		w.cloud.Delete(w.config.Bucket, lost.Name)
		n := int64(bytes.Count(lost.Content, newline))
		if a := w.mustAudit(AuditOptions{}); !a.Passed() || a.Gone != 1 {
			t.Errorf("a feed that deletes: %+v", a)
		}
		if a := w.mustAudit(AuditOptions{ObjectsKept: true}); a.Passed() || a.Gone != 1 || a.Missing != n || a.Gaps != 1 {
			t.Errorf("a feed that does not: %+v, want %d missing", a, n)
		}
		if a := w.mustAudit(AuditOptions{ObjectsKept: true, Repair: true}); !a.Passed() || a.Repaired != n {
			t.Errorf("repair: %+v", a)
		}
		w.checkDelivered()
		if a := w.mustAudit(AuditOptions{ObjectsKept: true, Repair: true}); !a.Passed() || a.Repaired != 0 {
			t.Errorf("once more: %+v", a)
		}
		w.checkDelivered()
	})
}

// TestAuditFindsWhatIsTwice: a copy of an object in the feed's folder, under a window's name
// or another, compressed or not, and an object that was changed.
func TestAuditFindsWhatIsTwice(t *testing.T) {
	for _, name := range []string{"netskope/alerts/copy.ndjson", "netskope/alerts/2026/11/22/alerts_20261122T230100Z_20261122T230700Z.ndjson", "netskope/alerts/x/copy.ndjson.gz"} {
		simulate(t, &netskopetest.Server{}, hoursBefore(2, 60), func(w *world) {
			withGaps(w)
			original := w.objects()[1]
			content := original.Content
			if strings.HasSuffix(name, ".gz") {
				var zipped bytes.Buffer
				z := gzip.NewWriter(&zipped)
				_, _ = z.Write(content)
				z.Close()
				content = zipped.Bytes()
			}
			w.cloud.Visible = nil
			w.cloud.Put(w.config.Bucket, name, content)
			n := int64(bytes.Count(original.Content, newline))
			a := w.mustAudit(AuditOptions{Repair: true})
			if a.Passed() || a.Duplicated != n || a.Missing != 0 || len(a.Foreign) != 1 || a.Foreign[0].Name != name || a.Foreign[0].Duplicated != n || a.Foreign[0].Unknown != 0 {
				t.Errorf("%s: %+v, want %d duplicates", name, a, n)
			}
		})
	}
	simulate(t, &netskopetest.Server{}, hoursBefore(2, 60), func(w *world) {
		withGaps(w)
		w.cloud.Visible = nil
		w.cloud.Put(w.config.Bucket, w.objects()[1].Name, []byte("{}\n"))
		w.cloud.Put(w.config.Bucket, "netskope/alerts/note.ndjson", []byte(`{"_id":"a"}`+"\n"+`{"_id":"b"}`))
		if a := w.mustAudit(AuditOptions{}); a.Passed() || a.Damaged != 1 || len(a.Foreign) != 1 || a.Foreign[0].Unknown != 2 || a.Foreign[0].Alerts != 2 {
			t.Errorf("%+v", a)
		}
		w.cloud.Put(w.config.Bucket, "netskope/alerts/note.txt", []byte("hello"))
		if _, err := w.audit(w.t.Context(), AuditOptions{}); err == nil || !strings.Contains(err.Error(), "note.txt") {
			t.Errorf("an object that is no NDJSON: %v", err)
		}
	})
}

// TestAuditOfAHole: a span that the state has skipped has no entry; its alerts are missing,
// and a repair delivers them.
func TestAuditOfAHole(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(8, 400), func(w *world) {
		w.config.Lookback = 6 * time.Hour
		w.mustRun()
		s := w.state()
		hole := Window{From: dayStart.Add(-5 * time.Hour), To: dayStart.Add(-2 * time.Hour)}
		for _, e := range w.entries() {
			if e.window().overlaps(hole) {
				if e.Object != nil {
					w.cloud.Delete(w.config.Bucket, e.Object.Name)
				}
				w.cloud.Delete(w.config.Bucket, e.name)
			}
		}
		a := w.mustAudit(AuditOptions{})
		if a.Passed() || a.Missing < 50 {
			t.Errorf("%+v", a)
		}
		if again := w.mustAudit(AuditOptions{Repair: true}); !again.Passed() || again.Repaired != a.Missing {
			t.Errorf("repair: %+v", again)
		}
		w.checkDelivered()
		if after := w.state(); after.generation != s.generation {
			t.Error("the audit touched the state")
		}
	})
}

// entries are the ledger's.
func (w *world) entries() []entry {
	w.t.Helper()
	entries, err := listLedger(w.t.Context(), w.bucket, w.config.Prefix, Window{From: at("2001-01-01T00:00:00Z"), To: at("2040-01-01T00:00:00Z")})
	if err != nil {
		w.t.Fatal(err)
	}
	return entries
}

// TestAuditOfVanishedAlerts: what the tenant no longer lists is unknown, and no gap.
func TestAuditOfVanishedAlerts(t *testing.T) {
	alerts := hoursBefore(2, 60)
	simulate(t, &netskopetest.Server{}, alerts, func(w *world) {
		withGaps(w)
		empty := &netskopetest.Server{}
		w.client = &http.Client{Transport: serve(w.t, empty)}
		if a := w.mustAudit(AuditOptions{Repair: true}); !a.Passed() || a.Unknown != a.Delivered || a.Unknown < 59 {
			t.Errorf("%+v", a)
		}
	})
}

// TestAuditOfAlertsWithoutTimeOrID: they belong to no window by themselves, and must be
// neither missing nor repaired twice.
func TestAuditOfAlertsWithoutTimeOrID(t *testing.T) {
	seed := newSeed(t)
	alerts := netskopetest.Profile{Seed: seed, From: dayStart.Add(-150 * time.Minute), To: dayStart.Add(-10 * time.Minute), N: 1000, Burst: -1, VisibleWithin: -1,
		WithoutInserted: 0.5, WithoutID: 0.3}.Alerts()
	late := make([]netskopetest.Alert, 0, len(alerts))
	for i, a := range alerts {
		if i%10 == 0 && a.Inserted.After(dayStart.Add(-110*time.Minute)) {
			a.Visible = dayStart.Add(2 * time.Hour)
		}
		late = append(late, a)
	}
	simulate(t, &netskopetest.Server{StartInclusive: true}, late, func(w *world) {
		w.config.Window, w.config.RequestsPerSecond = time.Minute, 0
		withGaps(w)
		a := w.mustAudit(AuditOptions{})
		if a.Passed() || a.Duplicated != 0 {
			t.Errorf("%+v", a)
		}
		if a := w.mustAudit(AuditOptions{Repair: true, ObjectsKept: true}); !a.Passed() {
			t.Errorf("repair: %+v", a)
		}
		w.checkDelivered()
		if a := w.mustAudit(AuditOptions{Repair: true, ObjectsKept: true}); !a.Passed() || a.Missing != 0 {
			t.Errorf("once more: %+v", a)
		}
		w.checkDelivered()
	})
}

// TestAuditByMessage: the function audits within its budget, over as many deliveries of the
// message as it takes, and a message that comes again after that changes nothing.
func TestAuditByMessage(t *testing.T) {
	simulate(t, &netskopetest.Server{}, append(hoursBefore(2, 60), lateAlerts(10)...), func(w *world) {
		withGaps(w)
		w.config.Budget = time.Minute
		w.faults(func(netskopetest.Request) netskopetest.Fault { return netskopetest.Fault{Delay: 6 * time.Second} }, nil)
		now := time.Now()
		asked := message.Request{Verify: 48 * time.Hour, Repair: true}
		deliveries := 0
		for ; ; deliveries++ {
			a, err := verifyBudgeted(w.t.Context(), w.config, w.bucket, w.client, now, asked)
			if err != nil || deliveries > 50 {
				t.Fatalf("delivery %d: %+v, %v", deliveries, a, err)
			}
			if a.Complete {
				if !a.Passed() || a.Missing != 10 || a.Repaired != 10 || a.Delivered < 59 || a.Windows < 8 {
					t.Errorf("%+v", a)
				}
				break
			}
		}
		if deliveries < 2 {
			t.Errorf("complete after %d deliveries: the budget did nothing", deliveries)
		}
		w.checkDelivered()
		requests := w.tenant.Requests()
		if a, err := verifyBudgeted(w.t.Context(), w.config, w.bucket, w.client, now, asked); err != nil || !a.Complete || a.Repaired != 10 || w.tenant.Requests() != requests {
			t.Errorf("the same message again: %+v, %v", a, err)
		}

		// The next one, while an earlier is not complete.
		later, err := verifyBudgeted(w.t.Context(), w.config, w.bucket, w.client, now.Add(time.Hour), asked)
		if err != nil || later.Complete {
			t.Fatalf("%+v, %v", later, err)
		}
		w.faults(nil, nil)
		other := message.Request{Verify: 5 * time.Hour}
		if a, err := verifyBudgeted(w.t.Context(), w.config, w.bucket, w.client, now.Add(2*time.Hour), other); err != nil || a.Complete {
			t.Errorf("a new message has to come again: %+v, %v", a, err)
		}
		if a, err := verifyBudgeted(w.t.Context(), w.config, w.bucket, w.client, now.Add(2*time.Hour), other); err != nil || !a.Complete || a.Windows == 0 || a.To.Sub(a.From) > 4*time.Hour {
			t.Errorf("and then it is its turn: %+v, %v", a, err)
		}
	})
}

// TestAuditUnderFaults: audits that repair, with everything going wrong, deliver once.
func TestAuditUnderFaults(t *testing.T) {
	seed := newSeed(t)
	for round := range rounds(4) {
		simulate(t, &netskopetest.Server{Order: netskopetest.Shuffled}, append(hoursBefore(2, 60), lateAlerts(10)...), func(w *world) {
			withGaps(w)
			w.faults(unshifted(w.tenantMenu(rand.New(rand.NewPCG(seed, 2*round)), dayStart.Add(-24*time.Hour))), cloudMenu(rand.New(rand.NewPCG(seed, 2*round+1))))
			failed := 0
			for range 20 {
				a, err := w.audit(w.t.Context(), AuditOptions{Repair: true})
				if err == nil && a.Passed() {
					break
				}
				failed++
			}
			w.faults(nil, nil)
			if a := w.mustAudit(AuditOptions{Repair: true}); !a.Passed() {
				t.Errorf("%+v", a)
			}
			w.checkDelivered()
			if got := maps.Keys(w.lines); got == nil {
				t.Error("no alerts")
			}
		})
	}
}

// pageAlert has the alert_type, as raw JSON.
func pageAlert(kind string) *page.Alert { return &page.Alert{Type: []byte(kind)} }

// TestNothingToAuditIsNoPass: an audit that looked at nothing must not say that all is well.
func TestNothingToAuditIsNoPass(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(2, 60), func(w *world) {
		if _, err := w.audit(w.t.Context(), AuditOptions{}); err == nil {
			t.Error("there is no state yet")
		}
		withGaps(w)
		for name, o := range map[string]AuditOptions{
			"before the ledger":    {Since: dayStart.Add(-72 * time.Hour), Until: dayStart.Add(-48 * time.Hour)},
			"a part of a window":   {Since: dayStart.Add(-time.Hour), Until: dayStart.Add(-time.Hour + time.Second)},
			"behind the collector": {Since: time.Now().Add(-time.Minute).UTC()},
		} {
			if a, err := w.audit(w.t.Context(), o); err == nil || !strings.Contains(err.Error(), "nothing to audit") {
				t.Errorf("%s: %+v, %v", name, a, err)
			}
		}
	})
}

// TestAuditOfTheLedgerItself: alerts that two entries deliver are duplicates; those that only
// an object without an entry has are delivered, and must not come again.
func TestAuditOfTheLedgerItself(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(2, 60), func(w *world) {
		withGaps(w)
		w.cloud.Visible = nil
		entries := w.entries()
		i := slices.IndexFunc(entries, func(e entry) bool { return e.Alerts > 1 })
		twice := entries[i]
		keys, err := twice.readKeys(w.t.Context(), w.bucket)
		if err != nil {
			t.Fatal(err)
		}
		o, _ := w.cloud.Object(w.config.Bucket, twice.Object.Name)
		again := *twice.Object
		again.Name = strings.Replace(again.Name, "alerts_", "late_", 1)
		w.cloud.Put(w.config.Bucket, again.Name, o.Content)
		twice.Late, twice.Object = 1, &again
		if _, _, err := createEntry(w.t.Context(), w.bucket, lateEntry(w.config.Prefix, 1), twice, keys); err != nil {
			t.Fatal(err)
		}
		if a := w.mustAudit(AuditOptions{Repair: true}); a.Passed() || a.Duplicated != twice.Alerts || a.Missing != 0 || len(a.Foreign) != 0 {
			t.Errorf("%+v, want %d duplicates", a, twice.Alerts)
		}
		w.cloud.Delete(w.config.Bucket, again.Name)
		w.cloud.Delete(w.config.Bucket, lateEntry(w.config.Prefix, 1))

		w.cloud.Delete(w.config.Bucket, entries[i].name) // of its entry only the object is left
		if a := w.mustAudit(AuditOptions{Repair: true}); !a.Passed() || a.Missing != 0 || len(a.Foreign) != 1 || a.Foreign[0].Alerts != twice.Alerts || a.Foreign[0].Unknown != 0 {
			t.Errorf("%+v", a)
		}
		w.checkDelivered()
	})
}

// TestAuditDoesNotRunAhead: an alert without a time of its own that is stored in the second
// with which the next window begins is not due.
func TestAuditDoesNotRunAhead(t *testing.T) {
	alerts := hoursBefore(2, 60)
	through := dayStart.Add(-5 * time.Minute)
	next := netskopetest.Alert{ID: "next", Event: through, Inserted: through, JSON: []byte(`{"_id":"next"}`)}
	simulate(t, &netskopetest.Server{StartInclusive: true}, append(alerts, next), func(w *world) {
		w.cloud.Visible = nil
		w.config.Lookback, w.config.Window = 2*time.Hour, 5*time.Minute
		w.tenant.Remove("next")
		w.mustRun()
		if !w.state().Through.Equal(through) {
			t.Fatalf("through %v: the test shows nothing", w.state().Through)
		}
		w.tenant.Add(next)
		if a := w.mustAudit(AuditOptions{Repair: true}); !a.Passed() || a.Missing != 0 {
			t.Errorf("%+v", a)
		}
		time.Sleep(time.Hour)
		w.mustRun()
		if found, err := Find(w.t.Context(), w.config, w.bucket, "next", past(24, -24)); err != nil || len(found) != 1 || found[0].Late {
			t.Errorf("%+v, %v", found, err)
		}
	})
}
