package gcloudstub

import (
	"errors"
	"fmt"
	"strings"
)

func createBucket(i *invocation) (any, error) {
	body, err := i.bucket()
	if err != nil {
		return nil, err
	}
	body["name"], body["location"] = buckets.one(i)[len(buckets.all(i))+1:], i.flag("--location")
	return i.ask("POST", buckets.all(i)+"?project="+i.flag("--project"), body)
}

func updateBucket(i *invocation) (any, error) {
	body, err := i.bucket()
	if err != nil {
		return nil, err
	}
	return i.ask("PATCH", buckets.one(i), body)
}

// bucket is what the flags say of one.
func (i *invocation) bucket() (object, error) {
	body, iam := object{}, object{}
	if _, ok := i.flags["--uniform-bucket-level-access"]; ok {
		iam["uniformBucketLevelAccess"] = object{"enabled": true}
	}
	if _, ok := i.flags["--public-access-prevention"]; ok {
		iam["publicAccessPrevention"] = "enforced"
	}
	if len(iam) > 0 {
		body["iamConfiguration"] = iam
	}
	if key := i.flag("--default-encryption-key"); key != "" {
		body["encryption"] = object{"defaultKmsKeyName": key}
	}
	if labels := pairs(i.flag("--update-labels")); len(labels) > 0 {
		body["labels"] = labels
	}
	if i.flag("--lifecycle-file") == "" {
		return body, nil
	}
	lifecycle, err := i.file("--lifecycle-file")
	body["lifecycle"] = lifecycle
	return body, err
}

func emptyAndDelete(i *invocation) (any, error) {
	held, err := i.ask("GET", buckets.one(i)+"/o", nil)
	if err != nil {
		return nil, err
	}
	for _, o := range objects(held["items"]) {
		if _, err := i.ask("DELETE", fmt.Sprintf("%s/o/%s", buckets.one(i), o["name"]), nil); err != nil {
			return nil, err
		}
	}
	return buckets.delete(i)
}

func listNotifications(i *invocation) (any, error) {
	o, err := i.ask("GET", buckets.one(i)+"/notificationConfigs", nil)
	rows := objects(o["items"])
	for n, row := range rows {
		rows[n] = object{"Notification Configuration": row}
	}
	return rows, err
}

func createNotification(i *invocation) (any, error) {
	if _, ok := i.flags["--skip-topic-setup"]; !ok {
		return nil, errors.New("only --skip-topic-setup is modelled")
	}
	return i.ask("POST", buckets.one(i)+"/notificationConfigs", object{
		"topic":              "//pubsub.googleapis.com/projects/" + i.flag("--project") + "/topics/" + i.flag("--topic"),
		"event_types":        strings.Split(i.flag("--event-types"), ","),
		"object_name_prefix": i.flag("--object-prefix"), "payload_format": "JSON_API_V1",
	})
}

func deleteNotification(i *invocation) (any, error) {
	return i.ask("DELETE", buckets.all(i)+"/"+strings.TrimPrefix(i.args[0], "projects/_/buckets/"), nil)
}

func storageAgent(i *invocation) (any, error) {
	o, err := i.ask("GET", "storage.googleapis.com/storage/v1/projects/"+i.flag("--project")+"/serviceAccount", nil)
	return fmt.Sprintln(o["email_address"]), err
}
