package gcloudtest

import (
	"net/http"
	"strconv"
	"strings"
)

// topicOf is how notifications name a topic.
const topicOf = "//pubsub.googleapis.com/"

// createNotification has a bucket publish to a topic. Cloud Storage looks whether
// its account may publish there, as the real service does; nothing is published
// afterwards.
func createNotification(s *Server, c *call) (any, error) {
	if _, err := s.bucket(c); err != nil {
		return nil, err
	}
	name := strings.TrimPrefix(text(c.body, "topic"), topicOf)
	topic, err := s.lookup(topics, name)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "invalid", "%s", err)
	}
	if !topic.holds("serviceAccount:"+s.storageAgentEmail(), "roles/pubsub.publisher") {
		return nil, refuse(http.StatusForbidden, "forbidden",
			"the service account %s does not have permission to publish messages to the Cloud Pub/Sub topic", s.storageAgentEmail())
	}
	bucket := c.params["bucket"]
	id := strconv.Itoa(len(s.names(notifications, bucket+"/")) + 1)
	fields := clone(c.body)
	fields["kind"], fields["id"], fields["topic"] = "storage#notification", id, topicOf+name
	r, err := s.insert(notifications, bucket+"/"+id, fields)
	if err != nil {
		return nil, refuse(http.StatusConflict, "conflict", "%s", err)
	}
	return r.fields, nil
}

func listNotifications(s *Server, c *call) (any, error) {
	if _, err := s.bucket(c); err != nil {
		return nil, err
	}
	all := []any{}
	for _, name := range s.names(notifications, c.params["bucket"]+"/") {
		all = append(all, s.stored[notifications][name].fields)
	}
	return object{"kind": "storage#notifications", "items": all}, nil
}

func describeNotification(s *Server, c *call) (any, error) {
	r, err := s.lookup(notifications, c.params["bucket"]+"/"+c.params["id"])
	if err != nil {
		return nil, refuse(http.StatusNotFound, "notFound", "%s", err)
	}
	return r.fields, nil
}

func deleteNotification(s *Server, c *call) (any, error) {
	name := c.params["bucket"] + "/" + c.params["id"]
	if _, err := s.lookup(notifications, name); err != nil {
		return nil, refuse(http.StatusNotFound, "notFound", "notification %s was not found", name)
	}
	delete(s.stored[notifications], name)
	return object{}, nil
}
