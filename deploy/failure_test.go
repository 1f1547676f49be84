package deploy

import (
	"errors"
	"slices"
	"strings"
	"testing"
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
			return w.settings("--no-monitor", "--bucket-max-age-days", "400",
				"--feed-service-account", "feed@p.iam.gserviceaccount.com")
		}, 20},
		{"monitor", func(*world) []string {
			return []string{"monitor", "--project-id", "my-project", "--alert-email", "soc@example.com"}
		}, 15},
	} {
		for kind, after := range map[string]bool{"before": false, "after": true} {
			t.Run(part.name+" "+kind, func(t *testing.T) {
				t.Parallel()
				clean := newWorld(t)
				clean.enable("logging", "monitoring")
				changes := len(clean.succeed(part.arguments(clean)...).mutating())
				if changes < part.atLeast {
					t.Fatalf("only %d changes on an empty project", changes)
				}
				want := clean.api.Model()

				w := newWorld(t)
				w.enable("logging", "monitoring")
				step := 1
				if testing.Short() {
					step = 5 // the race detector sees the same code at every change
				}
				for n := 1; n <= changes; n += step {
					// Before: the failed change is made by the next run, which fails at the one
					// behind it. After: it was made, and the next is the first again.
					at := 2
					if after || n == 1 {
						at = 1
					}
					w.stub.Fail(at, after)
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
				w.stub.Fail(0, false)
				w.succeed(part.arguments(w)...)
				if got := w.api.Model(); got != want {
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
	refused := 0
	w.stub.Refuse = func(args []string) error {
		if !slices.Contains(args, "add-iam-policy-binding") || refused == 2 {
			return nil
		}
		refused++
		return errors.New("INVALID_ARGUMENT: Service account x@y does not exist")
	}
	w.succeed(w.settings("--no-monitor")...)
	const run = "serviceAccount:netskope-alerts-collector@my-project.iam.gserviceaccount.com"
	if refused != 2 || !slices.Contains(w.granted(), "buckets/my-alerts roles/storage.objectUser "+run) {
		t.Errorf("the role was not granted after %d refusals: %q", refused, w.granted())
	}
}
