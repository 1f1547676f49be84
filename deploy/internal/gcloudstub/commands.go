package gcloudstub

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// command is what the stand-in knows of one.
type command struct {
	do         func(*invocation) (any, error)
	flags      string // their names
	positional int    // how many names it takes; -1 for any number
	mutating   bool
	stdin      bool
	scoped     bool // it must name the project
}

var commands map[string]command

func init() {
	commands = map[string]command{
		"auth list":               {do: login, flags: "--filter"},
		"auth print-access-token": {do: func(*invocation) (any, error) { return "ya29.callers-own\n", nil }},
		"config get-value":        {do: func(i *invocation) (any, error) { return i.p.ID + "\n", nil }, positional: 1},
		"projects describe": {do: func(i *invocation) (any, error) {
			if i.args[0] != i.p.ID {
				return nil, errors.New("PERMISSION_DENIED: the caller does not have permission (or it may not exist)")
			}
			return map[string]any{"projectNumber": i.p.Number}, nil
		}, positional: 1},
		"billing projects describe": {do: func(i *invocation) (any, error) {
			return map[string]any{"billingEnabled": i.p.BillingEnabled}, nil
		}, positional: 1},
		"services list":           {do: apis, flags: "--enabled", scoped: true},
		"services enable":         {do: enable, positional: -1, mutating: true, scoped: true},
		"functions runtimes list": {do: runtimes, flags: "--region", scoped: true},

		"storage rm":                       {do: remove("bucket"), flags: "--recursive", positional: 1, mutating: true, scoped: true},
		"pubsub topics publish":            {do: publish, flags: "--message", positional: 1, mutating: true, scoped: true},
		"pubsub subscriptions list":        {do: list("subscription"), scoped: true},
		"secrets versions add":             {do: addVersion, flags: "--data-file", positional: 1, mutating: true, stdin: true, scoped: true},
		"secrets versions access":          {do: accessVersion, flags: "--secret", positional: 1, scoped: true},
		"logging read":                     {do: readLog, flags: "--limit --freshness", positional: 1, scoped: true},
		"functions deploy":                 {do: deployFunction, flags: deployFlags, positional: 1, mutating: true, scoped: true},
		"functions delete":                 {do: deleteFunction, flags: "--gen2 --region", positional: 1, mutating: true, scoped: true},
		"beta monitoring channels list":    {do: list("channel"), scoped: true},
		"alpha monitoring policies list":   {do: list("policy"), scoped: true},
		"monitoring dashboards list":       {do: list("dashboard"), scoped: true},
		"beta monitoring channels create":  {do: createChannel, flags: "--type --display-name --channel-labels --user-labels", mutating: true, scoped: true},
		"alpha monitoring policies create": {do: createFromFile("policy", "alertPolicies", "--policy-from-file"), flags: "--policy-from-file", mutating: true, scoped: true},
		"monitoring dashboards create":     {do: createFromFile("dashboard", "dashboards", "--config-from-file"), flags: "--config-from-file", mutating: true, scoped: true},
		"alpha monitoring policies update": {do: updateFromFile("policy", "--policy-from-file"), flags: "--policy-from-file", positional: 1, mutating: true, scoped: true},
		"monitoring dashboards update":     {do: updateFromFile("dashboard", "--config-from-file"), flags: "--config-from-file", positional: 1, mutating: true, scoped: true},
		"logging metrics create":           {do: createFromFile("metric", "", "--config-from-file"), flags: "--config-from-file", positional: 1, mutating: true, scoped: true},
		"logging metrics update":           {do: updateFromFile("metric", "--config-from-file"), flags: "--config-from-file", positional: 1, mutating: true, scoped: true},
	}
	for _, r := range []struct{ group, kind, createFlags, describeFlags, updateFlags, deleteFlags string }{
		{"iam service-accounts", "account", "--display-name --description", "", "", ""},
		{"pubsub topics", "topic", "--labels", "", "", ""},
		{"pubsub subscriptions", "subscription", "", "", "--ack-deadline", ""},
		{"secrets", "secret", "--replication-policy --labels", "", "", ""},
		{"storage buckets", "bucket", "--location --uniform-bucket-level-access --public-access-prevention", "--raw", "--update-labels --lifecycle-file --uniform-bucket-level-access --public-access-prevention", ""},
		{"functions", "function", "", "--gen2 --region", "", ""},
		{"scheduler jobs", "job", "", "--location", "", "--location"},
		{"logging metrics", "metric", "", "", "", ""},
		{"alpha monitoring policies", "policy", "", "", "", ""},
		{"monitoring dashboards", "dashboard", "", "", "", ""},
		{"beta monitoring channels", "channel", "", "", "", "--force"},
	} {
		add := func(verb, flags string, mutating bool, do func(*invocation) (any, error)) {
			if _, special := commands[r.group+" "+verb]; !special {
				commands[r.group+" "+verb] = command{do: do, flags: flags, positional: 1, mutating: mutating, scoped: true}
			}
		}
		add("describe", r.describeFlags, false, describe(r.kind))
		add("delete", r.deleteFlags, true, remove(r.kind))
		if r.createFlags != "" {
			add("create", r.createFlags, true, create(r.kind))
		}
		if r.updateFlags != "" {
			add("update", r.updateFlags, true, update(r.kind))
		}
	}
	for group, kind := range map[string]string{"projects": "project", "secrets": "secret", "storage buckets": "bucket", "run services": "service"} {
		commands[group+" get-iam-policy"] = command{do: policyOf(kind), flags: "--region", positional: 1, scoped: true}
		commands[group+" add-iam-policy-binding"] = command{do: bind(kind, true), flags: "--region --member --role --condition", positional: 1, mutating: true, scoped: true}
		commands[group+" remove-iam-policy-binding"] = command{do: bind(kind, false), flags: "--region --member --role --condition", positional: 1, mutating: true, scoped: true}
	}
	for _, verb := range []string{"create", "update"} {
		commands["scheduler jobs "+verb+" pubsub"] = command{do: schedule(verb), flags: "--location --schedule --time-zone --topic --message-body --description", positional: 1, mutating: true, scoped: true}
	}
}

