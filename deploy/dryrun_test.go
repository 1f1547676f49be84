package deploy

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func dryRunArguments(w *world) []string {
	return w.settings("--dry-run", "--alert-email", "soc@example.com", "--bucket-max-age-days", "400",
		"--gcs-prefix", `it's "a" prefix, a=b $c`, "--feed-service-account", "feed@p.iam.gserviceaccount.com")
}

// The transcript is that of a machine without gcloud: it shows what an empty project needs.
func TestDryRunTranscript(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.noGcloud = true
	r := w.succeed(dryRunArguments(w)...)
	golden(t, "dry-run.sh", steady(r.out, w))
}

// The transcript is ready to paste: as a script, with gcloud in place, it makes the same
// project as deploy.sh itself.
func TestDryRunTranscriptRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arguments := dryRunArguments(w)
	script := w.succeed(arguments...)
	if len(script.mutating()) != 0 {
		t.Fatalf("the dry run changed %q", script.mutating())
	}
	real := newWorld(t)
	var kept []string
	for _, a := range dryRunArguments(real) {
		if a != "--dry-run" {
			kept = append(kept, a)
		}
	}
	real.succeed(kept...)
	pasted := w.script(script.out)
	if left, err := filepath.Glob(filepath.Join(w.dir, "tmp.*")); err != nil || len(left) != 0 {
		t.Errorf("the transcript leaves %q behind, %v", left, err)
	}

	// What only Google Cloud names cannot be in a transcript.
	ackDeadline := regexp.MustCompile(`"ackDeadlineSeconds": \d+`)
	hash := regexp.MustCompile(`[0-9a-f]{20}`) // of files that name the channel
	trim := func(model string) string {
		return hash.ReplaceAllString(ackDeadline.ReplaceAllString(model, "deadline"), "HASH")
	}
	if got, want := trim(w.api.Model()), trim(real.api.Model()); got != want {
		t.Errorf("%s\n%s", difference(want, got), pasted)
	}
}

// What a machine without gcloud prints of keys and of a feed, it prints with the project's
// number as a variable; it leads to what deploy.sh itself leads to.
func TestDryRunOfKeysAndFeedRuns(t *testing.T) {
	t.Parallel()
	arguments := func(w *world, command ...string) []string {
		return append(command, w.settings("--kms-key", keyInRegion, "--labels=team=soc", "--audit-schedule=30 3 * * *",
			"--feed-event-driven", "--feed-service-account", "feed@p.iam.gserviceaccount.com", "--no-monitor")...)
	}
	pasted, real := newWorld(t), newWorld(t)
	pasted.addKeys(keyInRegion)
	real.addKeys(keyInRegion)
	for _, command := range []string{"deploy", "feed"} {
		real.succeed(arguments(real, command)...)
		pasted.noGcloud = true
		r := pasted.succeed(append(arguments(pasted, command), "--dry-run")...)
		if n := strings.Count(r.out, "PROJECT_NUMBER=$("); n != 1 {
			t.Errorf("%s: the project's number is asked for %d times:\n%s", command, n, r.out)
		}
		pasted.script(r.out)
	}
	deadline := regexp.MustCompile(`"ackDeadlineSeconds": \d+`)
	got, want := deadline.ReplaceAllString(pasted.api.Model(), ""), deadline.ReplaceAllString(real.api.Model(), "")
	if got != want {
		t.Error(difference(want, got))
	}
	r := pasted.succeed(append(arguments(pasted, "feed"), "--dry-run", "--secops-instance",
		"projects/p/locations/us/instances/i")...)
	if !strings.Contains(r.out, "FILES=$(mktemp -d)") || !strings.Contains(r.out, `"@$FILES/feed.json"`) {
		t.Errorf("the feed's file lies nowhere:\n%s", r.out)
	}
}

// With gcloud and a login, a dry run shows what is missing.
func TestDryRunOnDeployedProject(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.succeed(w.settings()...)
	before := w.api.Model()
	r := w.succeed(w.settings("--dry-run", "--schedule", "*/5 * * * *")...)
	var commands []string
	for line := range strings.Lines(r.out) {
		if strings.Contains(line, "gcloud ") && !strings.HasPrefix(line, "#") {
			commands = append(commands, line)
		}
	}
	if len(commands) != 1 || !strings.Contains(commands[0], "scheduler jobs update pubsub") ||
		!strings.Contains(commands[0], "'--schedule=*/5 * * * *'") {
		t.Errorf("shown are %q, want the schedule alone", commands)
	}
	if w.api.Model() != before || len(r.mutating()) != 0 {
		t.Error("the dry run changed the project")
	}
	summary, _, _ := strings.Cut(r.out, "\n(\n")
	for _, want := range []string{
		"\n#    0 to create\n#    1 to change: 1 scheduler job\n#   42 unchanged: 13 APIs, 3 service accounts, 1 topic, 1 bucket,",
		"5 alert policies, 1 dashboard\n",
	} {
		if !strings.Contains(summary, want) {
			t.Errorf("the summary before the plan lacks %q:\n%s", want, summary)
		}
	}
	for _, command := range []string{"destroy", "monitor", "feed", "run", "status"} {
		r := w.succeed(
			command, "--project-id", "my-project", "--gcs-bucket", "my-alerts", "--dry-run", "--with-data",
			"--secops-instance", "projects/p/locations/us/instances/i",
		)
		if len(r.mutating()) != 0 {
			t.Errorf("%s --dry-run changed %q", command, r.mutating())
		}
	}
}
