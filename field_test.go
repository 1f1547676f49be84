package collector

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/audit"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// Inputs that people who collect such alerts have met, and on which earlier versions of this
// collector lost alerts in silence. Each is an example of a kind.

// orders are all in which a tenant may list.
var orders = []netskopetest.Order{netskopetest.NewestFirst, netskopetest.OldestFirst, netskopetest.Shuffled}

// lastHour is n alerts of the hour that a run at dayStart collects.
func lastHour(n int) []netskopetest.Alert {
	return netskopetest.Uniform(1, dayStart.Add(-65*time.Minute), dayStart.Add(-5*time.Minute), n, 400)
}

// TestEvidenceInHand: a page that broke off has shown alerts; an empty answer to its repetition
// contradicts them.
func TestEvidenceInHand(t *testing.T) {
	for _, empties := range []int{1, 2, 3, 1000} {
		for _, kind := range []netskopetest.Kind{netskopetest.Torn, netskopetest.TornReset, netskopetest.HalfJSON} {
			simulate(t, &netskopetest.Server{}, lastHour(3), func(w *world) {
				w.Lookback = time.Hour
				n := 0
				w.faults(func(netskopetest.Request) (f netskopetest.Fault) {
					switch n++; {
					case n == 1:
						f.Kind, f.Fraction = kind, 0.8
					case n <= 1+empties:
						f.Kind = netskopetest.EmptyPage
					}
					return f
				}, nil)
				r, err := w.run()
				if empties < 1000 && (err != nil || r.Alerts != 3) {
					t.Errorf("%v, %d empty answers: %+v, %v", kind, empties, r, err)
				}
				if empties == 1000 && (err == nil || len(w.objects()) > 0 || !strings.Contains(err.Error(), "gave before")) {
					t.Errorf("a tenant that takes back what it gave: %v", err)
				}
				w.faults(nil, nil)
				w.mustRun()
				w.checkDelivered()
			})
		}
	}
}

// TestCeiling: a tenant that serves only the first so many alerts of any range. Shorter ranges
// bring them all; where a second holds more than that, the run fails and names it.
func TestCeiling(t *testing.T) {
	for beyond, name := range map[netskopetest.Beyond]string{
		netskopetest.BeyondEmpty: "empty", netskopetest.BeyondRefused: "refused",
		netskopetest.BeyondLast: "the last page", netskopetest.BeyondFirst: "the first page",
	} {
		for _, order := range orders {
			t.Run(fmt.Sprintf("%s, order %d", name, order), func(t *testing.T) {
				tenant := func() *netskopetest.Server {
					return &netskopetest.Server{Ceiling: 20, Beyond: beyond, Order: order}
				}
				simulate(t, tenant(), lastHour(60), func(w *world) {
					w.Lookback, w.PageSize = time.Hour, 5
					for runs := 0; ; runs++ {
						r, err := w.run()
						if err == nil && r.CaughtUp {
							break
						}
						if runs == 5 {
							t.Fatalf("%+v, %v", r, err)
						}
					}
					w.checkDelivered()
				})
				second := netskopetest.Uniform(1, dayStart.Add(-20*time.Minute), dayStart.Add(-20*time.Minute+time.Second), 60, 400)
				simulate(t, tenant(), nil, func(w *world) {
					w.Lookback, w.PageSize = time.Hour, 5
					w.tenant.Add(second...)
					w.tenant.Add(lastHour(60)...) // or nothing shows the ceiling
					w.cloud.Visible = nil
					r, err := w.run()
					for runs := 0; runs < 5 && err == nil && r.CaughtUp == false; runs++ {
						r, err = w.run()
					}
					if err == nil || !strings.Contains(err.Error(), "the second 2026-11-22T23:40:00Z") {
						t.Errorf("a second that holds more than the ceiling: %+v, %v", r, err)
					}
				})
			})
		}
	}
}

// TestCeilingBehindShortPages: a tenant that serves only the first so many alerts of any range, and
// fewer a page than it is asked for: that the halves of a range hold no more is not shown by
// pages that are short.
func TestCeilingBehindShortPages(t *testing.T) {
	for beyond := netskopetest.BeyondEmpty; beyond <= netskopetest.BeyondFirst; beyond++ {
		for _, order := range orders {
			for _, n := range []int{103, 110, 130, 190} {
				tenant := &netskopetest.Server{Ceiling: 100, PageCap: 10, Beyond: beyond, Order: order}
				simulate(t, tenant, lastHour(n), func(w *world) {
					w.Lookback, w.PageSize = time.Hour, 60
					for runs := 0; ; runs++ {
						r, err := w.run()
						if err == nil && r.CaughtUp {
							break
						}
						if runs == 5 {
							t.Fatalf("%d, %d, %d alerts: %+v, %v", beyond, order, n, r, err)
						}
					}
					w.checkDelivered()
				})
			}
		}
	}
}

