package collector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/netskope"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
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
			w.config.Lookback = 2 * time.Hour
			w.mustRun()
			w.checkDelivered()
			objects := w.objects()
			if len(objects) != 1 || objects[0].ContentType != "application/x-ndjson" || objects[0].ContentEncoding != "" {
				t.Fatalf("objects: %+v", objects)
			}
		})
	}
}

// TestQuarantine holds that what would break the feed is kept out of it, kept, and
// reported, and that the rest goes on.
func TestQuarantine(t *testing.T) {
	const head = `{"_id":"%s","_insertion_epoch_timestamp":NOW,"timestamp":NOW,"pad":"%s"}`
	fits := MaxLine - 1 - len(fmt.Sprintf(head, "fits", "")) - len(fmt.Sprint(dayStart.Unix()))*2 + 2*len("NOW")
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
		w.config.Lookback = 2 * time.Hour
		w.cloud.Visible = nil
		r := w.mustRun()
		if r.Quarantined != 5 || r.Alerts != 7 {
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
		var window Window
		for _, o := range w.cloud.Objects(w.config.Bucket, w.config.Prefix+".quarantine/") {
			window, _, _ = nameParts(o.Name, "quarantine")
			for _, line := range w.content(o) {
				var entry struct {
					Reason string
					Window struct{ From, To time.Time }
					Alert  json.RawMessage
				}
				if err := json.Unmarshal([]byte(line), &entry); err != nil {
					t.Fatal(err)
				}
				if entry.Window.From != window.From || entry.Window.To != window.To {
					t.Errorf("window %v in object %s", entry.Window, o.Name)
				}
				isolated = append(isolated, fmt.Sprintf("%s: %.22s", entry.Reason, entry.Alert))
			}
		}
		slices.Sort(delivered)
		if want := []string{"fits", "plain"}; !slices.Equal(delivered, want) {
			t.Errorf("delivered %q, want %q", delivered, want)
		}
		slices.Sort(isolated)
		if want := []string{
			`its time is outside the range that was asked for: {"_id":"stray","_inser`,
			`longer than 4000000 bytes: {"_id":"long","_insert`,
			`not a JSON object: "a string"`,
			`not a JSON object: ["an","array"]`,
			`not a JSON object: null`,
		}; !slices.Equal(isolated, want) {
			t.Errorf("quarantined\n%q, want\n%q", isolated, want)
		}
	})
}

// TestQuarantineComesBeforeTheFeed kills a run between the two objects of a window.
func TestQuarantineComesBeforeTheFeed(t *testing.T) {
	alerts := []netskopetest.Alert{
		storedAt(time.Hour, `{"_id":"plain","_insertion_epoch_timestamp":NOW,"timestamp":NOW}`),
		storedAt(time.Hour, `"a string"`),
	}
	simulate(t, &netskopetest.Server{}, alerts, func(w *world) {
		w.config.Lookback = 2 * time.Hour
		w.cloud.Visible = nil
		w.faults(nil, func(r gcstest.Request) (f gcstest.Fault) {
			if strings.HasPrefix(r.Destination, w.config.Prefix+"/") {
				f.Status = http.StatusForbidden
			}
			return f
		})
		if _, err := w.run(); err == nil {
			t.Fatal("the run succeeded")
		}
		if n := len(w.cloud.Objects(w.config.Bucket, w.config.Prefix+".quarantine/")); n != 1 {
			t.Errorf("%d objects in quarantine", n)
		}
		w.faults(nil, nil)
		if r := w.mustRun(); r.Quarantined != 1 || len(w.objects()) != 1 || len(w.cloud.Objects(w.config.Bucket, w.config.Prefix+".quarantine/")) != 1 {
			t.Errorf("%+v", r)
		}
	})
}

// TestAlertsWithoutTimeOrID holds that even an alert that does not say to which window
// it belongs is delivered once, whichever bounds the tenant includes.
func TestAlertsWithoutTimeOrID(t *testing.T) {
	for _, tenant := range []*netskopetest.Server{
		{StartInclusive: true},
		{StartInclusive: true, EndExclusive: true},
		{EndExclusive: true, Order: netskopetest.Shuffled},
		{Dialect: netskopetest.Cursor, StartInclusive: true},
	} {
		seed := newSeed(t)
		alerts := netskopetest.Profile{Seed: seed, From: dayStart.Add(-150 * time.Minute), To: dayStart, N: 3000, Burst: -1, VisibleWithin: -1,
			WithoutInserted: 0.5, WithoutID: 0.3}.Alerts()
		simulate(t, tenant, alerts, func(w *world) {
			w.config.Lookback, w.config.Window = 2*time.Hour, time.Minute
			w.config.RequestsPerSecond = 0
			w.config.PageSize = 7 // windows stay short, so that there are many seams
			r := w.mustRun()
			if r.Undated < 500 || r.Windows < 50 {
				t.Errorf("report: %+v", r)
			}
			w.checkDelivered()
		})
	}
}

