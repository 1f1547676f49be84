package deploy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

var errDenied = errors.New("PERMISSION_DENIED: The caller does not have permission")

const (
	keyInRegion   = "projects/keys/locations/us-central1/keyRings/r/cryptoKeys/k"
	keyInEurope   = "projects/keys/locations/europe/keyRings/r/cryptoKeys/multi"
	keyOfSecrets  = "projects/keys/locations/europe-west3/keyRings/r/cryptoKeys/secrets"
	keyEverywhere = "projects/keys/locations/global/keyRings/r/cryptoKeys/g"
)

func (w *world) addKeys(names ...string) {
	for _, name := range names {
		w.api.Add("cryptoKeys", name, map[string]any{"name": name})
	}
}

// bucketKey is the key that encrypts what is written to the bucket.
func (w *world) bucketKey() any {
	encryption, _ := w.resources()["buckets/my-alerts"]["encryption"].(map[string]any)
	return encryption["defaultKmsKeyName"]
}

// replicas is a secret's replication in one place, with a key.
func replicas(key, place string) string {
	return "map[userManaged:map[replicas:[map[customerManagedEncryption:map[kmsKeyName:" + key + "] location:" + place + "]]]]"
}

// Bucket and secret are encrypted with the keys that lie where they do, and those whose
// accounts encrypt are let use them: nobody else.
func TestKeysEncryptBucketAndSecret(t *testing.T) {
	t.Parallel()
	const (
		storage = "serviceAccount:service-123456789012@gs-project-accounts.iam.gserviceaccount.com"
		secrets = "serviceAccount:service-123456789012@gcp-sa-secretmanager.iam.gserviceaccount.com"
		role    = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
	)
	for name, test := range map[string]struct {
		args        []string
		bucket      string
		replication string
		granted     []string
	}{
		"one key": {
			[]string{"--kms-key", keyInRegion},
			keyInRegion,
			replicas(keyInRegion, "us-central1"),
			[]string{"k " + role + " " + secrets, "k " + role + " " + storage},
		},
		"a bucket in many regions": {
			[]string{"--kms-key", keyInEurope + "," + keyOfSecrets, "--bucket-location=EU", "--region=europe-west1"},
			keyInEurope,
			replicas(keyOfSecrets, "europe-west3"),
			[]string{"multi " + role + " " + storage, "secrets " + role + " " + secrets},
		},
		"a secret everywhere": {
			[]string{"--kms-key", keyInEurope + "," + keyEverywhere, "--bucket-location=EU", "--region=europe-west1"},
			keyInEurope,
			"map[automatic:map[customerManagedEncryption:map[kmsKeyName:" + keyEverywhere + "]]]",
			[]string{"g " + role + " " + secrets, "multi " + role + " " + storage},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.addKeys(keyInRegion, keyInEurope, keyOfSecrets, keyEverywhere)
			arguments := w.settings(append(test.args, "--no-monitor")...)
			w.succeed(arguments...)
			if got := w.bucketKey(); got != test.bucket {
				t.Errorf("bucket: %s", got)
			}
			if got := fmt.Sprint(w.resources()["secrets/netskope-api-token"]["replication"]); got != test.replication {
				t.Errorf("secret: %s\nwant %s", got, test.replication)
			}
			var granted []string
			for _, g := range w.granted() {
				if key, ok := strings.CutPrefix(g, "cryptoKeys/"); ok {
					granted = append(granted, key)
				}
			}
			if !slices.Equal(granted, test.granted) {
				t.Errorf("granted are %q, want %q", granted, test.granted)
			}
			if got := w.succeed(arguments...).mutating(); len(got) != 0 {
				t.Errorf("the second run changed %q", got)
			}
		})
	}
}

// A bucket that is there is encrypted from now on; a key's policy that may not be read is
// no reason to stop.
func TestKeyForWhatIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.succeed(w.settings("--no-monitor", "--secret-locations=us-central1")...)
	w.addKeys(keyInRegion)
	arguments := w.settings("--no-monitor", "--kms-key", keyInRegion)
	r := w.run(arguments...)
	if r.code != 2 || len(r.mutating()) != 0 || !strings.Contains(r.err, "encrypted with none of --kms-key") {
		t.Errorf("a secret without a key: status %d, %q, %s", r.code, r.mutating(), r.err)
	}
	arguments = append(arguments, "--secret=another")
	w.stub.Refuse = func(args []string) error {
		if args[0] == "kms" {
			return errDenied
		}
		return nil
	}
	r = w.run(arguments...)
	if r.code != 1 || !strings.Contains(r.err,
		"have its owner run: gcloud kms keys add-iam-policy-binding "+keyInRegion) {
		t.Errorf("a key that may not be seen: status %d, %s", r.code, r.err)
	}
	w.stub.Refuse = nil
	w.succeed(arguments...)
	if got := w.bucketKey(); got != keyInRegion {
		t.Errorf("bucket: %s", got)
	}
}

