package gcloudtest_test

import (
	"archive/zip"
	"bytes"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"netskope-alerts.internal/collector/internal/standin/gcloudtest"
)

const (
	hostile  = `a,b c="d" 'e' #f: {g} \h $(i) = ü`
	function = inProject + "locations/us-central1/functions/netskope-alerts-collector"
	service  = inProject + "locations/us-central1/services/netskope-alerts-collector"
)

// deployCommand is the one that deploying the collector needs.
func deployCommand(variables string) string {
	return "functions deploy netskope-alerts-collector --gen2 --region=us-central1 --runtime=go126 --source=source" +
		" --entry-point=CollectAlerts --trigger-topic=netskope-alerts-trigger" +
		" --trigger-service-account=" + email("netskope-alerts-trigger") +
		" --run-service-account=" + email("netskope-alerts-collector") +
		" --build-service-account=" + inProject + "serviceAccounts/" + email("netskope-alerts-build") +
		" --set-secrets=/secrets/netskope-api-token=netskope-api-token:latest" +
		" --set-build-env-vars=GOFLAGS=-tags=disable_grpc_modules --timeout=540s --memory=256Mi --cpu=1" +
		" --concurrency=1 --max-instances=1 --ingress-settings=internal-only --no-allow-unauthenticated --retry" +
		" --update-labels=made-by=deploy --format=none --env-vars-file=" + variables
}

func contents(t *testing.T, archive []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name] = string(b)
	}
	return out
}

// source is what the tests deploy; f_test.go and what .gcloudignore names stay
// behind.
var source = map[string]string{
	"go.mod": "module example.test/f\n\ngo 1.26\n", "f.go": "package f\n", ".gcloudignore": "*_test.go\n",
	"deep/er.txt": "kept\n",
}

// prepare makes everything but the roles that a deployment needs, and returns
// the command.
func (c *cli) prepare(t *testing.T) string {
	t.Helper()
	c.enable(t)
	for name, content := range source {
		c.file(t, "source/"+name, content)
	}
	c.file(t, "source/f_test.go", "package f\n")
	c.account(t, "netskope-alerts-collector", "netskope-alerts-trigger", "netskope-alerts-build")
	c.post(t, "PUT", "pubsub.googleapis.com/v1/"+inProject+"topics/netskope-alerts-trigger", `{}`)
	const secrets = "secretmanager.googleapis.com/v1/" + inProject + "secrets"
	c.post(t, "POST", secrets+"?secretId=netskope-api-token", `{"replication": {"automatic": {}}}`)
	c.post(t, "POST", secrets+"/netskope-api-token:addVersion", `{"payload": {"data": "dG9rZW4="}}`)
	tenant := strings.ReplaceAll(hostile, "'", "''")
	return deployCommand(c.file(t, "variables.yaml",
		"GCS_BUCKET: 'alerts-of-us'\nNETSKOPE_TENANT: '"+tenant+"'\nMAX_RECORDS: '5000'\n"))
}

func (c *cli) mayBuild(t *testing.T) {
	t.Helper()
	c.grant(t, "cloudresourcemanager.googleapis.com/v1/projects/collector-test",
		"roles/cloudbuild.builds.builder", "netskope-alerts-build")
}

func (c *cli) mayRead(t *testing.T) {
	t.Helper()
	c.grant(t, "secretmanager.googleapis.com/v1/"+inProject+"secrets/netskope-api-token",
		"roles/secretmanager.secretAccessor", "netskope-alerts-collector")
}

const state = "functions describe netskope-alerts-collector --gen2 --region=us-central1 --format=value(state)"

func TestFunctionRefused(t *testing.T) {
	c := gcloud(t, &gcloudtest.Server{})
	deploy := c.prepare(t)
	same(t, "runtimes", c.run(t, "functions runtimes list --region=us-central1 --format=value(name)"), "go125\ngo126")
	c.refused(t, "status=[404]", state)
	c.refused(t, "topic", strings.Replace(deploy, "topic=netskope-alerts", "topic=other", 1))
	c.refused(t, "at most 540", strings.Replace(deploy, "540s", "541s", 1))
	c.refused(t, "has not the form",
		strings.Replace(deploy, "--build-service-account="+inProject+"serviceAccounts/", "--build-service-account=", 1))
	same(t, "functions", strings.Join(c.Names("functions"), " "), "")
	c.refused(t, "roles/cloudbuild.builds.builder", deploy)
	same(t, "the state", c.run(t, state), "FAILED")
	c.mayBuild(t)
	c.refused(t, "permission denied on secret", deploy)
	same(t, "services", strings.Join(c.Names("runServices"), " "), "")
	c.mayRead(t)
	c.run(t, deploy)
	same(t, "the state", c.run(t, state), "ACTIVE")
}