// clientErrors are statuses with which a tenant may refuse one question.
var clientErrors = []int{http.StatusBadRequest, http.StatusNotFound, http.StatusGone, http.StatusUnprocessableEntity}

// refuseOnce has the tenant refuse the first of such requests with the status, and tells whether there was one.
func (w *world) refuseOnce(status int, such func(netskopetest.Request) bool) (refused *bool) {
	refused = new(bool)
	w.faults(func(r netskopetest.Request) (f netskopetest.Fault) {
		if !*refused && such(r) {
			*refused = true
			f = netskopetest.Fault{Kind: netskopetest.Answer, Status: status, Body: `{"message":"no"}`}
		}
		return f
	}, nil)
	return refused
}

// isLater reports whether a request is for a page that is not the first of its range.
func isLater(r netskopetest.Request) bool { return !r.First }

// TestOneRefusalIsNoEnd: one refusal of a request with an offset says nothing of the tenant.
func TestOneRefusalIsNoEnd(t *testing.T) {
	for _, status := range clientErrors {
		alerts := append(netskopetest.Uniform(1, dayStart.Add(-3*time.Hour), dayStart.Add(-2*time.Hour), 30, 400),
			netskopetest.Uniform(2, dayStart.Add(-2*time.Hour), dayStart.Add(-time.Hour), 5500, 400)...)
		simulate(t, &netskopetest.Server{}, alerts, func(w *world) {
			w.Lookback, w.PageSize = 4*time.Hour, 2000
			refused := w.refuseOnce(status, isLater)
			w.mustRun()
			w.checkDelivered()
			if !*refused {
				t.Error("nothing was refused: the test shows nothing")
			}
		})
	}
}

// TestOneRefusalBehindAShortPage: nor is it the end where the tenant gives fewer alerts a page than it
// is asked for, and every page is short; also where a question for the time that is left shows the same page.
func TestOneRefusalBehindAShortPage(t *testing.T) {
	for _, status := range clientErrors {
		for what, alerts := range map[string][]netskopetest.Alert{
			"in an hour": lastHour(100), "in a second": tinyAt(dayStart.Add(-35*time.Minute), 100)} {
			simulate(t, &netskopetest.Server{PageCap: 10}, alerts, func(w *world) {
				w.Lookback, w.PageSize = time.Hour, 60
				refused := w.refuseOnce(status, isLater)
				if r := w.mustRun(); r.Alerts != 100 || !*refused {
					t.Errorf("%s, %d: %d of 100 alerts", what, status, r.Alerts)
				}
				w.checkDelivered()
			})
		}
	}
}

// TestShortPageIsNoEnd: one page comes too short, and a question for the time that is left is answered by a
// full page of alerts that are known: what lies behind is not shown by it to be nothing, whether the
// last known alert is on that page or not.
func TestShortPageIsNoEnd(t *testing.T) {
	for _, test := range []struct{ busyFrom, alerts, offset, gives int }{
		{busyFrom: 3, alerts: 30, offset: 18, gives: 2}, // the page is that of the busy second's first alerts
		{busyFrom: 4, alerts: 15, offset: 9, gives: 5},  // the page ends with the last known alert
	} {
		busy := dayStart.Add(-20 * time.Minute)
		var alerts []netskopetest.Alert
		for i := range test.busyFrom {
			alerts = append(alerts, tinyAt(busy.Add(time.Duration(i-30)*time.Minute), 1)...)
		}
		alerts = append(alerts, tinyAt(busy, test.alerts-test.busyFrom)...)
		simulate(t, &netskopetest.Server{Order: netskopetest.OldestFirst}, alerts, func(w *world) {
			w.hourly(dayStart.Add(-2 * time.Hour))
			w.Lookback, w.PageSize = time.Hour, 10
			short := &shortened{RoundTripper: w.HTTP.Transport, offset: fmt.Sprint(test.offset), limit: fmt.Sprint(test.gives)}
			w.HTTP = &http.Client{Transport: short}
			if r := w.mustRun(); r.Alerts != int64(test.alerts) || short.times == 0 {
				t.Errorf("%+v: %d alerts are delivered, %d pages were short", test, r.Alerts, short.times)
			}
			w.checkDelivered()
		})
	}
}

