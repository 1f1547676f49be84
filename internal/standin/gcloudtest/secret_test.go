package gcloudtest_test

import (
	"strings"
	"testing"

	"netskope-alerts.internal/collector/internal/standin/gcloudtest"
)

func TestSecret(t *testing.T) {
	c := gcloud(t, &gcloudtest.Server{})
	c.enable(t)
	c.refused(t, "NOT_FOUND", "secrets describe netskope-api-token")
	c.run(t, "secrets create netskope-api-token --replication-policy=automatic --labels=made-by=deploy")
	c.refused(t, "already exists", "secrets create netskope-api-token --replication-policy=automatic")
	c.refused(t, "NOT_FOUND", "secrets versions access latest --secret=netskope-api-token")
	first, second := "a\"b=c, d\\e'ü\n", "second"
	c.feed(t, first, "secrets versions add netskope-api-token --data-file=-")
	same(t, "the payload", c.run(t, "secrets versions access latest --secret=netskope-api-token")+"\n", first)
	c.feed(t, second, "secrets versions add netskope-api-token --data-file=-")
	same(t, "the payload", c.run(t, "secrets versions access latest --secret=netskope-api-token"), second)
	c.run(t, "secrets versions disable 1 --secret=netskope-api-token")
	c.refused(t, "DISABLED", "secrets versions access 1 --secret=netskope-api-token")
	if v := c.Secret("netskope-api-token"); len(v) != 2 || string(v[0]) != first || string(v[1]) != second {
		t.Errorf("the versions are %q", v)
	}
	same(t, "the states", c.run(t, "secrets versions list netskope-api-token --format=csv[no-heading](name,state)"), "2,enabled\n1,disabled")
	for _, r := range c.Requests() {
		if strings.HasSuffix(r.Path, ":addVersion") {
			same(t, "the body in the log of requests", r.Body, "(secret)")
		}
	}
	if strings.Contains(c.Model(), "second") || strings.Contains(c.Model(), "c2Vjb25k") {
		t.Error("the model has the payload")
	}
	c.account(t, "netskope-alerts-collector")
	c.run(t, "secrets add-iam-policy-binding netskope-api-token --role=roles/secretmanager.secretAccessor --format=none --member=serviceAccount:"+email("netskope-alerts-collector"))
	members := c.Members("secrets", inProject+"secrets/netskope-api-token", "roles/secretmanager.secretAccessor")
	same(t, "readers", strings.Join(members, " "), "serviceAccount:"+email("netskope-alerts-collector"))
	c.run(t, "secrets delete netskope-api-token")
	same(t, "secrets and versions", strings.Join(append(c.Names("secrets"), c.Names("secretVersions")...), " "), "")
}
