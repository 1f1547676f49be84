package collector

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/audit"
	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/ledger"
	"netskope-alerts.internal/collector/internal/message"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// audit audits the last 48 hours, if nothing else is said.
func (w *world) audit(ctx context.Context, o audit.Options) (audit.Summary, error) {
	if o.Since.IsZero() {
		o.Since = time.Now().Add(-48 * time.Hour).UTC()
	}
	return w.Audit(ctx, o, nil)
}

func (w *world) mustAudit(o audit.Options) audit.Summary {
	w.t.Helper()
	s, err := w.audit(w.t.Context(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// late is an alert with which the tenant answers only from dayStart plus two hours on.
func late(id string, moment time.Time) netskopetest.Alert {
	moment = moment.Truncate(time.Second)
	return netskopetest.Alert{ID: id, Event: moment, Inserted: moment, Visible: dayStart.Add(2 * time.Hour),
		JSON: fmt.Appendf(nil, `{"_id":"%s","_insertion_epoch_timestamp":%d,"timestamp":%[2]d,"alert_type":"DLP"}`, id,
			moment.Unix())}
}

// lateAlerts are n late ones of the last two hours.
func lateAlerts(n int) []netskopetest.Alert {
	var alerts []netskopetest.Alert
	for i := range n {
		moment := dayStart.Add(-time.Duration(1+i) * 110 * time.Minute / time.Duration(n+1))
		alerts = append(alerts, late(fmt.Sprintf("late-%d", i), moment))
	}
	return alerts
}

// withGaps runs the collector over two hours, after which the tenant turns out to have
// the late alerts more.
func withGaps(w *world) {
	w.Lookback, w.PageSize = 2*time.Hour, 10
	w.mustRun()
	time.Sleep(3 * time.Hour)
	w.mustRun()
}

// quiet is what a summary counts where nothing is wrong, beside what is gone.
func (w *world) checkQuiet(what string, s audit.Summary) {
	w.t.Helper()
	if !s.Passed() || s.Gaps != 0 || s.Missing != 0 || s.Repaired != 0 || s.Duplicated != 0 || s.Unknown != 0 ||
		s.Pending != 0 ||
		s.Damaged != 0 || len(s.Foreign) != 0 || s.Cells == 0 {
		w.t.Errorf("%s: %+v", what, s)
	}
}

// due is how many of the tenant's alerts are to be delivered by now.
func (w *world) due() (n int64) {
	through := w.state().Through
	for _, one := range w.lines {
		if !one.Inserted.Before(w.began) && one.Inserted.Before(through) {
			n++
		}
	}
	return n
}

// TestAuditPasses where nothing is wrong, whether the feed takes objects away or not.
func TestAuditPasses(t *testing.T) {
	for _, feed := range []func() time.Duration{nil, func() time.Duration { return time.Second }} {
		simulate(t, &netskopetest.Server{}, hoursBefore(2, 60), func(w *world) {
			w.feed = feed
			withGaps(w)
			var each audit.Summary
			s, err := w.Audit(w.t.Context(), audit.Options{Since: dayStart.Add(-48 * time.Hour)}, func(r audit.Result) {
				if !r.Passed() || r.Uncovered || !r.From.Before(r.To) || r.From.Before(each.To) {
					t.Errorf("%+v", r)
				}
				each.Cells++
				each.Delivered += r.Delivered
				each.To = r.To
			})
			if err != nil {
				t.Fatal(err)
			}
			w.checkQuiet("the audit", s)
			if s.Delivered != w.due() || s.Cells < 5 || s.Cells != each.Cells || s.Delivered != each.Delivered ||
				each.To != s.To || s.Requests == 0 {
				t.Errorf("%+v, %d are due", s, w.due())
			}
			if gone := s.Gone > 0; gone != (feed != nil) {
				t.Errorf("%d objects gone", s.Gone)
			}
			w.checkDelivered()
		})
	}
}

// TestAuditFindsLateAlerts: alerts that became visible after their cell was collected
// are missing, exactly those; a repair delivers them, and the next audit passes.
func TestAuditFindsLateAlerts(t *testing.T) {
	for _, feed := range []func() time.Duration{nil, func() time.Duration { return time.Second }} {
		simulate(t, &netskopetest.Server{}, append(hoursBefore(2, 60), lateAlerts(10)...), func(w *world) {
			w.feed = feed
			withGaps(w)
			var missing []string
			s, err := w.Audit(w.t.Context(), audit.Options{Since: dayStart.Add(-3 * time.Hour)}, func(r audit.Result) {
				missing = append(missing, r.Examples...)
				if r.Missing != int64(len(r.Examples)) && len(r.Examples) < 5 || r.Passed() != (r.Missing == 0) {
					t.Errorf("%+v", r)
				}
			})
			if err != nil || s.Passed() || s.Missing != 10 || s.Duplicated != 0 || s.Repaired != 0 || s.Gaps == 0 ||
				s.Unknown != 0 || s.Delivered != w.due()-10 {
				t.Errorf("%+v, %v", s, err)
			}
			slices.Sort(missing)
			named := len(slices.Compact(slices.Clone(missing)))
			if named != len(missing) || named < 9 || slices.ContainsFunc(missing,
				func(id string) bool { return !strings.HasPrefix(id, "late-") }) {
				t.Errorf("missing %q", missing)
			}
			objects := len(w.seen)
			if s := w.mustAudit(audit.Options{Repair: true}); !s.Passed() || s.Missing != 10 || s.Repaired != 10 || s.Gaps != 0 {
				t.Errorf("repair: %+v", s)
			}
			if len(w.seen) == objects {
				t.Error("no late object")
			}
			time.Sleep(time.Minute)
			w.checkDelivered()
			for _, repair := range []bool{false, true} {
				s := w.mustAudit(audit.Options{Repair: repair})
				w.checkQuiet("after the repair", s)
				if s.Delivered != w.due() {
					t.Errorf("%d delivered, %d are due", s.Delivered, w.due())
				}
			}
			w.checkDelivered()
			for _, e := range w.entries() {
				if n := tallied(e); n != e.Alerts+e.Quarantined {
					t.Errorf("entry %v, %d, of %d alerts has counted %d by type", e.Cell, e.Late, e.Alerts, n)
				}
			}
		})
	}
}

// TestAuditFindsTwins: a lost alert with the _id of a delivered one, and other bytes, is found, in a cell
// that is audited alone or beside others, and repaired once; a delivered one that the tenant has amended
// since is not delivered again.
func TestAuditFindsTwins(t *testing.T) {
	alerts, at := hoursBefore(4, 40), dayStart.Add(-100*time.Minute)
	twin := late("882049056ee9e069c1c329b7", at)
	first := twin
	first.Visible = time.Time{}
	first.JSON = bytes.Replace(first.JSON, []byte("DLP"), []byte("Malware"), 1)
	twin.ID += ", the other" // the tenant's name of it; both print the same _id
	for _, pageSize := range []int{10, 500} {
		for _, amends := range []bool{false, true} {
			simulate(t, &netskopetest.Server{}, append(alerts, first, twin), func(w *world) {
				w.hourly(dayStart.Add(-5 * time.Hour))
				w.Lookback, w.PageSize = 3*time.Hour, pageSize
				w.mustRun()
				time.Sleep(3 * time.Hour)
				w.mustRun()
				if amends {
					for _, one := range slices.Clone(alerts) {
						w.tenant.Remove(one.ID)
						one.JSON = bytes.Replace(one.JSON, []byte("{"), []byte(`{"acked":"true",`), 1)
						w.tenant.Add(one)
					}
				}
				s := w.mustAudit(audit.Options{})
				if s.Missing != 1 || s.Unknown != 0 || len(s.FirstGaps) != 1 ||
					!slices.Equal(s.FirstGaps[0].Examples, []string{first.ID}) {
					t.Errorf("page size %d, amended %v: %+v", pageSize, amends, s)
				}
				s = w.mustAudit(audit.Options{Repair: true})
				if !s.Passed() || s.Missing != 1 || s.Repaired != 1 {
					t.Errorf("page size %d, amended %v: repair: %+v", pageSize, amends, s)
				}
				w.checkDelivered()
				w.checkQuiet("after the repair", w.mustAudit(audit.Options{Repair: true}))
				w.checkDelivered()
			})
		}
	}
}

// TestAuditOfShortPages: that a page is not full shows an audit nothing, as long as it does not hold all that is
// known: a tenant may give fewer alerts a page than it is asked for.
func TestAuditOfShortPages(t *testing.T) {
	simulate(t, &netskopetest.Server{PageCap: 7}, append(hoursBefore(2, 60), lateAlerts(10)...), func(w *world) {
		withGaps(w)
		w.PageSize = 60
		if s := w.mustAudit(audit.Options{}); s.Missing != 10 || s.Unknown != 0 || s.Delivered != w.due()-10 {
			t.Errorf("%+v", s)
		}
		if s := w.mustAudit(audit.Options{Repair: true}); !s.Passed() || s.Repaired != 10 {
			t.Errorf("repair: %+v", s)
		}
		w.checkDelivered()
		w.checkQuiet("after the repair", w.mustAudit(audit.Options{}))
	})
}

// tallied is how many alerts the entry has counted by hour and type.
func tallied(e ledger.Entry) (n int64) {
	for _, types := range e.Hours {
		for _, count := range types {
			n += count
		}
	}
	return n
}

// TestKilledRepairIsRepeated kills a repair at every write; the next must complete it.
func TestKilledRepairIsRepeated(t *testing.T) {
	killAtEveryWrite(t, append(hoursBefore(2, 60), lateAlerts(4)...), withGaps,
		func(ctx context.Context, w *world) error {
			_, err := w.audit(ctx, audit.Options{Repair: true})
			return err
		},
		func(w *world) {
			if s := w.mustAudit(audit.Options{Repair: true}); !s.Passed() {
				w.t.Errorf("%+v", s)
			}
			time.Sleep(time.Minute)
			w.checkDelivered()
			s := w.mustAudit(audit.Options{})
			w.checkQuiet("in the end", s)
			if s.Delivered != w.due() {
				w.t.Errorf("%d delivered, %d are due", s.Delivered, w.due())
			}
		})
}

// TestRepairsAtOnce: several audits that repair the same gaps at the same time deliver
// each alert once.
func TestRepairsAtOnce(t *testing.T) {
	raced := 0
	for step := range 8 {
		simulate(t, &netskopetest.Server{}, append(hoursBefore(2, 60), lateAlerts(10)...), func(w *world) {
			withGaps(w)
			random := rand.New(rand.NewPCG(uint64(step), 1))
			w.faults(func(netskopetest.Request) netskopetest.Fault {
				return netskopetest.Fault{Delay: time.Duration(random.IntN(5000)) * time.Millisecond}
			}, func(r gcstest.Request) gcstest.Fault {
				if r.Op == gcstest.DeleteObject && strings.Contains(r.Object, "_late0001") {
					raced++ // what it staged is not needed
				}
				return gcstest.Fault{Delay: time.Duration(random.IntN(2000)) * time.Millisecond}
			})
			var audits sync.WaitGroup
			repaired := int64(0)
			for range 3 {
				audits.Go(func() {
					s, err := w.audit(w.t.Context(), audit.Options{Repair: true, ObjectsKept: step%2 == 0})
					if err != nil || !s.Passed() || s.Missing != s.Repaired {
						t.Errorf("%+v, %v", s, err)
					}
					w.mu.Lock()
					defer w.mu.Unlock()
					repaired += s.Repaired
				})
			}
			audits.Wait()
			if repaired != 10 {
				t.Errorf("%d alerts repaired", repaired)
			}
			w.faults(nil, nil)
			w.checkDelivered()
			w.checkQuiet("afterwards", w.mustAudit(audit.Options{}))
		})
	}
	if raced == 0 {
		t.Error("no repair met another: the test shows nothing")
	}
}

// TestRepairDeliversWhatItSays: what the tenant shows once and then not again is not repaired,
// and must not count as if it were.
func TestRepairDeliversWhatItSays(t *testing.T) {
	for _, hole := range []bool{false, true} {
		simulate(t, &netskopetest.Server{}, append(hoursBefore(2, 60), lateAlerts(10)...), func(w *world) {
			withGaps(w)
			if hole {
				for _, e := range w.entries() {
					w.forget(e)
				}
				w.took(Span{From: dayStart.Add(-2 * time.Hour), To: dayStart})
			}
			listed := 0 // ranges with what is to vanish, as far as they are asked for from their start
			vanishing := w.byID("late-9").Inserted
			w.faults(func(r netskopetest.Request) (f netskopetest.Fault) {
				if r.First && r.Start.Before(vanishing) && !r.End.Before(vanishing) {
					if listed++; listed == 2 {
						w.tenant.Remove("late-9")
					}
				}
				return f
			}, nil)
			var found audit.Result
			s, err := w.Audit(w.t.Context(), audit.Options{Since: dayStart.Add(-2*time.Hour - 5*time.Minute), Repair: true},
				func(r audit.Result) {
					if !r.Passed() {
						found = r
					}
				})
			if err != nil || s.Passed() || s.Missing != s.Repaired+1 || s.Gaps != 1 || found.Missing != found.Repaired+1 {
				t.Errorf("hole %v: %+v, %v", hole, s, err)
			}
		})
	}
}

// byID is the tenant's alert.
func (w *world) byID(id string) netskopetest.Alert {
	w.t.Helper()
	for _, one := range w.lines {
		if one.ID == id {
			return one
		}
	}
	w.t.Fatalf("the tenant has no alert %s", id)
	return netskopetest.Alert{}
}

// forget takes the entry and its objects away.
func (w *world) forget(e ledger.Entry) {
	for _, p := range e.Objects {
		w.cloud.Delete(w.BucketName, p.Name)
		delete(w.seen, p.Name)
	}
	w.cloud.Delete(w.BucketName, w.Folders().Entry(e.Cell, e.Late))
}

// took is for a hole at the start of the ledger: an empty cell before it, so that it counts.
func (w *world) took(span Span) {
	w.t.Helper()
	w.mustBackfill(Span{From: span.From.Add(-2 * time.Hour), To: span.From.Add(-time.Hour)})
}

// TestAuditFindsLostObjects: where the feed deletes nothing, an object that is not there
// is a gap, and is delivered again; where it deletes, it is not.
func TestAuditFindsLostObjects(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(2, 60), func(w *world) {
		withGaps(w)
		lost := w.objects()[2]
		w.cloud.Delete(w.BucketName, lost.Name)
		n := int64(bytes.Count(lost.Content, []byte("\n")))
		if s := w.mustAudit(audit.Options{}); !s.Passed() || s.Gone != 1 || s.Missing != 0 {
			t.Errorf("a feed that deletes: %+v", s)
		}
		if s := w.mustAudit(audit.Options{ObjectsKept: true}); s.Passed() || s.Gone != 1 || s.Missing != n || s.Gaps != 1 {
			t.Errorf("a feed that does not: %+v, want %d missing", s, n)
		}
		if s := w.mustAudit(audit.Options{ObjectsKept: true, Repair: true}); !s.Passed() || s.Repaired != n ||
			s.Missing != n {
			t.Errorf("repair: %+v", s)
		}
		w.checkDelivered()
		if s := w.mustAudit(audit.Options{ObjectsKept: true, Repair: true}); !s.Passed() || s.Repaired != 0 ||
			s.Missing != 0 {
			t.Errorf("once more: %+v", s)
		}
		w.checkDelivered()
	})
}

// TestAuditFindsWhatIsTwice: a copy of an object in the feed's folder, under a cell's name
// or another, compressed or not, and an object that was changed.
func TestAuditFindsWhatIsTwice(t *testing.T) {
	for _, name := range []string{"netskope/alerts/copy.ndjson",
		"netskope/alerts/2026/11/22/alerts_20261122T230100Z_20261122T230700Z.ndjson", "netskope/alerts/x/copy.ndjson.gz"} {
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
			w.cloud.Put(w.BucketName, name, content)
			n := int64(bytes.Count(original.Content, []byte("\n")))
			s := w.mustAudit(audit.Options{Repair: true})
			if s.Passed() || s.Duplicated != n || s.Missing != 0 || s.Unknown != 0 || s.Gaps != 1 || len(s.Foreign) != 1 ||
				s.Foreign[0] != (audit.ForeignObject{Name: name, Alerts: n, Duplicated: n}) {
				t.Errorf("%s: %+v, want %d duplicates", name, s, n)
			}
			w.cloud.Delete(w.BucketName, name)
			w.checkQuiet("without it", w.mustAudit(audit.Options{}))
			w.checkDelivered()
		})
	}
	simulate(t, &netskopetest.Server{}, hoursBefore(2, 60), func(w *world) {
		withGaps(w)
		w.cloud.Visible = nil
		w.cloud.Put(w.BucketName, w.objects()[1].Name, []byte("{}\n"))
		w.cloud.Put(w.BucketName, "netskope/alerts/note.ndjson", []byte(`{"_id":"a"}`+"\n"+`{"_id":"b"}`))
		if s := w.mustAudit(audit.Options{}); s.Passed() || s.Damaged != 1 || len(s.Foreign) != 1 ||
			s.Foreign[0].Unknown != 2 || s.Foreign[0].Alerts != 2 || s.Gaps != 1 {
			t.Errorf("%+v", s)
		}
		w.cloud.Put(w.BucketName, "netskope/alerts/note.txt", []byte("hello"))
		if _, err := w.audit(w.t.Context(), audit.Options{}); err == nil || !strings.Contains(err.Error(), "note.txt") {
			t.Errorf("an object that is no NDJSON: %v", err)
		}
	})
}

