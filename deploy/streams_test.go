package deploy

import (
	"encoding/json"
	"slices"
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

// Each event-driven feed has a topic of its own, and is told of what is in its folder alone; destroy takes
// both away.
func TestEventDrivenFeedsOfStreams(t *testing.T) {
	t.Parallel()
	const account = "project-1@storage-transfer-service.iam.gserviceaccount.com"
	w := newWorld(t)
	w.succeed(w.settings("--no-monitor")...)
	before := w.names()
	feed := []string{"feed", "--project-id", "my-project", "--gcs-bucket", "my-alerts", "--feed-event-driven",
		"--feed-service-account", account}
	w.succeed(feed...) // it is older than the other streams
	feed = append(feed, "--streams", "alert,page")
	r := w.succeed(feed...)
	for number, want := range map[string][2]string{
		"1": {"netskope/alerts/", "-feed"}, "2": {"netskope/events/", "-feed-events"},
	} {
		notification := w.resources()["notificationConfigs/my-alerts/"+number]
		topic, _ := notification["topic"].(string)
		if notification["object_name_prefix"] != want[0] ||
			!strings.HasSuffix(topic, "/topics/netskope-alerts-collector"+want[1]) {
			t.Errorf("notification %s is %v", number, notification)
		}
		if n := strings.Count(r.out, "subscriptions/netskope-alerts-collector"+want[1]+"\n"); n != 1 {
			t.Errorf("the subscription %s is said %d times:\n%s", want[1], n, r.out)
		}
		if grant := "subscriptions/netskope-alerts-collector" + want[1] + " roles/pubsub.subscriber serviceAccount:" +
			account; !slices.Contains(w.granted(), grant) {
			t.Errorf("%q is not granted", grant)
		}
	}
	if got := w.succeed(feed...).mutating(); len(got) != 0 {
		t.Errorf("a second time it changed %q", got)
	}
	if r := w.succeed("status", "--project-id", "my-project"); strings.Count(r.out, "feed events  ") != 2 {
		t.Errorf("status does not show both:\n%s", r.out)
	}
	w.succeed("destroy", "--project-id", "my-project", "--gcs-bucket", "my-alerts", "--yes")
	for _, name := range w.names() {
		if !slices.Contains(before, name) || strings.HasPrefix(name, "topics/") {
			t.Errorf("%s is left behind", name)
		}
	}
}

// A run of several streams is waited for until each has said what it did; one that failed is named.
func TestRunShowsEveryStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.succeed(w.settings("--streams", "alert, Page,audit", "--no-monitor")...)
	record := func(message, stream string, alerts int) map[string]any {
		return map[string]any{"message": message, "stream": stream, "alerts": alerts}
	}
	w.tick = record("run finished", "page", 7)
	w.others = []map[string]any{record("run finished", "audit", 5), record("run finished", "alert", 3)}
	r := w.succeed("run", "--project-id", "my-project")
	for _, want := range []string{"stream                alert", "alerts                3", "stream                page",
		"alerts                7", "alerts                5", "it works"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("lacks %q:\n%s", want, r.out)
		}
	}
	w.others[0] = record("run failed", "audit", 0)
	r = w.run("run", "--project-id", "my-project")
	if r.code == 0 || !strings.Contains(r.err, "audit: run failed") ||
		!strings.Contains(r.out, "alerts                7") {
		t.Errorf("one has failed: status %d\n%s%s", r.code, r.out, r.err)
	}
	w.others = w.others[:1] // that of alerts does not come
	if r = w.run("run", "--project-id", "my-project"); r.code == 0 || !strings.Contains(r.err, "no record of tick") {
		t.Errorf("one says nothing: status %d\n%s%s", r.code, r.out, r.err)
	}
	w.tick, w.others = map[string]any{"message": "configuration refused", "error": "LAG"}, nil
	if r = w.run("run", "--project-id", "my-project"); r.code == 0 || !strings.Contains(r.err, "configuration refused") {
		t.Errorf("none was at work: status %d\n%s%s", r.code, r.out, r.err)
	}
}
