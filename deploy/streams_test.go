package deploy

import (
	"encoding/json"
	"strings"
	"testing"
)

// The streams reach the function, objects of all of them have their age, and SecOps is told of a second
// feed for those beside alerts.
func TestStreamsAreDeployed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	streams := []string{"--streams", "alert,page,audit", "--events-prefix", "/x/events/"}
	w.succeed(w.settings(append(streams, "--no-monitor", "--bucket-max-age-days", "30")...)...)
	if variables := w.variables(); variables["STREAMS"] != "alert,page,audit" ||
		variables["EVENTS_PREFIX"] != "/x/events/" {
		t.Errorf("the function has %v", variables)
	}
	rule, err := json.Marshal(w.resources()["buckets/my-alerts"]["lifecycle"])
	w.must(err)
	if !strings.Contains(string(rule), `"netskope/alerts/","x/events/"`) {
		t.Errorf("the bucket has the rule %s", rule)
	}
	feed := []string{"feed", "--project-id", "my-project", "--gcs-bucket", "my-alerts"}
	r := w.succeed(append(feed, streams...)...)
	for _, want := range []string{"gs://my-alerts/netskope/alerts/\n", "gs://my-alerts/x/events/\n",
		"Netskope alerts\n", "Netskope alerts: events\n"} {
		if n := strings.Count(r.out, want); n != 1 {
			t.Errorf("%q is said %d times:\n%s", want, n, r.out)
		}
	}
	if r := w.succeed(feed...); strings.Contains(r.out, "events") {
		t.Errorf("events where there are none:\n%s", r.out)
	}
	for _, test := range []struct{ args, want string }{
		{"--streams alert,page --events-prefix netskope/alerts/x",
			"EVENTS_PREFIX=netskope/alerts/x is not apart from GCS_PREFIX"},
		{"--streams alert,page --gcs-prefix netskope/events", "EVENTS_PREFIX=netskope/events is not apart"},
		{"--streams alert,page --events-prefix netskope/ledger/alerts", "is not apart"},
		{"--streams alert,page --state-key netskope/events/state.json", "STATE_KEY begins with EVENTS_PREFIX"},
		{"--streams alerts", "want one or more of alert, application, audit, infrastructure, network, page"},
	} {
		r := w.run(w.settings(strings.Fields(test.args + " --dry-run")...)...)
		if r.code == 0 || !strings.Contains(r.err, test.want) {
			t.Errorf("%s: status %d: %s", test.args, r.code, r.err)
		}
	}
	w.succeed(w.settings("--streams", "page", "--gcs-prefix", "netskope/events", "--dry-run")...) // nothing to keep apart
}
