package gcloudstub

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

func policyOf(kind string) func(*invocation) (any, error) {
	return func(i *invocation) (any, error) {
		if kind != "project" {
			if _, err := i.find(kind); err != nil {
				return nil, err
			}
		}
		var rows []map[string]any
		for _, b := range i.p.Bindings {
			f := append(strings.Fields(b), "")
			if f[0] == i.key(kind) {
				rows = append(rows, map[string]any{"bindings": map[string]any{"role": f[1], "members": f[2], "condition": map[string]any{"title": f[3]}}})
			}
		}
		return rows, nil
	}
}

func bind(kind string, add bool) func(*invocation) (any, error) {
	return func(i *invocation) (any, error) {
		if kind != "project" {
			if _, err := i.find(kind); err != nil {
				return nil, err
			}
		}
		member, role := i.flag("--member"), i.flag("--role")
		email := strings.TrimPrefix(member, "serviceAccount:")
		if name, ours := strings.CutSuffix(email, "@"+i.p.ID+".iam.gserviceaccount.com"); ours && i.p.Resources["account/"+name] == nil {
			return nil, fmt.Errorf("INVALID_ARGUMENT: Service account %s does not exist", email)
		}
		if i.p.UnsettledGrants > 0 {
			i.p.UnsettledGrants--
			return nil, fmt.Errorf("INVALID_ARGUMENT: Service account %s does not exist", email)
		}
		_, title, _ := strings.Cut(i.flag("--condition"), ",title=")
		b := binding(i.key(kind), role, member, title)
		i.p.Bindings = slices.DeleteFunc(i.p.Bindings, func(have string) bool { return have == b })
		if add {
			i.p.Bindings = append(i.p.Bindings, b)
			slices.Sort(i.p.Bindings)
		}
		return nil, nil
	}
}

func addVersion(i *invocation) (any, error) {
	r, err := i.find("secret")
	if err != nil {
		return nil, err
	}
	if i.flag("--data-file") != "-" {
		return nil, errors.New("only standard input is modelled")
	}
	versions, _ := r["versions"].([]any)
	r["versions"] = append(versions, i.stdin)
	return nil, nil
}

func accessVersion(i *invocation) (any, error) {
	i.args = []string{i.flag("--secret")}
	r, err := i.find("secret")
	if err != nil {
		return nil, err
	}
	versions, _ := r["versions"].([]any)
	if len(versions) == 0 {
		return nil, errors.New("NOT_FOUND: Secret Version was not found")
	}
	return versions[len(versions)-1].(string), nil
}

const deployFlags = "--gen2 --region --runtime --source --entry-point --trigger-topic --trigger-service-account --run-service-account " +
	"--build-service-account --set-secrets --set-build-env-vars --timeout --memory --cpu --concurrency --max-instances " +
	"--ingress-settings --no-allow-unauthenticated --retry --env-vars-file --update-labels"

// deployFunction keeps the flags, the environment as it would arrive, and makes what
// Google makes beside a function: its service and the trigger's subscription.
func deployFunction(i *invocation) (any, error) {
	for _, account := range []string{"--run-service-account", "--trigger-service-account", "--build-service-account"} {
		email := i.flag(account)[strings.LastIndexByte(i.flag(account), '/')+1:]
		if name, ours := strings.CutSuffix(email, "@"+i.p.ID+".iam.gserviceaccount.com"); ours && i.p.Resources["account/"+name] == nil {
			return nil, fmt.Errorf("INVALID_ARGUMENT: %s: service account %s not known", account, email)
		}
	}
	if i.p.Resources["topic/"+i.flag("--trigger-topic")] == nil {
		return nil, errors.New("NOT_FOUND: the topic")
	}
	environment, err := readEnvironment(i.flag("--env-vars-file"))
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(i.flag("--source") + "/function.go"); err != nil {
		return nil, err
	}
	flags := map[string]any{}
	for k, v := range i.flags {
		if k != "--env-vars-file" && k != "--update-labels" {
			flags[k] = v
		}
	}
	r := i.p.Resources[i.key("function")]
	if r == nil {
		r = map[string]any{}
		i.p.Resources[i.key("function")] = r
	}
	r["state"], r["flags"], r["environment"] = "ACTIVE", flags, environment
	i.p.Resources[i.key("service")] = map[string]any{"name": i.args[0]}
	subscription := "subscription/eventarc-us-central1-" + i.args[0] + "-sub-1"
	if i.p.Resources[subscription] == nil {
		i.p.Resources[subscription] = map[string]any{
			"name":               "projects/" + i.p.ID + "/subscriptions/" + strings.TrimPrefix(subscription, "subscription/"),
			"topic":              "projects/" + i.p.ID + "/topics/" + i.flag("--trigger-topic"),
			"ackDeadlineSeconds": "10",
		}
	}
	return nil, i.apply(r)
}

