package gcloudstub

import (
	"encoding/base64"
	"errors"
	"fmt"
)

func createTopic(i *invocation) (any, error) {
	return i.ask("PUT", topics.one(i), object{"labels": pairs(i.flag("--labels"))})
}

// relabel adds labels to those that a resource has.
func (c collection) relabel(i *invocation) (any, error) {
	old, err := i.ask("GET", c.one(i), nil)
	if err != nil {
		return nil, err
	}
	field, added := "labels", pairs(i.flag("--update-labels"))
	if c == channels {
		field, added = "userLabels", pairs(i.flag("--update-user-labels"))
	}
	labels, _ := old[field].(object)
	if labels == nil {
		labels = object{}
	}
	for key, value := range added {
		labels[key] = value
	}
	old[field] = labels
	if c == topics {
		return i.ask("PATCH", c.one(i), object{"topic": object{"labels": labels}, "updateMask": "labels"})
	}
	return i.ask("PATCH", c.one(i)+"?updateMask="+field, object{field: labels})
}

func createSubscription(i *invocation) (any, error) {
	var seconds int
	if _, err := fmt.Sscan(i.flag("--ack-deadline"), &seconds); err != nil {
		return nil, err
	}
	if i.flag("--message-retention-duration") != "7d" || i.flag("--expiration-period") != "never" {
		return nil, errors.New("only a retention of 7d and no expiration are modelled")
	}
	return i.ask("PUT", subscriptions.one(i), object{
		"topic":              fmt.Sprintf("projects/%s/topics/%s", i.flag("--project"), i.flag("--topic")),
		"ackDeadlineSeconds": seconds, "labels": pairs(i.flag("--labels")),
		"messageRetentionDuration": "604800s", "expirationPolicy": object{},
	})
}

func publish(i *invocation) (any, error) {
	data := base64.StdEncoding.EncodeToString([]byte(i.flag("--message")))
	return i.ask("POST", topics.one(i)+":publish", object{"messages": []object{{"data": data}}})
}

func updateDeadline(i *invocation) (any, error) {
	var seconds int
	if _, err := fmt.Sscan(i.flag("--ack-deadline"), &seconds); err != nil {
		return nil, err
	}
	return i.ask("PATCH", subscriptions.one(i), object{
		"subscription": object{"ackDeadlineSeconds": seconds}, "updateMask": "ackDeadlineSeconds",
	})
}

const jobFlags = "--location --schedule --time-zone --topic --message-body --description"

func (i *invocation) job() object {
	return object{
		"name": jobs.full(i), "schedule": i.flag("--schedule"), "timeZone": i.flag("--time-zone"),
		"description": i.flag("--description"), "pubsubTarget": object{
			"topicName": i.flag("--topic"), "data": base64.StdEncoding.EncodeToString([]byte(i.flag("--message-body"))),
		},
	}
}

func createJob(i *invocation) (any, error) { return i.ask("POST", jobs.all(i), i.job()) }

func updateJob(i *invocation) (any, error) { return i.ask("PATCH", jobs.one(i), i.job()) }
