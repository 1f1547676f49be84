package gcloudtest

import (
	"fmt"
	"regexp"
	"strings"
)

func listRuntimes(s *Server, _ *call) (any, error) {
	names := s.Runtimes
	if names == nil {
		names = []string{"go125", "go126"}
	}
	all := []any{}
	for _, name := range names {
		name, stage, _ := strings.Cut(name, " ")
		all = append(all, object{"name": name, "displayName": name, "stage": or(stage, "GA"), "environment": "GEN_2"})
	}
	return object{"runtimes": all}, nil
}

// functionID is the form that the Cloud Functions API documents for names.
var functionID = regexp.MustCompile(`^[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$`)

// createFunction makes the function at once. One that cannot be built or
// started exists afterwards with the state FAILED, and the operation has the
// error, as with Cloud Functions.
func createFunction(s *Server, c *call) (any, error) {
	id := c.first("functionId")
	if !functionID.MatchString(id) {
		return nil, invalid("%q is no name of a function", id)
	}
	name := c.name + "/" + id
	if _, ok := s.stored[functions][name]; ok {
		return nil, exists(name)
	}
	fields := object{
		"environment": "GEN_2",
		"buildConfig": object{"runtime": "", "automaticUpdatePolicy": object{}},
		"serviceConfig": object{
			"availableMemory": "256M", "availableCpu": "0.1666", "timeoutSeconds": 60,
			"maxInstanceCount": 100, "maxInstanceRequestConcurrency": 1,
			"ingressSettings": "ALLOW_ALL", "allTrafficOnLatestRevision": true,
			"serviceAccountEmail": s.defaultAccount(),
		},
	}
	merge(fields, c.body)
	fields["name"], fields["createTime"] = name, s.stamp()
	if err := s.checkFunction(fields, c.params["region"]); err != nil {
		return nil, err
	}
	r, err := s.insert(functions, name, fields)
	if err != nil {
		return nil, err
	}
	return s.roll(r, name, c.params["region"])
}

func updateFunction(s *Server, c *call) (any, error) {
	r, err := s.lookup(functions, c.name)
	if err != nil {
		return nil, err
	}
	fields := clone(r.fields)
	mask(fields, c.body, c.first("updateMask"))
	if trigger, ok := fields["eventTrigger"].(object); ok {
		for _, key := range []string{"trigger", "triggerRegion"} { // given by the service, and kept
			if old := text(r.fields, "eventTrigger", key); old != "" && text(trigger, key) == "" {
				trigger[key] = old
			}
		}
	}
	if err := s.checkFunction(fields, c.params["region"]); err != nil {
		return nil, err
	}
	r.fields = fields
	return s.roll(r, c.name, c.params["region"])
}

// checkFunction refuses what is wrong in a function without building it.
func (s *Server) checkFunction(fields object, region string) error {
	if o := text(fields, "buildConfig", "source", "storageSource", "object"); s.uploads[o] == nil {
		return invalid("the source %q was not uploaded", o)
	}
	for _, key := range []string{"entryPoint", "runtime"} {
		if text(fields, "buildConfig", key) == "" {
			return invalid("build_config.%s is required", key)
		}
	}
	for _, email := range []string{
		text(fields, "serviceConfig", "serviceAccountEmail"),
		base(text(fields, "buildConfig", "serviceAccount")),
		text(fields, "eventTrigger", "serviceAccountEmail"),
	} {
		if email != "" && !s.hasAccount(email) {
			return invalid("service account %s was not found", email)
		}
	}
	// https://cloud.google.com/functions/docs/reference/rest/v2/projects.locations.functions#buildconfig
	builder := text(fields, "buildConfig", "serviceAccount")
	if builder != "" && !strings.HasPrefix(builder, "projects/") {
		return invalid("build_config.service_account %q has not the form projects/{projectId}/serviceAccounts/{serviceAccountEmail}", builder)
	}
	trigger, ok := fields["eventTrigger"].(object)
	if !ok {
		return nil
	}
	if _, ok := s.stored[topics][text(trigger, "pubsubTopic")]; !ok {
		return invalid("the topic %q was not found", text(trigger, "pubsubTopic"))
	}
	// Cloud Functions documents 540 s as the most for event-driven functions,
	// which gcloud does not check. That the service answers 400 is an assumption.
	if t, _ := dig(fields, "serviceConfig", "timeoutSeconds").(float64); t > 540 {
		return invalid("service_config.timeout_seconds is %v: event-driven functions have at most 540", t)
	}
	if !s.enabled("eventarc.googleapis.com") {
		return disabled("eventarc.googleapis.com", s.number())
	}
	if text(trigger, "triggerRegion") == "" {
		trigger["triggerRegion"] = region
	}
	if text(trigger, "retryPolicy") == "" {
		trigger["retryPolicy"] = "RETRY_POLICY_DO_NOT_RETRY"
	}
	return nil
}

// roll builds the function and starts its service, and answers with the
// operation.
func (s *Server) roll(r *resource, name, region string) (any, error) {
	r.fields["updateTime"] = s.stamp()
	id := fmt.Sprintf("operation-%04d", s.next())
	operation := object{"name": "projects/" + s.project() + "/locations/" + region + "/operations/" + id, "done": true}
	if err := s.buildAndStart(r, name, region); err != nil {
		r.fields["state"] = "FAILED"
		r.fields["stateMessages"] = []any{object{"severity": "ERROR", "type": "CloudRunServiceError", "message": err.Error()}}
		operation["error"] = object{"code": 3, "message": err.Error()}
	} else {
		r.fields["state"] = "ACTIVE"
		delete(r.fields, "stateMessages")
		operation["response"] = clone(r.fields)
	}
	operation["metadata"] = object{
		"@type":  "type.googleapis.com/google.cloud.functions.v2.OperationMetadata",
		"target": name, "apiVersion": "v2",
		"stages": []any{
			object{"name": "BUILD", "state": "COMPLETE"}, object{"name": "SERVICE", "state": "COMPLETE"},
			object{"name": "TRIGGER", "state": "COMPLETE"},
		},
	}
	if s.stored[operations] == nil {
		s.stored[operations] = map[string]*resource{}
	}
	s.stored[operations][text(operation, "name")] = &resource{fields: clone(operation)}
	started := clone(operation)
	started["done"] = false
	delete(started, "response")
	delete(started, "error")
	return started, nil
}

func describeOperation(s *Server, c *call) (any, error) { return fetch(operations)(s, c) }

// deleteFunction removes everything that came with the function.
func deleteFunction(s *Server, c *call) (any, error) {
	r, err := s.lookup(functions, c.name)
	if err != nil {
		return nil, err
	}
	trigger := text(r.fields, "eventTrigger", "trigger")
	if t, ok := s.stored[triggers][trigger]; ok {
		delete(s.stored[subscriptions], text(t.fields, "transport", "pubsub", "subscription"))
		delete(s.stored[triggers], trigger)
	}
	delete(s.stored[runServices], text(r.fields, "serviceConfig", "service"))
	delete(s.stored[functions], c.name)
	id := fmt.Sprintf("projects/%s/locations/%s/operations/operation-%04d", s.project(), c.params["region"], s.next())
	operation := object{
		"name": id, "done": true, "response": object{"@type": "type.googleapis.com/google.protobuf.Empty"},
		"metadata": object{"@type": "type.googleapis.com/google.cloud.functions.v2.OperationMetadata", "target": c.name},
	}
	if s.stored[operations] == nil {
		s.stored[operations] = map[string]*resource{}
	}
	s.stored[operations][id] = &resource{fields: clone(operation)}
	return operation, nil
}
