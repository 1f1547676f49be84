package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"netskope-alerts.internal/collector/internal/standin/gcloudtest"
)

// Everything that stands in the way is said in a sentence that names it and the remedy,
// before anything is changed.
func TestPreflight(t *testing.T) {
	t.Parallel()
	const regional = "projects/my-project/locations/us-central1/"
	add := func(kind, name string, fields map[string]any) func(*world) {
		return func(w *world) { w.api.Add(kind, name, fields) }
	}
	for name, test := range map[string]struct {
		args []string
		set  func(*world)
		want []string
		// before names the step's change that must not have happened; "" is any change.
		before string
	}{
		"no gcloud": {set: func(w *world) { w.noGcloud = true }, want: []string{"gcloud is missing", "install"}},
		"no login": {
			set:  func(w *world) { w.stub.LoggedOut = true },
			want: []string{"not logged in", "gcloud auth login"},
		},
		"wrong project": {
			args: []string{"--project-id", "other"},
			want: []string{"project other does not exist", "someone@example.com may not see it"},
		},
		"no billing": {
			set:  func(w *world) { w.api.Unbilled = true },
			want: []string{"no billing account", "gcloud billing projects link"},
		},
		"region": {
			args:   []string{"--region", "mars-north1"},
			want:   []string{"region mars-north1", "step 2"},
			before: "create",
		},
		"runtime": {
			args:   []string{"--runtime", "go199"},
			want:   []string{"runtime go199 is not available in us-central1", "go125 go126"},
			before: "create",
		},
		"bucket of somebody else": {
			set:    func(w *world) { w.api.Taken = []string{"my-alerts"} },
			want:   []string{"bucket my-alerts", "not yours", "--gcs-bucket"},
			before: "buckets",
		},
		"bucket of another project": {
			set:    add("buckets", "my-alerts", map[string]any{"projectNumber": "42"}),
			want:   []string{"belongs to another project", "42"},
			before: "buckets",
		},
		"a topic that may not be seen": {set: func(w *world) {
			w.api.Fail = func(q gcloudtest.Request) int {
				if strings.HasSuffix(q.Path, "/topics/netskope-alerts-trigger") {
					return 403
				}
				return 0
			}
		}, want: []string{"gcloud pubsub topics describe", "403", "step 4"}, before: "topics"},
		"retention policy": {
			set: add("buckets", "my-alerts", map[string]any{
				"projectNumber": "123456789012", "retentionPolicy": map[string]any{"retentionPeriod": "86400"},
			}),
			want:   []string{"retention policy", "state could not be rewritten", "--clear-retention-period"},
			before: "buckets",
		},
		"function of somebody else": {
			set: add("functions", regional+"functions/netskope-alerts-collector",
				map[string]any{"state": "ACTIVE"}),
			want:   []string{"deploy.sh did not make", "--adopt"},
			before: "functions deploy",
		},
		"job of somebody else": {
			set: add("jobs", regional+"jobs/netskope-alerts-collector-hourly", map[string]any{
				"state": "ENABLED", "description": "mine",
			}),
			want:   []string{"scheduler job", "deploy.sh did not make", "--adopt"},
			before: "scheduler jobs",
		},

		"timeout":       {args: []string{"--timeout", "541s"}, want: []string{"TIMEOUT=541", "540"}},
		"timeout words": {args: []string{"--timeout", "ten"}, want: []string{"TIMEOUT=ten"}},
		"budget":        {args: []string{"--budget", "9m"}, want: []string{"BUDGET=9m is not below TIMEOUT=540s"}},
		"budget by default": {
			args: []string{"--timeout", "480"},
			want: []string{"BUDGET=8m, its default", "TIMEOUT=480s"},
		},
		"budget sum":  {args: []string{"--budget", "8m60s", "--timeout", "540"}, want: []string{"not below"}},
		"budget unit": {args: []string{"--budget", "480"}, want: []string{"BUDGET=480", "unit"}},
		"lag unit":    {args: []string{"--lag", "5"}, want: []string{"LAG=5", "unit"}},
		"window": {
			args: []string{"--window", "5m"},
			want: []string{"--window no longer exists", "grid of cells is fixed", "--lag", "--schedule"},
		},
		"window with equals": {args: []string{"--window=5m"}, want: []string{"--window no longer exists"}},
		"window variable": {
			set:  func(w *world) { w.environment = []string{"WINDOW=5m"} },
			want: []string{"WINDOW no longer exists", "grid of cells is fixed", "LAG", "--schedule", "unset WINDOW"},
		},
		"cron fields": {
			args: []string{"--schedule", "0 * * *"},
			want: []string{"SCHEDULE=0 * * *", "five fields"},
		},
		"cron minute": {args: []string{"--schedule", "60 * * * *"}, want: []string{"'60' is not a minute"}},
		"cron step":   {args: []string{"--schedule", "*/0 * * * *"}, want: []string{"'*/0' is not a minute"}},
		"cron range":  {args: []string{"--schedule", "0 9-5 * * *"}, want: []string{"'9-5' is not a hour"}},
		"cron words":  {args: []string{"--schedule", "@hourly"}, want: []string{"five fields"}},
		"cron list": {
			args: []string{"--schedule", "0,15, * * * *"},
			want: []string{"'0,15,' is not a minute"},
		},
		"memory":        {args: []string{"--memory", "256"}, want: []string{"MEMORY=256", "256Mi"}},
		"memory suffix": {args: []string{"--memory", "256mib"}, want: []string{"MEMORY=256mib"}},
		"tenant http": {
			args: []string{"--tenant", "http://acme.goskope.com"},
			want: []string{"unencrypted", "https://acme.goskope.com"},
		},
		"tenant Markdown": {
			args: []string{"--tenant", "[https://acme.goskope.com](https://acme.goskope.com)"},
			want: []string{"Markdown link"},
		},
		"tenant path": {
			args: []string{"--tenant", "https://acme.goskope.com/api"},
			want: []string{"https://acme.goskope.com/api", "address"},
		},
		"tenant is the token": {
			args: []string{"--tenant", strings.Repeat("0123456789", 5)},
			want: []string{"value not shown", "looks like the token"},
		},
		"bucket name": {args: []string{"--gcs-bucket", "gs://my-alerts"}, want: []string{"without gs://"}},
		"state in the feed": {
			args: []string{"--state-key", "netskope/alerts/state.json"},
			want: []string{"feed's folder netskope/alerts/", "outside"},
		},
		"state beside the feed under its name": {
			args: []string{"--gcs-prefix", "a/b/feed", "--state-key", "a/b/feed-state.json"},
			want: []string{"STATE_KEY=a/b/feed-state.json", "with that slash or without", "a/b/state/feed.json"},
		},
		"empty folder": {args: []string{"--gcs-prefix", "x//y"}, want: []string{"GCS_PREFIX=x//y", "(//)"}},
		"folder of two": {
			args: []string{"--gcs-prefix", "x/.."},
			want: []string{"GCS_PREFIX=x/.. has a folder . or .."},
		},
		"folder of ours": {
			args: []string{"--gcs-prefix", "x/led"},
			want: []string{"GCS_PREFIX=x/led", "own objects in x/ledger/", "would take them for alerts"},
		},
		"invisible": {
			args: []string{"--gcs-prefix", "x\u200by"},
			want: []string{"GCS_PREFIX has characters that cannot be"},
		},
		"page size": {args: []string{"--page-size", "0"}, want: []string{"PAGE_SIZE=0", "from 1 to 10000"}},
		"lag range": {args: []string{"--lag", "25h"}, want: []string{"LAG=25h", "from 0s to 24h"}},
		"token variable": {
			set:  func(w *world) { w.environment = []string{"NETSKOPE_API_TOKEN=" + token} },
			want: []string{"NETSKOPE_API_TOKEN is set (value not shown)", "--token-file -"},
		},
		"no token": {
			args:   []string{"--token-file", ""},
			want:   []string{"holds no token yet", "--token-file"},
			before: "versions",
		},
		"no such token file": {
			args: []string{"--token-file", "/nowhere"},
			want: []string{"/nowhere cannot be read"},
		},
		"audit schedule": {args: []string{"--audit-schedule", "30 3 * *"}, want: []string{"AUDIT_SCHEDULE=30 3 * *",
			"five fields"}},
		"audit schedule that leaves days out": {
			args: []string{"--audit-schedule", "30 3 * * 1"},
			want: []string{"AUDIT_SCHEDULE=30 3 * * 1", "every day, as in '30 3 * * *'", "would not be looked at"},
		},
		"labels": {
			args: []string{"--labels", "team=soc,Team=soc,team=x,novalue,config_hash=x,a=B"},
			want: []string{"5 problems:", "Team=soc is not KEY=VALUE", "team is there twice",
				"config_hash is deploy.sh's own"},
		},
		"label of ours": {
			args: []string{"--labels", "netskope_alerts_deployment=x"},
			want: []string{"netskope_alerts_deployment is deploy.sh's own"},
		},
		"key": {args: []string{"--kms-key", "my-key"}, want: []string{"KMS_KEY=my-key",
			"projects/P/locations/L/keyRings/R/cryptoKeys/K"}},
		"key elsewhere than the bucket": {
			args: []string{"--kms-key", keyOfSecrets},
			want: []string{"no key lies where the bucket does, in us-central1", "--bucket-location"},
		},
		"key elsewhere than the secret": {
			args: []string{"--kms-key", keyInRegion, "--secret-locations", "us-central1,us-east1"},
			want: []string{"no key lies in us-east1", "--secret-locations"},
		},
		"key that no secret can have": {
			args: []string{"--kms-key", keyInEurope, "--bucket-location", "EU"},
			want: []string{"no key can encrypt the secret"},
		},
		"secret locations": {args: []string{"--secret-locations", "EU"}, want: []string{"SECRET_LOCATIONS=EU",
			"europe-west3"}},
		"network": {args: []string{"--network", "My Net"}, want: []string{"NETWORK=My Net",
			"projects/P/global/networks/N"}},
		"subnet elsewhere": {
			args: []string{"--subnet", "projects/p/regions/europe-west1/subnetworks/s"},
			want: []string{"not in the function's region, us-central1"},
		},
		"egress": {args: []string{"--egress", "none"}, want: []string{"EGRESS=none", "private-ranges-only"}},
		"egress without a network": {
			args: []string{"--egress", "private-ranges-only"},
			want: []string{"EGRESS=private-ranges-only says nothing without"},
		},
		"token with quotes": {
			set:  func(w *world) { write(w.t, w.tokenFile(), []byte(`"`+token+`"`)) },
			want: []string{"the token (not shown) has quotes"},
		},
		"everything at once": {
			args: []string{"--gcs-bucket", "", "--tenant", "", "--memory", "1", "--timeout", "9999"},
			want: []string{
				"4 problems:", "GCS_BUCKET is not set", "NETSKOPE_TENANT is not set", "MEMORY=1", "TIMEOUT=9999",
			},
		},
		"streams": {args: []string{"--streams", "pages"}, want: []string{"STREAMS=pages: want one or more of alert",
			"as in --streams alert,page"}},
		"feeds that overlap": {args: []string{"--streams", "alert,page", "--events-prefix", "netskope/alerts"},
			want: []string{"as in --gcs-prefix netskope/alerts --events-prefix netskope/events"}},
		"flag of a setting": {args: []string{"--page-size", "0"},
			want: []string{"PAGE_SIZE=0: want a whole number from 1 to 10000 (--page-size)"}},
		"bucket with gs": {args: []string{"--gcs-bucket", "gs://x/y"}, want: []string{"without gs://: --gcs-bucket x;"}},
		"near flag": {args: []string{"--stream", "page"},
			want: []string{"no flag --stream: type --streams, if you mean that; ./deploy.sh help"}},
		"switch with value":  {args: []string{"--yes=1"}, want: []string{"--yes takes no value: type it alone"}},
		"unknown command":    {args: []string{"destory"}, want: []string{"no command 'destory': type one of deploy, feed"}},
		"unknown flag":       {args: []string{"--bukket", "x"}, want: []string{"no flag --bukket", "help"}},
		"flag without value": {args: []string{"--region"}, want: []string{"--region wants a value"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if test.set != nil {
				test.set(w)
			}
			r := w.run(w.settings(test.args...)...)
			if r.code == 0 {
				t.Fatalf("nothing stood in the way:\n%s", r.out)
			}
			for _, want := range test.want {
				if !strings.Contains(r.err, want) {
					t.Errorf("the message lacks %q:\n%s", want, r.err)
				}
			}
			if strings.Contains(r.err, "unexpected failure") {
				t.Errorf("the failure was not foreseen: %s", r.err)
			}
			for _, change := range r.mutating() {
				if strings.Contains(change, test.before) {
					t.Errorf("changed all the same: %s", change)
				}
			}
		})
	}
}

