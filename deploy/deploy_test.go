package deploy

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// hashes change with every change of the source.
var hashes = regexp.MustCompile(`(config_hash"?[=:] ?"?|config )[0-9a-f]{20}`)

func steady(text string, w *world) string {
	text = hashes.ReplaceAllString(text, "${1}HASH")
	text = regexp.MustCompile(regexp.QuoteMeta(w.dir)+`/tmp\.[A-Za-z0-9]+`).ReplaceAllString(text, "TEMPORARY")
	return strings.ReplaceAll(text, w.dir, "HOME")
}

// everything are the settings that make all there is to make.
func (w *world) everything() []string {
	return w.settings("--alert-email", "soc@example.com", "--bucket-max-age-days", "400",
		"--feed-service-account", "feed@p.iam.gserviceaccount.com")
}

func TestDeployOnEmptyProject(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.succeed(w.everything()...)
	golden(t, "deploy-commands.txt", steady(strings.Join(r.mutating(), "\n")+"\n", w))
	golden(t, "deploy-model.json", steady(w.api.Model(), w))
	if got := w.api.Secret("netskope-api-token"); len(got) != 1 || string(got[0]) != token {
		t.Errorf("secret holds %q, want the token without white space", got)
	}
}

func TestDeployTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arguments := w.everything()
	w.succeed(arguments...)
	first := w.api.Model()
	r := w.succeed(arguments...)
	if got := r.mutating(); len(got) != 0 {
		t.Errorf("the second run changed:\n%s", strings.Join(got, "\n"))
	}
	if second := w.api.Model(); second != first {
		t.Error(difference(first, second))
	}
	if !strings.Contains(r.out, "0 change(s)") || !strings.Contains(r.out,
		"\n   0 created\n   0 changed\n  46 unchanged: 13 APIs,") {
		t.Errorf("it does not say so:\n%s", r.out)
	}
}

// What differs, and nothing else, is changed by a later run.
func TestDeployChangesOnlyWhatDiffers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.succeed(w.settings()...)
	for _, test := range []struct {
		what string
		args []string
		want []string // how the changes begin
	}{
		{"a function's variable", []string{"--page-size", "1000"}, []string{"functions deploy"}},
		{"the same again", []string{"--page-size", "1000"}, nil},
		{"forced", []string{"--page-size", "1000", "--force"}, []string{"functions deploy"}},
		{
			"the schedule", []string{"--page-size", "1000", "--schedule", "*/10 * * * *"},
			[]string{"scheduler jobs update pubsub"},
		},
		{
			"the lifecycle",
			[]string{"--page-size", "1000", "--schedule", "*/10 * * * *", "--bucket-max-age-days", "30"},
			[]string{
				"storage buckets update gs://my-alerts --lifecycle-file",
				"storage buckets update gs://my-alerts --update-labels",
			},
		},
		{
			"an address to tell",
			[]string{"--page-size", "1000", "--schedule", "*/10 * * * *", "--alert-email", "x@example.com"},
			append([]string{"beta monitoring channels create"},
				slices.Repeat([]string{"alpha monitoring policies update"}, 5)...),
		},
	} {
		got := w.succeed(w.settings(test.args...)...).mutating()
		ok := len(got) == len(test.want)
		for i := range got {
			ok = ok && strings.HasPrefix(got[i], test.want[i])
		}
		if !ok {
			t.Errorf("%s: changed\n%s\nwant %q", test.what, strings.Join(got, "\n"), test.want)
		}
	}
}