// TestAuditOfAHole: a span that was skipped has no entry; its alerts are missing,
// and a repair delivers them.
func TestAuditOfAHole(t *testing.T) {
	for name, since := range map[string]time.Time{"all of it": {},
		"a part, in fractions": dayStart.Add(-4*time.Hour + time.Millisecond)} {
		simulate(t, &netskopetest.Server{}, hoursBefore(8, 400), func(w *world) {
			w.Lookback = 6 * time.Hour
			w.hourly(dayStart.Add(-6 * time.Hour))
			w.mustRun()
			state := w.state()
			hole := past(5, 2)
			for _, e := range w.entries() {
				if e.From.Before(hole.To) && hole.From.Before(e.To) {
					w.forget(e)
				}
			}
			uncovered := 0
			s, err := w.Audit(w.t.Context(), audit.Options{Since: since}, func(r audit.Result) {
				if r.Uncovered {
					uncovered++
				} else if !r.Passed() {
					t.Errorf("%+v", r)
				}
			})
			if err != nil || s.Passed() || s.Missing < 50 || uncovered < 2 || s.Gaps == 0 || s.Gaps > uncovered {
				t.Errorf("%s: %+v, %d uncovered, %v", name, s, uncovered, err)
			}
			from := hole.From
			if !since.IsZero() {
				from = since.Truncate(time.Second)
			}
			want := int64(0)
			for _, one := range w.lines {
				if !one.Inserted.Before(from) && one.Inserted.Before(hole.To.Add(55*time.Minute)) {
					want++
				}
			}
			if !since.IsZero() && s.Missing != want {
				t.Errorf("%s: %d are missing, want %d", name, s.Missing, want)
			}
			again, err := w.Audit(w.t.Context(), audit.Options{Since: past(8, 0).From, Repair: true}, nil)
			if err != nil || !again.Passed() || again.Repaired < s.Missing || since.IsZero() && again.Repaired != s.Missing {
				t.Errorf("%s: repair: %+v, %v", name, again, err)
			}
			w.checkQuiet(name, w.mustAudit(audit.Options{}))
			w.checkDelivered()
			if after := w.state(); after.Generation != state.Generation {
				t.Error("the audit touched the state")
			}
		})
	}
}

