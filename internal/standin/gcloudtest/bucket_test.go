package gcloudtest_test

import (
	"strings"
	"testing"

	"netskope-alerts.internal/collector/internal/standin/gcloudtest"
)

func TestBucket(t *testing.T) {
	c := gcloud(t, &gcloudtest.Server{Taken: []string{"alerts-of-them"}})
	c.refused(t, "not found: 404", "storage buckets describe gs://alerts-of-us")
	c.refused(t, "does not have permission", "storage buckets describe gs://alerts-of-them")
	c.refused(t, "409", "storage buckets create gs://alerts-of-them --location=us-central1")
	c.run(t, "storage buckets create gs://alerts-of-us --location=us-central1 --uniform-bucket-level-access --public-access-prevention")
	c.refused(t, "you already own it", "storage buckets create gs://alerts-of-us --location=us-central1")
	same(t, "the bucket", c.run(t, "storage buckets describe gs://alerts-of-us --format=value(location,uniform_bucket_level_access,public_access_prevention,retention_policy)"),
		"US-CENTRAL1\tTrue\tenforced\t")
	lifecycle := c.file(t, "lifecycle.json", `{"rule":[{"action":{"type":"Delete"},"condition":{"age":30}}]}`)
	c.run(t, "storage buckets update gs://alerts-of-us --lifecycle-file="+lifecycle)
	c.run(t, "storage buckets update gs://alerts-of-us --update-labels=made-by=deploy")
	same(t, "the lifecycle", c.field(t, "buckets", "alerts-of-us", "lifecycle"), `{"rule":[{"action":{"type":"Delete"},"condition":{"age":30}}]}`)
	same(t, "the labels", c.field(t, "buckets", "alerts-of-us", "labels"), `{"made-by":"deploy"}`)
	c.run(t, "storage buckets update gs://alerts-of-us --clear-lifecycle")
	if got := c.field(t, "buckets", "alerts-of-us", "lifecycle", "rule"); got != "null" && got != "[]" {
		t.Errorf("the lifecycle after clearing is %s", got)
	}

	bind := "gs://alerts-of-us --role=roles/storage.objectUser --format=none --member=serviceAccount:" + email("netskope-alerts-collector")
	c.refused(t, "does not exist", "storage buckets add-iam-policy-binding "+bind)
	c.enable(t)
	c.account(t, "netskope-alerts-collector")
	c.run(t, "storage buckets add-iam-policy-binding "+bind)
	before := c.Model()
	c.run(t, "storage buckets add-iam-policy-binding "+bind)
	same(t, "the model after the same binding", c.Model(), before)
	members := c.Members("buckets", "alerts-of-us", "roles/storage.objectUser")
	same(t, "object users", strings.Join(members, " "), "serviceAccount:"+email("netskope-alerts-collector"))
	policy := c.run(t, "storage buckets get-iam-policy gs://alerts-of-us --flatten=bindings[].members --format=value(bindings.role,bindings.members)")
	want := "roles/storage.objectUser\tserviceAccount:" + email("netskope-alerts-collector")
	if !strings.Contains(policy, want) {
		t.Errorf("the policy %q lacks %q", policy, want)
	}
	c.refused(t, "public access prevention", "storage buckets add-iam-policy-binding gs://alerts-of-us --role=roles/storage.objectViewer --member=allUsers")
	c.run(t, "storage buckets remove-iam-policy-binding "+bind)
	same(t, "object users", strings.Join(c.Members("buckets", "alerts-of-us", "roles/storage.objectUser"), " "), "")

	c.Put("alerts-of-us", "alerts/day/one.ndjson.gz", 10)
	c.Put("alerts-of-us", "with space", 10)
	c.refused(t, "not empty", "storage buckets delete gs://alerts-of-us")
	c.run(t, "storage rm --recursive gs://alerts-of-us/alerts/**")
	same(t, "objects", strings.Join(c.Names("objects"), " "), "alerts-of-us/with space")
	c.run(t, "storage rm --recursive gs://alerts-of-us")
	same(t, "objects and buckets", strings.Join(append(c.Names("objects"), c.Names("buckets")...), " "), "")
}