// readEnvironment reads "NAME: value" lines whose values are double-quoted YAML with
// the escapes \" and \\, which JSON shares.
func readEnvironment(path string) (map[string]any, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	environment := map[string]any{}
	for line := range strings.Lines(string(content)) {
		name, quoted, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		var value string
		if err := json.Unmarshal([]byte(quoted), &value); err != nil {
			return nil, fmt.Errorf("parse %q: %w", line, err)
		}
		environment[name] = value
	}
	return environment, nil
}

func deleteFunction(i *invocation) (any, error) {
	answer, err := remove("function")(i)
	if err == nil {
		_, err = remove("service")(i)
		delete(i.p.Resources, "subscription/eventarc-us-central1-"+i.args[0]+"-sub-1")
	}
	return answer, err
}

func schedule(verb string) func(*invocation) (any, error) {
	return func(i *invocation) (any, error) {
		key := i.key("job")
		if _, exists := i.p.Resources[key]; exists != (verb == "update") {
			return nil, fmt.Errorf("%s: cannot %s", key, verb)
		}
		i.p.Resources[key] = map[string]any{
			"schedule": i.flag("--schedule"), "timeZone": i.flag("--time-zone"), "state": "ENABLED", "description": i.flag("--description"),
			"pubsubTarget": map[string]any{"topicName": i.flag("--topic"), "data": i.flag("--message-body")}, "scheduleTime": "2026-11-23T15:00:00Z",
		}
		return nil, nil
	}
}

func publish(i *invocation) (any, error) {
	if _, err := i.find("topic"); err != nil {
		return nil, err
	}
	i.p.Serial++
	id := fmt.Sprint(9000 + i.p.Serial)
	if i.p.OnTick != nil {
		record := map[string]any{"timestamp": "2026-11-23T14:00:00Z", "severity": "INFO"}
		payload := map[string]any{"event": id}
		for k, v := range i.p.OnTick {
			payload[k] = v
		}
		record["jsonPayload"] = payload
		i.p.Log = append([]map[string]any{record}, i.p.Log...)
	}
	return map[string]any{"messageIds": []any{id}}, nil
}

func readLog(i *invocation) (any, error) {
	var rows []map[string]any
	for _, record := range i.p.Log {
		payload, _ := record["jsonPayload"].(map[string]any)
		if id, _ := payload["event"].(string); len(rows) == 0 && (!strings.Contains(i.args[0], "jsonPayload.event=") || strings.Contains(i.args[0], `"`+id+`"`)) {
			rows = append(rows, record)
		}
	}
	return rows, nil
}

func createChannel(i *invocation) (any, error) {
	_, email, _ := strings.Cut(i.flag("--channel-labels"), "=")
	label, mark, _ := strings.Cut(i.flag("--user-labels"), "=")
	i.p.Serial++
	name := fmt.Sprintf("projects/%s/notificationChannels/%d", i.p.ID, i.p.Serial)
	r := map[string]any{"name": name, "type": i.flag("--type"), "displayName": i.flag("--display-name"), "labels": map[string]any{"email_address": email}, "userLabels": map[string]any{label: mark}}
	i.p.Resources["channel/"+name] = r
	return r, nil
}

// createFromFile makes what a JSON file says; the server names it, unless the command does.
func createFromFile(kind, collection, flag string) func(*invocation) (any, error) {
	return func(i *invocation) (any, error) {
		content, err := readJSON(i.flag(flag))
		if err != nil {
			return nil, err
		}
		if collection != "" {
			i.p.Serial++
			i.args = []string{fmt.Sprintf("projects/%s/%s/%d", i.p.ID, collection, i.p.Serial)}
			content["name"] = i.args[0]
		}
		if _, ok := i.p.Resources[i.key(kind)]; ok {
			return nil, fmt.Errorf("ALREADY_EXISTS: %s", i.key(kind))
		}
		i.p.Resources[i.key(kind)] = content
		return nil, nil
	}
}

func updateFromFile(kind, flag string) func(*invocation) (any, error) {
	return func(i *invocation) (any, error) {
		if _, err := i.find(kind); err != nil {
			return nil, err
		}
		content, err := readJSON(i.flag(flag))
		if err == nil {
			content["name"] = i.args[0]
			i.p.Resources[i.key(kind)] = content
		}
		return nil, err
	}
}

func readJSON(path string) (map[string]any, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var r map[string]any
	return r, json.Unmarshal(content, &r)
}