// TestAuditOfVanishedAlerts: what the tenant no longer lists is unknown, and no gap.
func TestAuditOfVanishedAlerts(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(2, 60), func(w *world) {
		withGaps(w)
		empty := &netskopetest.Server{}
		w.HTTP = &http.Client{Transport: serve(w.t, empty)}
		if s := w.mustAudit(audit.Options{Repair: true}); !s.Passed() || s.Unknown != s.Delivered || s.Unknown != w.due() ||
			s.Gaps != 0 {
			t.Errorf("%+v", s)
		}
		w.checkDelivered()
	})
}

// TestAuditOfAlertsWithoutTimeOrID: they belong to no cell by themselves, and must be
// neither missing nor repaired twice.
func TestAuditOfAlertsWithoutTimeOrID(t *testing.T) {
	seed := newSeed(t)
	for _, page := range []int{10, 1000} { // many cells, and cuts over several of them
		alerts := netskopetest.Profile{Seed: seed, From: dayStart.Add(-150 * time.Minute),
			To: dayStart.Add(-10 * time.Minute), N: 1000, Burst: -1, VisibleWithin: -1,
			WithoutInserted: 0.5, WithoutID: 0.3}.Alerts()
		hidden := int64(0)
		for i := range alerts {
			if i%10 == 0 && alerts[i].Inserted.After(dayStart.Add(-110*time.Minute)) {
				alerts[i].Visible = dayStart.Add(2 * time.Hour)
				hidden++
			}
		}
		simulate(t, &netskopetest.Server{StartInclusive: true}, alerts, func(w *world) {
			w.RequestsPerSecond = 0
			withGaps(w)
			w.PageSize = page
			if s := w.mustAudit(audit.Options{}); s.Passed() || s.Duplicated != 0 || s.Missing != hidden || s.Unknown != 0 {
				t.Errorf("%+v, want %d missing", s, hidden)
			}
			if s := w.mustAudit(audit.Options{Repair: true, ObjectsKept: true}); !s.Passed() || s.Repaired != hidden {
				t.Errorf("repair: %+v", s)
			}
			w.checkDelivered()
			w.checkQuiet("once more", w.mustAudit(audit.Options{Repair: true, ObjectsKept: true}))
			w.checkDelivered()
		})
	}
}

