package deploy

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"netskope-alerts.internal/collector/internal/standin/gcloudtest"
)

// realGcloud is deploy.sh with the real gcloud, whose every request ends at a fake of the
// Google Cloud APIs.
type realGcloud struct {
	t           *testing.T
	api         *gcloudtest.Server
	environment []string
	tokenFile   string
}

func (r *realGcloud) run(arguments ...string) (string, error) {
	command := exec.Command("../deploy.sh", arguments...)
	command.Env = append(r.environment, "POLL_SECONDS=1", "RUN_SECONDS=60")
	output, err := command.CombinedOutput()
	if strings.Contains(string(output), token) {
		r.t.Errorf("deploy.sh %q prints the token", arguments)
	}
	return string(output), err
}

func (r *realGcloud) must(arguments ...string) string {
	r.t.Helper()
	output, err := r.run(arguments...)
	if err != nil {
		r.t.Fatalf("deploy.sh %q: %v\n%s", arguments, err, output)
	}
	return output
}

// newRealGcloud logs gcloud in. Without gcloud the test is skipped, with REQUIRE_GCLOUD=1
// it fails.
func newRealGcloud(t *testing.T, api *gcloudtest.Server) *realGcloud {
	t.Helper()
	if testing.Short() {
		t.Skip("NOT TESTED with -short: deploy.sh with the real gcloud takes minutes")
	}
	if _, err := exec.LookPath("gcloud"); err != nil {
		const why = "NOT TESTED: gcloud is not installed, so deploy.sh was only run with the stand-in"
		if os.Getenv("REQUIRE_GCLOUD") == "1" {
			t.Fatalf("%s (REQUIRE_GCLOUD=1): %v", why, err)
		}
		fmt.Fprintln(os.Stderr, why)
		t.Skip(why)
	}
	r := &realGcloud{t: t, api: api}
	server := httptest.NewServer(r.api)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	var err error
	if r.environment, err = r.api.Environ(server.Listener.Addr().String(), dir); err != nil {
		t.Fatal(err)
	}
	if err := r.api.Login(t.Context(), r.environment); err != nil {
		t.Fatal(err)
	}
	r.tokenFile = filepath.Join(dir, "token")
	if err := os.WriteFile(r.tokenFile, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestPoliciesWithTheRealGcloud: what the organisation refuses is read as the real gcloud
// prints it, and whether that gcloud knows of a network is looked at, before any change.
func TestPoliciesWithTheRealGcloud(t *testing.T) {
	r := newRealGcloud(t, &gcloudtest.Server{OrgPolicies: map[string]map[string]any{
		"gcp.resourceLocations":             only("in:eu-locations", "us-east1"),
		"iam.allowedPolicyMemberDomains":    only("is:C01234567"),
		"iam.disableServiceAccountCreation": {"booleanPolicy": map[string]any{"enforced": true}},
	}})
	before := r.api.Model()
	output, err := r.run("--project-id", "collector-test", "--gcs-bucket", "alerts-of-acme", "--region",
		"europe-west1",
		"--netskope-tenant", "https://acme.goskope.com", "--token-file", r.tokenFile,
		"--feed-service-account", "feed@example.iam.gserviceaccount.com", "--network", "default")
	if err == nil {
		t.Fatalf("nothing stood in the way:\n%s", output)
	}
	for _, want := range []string{
		"a secret that is kept wherever Google likes (it allows in:eu-locations, us-east1)", "C02h8e9nw",
		"--build-service-account EMAIL",
	} {
		if !strings.Contains(output, want) {
			t.Errorf("lacks %q:\n%s", want, output)
		}
	}
	if strings.Contains(output, "europe-west1:") {
		t.Errorf("refuses what is allowed:\n%s", output)
	}
	version, err := exec.Command("gcloud", "version", "--format=value('Google Cloud SDK')").Output()
	if err != nil {
		t.Fatal(err)
	}
	release, _ := strconv.Atoi(strings.Split(string(version), ".")[0])
	if strings.Contains(output, "wants gcloud 558 or newer") != (release < 558) {
		t.Errorf("gcloud is %s:\n%s", version, output)
	}
	if after := r.api.Model(); after != before {
		t.Errorf("the project was changed: %s", difference(before, after))
	}
}

// TestWithTheRealGcloud deploys as a person would: a first try is refused half way, the
// second completes it, a third finds nothing to do; then it runs, is looked at, gets a
// feed, and is taken away. The source that was uploaded must build.
func TestWithTheRealGcloud(t *testing.T) {
	var refuse atomic.Bool
	refuse.Store(true)
	r := newRealGcloud(t, &gcloudtest.Server{
		Fail: func(q gcloudtest.Request) int {
			if refuse.Load() && q.Service == "cloudfunctions" && q.Method == "POST" &&
				strings.HasSuffix(q.Path, "/functions") {
				return 403
			}
			return 0
		},
		// What the function does, as far as deploy.sh can see it.
		Invoke: func(in gcloudtest.Invocation) []gcloudtest.Entry {
			record := map[string]any{
				"message": "run finished", "event": in.Message.ID,
				"alerts": 7, "caught_up": true, "stopped": "caught up",
			}
			severity := "INFO"
			if in.Secrets[in.Variables["NETSKOPE_API_TOKEN_FILE"]] != token {
				record, severity = map[string]any{
					"message": "configuration refused",
					"event":   in.Message.ID,
					"error":   "NETSKOPE_API_TOKEN_FILE cannot be read",
				}, "ERROR"
			}
			return []gcloudtest.Entry{{Severity: severity, Record: record}}
		},
	})
	r.api.Add("cryptoKeys", keyInRegion, map[string]any{"name": keyInRegion})
	const hostile = `netskope/a, "b" 'c' = $d \e`
	settings := []string{
		"--project-id", "collector-test", "--gcs-bucket", "alerts-of-acme",
		"--netskope-tenant", "https://acme.goskope.com", "--gcs-prefix", hostile, "--token-file", r.tokenFile,
		"--alert-email", "soc@example.com", "--bucket-max-age-days", "400",
		"--feed-service-account", "feed@example.iam.gserviceaccount.com",
		"--kms-key", keyInRegion, "--labels", "team=soc,cost-center=4711", "--audit-schedule", "30 3 * * *",
	}
	r.api.Put("somebody-elses", "object", 1) // nothing of ours: it must survive

	output, err := r.run(settings...)
	if err == nil || !strings.Contains(output, "function") || !strings.Contains(output, "again") {
		t.Fatalf("the first try: %v\n%s", err, output)
	}
	refuse.Store(false)
	t.Log(r.must(settings...))
	deployed := r.api.Model()

	if output := r.must(settings...); !strings.Contains(output, " 0 change(s)") {
		t.Errorf("the third run changes something:\n%s", output)
	}
	if again := r.api.Model(); again != deployed {
		t.Error("the third run left another project behind")
	}
	if strings.Contains(deployed, token) {
		t.Error("the token lies elsewhere than in the secret")
	}
	function, ok := r.api.Resource("functions", "projects/collector-test/locations/us-central1/functions/"+ourMark)
	service, _ := function["serviceConfig"].(map[string]any)
	variables, _ := service["environmentVariables"].(map[string]any)
	if !ok || variables["GCS_PREFIX"] != hostile || variables["NETSKOPE_TENANT"] != "https://acme.goskope.com" {
		t.Errorf("function %v with the variables %v", ok, variables)
	}

	if output := r.must(append([]string{"run"}, settings...)...); !strings.Contains(output, "it works") {
		t.Errorf("run:\n%s", output)
	}
	if output := r.must(append([]string{"status"}, settings...)...); !strings.Contains(output, ourMark) {
		t.Errorf("status:\n%s", output)
	}

	if output := r.must(append([]string{"env"}, settings...)...); !strings.Contains(output,
		"export GCS_BUCKET='alerts-of-acme'\n") ||
		!strings.Contains(output, `export GCS_PREFIX='netskope/a, "b" '\''c'\'' = $d \e'`+"\n") {
		t.Errorf("env:\n%s", output)
	}
	feed := append([]string{"feed", "--feed-event-driven"}, settings...)
	r.must(feed...)
	announced := r.api.Model()
	notification, _ := r.api.Resource("notificationConfigs", "alerts-of-acme/1")
	if notification["object_name_prefix"] != hostile+"/" || notification["payload_format"] != "JSON_API_V1" {
		t.Errorf("the bucket announces %v", notification)
	}
	r.must(feed...)
	if again := r.api.Model(); again != announced {
		t.Errorf("the second feed changes something: %s", difference(announced, again))
	}
	buildSource(t, r.api.Source("netskope-alerts-collector"))

	r.must(append([]string{"destroy", "--yes", "--with-data"}, settings...)...)
	left := r.api.Model()
	for _, ours := range []string{
		"netskope-alerts-collector", "netskope-api-token", "alerts-of-acme", "netskope-alerts-trigger",
	} {
		if strings.Contains(left, ours) {
			t.Errorf("%s is left behind in\n%s", ours, left)
		}
	}
}

// buildSource builds an uploaded archive as the buildpack does: a program of its own in a
// folder of the module.
func buildSource(t *testing.T, archive []byte) {
	t.Helper()
	dir := t.TempDir()
	reader, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	var uploaded []string
	for _, file := range reader.File {
		if strings.HasSuffix(file.Name, "/") {
			continue
		}
		uploaded = append(uploaded, file.Name)
		content, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(content)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, file.Name), text)
	}
	slices.Sort(uploaded)
	if want := hashed(t, ".."); !slices.Equal(uploaded, want) {
		t.Errorf("the upload holds\n%q\nand the hash sees\n%q", uploaded, want)
	}
	write(t, filepath.Join(dir, "functions.local", "app", "main.go"), []byte(`package main

import (
	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	_ "netskope-alerts.internal/collector"
)

func main() { _ = funcframework.Start("8080") }
`))
	build := exec.Command("go", "build", "-tags=disable_grpc_modules",
		"-o", filepath.Join(dir, "function"), "./functions.local/app")
	build.Dir = dir
	if output, err := build.CombinedOutput(); err != nil {
		t.Errorf("the uploaded source does not build: %v\n%s", err, output)
	}
}

func write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
