package gcloudtest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"netskope-alerts.internal/collector/internal/standin/gcloudtest"
)

func TestProject(t *testing.T) {
	c := gcloud(t, &gcloudtest.Server{})
	same(t, "the account", c.run(t, "auth list --filter=status:ACTIVE --format=value(account)"), "deployer@example.test")
	same(t, "the project", c.run(t, "config get-value project"), "collector-test")
	same(t, "the number", c.run(t, "projects describe collector-test --format=value(projectNumber)"), "123456789012")
	c.refused(t, "does not have permission", "projects describe somebody-elses")
	same(t, "billed", c.run(t, "billing projects describe collector-test --format=value(billingEnabled)"), "True")
	c.refused(t, "SERVICE_DISABLED", "secrets describe netskope-api-token")
	c.refused(t, "not found or permission denied", "services enable nosuch.googleapis.com")
	c.run(t, "services enable "+everyAPI)
	c.run(t, "services enable "+everyAPI)
	listed := strings.Fields(c.run(t, "services list --enabled --format=value(config.name)"))
	same(t, "what is enabled", strings.Join(listed, " "), everyAPI)

	c.run(t, "iam service-accounts create netskope-alerts-build --display-name=Build")
	c.refused(t, "already exists", "iam service-accounts create netskope-alerts-build")
	builder := email("netskope-alerts-build")
	same(t, "the account", c.run(t, "iam service-accounts describe "+builder+" --format=value(displayName)"), "Build")
	bind := " --member=serviceAccount:" + builder +
		" --role=roles/cloudbuild.builds.builder --condition=None --format=none"
	c.run(t, "projects add-iam-policy-binding collector-test"+bind)
	before := c.Model()
	c.run(t, "projects add-iam-policy-binding collector-test"+bind)
	same(t, "the model after the same binding", c.Model(), before)
	members := c.Members("projects", "collector-test", "roles/cloudbuild.builds.builder")
	same(t, "builders", strings.Join(members, " "), "serviceAccount:"+builder)
	const when = `{"expression":"resource.name.startsWith('projects/_/buckets/x')","title":"one bucket"}`
	conditional := "projects add-iam-policy-binding collector-test --format=none" +
		" --role=roles/storage.objectViewer --member=serviceAccount:" + builder +
		" --condition=^:^title=one~bucket:expression=resource.name.startsWith('projects/_/buckets/x')"
	c.run(t, conditional)
	c.run(t, conditional)
	members = c.Members("projects", "collector-test", "roles/storage.objectViewer if "+when)
	same(t, "holders on a condition", strings.Join(members, " "), "serviceAccount:"+builder)
	c.refused(t, "condition", "projects add-iam-policy-binding collector-test --role=roles/viewer --member=user:a@example.test")
	c.run(t, "iam service-accounts add-iam-policy-binding "+builder+
		" --member=user:deployer@example.test --role=roles/iam.serviceAccountUser --format=none")
	account := inProject + "serviceAccounts/" + builder
	members = c.Members("serviceAccounts", account, "roles/iam.serviceAccountUser")
	same(t, "users of the account", strings.Join(members, " "), "user:deployer@example.test")
	c.run(t, "iam service-accounts disable "+builder)
	same(t, "disabled", c.field(t, "serviceAccounts", account, "disabled"), "true")
	c.run(t, "iam service-accounts enable "+builder)
	same(t, "disabled", c.field(t, "serviceAccounts", account, "disabled"), "null")
	c.run(t, "iam service-accounts delete "+builder)
	c.refused(t, "NOT_FOUND", "iam service-accounts describe "+builder)
	c.refused(t, "does not exist",
		"projects add-iam-policy-binding collector-test"+strings.Replace(bind, "builds.builder", "builds.viewer", 1))
}

func TestProjectWithoutBilling(t *testing.T) {
	c := gcloud(t, &gcloudtest.Server{Unbilled: true})
	same(t, "billed", c.run(t, "billing projects describe collector-test --format=value(billingEnabled)"), "False")
	c.refused(t, "illing", "services enable pubsub.googleapis.com run.googleapis.com")
	same(t, "what is enabled", strings.Join(c.Names("services"), " "), "")
	c.run(t, "services enable pubsub.googleapis.com")
	c.refused(t, "illing", "storage buckets create gs://alerts-of-us --location=us-central1")
}

func TestFailure(t *testing.T) {
	c := gcloud(t, &gcloudtest.Server{Fail: func(r gcloudtest.Request) int {
		if r.Service == "pubsub" && r.Method == "PUT" {
			return 403
		}
		return 0
	}})
	c.enable(t)
	c.refused(t, "failure injected by the test", "pubsub topics create netskope-alerts-trigger")
	same(t, "topics", strings.Join(c.Names("topics"), " "), "")
}

// TestUnmodelled asks without gcloud, which would repeat what is answered with
// 501.
func TestUnmodelled(t *testing.T) {
	s := &gcloudtest.Server{}
	for _, r := range []struct{ method, url, want string }{
		{"GET", "http://pubsub.googleapis.com/v1/projects/collector-test/snapshots", "does not model GET http://pubsub.googleapis.com/v1/projects/collector-test/snapshots"},
		{"PUT", "http://us-central1-run.googleapis.com/v1/x?a=b", "does not model PUT http://us-central1-run.googleapis.com/v1/x?a=b"},
		{"GET", "http://127.0.0.1/", "does not model GET http://127.0.0.1/"},
		{"CONNECT", "container.googleapis.com:443", "does not model CONNECT https://container.googleapis.com:443"},
	} {
		request := httptest.NewRequest(r.method, r.url, nil)
		answer := httptest.NewRecorder()
		s.ServeHTTP(answer, request)
		if answer.Code != http.StatusNotImplemented || !strings.Contains(answer.Body.String(), r.want) {
			t.Errorf("%s %s: %d %s, want 501 and %q", r.method, r.url, answer.Code, answer.Body, r.want)
		}
	}
	if n := len(s.Requests()); n != 4 {
		t.Errorf("%d requests noted, want 4", n)
	}
}
