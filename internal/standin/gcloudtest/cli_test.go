package gcloudtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"netskope-alerts.internal/collector/internal/standin/gcloudtest"
)

var loginDir string

// login makes a configuration of gcloud in which somebody is logged in. That is
// the same for every server, so it is done once and copied.
var login = sync.OnceValue(func() error {
	var err error
	if loginDir, err = os.MkdirTemp("", "gcloudtest"); err != nil {
		return err
	}
	s := &gcloudtest.Server{}
	at := httptest.NewServer(s)
	defer at.Close()
	env, err := s.Environ(at.Listener.Addr().String(), loginDir)
	if err != nil {
		return err
	}
	return s.Login(context.Background(), env)
})

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(loginDir)
	os.Exit(code)
}

// cli runs the real gcloud against a server.
type cli struct {
	*gcloudtest.Server
	dir string
	env []string
}

// gcloud starts the server and logs in. Without gcloud the test is skipped,
// with REQUIRE_GCLOUD=1 it fails.
func gcloud(t *testing.T, s *gcloudtest.Server) *cli {
	t.Helper()
	t.Parallel()
	if _, err := exec.LookPath("gcloud"); err != nil {
		why := "NOT TESTED: gcloud is not installed, so nothing shows that it works with the fake Google Cloud APIs"
		if os.Getenv("REQUIRE_GCLOUD") == "1" {
			t.Fatalf("%s (REQUIRE_GCLOUD=1): %v", why, err)
		}
		fmt.Fprintf(os.Stderr, "%s: %s\n", t.Name(), why)
		t.Skip(why)
	}
	if err := login(); err != nil {
		t.Fatal(err)
	}
	at := httptest.NewServer(s)
	t.Cleanup(at.Close)
	c := &cli{Server: s, dir: t.TempDir()}
	var err error
	if c.env, err = s.Environ(at.Listener.Addr().String(), c.dir); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(c.dir, "gcloud")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(c.dir, "gcloud"), os.DirFS(filepath.Join(loginDir, "gcloud"))); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *cli) try(input string, line ...string) (stdout, stderr string, err error) {
	cmd := exec.Command("gcloud", line...)
	cmd.Env, cmd.Dir, cmd.Stdin = c.env, c.dir, strings.NewReader(input)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// args splits a command at spaces; a tilde stands for a space in an argument.
func args(line string) []string {
	fields := strings.Fields(line)
	for i := range fields {
		fields[i] = strings.ReplaceAll(fields[i], "~", " ")
	}
	return fields
}

// run wants a command to succeed and returns its standard output, without the
// newline at the end.
func (c *cli) run(t *testing.T, line string) string {
	t.Helper()
	return c.feed(t, "", line)
}

func (c *cli) feed(t *testing.T, input, line string) string {
	t.Helper()
	out, errs, err := c.try(input, args(line)...)
	if err != nil {
		t.Fatalf("gcloud %s: %v\n%s", line, err, errs)
	}
	return strings.TrimSuffix(out, "\n")
}

// refused wants a command to fail with a text on standard error.
func (c *cli) refused(t *testing.T, want, line string) {
	t.Helper()
	out, errs, err := c.try("", args(line)...)
	if err == nil || !strings.Contains(errs, want) {
		t.Fatalf("gcloud %s: %v, stderr %q, stdout %q; want a failure with %q", line, err, errs, out, want)
	}
}

// file writes a file for a command and returns its path.
func (c *cli) file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// field returns what the model has at a path of keys, as JSON.
func (c *cli) field(t *testing.T, kind, name string, path ...string) string {
	t.Helper()
	fields, ok := c.Resource(kind, name)
	if !ok {
		t.Fatalf("there is no %s in %s, only %v", name, kind, c.Names(kind))
	}
	var v any = fields
	for _, key := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return "null"
		}
		v = m[key]
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func same(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s is\n%s\nwant\n%s", what, got, want)
	}
}

const everyAPI = "artifactregistry.googleapis.com cloudbuild.googleapis.com cloudfunctions.googleapis.com " +
	"cloudscheduler.googleapis.com eventarc.googleapis.com iam.googleapis.com logging.googleapis.com " +
	"monitoring.googleapis.com pubsub.googleapis.com run.googleapis.com secretmanager.googleapis.com"

// post asks the server without gcloud, for what a test needs but is not about.
func (c *cli) post(t *testing.T, method, url, body string) {
	t.Helper()
	request := httptest.NewRequest(method, "http://"+url, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	c.ServeHTTP(answer, request)
	if answer.Code != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, url, answer.Code, answer.Body)
	}
}

func (c *cli) enable(t *testing.T) {
	t.Helper()
	c.post(t, "POST", "serviceusage.googleapis.com/v1/projects/collector-test/services:batchEnable",
		`{"serviceIds": ["`+strings.ReplaceAll(everyAPI, " ", `", "`)+`"]}`)
}

func (c *cli) account(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		c.post(t, "POST", "iam.googleapis.com/v1/projects/collector-test/serviceAccounts", `{"accountId": "`+name+`"}`)
	}
}

func (c *cli) grant(t *testing.T, resource, role, account string) {
	t.Helper()
	c.post(t, "POST", resource+":setIamPolicy", fmt.Sprintf(`{"policy": {"bindings": [{"role": %q, "members": ["serviceAccount:%s"]}]}}`, role, email(account)))
}

const inProject = "projects/collector-test/"

func email(account string) string { return account + "@collector-test.iam.gserviceaccount.com" }