// TestAuditByMessage: the function audits within its budget, over as many deliveries of the
// message as it takes, and a message that comes again after that changes nothing.
func TestAuditByMessage(t *testing.T) {
	simulate(t, &netskopetest.Server{}, append(hoursBefore(2, 60), lateAlerts(10)...), func(w *world) {
		withGaps(w)
		w.Budget, w.InFlight = 150*time.Second, 1
		w.faults(func(netskopetest.Request) netskopetest.Fault { return netskopetest.Fault{Delay: 4 * time.Second} }, nil)
		now := time.Now()
		asked := message.Request{Verify: 48 * time.Hour, Repair: true}
		deliveries := 0
		for ; ; deliveries++ {
			s, err := w.auditBudgeted(w.t.Context(), now, asked)
			if err != nil || deliveries > 50 {
				t.Fatalf("delivery %d: %+v, %v", deliveries, s, err)
			}
			if s.Complete {
				if !s.Passed() || s.Missing != 10 || s.Repaired != 10 || s.Delivered != w.due()-10 || s.Cells < 5 {
					t.Errorf("%+v", s)
				}
				break
			}
		}
		if deliveries < 1 {
			t.Errorf("complete after %d deliveries: the budget did nothing", deliveries)
		}
		w.checkDelivered()
		requests := w.tenant.Requests()
		if s, err := w.auditBudgeted(w.t.Context(), now, asked); err != nil || !s.Complete || s.Repaired != 10 ||
			w.tenant.Requests() != requests {
			t.Errorf("the same message again: %+v, %v", s, err)
		}

		// The next one, while an earlier is not complete.
		w.Budget = time.Minute
		later, err := w.auditBudgeted(w.t.Context(), now.Add(time.Hour), asked)
		if err != nil || later.Complete {
			t.Fatalf("%+v, %v", later, err)
		}
		w.faults(nil, nil)
		other := message.Request{Verify: 5 * time.Hour}
		if s, err := w.auditBudgeted(w.t.Context(), now.Add(2*time.Hour), other); err != nil || s.Complete {
			t.Errorf("a new message has to come again: %+v, %v", s, err)
		}
		if s, err := w.auditBudgeted(w.t.Context(), now.Add(2*time.Hour), other); err != nil || !s.Complete || s.Cells == 0 ||
			s.To.Sub(s.From) > 4*time.Hour {
			t.Errorf("and then it is its turn: %+v, %v", s, err)
		}
	})
}

