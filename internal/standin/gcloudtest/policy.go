package gcloudtest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// policy is the IAM policy as the services answer it, bindings by role.
func (r *resource) policy() object {
	bindings := []any{}
	o := object{"version": 1, "etag": r.etag()}
	for _, key := range sorted(r.roles) {
		members := []any{}
		for _, m := range r.roles[key] {
			members = append(members, m)
		}
		role, condition, conditional := strings.Cut(key, provided)
		binding := object{"role": role, "members": members}
		if conditional {
			binding["condition"] = json.RawMessage(condition)
			o["version"] = 3
		}
		bindings = append(bindings, binding)
	}
	if len(bindings) > 0 {
		o["bindings"] = bindings
	}
	return o
}

func (r *resource) etag() string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "policy%d", r.edition))
}

// provided stands between the role and the condition, as JSON, of a binding
// that has one, in the keys of a resource's roles.
const provided = " if "

// holds tells whether a member holds one of the roles. A role that is held on a
// condition counts: conditions are kept, not evaluated.
func (r *resource) holds(member string, roles ...string) bool {
	for key, members := range r.roles {
		role, _, _ := strings.Cut(key, provided)
		if slices.Contains(roles, role) && slices.Contains(members, member) {
			return true
		}
	}
	return false
}

func showPolicy(k kind) handler {
	return func(s *Server, c *call) (any, error) {
		r, err := s.lookup(k, c.name)
		if err != nil {
			return nil, err
		}
		return r.policy(), nil
	}
}

func replacePolicy(k kind) handler {
	return func(s *Server, c *call) (any, error) {
		r, err := s.lookup(k, c.name)
		if err != nil {
			return nil, err
		}
		wanted, _ := c.body["policy"].(object)
		return s.setPolicy(r, wanted)
	}
}

// setPolicy replaces a policy. An etag that is not the current one is refused
// with 409; without one the policy is overwritten, as IAM documents it.
func (s *Server) setPolicy(r *resource, wanted object) (object, error) {
	if etag := text(wanted, "etag"); etag != "" && etag != r.etag() {
		return nil, aborted()
	}
	roles := map[string][]string{}
	list, _ := wanted["bindings"].([]any)
	for _, b := range list {
		binding, _ := b.(object)
		role := text(binding, "role")
		if !strings.HasPrefix(role, "roles/") && !strings.Contains(role, "/roles/") {
			return nil, invalid("role %q is not supported for this resource", role)
		}
		if condition, ok := binding["condition"].(object); ok {
			if version, _ := wanted["version"].(float64); version != 3 {
				return nil, invalid("policies with conditions need version 3, not %v", wanted["version"])
			}
			if text(condition, "title") == "" || text(condition, "expression") == "" {
				return nil, invalid("a condition needs a title and an expression")
			}
			b, err := json.Marshal(condition)
			if err != nil {
				return nil, err
			}
			role += provided + string(b)
		}
		members, _ := binding["members"].([]any)
		for _, m := range members {
			member, _ := m.(string)
			if err := s.known(member); err != nil {
				return nil, err
			}
			if !slices.Contains(roles[role], member) {
				roles[role] = append(roles[role], member)
			}
		}
		slices.Sort(roles[role])
	}
	r.roles = roles
	r.edition++
	return r.policy(), nil
}

// known refuses members that IAM refuses: without a type, and service accounts
// of this project that do not exist.
func (s *Server) known(member string) error {
	if member == "allUsers" || member == "allAuthenticatedUsers" {
		return nil
	}
	sort, email, found := strings.Cut(member, ":")
	if !found || email == "" {
		return invalid("the member %s is of an unknown type", member)
	}
	if sort == "serviceAccount" && strings.HasSuffix(email, "@"+s.project()+".iam.gserviceaccount.com") {
		if _, ok := s.stored[accounts][accountName(s.project(), email)]; !ok {
			return invalid("service account %s does not exist", email)
		}
	}
	if sort == "serviceAccount" && strings.HasPrefix(email, "service-"+s.number()+"@") && !s.agents[email] {
		return invalid("service account %s does not exist", email)
	}
	return nil
}
