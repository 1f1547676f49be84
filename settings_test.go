package collector

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/audit"
	"netskope-alerts.internal/collector/internal/message"
	"netskope-alerts.internal/collector/internal/settings"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// TestUndatedVisibleAtLag: alerts without a time on an edge become visible while its cells are fetched.
func TestUndatedVisibleAtLag(t *testing.T) {
	for _, field := range []bool{false, true} {
		for _, edge := range []time.Duration{-65 * time.Minute, -5 * time.Minute} {
			one := undatedAt(dayStart.Add(edge), 1, 0)[0]
			// stored 0.9 s after the edge, visible after 4 min 59.9 s of a LAG of 5 min... of the second it is listed by: 5 min
			one.Visible = one.Inserted.Add(5*time.Minute + 800*time.Millisecond)
			simulate(t, &netskopetest.Server{}, []netskopetest.Alert{one}, func(w *world) {
				w.Lookback = 4 * time.Hour
				w.cloud.Visible = nil
				n := int64(0)
				if !field {
					n += w.mustRun().Alerts
				}
				time.Sleep(time.Hour)
				n += w.mustRun().Alerts
				time.Sleep(time.Hour)
				n += w.mustRun().Alerts
				if n != 1 {
					t.Errorf("edge %v, %v: %d", edge, field, n)
				}
			})
		}
	}
}

// TestLagZero: no lag, a cap on records, and alerts that are visible at once.
func TestLagZero(t *testing.T) {
	for seed := range seeds(8) {
		alerts := shownAtOnce(seed, -10*time.Hour, 10*time.Hour, 2000)
		for i := range alerts {
			alerts[i].Visible = alerts[i].Inserted
		}
		simulate(t, &netskopetest.Server{Order: netskopetest.Order(seed % 3)}, alerts, func(w *world) {
			w.Lag, w.PageSize, w.MaxRecords = 0, 30, int(seed)*40
			for range 40 {
				w.run()
				time.Sleep(time.Duration(seed*97+600) * time.Second)
				w.Compression = []settings.Compression{settings.NoCompression, settings.Gzip}[seed%2]
			}
			w.MaxRecords = 0
			w.mustRun()
			w.checkDelivered()
		})
	}
}

// TestEventTimeKills: runs by event time are killed while page size and compression change.
func TestEventTimeKills(t *testing.T) {
	for seed := range seeds(6) {
		simulate(t, &netskopetest.Server{Order: netskopetest.Order(seed % 3)}, dayOfAlerts(seed, 1500), func(w *world) {
			w.TimeField, w.Lag, w.Lookback = alert.EventTime, 24*time.Hour, 5*time.Hour
			w.Lag = 28 * time.Hour
			random := rand.New(rand.NewPCG(seed, 4))
			for range 30 {
				ctx, die := context.WithCancel(w.t.Context())
				time.AfterFunc(time.Duration(random.IntN(4000))*time.Millisecond, die)
				w.PageSize = 10 + random.IntN(100)
				w.Compression = []settings.Compression{settings.NoCompression, settings.Gzip}[random.IntN(2)]
				w.runAt(ctx, time.Now())
				die()
				time.Sleep(time.Duration(random.IntN(90)) * time.Minute)
			}
			w.mustRun()
			time.Sleep(time.Minute)
			w.checkDelivered()
		})
	}
}