func TestSecretLocations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arguments := w.settings("--no-monitor", "--secret-locations=europe-west3, europe-west1")
	w.succeed(arguments...)
	const want = "map[userManaged:map[replicas:[map[location:europe-west3] map[location:europe-west1]]]]"
	if got := fmt.Sprint(w.resources()["secrets/netskope-api-token"]["replication"]); got != want {
		t.Errorf("secret: %s", got)
	}
	w.succeed(w.settings("--no-monitor", "--secret-locations=europe-west1,europe-west3")...)
	r := w.run(w.settings("--no-monitor", "--secret-locations=us-central1")...)
	if r.code != 2 || len(r.mutating()) != 0 ||
		!strings.Contains(r.err,
			"is kept in europe-west3, europe-west1, not in us-central1, and that cannot be changed") {
		t.Errorf("other places: status %d, %q, %s", r.code, r.mutating(), r.err)
	}
}

// Everything that takes labels bears them, made now or before, if deploy.sh made it.
func TestLabels(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.enable("pubsub")
	w.gcloud("pubsub topics create theirs --labels=team=them")
	arguments := w.settings("--alert-email", "soc@example.com", "--audit-schedule=30 3 * * *")
	w.succeed(arguments...)
	labelled := func() []string {
		var names []string
		for name, fields := range w.resources() {
			for _, field := range []string{"labels", "userLabels"} {
				labels, _ := fields[field].(map[string]any)
				if labels["cost-center"] == "4711" && labels["team"] == "soc" &&
					labels["netskope_alerts_deployment"] == ourMark {
					names = append(names, strings.TrimRight(name, "0123456789"))
				}
			}
		}
		slices.Sort(names)
		return slices.Compact(names)
	}
	want := []string{
		"alertPolicies/", "buckets/my-alerts", "dashboards/", "functions/" + ourMark, "notificationChannels/",
		"secrets/netskope-api-token", "topics/netskope-alerts-trigger",
	}
	labels := append(arguments, "--labels=team=soc, cost-center=4711")
	w.succeed(labels...)
	if got := labelled(); !slices.Equal(got, want) {
		t.Errorf("later, %q bear the labels, want %q", got, want)
	}
	if got := w.succeed(labels...).mutating(); len(got) != 0 {
		t.Errorf("again, it changed %q", got)
	}
	w = newWorld(t)
	w.enable("pubsub")
	w.gcloud("pubsub topics create theirs --labels=team=them")
	w.succeed(append(w.settings("--alert-email", "soc@example.com", "--audit-schedule=30 3 * * *"),
		"--labels=team=soc,cost-center=4711")...)
	if got := labelled(); !slices.Equal(got, want) {
		t.Errorf("at once, %q bear the labels, want %q", got, want)
	}
	// What deploy.sh did not make is used as it is.
	w.succeed(append(labels, "--topic=theirs", "--function=other", "--scheduler-job=other", "--no-monitor")...)
	if got := fmt.Sprint(w.resources()["topics/theirs"]["labels"]); got != "map[team:them]" {
		t.Errorf("their topic has the labels %s", got)
	}
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.succeed(w.settings("--no-monitor", "--network=n",
		"--subnet=projects/host/regions/us-central1/subnetworks/s")...)
	config := w.resources()["functions/"+ourMark]["serviceConfig"].(map[string]any)
	const want = "[map[network:n subnetwork:projects/host/regions/us-central1/subnetworks/s]] VPC_EGRESS_ALL_TRAFFIC"
	if got := fmt.Sprint(config["directVpcNetworkInterface"], " ", config["directVpcEgress"]); got != want {
		t.Errorf("the function has %s, want %s", got, want)
	}
	if !strings.Contains(r.out, "without a Cloud NAT") {
		t.Errorf("does not speak of NAT:\n%s", r.out)
	}
	w = newWorld(t)
	w.stub.Version = "528.0.0"
	r = w.run(w.settings("--network=n")...)
	if r.code != 2 || len(r.mutating()) != 0 || !strings.Contains(r.err,
		"wants gcloud 558 or newer, and this is 528.0.0: gcloud components update") {
		t.Errorf("an old gcloud: status %d, %s", r.code, r.err)
	}
	w.succeed(w.settings("--no-monitor")...)
}

