// Package gcloudtest stands in for the Google Cloud APIs that deploying the
// collector calls, so that the real gcloud can run without network, project or
// credentials. [Server] keeps a model of one project; [Server.Environ] gives
// the environment in which gcloud talks to it. Where gcloud itself is to be
// stood in for, because it is slow or not installed, gcloudtest/gcloudstub takes
// its place in front of the same model.
//
// gcloud reaches it as an HTTP proxy, and by overrides that change every
// service's https address to http. No name is resolved, regional hosts such as
// us-central1-run.googleapis.com need nothing of their own, and a command that
// calls a host without an override shows as a refused CONNECT instead of
// leaving the machine. Written against gcloud 528.0.0.
//
// Modelled: Resource Manager (the project, its policy, what its organisation's
// policies say), Cloud Billing (is it billed), Service Usage, Cloud Storage
// (buckets with their keys and notifications; objects only to list and
// delete), Cloud KMS (who may use a key), IAM service accounts, Secret Manager, Pub/Sub, Cloud Functions v2
// with the Cloud Run service, the Eventarc trigger and the push subscription
// behind a function, Cloud Scheduler, Cloud Logging (metrics, entries), Cloud
// Monitoring (alert policies, dashboards, notification channels).
//
// A service that is not enabled refuses, a policy that names a service account
// of the project that does not exist is refused, and a function is only
// deployed if its topic, its accounts and its secrets are there and the
// accounts hold the roles that the build and the start need. Not modelled:
// the caller's own permissions (let [Server.Fail] answer 403), what the
// conditions in policies mean (they are kept, and taken to hold), what an
// organisation's policies forbid, what a notification leads to, the delay with
// which Google Cloud makes changes known, quotas, and anything that takes time:
// operations are done when they are answered.
package gcloudtest
