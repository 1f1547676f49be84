package gcloudtest

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

// Message is a message that was published.
type Message struct {
	ID         string // which Eventarc makes the event's ID too
	Topic      string // its name without the project
	Data       []byte
	Attributes map[string]string
}

// Messages returns what was published, in order.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

func createTopic(s *Server, c *call) (any, error) {
	c.body["name"] = c.name
	r, err := s.insert(topics, c.name, c.body)
	if err != nil {
		return nil, err
	}
	return r.fields, nil
}

func updateTopic(s *Server, c *call) (any, error) {
	r, err := s.lookup(topics, c.name)
	if err != nil {
		return nil, err
	}
	wanted, _ := c.body["topic"].(object)
	if err := checkLabels("pubsub", wanted); err != nil {
		return nil, err
	}
	mask(r.fields, wanted, text(c.body, "updateMask"))
	return r.fields, nil
}

// deleteTopic leaves the subscriptions, with "_deleted-topic_" as their topic,
// as Pub/Sub documents it.
func deleteTopic(s *Server, c *call) (any, error) {
	answer, err := remove(topics)(s, c)
	if err != nil {
		return nil, err
	}
	for _, sub := range s.stored[subscriptions] {
		if text(sub.fields, "topic") == c.name {
			sub.fields["topic"] = "_deleted-topic_"
		}
	}
	return answer, nil
}

func listTopicSubscriptions(s *Server, c *call) (any, error) {
	topic := strings.TrimSuffix(c.name, "/subscriptions")
	if _, err := s.lookup(topics, topic); err != nil {
		return nil, err
	}
	all := []any{}
	for _, name := range s.names(subscriptions, "") {
		if text(s.stored[subscriptions][name].fields, "topic") == topic {
			all = append(all, name)
		}
	}
	return object{"subscriptions": all}, nil
}

func createSubscription(s *Server, c *call) (any, error) {
	if _, err := s.lookup(topics, text(c.body, "topic")); err != nil {
		return nil, err
	}
	fields := clone(object{"ackDeadlineSeconds": 10, "messageRetentionDuration": "604800s", "state": "ACTIVE"})
	merge(fields, c.body)
	fields["name"] = c.name
	r, err := s.insert(subscriptions, c.name, fields)
	if err != nil {
		return nil, err
	}
	return r.fields, nil
}

func updateSubscription(s *Server, c *call) (any, error) {
	r, err := s.lookup(subscriptions, c.name)
	if err != nil {
		return nil, err
	}
	wanted, _ := c.body["subscription"].(object)
	if d, ok := wanted["ackDeadlineSeconds"].(float64); ok && (d < 10 || d > 600) {
		return nil, invalid("invalid ack deadline given (ack_deadline_seconds=%v): it must be between 10 and 600", d)
	}
	mask(r.fields, wanted, text(c.body, "updateMask"))
	return r.fields, nil
}

func publish(s *Server, c *call) (any, error) {
	if _, err := s.lookup(topics, c.name); err != nil {
		return nil, err
	}
	ids := []any{}
	list, _ := c.body["messages"].([]any)
	for _, v := range list {
		sent, _ := v.(object)
		data, err := base64.StdEncoding.DecodeString(text(sent, "data"))
		if err != nil {
			return nil, invalid("invalid message data: %v", err)
		}
		id := strconv.Itoa(10_000_000 + s.next())
		m := Message{ID: id, Topic: base(c.name), Data: data, Attributes: map[string]string{}}
		attributes, _ := sent["attributes"].(object)
		for key := range attributes {
			m.Attributes[key] = text(attributes, key)
		}
		if len(data) == 0 && len(m.Attributes) == 0 {
			return nil, invalid("one or more messages in the publish request is empty: each must have data or attributes")
		}
		s.messages = append(s.messages, m)
		ids = append(ids, id)
		for _, name := range s.names(subscriptions, "") {
			if text(s.stored[subscriptions][name].fields, "topic") == c.name {
				s.deliver(m, name)
			}
		}
	}
	return object{"messageIds": ids}, nil
}
