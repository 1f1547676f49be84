package collector

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/audit"
	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/netskope"
	"netskope-alerts.internal/collector/internal/settings"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
	"netskope-alerts.internal/collector/internal/stream"
)

// storedAt is an alert with the JSON, stored so long before dayStart.
func storedAt(before time.Duration, text string) netskopetest.Alert {
	moment := dayStart.Add(-before)
	stamp := fmt.Sprint(moment.Unix())
	return netskopetest.Alert{Event: moment, Inserted: moment, JSON: []byte(strings.ReplaceAll(text, "NOW", stamp))}
}

// TestBytesPassThrough covers defects 24 and 25: an alert's bytes are what they were,
// on one line.
func TestBytesPassThrough(t *testing.T) {
	const head = `{"_id":"%d","_insertion_epoch_timestamp":NOW,"timestamp":NOW,`
	var alerts []netskopetest.Alert
	for i, tail := range []string{
		`"request_id":8638023457299261081,"big":18446744073709551616}`,
		`"price":1.10,"zero":-0,"huge":1e400,"long":0.1000000000000000055511151231257827}`,
		`"url":"https:\/\/example.com\/a","html":"<b>&amp;</b>"}`,
		"\"separator\":\"a\u2028b\u2029c\",\"escaped\":\"\\u2028\"}",
		`"lone":"\ud83d","pair":"\ud83d\ude00","nul":"\u0000"}`,
		`"twice":1,"twice":2}`,
		"\n\t\"pretty\" : [ 1 , 2 ,\r\n { \"a b\" : \" c \" } ] }",
		`"newline":"a\nb\tc"}`,
		"\"bytes\":\"\xff\xfe\"}",
		`"Île":"de-France","":null,"nested":{"_id":"other","timestamp":1}}`,
	} {
		alerts = append(alerts, storedAt(time.Hour, fmt.Sprintf(head, i)+tail))
	}
	for _, style := range []netskopetest.Style{netskopetest.Compact, netskopetest.Spaced, netskopetest.Pretty} {
		simulate(t, &netskopetest.Server{Style: style}, alerts, func(w *world) {
			w.Lookback = 2 * time.Hour
			w.mustRun()
			w.checkDelivered()
			objects := w.objects()
			if len(objects) != 1 || objects[0].ContentType != "application/x-ndjson" ||
				objects[0].ContentEncoding != "" {
				t.Fatalf("objects: %+v", objects)
			}
		})
	}
}

// TestQuarantine holds that what would break the feed is kept out of it, kept, and
// reported, and that the rest goes on.
func TestQuarantine(t *testing.T) {
	const head = `{"_id":"%s","_insertion_epoch_timestamp":NOW,"timestamp":NOW,"pad":"%s"}`
	fits := alert.MaxLine - 1 - len(fmt.Sprintf(head, "fits", "")) - len(fmt.Sprint(dayStart.Unix()))*2 + 2*len("NOW")
	alerts := []netskopetest.Alert{
		storedAt(time.Hour, fmt.Sprintf(head, "plain", "")),
		storedAt(time.Hour, fmt.Sprintf(head, "fits", strings.Repeat("x", fits))),
		storedAt(time.Hour, fmt.Sprintf(head, "long", strings.Repeat("x", fits+1))),
		storedAt(time.Hour, `"a string"`),
		storedAt(time.Hour, `["an","array"]`),
		storedAt(time.Hour, `null`),
		storedAt(time.Hour, `{"_id":"stray","_insertion_epoch_timestamp":1700000000,"timestamp":NOW}`),
	}
	simulate(t, &netskopetest.Server{}, alerts, func(w *world) {
		w.Lookback = 2 * time.Hour
		w.cloud.Visible = nil
		r := w.mustRun()
		if r.Quarantined != 4 || r.Alerts != 7 {
			t.Errorf("report: %+v", r)
		}
		var delivered, isolated []string
		for _, o := range w.objects() {
			for _, line := range w.content(o) {
				var alert struct {
					ID string `json:"_id"`
				}
				if err := json.Unmarshal([]byte(line), &alert); err != nil {
					t.Error(err)
				}
				delivered = append(delivered, alert.ID)
			}
		}
		for _, o := range w.cloud.Objects(w.BucketName, w.Folders().Quarantine) {
			for _, line := range w.content(o) {
				var entry struct {
					Reason string
					Span   Span
					Alert  json.RawMessage
				}
				if err := json.Unmarshal([]byte(line), &entry); err != nil {
					t.Fatal(err)
				}
				name := w.Folders().Quarantine + entry.Span.From.Format("2006/01/02/quarantine_20060102T150405Z") +
					entry.Span.To.Format("_20060102T150405Z.ndjson")
				if o.Name != name {
					t.Errorf("span %v in object %s", entry.Span, o.Name)
				}
				isolated = append(isolated, fmt.Sprintf("%s: %.22s", entry.Reason, entry.Alert))
			}
		}
		slices.Sort(delivered)
		if want := []string{"fits", "plain", "stray"}; !slices.Equal(delivered, want) {
			t.Errorf("delivered %q, want %q", delivered, want)
		}
		slices.Sort(isolated)
		if want := []string{
			`longer than 4000000 bytes: {"_id":"long","_insert`,
			`not a JSON object: "a string"`,
			`not a JSON object: ["an","array"]`,
			`not a JSON object: null`,
		}; !slices.Equal(isolated, want) {
			t.Errorf("quarantined\n%q, want\n%q", isolated, want)
		}
	})
}

