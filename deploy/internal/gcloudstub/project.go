// Package gcloudstub stands in for gcloud where deploy.sh is tested: a program that
// keeps a small model of a Google Cloud project in a JSON file, records how it was
// called, and refuses what it does not know.
//
// What it models: which resources exist, with the fields that deploy.sh reads; who was
// granted which role on them; the differences of a second creation (refused) and of a
// missing resource (NOT_FOUND). What it does not: permissions of the caller, delays,
// quotas, and gcloud's own checks of flags beyond their names.
package gcloudstub

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Project is the model of one project.
type Project struct {
	ID             string `json:"id"`
	Number         string `json:"number"`
	Account        string `json:"account"` // who is logged in; empty for nobody
	BillingEnabled bool   `json:"billing_enabled"`
	Regions        []string
	Runtimes       []string
	APIs           []string `json:"apis"`

	// Resources holds what exists, as kind and name ("topic/t") and its fields as the
	// API names them.
	Resources map[string]map[string]any `json:"resources"`
	// Bindings holds "kind/name role member condition-title", sorted.
	Bindings []string `json:"bindings"`
	// Log is what `logging read` answers, newest first.
	Log []map[string]any `json:"log"`
	// Serial numbers what the server names.
	Serial int `json:"serial"`

	// UnsettledGrants is how many grants are refused because the account is not yet known.
	UnsettledGrants int `json:"unsettled_grants,omitempty"`

	// OnTick is the record that a published message leads to, its event filled in.
	OnTick map[string]any `json:"on_tick,omitempty"`
}

// Call is one invocation.
type Call struct {
	Args     []string
	Mutating bool
	Stdin    string // of commands that read it
	Failed   bool
	// Environment holds the variables with TOKEN in their names that were passed on.
	Environment []string
}

// Directory is where a test and the stand-in meet: the model, the calls and the failure
// to be injected.
type Directory string

const (
	// Variable names the directory to the stand-in.
	Variable    = "GCLOUD_STUB_DIRECTORY"
	projectFile = "project.json"
	callsFile   = "calls.json"
	failFile    = "fail"
)

// NewProject is an empty project with billing and a login.
func NewProject() *Project {
	return &Project{
		ID: "my-project", Number: "123456789012", Account: "someone@example.com", BillingEnabled: true,
		Regions: []string{"us-central1", "europe-west1"}, Runtimes: []string{"go125", "go126", "python312"},
		Resources: map[string]map[string]any{},
	}
}

// Put stores the model.
func (d Directory) Put(p *Project) error {
	content, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(string(d), projectFile), content, 0o600)
}

// Get reads the model.
func (d Directory) Get() (*Project, error) {
	p := &Project{}
	return p, d.read(projectFile, p)
}

// Calls reads what was recorded since the last [Directory.Forget].
func (d Directory) Calls() ([]Call, error) {
	var calls []Call
	content, err := os.ReadFile(filepath.Join(string(d), callsFile))
	if os.IsNotExist(err) {
		return nil, nil
	}
	for line := range strings.Lines(string(content)) {
		var c Call
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			return nil, err
		}
		calls = append(calls, c)
	}
	return calls, err
}

// Forget removes the record of calls.
func (d Directory) Forget() error { return os.RemoveAll(filepath.Join(string(d), callsFile)) }

// Fail lets the n-th mutating call from now on fail, counted from 1: before it takes
// effect, or after it did. 0 lets none fail.
func (d Directory) Fail(n int, after bool) error {
	return os.WriteFile(filepath.Join(string(d), failFile), fmt.Appendf(nil, "%d %t", n, after), 0o600)
}

// failure counts a mutating call and reports whether it is to fail before or after.
func (d Directory) failure() (before, after bool) {
	var n int
	var late bool
	content, err := os.ReadFile(filepath.Join(string(d), failFile))
	if err != nil {
		return false, false
	}
	if _, err := fmt.Sscanf(string(content), "%d %t", &n, &late); err != nil || n == 0 {
		return false, false
	}
	_ = d.Fail(n-1, late)
	return n == 1 && !late, n == 1 && late
}

func (d Directory) record(c Call) error {
	line, err := json.Marshal(c)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(string(d), callsFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

func (d Directory) read(name string, into any) error {
	content, err := os.ReadFile(filepath.Join(string(d), name))
	if err != nil {
		return err
	}
	return json.Unmarshal(content, into)
}

// Granted reports whether the binding is in the model.
func (p *Project) Granted(resource, role, member, condition string) bool {
	return slices.Contains(p.Bindings, binding(resource, role, member, condition))
}

func binding(resource, role, member, condition string) string {
	return strings.TrimSpace(strings.Join([]string{resource, role, member, condition}, " "))
}
