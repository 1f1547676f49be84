package gcloudstub

import (
	"fmt"
	"time"
)

// readLog asks as gcloud does: the newest first, and none that is older than --freshness.
func readLog(i *invocation) (any, error) {
	limit := 0
	if _, err := fmt.Sscan(i.flag("--limit"), &limit); err != nil {
		return nil, err
	}
	now := time.Now
	if i.stub.API.Now != nil {
		now = i.stub.API.Now
	}
	var age time.Duration
	switch i.flag("--freshness") {
	case "1h":
		age = time.Hour
	case "7d":
		age = 7 * 24 * time.Hour
	default:
		return nil, fmt.Errorf("--freshness=%s is not modelled", i.flag("--freshness"))
	}
	o, err := i.ask("POST", "logging.googleapis.com/v2/entries:list", object{
		"resourceNames": []string{"projects/" + i.flag("--project")}, "orderBy": "timestamp desc", "pageSize": limit,
		"filter": fmt.Sprintf("timestamp>=%q AND (%s)", now().Add(-age).UTC().Format(time.RFC3339), i.args[0]),
	})
	return objects(o["entries"]), err
}

func createMetric(i *invocation) (any, error) {
	body, err := i.file("--config-from-file")
	if err != nil {
		return nil, err
	}
	body["name"] = i.args[0]
	return i.ask("POST", metrics.all(i), body)
}

// updateMetric looks first, because the API makes a metric that is missing.
func updateMetric(i *invocation) (any, error) {
	if _, err := metrics.describe(i); err != nil {
		return nil, err
	}
	body, err := i.file("--config-from-file")
	if err != nil {
		return nil, err
	}
	return i.ask("PUT", metrics.one(i), body)
}

// create makes the policy or dashboard that a file describes.
func (c collection) create(i *invocation) (any, error) {
	body, err := i.described()
	if err != nil {
		return nil, err
	}
	return i.ask("POST", c.all(i), body)
}

// update replaces the policy or dashboard.
func (c collection) update(i *invocation) (any, error) {
	old, err := i.ask("GET", c.one(i), nil)
	if err != nil {
		return nil, err
	}
	body, err := i.described()
	if err != nil {
		return nil, err
	}
	if etag, ok := old["etag"]; ok {
		body["etag"] = etag
	}
	return i.ask("PATCH", c.one(i), body)
}

func (i *invocation) described() (object, error) {
	if i.flag("--policy-from-file") != "" {
		return i.file("--policy-from-file")
	}
	return i.file("--config-from-file")
}

func createChannel(i *invocation) (any, error) {
	return i.ask("POST", channels.all(i), object{
		"type": i.flag("--type"), "displayName": i.flag("--display-name"),
		"labels": pairs(i.flag("--channel-labels")), "userLabels": pairs(i.flag("--user-labels")),
	})
}

func deleteChannel(i *invocation) (any, error) {
	query := ""
	if _, ok := i.flags["--force"]; ok {
		query = "?force=true"
	}
	return i.ask("DELETE", channels.one(i)+query, nil)
}
