package gcloudtest_test

import (
	"strings"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/standin/gcloudtest"
)

func TestTopicAndJob(t *testing.T) {
	c := gcloud(t, &gcloudtest.Server{Now: func() time.Time { return time.Date(2026, 3, 1, 10, 20, 30, 0, time.UTC) }})
	c.enable(t)
	c.refused(t, "not found", "pubsub topics describe netskope-alerts-trigger")
	c.run(t, "pubsub topics create netskope-alerts-trigger --labels=made-by=deploy")
	c.refused(t, "already exists", "pubsub topics create netskope-alerts-trigger")
	c.run(t, "pubsub topics publish netskope-alerts-trigger --message={} --attribute=a=b")
	if m := c.Messages(); len(m) != 1 || string(m[0].Data) != "{}" || m[0].Attributes["a"] != "b" ||
		m[0].Topic != "netskope-alerts-trigger" {
		t.Errorf("published: %+v", m)
	}
	c.refused(t, "not found", "pubsub topics publish nosuch --message={}")

	const job = "netskope-alerts-collector-hourly --location=us-central1"
	const name = inProject + "locations/us-central1/jobs/netskope-alerts-collector-hourly"
	c.refused(t, "NOT_FOUND", "scheduler jobs describe "+job)
	c.refused(t, "schedule or time zone is invalid", "scheduler jobs create pubsub "+job+" --topic=netskope-alerts-trigger --schedule=0~25~*~*~* --message-body={}")
	c.run(t, "scheduler jobs create pubsub "+job+" --topic=netskope-alerts-trigger --schedule=0~*~*~*~* --time-zone=Etc/UTC --message-body={}")
	c.refused(t, "already exists", "scheduler jobs create pubsub "+job+" --topic=netskope-alerts-trigger --schedule=0~*~*~*~* --message-body={}")
	same(t, "the job", c.run(t, "scheduler jobs describe "+job+" --format=value(schedule,timeZone,state,scheduleTime)"),
		"0 * * * *\tEtc/UTC\tENABLED\t2026-03-01T11:00:00Z")
	same(t, "the target", c.field(t, "jobs", name, "pubsubTarget"), `{"data":"e30=","topicName":"projects/collector-test/topics/netskope-alerts-trigger"}`)
	c.run(t, "scheduler jobs update pubsub "+job+" --schedule=30~10~2~*~*")
	same(t, "the next time", c.field(t, "jobs", name, "scheduleTime"), `"2026-03-02T10:30:00Z"`)
	same(t, "the body after another field was changed", c.field(t, "jobs", name, "pubsubTarget", "data"), `"e30="`)
	before := c.Model()
	c.run(t, "scheduler jobs update pubsub "+job+" --schedule=30~10~2~*~*")
	same(t, "the model after the same update", c.Model(), before)
	c.run(t, "scheduler jobs pause "+job)
	same(t, "the state", c.field(t, "jobs", name, "state"), `"PAUSED"`)
	c.run(t, "scheduler jobs resume "+job)
	same(t, "the model after pausing and resuming", c.Model(), before)
	c.run(t, "scheduler jobs delete "+job)
	c.run(t, "pubsub topics delete netskope-alerts-trigger")
	same(t, "jobs and topics", strings.Join(append(c.Names("jobs"), c.Names("topics")...), " "), "")
}