// The audit's job publishes what the function understands; off removes it, and leaving it
// out leaves it alone.
func TestAuditSchedule(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const job = "jobs/netskope-alerts-collector-audit"
	w.succeed(w.settings("--no-monitor", "--audit-schedule=30 3 * * *")...)
	target, _ := w.resources()[job]["pubsubTarget"].(map[string]any)
	// {"verify":"48h","repair":true}
	if target["data"] != "eyJ2ZXJpZnkiOiI0OGgiLCJyZXBhaXIiOnRydWV9" ||
		target["topicName"] != "projects/my-project/topics/netskope-alerts-trigger" {
		t.Errorf("the job publishes %v", target)
	}
	if r := w.succeed("status", "--project-id", "my-project"); !strings.Contains(r.out,
		"audits       ENABLED, 30 3 * * * (Etc/UTC), next 2026-11-24T03:30:00Z") {
		t.Errorf("status does not show it:\n%s", r.out)
	}
	if got := w.succeed(w.settings("--no-monitor")...).mutating(); len(got) != 0 {
		t.Errorf("without the setting, it changed %q", got)
	}
	if got := w.succeed(w.settings("--no-monitor", "--audit-schedule=0 4 * * *")...).mutating(); len(got) != 1 ||
		!strings.HasPrefix(got[0], "scheduler jobs update pubsub netskope-alerts-collector-audit") {
		t.Errorf("another time changed %q", got)
	}
	w.succeed(w.settings("--no-monitor", "--audit-schedule=off")...)
	if w.resources()[job] != nil {
		t.Error("off leaves the job")
	}
	if r := w.succeed("status", "--project-id", "my-project"); !strings.Contains(r.out,
		"audits       none; --audit-schedule") {
		t.Errorf("status does not say that there is none:\n%s", r.out)
	}
	w.succeed(w.settings("--no-monitor", "--audit-schedule=0 4 * * *")...)
	w.succeed("destroy", "--project-id", "my-project", "--gcs-bucket", "my-alerts", "--yes", "--with-data")
	if names := w.names(); !slices.Equal(names, []string{"projects/my-project"}) {
		t.Errorf("left are %q", names)
	}
}

// How long Google supports the runtime is said, and warned of when it is over.
func TestRuntimeIsDated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, test := range []struct{ today, out, err string }{
		{"2026-11-23", "go126 is supported until 2027-02, and can be deployed until 2027-08", ""},
		{"2027-01-31", "go126 is supported until 2027-02", ""},
		{"2027-02-01", "", "runtime go126 is deprecated since 2027-02: it is patched no more, and from 2027-08 on " +
			"nothing can be deployed with it; choose a newer --runtime: go125 go126"},
	} {
		w.environment = []string{"TODAY=" + test.today}
		r := w.succeed(w.settings("--no-monitor")...)
		if !strings.Contains(r.out, test.out) || !strings.Contains(r.err, test.err) || test.err == "" && r.err != "" {
			t.Errorf("%s: %s%s", test.today, r.out, r.err)
		}
		if r := w.succeed("status", "--project-id", "my-project"); !strings.Contains(r.out,
			"runtime      go126 is ") {
			t.Errorf("status does not say it:\n%s", r.out)
		}
	}
	w.environment = nil
	w.api.Runtimes = []string{"go126 DEPRECATED", "go127"}
	if r := w.succeed(w.settings("--no-monitor")...); !strings.Contains(r.err, "go126 is deprecated") ||
		!strings.Contains(r.err, "choose a newer --runtime: go127") {
		t.Errorf("what Google Cloud says itself: %s", r.err)
	}
	w.api.Runtimes = []string{"go126 DECOMMISSIONED", "go127"}
	if r := w.run(w.settings("--no-monitor")...); r.code == 0 || !strings.Contains(r.err, "it has go127") {
		t.Errorf("a runtime that is gone: status %d, %s", r.code, r.err)
	}
}
