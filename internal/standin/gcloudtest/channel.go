package gcloudtest

import (
	"fmt"
	"slices"
	"strings"
)

// channelFields are the fields of a notification channel that a list may be
// filtered by.
var channelFields = []string{"type", "displayName", "description", "labels", "userLabels", "enabled"}

// listChannels filters in the service, which is where gcloud leaves it for
// channels. Strings have to be quoted.
// https://cloud.google.com/monitoring/api/v3/sorting-and-filtering
func listChannels(s *Server, c *call) (any, error) {
	keep, err := parseWith(c.first("filter"), func(field, operator string, value lexeme) (matcher, error) {
		path := strings.Split(field, ".")
		path[0] = camel(path[0])
		if !slices.Contains(channelFields, path[0]) || operator != "=" && operator != "!=" {
			return nil, fmt.Errorf("%s %s is not supported", field, operator)
		}
		if !value.quoted && path[0] != "enabled" {
			return nil, fmt.Errorf("the string %s is not quoted", value.text)
		}
		return func(o object) bool {
			have := dig(o, path...)
			return have != nil && (fmt.Sprint(have) == value.text) == (operator == "=")
		}, nil
	})
	if err != nil {
		return nil, invalid("the filter cannot be read: %v", err)
	}
	all := []any{}
	for _, name := range s.names(channels, c.name+"/") {
		if o := s.stored[channels][name].fields; keep(o) {
			all = append(all, o)
		}
	}
	return object{"notificationChannels": all}, nil
}

func createChannel(s *Server, c *call) (any, error) {
	if text(c.body, "type") == "" {
		return nil, invalid("field notificationChannel.type had an invalid value: it is empty")
	}
	if text(c.body, "type") == "email" && !strings.Contains(text(c.body, "labels", "email_address"), "@") {
		return nil, invalid("field notificationChannel.labels['email_address'] had an invalid value")
	}
	fields := clone(c.body)
	fields["name"] = s.identify(c.name)
	if _, ok := fields["enabled"]; !ok {
		fields["enabled"] = true
	}
	r, err := s.insert(channels, text(fields, "name"), fields)
	if err != nil {
		return nil, err
	}
	return r.fields, nil
}

func updateChannel(s *Server, c *call) (any, error) {
	r, err := s.lookup(channels, c.name)
	if err != nil {
		return nil, err
	}
	mask(r.fields, c.body, c.first("updateMask"))
	return r.fields, nil
}

// deleteChannel refuses a channel that a policy uses, unless force is set.
func deleteChannel(s *Server, c *call) (any, error) {
	if _, err := s.lookup(channels, c.name); err != nil {
		return nil, err
	}
	for _, p := range s.stored[alertPolicies] {
		listed, _ := p.fields["notificationChannels"].([]any)
		for i, v := range listed {
			if v != any(c.name) {
				continue
			}
			if c.first("force") != "true" {
				return nil, precondition("the notification channel %s is in use by %s", c.name, text(p.fields, "name"))
			}
			p.fields["notificationChannels"] = append(listed[:i:i], listed[i+1:]...)
			break
		}
	}
	delete(s.stored[channels], c.name)
	return object{}, nil
}
