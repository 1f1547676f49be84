package deploy

import (
	"slices"
	"strings"
	"testing"
)

// foreign puts what somebody else made before into the project, under names that are
// partly ours.
func (w *world) foreign() {
	const project, regional = "projects/my-project/", "projects/my-project/locations/us-central1/"
	const another = "netskope-alerts deployment another-collector: x"
	fields := func(key string, value any) map[string]any { return map[string]any{key: value} }
	for _, r := range []struct {
		kind, name string
		fields     map[string]any
	}{
		{
			"topics", project + "topics/other",
			fields("labels", fields("netskope_alerts_deployment", "another-collector")),
		},
		{
			"serviceAccounts", project + "serviceAccounts/someone@my-project.iam.gserviceaccount.com",
			fields("description", another),
		},
		{"secrets", project + "secrets/password", fields("name", project+"secrets/password")},
		{"secretVersions", project + "secrets/password/versions/1", fields("state", "ENABLED")},
		{"functions", regional + "functions/other", fields("state", "ACTIVE")},
		{"runServices", regional + "services/other", fields("function", regional+"functions/other")},
		{"jobs", regional + "jobs/other", fields("description", another)},
		{"metrics", project + "metrics/other", fields("description", "theirs")},
		{"alertPolicies", project + "alertPolicies/900", fields("displayName", ourMark+": run failed")},
		{"dashboards", project + "dashboards/901", fields("displayName", ourMark+": Netskope alerts")},
		{
			"notificationChannels", project + "notificationChannels/902",
			fields("labels", fields("email_address", "soc@example.com")),
		},
	} {
		if r.fields["name"] == nil {
			r.fields["name"] = r.name
		}
		w.api.Add(r.kind, r.name, r.fields)
	}
	w.gcloud("storage buckets create gs://theirs --location=us-central1")
	w.gcloud(
		"storage buckets add-iam-policy-binding gs://theirs",
		"--member=serviceAccount:x@y.iam.gserviceaccount.com --role=roles/storage.objectViewer",
	)
}

func TestDestroyRemovesOnlyOurs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.foreign()
	names, granted := w.names(), w.granted()
	w.succeed(w.settings("--alert-email", "soc@example.com")...)
	destroy := []string{"destroy", "--project-id", "my-project", "--gcs-bucket", "my-alerts"}

	r := w.run(destroy...)
	if r.code == 0 || len(r.mutating()) != 0 || !strings.Contains(r.err, "--yes") ||
		!strings.Contains(r.out, "function netskope-alerts-collector") {
		t.Errorf("without a terminal and --yes: status %d, %q\n%s", r.code, r.mutating(), r.err)
	}

	w.succeed(append(destroy, "--yes")...)
	want := append(
		names, "buckets/my-alerts", "secrets/netskope-api-token",
		"secretVersions/projects/my-project/secrets/netskope-api-token/versions/1",
	)
	slices.Sort(want)
	if got := w.names(); !slices.Equal(got, want) {
		t.Errorf("left are\n%q\nwant\n%q", got, want)
	}
	if got := w.granted(); !slices.Equal(got, granted) {
		t.Errorf("left are the roles %q, want %q", got, granted)
	}

	// A second time there is nothing more; and deploying again works.
	if r := w.succeed(append(destroy, "--yes")...); len(r.mutating()) != 0 || !strings.Contains(r.out, "nothing") {
		t.Errorf("again: %q, %s", r.mutating(), r.out)
	}
	w.succeed(w.settings()...)
}

func TestDestroyWithData(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.foreign()
	names, granted := w.names(), w.granted()
	w.succeed(w.settings()...)
	w.succeed("destroy", "--project-id", "my-project", "--gcs-bucket", "my-alerts", "--with-data", "--yes")
	if got := w.names(); !slices.Equal(got, names) {
		t.Errorf("left are\n%q\nwant\n%q", got, names)
	}
	if got := w.granted(); !slices.Equal(got, granted) {
		t.Errorf("left are the roles %q, want %q", got, granted)
	}
}

// What was there before deploy.sh used it stays, whatever is asked for.
func TestDestroyKeepsWhatItFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.enable("iam", "pubsub", "secretmanager")
	w.gcloud("storage buckets create gs://my-alerts --location=us-central1")
	w.gcloud("secrets create netskope-api-token --replication-policy=automatic")
	w.gcloud("secrets versions add netskope-api-token --data-file=-")
	w.gcloud("pubsub topics create netskope-alerts-trigger")
	w.gcloud("iam service-accounts create netskope-alerts-trigger --description=theirs")
	want := w.names()
	w.succeed(w.settings()...)
	w.succeed("destroy", "--project-id", "my-project", "--gcs-bucket", "my-alerts", "--with-data", "--yes")
	if got := w.names(); len(want) != 6 || !slices.Equal(got, want) {
		t.Errorf("left are %q, want %q", got, want)
	}
}

// A removal that fails in the middle is taken up by the next.
func TestDestroyContinues(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.succeed(w.settings()...)
	destroy := []string{"destroy", "--project-id", "my-project", "--gcs-bucket", "my-alerts", "--with-data", "--yes"}
	for range 4 {
		w.stub.Fail(7, false)
		if r := w.run(destroy...); r.code == 0 || !strings.Contains(r.err, "removal 7/") {
			t.Fatalf("status %d: %s", r.code, r.err)
		}
	}
	w.stub.Fail(0, false)
	w.succeed(destroy...)
	if names, granted := w.names(), w.granted(); !slices.Equal(names, []string{"projects/my-project"}) ||
		len(granted) != 0 {
		t.Errorf("left are %q %q", names, granted)
	}
}