// shortened asks for fewer alerts at one offset than it is asked for.
type shortened struct {
	http.RoundTripper
	offset, limit string
	times         int
}

func (s *shortened) RoundTrip(r *http.Request) (*http.Response, error) {
	q := r.URL.Query()
	if q.Get("offset") == s.offset {
		s.times++
		q.Set("limit", s.limit)
		r = r.Clone(r.Context())
		r.URL.RawQuery = q.Encode()
	}
	return s.RoundTripper.RoundTrip(r)
}

// TestRefusalOfAQuestionWithinAPage: of an alert without a time of its own another question is asked while
// its page is being read. A refusal of that question is none of the page.
func TestRefusalOfAQuestionWithinAPage(t *testing.T) {
	for _, dialect := range []netskopetest.Dialect{netskopetest.Offset, netskopetest.Cursor} {
		for _, status := range clientErrors {
			alerts := lastHour(200)
			alerts[150].JSON = insertedDigits.ReplaceAll(alerts[150].JSON, []byte("${1}0")) // on a later page in either order
			alerts[50].JSON = insertedDigits.ReplaceAll(alerts[50].JSON, []byte("${1}0"))
			simulate(t, &netskopetest.Server{Dialect: dialect, Order: netskopetest.Shuffled}, alerts, func(w *world) {
				w.Lookback, w.PageSize = time.Hour, 20
				refused := w.refuseOnce(status, func(r netskopetest.Request) bool { return r.End.Sub(r.Start) == time.Second })
				if _, err := w.run(); err == nil || !strings.Contains(err.Error(), fmt.Sprint("answered ", status)) {
					t.Errorf("dialect %d, %d: %v", dialect, status, err)
				}
				if !*refused {
					t.Error("nothing was refused: the test shows nothing")
				}
				w.mustRun()
				w.checkDelivered()
			})
		}
	}
}