// TestQuarantineComesBeforeTheFeed kills a run between the two objects of a cell.
func TestQuarantineComesBeforeTheFeed(t *testing.T) {
	alerts := []netskopetest.Alert{
		storedAt(time.Hour, `{"_id":"plain","_insertion_epoch_timestamp":NOW,"timestamp":NOW}`),
		storedAt(time.Hour, `"a string"`),
	}
	simulate(t, &netskopetest.Server{}, alerts, func(w *world) {
		w.Lookback = 2 * time.Hour
		w.cloud.Visible = nil
		w.faults(nil, func(r gcstest.Request) (f gcstest.Fault) {
			if strings.HasPrefix(r.Destination, w.Prefix+"/") {
				f.Status = http.StatusForbidden
			}
			return f
		})
		if _, err := w.run(); err == nil {
			t.Fatal("the run succeeded")
		}
		if n := len(w.cloud.Objects(w.BucketName, w.Folders().Quarantine)); n != 1 {
			t.Errorf("%d objects in quarantine", n)
		}
		w.faults(nil, nil)
		w.mustRun()
		if n := len(w.cloud.Objects(w.BucketName, w.Folders().Quarantine)); len(w.objects()) != 1 || n != 1 {
			t.Errorf("%d objects, %d in quarantine", len(w.objects()), n)
		}
	})
}

// TestAlertsWithoutTimeOrID holds that even an alert that does not say to which cell it
// belongs is delivered once, whichever bounds the tenant includes.
func TestAlertsWithoutTimeOrID(t *testing.T) {
	for i, tenant := range []*netskopetest.Server{
		{StartInclusive: true},
		{StartInclusive: true, EndExclusive: true},
		{EndExclusive: true, Order: netskopetest.Shuffled},
		{Dialect: netskopetest.Cursor, StartInclusive: true},
	} {
		if testing.Short() && i > 0 {
			break
		}
		seed := newSeed(t)
		alerts := netskopetest.Profile{Seed: seed, From: dayStart.Add(-150 * time.Minute), To: dayStart, N: 3000,
			Burst: -1, VisibleWithin: -1, WithoutInserted: 0.5, WithoutID: 0.3}.Alerts()
		simulate(t, tenant, alerts, func(w *world) {
			w.Lookback, w.RequestsPerSecond, w.PageSize = 2*time.Hour, 0, 7
			w.splinter(seed, Span{From: dayStart.Add(-125 * time.Minute), To: dayStart.Add(-5 * time.Minute)})
			r := w.mustRun()
			if r.Undated < 500 || r.Cells < 300 {
				t.Errorf("report: %+v", r)
			}
			w.checkDelivered()
		})
	}
}

