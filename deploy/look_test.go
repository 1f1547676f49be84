package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// lookers are the commands that are of no use without a look at the project.
var lookers = [][]string{{"status"}, {"env"}, {"destroy"}, {"destroy", "--yes"}, {"status", "--dry-run"},
	{"env", "--dry-run"}, {"destroy", "--dry-run"}, {"destroy", "--dry-run", "--with-data", "--gcs-bucket", "my-alerts"}}

// TestWhoCannotLookSaysSo: "nothing is there" is said by nobody who could not look.
func TestWhoCannotLookSaysSo(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		set  func(*world)
		args []string
		want []string
	}{
		"no gcloud": {set: func(w *world) { w.noGcloud = true }, want: []string{"gcloud is missing: install"}},
		"no login":  {set: func(w *world) { w.stub.LoggedOut = true }, want: []string{"type: gcloud auth login"}},
		"wrong project": {args: []string{"--project-id", "other"},
			want: []string{"project other does not exist", "may not see it"}},
		"a login that is over": {set: func(w *world) {
			gcloud := filepath.Join(w.bin, "gcloud")
			w.must(os.Remove(gcloud))
			w.must(os.WriteFile(gcloud, []byte("#!"+filepath.Join(toolbox, "bash")+`
case $1 in
auth) echo someone@example.com ;;
*) echo "ERROR: There was a problem refreshing your current auth tokens: Reauthentication failed." >&2
	exit 1 ;;
esac
`), 0o700))
		}, want: []string{"the login of someone@example.com is no longer valid; type: gcloud auth login", "Reauthentication"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if test.set != nil {
				test.set(w)
			}
			for _, command := range lookers {
				r := w.run(append(append([]string{"--project-id", "my-project"}, command...), test.args...)...)
				for _, want := range append(test.want, "deploy.sh: "+command[0]+" cannot look at project ", "nothing is known") {
					if !strings.Contains(r.err, want) {
						t.Errorf("%q lacks %q: %s", command, want, r.err)
					}
				}
				if r.code != 1 || r.out != "" || len(r.mutating()) > 0 {
					t.Errorf("%q: status %d, %q, changed %v", command, r.code, r.out, r.mutating())
				}
			}
		})
	}
}

// TestLookingWithoutAPIs: an API that is not enabled has nothing to show, which is said, and no failure.
func TestLookingWithoutAPIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, test := range []struct {
		command string
		code    int
		want    []string
	}{
		{"status", 0, []string{"function     does not exist", "no run in the last 7 days", "APIs that are not enabled",
			"cloudfunctions.googleapis.com"}},
		{"destroy --dry-run", 0, []string{"there is nothing that deploy.sh made", "warning: ",
			"to look: gcloud services enable ", "cloudscheduler.googleapis.com", "--project=my-project"}},
		{"destroy --yes", 0, []string{"there is nothing that deploy.sh made", "to look: gcloud services enable "}},
		{"env", 1, []string{"there is no function netskope-alerts-collector in us-central1", "deploy first"}},
		{"run", 1, []string{"there is no function netskope-alerts-collector in us-central1: deploy first"}},
	} {
		r := w.run(append([]string{"--project-id", "my-project"}, strings.Fields(test.command)...)...)
		for _, want := range test.want {
			if !strings.Contains(r.out+r.err, want) {
				t.Errorf("%s lacks %q:\n%s%s", test.command, want, r.out, r.err)
			}
		}
		if r.code != test.code || len(r.mutating()) > 0 {
			t.Errorf("%s: status %d, changed %v", test.command, r.code, r.mutating())
		}
	}
}

// TestLookingWithoutBilling: what there is can be looked at, and be removed.
func TestLookingWithoutBilling(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.succeed(w.settings("--no-monitor")...)
	w.api.Unbilled = true
	if r := w.succeed("--project-id", "my-project", "status"); !strings.Contains(r.out, "ACTIVE") {
		t.Errorf("%s%s", r.out, r.err)
	}
	if r := w.succeed("--project-id", "my-project", "destroy", "--dry-run"); !strings.Contains(r.out, "functions delete") {
		t.Errorf("%s%s", r.out, r.err)
	}
}
