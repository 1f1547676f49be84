package check

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
	"netskope-alerts.internal/collector/internal/state"
)

// stateOf is a state that has come to through.
func stateOf(w *world, through time.Time, tenant, field string) []byte {
	content, err := json.Marshal(state.State{Through: through, Began: through.Add(-time.Hour), Tenant: tenant,
		TimeField: alert.TimeField(field)})
	if err != nil {
		w.t.Fatal(err)
	}
	return content
}

func TestCheckState(t *testing.T) {
	const here = "http://localhost"
	due := dayStart.Add(-5 * time.Minute)
	original := fmt.Sprintf(`{"last_event_time":%d}`, dayStart.Add(-3*time.Hour).Unix())
	for _, test := range []struct {
		name   string
		config []string
		set    func(*world)
		want   []expected
	}{
		{"in the feed's folder", []string{"STATE_KEY=netskope/alerts/my-state.json"}, func(w *world) {
			w.cloud.Put(w.config.BucketName, "netskope/alerts/my-state.json", stateOf(w, due, here, "insertion"))
		}, []expected{{"state.place", Warn,
			"gs://alerts-bucket/netskope/alerts/my-state.json lies in the feed's folder|move the object out"},
			{"state.content", Pass, ""}, {"feed.folder", Pass, "1 object"}}},
		{"of another tenant", nil, func(w *world) {
			w.cloud.Put(w.config.BucketName, w.config.StateKey,
				stateOf(w, due, "https://acme.goskope.com", "insertion"))
		}, []expected{{"state.content", Pass, ""},
			{"state.config", Fail,
				"NETSKOPE_TENANT=https://acme.goskope.com, but this run has http://localhost|its own STATE_KEY"}}},
		{"of another time field", []string{"TIME_FIELD=event"}, func(w *world) {
			w.cloud.Put(w.config.BucketName, w.config.StateKey, stateOf(w, due, here, "insertion"))
		}, []expected{{"state.config", Fail, "TIME_FIELD=insertion, but this run has event"}}},
		{"caught up", nil, func(w *world) {
			w.cloud.Put(w.config.BucketName, w.config.StateKey, stateOf(w, due, here, "insertion"))
			time.Sleep(time.Minute)
		}, []expected{{"state.content", Pass, "every alert before 2026-11-22T23:55:00Z"},
			{"state.age", Pass, "saved 6"}, {"state.lag", Pass, "caught up"}}},
		{"an hour behind", nil, func(w *world) {
			w.cloud.Put(w.config.BucketName, w.config.StateKey, stateOf(w, due.Add(-time.Hour), here, "insertion"))
		}, []expected{{"state.lag", Pass, "60 minutes behind"}}},
		{"a day behind", nil, func(w *world) {
			w.cloud.Put(w.config.BucketName, w.config.StateKey, stateOf(w, due.Add(-24*time.Hour), here, "insertion"))
		}, []expected{{"state.age", Pass, ""}, {"state.lag", Warn, "24 hours behind|netskope-alerts collect"}}},
		{"not saved for three hours", nil, func(w *world) {
			w.cloud.Put(w.config.BucketName, w.config.StateKey, stateOf(w, due, here, "insertion"))
			time.Sleep(3*time.Hour + time.Minute)
		}, []expected{{"state.age", Warn, "3 hours|./deploy.sh status"}, {"state.lag", Warn, "3 hours behind"}}},
		{"garbage", nil, func(w *world) {
			w.cloud.Put(w.config.BucketName, w.config.StateKey,
				[]byte("{\"through\":\x1b[31m"))
		}, []expected{
			{"state.content", Fail,
				"parse state gs://alerts-bucket/netskope/state/alerts.json|restore an earlier version"},
			{"state.lag", Skip, "no state of this collector's"}}},
		{"forbidden", nil, func(w *world) { w.faults(nil, onStorage(gcstest.Fault{Status: 403}, gcstest.ReadMedia)) },
			[]expected{
				{"state.content", Fail, "read gs://|403|objectUser"}}},
		{"lost after a run", nil, func(w *world) {
			w.mustRun()
			w.cloud.Delete(w.config.BucketName, w.config.StateKey)
		}, []expected{{"state.content", Warn,
			"it is lost, but the ledger shows that the collector has come to 2026-11-2|the next run rebuilds it"},
			{"state.lag", Skip, "no state of this collector's"}}},
		{"damaged after a run", nil, func(w *world) {
			w.mustRun()
			w.cloud.Put(w.config.BucketName, w.config.StateKey, []byte("?"))
		}, []expected{{"state.content", Warn,
			"parse state gs://alerts-bucket/netskope/state/alerts.json|but the ledger shows|" +
				"the next run rebuilds it"}}},
		{"replaced by the original's after a run", nil, func(w *world) {
			w.mustRun()
			w.cloud.Put(w.config.BucketName, w.config.StateKey, []byte(original))
		}, []expected{{"state.content", Warn, "it is the original function's, but the ledger shows"}}},
		{"lost, and the ledger is another's", []string{"TIME_FIELD=event"}, func(w *world) {
			w.mustRun()
			w.cloud.Delete(w.config.BucketName, w.config.StateKey)
		}, []expected{{"state.content", Fail, "the ledger is another's|give each its own STATE_KEY and GCS_PREFIX"}}},
		{"the original's, at its place", nil,
			func(w *world) {
				w.cloud.Put(w.config.BucketName, "netskope/alerts/state.json", []byte(original))
			}, []expected{
				{"state.content", Pass, "the first run adopts the original function's netskope/alerts/state.json, " +
					"and begins at 2026-11-22T20:58:00Z"}, {"feed.folder", Pass, ""}}},
		{"the original's, after it was adopted", nil, func(w *world) {
			w.cloud.Put(w.config.BucketName, "netskope/alerts/state.json", []byte(original))
			w.cloud.Put(w.config.BucketName, w.config.StateKey, stateOf(w, due, here, "insertion"))
		}, []expected{{"state.content", Pass, "every alert"},
			{"feed.folder", Warn, "1 object in netskope/alerts/ is not the collector's: netskope/alerts/state.json"}}},
		{"the original's, at STATE_KEY", nil,
			func(w *world) { w.cloud.Put(w.config.BucketName, w.config.StateKey, []byte(original)) }, []expected{
				{"state.content", Pass,
					"it is the original function's; the first run adopts it, and begins at 2026-11-22T20:58:00Z"},
				{"state.config", Skip, ""}}},
		{"our own, at the original's place", nil, func(w *world) {
			w.cloud.Put(w.config.BucketName, "netskope/alerts/state.json", stateOf(w, due, here, "insertion"))
		}, []expected{{"state.content", Fail, "it is this collector's own|set STATE_KEY to it, or move it"}}},
		{"the original's, unreadable", nil, func(w *world) {
			w.cloud.Put(w.config.BucketName, "netskope/alerts/state.json",
				[]byte("?"))
		}, []expected{
			{"state.content", Fail, "adopt the original function's state|restore an earlier version"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			checked(t, &netskopetest.Server{}, 0, func(w *world) {
				test.set(w)
				w.check(test.config...).wantAll(t, test.want)
			})
		})
	}
}

func TestCheckFeed(t *testing.T) {
	checked(t, &netskopetest.Server{}, 0, func(w *world) {
		for _, name := range []string{"notes.txt", "2026/a", "2026/b", "2026/c\u202e",
			"2026/11/22/alerts_20261122T100000Z_20261122T100500Z.ndjson"} {
			w.cloud.Put(w.config.BucketName, w.config.Prefix+"/"+name, []byte("x"))
		}
		w.cloud.Put(w.config.BucketName, w.config.Folders().Staging+"old", []byte("x"))
		time.Sleep(25 * time.Hour)
		w.cloud.Put(w.config.BucketName, w.config.Folders().Staging+"young", []byte("x"))
		w.check().wantAll(t, []expected{
			{"feed.folder", Warn, "4 objects in netskope/alerts/ are not the collector's: " +
				"netskope/alerts/2026/a, netskope/alerts/2026/b, " +
				"netskope/alerts/2026/c� and 1 more|move what is not the collector's"},
			{"feed.staging", Warn,
				"1 object in netskope/staging/alerts/ is older than a day: left by runs that did not finish: " +
					"netskope/staging/alerts/old|delete what is then left"}})
		w.cloud.Delete(w.config.BucketName, w.config.Folders().Staging+"old")
		w.check().want(t, "feed.staging", Pass, "1 object in netskope/staging/alerts/")
		w.faults(nil, onStorage(gcstest.Fault{Delay: time.Hour}, gcstest.ListObjects))
		w.check().want(t, "feed.folder", Fail, "listing gs://alerts-bucket/netskope/alerts/ fails")
	})
}

// TestCheckFeedIsBounded: a listing ends somewhere, and says so.
func TestCheckFeedIsBounded(t *testing.T) {
	checked(t, &netskopetest.Server{}, 0, func(w *world) {
		w.cloud.Put(w.config.BucketName, w.config.StateKey, stateOf(w, dayStart, "http://localhost", "insertion"))
		for n := range mostListed + 2 {
			second := cell.At(cell.Last, dayStart.Add(time.Duration(n-30_000)*time.Second))
			w.cloud.Put(w.config.BucketName, w.config.Folders().Alerts(second, 0, 1, ".ndjson"), nil)
		}
		w.cloud.Put(w.config.BucketName, w.config.Prefix+"/9999/beyond", nil)
		all := w.checkStorage()
		all.want(t, "feed.folder", Pass, "20000 objects", "of the first 20000 names; there are more")
		if n := w.cloud.Requests(gcstest.ListObjects); n > 25 {
			t.Errorf("%d listings", n)
		}
	})
}
