package deploy

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestFeedGrantsAndExplains(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args     []string
		role     string
		deletion string
		logType  string
	}{
		"reads":   {nil, "legacyBucketReader", "NEVER", "NETSKOPE_ALERT_V2"},
		"deletes": {[]string{"--feed-deletes"}, "legacyBucketWriter", "ON_SUCCESS", "NETSKOPE_ALERT_V2"},
		"older type": {[]string{"--feed-log-type", "NETSKOPE_ALERT"}, "legacyBucketReader", "NEVER",
			"NETSKOPE_ALERT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.gcloud("storage buckets create gs://my-alerts --location=us-central1")
			r := w.succeed(append([]string{
				"feed", "--project-id", "my-project", "--gcs-bucket", "my-alerts",
				"--gcs-prefix", `/a "b"/`, "--feed-service-account", "f@p.iam.gserviceaccount.com",
			}, test.args...)...)
			want := []string{
				"buckets/my-alerts roles/storage." + test.role + " serviceAccount:f@p.iam.gserviceaccount.com",
				"buckets/my-alerts roles/storage.objectViewer serviceAccount:f@p.iam.gserviceaccount.com",
			}
			if got := w.granted(); !slices.Equal(got, want) {
				t.Errorf("granted are %q, want %q", got, want)
			}
			var feed struct {
				Details struct {
					FeedSourceType, LogType string
					GCSV2Settings           struct {
						BucketURI, SourceDeletionOption string
						MaxLookbackDays                 int
					}
				}
			}
			_, text, _ := strings.Cut(r.out, "\n{\n")
			if err := json.Unmarshal([]byte("{"+text), &feed); err != nil {
				t.Fatalf("%v in\n%s", err, text)
			}
			d := feed.Details
			if d.FeedSourceType != "GOOGLE_CLOUD_STORAGE_V2" ||
				!strings.HasSuffix(d.LogType, "/logTypes/"+test.logType) ||
				d.GCSV2Settings.BucketURI != `gs://my-alerts/a "b"/` ||
				d.GCSV2Settings.SourceDeletionOption != test.deletion ||
				d.GCSV2Settings.MaxLookbackDays != 30 {
				t.Errorf("feed %+v", d)
			}
			if !strings.Contains(r.out, `gs://my-alerts/a "b"/`+"\n") {
				t.Errorf("the form lacks the URI with its slash:\n%s", r.out)
			}
		})
	}
}

// An event-driven feed is told of the objects in its folder, and of those beside it whose
// names begin alike not; one subscription is its own. destroy takes all of it away.
func TestEventDrivenFeed(t *testing.T) {
	t.Parallel()
	const account = "project-1@storage-transfer-service.iam.gserviceaccount.com"
	w := newWorld(t)
	w.succeed(w.settings("--no-monitor")...)
	feed := []string{
		"feed", "--project-id", "my-project", "--gcs-bucket", "my-alerts", "--feed-event-driven", "--labels=team=soc",
	}
	before := w.names()
	r := w.succeed(append(feed, "--feed-service-account", account)...)
	all := w.resources()
	notification := all["notificationConfigs/my-alerts/1"]
	if notification["object_name_prefix"] != "netskope/alerts/" ||
		fmt.Sprint(notification["event_types"]) != "[OBJECT_FINALIZE]" ||
		notification["payload_format"] != "JSON_API_V1" ||
		notification["topic"] != "//pubsub.googleapis.com/projects/my-project/topics/netskope-alerts-collector-feed" {
		t.Errorf("the bucket announces %v", notification)
	}
	subscription := all["subscriptions/netskope-alerts-collector-feed"]
	if subscription["pushConfig"] != nil || subscription["messageRetentionDuration"] != "604800s" ||
		fmt.Sprint(subscription["labels"]) != "map[netskope_alerts_deployment:"+ourMark+" team:soc]" {
		t.Errorf("the subscription is %v", subscription)
	}
	for _, want := range []string{
		"subscriptions/netskope-alerts-collector-feed roles/pubsub.subscriber serviceAccount:" + account,
		"topics/netskope-alerts-collector-feed roles/pubsub.publisher " +
			"serviceAccount:service-123456789012@gs-project-accounts.iam.gserviceaccount.com",
		"buckets/my-alerts roles/storage.objectViewer serviceAccount:" + account,
	} {
		if !slices.Contains(w.granted(), want) {
			t.Errorf("%q is not granted, but %q", want, w.granted())
		}
	}
	for _, want := range []string{
		`"feedSourceType": "GOOGLE_CLOUD_STORAGE_EVENT_DRIVEN"`, `"googleCloudStorageEventDrivenSettings": {`,
		`"pubsubSubscription": "projects/my-project/subscriptions/netskope-alerts-collector-feed",`,
		"  Pub/Sub subscription    projects/my-project/subscriptions/netskope-alerts-collector-feed\n",
		"kept for seven days",
	} {
		if !strings.Contains(r.out, want) {
			t.Errorf("lacks %q:\n%s", want, r.out)
		}
	}
	if got := w.succeed(append(feed, "--feed-service-account", account)...).mutating(); len(got) != 0 {
		t.Errorf("a second time it changed %q", got)
	}
	if r := w.succeed("status", "--project-id", "my-project"); !strings.Contains(r.out,
		"feed events  netskope-alerts-collector-feed") {
		t.Errorf("status does not show it:\n%s", r.out)
	}
	w.succeed("destroy", "--project-id", "my-project", "--gcs-bucket", "my-alerts", "--yes")
	for _, name := range w.names() {
		if !slices.Contains(before, name) || strings.HasPrefix(name, "topics/") {
			t.Errorf("%s is left behind", name)
		}
	}
}