// TestAuditUnderFaults: audits that repair, with everything going wrong, deliver once.
func TestAuditUnderFaults(t *testing.T) {
	seed := newSeed(t)
	for round := range rounds(4) {
		simulate(t, &netskopetest.Server{Order: netskopetest.Shuffled}, append(hoursBefore(2, 60), lateAlerts(10)...),
			func(w *world) {
				withGaps(w)
				w.faults(unshifted(w.tenantMenu(rand.New(rand.NewPCG(seed, 2*round)), dayStart.Add(-24*time.Hour))),
					cloudMenu(rand.New(rand.NewPCG(seed, 2*round+1))))
				for range 20 {
					if s, err := w.audit(w.t.Context(), audit.Options{Repair: true}); err == nil && s.Passed() {
						break
					}
				}
				w.faults(nil, nil)
				if s := w.mustAudit(audit.Options{Repair: true}); !s.Passed() {
					t.Errorf("%+v", s)
				}
				w.checkDelivered()
				w.checkQuiet("in the end", w.mustAudit(audit.Options{}))
			})
	}
}

// TestNothingToAuditIsNoPass: an audit that looked at nothing must not say that all is well.
func TestNothingToAuditIsNoPass(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(2, 60), func(w *world) {
		if _, err := w.audit(w.t.Context(), audit.Options{}); err == nil {
			t.Error("there is no state yet")
		}
		withGaps(w)
		for name, o := range map[string]audit.Options{
			"before the ledger":    {Since: dayStart.Add(-72 * time.Hour), Until: dayStart.Add(-48 * time.Hour)},
			"nothing":              {Since: dayStart.Add(-time.Hour), Until: dayStart.Add(-time.Hour)},
			"behind the collector": {Since: time.Now().Add(-time.Minute).UTC()},
		} {
			if s, err := w.audit(w.t.Context(), o); err == nil || !strings.Contains(err.Error(), "nothing to audit") ||
				s.Passed() {
				t.Errorf("%s: %+v, %v", name, s, err)
			}
		}
		// Of a part of a cell, all of it is audited.
		s := w.mustAudit(audit.Options{Since: dayStart.Add(-time.Hour), Until: dayStart.Add(-time.Hour + time.Second)})
		w.checkQuiet("a part", s)
		if s.Cells != 1 {
			t.Errorf("%+v", s)
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
		i := slices.IndexFunc(entries, func(e ledger.Entry) bool { return e.Alerts > 1 && e.From.After(w.began) })
		twice := entries[i]
		again := w.deliverLate(twice)
		if s := w.mustAudit(audit.Options{Repair: true}); s.Passed() || s.Duplicated != twice.Alerts || s.Missing != 0 ||
			len(s.Foreign) != 0 || s.Gaps != 1 {
			t.Errorf("%+v, want %d duplicates", s, twice.Alerts)
		}
		w.forget(again)

		w.cloud.Delete(w.BucketName, w.Folders().Entry(twice.Cell, 0)) // of its entry only the object is left
		s := w.mustAudit(audit.Options{Repair: true})
		if !s.Passed() || s.Missing != 0 || len(s.Foreign) != 1 || s.Foreign[0].Alerts != twice.Alerts ||
			s.Foreign[0].Unknown != 0 {
			t.Errorf("%+v", s)
		}
		w.checkDelivered()
	})
}

