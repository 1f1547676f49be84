package gcloudtest_test

import (
	"strings"
	"testing"

	"netskope-alerts.internal/collector/internal/standin/gcloudtest"
)

// A key is used by the services' accounts, once they exist and hold its role, in its place.
func TestKeys(t *testing.T) {
	const key = "projects/keys/locations/us-central1/keyRings/r/cryptoKeys/k"
	c := gcloud(t, &gcloudtest.Server{})
	c.Add("cryptoKeys", key, map[string]any{"name": key})
	c.enable(t)
	bucket := "storage buckets create gs://alerts-of-us --location=us-central1 --default-encryption-key=" + key
	grant := "kms keys add-iam-policy-binding " + key + " --role=roles/cloudkms.cryptoKeyEncrypterDecrypter --format=none " +
		"--project=collector-test --member=serviceAccount:service-123456789012@"
	c.refused(t, "permission denied on Cloud KMS key", bucket)
	c.refused(t, "does not exist", grant+"gs-project-accounts.iam.gserviceaccount.com")
	same(t, "the agent", c.run(t, "storage service-agent --project=collector-test"),
		"service-123456789012@gs-project-accounts.iam.gserviceaccount.com")
	c.run(t, grant+"gs-project-accounts.iam.gserviceaccount.com")
	c.refused(t, "not in the location", strings.Replace(bucket, "us-central1", "europe-west1", 1))
	c.run(t, bucket)
	same(t, "the bucket's key",
		c.run(t, "storage buckets describe gs://alerts-of-us --raw --format=value(encryption.defaultKmsKeyName,labels.cost-center)"), key+"\t")

	policy := c.file(t, "replication.json",
		`{"userManaged": {"replicas": [{"location": "us-central1", "customerManagedEncryption": {"kmsKeyName": "`+key+`"}}]}}`)
	secret := "secrets create netskope-api-token --labels=cost-center=soc --replication-policy-file=" + policy
	c.refused(t, "permission denied on Cloud KMS key", secret)
	c.run(t, "beta services identity create --service=secretmanager.googleapis.com --project=collector-test")
	c.run(t, grant+"gcp-sa-secretmanager.iam.gserviceaccount.com")
	c.run(t, secret)
	same(t, "the secret", c.run(t, "secrets describe netskope-api-token --format=value(labels.cost-center,"+
		"replication.userManaged.replicas[].location,replication.userManaged.replicas[].customerManagedEncryption.kmsKeyName)"),
		"soc\tus-central1\t"+key)
	c.run(t, "secrets create other --replication-policy=user-managed --locations=us-central1,europe-west1")
	same(t, "places", c.run(t, "secrets describe other --format=value(replication.userManaged.replicas[].location)"),
		"us-central1;europe-west1")
	c.run(t, "secrets update other --update-labels=a=b")
	same(t, "labels", c.field(t, "secrets", inProject+"secrets/other", "labels"), `{"a":"b"}`)
}

// A bucket announces objects to a topic on which its agent may publish.
func TestNotifications(t *testing.T) {
	c := gcloud(t, &gcloudtest.Server{})
	c.enable(t)
	c.run(t, "storage buckets create gs://alerts-of-us --location=us-central1")
	c.run(t, "pubsub topics create feed --labels=a=b")
	c.run(t, "pubsub topics update feed --update-labels=c-d=e")
	same(t, "labels", c.run(t, "pubsub topics describe feed --format=value(labels.a,labels.c-d)"), "b\te")
	create := "storage buckets notifications create gs://alerts-of-us --topic=feed --event-types=OBJECT_FINALIZE " +
		"--object-prefix=it's~a/b/ --payload-format=json --skip-topic-setup"
	c.refused(t, "does not have permission to publish", create)
	c.run(t, "storage service-agent")
	c.run(t, "pubsub topics add-iam-policy-binding feed --role=roles/pubsub.publisher --format=none "+
		"--member=serviceAccount:service-123456789012@gs-project-accounts.iam.gserviceaccount.com")
	c.run(t, create)
	same(t, "the list", c.run(t, `storage buckets notifications list gs://alerts-of-us --format=value(`+
		`"Notification~Configuration".id,"Notification~Configuration".object_name_prefix,"Notification~Configuration".topic)`),
		"1\tit's a/b/\t//pubsub.googleapis.com/projects/collector-test/topics/feed")
	same(t, "its events", c.field(t, "notificationConfigs", "alerts-of-us/1", "event_types"), `["OBJECT_FINALIZE"]`)
	same(t, "its payload", c.field(t, "notificationConfigs", "alerts-of-us/1", "payload_format"), `"JSON_API_V1"`)
	c.run(t, "pubsub subscriptions create feed --topic=feed --ack-deadline=600 --message-retention-duration=7d "+
		"--expiration-period=never --labels=a=b")
	same(t, "the subscription",
		c.field(t, "subscriptions", inProject+"subscriptions/feed", "messageRetentionDuration"), `"604800s"`)
	c.run(t, "pubsub subscriptions add-iam-policy-binding feed --role=roles/pubsub.subscriber --format=none "+
		"--member=serviceAccount:project-1@storage-transfer-service.iam.gserviceaccount.com")
	members := c.Members("subscriptions", inProject+"subscriptions/feed", "roles/pubsub.subscriber")
	same(t, "subscribers", strings.Join(members, " "), "serviceAccount:project-1@storage-transfer-service.iam.gserviceaccount.com")
	c.run(t, "storage buckets notifications delete projects/_/buckets/alerts-of-us/notificationConfigs/1")
	same(t, "notifications", strings.Join(c.Names("notificationConfigs"), " "), "")
	same(t, "the empty list", c.run(t, "storage buckets notifications list gs://alerts-of-us"), "")
}

// The policies in effect are told in the form of the Resource Manager.
func TestOrgPolicies(t *testing.T) {
	c := gcloud(t, &gcloudtest.Server{OrgPolicies: map[string]map[string]any{
		"gcp.resourceLocations": {
			"constraint": "constraints/gcp.resourceLocations",
			"listPolicy": map[string]any{"allowedValues": []any{"in:eu-locations", "us-central1"}},
		},
		"iam.disableServiceAccountCreation": {
			"constraint": "constraints/iam.disableServiceAccountCreation", "booleanPolicy": map[string]any{"enforced": true},
		},
	}})
	same(t, "the parent", c.run(t, "projects describe collector-test --format=value(projectNumber,parent.type)"), "123456789012\torganization")
	const form = " --effective --project=collector-test --format=value[separator='\\n'](booleanPolicy.enforced,listPolicy.allValues,listPolicy.allowedValues,listPolicy.deniedValues)"
	describe := "resource-manager org-policies describe "
	same(t, "places", c.run(t, describe+"gcp.resourceLocations"+form), "\n\nin:eu-locations;us-central1\n")
	same(t, "accounts", c.run(t, describe+"iam.disableServiceAccountCreation"+form), "True\n\n\n")
	same(t, "without a policy", c.run(t, describe+"run.allowedIngress"+form), "\n\n\n")
}