func login(i *invocation) (any, error) {
	if i.p.Account == "" {
		return nil, nil
	}
	return map[string]any{"account": i.p.Account}, nil
}

func apis(i *invocation) (any, error) {
	var rows []map[string]any
	for _, api := range i.p.APIs {
		rows = append(rows, map[string]any{"config": map[string]any{"name": api}})
	}
	return rows, nil
}

func enable(i *invocation) (any, error) {
	i.p.APIs = append(i.p.APIs, i.args...)
	slices.Sort(i.p.APIs)
	i.p.APIs = slices.Compact(i.p.APIs)
	return nil, nil
}

func runtimes(i *invocation) (any, error) {
	if !slices.Contains(i.p.Regions, i.flag("--region")) {
		return nil, fmt.Errorf("PERMISSION_DENIED: Permission denied on 'locations/%s' (or it may not exist)", i.flag("--region"))
	}
	var rows []map[string]any
	for _, r := range i.p.Runtimes {
		rows = append(rows, map[string]any{"name": r})
	}
	return rows, nil
}

// key names a resource in the model; the forms in which commands name it are one.
func (i *invocation) key(kind string) string {
	name := strings.TrimPrefix(i.args[0], "gs://")
	switch kind {
	case "account":
		name, _, _ = strings.Cut(name, "@")
	case "policy", "dashboard", "channel":
	default:
		name = name[strings.LastIndexByte(name, '/')+1:]
	}
	return kind + "/" + name
}

func (i *invocation) find(kind string) (map[string]any, error) {
	if r, ok := i.p.Resources[i.key(kind)]; ok {
		if r["foreign"] == true {
			return nil, errors.New("HTTPError 403: the caller does not have the access (or it may not exist)")
		}
		return r, nil
	}
	if kind == "bucket" {
		return nil, fmt.Errorf("%s not found: 404", i.args[0])
	}
	return nil, fmt.Errorf("NOT_FOUND: resource %s was not found", i.key(kind))
}

func describe(kind string) func(*invocation) (any, error) {
	return func(i *invocation) (any, error) { return found(i.find(kind)) }
}

// found keeps a nil map from being a non-nil answer.
func found(r map[string]any, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return r, nil
}

func list(kind string) func(*invocation) (any, error) {
	return func(i *invocation) (any, error) {
		var rows []map[string]any
		for _, key := range slices.Sorted(maps.Keys(i.p.Resources)) {
			if strings.HasPrefix(key, kind+"/") {
				rows = append(rows, i.p.Resources[key])
			}
		}
		return rows, nil
	}
}

func create(kind string) func(*invocation) (any, error) {
	return func(i *invocation) (any, error) {
		key := i.key(kind)
		if _, ok := i.p.Resources[key]; ok {
			return nil, fmt.Errorf("HTTPError 409: ALREADY_EXISTS: %s is not available", key)
		}
		r := map[string]any{"name": key}
		if kind == "bucket" {
			r["projectNumber"] = i.p.Number
			r["location"] = i.flag("--location")
		}
		i.p.Resources[key] = r
		return nil, i.apply(r)
	}
}

func update(kind string) func(*invocation) (any, error) {
	return func(i *invocation) (any, error) {
		r, err := i.find(kind)
		if err != nil {
			return nil, err
		}
		return nil, i.apply(r)
	}
}

// apply carries flags over into the fields that describe them.
func (i *invocation) apply(r map[string]any) error {
	iam, _ := r["iamConfiguration"].(map[string]any)
	if iam == nil {
		iam = map[string]any{}
	}
	for flag, value := range i.flags {
		switch flag {
		case "--labels", "--update-labels":
			labels, _ := r["labels"].(map[string]any)
			if labels == nil {
				labels = map[string]any{}
			}
			r["labels"] = labels
			for pair := range strings.SplitSeq(value, ",") {
				k, v, _ := strings.Cut(pair, "=")
				if len(v) > 63 || strings.ToLower(v) != v {
					return fmt.Errorf("INVALID_ARGUMENT: label %s", pair)
				}
				labels[k] = v
			}
		case "--description":
			r["description"] = value
		case "--display-name":
			r["displayName"] = value
		case "--ack-deadline":
			r["ackDeadlineSeconds"] = value
		case "--uniform-bucket-level-access":
			iam["uniformBucketLevelAccess"] = map[string]any{"enabled": true}
			r["iamConfiguration"] = iam
		case "--public-access-prevention":
			iam["publicAccessPrevention"] = "enforced"
			r["iamConfiguration"] = iam
		case "--lifecycle-file":
			content, err := os.ReadFile(value)
			if err != nil {
				return err
			}
			var lifecycle map[string]any
			if err := json.Unmarshal(content, &lifecycle); err != nil {
				return err
			}
			r["lifecycle"] = lifecycle
		}
	}
	return nil
}

func remove(kind string) func(*invocation) (any, error) {
	return func(i *invocation) (any, error) {
		if _, err := i.find(kind); err != nil {
			return nil, err
		}
		key := i.key(kind)
		delete(i.p.Resources, key)
		i.p.Bindings = slices.DeleteFunc(i.p.Bindings, func(b string) bool { return strings.HasPrefix(b, key+" ") })
		return nil, nil
	}
}