// TestEmptyPagesOfAChain: a page that names a next one is not the last, also if it is empty.
func TestEmptyPagesOfAChain(t *testing.T) {
	simulate(t, &netskopetest.Server{Dialect: netskopetest.Cursor}, lastHour(3000), func(w *world) {
		w.Lookback, w.PageSize = time.Hour, 500
		n := 0
		w.faults(func(r netskopetest.Request) (f netskopetest.Fault) {
			if n++; n == 3 || n == 4 || n == 5 {
				f.Kind = netskopetest.EmptyPage
			}
			return f
		}, nil)
		w.mustRun()
		w.checkDelivered()
		// For ever is no end, either.
		time.Sleep(time.Hour)
		w.tenant.Add(netskopetest.Uniform(3, dayStart, dayStart.Add(30*time.Minute), 1500, 400)...)
		n = 0
		w.faults(func(r netskopetest.Request) (f netskopetest.Fault) {
			if !r.First {
				f.Kind = netskopetest.EmptyPage
			}
			return f
		}, nil)
		if r, err := w.run(); err == nil || !strings.Contains(err.Error(), "in circles") {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

// TestClockAhead: where the collector's clock, or the event's time, is ahead of the tenant's, the
// horizon is by the tenant's clock.
func TestClockAhead(t *testing.T) {
	for _, skew := range []time.Duration{3 * time.Second, 50 * time.Second, 12 * time.Minute, 30 * time.Minute} {
		alerts := shownAtOnce(1, -2*time.Hour, 6*time.Hour, 4000)
		tenant := &netskopetest.Server{DateSkew: -skew, Now: func() time.Time { return time.Now().Add(-skew) }}
		for i := range alerts { // they become visible when the tenant stores them
			alerts[i].Visible = alerts[i].Inserted.Add(4 * time.Minute)
		}
		simulate(t, tenant, alerts, func(w *world) {
			w.Lookback = time.Hour
			w.cloud.Visible = nil
			for range 5 {
				r := w.mustRun()
				if got := r.Skew - skew; got < -time.Second || got > 2*time.Second {
					t.Errorf("skew %v: %v", skew, r.Skew)
				}
				if warned := r.level() > 0; warned != (skew > time.Minute) {
					t.Errorf("skew %v: level %v", skew, r.level())
				}
				if behind := time.Since(r.Through); behind > 20*time.Minute+skew {
					t.Errorf("skew %v: %v behind", skew, behind)
				}
				time.Sleep(time.Hour)
			}
			w.began = w.state().Began
			w.checkDelivered()
		})
	}
}

// TestSuccessIsDemanded: an answer with status 200 counts as a page only if it says so, or holds
// alerts and says nothing else.
func TestSuccessIsDemanded(t *testing.T) {
	for _, body := range []string{
		`{"status":"fail","message":"internal failure","result":[]}`, `{"error":"internal failure","result":[]}`,
		`{"errors":[{"message":"internal failure"}],"result":[]}`, `{"result":[]}`, `{"ok":null,"result":[]}`,
		`{"ok":"internal failure","result":[]}`, `{"ok":1,"success":false,"result":[]}`,
		`{"ok":true,"status":"partial","result":[]}`,
		`{"data":[],"result":[]}`,
	} {
		simulate(t, &netskopetest.Server{}, lastHour(300), func(w *world) {
			w.Lookback = time.Hour
			w.faults(func(netskopetest.Request) netskopetest.Fault {
				return netskopetest.Fault{Kind: netskopetest.Answer, Body: body}
			}, nil)
			r, err := w.run()
			if err == nil || strings.Contains(body, "internal failure") && strings.Contains(body, "message") &&
				!strings.Contains(body, "errors") && !strings.Contains(err.Error(), "internal failure") {
				t.Errorf("%s: %+v, %v", body, r, err)
			}
			w.faults(nil, nil)
			w.mustRun()
			w.checkDelivered()
		})
	}
}

// TestRowsVanish: where rows vanish while a range is paged through, later ones must not slip
// past the offset.
func TestRowsVanish(t *testing.T) {
	for _, order := range []netskopetest.Order{netskopetest.NewestFirst, netskopetest.OldestFirst, netskopetest.Shuffled} {
		alerts := lastHour(100)
		simulate(t, &netskopetest.Server{Order: order}, alerts, func(w *world) {
			w.Lookback, w.PageSize = time.Hour, 10
			var once sync.Once
			w.faults(func(r netskopetest.Request) (f netskopetest.Fault) {
				if r.Offset > 40 {
					once.Do(func() {
						for i := 0; i < 60; i += 2 {
							w.tenant.Remove(alerts[i].ID)
						}
					})
				}
				return f
			}, nil)
			w.cloud.Visible = nil
			r, err := w.run()
			if err != nil { // what it gave before, and gives no more, is loud
				w.faults(nil, nil)
				r = w.mustRun()
			}
			left := map[string]bool{}
			for _, a := range w.tenant.Alerts() {
				left[a.ID] = true
			}
			for _, o := range w.objects() {
				for _, line := range w.content(o) {
					delete(left, w.lines[line].ID)
				}
			}
			if len(left) > 0 || len(w.tenant.Alerts()) == 100 {
				t.Errorf("order %d: %d alerts slipped past: %+v", order, len(left), r)
			}
		})
	}
}

// TestOneIDForTwo: alerts whose bytes differ are different alerts, whatever their _id says.
func TestOneIDForTwo(t *testing.T) {
	at := dayStart.Add(-20 * time.Minute)
	var alerts []netskopetest.Alert
	for i, members := range []string{
		`"_id":"882049056ee9e069c1c329b7","alert_type":"Malware"`, `"_id":"882049056ee9e069c1c329b7","alert_type":"policy"`,
		`"_id":"null","n":1`, `"_id":"null","n":2`, `"_id":null,"n":3`, `"_id":"","n":4`, `"_id":" ","n":5`,
		`"_id":0,"n":6`, `"_id":"0","n":7`,
	} {
		json := fmt.Sprintf(`{%s,"_insertion_epoch_timestamp":%d,"timestamp":%[2]d}`, members, at.Unix())
		alerts = append(alerts, netskopetest.Alert{ID: fmt.Sprint(i), Event: at, Inserted: at, JSON: []byte(json)})
	}
	simulate(t, &netskopetest.Server{}, alerts, func(w *world) {
		w.Lookback, w.PageSize = time.Hour, 4
		if r := w.mustRun(); r.Alerts != int64(len(alerts)) || r.Clashes < 1 || r.level() == 0 {
			t.Errorf("%+v", r)
		}
		w.checkDelivered()
		found, err := w.Ledger().Find(w.t.Context(), "882049056ee9e069c1c329b7", dayStart.Add(-time.Hour), dayStart)
		if err != nil || len(found) != 2 {
			t.Errorf("%+v, %v", found, err)
		}
	})
}

// TestTimesInEveryForm: an alert is delivered by its own time, in whatever form that comes.
func TestTimesInEveryForm(t *testing.T) {
	at := dayStart.Add(-20 * time.Minute)
	for _, form := range []string{"%d", "%d000", "%d000000", "%d000000000", `"%d"`, "%d.5"} {
		var alerts []netskopetest.Alert
		for i := range 10 {
			stored := at.Add(time.Duration(i) * time.Minute)
			json := fmt.Sprintf(`{"_id":"a%d","_insertion_epoch_timestamp":`+form+`}`, i, stored.Unix())
			alerts = append(alerts,
				netskopetest.Alert{ID: fmt.Sprint("a", i), Event: stored, Inserted: stored, JSON: []byte(json)})
		}
		simulate(t, &netskopetest.Server{}, alerts, func(w *world) {
			w.Lookback = time.Hour
			if r := w.mustRun(); r.Quarantined > 0 || r.Undated > 0 {
				t.Errorf("%s: %+v", form, r)
			}
			w.checkDelivered()
		})
	}
}

// TestBesideTheRange (F28): a tenant that lists alerts a few seconds outside the range that was asked
// for, of any range or of longer ones only: each belongs to the cell of its own time. There is something
// in each of the seconds around every edge, so that whoever takes an alert of a neighbour's is seen.
func TestBesideTheRange(t *testing.T) {
	var alerts []netskopetest.Alert
	for hour := range 4 {
		edge := dayStart.Add(-time.Duration(hour)*time.Hour - 5*time.Minute)
		for second := range 13 {
			alerts = append(alerts, tinyAt(edge.Add(time.Duration(second-6)*time.Second), 2)...)
		}
	}
	for _, from := range []int64{0, 60} {
		simulate(t, &netskopetest.Server{}, alerts, func(w *world) {
			w.Lookback, w.PageSize = 3*time.Hour, 500
			w.hourly(dayStart.Add(-4 * time.Hour))
			w.HTTP = &http.Client{Transport: widening{w.HTTP.Transport, from}}
			w.mustRun()
			if n := len(w.objects()); n != 3 {
				t.Errorf("%d objects of three hours: the test shows nothing", n)
			}
			w.checkDelivered()
			if n := len(w.cloud.Objects(w.BucketName, w.Folders().Quarantine)); n > 0 {
				t.Errorf("something was quarantined, in %d objects", n)
			}
			time.Sleep(time.Hour)
			w.mustRun()
			w.checkDelivered()
		})
	}
}

// widening asks for three seconds more on both sides than it is asked for, where that is so many seconds or more.
type widening struct {
	http.RoundTripper
	from int64
}

func (t widening) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	q := r.URL.Query()
	var start, end int64
	fmt.Sscan(q.Get("insertionstarttime"), &start)
	fmt.Sscan(q.Get("insertionendtime"), &end)
	if end-start >= t.from {
		q.Set("insertionstarttime", fmt.Sprint(start-3))
		q.Set("insertionendtime", fmt.Sprint(end+3))
	}
	r.URL.RawQuery = q.Encode()
	return t.RoundTripper.RoundTrip(r)
}

// TestRefusalsAreNamed: the tenant's own words, the status and the encoding are in the error.
func TestRefusalsAreNamed(t *testing.T) {
	header := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	for _, test := range []struct {
		fault netskopetest.Fault
		want  string
	}{
		{netskopetest.Fault{Kind: netskopetest.Answer, Status: 400, Body: `{"errors":[{"message":"bad query"}]}`},
			"answered 400: bad query"},
		{netskopetest.Fault{Kind: netskopetest.Answer, Status: 400, Body: `{"error":{"message":"bad query"}}`},
			"answered 400: bad query"},
		{netskopetest.Fault{Kind: netskopetest.Answer, Status: 204}, "answered 204: no content"},
		{netskopetest.Fault{Kind: netskopetest.Answer, Header: header("Content-Encoding", "br"), Body: "\x8b\x00"},
			"the encoding br"},
		{netskopetest.LoginPage(), "HTML"},
		{netskopetest.Fault{Kind: netskopetest.Answer, Status: 400,
			Body: "{\"message\":\"no \u202egnihton " + testToken + "\"}"}, "no \ufffdgnihton (the token)"},
		{netskopetest.Fault{Kind: netskopetest.Answer, Status: 407, Body: `<html>`}, "HTTPS_PROXY"},
	} {
		simulate(t, &netskopetest.Server{}, lastHour(3), func(w *world) {
			w.Lookback = time.Hour
			w.faults(func(netskopetest.Request) netskopetest.Fault { return test.fault }, nil)
			_, err := w.run()
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), testToken) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	for _, fault := range []netskopetest.Fault{
		netskopetest.RateLimited(fmt.Sprint(dayStart.Add(2 * time.Second).Unix())),
		netskopetest.RateLimited("inf"), netskopetest.RateLimited("soon"),
		{Kind: netskopetest.Answer, Status: 408}, {Kind: netskopetest.Answer, Status: 425}, netskopetest.TooManyRequests(),
	} {
		simulate(t, &netskopetest.Server{}, lastHour(3), func(w *world) {
			w.Lookback = time.Hour
			var once sync.Once
			w.faults(func(netskopetest.Request) (f netskopetest.Fault) {
				once.Do(func() { f = fault })
				return f
			}, nil)
			began := time.Now()
			if r := w.mustRun(); r.Retries != 1 || time.Since(began) > 10*time.Second {
				t.Errorf("%+v: %+v", fault, r)
			}
			w.checkDelivered()
		})
	}
}

// TestStagedObjectTaken: a staged object that a rule or a person removes between its entry and its
// move is neither staged nor in its place: the run says so, by name, once, and what was in it can
// be repaired. Of a feed that deletes what it has read, a run that did its work says nothing.
func TestStagedObjectTaken(t *testing.T) {
	told := func(w *world, r Report, want int) {
		w.t.Helper()
		if len(r.Gone) != want || (r.level() > 0) != (want > 0) {
			w.t.Errorf("want %d gone: %q, level %v, trouble %q", want, r.Gone, r.level(), r.Trouble)
		}
		for _, name := range r.Gone {
			if _, _, _, ok := w.Folders().ParseAlerts(name); !ok {
				w.t.Errorf("%s is no name of an object in the feed's folder", name)
			}
		}
	}
	repaired := func(w *world) {
		w.t.Helper()
		w.cloud.Visible = nil
		s := w.mustAudit(audit.Options{Since: w.began, Repair: true, ObjectsKept: true})
		if s.Missing == 0 || s.Repaired != s.Missing {
			w.t.Errorf("%+v", s)
		}
		w.checkDelivered()
	}
	for _, feed := range []func() time.Duration{nil, func() time.Duration { return time.Minute }} {
		simulate(t, &netskopetest.Server{}, hoursBefore(3, 60), func(w *world) { // under the hands of the run
			w.Lookback, w.feed = 2*time.Hour, feed
			taken := ""
			w.faults(nil, func(r gcstest.Request) (f gcstest.Fault) {
				if r.Op == gcstest.MoveObject && taken == "" {
					taken = r.Destination
					w.cloud.Delete(r.Bucket, r.Object)
				}
				return f
			})
			r := w.mustRun()
			told(w, r, 1)
			if r.Gone[0] != taken || !r.CaughtUp {
				t.Errorf("%+v, taken was %s", r, taken)
			}
			w.faults(nil, nil)
			time.Sleep(time.Hour)
			told(w, w.mustRun(), 0)
			if feed == nil {
				repaired(w)
			}
		})
		simulate(t, &netskopetest.Server{}, hoursBefore(3, 60), func(w *world) { // after a run that died
			left := stranded(w)
			w.feed = feed
			w.cloud.Delete(w.BucketName, left.Name)
			time.Sleep(24 * time.Hour)
			r := w.mustRun()
			told(w, r, 1)
			time.Sleep(time.Hour)
			told(w, w.mustRun(), 0)
			if feed == nil {
				repaired(w)
			}
		})
	}
	simulate(t, &netskopetest.Server{}, hoursBefore(3, 60), func(w *world) { // nothing was taken, but by the feed
		w.Lookback, w.feed = 2*time.Hour, func() time.Duration { return time.Minute }
		for range 4 {
			told(w, w.mustRun(), 0)
			time.Sleep(time.Hour)
		}
		w.mustBackfill(Span{From: w.began, To: dayStart.Add(-5 * time.Minute)})
		m, err := w.PlanMove(w.t.Context(), time.Now(), w.began)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Apply(w.t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if r := w.mustRun(); r.Covered == 0 {
			t.Errorf("%+v", r)
		} else {
			told(w, r, 0)
		}
		w.checkDelivered()
	})
}