// TestAuditKnowsForeignObjects: what an object holds that the ledger does not know is in the feed:
// it is not missing, and must not come again.
func TestAuditKnowsForeignObjects(t *testing.T) {
	missing := lateAlerts(2)
	simulate(t, &netskopetest.Server{}, append(hoursBefore(2, 60), missing...), func(w *world) {
		withGaps(w)
		w.cloud.Visible = nil
		const name = "netskope/alerts/by-hand.ndjson"
		w.cloud.Put(w.BucketName, name, append(missing[0].JSON, '\n'))
		for _, repair := range []bool{false, true} {
			s := w.mustAudit(audit.Options{Repair: repair})
			if s.Missing != 1 || s.Passed() != repair || s.Duplicated != 0 || s.Unknown != 0 || len(s.Foreign) != 1 ||
				s.Foreign[0] != (audit.ForeignObject{Name: name, Alerts: 1}) {
				t.Errorf("%+v", s)
			}
		}
		w.checkDelivered()
	})
}

// deliverLate makes a late entry of all that the entry delivers, as no repair should.
func (w *world) deliverLate(e ledger.Entry) ledger.Entry {
	w.t.Helper()
	f := w.fetcher(nil)
	made, err := w.wholeLedger().Repair(w.t.Context(), e.Cell, func(ctx context.Context, c cell.Cell,
		keep ledger.Keep) (ledger.Fetched, error) {
		seen, _, err := f.fetch(ctx, Span{From: c.From(), To: c.To()}, nil, keep)
		return seen, err
	})
	if err != nil || made.Late == 0 {
		w.t.Fatalf("%+v, %v", made, err)
	}
	return made
}

// TestAuditDoesNotRunAhead: an alert without a time of its own that is stored in the second
// with which the next cell begins belongs to the earlier one, once, whoever meets it first.
func TestAuditDoesNotRunAhead(t *testing.T) {
	through := dayStart.Add(-5 * time.Minute)
	next := netskopetest.Alert{ID: "next", Event: through, Inserted: through, JSON: []byte(`{"_id":"next"}`)}
	for _, runFirst := range []bool{false, true} {
		simulate(t, &netskopetest.Server{StartInclusive: true}, append(hoursBefore(2, 60), next), func(w *world) {
			w.cloud.Visible = nil
			w.Lookback = 2 * time.Hour
			w.tenant.Remove("next")
			w.mustRun()
			if !w.state().Through.Equal(through) {
				t.Fatalf("through %v: the test shows nothing", w.state().Through)
			}
			w.tenant.Add(next)
			if runFirst {
				time.Sleep(time.Hour)
				w.mustRun()
			}
			if s := w.mustAudit(audit.Options{Repair: true}); !s.Passed() || s.Missing != 1 || s.Repaired != 1 {
				t.Errorf("%+v", s)
			}
			time.Sleep(time.Hour)
			w.mustRun()
			w.checkQuiet("afterwards", w.mustAudit(audit.Options{Repair: true}))
			found, err := w.find("next")
			if err != nil || len(found) != 1 || !found[0].Late || !found[0].To.Equal(through) {
				t.Errorf("%+v, %v", found, err)
			}
		})
	}
}

// ranges records the ranges that the tenant is asked for from now on.
func (w *world) ranges() map[[2]int64]int {
	asked := map[[2]int64]int{}
	w.faults(func(r netskopetest.Request) (f netskopetest.Fault) {
		if r.First {
			asked[[2]int64{r.Start.Unix(), r.End.Unix()}]++
		}
		return f
	}, nil)
	return asked
}