// The function is deployed again when its source changes, and not for a change of what is
// left behind.
func TestSourceIsPartOfWhatDiffers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ownSource = filepath.Join(w.dir, "source")
	w.must(copySource(w.ownSource))
	w.succeed(w.settings("--no-monitor")...)
	for _, name := range []string{
		"run_test.go", "internal/standin/new/new.go", "internal/page/testdata/new.go", "internal/page/notes.txt",
		"cmd/new/new.go",
	} {
		write(t, filepath.Join(w.ownSource, name), []byte("package collector // changed"))
	}
	if got := w.succeed(w.settings("--no-monitor")...).mutating(); len(got) != 0 {
		t.Errorf("a change of what is not deployed led to %q", got)
	}
	for _, name := range []string{"run.go", "go.mod", "internal/page/new.go", "internal/foo/bar/new.go"} {
		write(t, filepath.Join(w.ownSource, name), []byte("package page // changed"))
		if got := w.succeed(w.settings("--no-monitor")...).mutating(); len(got) != 1 ||
			!strings.HasPrefix(got[0], "functions deploy") {
			t.Errorf("%s changed, and deploy.sh did %q", name, got)
		}
	}
}

func TestTokenRotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.succeed(w.settings()...)
	without := []string{
		"--project-id", "my-project", "--gcs-bucket", "my-alerts", "--netskope-tenant=https://acme.goskope.com",
	}
	if got := w.succeed(without...).mutating(); len(got) != 0 {
		t.Errorf("without a token, a run changed %q", got)
	}
	w.stdin = "another-token\n"
	got := w.succeed(append(without, "--token-file", "-")...)
	if m := got.mutating(); len(m) != 1 || !strings.HasPrefix(m[0], "secrets versions add") {
		t.Errorf("with a new token, a run changed %q, want a version of the secret and no deployment", m)
	}
	if versions := w.api.Secret("netskope-api-token"); len(versions) != 2 || string(versions[1]) != "another-token" {
		t.Errorf("versions %q", versions)
	}
	w.stdin = "two words\n"
	if r := w.run(append(without, "--token-file", "-")...); r.code == 0 || strings.Contains(r.out+r.err,
		"two words") ||
		!strings.Contains(r.err, "blank") {
		t.Errorf("a broken token: status %d, %s", r.code, r.err)
	}
}

// Values that a shell, a comma list or YAML could tear apart arrive as they were typed.
func TestHostileValuesArrive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hostile := map[string]string{
		"GCS_PREFIX": `a,b=c 'd' "e" $f \g #h: {i} [j] *k ^@^ ` + "`l` é",
		"STATE_KEY":  `-- $(rm -rf x),y=z & | ; \" !`,
	}
	w.environment = []string{"GCS_PREFIX=" + hostile["GCS_PREFIX"]}
	arguments := w.settings("--state-key", hostile["STATE_KEY"])
	w.succeed(arguments...)
	environment := w.variables()
	for name, want := range hostile {
		if environment[name] != want {
			t.Errorf("%s arrived as %q, want %q", name, environment[name], want)
		}
	}
	if got := w.succeed(arguments...).mutating(); len(got) != 0 {
		t.Errorf("the second run changed %q", got)
	}
	for _, value := range []string{"a\nb", "a\rb", "a\tb\x01"} {
		r := w.run(w.settings("--gcs-prefix", value)...)
		if r.code != 2 || len(r.mutating()) != 0 || !strings.Contains(r.err, "GCS_PREFIX has a line break") {
			t.Errorf("GCS_PREFIX=%q: status %d, %s", value, r.code, r.err)
		}
	}
}

func TestFunctionReceivesOnlyWhatIsSet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.succeed(w.settings("--lag", "10m", "--no-monitor")...)
	environment := w.variables()
	want := map[string]any{
		"GCS_BUCKET":              "my-alerts",
		"NETSKOPE_TENANT":         "https://acme.goskope.com",
		"NETSKOPE_API_TOKEN_FILE": "/secrets/netskope-api-token",
		"LAG":                     "10m",
	}
	if len(environment) != len(want) {
		t.Errorf("environment %v, want %v", environment, want)
	}
	for name, value := range want {
		if environment[name] != value {
			t.Errorf("%s=%v, want %v", name, environment[name], value)
		}
	}
	for key := range w.resources() {
		if strings.HasPrefix(key, "metrics/") || strings.HasPrefix(key, "alertPolicies/") {
			t.Errorf("--no-monitor made %s", key)
		}
	}
}