// TestPrefixChanged: the feed's folder is another one, the state is kept: nothing is lost. What a run that died had
// made durable and not saved comes again, in the new folder; after a run that ended well, nothing does.
func TestPrefixChanged(t *testing.T) {
	for _, dies := range []bool{false, true} {
		simulate(t, &netskopetest.Server{}, hoursAround(10, 2000), func(w *world) {
			w.Lookback = 8 * time.Hour
			w.cloud.Visible = nil // two folders
			moves := 0
			ctx, die := context.WithCancel(w.t.Context())
			w.faults(nil, func(r gcstest.Request) (f gcstest.Fault) {
				if r.Op == gcstest.MoveObject && dies {
					if moves++; moves == 2 {
						die()
						return gcstest.Fault{Reset: true}
					}
				}
				return
			})
			_, err := w.runAt(ctx, time.Now())
			die()
			w.faults(nil, nil)
			old := w.objects()
			if (err != nil) != dies || len(old) == 0 || dies && len(w.cloud.Objects(w.BucketName, w.Folders().Staging)) == 0 {
				t.Fatalf("before: %v, %d objects", err, len(old))
			}
			want := "" // a state that is where it began needs no ledger
			if s := w.state(); s.Through.After(s.Began) {
				want = stateAlone
			}
			time.Sleep(time.Hour)
			w.Prefix = "other/alerts"
			r := w.mustRun()
			count := map[string]int{}
			for _, o := range append(old, w.objects()...) {
				for _, line := range w.content(o) {
					count[line]++
				}
			}
			lost, twice := 0, 0
			for line, one := range w.lines {
				if one.Inserted.Before(r.Through) && !one.Inserted.Before(w.state().Began) {
					switch n := count[line]; {
					case n == 0:
						lost++
					case n > 1:
						twice++
					}
				}
			}
			if r.Trouble != want || r.Alerts == 0 || lost > 0 || twice > 0 && !dies {
				t.Errorf("after a run that dies, %v: lost %d, twice %d: %+v", dies, lost, twice, r)
			}
		})
	}
}

// TestAuditProgress: the counts of an audit by message add up, also where its runs die.
func TestAuditProgress(t *testing.T) {
	alerts := append(hoursBefore(80, 6000), lateAlerts(5)...)
	for i := range 60 {
		alerts = append(alerts, late(fmt.Sprintf("late-x%d", i), dayStart.Add(-time.Duration(i+3)*time.Hour)))
	}
	simulate(t, &netskopetest.Server{}, alerts, func(w *world) {
		w.Lookback, w.PageSize = 70*time.Hour, 25
		w.mustRun()
		time.Sleep(3 * time.Hour)
		w.mustRun()
		w.PageSize = 500
		now := time.Now()
		want := w.mustAudit(audit.Options{Since: now.Add(-72 * time.Hour).UTC()})
		var got audit.Summary
		k := 0
		for k = range 60 {
			ctx, die := context.WithCancel(w.t.Context())
			saves := 0
			w.faults(nil, func(r gcstest.Request) (f gcstest.Fault) {
				if r.Write && strings.Contains(r.Object, "audit/") {
					if saves++; saves == 1 {
						time.AfterFunc(10*time.Millisecond, die)
					}
				}
				return
			})
			s, err := w.auditBudgeted(ctx, now, message.Request{Verify: 72 * time.Hour})
			die()
			if err == nil && s.Complete {
				got = s
				break
			}
			time.Sleep(time.Second)
		}
		t.Log(k, "deaths")
		if got.Missing != want.Missing || got.Delivered != want.Delivered {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	})
}

// TestProgressLeftBehind: the progress of an audit that came to its end without having said so, or
// of one that nobody has gone on with for an hour, is not in the way of another.
func TestProgressLeftBehind(t *testing.T) {
	for name, at := range map[string]time.Duration{"at its end": 0, "in the middle": -time.Hour} {
		simulate(t, &netskopetest.Server{}, hoursBefore(8, 300), func(w *world) {
			w.Lookback = 6 * time.Hour
			w.mustRun()
			to := w.state().Through
			last := audit.Summary{From: to.Add(-3 * time.Hour), To: to, At: to.Add(at)}
			left := progress{Asked: 3 * time.Hour, Now: dayStart, Audit: last}
			if _, err := w.saveProgress(w.t.Context(), left); err != nil {
				t.Fatal(err)
			}
			if at != 0 {
				time.Sleep(leftAlone + time.Minute)
			}
			now := time.Now()
			s, err := w.auditBudgeted(w.t.Context(), now, message.Request{Verify: 5 * time.Hour})
			if err != nil || !s.Complete || s.Cells == 0 || s.From.After(now.Add(-4*time.Hour)) {
				t.Errorf("%s: %+v, %v", name, s, err)
			}
		})
	}
}