func TestFunction(t *testing.T) {
	c := gcloud(t, &gcloudtest.Server{})
	deploy := c.prepare(t)
	c.mayBuild(t)
	c.mayRead(t)
	c.run(t, deploy)
	if got := contents(t, c.Source("netskope-alerts-collector")); !maps.Equal(got, source) {
		t.Errorf("the archive holds %v, want %v", got, source)
	}
	for _, f := range []struct{ path, want string }{
		{"buildConfig.entryPoint", `"CollectAlerts"`},
		{"buildConfig.environmentVariables", `{"GOFLAGS":"-tags=disable_grpc_modules"}`},
		{"buildConfig.serviceAccount", `"` + inProject + `serviceAccounts/` + email("netskope-alerts-build") + `"`},
		{"eventTrigger.retryPolicy", `"RETRY_POLICY_RETRY"`},
		{"eventTrigger.serviceAccountEmail", `"` + email("netskope-alerts-trigger") + `"`},
		{"serviceConfig.availableMemory", `"256Mi"`},
		{"serviceConfig.timeoutSeconds", `540`},
		{"serviceConfig.ingressSettings", `"ALLOW_INTERNAL_ONLY"`},
		{"serviceConfig.maxInstanceCount", `1`},
		{"serviceConfig.secretVolumes", `[{"mountPath":"/secrets","projectId":"123456789012","secret":"netskope-api-token","versions":[{"path":"netskope-api-token","version":"latest"}]}]`},
		{"labels", `{"deployment-tool":"cli-gcloud","made-by":"deploy"}`},
	} {
		same(t, f.path, c.field(t, "functions", function, strings.Split(f.path, ".")...), f.want)
	}
	before := c.Model()
	c.run(t, deploy)
	same(t, "the model after deploying the same again", c.Model(), before)

	c.grant(t, "us-central1-run.googleapis.com/v1/"+service, "roles/run.invoker", "netskope-alerts-trigger")
	c.run(t, "functions deploy netskope-alerts-collector --gen2 --region=us-central1 --runtime=go126 --source=source --clear-labels --update-env-vars=MAX_RECORDS=1 --format=none")
	same(t, "the labels", c.field(t, "functions", function, "labels"), "{}")
	same(t, "a variable", c.field(t, "functions", function, "serviceConfig", "environmentVariables", "MAX_RECORDS"), `"1"`)
	same(t, "the time-out after another field was changed",
		c.field(t, "functions", function, "serviceConfig", "timeoutSeconds"), "540")
	same(t, "invokers after an update", strings.Join(c.Members("runServices", service, "roles/run.invoker"), " "),
		"serviceAccount:"+email("netskope-alerts-trigger"))
	c.run(t, "functions delete netskope-alerts-collector --gen2 --region=us-central1")
	for _, kind := range []string{"functions", "runServices", "triggers", "subscriptions"} {
		same(t, kind, strings.Join(c.Names(kind), " "), "")
	}
	c.refused(t, "Cannot find service", "run services describe netskope-alerts-collector --region=us-central1")
}

func TestInvocation(t *testing.T) {
	var mu sync.Mutex
	var invoked []gcloudtest.Invocation
	c := gcloud(t, &gcloudtest.Server{Invoke: func(in gcloudtest.Invocation) []gcloudtest.Entry {
		mu.Lock()
		defer mu.Unlock()
		invoked = append(invoked, in)
		return []gcloudtest.Entry{{Severity: "INFO", Record: map[string]any{"message": "run finished", "alerts": 7}}}
	}})
	deploy := c.prepare(t)
	c.mayBuild(t)
	c.mayRead(t)
	c.run(t, deploy)
	list := c.run(t, "pubsub subscriptions list --filter=topic="+inProject+"topics/netskope-alerts-trigger --format=value(name.basename(),ackDeadlineSeconds)")
	subscription, deadline, _ := strings.Cut(list, "\t")
	same(t, "the acknowledgement deadline", deadline, "10")
	c.run(t, "pubsub subscriptions update "+subscription+" --ack-deadline=600")
	same(t, "the acknowledgement deadline",
		c.field(t, "subscriptions", inProject+"subscriptions/"+subscription, "ackDeadlineSeconds"), "600")
	c.run(t, "pubsub topics publish netskope-alerts-trigger --message={}")
	mu.Lock()
	if len(invoked) != 0 {
		t.Error("the function was invoked by an account that may not")
	}
	mu.Unlock()
	c.run(t, "run services add-iam-policy-binding netskope-alerts-collector --region=us-central1 --role=roles/run.invoker --format=none --member=serviceAccount:"+email("netskope-alerts-trigger"))
	same(t, "the service", c.run(t, "run services describe netskope-alerts-collector --region=us-central1 --format=value(spec.template.spec.serviceAccountName,spec.template.spec.timeoutSeconds)"),
		email("netskope-alerts-collector")+"\t540")
	id := c.run(t, "pubsub topics publish netskope-alerts-trigger --message={} --format=value(messageIds)")
	mu.Lock()
	defer mu.Unlock()
	if len(invoked) != 1 {
		t.Fatalf("%d invocations, want 1", len(invoked))
	}
	in := invoked[0]
	same(t, "the message's ID", in.Message.ID, strings.Trim(id, "[']"))
	same(t, "a hostile variable", in.Variables["NETSKOPE_TENANT"], hostile)
	same(t, "the mounted files", strings.Join(slices.Collect(maps.Keys(in.Secrets)), " "), "/secrets/netskope-api-token")
	same(t, "the mounted token", in.Secrets["/secrets/netskope-api-token"], "token")

	const of = "resource.type=cloud_run_revision~AND~resource.labels.service_name=netskope-alerts-collector~"
	same(t, "the record", c.run(t, `logging read `+of+`jsonPayload.message="run~finished" --limit=5 --freshness=1h --format=csv[no-heading](severity,jsonPayload.alerts)`), "INFO,7")
	same(t, "warnings", c.run(t, `logging read `+of+`severity>=WARNING --limit=5 --format=value(severity)`), "WARNING")
	c.refused(t, "unparseable filter", `logging read jsonPaylod.message="run~finished"`)
}
