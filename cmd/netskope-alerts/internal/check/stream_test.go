package check

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"netskope-alerts.internal/collector"
	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/settings"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// TestCheckOfEveryStream: the check says of each stream whether token and licence reach it, and looks at
// its state and folder; what is wrong with one is said of no other.
func TestCheckOfEveryStream(t *testing.T) {
	asking := map[string]*netskopetest.Server{}
	for name, f := range map[string]netskopetest.Fault{"application": {}, "audit": netskopetest.Forbidden(),
		"infrastructure": netskopetest.NotFound(), "network": netskopetest.Unlicensed(), "page": {}} {
		asking[name] = &netskopetest.Server{Fault: func(netskopetest.Request) netskopetest.Fault { return f }}
	}
	asking["page"].Add(netskopetest.Profile{Stream: "page", From: dayStart.Add(-23 * time.Hour),
		To: dayStart.Add(-time.Hour), N: 30, VisibleWithin: -1}.Alerts()...)
	tenant := &netskopetest.Server{Events: asking}
	checked(t, tenant, 300, func(w *world) {
		const streams = "STREAMS=alert,application,audit,infrastructure,network,page"
		configs, err := settings.ConfigsFromEnv(environment(streams))
		if err != nil {
			t.Fatal(err)
		}
		pages := collector.Collector{Config: configs[5], Bucket: w.bucket, HTTP: w.client}
		if _, err := pages.Run(w.t.Context(), time.Now(), nil); err != nil {
			t.Fatal(err)
		}
		w.cloud.Put(w.config.BucketName, "netskope/events/application/left.txt", []byte("x"))
		all := w.check(streams)
		for _, name := range []string{"application", "audit", "infrastructure", "network", "page"} {
			var subjects []string
			for _, subject := range slices.Concat(stateSubjects, feedSubjects, []string{"tenant.token", "tenant.insertion"}) {
				subjects = append(subjects, name+"."+subject)
			}
			all.once(t, subjects)
			if n := asking[name].Requests(); name != "page" && (n < 1 || n > streamQuestions) {
				t.Errorf("%d requests for %s", n, name)
			}
		}
		all.want(t, "tenant.token", Pass, "takes the token")
		all.want(t, "page.tenant.token", Pass, "takes the token")
		all.want(t, "page.tenant.insertion", Pass, "with 10 of at most 10")
		all.want(t, "page.state.content", Pass, "every alert before")
		all.want(t, "page.state.place", Pass, "netskope/state/events/page.json")
		all.want(t, "page.feed.folder", Pass, "netskope/events/page/")
		all.want(t, "application.tenant.insertion", Pass, "with 0 of")
		all.want(t, "application.feed.folder", Warn, "left.txt")
		all.want(t, "audit.tenant.token", Fail, "403", "its role may read /api/v2/events/data/audit")
		all.want(t, "infrastructure.tenant.insertion", Fail, "404", "take infrastructure out of STREAMS")
		all.want(t, "network.tenant.insertion", Fail, "501", "is licensed for /api/v2/events/data/network")
		if bad := all.not(Pass, Skip); len(bad) != 4 {
			t.Errorf("%d findings are bad, want 4:\n%v", len(bad), bad)
		}

		w.faults(nil, func(gcstest.Request) gcstest.Fault { return gcstest.Fault{Status: 403} })
		all = w.check("STREAMS=alert,page")
		all.want(t, "page.tenant.token", Pass, "takes the token")
		for _, f := range all {
			if f.Subject == "page.state.content" && f.Level == Pass {
				t.Errorf("a bucket that nothing may be read of: %+v", f)
			}
		}
	})
	checked(t, &netskopetest.Server{}, 0, func(w *world) {
		var all findings
		Run(w.t.Context(), environment("STREAMS=audit,page"), Options{Transport: w.client.Transport,
			LookupHost: func(context.Context, string) ([]string, error) { return nil, errors.New("no such host") },
			Bucket:     func(string) (*gcs.Bucket, error) { return w.bucket, nil }}, all.add)
		all.want(t, "tenant.name", Fail, "does not resolve")
		all.want(t, "page.tenant.token", Skip, "no answer")
		for _, f := range all {
			if strings.HasPrefix(f.Subject, "audit.") {
				t.Errorf("the first stream has a name before its subjects: %+v", f)
			}
		}
	})
}