// What fails half way is taken up by the same command.
func TestEventDrivenFeedContinues(t *testing.T) {
	t.Parallel()
	feed := func(w *world) []string {
		return []string{
			"feed", "--project-id", "my-project", "--gcs-bucket", "my-alerts", "--feed-event-driven",
			"--feed-service-account", "f@p.iam.gserviceaccount.com",
		}
	}
	prepared := func() *world {
		w := newWorld(t)
		w.enable("pubsub")
		w.gcloud("storage buckets create gs://my-alerts --location=us-central1")
		return w
	}
	clean := prepared()
	changes := len(clean.succeed(feed(clean)...).mutating())
	if changes < 7 {
		t.Fatalf("only %d changes", changes)
	}
	step := 1
	if testing.Short() {
		step = 5 // the race detector sees the same code at every change
	}
	for n := 0; n < 2*changes; n += step {
		w := prepared()
		w.stub.Fail(n/2+1, n%2 == 1) // before it takes effect, and after
		if r := w.run(feed(w)...); r.code != 1 || !strings.Contains(r.err, "injected failure") {
			t.Fatalf("failure %d of %d: status %d, %s", n/2+1, changes, r.code, r.err)
		}
		w.succeed(feed(w)...)
		if got, want := w.api.Model(), clean.api.Model(); got != want {
			t.Errorf("failure %d: %s", n/2+1, difference(want, got))
		}
	}
}

// The feed is created with the caller's token, which no process list shows.
func TestFeedIsCreated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(os.WriteFile(filepath.Join(w.bin, "curl"), []byte(`#!`+filepath.Join(toolbox, "bash")+`
printf '%s\n' "$@" >"$HOME/curl-arguments"
cat >"$HOME/curl-input"
for a; do [[ $a != @* ]] || cat "${a#@}" >"$HOME/curl-body"; done
echo '{"name": "feeds/1"}'
`), 0o700))
	r := w.succeed("feed", "--project-id", "my-project", "--gcs-bucket", "my-alerts", "--yes",
		"--secops-instance", "projects/p/locations/eu/instances/uuid")
	read := func(name string) string {
		content, err := os.ReadFile(filepath.Join(w.dir, name))
		w.must(err)
		return string(content)
	}
	const url = "https://eu-chronicle.googleapis.com/v1/projects/p/locations/eu/instances/uuid/feeds\n"
	if arguments := read("curl-arguments"); strings.Contains(arguments, "ya29.") || !strings.Contains(arguments,
		url) {
		t.Errorf("curl was called with %s", arguments)
	}
	if input := read("curl-input"); input != "header = \"Authorization: Bearer ya29.callers-own\"\n" {
		t.Errorf("curl's configuration is %q", input)
	}
	if !json.Valid([]byte(read("curl-body"))) {
		t.Errorf("body %s", read("curl-body"))
	}
	shown, answered := strings.Index(r.out, "POST https://eu-chronicle"), strings.Index(r.out, "feeds/1")
	if shown < 0 || answered < shown || strings.Contains(r.out, "ya29.") {
		t.Errorf("the request is not shown first:\n%s", r.out)
	}
}

func TestRunShowsItsRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.succeed(w.settings("--no-monitor")...)
	w.tick = map[string]any{
		"message": "run finished", "alerts": 12, "caught_up": true, "lag_seconds": 300.5,
		"from": "2026-11-23T13:00:00Z", "stopped": "caught up", "state_trouble": "lost: rebuilt from the ledger",
	}
	r := w.succeed("run", "--project-id", "my-project")
	for _, want := range []string{
		"event                 " + w.api.Messages()[0].ID, "alerts                12", "lag_seconds           300.5",
		"caught_up             True", "from                  2026-11-23T13:00:00Z",
		"state_trouble         lost: rebuilt from the ledger", "it works",
	} {
		if !strings.Contains(r.out, want) {
			t.Errorf("lacks %q:\n%s", want, r.out)
		}
	}
	r = w.succeed("status", "--project-id", "my-project", "--gcs-bucket", "my-alerts")
	for _, want := range []string{
		"function     ACTIVE", "bucket       gs://my-alerts",
		"ENABLED, 0 * * * * (Etc/UTC), next 2026-11-23T15:00:00Z", "alerts                12",
	} {
		if !strings.Contains(r.out, want) {
			t.Errorf("status lacks %q:\n%s", want, r.out)
		}
	}

	if r := w.succeed(w.settings("--no-monitor", "--trigger-now")...); len(r.mutating()) != 1 ||
		!strings.Contains(r.out, "it works") {
		t.Errorf("--trigger-now: %q\n%s", r.mutating(), r.out)
	}

	w.tick = map[string]any{"message": "run failed", "error": "netskope answered 401: refused"}
	if r := w.run("run", "--project-id", "my-project"); r.code == 0 ||
		!strings.Contains(r.out, "netskope answered 401") {
		t.Errorf("a failed run: status %d\n%s%s", r.code, r.out, r.err)
	}
	w.tick = nil
	if r := w.run("run", "--project-id", "my-project"); r.code == 0 || !strings.Contains(r.err, "no record of tick") {
		t.Errorf("no record: status %d\n%s%s", r.code, r.out, r.err)
	}
	w.gcloud("pubsub subscriptions delete " + w.api.Names("subscriptions")[0])
	w.gcloud(
		"run services remove-iam-policy-binding --region=us-central1 --role=roles/run.invoker", ourMark,
		"--member=serviceAccount:netskope-alerts-trigger@my-project.iam.gserviceaccount.com",
	)
	r = w.run("run", "--project-id", "my-project")
	for _, want := range []string{"nothing is subscribed", "may not call the service"} {
		if r.code == 0 || !strings.Contains(r.err, want) {
			t.Errorf("lacks %q: %s", want, r.err)
		}
	}
}

// metricNames finds the log-based metrics that a query or a filter names.
var metricNames = regexp.MustCompile(`user_netskope_alerts_collector_([a-z]+?)(_sum|_count)?\{|` +
	`user/netskope-alerts-collector-([a-z]+)`)

// Metrics, policies and dashboard refer to fields that the run's record has, to metrics
// that exist, and are complete after the placeholders are filled in.
func TestMonitoringFitsTheRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.enable("logging", "monitoring")
	w.succeed("monitor", "--project-id", "my-project", "--alert-email", "soc@example.com")
	fields := slices.Concat(ownFields, attributes(t, "../report.go"), attributes(t, "../audit.go"))
	resources := w.resources()
	policies := 0
	for key, r := range resources {
		content, err := json.Marshal(r)
		w.must(err)
		text := string(content)
		if m := regexp.MustCompile(`@[A-Z_]+@`).FindString(text); m != "" {
			t.Errorf("%s holds the placeholder %s", key, m)
		}
		for _, m := range regexp.MustCompile(`jsonPayload\.(\w+)`).FindAllStringSubmatch(text, -1) {
			if !slices.Contains(fields, m[1]) {
				t.Errorf("%s uses %s, which no record has", key, m[1])
			}
		}
		for _, m := range metricNames.FindAllStringSubmatch(text, -1) {
			if name := "metrics/" + ourMark + "-" + m[1] + m[3]; resources[name] == nil {
				t.Errorf("%s uses %s, which does not exist", key, name)
			}
		}
		if strings.HasPrefix(key, "alertPolicies/") {
			policies++
			documentation, _ := r["documentation"].(map[string]any)["content"].(string)
			if !strings.Contains(documentation, "What to do") || !strings.Contains(text, "notificationChannels/1") {
				t.Errorf("%s does not say what to do, or tells nobody: %s", key, text)
			}
		}
	}
	if policies != 5 {
		t.Errorf("%d policies, want 5", policies)
	}
}
