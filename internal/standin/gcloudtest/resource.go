package gcloudtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// object is a JSON object.
type object = map[string]any

// kind is a sort of resource, and the key under which [Server.Model] shows it.
type kind string

const (
	buckets       kind = "buckets"
	objects       kind = "objects"
	accounts      kind = "serviceAccounts"
	enabledAPIs   kind = "services"
	secrets       kind = "secrets"
	versions      kind = "secretVersions"
	topics        kind = "topics"
	subscriptions kind = "subscriptions"
	functions     kind = "functions"
	runServices   kind = "runServices"
	triggers      kind = "triggers"
	jobs          kind = "jobs"
	metrics       kind = "metrics"
	alertPolicies kind = "alertPolicies"
	dashboards    kind = "dashboards"
	channels      kind = "notificationChannels"
	keys          kind = "cryptoKeys"
	notifications kind = "notificationConfigs"
	projects      kind = "projects"
	operations    kind = "operations"
)

// resource is something that exists: what its service answers for it, and its
// IAM policy.
type resource struct {
	fields  object
	roles   map[string][]string // members by role
	edition int                 // of the policy, for its etag
	payload []byte              // of a secret's version
}

func (s *Server) lookup(k kind, name string) (*resource, error) {
	if r, ok := s.stored[k][name]; ok {
		return r, nil
	}
	return nil, missing(name)
}

func (s *Server) insert(k kind, name string, fields object) (*resource, error) {
	if _, ok := s.stored[k][name]; ok {
		return nil, exists(name)
	}
	if s.stored == nil {
		s.stored = map[kind]map[string]*resource{}
	}
	if s.stored[k] == nil {
		s.stored[k] = map[string]*resource{}
	}
	r := &resource{fields: clone(fields)}
	s.stored[k][name] = r
	return r, nil
}

// names returns the names of a kind that begin with prefix, sorted.
func (s *Server) names(k kind, prefix string) []string {
	var out []string
	for name := range s.stored[k] {
		if strings.HasPrefix(name, prefix) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// fetch answers a GET of a resource.
func fetch(k kind) handler {
	return func(s *Server, c *call) (any, error) {
		r, err := s.lookup(k, c.name)
		if err != nil {
			return nil, err
		}
		return r.fields, nil
	}
}

// enumerate answers a GET of a collection, in one page.
func enumerate(k kind, field string) handler {
	return func(s *Server, c *call) (any, error) {
		all := []any{}
		for _, name := range s.names(k, c.name+"/") {
			all = append(all, s.stored[k][name].fields)
		}
		return object{field: all}, nil
	}
}

// remove answers a DELETE with an empty object.
func remove(k kind) handler {
	return func(s *Server, c *call) (any, error) {
		if _, err := s.lookup(k, c.name); err != nil {
			return nil, err
		}
		delete(s.stored[k], c.name)
		return object{}, nil
	}
}

// clone returns a copy that shares nothing.
func clone(o object) object {
	b, err := json.Marshal(o)
	if err != nil {
		panic(fmt.Sprintf("gcloudtest: %v", err)) // o came out of json.Unmarshal or is built here
	}
	out := object{}
	if err := json.Unmarshal(b, &out); err != nil {
		panic(fmt.Sprintf("gcloudtest: %v", err))
	}
	return out
}

// text returns the string at a path of keys, "" if there is none.
func text(o object, path ...string) string {
	v, _ := dig(o, path...).(string)
	return v
}

func dig(o object, path ...string) any {
	var v any = o
	for _, key := range path {
		m, ok := v.(object)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

// merge applies patch to o as RFC 7386 says: null removes, objects are merged,
// everything else replaces.
func merge(o, patch object) {
	for key, v := range patch {
		inner, isObject := v.(object)
		have, had := o[key].(object)
		switch {
		case v == nil:
			delete(o, key)
		case isObject && had:
			merge(have, inner)
		case isObject:
			fresh := object{}
			merge(fresh, inner)
			o[key] = fresh
		default:
			o[key] = v
		}
	}
}

// mask applies the fields of patch that a field mask names to o, those that
// patch lacks are removed. Paths may be in snake or camel case, parts are
// separated by dots.
func mask(o, patch object, paths string) {
	for path := range strings.SplitSeq(paths, ",") {
		if path == "" {
			continue
		}
		keys := strings.Split(path, ".")
		for i := range keys {
			keys[i] = camel(keys[i])
		}
		to, last := o, keys[len(keys)-1]
		for _, key := range keys[:len(keys)-1] {
			inner, ok := to[key].(object)
			if !ok {
				inner = object{}
				to[key] = inner
			}
			to = inner
		}
		if v := dig(patch, keys...); v != nil {
			to[last] = v
		} else {
			delete(to, last)
		}
	}
}

func camel(snake string) string {
	parts := strings.Split(snake, "_")
	for i, p := range parts[1:] {
		if p != "" {
			parts[i+1] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	return strings.Join(parts, "")
}