// splinter splits the cells of the span, so that there are many seams: all down to those of a
// minute, and some of these down to a second.
func (w *world) splinter(seed uint64, span Span) {
	w.t.Helper()
	random := rand.New(rand.NewPCG(seed, 6))
	l := w.Ledger()
	for level := cell.Top; level < cell.Last; level++ {
		for c := cell.At(level, span.From); c.From().Before(span.To); c = cell.At(level, c.To()) {
			whole := true
			for _, ancestor := range c.Ancestors() {
				whole = whole && l.Split(ancestor)
			}
			if !whole || level > cell.Minutes && random.IntN(3) > 0 {
				continue
			}
			if err := l.MarkSplit(w.t.Context(), c); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

// undatedAt are n alerts that say neither when they were stored nor, every third, who they are;
// they become visible so long after they are stored.
func undatedAt(stored time.Time, n int, after time.Duration) []netskopetest.Alert {
	alerts := make([]netskopetest.Alert, n)
	for i := range alerts {
		id := fmt.Sprintf("undated-%d-%d-%v", stored.Unix(), i, after)
		alerts[i] = netskopetest.Alert{ID: id, Event: stored, Inserted: stored, Visible: stored.Add(after),
			JSON: fmt.Appendf(nil, `{"_id":%q,"timestamp":%d}`, id, stored.Unix())}
		if i%3 == 2 {
			alerts[i].ID, alerts[i].JSON = "", bytes.Replace(alerts[i].JSON, []byte("_id"), []byte("name"), 1)
		}
	}
	return alerts
}

// TestUndatedAlertsOnEdges puts alerts without a time on and beside every edge there may be
// between two cells, and has the neighbours delivered in every order: by a run with
// several cells in flight, by backfills before and after it, in cells down to a second, and by
// a repair. Whichever bounds the tenant includes, each arrives once.
func TestUndatedAlertsOnEdges(t *testing.T) {
	const late = 2 * time.Hour // after which some are visible
	from, end := dayStart.Add(-35*time.Minute), dayStart.Add(15*time.Minute)
	burst := dayStart.Add(-13 * time.Minute) // a time in which there are some every second
	length := 2 * time.Minute
	if testing.Short() {
		length = 25 * time.Second
	}
	var alerts []netskopetest.Alert
	hidden := int64(0)
	for second := from; second.Before(end); second = second.Add(time.Second) {
		n := 0
		if since := second.Sub(burst); since >= 0 && since < length {
			n = 3
		}
		edge := second.Add(5 * time.Second).Truncate(10 * time.Second)
		if second.Sub(edge).Abs() <= time.Second {
			n++
			if edge.Unix()%60 == 0 {
				n++
				one := undatedAt(second, 1, late)
				alerts = append(alerts, one...)
				hidden++
			}
		}
		alerts = append(alerts, undatedAt(second, n, 0)...)
	}
	for i, tenant := range []*netskopetest.Server{
		{},
		{StartInclusive: true, Order: netskopetest.OldestFirst},
		{EndExclusive: true, Order: netskopetest.Shuffled},
		{StartInclusive: true, EndExclusive: true},
		{Dialect: netskopetest.Cursor, StartInclusive: true, Order: netskopetest.Shuffled},
	} {
		if testing.Short() && i != 1 && i != 2 {
			continue
		}
		name := fmt.Sprintf("dialect %d, start inclusive: %v, end exclusive: %v",
			tenant.Dialect, tenant.StartInclusive, tenant.EndExclusive)
		t.Run(name, func(t *testing.T) {
			seed := newSeed(t)
			simulate(t, tenant, alerts, func(w *world) {
				random := rand.New(rand.NewPCG(seed, 5))
				w.faults(func(netskopetest.Request) netskopetest.Fault {
					return netskopetest.Fault{Delay: time.Duration(random.IntN(2000)) * time.Millisecond}
				}, nil)
				w.PageSize, w.RequestsPerSecond, w.Lookback, w.Budget = 2, 0, 15*time.Minute, 50*time.Minute
				shortest := time.Hour
				visible := w.cloud.Visible
				w.cloud.Visible = func(o gcstest.Object) {
					visible(o)
					if a, b, _, ok := w.Folders().ParseAlerts(o.Name); ok {
						shortest = min(shortest, b.Sub(a))
					}
				}
				backfill := func(before, until time.Duration) {
					span := Span{From: dayStart.Add(-before), To: dayStart.Add(-until)}
					if r, err := w.Backfill(w.t.Context(), time.Now(), span, nil); err != nil || !r.CaughtUp {
						t.Fatalf("%+v, %v", r, err)
					}
				}
				backfill(15*time.Minute, 14*time.Minute) // of what a run will pass over
				backfill(12*time.Minute+30*time.Second, 12*time.Minute+7*time.Second)
				w.mustRun()                              // from 20 to 5 minutes before
				backfill(25*time.Minute, 20*time.Minute) // before where the run began
				backfill(30*time.Minute, 22*time.Minute) // before that, and over it
				time.Sleep(time.Until(dayStart.Add(time.Hour)))
				if r := w.mustRun(); !r.CaughtUp || shortest > time.Second {
					t.Errorf("%+v, the shortest cell has %v", r, shortest)
				}
				w.began = dayStart.Add(-30 * time.Minute)
				through := w.state().Through
				late := w.hide(func(one netskopetest.Alert) bool { return one.Visible.After(time.Now()) })
				w.checkDelivered()
				w.show(late)

				w.faults(nil, nil)
				time.Sleep(4 * time.Hour)
				var summary audit.Summary
				for _, repair := range []bool{true, false} {
					var err error
					options := audit.Options{Since: w.began, Until: through, Repair: repair}
					summary, err = w.Audit(w.t.Context(), options, nil)
					if err != nil || !summary.Passed() || repair && summary.Repaired < hidden*3/4 ||
						!repair && summary.Missing > 0 {
						t.Errorf("repair %v: %+v, %v", repair, summary, err)
					}
				}
				w.checkDelivered()
			})
		})
	}
}

// hide takes alerts from those that must be delivered, and returns them.
func (w *world) hide(which func(netskopetest.Alert) bool) map[string]netskopetest.Alert {
	hidden := map[string]netskopetest.Alert{}
	for line, one := range w.lines {
		if which(one) {
			hidden[line] = one
		}
	}
	maps.DeleteFunc(w.lines, func(line string, _ netskopetest.Alert) bool { return hidden[line].JSON != nil })
	return hidden
}

// show undoes hide.
func (w *world) show(hidden map[string]netskopetest.Alert) { maps.Copy(w.lines, hidden) }

// TestCommonQuestionFails: where what two neighbours have in common cannot be found out, or
// only a part of it, nothing is decided by that.
func TestCommonQuestionFails(t *testing.T) {
	edge := dayStart.Add(-65 * time.Minute)
	simulate(t, &netskopetest.Server{StartInclusive: true}, undatedAt(edge, 30, 0), func(w *world) {
		w.Lookback, w.PageSize = 2*time.Hour, 20
		failed := 0
		w.faults(func(r netskopetest.Request) (f netskopetest.Fault) {
			if r.End.Sub(r.Start) == time.Second && r.Offset > 0 && failed < 25 {
				failed++
				f = netskopetest.GatewayError(http.StatusBadGateway)
			}
			return f
		}, nil)
		if _, err := w.run(); err == nil || failed != 10 || !strings.Contains(err.Error(), "502") {
			t.Errorf("after %d failed answers: %v", failed, err)
		}
		w.faults(nil, nil)
		w.mustRun()
		w.checkDelivered()
	})
}

// TestStraysOnEdges: what is listed beside its own time, and not at it, is delivered once, too.
func TestStraysOnEdges(t *testing.T) {
	var alerts []netskopetest.Alert
	for i := range int64(5) {
		edge := dayStart.Add(-65*time.Minute + time.Duration(i-2)*time.Second)
		one := undatedAt(edge, 1, 0)[0]
		one.JSON = bytes.Replace(one.JSON, []byte("{"), []byte(`{"_insertion_epoch_timestamp":1700000000,`), 1)
		alerts = append(alerts, one)
	}
	for _, tenant := range []*netskopetest.Server{{}, {StartInclusive: true}, {EndExclusive: true}} {
		simulate(t, tenant, alerts, func(w *world) {
			w.Lookback = 2 * time.Hour
			if r := w.mustRun(); r.Quarantined != 0 || r.Alerts != 5 {
				t.Errorf("%+v", r)
			}
			w.checkDelivered()
		})
	}
}

// tinyAt are n small alerts that are stored in one second.
func tinyAt(stored time.Time, n int) []netskopetest.Alert {
	alerts := make([]netskopetest.Alert, n)
	for i := range alerts {
		id := fmt.Sprintf("%d-%d", stored.Unix(), i)
		alerts[i] = netskopetest.Alert{ID: id, Event: stored, Inserted: stored,
			JSON: fmt.Appendf(nil, `{"_id":"%s","_insertion_epoch_timestamp":%d}`, id, stored.Unix())}
	}
	return alerts
}

// TestBurstIsSplit: where a cell holds more than one should, it is split, down to the one
// second that cannot be, and no deep offset is asked for but there.
func TestBurstIsSplit(t *testing.T) {
	minute := dayStart.Add(-40*time.Minute + 7*time.Second)
	for name, test := range map[string]struct {
		alerts []netskopetest.Alert
		shapes int // lengths of cells in which something is delivered
	}{
		"a second": {slices.Concat(tinyAt(minute, mostPerCell+settings.SafePageSize+500), tinyAt(minute.Add(time.Second), 20),
			tinyAt(minute.Add(-time.Second), 20), tinyAt(minute.Add(-10*time.Minute), 20)), 2},
		"a minute": {slices.Collect(func(yield func(netskopetest.Alert) bool) {
			for i := range 60 {
				for _, one := range tinyAt(minute.Add(time.Duration(i)*time.Second), 700) {
					if !yield(one) {
						return
					}
				}
			}
		}), 1},
	} {
		for _, dialect := range []netskopetest.Dialect{netskopetest.Offset, netskopetest.Cursor}[:seeds(2)] {
			t.Run(fmt.Sprintf("%s, dialect %d", name, dialect), func(t *testing.T) {
				tenant := &netskopetest.Server{Dialect: dialect, StartInclusive: true}
				simulate(t, tenant, test.alerts, func(w *world) {
					w.PageSize, w.Lookback = settings.SafePageSize, 2*time.Hour
					deepest, deepestOfSecond := 0, 0
					w.faults(func(r netskopetest.Request) (f netskopetest.Fault) {
						deep := &deepest
						if r.End.Sub(r.Start) <= 2*time.Second {
							deep = &deepestOfSecond
						}
						*deep = max(*deep, r.Offset)
						return f
					}, nil)
					r := w.mustRun()
					if r.Splits == 0 || deepest > mostPerCell || r.Alerts != int64(len(test.alerts)) {
						t.Errorf("offsets to %d: %+v", deepest, r)
					}
					lengths := map[time.Duration]bool{}
					for _, o := range w.objects() {
						from, to, _, _ := w.Folders().ParseAlerts(o.Name)
						lengths[to.Sub(from)] = true
					}
					if len(lengths) < test.shapes {
						t.Errorf("cells of %v", lengths)
					}
					t.Logf("%d splits, %d requests, offsets to %d, of seconds to %d", r.Splits, r.Requests,
						deepest, deepestOfSecond)
					w.checkDelivered()
				})
			})
		}
	}
}

// TestSecondThatHoldsTooMuch: more alerts in one second than can be collected are a failure that
// names it, not a gap.
func TestSecondThatHoldsTooMuch(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT TESTED with -short: half a million alerts are slow under the race detector")
	}
	second := dayStart.Add(-40*time.Minute + 7*time.Second)
	simulate(t, &netskopetest.Server{}, nil, func(w *world) {
		w.PageSize, w.Lookback = 10_000, 2*time.Hour
		w.tenant.Add(tinyAt(second, mostPerSecond+1)...)
		r, err := w.run()
		if err == nil || !strings.Contains(err.Error(), "the second "+second.Format(time.RFC3339)) ||
			!strings.Contains(err.Error(), "at most 500000") {
			t.Errorf("%v", err)
		}
		if s := w.state(); s.Through.After(second) || r.CaughtUp || len(w.objects()) > 0 {
			t.Errorf("%+v, %+v", s, r)
		}
	})
}

// TestHourlyTick counts what the usual run costs: on the hour, with the usual LAG, it finds
// exactly one cell. What is bounded here is paid for every hour.
func TestHourlyTick(t *testing.T) {
	for _, test := range []struct {
		alerts   int // an hour
		requests int // to the tenant, at most
		storage  int // operations, at most, without those of a long upload and a split mark
	}{
		{0, 2, 6},
		{125, 2, 8},
		{8000, 3, 10},
	} {
		t.Run(fmt.Sprintf("%d alerts", test.alerts), func(t *testing.T) {
			var alerts []netskopetest.Alert
			if test.alerts > 0 {
				alerts = netskopetest.Uniform(1, dayStart.Add(-2*time.Hour), dayStart.Add(13*time.Hour),
					15*test.alerts, 300)
			}
			simulate(t, &netskopetest.Server{}, nil, func(w *world) {
				w.tenant.Add(alerts...)
				w.PageSize, w.Lookback = settings.SafePageSize, time.Hour
				w.cloud.Visible = nil // it would look at every alert for every object
				var operations []string
				w.faults(nil, func(r gcstest.Request) (f gcstest.Fault) {
					name := r.Object
					for folder, short := range map[string]string{w.Folders().Ledger: "ledger", w.StateKey: "state",
						w.Folders().Staging: "staging", "": "?"} {
						if folder != "" && strings.HasPrefix(name, folder) {
							name = short
						}
					}
					operations = append(operations, strings.TrimSpace(string(r.Op)+" "+name))
					return f
				})
				w.mustRun()
				marked := 0
				for tick := range 12 {
					time.Sleep(time.Hour)
					operations = nil
					r := w.mustRun()
					if r.Cells != 1 || !r.CaughtUp || r.Alerts != int64(test.alerts) || r.Requests > test.requests {
						t.Errorf("tick %d: %+v", tick, r)
					}
					n := len(operations)
					if n == test.storage+1 {
						marked++
					}
					if n > test.storage+1 {
						t.Errorf("tick %d: %d operations: %v", tick, n, operations)
					}
					if tick < 7 {
						t.Logf("tick %d: %d requests, %d operations: %v", tick, r.Requests, n, operations)
					}
				}
				if marked > 2 {
					t.Errorf("%d of 12 ticks had more than %d operations", marked, test.storage)
				}
			})
		})
	}
}

// TestExpiredCursorBeginsAnew: what a cursor that expired had delivered is not
// delivered again by the paging that begins anew.
func TestExpiredCursorBeginsAnew(t *testing.T) {
	simulate(t, &netskopetest.Server{Dialect: netskopetest.Cursor}, hoursBefore(2, 300), func(w *world) {
		w.Lookback, w.PageSize = time.Hour, 5
		expired := 0
		w.faults(func(r netskopetest.Request) (f netskopetest.Fault) {
			if !r.First && r.Offset >= 5 && expired < 2 {
				expired++
				f.Kind = netskopetest.ExpireCursor
			}
			return f
		}, nil)
		w.mustRun()
		w.checkDelivered()
		if expired != 2 {
			t.Errorf("%d cursors expired", expired)
		}

		w.faults(func(r netskopetest.Request) (f netskopetest.Fault) {
			if !r.First {
				f.Kind = netskopetest.ExpireCursor
			}
			return f
		}, nil)
		w.PageSize = 2
		time.Sleep(time.Hour)
		w.tenant.Add(netskopetest.Generate(3, dayStart, dayStart.Add(5*time.Minute), 50)...)
		if _, err := w.run(); !errors.Is(err, netskope.ErrCursorExpired) {
			t.Errorf("a cursor that always expires: %v", err)
		}
	})
}

// TestEmptyPageInTheMiddle has every page after the first, in turn, come empty once, also
// after a page that was trimmed short.
func TestEmptyPageInTheMiddle(t *testing.T) {
	for _, dialect := range []netskopetest.Dialect{netskopetest.Offset, netskopetest.Cursor} {
		for page := 2; page <= 8; page++ {
			simulate(t, &netskopetest.Server{Dialect: dialect}, hoursBefore(2, 500), func(w *world) {
				w.Lookback, w.PageSize = time.Hour, 20
				n, emptied := 0, 0
				w.faults(func(r netskopetest.Request) (f netskopetest.Fault) {
					if r.First {
						n = 0
					}
					switch n++; {
					case n == page && emptied == 0:
						emptied++
						f.Kind = netskopetest.EmptyPage
					case n == page-1 && emptied == 0 && !r.First:
						f.Kind = netskopetest.ShortPage
					}
					return f
				}, nil)
				w.mustRun()
				if emptied != 1 {
					t.Errorf("page %d was never empty", page)
				}
				w.checkDelivered()
			})
		}
	}
}

// TestPagingInCirclesFails: a tenant that ignores offset must not keep a run busy, nor
// end a cell early.
func TestPagingInCirclesFails(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"ok":1,"result":[{"_id":"a","_insertion_epoch_timestamp":%[1]d,"timestamp":%[1]d}]}`,
			dayStart.Add(-time.Hour).Unix())
	})
	simulate(t, &netskopetest.Server{}, nil, func(w *world) {
		w.HTTP = &http.Client{Transport: serve(w.t, handler)}
		w.Lookback = 2 * time.Hour
		w.cloud.Visible = nil
		if _, err := w.run(); err == nil || !strings.Contains(err.Error(), "serves no more than") {
			t.Errorf("got %v", err)
		}
	})
}

// TestPaced covers the documented limit of 4 requests a second.
func TestPaced(t *testing.T) {
	simulate(t, &netskopetest.Server{RateLimit: 4}, hoursBefore(3, 500), func(w *world) {
		w.Lookback, w.PageSize = 2*time.Hour, 5
		r := w.mustRun()
		if s := w.tenant.Stats(); s.PeakPerSecond > 5 || s.Requests < 50 || r.Retries > 0 {
			t.Errorf("%d requests, up to %d in a second, %d retries", s.Requests, s.PeakPerSecond, r.Retries)
		}
		agent := slices.Collect(func(yield func(string) bool) {
			for agent := range w.tenant.Stats().UserAgents {
				yield(agent)
			}
		})
		if !slices.Equal(agent, []string{userAgent}) || !strings.HasSuffix(userAgent, "/"+Version) {
			t.Errorf("user agents %q", agent)
		}
	})
}

// TestRateLimitIsHonoured covers defects 4, 22 and 26: the wait that the tenant asks
// for is kept, in whatever form, and no form makes a hot loop.
func TestRateLimitIsHonoured(t *testing.T) {
	for _, test := range []struct {
		after func() string
		wait  time.Duration
	}{
		{func() string { return "7" }, 7 * time.Second},
		{func() string { return "1.5" }, 1500 * time.Millisecond},
		{func() string { return time.Now().Add(20 * time.Second).UTC().Format(http.TimeFormat) }, 20 * time.Second},
		{func() string { return "" }, time.Second}, // RateLimit-Reset
		{func() string { return "soon" }, time.Second},
		{func() string { return "-5" }, time.Second},
		{func() string { return "0" }, 250 * time.Millisecond},
	} {
		simulate(t, &netskopetest.Server{}, hoursBefore(2, 10), func(w *world) {
			w.Lookback = time.Hour
			var moments []time.Time
			w.faults(func(r netskopetest.Request) (f netskopetest.Fault) {
				if moments = append(moments, time.Now()); len(moments) == 1 {
					f = netskopetest.RateLimited(test.after())
				}
				return f
			}, nil)
			r := w.mustRun()
			waited := moments[1].Sub(moments[0])
			if r.Retries != 1 || waited < test.wait || waited > test.wait+time.Second {
				t.Errorf("Retry-After %q: waited %v, want %v", test.after(), waited, test.wait)
			}
			w.checkDelivered()
		})
	}
}

// TestErrorsSayWhatToDo holds hints, and that an answer's body is never shown whole.
func TestErrorsSayWhatToDo(t *testing.T) {
	long := strings.Repeat("long ", 1000)
	refused := func(status int, message string) netskopetest.Fault {
		return netskopetest.Fault{Kind: netskopetest.Answer, Status: status, Body: `{"message":"` + message + `"}`}
	}
	for _, test := range []struct {
		fault netskopetest.Fault
		want  []string
	}{
		{netskopetest.Unauthorized(), []string{"401", "expired", stream.Alert.Path()}},
		{netskopetest.Forbidden(), []string{"403", "You cannot consume this service",
			"role may read " + stream.Alert.Path()}},
		{refused(404, "no Route"), []string{"404", "no Route", "NETSKOPE_TENANT"}},
		{refused(400, long+testToken), []string{"400", "long long", "…"}},
		{refused(400, "token "+testToken+` is\u0007bad`), []string{"400", "token (the token) is bad"}},
		{netskopetest.GatewayError(502), []string{"502", "given up after 10 attempts"}},
		{netskopetest.NotOK("Time parameters are not passed"), []string{"ok=0", "Time parameters are not passed"}},
		{netskopetest.RateLimited("86400"), []string{"429", "asks to wait 24h0m0s", "the run has only"}},
		{netskopetest.Fault{Kind: netskopetest.Stall}, []string{"no byte for a minute"}},
	} {
		simulate(t, &netskopetest.Server{}, hoursBefore(2, 10), func(w *world) {
			w.Token = testToken
			w.faults(func(netskopetest.Request) netskopetest.Fault { return test.fault }, nil)
			_, err := w.run()
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%+v: error lacks %q: %v", test.fault, want, err)
				}
			}
			if err != nil && (len(err.Error()) > 800 || strings.Contains(err.Error(), testToken)) {
				t.Errorf("%+v: the error is too long or shows the token: %v", test.fault, err)
			}
		})
	}
}

// TestSilentTenantIsGivenUp covers defect 28: an answer that does not begin is given up
// and asked for again, while one that goes on slowly for half an hour is not.
func TestSilentTenantIsGivenUp(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(2, 10), func(w *world) {
		w.Lookback = time.Hour
		n := 0
		w.faults(func(netskopetest.Request) (f netskopetest.Fault) {
			if n++; n == 1 {
				f.Delay = 24 * time.Hour
			}
			return f
		}, nil)
		began := time.Now()
		if r := w.mustRun(); r.Retries != 1 || time.Since(began) > 3*time.Minute {
			t.Errorf("%v, %+v", time.Since(began), r)
		}
		w.checkDelivered()
	})
	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `{"ok":1,"result":[`)
		for range 30 {
			fmt.Fprint(w, " ")
			http.NewResponseController(w).Flush()
			time.Sleep(50 * time.Second)
		}
		fmt.Fprint(w, `]}`)
	})
	simulate(t, &netskopetest.Server{}, nil, func(w *world) {
		w.HTTP = &http.Client{Transport: serve(w.t, slow)}
		w.Lookback, w.Budget = time.Hour, time.Hour
		if r := w.mustRun(); r.Retries != 0 || r.Pages != 2 {
			t.Errorf("%+v", r)
		}
	})
}

// TestCancelledRunFails: a caller that goes away ends the run, and not as a success.
func TestCancelledRunFails(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(2, 10), func(w *world) {
		ctx, cancel := context.WithCancel(w.t.Context())
		w.faults(func(netskopetest.Request) netskopetest.Fault {
			cancel()
			return netskopetest.Fault{Delay: time.Minute}
		}, nil)
		if _, err := w.runAt(ctx, time.Now()); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}