// TestAuditAsksOtherwise: an audit asks in other ranges than the collector did, but for single
// seconds, which cannot be cut. With repair or without, whether the tenant is quiet, or busy,
// or has a burst.
func TestAuditAsksOtherwise(t *testing.T) {
	burst := netskopetest.Uniform(5, dayStart.Add(-90*time.Minute), dayStart.Add(-90*time.Minute+5*time.Second), 12_000,
		300)
	for name, test := range map[string]struct {
		alerts   []netskopetest.Alert
		page     int
		lookback time.Duration
	}{
		"quiet": {append(hoursBefore(30, 60), lateAlerts(5)...), 500, 30 * time.Hour},
		"busy":  {append(hoursBefore(4, 1000), lateAlerts(40)...), 10, 3*time.Hour + 17*time.Second},
		"burst": {append(append(hoursBefore(3, 100), lateAlerts(5)...), burst...), 2000, 2*time.Hour + time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			simulate(t, &netskopetest.Server{}, test.alerts, func(w *world) {
				w.Lookback, w.PageSize, w.RequestsPerSecond = test.lookback, test.page, 0
				for !w.mustRun().CaughtUp {
				}
				time.Sleep(3 * time.Hour)
				w.mustRun()
				collected := map[[2]int64]bool{}
				for _, e := range w.entries() {
					collected[[2]int64{e.From.Unix() - 1, e.To.Unix()}] = true
				}
				for _, repair := range []bool{false, true, false} {
					audited := w.ranges()
					s := w.mustAudit(audit.Options{Repair: repair})
					if s.Delivered < 60 || s.Missing > 0 != (len(audited) > 0 && !s.Passed() || s.Repaired > 0) {
						t.Errorf("%+v", s)
					}
					seconds := 0
					for r, n := range audited {
						if r[1]-r[0] == 2 { // of one second, asked wide
							seconds++
						} else if collected[r] {
							t.Errorf("repair %v: %v of %d seconds was asked for %d times again", repair, time.Unix(r[0], 0).UTC(), r[1]-r[0],
								n)
						}
					}
					if len(audited) < 2 || seconds == len(audited) || name == "burst" && seconds == 0 {
						t.Errorf("%d ranges, %d seconds: the test shows nothing", len(audited), seconds)
					}
				}
				w.faults(nil, nil)
				w.checkQuiet("in the end", w.mustAudit(audit.Options{}))
				w.checkDelivered()
			})
		})
	}
}

// TestRepairOfASecond: a cell of one second, where an alert is missing.
func TestRepairOfASecond(t *testing.T) {
	second := dayStart.Add(-90 * time.Minute)
	burst := netskopetest.Uniform(5, second, second.Add(3*time.Second), 12_000, 300)
	missing := late("late", second.Add(time.Second))
	simulate(t, &netskopetest.Server{}, append(hoursBefore(2, 30), append(burst, missing)...), func(w *world) {
		w.Lookback, w.PageSize, w.RequestsPerSecond = 2*time.Hour, 2000, 0
		w.mustRun()
		time.Sleep(3 * time.Hour)
		w.mustRun()
		if e, ok := w.wholeLedger().Delivered(second); !ok || e.Cell.Level() != cell.Last {
			t.Fatalf("%+v: the test shows nothing", e)
		}
		if s := w.mustAudit(audit.Options{}); s.Passed() || s.Missing != 1 || s.Unknown != 0 || s.Duplicated != 0 {
			t.Errorf("%+v", s)
		}
		if s := w.mustAudit(audit.Options{Repair: true}); !s.Passed() || s.Repaired != 1 {
			t.Errorf("%+v", s)
		}
		w.foundLate("late", second.Add(time.Second), time.Second)
		w.checkQuiet("in the end", w.mustAudit(audit.Options{}))
		w.checkDelivered()
	})
}

// find looks an alert up in the ledger.
func (w *world) find(id string) ([]ledger.Found, error) {
	return w.Ledger().Find(w.t.Context(), id, dayStart.Add(-60*time.Hour), dayStart.Add(24*time.Hour))
}

// foundLate holds that the alert was delivered once, in a late entry of the cell.
func (w *world) foundLate(id string, from time.Time, length time.Duration) {
	w.t.Helper()
	found, err := w.find(id)
	if err != nil || len(found) != 1 || !found[0].Late || !found[0].From.Equal(from) ||
		found[0].To.Sub(found[0].From) != length {
		w.t.Errorf("%s is in %+v, %v; want it late in %v of %v", id, found, err, from, length)
	}
}

// TestAuditOfAQuietStretch: where cells hold little, several are asked for at once; what is missing
// of one, with a time of its own or without, is found all the same, and goes where it
// belongs.
func TestAuditOfAQuietStretch(t *testing.T) {
	missing := dayStart.Add(-29*time.Hour - 10*time.Minute)
	cellOf := cell.At(cell.Hour, missing).From()
	undated := late("undated", dayStart.Add(-20*time.Hour))
	undated.JSON = []byte(`{"_id":"undated","alert_type":"DLP"}`)
	for name, hidden := range map[string][]netskopetest.Alert{"nothing": nil, "dated": {late("dated", missing)},
		"undated": {undated},
		"both":    {late("dated", missing), undated}} {
		t.Run(name, func(t *testing.T) {
			simulate(t, &netskopetest.Server{}, append(hoursBefore(50, 40), hidden...), func(w *world) {
				w.Lookback = time.Hour
				first := dayStart.Add(-49 * time.Hour)
				for hour := range 50 { // hour by hour, as it is scheduled
					if _, err := w.runAt(w.t.Context(), first.Add(time.Duration(hour)*time.Hour)); err != nil {
						t.Fatal(err)
					}
				}
				if e, ok := w.wholeLedger().Delivered(missing); !ok || !e.From.Equal(cellOf) || e.Cell.Level() != cell.Hour {
					t.Fatalf("%+v: the test shows nothing", e)
				}
				time.Sleep(3 * time.Hour)
				o := audit.Options{Since: dayStart.Add(-48 * time.Hour), Until: dayStart.Add(-5 * time.Minute)}
				before := w.tenant.Requests()
				s := w.mustAudit(o)
				requests := w.tenant.Requests() - before
				t.Logf("%d requests for %d cells of 48 hours, %d alerts missing", requests, s.Cells, s.Missing)
				most := 10
				if len(hidden) > 0 && name != "dated" {
					most = 100 // only shorter cuts can assign it to a cell
				}
				if requests > most {
					t.Errorf("it took %d requests, want %d at most", requests, most)
				}
				if s.Missing != int64(len(hidden)) || s.Passed() != (len(hidden) == 0) || s.Cells < 48 || s.Unknown != 0 ||
					s.Gaps != len(hidden) {
					t.Errorf("%+v", s)
				}
				o.Repair = true
				if s := w.mustAudit(o); !s.Passed() || s.Repaired != int64(len(hidden)) {
					t.Errorf("repair: %+v", s)
				}
				for _, one := range hidden {
					w.foundLate(one.ID, cell.At(cell.Hour, one.Inserted).From(), time.Hour)
				}
				s = w.mustAudit(o)
				w.checkQuiet("in the end", s)
				w.checkDelivered()
			})
		})
	}
}

