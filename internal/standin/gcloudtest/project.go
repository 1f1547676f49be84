package gcloudtest

import (
	"maps"
	"slices"
	"strings"
)

func token(*Server, *call) (any, error) {
	return object{
		"access_token": "gcloudtest-access-token", "expires_in": 3599, "token_type": "Bearer",
		"scope": "https://www.googleapis.com/auth/cloud-platform",
	}, nil
}

// itself returns the project as a resource; it is there from the start, owned
// by the account that is logged in.
func (s *Server) itself() *resource {
	if r, ok := s.stored[projects][s.project()]; ok {
		return r
	}
	r, _ := s.insert(projects, s.project(), object{
		"projectId": s.project(), "projectNumber": s.number(), "name": s.project(),
		"lifecycleState": "ACTIVE", "createTime": s.stamp(),
	})
	if s.OrgPolicies != nil {
		r.fields["parent"] = object{"type": "organization", "id": "421234567890"}
	}
	r.roles = map[string][]string{"roles/owner": {"user:" + s.account()}}
	return r
}

func describeProject(s *Server, _ *call) (any, error)   { return s.itself().fields, nil }
func showProjectPolicy(s *Server, _ *call) (any, error) { return s.itself().policy(), nil }

func replaceProjectPolicy(s *Server, c *call) (any, error) {
	wanted, _ := c.body["policy"].(object)
	return s.setPolicy(s.itself(), wanted)
}

// describeOrgPolicy tells the policy in effect for one constraint: without one,
// its default, which here allows everything.
func describeOrgPolicy(s *Server, c *call) (any, error) {
	constraint := text(c.body, "constraint")
	if policy, ok := s.OrgPolicies[strings.TrimPrefix(constraint, "constraints/")]; ok {
		return policy, nil
	}
	return object{"constraint": constraint}, nil
}

func billing(s *Server, _ *call) (any, error) {
	o := object{
		"name":           "projects/" + s.project() + "/billingInfo",
		"projectId":      s.project(),
		"billingEnabled": !s.Unbilled,
	}
	if !s.Unbilled {
		o["billingAccountName"] = "billingAccounts/012345-567890-ABCDEF"
	}
	return o, nil
}

// apis are the services that can be enabled, and whether they need a billing
// account (Service Usage answers UREQ_PROJECT_BILLING_NOT_FOUND for those).
var apis = map[string]bool{
	"artifactregistry.googleapis.com":     true,
	"cloudbilling.googleapis.com":         false,
	"cloudbuild.googleapis.com":           true,
	"cloudfunctions.googleapis.com":       true,
	"cloudkms.googleapis.com":             true,
	"cloudresourcemanager.googleapis.com": false,
	"cloudscheduler.googleapis.com":       true,
	"chronicle.googleapis.com":            false,
	"eventarc.googleapis.com":             true,
	"iam.googleapis.com":                  false,
	"iamcredentials.googleapis.com":       false,
	"logging.googleapis.com":              false,
	"monitoring.googleapis.com":           false,
	"pubsub.googleapis.com":               false,
	"run.googleapis.com":                  true,
	"secretmanager.googleapis.com":        true,
	"serviceusage.googleapis.com":         false,
	"storage-api.googleapis.com":          false,
	"storage.googleapis.com":              false,
}

func (s *Server) enabled(api string) bool {
	_, ok := s.stored[enabledAPIs][api]
	return ok
}

func (s *Server) apiState(api string) object {
	state := "DISABLED"
	if s.enabled(api) {
		state = "ENABLED"
	}
	return object{
		"name": "projects/" + s.number() + "/services/" + api, "parent": "projects/" + s.number(),
		"config": object{"name": api, "title": api}, "state": state,
	}
}

func listServices(s *Server, c *call) (any, error) {
	all := []any{}
	for _, api := range sorted(apis) {
		if c.first("filter") == "state:ENABLED" && !s.enabled(api) {
			continue
		}
		all = append(all, s.apiState(api))
	}
	return object{"services": all}, nil
}

func describeService(s *Server, c *call) (any, error) {
	api := c.params["service"]
	if _, ok := apis[api]; !ok {
		return nil, denied("service %q not found or permission denied", api)
	}
	return s.apiState(api), nil
}

func enableOne(s *Server, c *call) (any, error) { return s.enable([]string{c.params["service"]}) }

func enableMany(s *Server, c *call) (any, error) {
	list, _ := c.body["serviceIds"].([]any)
	if len(list) > 20 {
		return nil, invalid("at most 20 services can be enabled at once")
	}
	var wanted []string
	for _, v := range list {
		api, _ := v.(string)
		wanted = append(wanted, api)
	}
	return s.enable(wanted)
}

// enable enables all or none, as services.batchEnable documents it.
func (s *Server) enable(wanted []string) (any, error) {
	for _, api := range wanted {
		billed, ok := apis[api]
		if !ok {
			return nil, denied("service %q not found or permission denied", api)
		}
		if billed && s.Unbilled {
			return nil, precondition("%s", unbilled(s.number()))
		}
	}
	states := []any{}
	for _, api := range wanted {
		if !s.enabled(api) {
			if _, err := s.insert(enabledAPIs, api, object{}); err != nil {
				return nil, err
			}
		}
		states = append(states, s.apiState(api))
	}
	return object{"name": "operations/acat.gcloudtest", "done": true, "response": object{"services": states}}, nil
}

func disableOne(s *Server, c *call) (any, error) {
	api := c.params["service"]
	if !s.enabled(api) {
		return nil, precondition("the service %s is not enabled", api)
	}
	delete(s.stored[enabledAPIs], api)
	return object{"name": "operations/acat.gcloudtest", "done": true, "response": object{"service": s.apiState(api)}}, nil
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func base(name string) string { return name[strings.LastIndex(name, "/")+1:] }
