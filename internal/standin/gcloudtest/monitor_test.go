package gcloudtest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"netskope-alerts.internal/collector/internal/standin/gcloudtest"
)

const metricFile = `
name: netskope_alerts
description: %s
filter: resource.type="cloud_run_revision" AND jsonPayload.message="run finished"
valueExtractor: EXTRACT(jsonPayload.alerts)
metricDescriptor: {metricKind: DELTA, valueType: DISTRIBUTION, unit: "1"}
`

const policyFile = `{"displayName": "run failed", "combiner": "OR", "documentation": {"content": %q},
  "conditions": [{"displayName": "failed", "conditionThreshold": {
    "filter": "metric.type=\"logging.googleapis.com/user/netskope_alerts\" AND resource.type=\"cloud_run_revision\"",
    "comparison": "COMPARISON_GT", "duration": "0s"}}]}`

func TestMetricsAndPolicies(t *testing.T) {
	c := gcloud(t, &gcloudtest.Server{})
	c.enable(t)
	channel := c.run(t, "beta monitoring channels create --display-name=ops --type=email --channel-labels=email_address=ops@example.test --format=value(name)")
	same(t, "the channel", c.run(t, `beta monitoring channels list --filter=type="email"~AND~labels.email_address="ops@example.test" --format=value(name)`), channel)
	same(t, "another's channel", c.run(t, `beta monitoring channels list --filter=type="email"~AND~labels.email_address="other@example.test" --format=value(name)`), "")
	c.refused(t, "not quoted", `beta monitoring channels list --filter=type=email`)

	policy := c.file(t, "policy.json", fmt.Sprintf(policyFile, "look"))
	create := "alpha monitoring policies create --policy-from-file=" + policy +
		" --notification-channels=" + channel + " --format=value(name)"
	c.refused(t, "cannot find metric", create)
	metric := c.file(t, "metric.yaml", fmt.Sprintf(metricFile, "alerts"))
	c.refused(t, "NOT_FOUND", "logging metrics update netskope_alerts --config-from-file="+metric)
	c.run(t, "logging metrics create netskope_alerts --config-from-file="+metric)
	c.refused(t, "already exists", "logging metrics create netskope_alerts --config-from-file="+metric)
	c.run(t, "logging metrics update netskope_alerts --config-from-file="+c.file(t, "metric2.yaml", fmt.Sprintf(metricFile, "changed")))
	same(t, "the metric", c.run(t, "logging metrics describe netskope_alerts --format=value(description)"), "changed")
	c.refused(t, "nvalid filter", "logging metrics create other --description=x --log-filter=jsonPayload.alerts>")

	id := c.run(t, create)
	same(t, "the policy", c.run(t, `alpha monitoring policies list --filter=displayName="run~failed" --format=value(name)`), id)
	before := c.Model()
	same(t, "the policy", c.run(t, "alpha monitoring policies describe "+id+" --format=value(documentation.content,notificationChannels)"), "look\t"+channel)
	same(t, "the model after looking", c.Model(), before)
	changed := c.file(t, "policy2.json", fmt.Sprintf(policyFile, "do"))
	c.run(t, "alpha monitoring policies update "+id+" --policy-from-file="+changed+
		" --set-notification-channels="+channel+" --format=none")
	same(t, "the documentation", c.field(t, "alertPolicies", id, "documentation", "content"), `"do"`)
	same(t, "the channels", c.field(t, "alertPolicies", id, "notificationChannels"), `["`+channel+`"]`)
	c.refused(t, "in use", "beta monitoring channels delete "+channel+" --no-force")
	c.run(t, "alpha monitoring policies update "+id+" --policy-from-file="+changed+" --format=none")
	same(t, "the channels after an update without them", c.field(t, "alertPolicies", id, "notificationChannels"), "null")
	c.run(t, "alpha monitoring policies delete "+id)
	c.run(t, "beta monitoring channels delete "+channel)
	c.run(t, "logging metrics delete netskope_alerts")
	left := slices.Concat(c.Names("alertPolicies"), c.Names("metrics"), c.Names("notificationChannels"))
	same(t, "what is left", strings.Join(left, " "), "")
}

func TestDashboard(t *testing.T) {
	c := gcloud(t, &gcloudtest.Server{})
	c.enable(t)
	const file = `{"displayName": "Netskope", %s "mosaicLayout": {"columns": %d, "tiles": []}}`
	none := c.file(t, "none.json", `{"displayName": "Netskope"}`)
	c.refused(t, "one layout", "monitoring dashboards create --config-from-file="+none)
	name := c.run(t, "monitoring dashboards create --format=value(name) --config-from-file="+c.file(t, "new.json", fmt.Sprintf(file, "", 12)))
	list := c.run(t, "monitoring dashboards list --filter=displayName=Netskope --format=value(name,etag)")
	listed, etag, _ := strings.Cut(list, "\t")
	same(t, "the dashboard", listed, name)
	stale := c.file(t, "stale.json", fmt.Sprintf(file, "", 24))
	c.refused(t, "etag", "monitoring dashboards update "+name+" --config-from-file="+stale)
	changed := c.file(t, "changed.json", fmt.Sprintf(file, `"etag": "`+etag+`",`, 24))
	c.run(t, "monitoring dashboards update "+name+" --format=none --config-from-file="+changed)
	stored := c.Names("dashboards")
	if len(stored) != 1 {
		t.Fatalf("dashboards %v, want one", stored)
	}
	same(t, "the columns", c.field(t, "dashboards", stored[0], "mosaicLayout", "columns"), "24")
	c.run(t, "monitoring dashboards delete "+name)
	same(t, "dashboards", strings.Join(c.Names("dashboards"), " "), "")
}
