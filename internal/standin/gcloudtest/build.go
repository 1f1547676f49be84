package gcloudtest

import (
	"fmt"
	"net/url"
	"strings"
)

// buildRoles are what an own build account needs: the one role, or all three
// of the narrower ones.
// https://cloud.google.com/functions/docs/securing/build-custom-sa
var buildRoles = []string{"roles/logging.logWriter", "roles/artifactregistry.writer", "roles/storage.objectViewer"}

func (s *Server) defaultAccount() string {
	return s.number() + "-compute@developer.gserviceaccount.com"
}

func defaultBuildAccount(s *Server, _ *call) (any, error) {
	return object{
		"name":                "projects/" + s.number() + "/defaultServiceAccount",
		"serviceAccountEmail": "projects/" + s.number() + "/serviceAccounts/" + s.defaultAccount(),
	}, nil
}

// buildAndStart does what a deployment does after the function was accepted:
// it looks whether the build's account may build, whether the service's account
// may read the secrets, and then makes the service and what leads to it.
func (s *Server) buildAndStart(r *resource, name, region string) error {
	builder := "serviceAccount:" + or(base(text(r.fields, "buildConfig", "serviceAccount")), s.defaultAccount())
	if p := s.itself(); !p.holds(builder, "roles/cloudbuild.builds.builder", "roles/editor", "roles/owner") {
		for _, role := range buildRoles {
			if !p.holds(builder, role) {
				return fmt.Errorf("build failed: %s lacks roles/cloudbuild.builds.builder, or %s", builder, strings.Join(buildRoles, " and "))
			}
		}
	}
	config, _ := r.fields["serviceConfig"].(object)
	reader := "serviceAccount:" + text(config, "serviceAccountEmail")
	for _, secret := range s.secretsOf(config) {
		v, ok := s.stored[secrets][secret]
		if !ok || s.editions(secret) == 0 {
			return fmt.Errorf("could not create Cloud Run service %s: secret %s/versions/latest was not found", base(name), secret)
		}
		const mayRead = "roles/secretmanager.secretAccessor"
		if !v.holds(reader, mayRead) && !s.itself().holds(reader, mayRead) {
			return fmt.Errorf("could not create Cloud Run service %s: permission denied on secret: %s/versions/latest for revision service account %s", base(name), secret, text(config, "serviceAccountEmail"))
		}
	}
	service := "projects/" + s.project() + "/locations/" + region + "/services/" + base(name)
	if _, ok := s.stored[runServices][service]; !ok {
		if _, err := s.insert(runServices, service, object{"function": name, "created": s.stamp()}); err != nil {
			return err
		}
	}
	uri := "https://" + base(name) + "-" + s.number() + "." + region + ".run.app"
	config["service"], config["uri"] = service, uri
	config["revision"] = fmt.Sprintf("%s-%05d-gct", base(name), s.next())
	r.fields["url"] = "https://" + region + "-" + s.project() + ".cloudfunctions.net/" + base(name)
	if trigger, ok := r.fields["eventTrigger"].(object); ok {
		return s.connect(trigger, name, region, uri)
	}
	return nil
}

// secretsOf returns the names of the secrets that a service mounts or has in
// its variables.
func (s *Server) secretsOf(config object) []string {
	var out []string
	for _, key := range []string{"secretVolumes", "secretEnvironmentVariables"} {
		list, _ := config[key].([]any)
		for _, v := range list {
			o, _ := v.(object)
			out = append(out, "projects/"+s.project()+"/secrets/"+base(text(o, "secret")))
		}
	}
	return out
}

// connect makes the Eventarc trigger and its push subscription, or changes the
// ones that are there. The acknowledgement deadline is Pub/Sub's default of
// 10 s; what Eventarc gives is not documented.
func (s *Server) connect(trigger object, name, region, uri string) error {
	short := base(name)
	if text(trigger, "trigger") == "" {
		trigger["trigger"] = fmt.Sprintf("projects/%s/locations/%s/triggers/%s-%06d",
			s.project(), region, short, 100_000+s.next())
	}
	id := text(trigger, "trigger")
	subscription := fmt.Sprintf("projects/%s/subscriptions/eventarc-%s-%s-sub-000", s.project(), region, base(id))
	email := or(text(trigger, "serviceAccountEmail"), s.defaultAccount())
	if s.stored[triggers][id] == nil {
		if _, err := s.insert(triggers, id, object{"name": id, "createTime": s.stamp()}); err != nil {
			return err
		}
		if _, err := s.insert(subscriptions, subscription, object{
			"name": subscription, "ackDeadlineSeconds": 10, "messageRetentionDuration": "86400s",
			"labels": object{"goog-drz-eventarc-location": region}, "state": "ACTIVE",
			"retryPolicy": object{"minimumBackoff": "10s", "maximumBackoff": "600s"},
		}); err != nil {
			return err
		}
	}
	merge(s.stored[triggers][id].fields, object{
		"serviceAccount": email,
		"eventFilters":   []any{object{"attribute": "type", "value": text(trigger, "eventType")}},
		"destination":    object{"cloudFunction": name},
		"transport":      object{"pubsub": object{"topic": text(trigger, "pubsubTopic"), "subscription": subscription}},
	})
	merge(s.stored[subscriptions][subscription].fields, object{
		"topic": text(trigger, "pubsubTopic"),
		"pushConfig": object{
			"pushEndpoint": uri + "?__GCP_CloudEventsMode=CUSTOM_PUBSUB_" + url.QueryEscape(text(trigger, "pubsubTopic")),
			"oidcToken":    object{"serviceAccountEmail": email, "audience": uri},
		},
	})
	return nil
}