// TestExpiredCursorBeginsAnew: what a cursor that expired had delivered is not
// delivered again by the paging that begins anew.
func TestExpiredCursorBeginsAnew(t *testing.T) {
	simulate(t, &netskopetest.Server{Dialect: netskopetest.Cursor}, hoursBefore(2, 300), func(w *world) {
		w.config.Lookback, w.config.PageSize = time.Hour, 5
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
		w.config.PageSize = 2
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
				w.config.Lookback, w.config.Window, w.config.PageSize = time.Hour, time.Hour, 20
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
// end a window early.
func TestPagingInCirclesFails(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"ok":1,"result":[{"_id":"a","_insertion_epoch_timestamp":%[1]d,"timestamp":%[1]d}]}`, dayStart.Add(-time.Hour).Unix())
	})
	simulate(t, &netskopetest.Server{}, nil, func(w *world) {
		w.client = &http.Client{Transport: serve(w.t, handler)}
		w.config.Lookback = 2 * time.Hour
		w.cloud.Visible = nil
		if _, err := w.run(); err == nil || !strings.Contains(err.Error(), "circles") {
			t.Errorf("got %v", err)
		}
	})
}

// TestPaced covers the documented limit of 4 requests a second.
func TestPaced(t *testing.T) {
	simulate(t, &netskopetest.Server{RateLimit: 4}, hoursBefore(3, 500), func(w *world) {
		w.config.Lookback, w.config.PageSize = 2*time.Hour, 10
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
			w.config.Lookback = time.Hour
			var moments []time.Time
			w.faults(func(r netskopetest.Request) (f netskopetest.Fault) {
				if moments = append(moments, time.Now()); len(moments) == 1 {
					f = netskopetest.RateLimited(test.after())
				}
				return f
			}, nil)
			r := w.mustRun()
			if waited := moments[1].Sub(moments[0]); r.Retries != 1 || waited < test.wait || waited > test.wait+time.Second {
				t.Errorf("Retry-After %q: waited %v, want %v", test.after(), waited, test.wait)
			}
			w.checkDelivered()
		})
	}
}

// TestErrorsSayWhatToDo holds hints, and that an answer's body is never shown whole.
func TestErrorsSayWhatToDo(t *testing.T) {
	long := strings.Repeat("long ", 1000)
	for _, test := range []struct {
		fault netskopetest.Fault
		want  []string
	}{
		{netskopetest.Unauthorized(), []string{"401", "expired", netskope.AlertPath}},
		{netskopetest.Forbidden(), []string{"403", "You cannot consume this service", "role may read " + netskope.AlertPath}},
		{netskopetest.Fault{Kind: netskopetest.Answer, Status: 404, Body: `{"message":"no Route"}`}, []string{"404", "no Route", "NETSKOPE_TENANT"}},
		{netskopetest.Fault{Kind: netskopetest.Answer, Status: 400, Body: `{"message":"` + long + testToken + `"}`}, []string{"400", "long long", "…"}},
		{netskopetest.Fault{Kind: netskopetest.Answer, Status: 400, Body: `{"message":"token ` + testToken + ` is\u0007bad"}`}, []string{"400", "token (the token) is bad"}},
		{netskopetest.GatewayError(502), []string{"502", "given up after 10 attempts"}},
		{netskopetest.NotOK("Time parameters are not passed"), []string{"ok=0", "Time parameters are not passed"}},
		{netskopetest.RateLimited("86400"), []string{"429", "asks to wait 24h0m0s", "the run has only"}},
		{netskopetest.Fault{Kind: netskopetest.Stall}, []string{"no byte for a minute"}},
	} {
		simulate(t, &netskopetest.Server{}, hoursBefore(2, 10), func(w *world) {
			w.config.Token = testToken
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
// and asked for again, while one that goes on slowly for an hour is not.
func TestSilentTenantIsGivenUp(t *testing.T) {
	simulate(t, &netskopetest.Server{}, hoursBefore(2, 10), func(w *world) {
		w.config.Lookback = time.Hour
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
		for range 60 {
			fmt.Fprint(w, " ")
			http.NewResponseController(w).Flush()
			time.Sleep(50 * time.Second)
		}
		fmt.Fprint(w, `]}`)
	})
	simulate(t, &netskopetest.Server{}, nil, func(w *world) {
		w.client = &http.Client{Transport: serve(w.t, slow)}
		w.config.Lookback, w.config.Window, w.config.Budget = time.Hour, time.Hour, time.Hour
		if r := w.mustRun(); r.Retries != 0 || r.Pages != 1 {
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
