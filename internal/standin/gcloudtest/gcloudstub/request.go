package gcloudstub

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// object is a JSON object.
type object = map[string]any

// invocation is one command with its names and flags.
type invocation struct {
	stub  *Stub
	call  *Call
	args  []string // its names
	flags map[string]string
}

// flag's value, or "".
func (i *invocation) flag(name string) string { return i.flags[name] }

// path of a file or directory that a flag names.
func (i *invocation) path(flag string) string {
	if name := i.flag(flag); filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(i.call.Directory, i.flag(flag))
}

// file reads the JSON that a flag names.
func (i *invocation) file(flag string) (object, error) {
	content, err := os.ReadFile(i.path(flag))
	if err != nil {
		return nil, err
	}
	var o object
	return o, json.Unmarshal(content, &o)
}

// ask is a request to an API with a JSON body, unless that is nil.
func (i *invocation) ask(method, address string, body object) (object, error) {
	if body == nil {
		return i.send(method, address, "application/json", nil)
	}
	content, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return i.send(method, address, "application/json", content)
}

func (i *invocation) send(method, address, kind string, content []byte) (object, error) {
	request := httptest.NewRequest(method, "http://"+address, bytes.NewReader(content))
	request.Header.Set("Content-Type", kind)
	response := httptest.NewRecorder()
	i.stub.API.ServeHTTP(response, request)
	decoder := json.NewDecoder(response.Body)
	decoder.UseNumber() // printed as they were sent
	var o object
	if err := decoder.Decode(&o); err != nil {
		return nil, err
	}
	if response.Code < 400 {
		return o, nil
	}
	problem, _ := o["error"].(object)
	if status, _ := problem["status"].(string); status != "" {
		return nil, &refusal{response.Code, fmt.Sprintf("%s: %v", status, problem["message"])}
	}
	return nil, &refusal{response.Code, fmt.Sprintf("HTTPError %d: %v", response.Code, problem["message"])}
}

// refusal is the answer of an API, as gcloud prints it.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

// collection is where an API keeps resources of one sort, as it stands in its paths.
type collection struct {
	api    string // host and version
	path   string // below the project, or the region
	region string // the flag that names it
}

var (
	accounts      = collection{api: "iam.googleapis.com/v1", path: "serviceAccounts"}
	secrets       = collection{api: "secretmanager.googleapis.com/v1", path: "secrets"}
	topics        = collection{api: "pubsub.googleapis.com/v1", path: "topics"}
	subscriptions = collection{api: "pubsub.googleapis.com/v1", path: "subscriptions"}
	functions     = collection{api: "cloudfunctions.googleapis.com/v2", path: "functions", region: "--region"}
	runtimes      = collection{api: "cloudfunctions.googleapis.com/v2", path: "runtimes", region: "--region"}
	services      = collection{api: "run.googleapis.com/v1", path: "services", region: "--region"}
	jobs          = collection{api: "cloudscheduler.googleapis.com/v1", path: "jobs", region: "--location"}
	metrics       = collection{api: "logging.googleapis.com/v2", path: "metrics"}
	policies      = collection{api: "monitoring.googleapis.com/v3", path: "alertPolicies"}
	channels      = collection{api: "monitoring.googleapis.com/v3", path: "notificationChannels"}
	dashboards    = collection{api: "monitoring.googleapis.com/v1", path: "dashboards"}
	buckets       = collection{api: "storage.googleapis.com/storage/v1", path: "b"}
	keys          = collection{api: "cloudkms.googleapis.com/v1", path: "cryptoKeys"}
	projects      = collection{api: "cloudresourcemanager.googleapis.com/v1", path: "projects"}
	apis          = collection{api: "serviceusage.googleapis.com/v1", path: "services"}
)

// all is the address of the whole collection.
func (c collection) all(i *invocation) string {
	switch {
	case c == buckets || c == projects:
		return c.api + "/" + c.path
	case c.region != "":
		return fmt.Sprintf("%s/projects/%s/locations/%s/%s", c.api, i.flag("--project"), i.flag(c.region), c.path)
	}
	return fmt.Sprintf("%s/projects/%s/%s", c.api, i.flag("--project"), c.path)
}

// one is the address of the resource that the command names, shortly or in full.
func (c collection) one(i *invocation) string {
	name := strings.TrimPrefix(i.args[0], "gs://")
	if strings.HasPrefix(name, "projects/") {
		return c.api + "/" + name
	}
	return c.all(i) + "/" + url.PathEscape(name)
}

// full is the name of the resource as it stands in bodies.
func (c collection) full(i *invocation) string { return strings.TrimPrefix(c.one(i), c.api+"/") }

func (c collection) describe(i *invocation) (any, error) { return i.ask("GET", c.one(i), nil) }

func (c collection) delete(i *invocation) (any, error) { return i.ask("DELETE", c.one(i), nil) }

func (c collection) list(i *invocation) (any, error) { return c.listed(i, "") }

func (c collection) listed(i *invocation, query string) ([]object, error) {
	field := c.path
	if c == buckets {
		field = "items"
	}
	o, err := i.ask("GET", c.all(i)+query, nil)
	return objects(o[field]), err
}

// objects are the JSON objects of a list.
func objects(list any) []object {
	var rows []object
	items, _ := list.([]any)
	for _, item := range items {
		if o, ok := item.(object); ok {
			rows = append(rows, o)
		}
	}
	return rows
}

// pairs reads "key=value,key=value".
func pairs(list string) object {
	o := object{}
	for pair := range strings.SplitSeq(list, ",") {
		if key, value, ok := strings.Cut(pair, "="); ok {
			o[key] = value
		}
	}
	return o
}
