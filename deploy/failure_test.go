package deploy

import (
	"strings"
	"testing"

	"netskope-alerts.internal/collector/deploy/internal/gcloudstub"
)

// Whatever change fails, before it took effect or after, running again leads to the
// same project. The failures are chained: each run fails one change later than the one
// before, which is the same as failing there for the first time, because the script
// remembers nothing itself.
func TestFailureAtEveryChange(t *testing.T) {
	t.Parallel()
	for _, part := range []struct {
		name      string
		arguments func(*world) []string
		atLeast   int
	}{
		{"deploy", func(w *world) []string {
			return w.settings("--no-monitor", "--bucket-max-age-days", "400", "--feed-service-account", "feed@p.iam.gserviceaccount.com")
		}, 20},
		{"monitor", func(*world) []string {
			return []string{"monitor", "--project-id", "my-project", "--alert-email", "soc@example.com"}
		}, 15},
	} {
		for kind, after := range map[string]bool{"before": false, "after": true} {
			t.Run(part.name+" "+kind, func(t *testing.T) {
				t.Parallel()
				clean := newWorld(t)
				changes := len(clean.succeed(part.arguments(clean)...).mutating())
				if changes < part.atLeast {
					t.Fatalf("only %d changes on an empty project", changes)
				}
				want := modelText(t, clean.project())

				w := newWorld(t)
				for n := 1; n <= changes; n++ {
					// Before: the failed change is made by the next run, which fails at the one
					// behind it. After: it was made, and the next is the first again.
					at := 2
					if after || n == 1 {
						at = 1
					}
					w.must(w.stub.Fail(at, after))
					r := w.run(part.arguments(w)...)
					if r.code != 1 {
						t.Fatalf("failure %d of %d: status %d\n%s", n, changes, r.code, r.out)
					}
					for _, say := range []string{"injected failure", "step ", "Run the same command again"} {
						if !strings.Contains(r.err, say) {
							t.Errorf("failure %d: the message lacks %q: %s", n, say, r.err)
						}
					}
				}
				w.must(w.stub.Fail(0, false))
				w.succeed(part.arguments(w)...)
				if got := modelText(t, w.project()); got != want {
					t.Error(difference(want, got))
				}
			})
		}
	}
}

// A service account that was just made is unknown to other services for a while.
func TestNewAccountIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := gcloudstub.NewProject()
	p.UnsettledGrants = 2
	w.put(p)
	w.succeed(w.settings("--no-monitor")...)
	if !w.project().Granted("bucket/my-alerts", "roles/storage.objectUser", "serviceAccount:netskope-alerts-collector@my-project.iam.gserviceaccount.com", "") {
		t.Error("the role was not granted in the end")
	}
}