// What is right must not be refused.
func TestPreflightAccepts(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"schedules":       {"--schedule", "*/5,30 0-6/2 1,15 JAN-DEC MON-FRI"},
		"Sunday as seven": {"--schedule", "59 23 31 12 7"},
		"durations":       {"--budget", "1m30s", "--lag", "0"},
		"short timeout":   {"--timeout", "60s", "--budget", "59s"},
		"big memory":      {"--memory", "1Gi"},
		"bare tenant":     {"--tenant", "acme.eu.goskope.com"},
		"tenant slash":    {"--tenant", "https://acme.goskope.com/"},
		"prefix slashes":  {"--gcs-prefix", "/netskope/alerts/"},
		"audits":          {"--audit-schedule", "*/30 1-5 * * *"},
		"no audits":       {"--audit-schedule", "off"},
		"labels":          {"--labels", "a=b, c-d=, e_f=0"},
		"sibling state":   {"--state-key", "netskope/state-of-alerts.json"},
		"own accounts":    {"--build-service-account", "b@other.iam.gserviceaccount.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.succeed(w.settings(append(args, "--dry-run")...)...)
		})
	}
}

// A bucket that was there before is used, made private, and not marked as ours.
func TestExistingBucketIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rule := filepath.Join(w.dir, "rule.json")
	write(t, rule, []byte(`{"rule": [{"action": {"type": "Delete"}, "condition": {"age": 9}}]}`))
	w.gcloud("storage buckets create gs://my-alerts --location=us-central1")
	w.gcloud("storage buckets update gs://my-alerts --update-labels=team=soc --lifecycle-file=" + rule)
	w.succeed(w.settings("--no-monitor")...)
	got := w.resources()["buckets/my-alerts"]
	labels := got["labels"].(map[string]any)
	if labels["netskope_alerts_deployment"] != nil || labels["team"] != "soc" || got["lifecycle"] == nil {
		t.Errorf("bucket %v", got)
	}
	if iam := got["iamConfiguration"].(map[string]any); iam["publicAccessPrevention"] != "enforced" {
		t.Errorf("public access is not prevented: %v", iam)
	}
}

// The help is complete, and needs neither gcloud nor a project.
func TestHelp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.noGcloud = true
	for _, args := range [][]string{{"help"}, {"--help"}, {"-h"}, {"destroy", "--help"}} {
		r := w.succeed(args...)
		for line := range strings.Lines(r.out) {
			if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > 80 {
				t.Errorf("%q is wider than 80 columns: %s", args, line)
			}
		}
		script, err := os.ReadFile(filepath.Join(w.source(), "deploy/settings.sh"))
		w.must(err)
		_, list, _ := strings.Cut(string(script), "SETTINGS=(")
		list, _, _ = strings.Cut(list, ")")
		for _, setting := range strings.Fields(list) {
			flag := "--" + strings.ReplaceAll(strings.ToLower(setting), "_", "-")
			if !strings.Contains(r.out, flag) && setting != "NETSKOPE_API_TOKEN_FILE" && setting != "FEED_NAME" {
				t.Errorf("%q does not show %s", args, flag)
			}
		}
	}
}
