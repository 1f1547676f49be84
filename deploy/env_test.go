package deploy

import (
	"slices"
	"strings"
	"testing"
)

// What env prints gives a shell the settings of the function, and takes them away again.
func TestEnv(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const hostile = `it's "a" prefix, $c \d`
	w.succeed(w.settings("--no-monitor", "--gcs-prefix", hostile, "--lag=10m")...)
	// As it is deployed, whatever is said or set here.
	r := w.succeed("env", "--project-id", "my-project", "--lag=1h")
	if got := r.mutating(); len(got) != 0 {
		t.Errorf("env changed %q", got)
	}
	for _, c := range r.calls {
		if slices.Contains(c.Args, "access") {
			t.Errorf("env reads the token: %q", c.Args)
		}
	}
	file := w.dir + "/environment.sh"
	write(t, file, []byte(r.out))
	got := w.script(`
export LAG=7s STATE_KEY=left/over STORAGE_EMULATOR_HOST=localhost:1 NETSKOPE_API_TOKEN_FILE=/mine
. ` + file + `
for name in GCS_BUCKET GCS_PREFIX STATE_KEY LAG NETSKOPE_TENANT NETSKOPE_ALERTS_TOPIC STORAGE_EMULATOR_HOST \
	NETSKOPE_API_TOKEN; do
	echo "$name=${!name-unset}"
done
netskope_alerts_token
[[ $(bash -c 'echo "$NETSKOPE_API_TOKEN"') == ` + token + ` ]] && echo the token is fetched
echo "${NETSKOPE_API_TOKEN_FILE-unset}"
netskope_alerts_off
for name in GCS_BUCKET GCS_PREFIX LAG NETSKOPE_TENANT NETSKOPE_ALERTS_TOPIC NETSKOPE_API_TOKEN; do
	[[ ! ${!name-} ]] || echo "$name is left"
done
declare -F
`)
	want := `GCS_BUCKET=my-alerts
GCS_PREFIX=` + hostile + `
STATE_KEY=unset
LAG=10m
NETSKOPE_TENANT=https://acme.goskope.com
NETSKOPE_ALERTS_TOPIC=projects/my-project/topics/netskope-alerts-trigger
STORAGE_EMULATOR_HOST=unset
NETSKOPE_API_TOKEN=unset
the token is fetched
unset
`
	if got != want {
		t.Errorf("%s\n%s", difference(want, got), r.out)
	}
}

// Without a function there is nothing to print, and nothing is printed that a shell would
// take for settings.
func TestEnvOfNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.enable("cloudfunctions")
	for name, set := range map[string]func(){
		"there is no function netskope-alerts-collector in us-central1": func() {},
		"not logged in": func() { w.stub.LoggedOut = true },
	} {
		set()
		r := w.run("env", "--project-id", "my-project")
		if r.code == 0 || r.out != "" || !strings.Contains(r.err, name) {
			t.Errorf("status %d, %s%s", r.code, r.out, r.err)
		}
		w.stub.LoggedOut = false
	}
}
