package gcloudtest

import "fmt"

// describeRunService answers in the form of the Knative serving API, which
// gcloud reads. The service is the one behind a function; what it runs with is
// the function's configuration.
func describeRunService(s *Server, c *call) (any, error) {
	var service, function *resource
	for name, r := range s.stored[runServices] {
		if base(name) == c.params["service"] {
			service, function = r, s.stored[functions][text(r.fields, "function")]
		}
	}
	if service == nil || function == nil {
		return nil, refuse(404, "NOT_FOUND", "resource %q of kind Service in region was not found", c.params["service"])
	}
	config, _ := function.fields["serviceConfig"].(object)
	env := []any{}
	variables, _ := config["environmentVariables"].(object)
	for _, key := range sorted(variables) {
		env = append(env, object{"name": key, "value": variables[key]})
	}
	name, revision := c.params["service"], text(config, "revision")
	return object{
		"apiVersion": "serving.knative.dev/v1", "kind": "Service",
		"metadata": object{
			"name": name, "namespace": s.number(), "creationTimestamp": service.fields["created"],
			"labels":      object{"goog-managed-by": "cloudfunctions"},
			"annotations": object{"run.googleapis.com/ingress": ingress(text(config, "ingressSettings"))},
		},
		"spec": object{
			"template": object{
				"metadata": object{
					"name":        revision,
					"annotations": object{"autoscaling.knative.dev/maxScale": fmt.Sprint(config["maxInstanceCount"])},
				},
				"spec": object{
					"serviceAccountName": config["serviceAccountEmail"], "timeoutSeconds": config["timeoutSeconds"],
					"containerConcurrency": config["maxInstanceRequestConcurrency"],
					"containers": []any{object{
						"image": "gcf-artifacts/" + name, "env": env,
						"resources": object{"limits": object{"cpu": config["availableCpu"], "memory": config["availableMemory"]}},
					}},
				},
			},
			"traffic": []any{object{"latestRevision": true, "percent": 100}},
		},
		"status": object{
			"url": config["uri"], "address": object{"url": config["uri"]},
			"latestReadyRevisionName": revision, "latestCreatedRevisionName": revision,
			"conditions": []any{object{"type": "Ready", "status": "True"}},
			"traffic":    []any{object{"revisionName": revision, "latestRevision": true, "percent": 100}},
		},
	}, nil
}

func ingress(setting string) string {
	switch setting {
	case "ALLOW_INTERNAL_ONLY":
		return "internal"
	case "ALLOW_INTERNAL_AND_GCLB":
		return "internal-and-cloud-load-balancing"
	}
	return "all"
}
