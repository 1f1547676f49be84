package gcloudstub

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// fetchPolicy asks for the policy of what the command names.
func (c collection) fetchPolicy(i *invocation) (object, error) {
	switch c {
	case buckets:
		return i.ask("GET", c.one(i)+"/iam", nil)
	case projects:
		return i.ask("POST", c.one(i)+":getIamPolicy", object{})
	}
	return i.ask("GET", c.one(i)+":getIamPolicy", nil)
}

func (c collection) policy(i *invocation) (any, error) { return c.fetchPolicy(i) }

// bind reads the policy, changes it and writes it back, as gcloud does.
func (c collection) bind(i *invocation) (any, error) { return c.change(i, true) }

func (c collection) unbind(i *invocation) (any, error) { return c.change(i, false) }

func (c collection) change(i *invocation, add bool) (any, error) {
	policy, err := c.fetchPolicy(i)
	if err != nil {
		return nil, err
	}
	member, role := i.flag("--member"), i.flag("--role")
	condition, err := readCondition(i.flag("--condition"))
	if err != nil {
		return nil, err
	}
	bindings := []any{}
	removed := false
	for _, b := range objects(policy["bindings"]) {
		if have, _ := b["condition"].(object); b["role"] == role && reflect.DeepEqual(have, condition) {
			members, _ := b["members"].([]any)
			before := len(members)
			members = slices.DeleteFunc(members, func(m any) bool { return m == member })
			b["members"], removed = members, removed || len(members) < before
			if len(members) == 0 {
				continue
			}
		}
		bindings = append(bindings, b)
	}
	if add {
		b := object{"role": role, "members": []any{member}}
		if condition != nil {
			b["condition"], policy["version"] = condition, 3
		}
		bindings = append(bindings, b)
	} else if !removed {
		return nil, fmt.Errorf("policy binding with the specified principal, role, and condition not found")
	}
	policy["bindings"] = bindings
	if c == buckets {
		return i.ask("PUT", c.one(i)+"/iam", policy)
	}
	return i.ask("POST", c.one(i)+":setIamPolicy", object{"policy": policy})
}

// readCondition reads "expression=...,title=...", with the title last.
func readCondition(flag string) (object, error) {
	if flag == "" || flag == "None" {
		return nil, nil
	}
	expression, title, ok := strings.Cut(strings.TrimPrefix(flag, "expression="), ",title=")
	if !ok {
		return nil, fmt.Errorf("--condition=%s is not modelled", flag)
	}
	return object{"expression": expression, "title": title}, nil
}
