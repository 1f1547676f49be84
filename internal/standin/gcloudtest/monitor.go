package gcloudtest

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// userMetric finds the log-based metrics that a filter or a query names.
var userMetric = regexp.MustCompile(`logging\.googleapis\.com/user/([A-Za-z0-9_\-.]+)`)

func (s *Server) identify(collection string) string {
	return collection + "/" + strconv.Itoa(1_000_000_000+s.next())
}

func createAlertPolicy(s *Server, c *call) (any, error) {
	if err := s.checkAlertPolicy(c.body); err != nil {
		return nil, err
	}
	fields := clone(c.body)
	fields["name"] = s.identify(c.name)
	fields["creationRecord"] = object{"mutateTime": s.stamp(), "mutatedBy": s.account()}
	if _, ok := fields["enabled"]; !ok {
		fields["enabled"] = true
	}
	nameConditions(s, fields)
	r, err := s.insert(alertPolicies, text(fields, "name"), fields)
	if err != nil {
		return nil, err
	}
	return r.fields, nil
}

func updateAlertPolicy(s *Server, c *call) (any, error) {
	r, err := s.lookup(alertPolicies, c.name)
	if err != nil {
		return nil, err
	}
	fields := clone(r.fields)
	if paths := c.first("updateMask"); paths != "" {
		mask(fields, c.body, paths)
	} else {
		fresh := clone(c.body)
		fresh["name"], fresh["creationRecord"] = fields["name"], fields["creationRecord"]
		fields = fresh
	}
	if err := s.checkAlertPolicy(fields); err != nil {
		return nil, err
	}
	nameConditions(s, fields)
	r.fields = fields
	return r.fields, nil
}

// nameConditions gives a name to the conditions that have none.
func nameConditions(s *Server, policy object) {
	list, _ := policy["conditions"].([]any)
	for _, v := range list {
		if condition, ok := v.(object); ok && text(condition, "name") == "" {
			condition["name"] = s.identify(text(policy, "name") + "/conditions")
		}
	}
}

// checkAlertPolicy refuses policies that lack what the API requires, and those
// that name a notification channel or a log-based metric that does not exist.
func (s *Server) checkAlertPolicy(policy object) error {
	conditions, _ := policy["conditions"].([]any)
	switch combiner := text(policy, "combiner"); {
	case text(policy, "displayName") == "":
		return invalid("field alertPolicy.displayName had an invalid value: it is empty")
	case len(conditions) == 0:
		return invalid("field alertPolicy.conditions had an invalid value: at least one condition is needed")
	case combiner != "OR" && combiner != "AND" && combiner != "AND_WITH_MATCHING_RESOURCE":
		return invalid("field alertPolicy.combiner had an invalid value of %q", combiner)
	}
	for _, v := range conditions {
		condition, _ := v.(object)
		if text(condition, "displayName") == "" {
			return invalid("field alertPolicy.conditions[].displayName had an invalid value: it is empty")
		}
		if condition["conditionMatchedLog"] != nil {
			if _, err := parseFilter(text(condition, "conditionMatchedLog", "filter")); err != nil {
				return invalid("invalid filter: %v", err)
			}
			if dig(policy, "alertStrategy", "notificationRateLimit", "period") == nil {
				return invalid("a policy with a log match condition needs alertStrategy.notificationRateLimit")
			}
		}
	}
	listed, _ := policy["notificationChannels"].([]any)
	for _, v := range listed {
		channel, _ := v.(string)
		name := strings.Replace(channel, "projects/"+s.number()+"/", "projects/"+s.project()+"/", 1)
		if _, ok := s.stored[channels][name]; !ok {
			return missing(channel)
		}
	}
	b, err := json.Marshal(conditions)
	if err != nil {
		return err
	}
	for _, m := range userMetric.FindAllStringSubmatch(string(b), -1) {
		if _, ok := s.stored[metrics]["projects/"+s.project()+"/metrics/"+m[1]]; !ok {
			return refuse(404, "NOT_FOUND", "cannot find metric that matches type = \"logging.googleapis.com/user/%s\"; if a metric was created recently, it could take up to 10 minutes to become available", m[1])
		}
	}
	return nil
}