// TestRepairOfManyAlerts: more alerts are missing of a cell than one is chosen to hold.
func TestRepairOfManyAlerts(t *testing.T) {
	flood := netskopetest.Uniform(5, dayStart.Add(-50*time.Minute), dayStart.Add(-49*time.Minute), 12_000, 300)
	for i := range flood {
		flood[i].Visible = dayStart.Add(2 * time.Hour)
	}
	simulate(t, &netskopetest.Server{}, append(hoursBefore(2, 30), flood...), func(w *world) {
		w.Lookback, w.PageSize, w.RequestsPerSecond = 2*time.Hour, 2000, 0
		w.mustRun()
		time.Sleep(3 * time.Hour)
		w.mustRun()
		if s := w.mustAudit(audit.Options{}); s.Passed() || s.Missing != int64(len(flood)) {
			t.Errorf("%+v", s)
		}
		if s := w.mustAudit(audit.Options{Repair: true}); !s.Passed() || s.Repaired != int64(len(flood)) {
			t.Errorf("%+v", s)
		}
		w.checkQuiet("in the end", w.mustAudit(audit.Options{}))
		w.checkDelivered()
		for _, e := range w.entries() {
			if n := tallied(e); n != e.Alerts+e.Quarantined {
				t.Errorf("entry %v, %d, of %d alerts has counted %d by type", e.Cell, e.Late, e.Alerts, n)
			}
		}
	})
}

// TestLedgerIsRefusedWhenDamaged: an audit must not take for delivered, nor for missing, what
// it cannot read.
func TestLedgerIsRefusedWhenDamaged(t *testing.T) {
	for name, damage := range map[string]func(*gcstest.Object){
		"no metadata": func(o *gcstest.Object) { o.Metadata = nil },
		"no JSON":     func(o *gcstest.Object) { o.Metadata = map[string]string{"netskope-ledger": "{"} },
		"keys cut":    func(o *gcstest.Object) { o.Content = o.Content[:len(o.Content)/2] },
	} {
		simulate(t, &netskopetest.Server{}, hoursBefore(26, 400), func(w *world) {
			withPast(w)
			entries := w.entries()
			e := entries[slices.IndexFunc(entries, func(e ledger.Entry) bool { return e.Alerts > 0 })]
			o, _ := w.cloud.Object(w.BucketName, w.Folders().Entry(e.Cell, 0))
			damage(&o)
			w.cloud.Delete(w.BucketName, o.Name)
			if _, err := w.Bucket.Put(w.t.Context(), o.Name, 0, o.Content, "application/octet-stream", o.Metadata); err != nil {
				t.Fatal(err)
			}
			if _, err := w.audit(w.t.Context(), audit.Options{}); err == nil || !strings.Contains(err.Error(), o.Name) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// TestLastAudit: what an audit that a message asked for has found can be read by those who
// know nothing but the bucket, with the gaps.
func TestLastAudit(t *testing.T) {
	simulate(t, &netskopetest.Server{}, append(hoursBefore(2, 60), lateAlerts(10)...), func(w *world) {
		withGaps(w)
		if s, saved, err := w.LastAudit(w.t.Context()); err != nil || !saved.IsZero() || s.Cells != 0 {
			t.Errorf("before there is one: %+v, %v, %v", s, saved, err)
		}
		found, err := w.auditBudgeted(w.t.Context(), time.Now(), message.Request{Verify: 24 * time.Hour})
		if err != nil || found.Gaps == 0 || len(found.FirstGaps) != found.Gaps {
			t.Fatalf("%+v, %v", found, err)
		}
		missing := int64(0)
		for _, g := range found.FirstGaps {
			missing += g.Missing
			if g.Passed() || len(g.Examples) == 0 {
				t.Errorf("%+v", g)
			}
		}
		s, saved, err := w.LastAudit(w.t.Context())
		if err != nil || saved.IsZero() || missing != found.Missing || !reflect.DeepEqual(s, found) {
			t.Errorf("saved %v: %+v, want %+v, %v", saved, s, found, err)
		}
	})
}
