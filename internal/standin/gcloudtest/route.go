package gcloudtest

import "strings"

type handler func(*Server, *call) (any, error)

// route is what one method does to the paths of one service that match. A part
// in braces matches one part of a path and is kept under its name; {*} at the
// end matches the rest.
type route struct {
	service string
	method  string
	path    string
	handle  handler
}

// find returns the route of a request, what its braces matched, and the name of
// the resource: the path without version and verb.
func find(q Request) (*route, map[string]string, string) {
	for i := range routes {
		rt := &routes[i]
		if rt.service != q.Service || rt.method != q.Method {
			continue
		}
		if params, ok := match(rt.path, q.Path); ok {
			return rt, params, resourceName(q.Path)
		}
	}
	return nil, nil, ""
}

func match(pattern, path string) (map[string]string, bool) {
	want := strings.Split(pattern, "/")
	have := strings.Split(path, "/")
	params := map[string]string{}
	for i, w := range want {
		if w == "{*}" {
			params["*"] = strings.Join(have[min(i, len(have)):], "/")
			return params, true
		}
		if i >= len(have) {
			return nil, false
		}
		name, verb, braced := strings.Cut(w, "}")
		if !braced {
			if w != have[i] {
				return nil, false
			}
			continue
		}
		value, ok := strings.CutSuffix(have[i], verb)
		if !ok || value == "" || verb == "" && strings.Contains(value, ":") {
			return nil, false
		}
		params[strings.TrimPrefix(name, "{")] = value
	}
	return params, len(want) == len(have)
}

func resourceName(path string) string {
	_, name, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	head, last := "", name
	if i := strings.LastIndex(name, "/"); i >= 0 {
		head, last = name[:i+1], name[i+1:]
	}
	last, _, _ = strings.Cut(last, ":")
	return head + last
}

// alwaysOn are the services that answer for a project in which nothing is
// enabled: those that gcloud calls without the project as the consumer, Cloud
// Storage, which needs no enabling, Cloud KMS, which is enabled where the key
// lies, and the token endpoint.
var alwaysOn = map[string]bool{
	"cloudresourcemanager": true, "cloudbilling": true, "serviceusage": true,
	"storage": true, "oauth2": true, "cloudkms": true,
}
