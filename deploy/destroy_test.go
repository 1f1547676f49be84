package deploy

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"netskope-alerts.internal/collector/deploy/internal/gcloudstub"
)

// foreign is a project in which somebody else has been before, under names that are
// partly ours.
func foreign() *gcloudstub.Project {
	p := gcloudstub.NewProject()
	for key, r := range map[string]map[string]any{
		"topic/other":     {"name": "other", "labels": map[string]any{"netskope_alerts_deployment": "another-collector"}},
		"account/someone": {"description": "netskope-alerts deployment another-collector: runs"},
		"secret/password": {"name": "password", "versions": []any{"x"}},
		"bucket/theirs":   {"projectNumber": p.Number},
		"function/other":  {"state": "ACTIVE"},
		"service/other":   {"name": "other"},
		"job/other":       {"description": "netskope-alerts deployment another-collector: x"},
		"metric/other":    {"description": "theirs"},
		"policy/projects/my-project/alertPolicies/900":         {"name": "projects/my-project/alertPolicies/900", "displayName": "netskope-alerts-collector: run failed", "userLabels": map[string]any{}},
		"dashboard/projects/my-project/dashboards/901":         {"name": "projects/my-project/dashboards/901", "displayName": "netskope-alerts-collector: Netskope alerts"},
		"channel/projects/my-project/notificationChannels/902": {"name": "projects/my-project/notificationChannels/902", "labels": map[string]any{"email_address": "soc@example.com"}},
	} {
		p.Resources[key] = r
	}
	p.Bindings = []string{
		"bucket/theirs roles/storage.objectViewer serviceAccount:x@y.iam.gserviceaccount.com",
		"project/my-project roles/owner user:someone@example.com",
	}
	return p
}

func TestDestroyRemovesOnlyOurs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(foreign())
	before := foreign()
	w.succeed(w.settings("--alert-email", "soc@example.com")...)
	destroy := []string{"destroy", "--project-id", "my-project", "--gcs-bucket", "my-alerts"}

	r := w.run(destroy...)
	if r.code == 0 || len(r.mutating()) != 0 || !strings.Contains(r.err, "--yes") || !strings.Contains(r.out, "function netskope-alerts-collector") {
		t.Errorf("without a terminal and --yes: status %d, %q\n%s", r.code, r.mutating(), r.err)
	}

	w.succeed(append(destroy, "--yes")...)
	left := w.project()
	want := slices.Sorted(maps.Keys(before.Resources))
	want = append(want, "bucket/my-alerts", "secret/netskope-api-token")
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(left.Resources)); !slices.Equal(got, want) {
		t.Errorf("left are\n%q\nwant\n%q", got, want)
	}
	if !slices.Equal(left.Bindings, before.Bindings) {
		t.Errorf("left are the roles %q", left.Bindings)
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
	w.put(foreign())
	before := foreign()
	w.succeed(w.settings()...)
	w.succeed("destroy", "--project-id", "my-project", "--gcs-bucket", "my-alerts", "--with-data", "--yes")
	left := w.project()
	if got, want := slices.Sorted(maps.Keys(left.Resources)), slices.Sorted(maps.Keys(before.Resources)); !slices.Equal(got, want) {
		t.Errorf("left are\n%q\nwant\n%q", got, want)
	}
	if !slices.Equal(left.Bindings, before.Bindings) {
		t.Errorf("left are the roles %q", left.Bindings)
	}
}

// What was there before deploy.sh used it stays, whatever is asked for.
func TestDestroyKeepsWhatItFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := gcloudstub.NewProject()
	p.Resources["bucket/my-alerts"] = map[string]any{"projectNumber": p.Number}
	p.Resources["secret/netskope-api-token"] = map[string]any{"name": "s", "versions": []any{token}}
	p.Resources["topic/netskope-alerts-trigger"] = map[string]any{"name": "t"}
	p.Resources["account/netskope-alerts-trigger"] = map[string]any{"description": "theirs"}
	w.put(p)
	w.succeed(w.settings()...)
	w.succeed("destroy", "--project-id", "my-project", "--gcs-bucket", "my-alerts", "--with-data", "--yes")
	want := []string{"account/netskope-alerts-trigger", "bucket/my-alerts", "secret/netskope-api-token", "topic/netskope-alerts-trigger"}
	if got := slices.Sorted(maps.Keys(w.project().Resources)); !slices.Equal(got, want) {
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
		w.must(w.stub.Fail(7, false))
		if r := w.run(destroy...); r.code == 0 || !strings.Contains(r.err, "removal 7/") {
			t.Fatalf("status %d: %s", r.code, r.err)
		}
	}
	w.must(w.stub.Fail(0, false))
	w.succeed(destroy...)
	if left := w.project(); len(left.Resources) != 0 || len(left.Bindings) != 0 {
		t.Errorf("left are %v %q", left.Resources, left.Bindings)
	}
}
