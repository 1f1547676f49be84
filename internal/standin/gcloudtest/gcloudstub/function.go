package gcloudstub

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

const deployFlags = "--gen2 --region --runtime --source --entry-point --trigger-topic --trigger-service-account " +
	"--run-service-account --build-service-account --set-secrets --set-build-env-vars --timeout --memory --cpu " +
	"--concurrency --max-instances --ingress-settings --no-allow-unauthenticated --retry " +
	"--env-vars-file --update-labels --network --subnet --direct-vpc-egress"

// deployFunction makes the function, or changes of an existing one what the flags name.
func deployFunction(i *invocation) (any, error) {
	body, err := i.function()
	if err != nil {
		return nil, err
	}
	old, err := i.ask("GET", functions.one(i), nil)
	var missing *refusal
	if errors.As(err, &missing) && missing.status == http.StatusNotFound {
		return i.wait(i.ask("POST", functions.all(i)+"?functionId="+i.args[0], body))
	}
	if err != nil {
		return nil, err
	}
	labels, _ := body["labels"].(object)
	had, _ := old["labels"].(object)
	for key, value := range had {
		if _, ok := labels[key]; !ok {
			labels[key] = value
		}
	}
	mask := []string{"labels"}
	for _, part := range []string{"buildConfig", "serviceConfig", "eventTrigger"} {
		for field := range body[part].(object) {
			mask = append(mask, part+"."+field)
		}
	}
	return i.wait(i.ask("PATCH", functions.one(i)+"?updateMask="+strings.Join(mask, ","), body))
}

// wait reads the outcome of an operation, which is there at once.
func (i *invocation) wait(operation object, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	done, err := i.ask("GET", fmt.Sprintf("%s/%s", functions.api, operation["name"]), nil)
	if err != nil {
		return nil, err
	}
	if problem, ok := done["error"].(object); ok {
		return nil, fmt.Errorf("OperationError: code=%v, message=%v", problem["code"], problem["message"])
	}
	return done["response"], nil
}

// function is what the flags say of one.
func (i *invocation) function() (object, error) {
	variables, err := readEnvironment(i.path("--env-vars-file"))
	if err != nil {
		return nil, err
	}
	source, err := i.upload()
	if err != nil {
		return nil, err
	}
	file, secret, _ := strings.Cut(i.flag("--set-secrets"), "=")
	mount, path, _ := strings.Cut(file, ":/")
	secret, version, _ := strings.Cut(secret, ":")
	var timeout, instances, concurrency int
	for flag, number := range map[string]*int{
		"--timeout": &timeout, "--max-instances": &instances, "--concurrency": &concurrency,
	} {
		if _, err := fmt.Sscan(strings.TrimSuffix(i.flag(flag), "s"), number); err != nil {
			return nil, fmt.Errorf("%s: %w", flag, err)
		}
	}
	retry := "RETRY_POLICY_DO_NOT_RETRY"
	if _, ok := i.flags["--retry"]; ok {
		retry = "RETRY_POLICY_RETRY"
	}
	ingress := map[string]string{"internal-only": "ALLOW_INTERNAL_ONLY", "": "ALLOW_ALL"}
	o := object{
		"name": functions.full(i), "environment": "GEN_2", "labels": pairs(i.flag("--update-labels")),
		"buildConfig": object{
			"runtime": i.flag("--runtime"), "entryPoint": i.flag("--entry-point"), "source": source,
			"serviceAccount":       i.flag("--build-service-account"),
			"environmentVariables": pairs(i.flag("--set-build-env-vars")),
		},
		"serviceConfig": object{
			"serviceAccountEmail": i.flag("--run-service-account"), "environmentVariables": variables,
			"timeoutSeconds": timeout, "availableMemory": i.flag("--memory"), "availableCpu": i.flag("--cpu"),
			"maxInstanceCount": instances, "maxInstanceRequestConcurrency": concurrency,
			"ingressSettings": ingress[i.flag("--ingress-settings")],
			"secretVolumes": []any{object{
				"mountPath": mount, "projectId": i.flag("--project"), "secret": secret,
				"versions": []any{object{"path": path, "version": version}},
			}},
		},
		"eventTrigger": object{
			"eventType":           "google.cloud.pubsub.topic.v1.messagePublished",
			"pubsubTopic":         fmt.Sprintf("projects/%s/topics/%s", i.flag("--project"), i.flag("--trigger-topic")),
			"serviceAccountEmail": i.flag("--trigger-service-account"), "retryPolicy": retry,
		},
	}
	if egress := i.flag("--direct-vpc-egress"); egress != "" {
		config := o["serviceConfig"].(object)
		config["directVpcEgress"] = map[string]string{
			"all": "VPC_EGRESS_ALL_TRAFFIC", "private-ranges-only": "VPC_EGRESS_PRIVATE_RANGES_ONLY",
		}[egress]
		config["directVpcNetworkInterface"] = []object{
			{"network": i.flag("--network"), "subnetwork": i.flag("--subnet")},
		}
	}
	return o, nil
}

// upload sends an archive that only says that there was a source.
func (i *invocation) upload() (any, error) {
	if _, err := os.Stat(filepath.Join(i.path("--source"), "function.go")); err != nil {
		return nil, err
	}
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	if _, err := z.Create("function.go"); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	offer, err := i.ask("POST", functions.all(i)+":generateUploadUrl", object{})
	if err != nil {
		return nil, err
	}
	to := strings.TrimPrefix(fmt.Sprint(offer["uploadUrl"]), "http://")
	if _, err := i.send("PUT", to, "application/zip", archive.Bytes()); err != nil {
		return nil, err
	}
	return object{"storageSource": offer["storageSource"]}, nil
}

// readEnvironment reads "NAME: value" lines whose values are double-quoted YAML with
// the escapes \" and \\, which JSON shares.
func readEnvironment(path string) (object, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	environment := object{}
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
