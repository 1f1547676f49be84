package deploy

import (
	"strings"
	"testing"
)

// only is a policy in effect that lets only the values pass; without deletes them.
func only(values ...any) map[string]any {
	return map[string]any{"listPolicy": map[string]any{"allowedValues": values}}
}

func without(values ...any) map[string]any {
	return map[string]any{"listPolicy": map[string]any{"deniedValues": values}}
}

// What the organisation's policies would refuse is found before the first change, with the
// remedy; and what follows the remedy is let pass.
func TestOrganisationPolicies(t *testing.T) {
	t.Parallel()
	const feed = "--feed-service-account=project-1@storage-transfer-service.iam.gserviceaccount.com"
	all := map[string]any{"listPolicy": map[string]any{"allValues": "ALLOW"}}
	none := map[string]any{"listPolicy": map[string]any{"allValues": "DENY"}}
	enforced := map[string]any{"booleanPolicy": map[string]any{"enforced": true}}
	for name, test := range map[string]struct {
		policies map[string]map[string]any
		args     []string
		refused  []string // nothing: it is let pass
		warned   string
	}{
		"no policy": {policies: map[string]map[string]any{}},
		"everything allowed": {policies: map[string]map[string]any{
			"gcp.resourceLocations": all, "storage.retentionPolicySeconds": all, "run.allowedVPCEgress": all,
			"cloudbuild.allowedWorkerPools": all, "run.allowedBinaryAuthorizationPolicies": all,
		}},
		"locations": {
			policies: map[string]map[string]any{"gcp.resourceLocations": only("in:eu-locations")},
			refused: []string{
				"3 problems:",
				"does not allow the region us-central1 (it allows in:eu-locations): choose another --region",
				"the bucket's location us-central1", "--bucket-location",
				"a secret that is kept wherever Google likes", "--secret-locations us-central1",
			},
		},
		"locations that fit": {
			policies: map[string]map[string]any{"gcp.resourceLocations": only("in:eu-locations")},
			args:     []string{"--region=europe-west1", "--secret-locations=europe-west1,europe-west3"},
		},
		"a location outside the group": {
			policies: map[string]map[string]any{"gcp.resourceLocations": only("in:eu-locations")},
			args: []string{"--region=europe-west1", "--bucket-location=europe-west2",
				"--secret-locations=europe-west1"},
			refused: []string{"1 problem:", "the bucket's location europe-west2"},
		},
		"a group that is not known": {
			policies: map[string]map[string]any{"gcp.resourceLocations": only("in:low-carbon-locations")},
			args:     []string{"--secret-locations=us-central1"},
			warned:   "whether the region us-central1 is among them only Google knows",
		},
		"a location denied": {
			policies: map[string]map[string]any{"gcp.resourceLocations": without("us-central1")},
			args:     []string{"--secret-locations=us-east1"},
			refused:  []string{"2 problems:", "it denies us-central1"},
		},
		"domain restricted sharing": {
			policies: map[string]map[string]any{"iam.allowedPolicyMemberDomains": only("is:C01234567")},
			args:     []string{feed},
			refused: []string{
				"lets no account of SecOps be granted anything",
				"org-policies allow iam.allowedPolicyMemberDomains C02h8e9nw --project=my-project",
			},
		},
		"domain restricted sharing, SecOps allowed": {
			policies: map[string]map[string]any{"iam.allowedPolicyMemberDomains": only("is:C01234567",
				"is:C02h8e9nw")},
			args: []string{feed},
		},
		"keys": {
			policies: map[string]map[string]any{
				"gcp.restrictNonCmekServices": without("storage.googleapis.com", "secretmanager.googleapis.com"),
			},
			refused: []string{"2 problems:",
				"wants a customer-managed key for storage.googleapis.com: add --kms-key"},
		},
		"keys that are given": {
			policies: map[string]map[string]any{
				"gcp.restrictNonCmekServices": without("is:storage.googleapis.com",
					"secretmanager.googleapis.com"),
				"gcp.restrictCmekCryptoKeyProjects": only("projects/keys"),
			},
			args: []string{"--kms-key", keyInRegion},
		},
		"keys for more": {
			policies: map[string]map[string]any{"gcp.restrictNonCmekServices": without("run.googleapis.com")},
			args:     []string{"--kms-key", keyInRegion},
			refused:  []string{"for run.googleapis.com, and deploy.sh encrypts only bucket and secret"},
		},
		"keys of another project": {
			policies: map[string]map[string]any{"gcp.restrictCmekCryptoKeyProjects": only("projects/others")},
			args:     []string{"--kms-key", keyInRegion},
			refused:  []string{"does not allow keys of the project keys", "--kms-key of another project"},
		},
		"accounts": {
			policies: map[string]map[string]any{"iam.disableServiceAccountCreation": enforced},
			args:     []string{"--run-service-account=r@other.iam.gserviceaccount.com"},
			refused:  []string{"2 problems:", "--trigger-service-account EMAIL", "--build-service-account EMAIL"},
		},
		"retention": {
			policies: map[string]map[string]any{"storage.retentionPolicySeconds": only("86400")},
			refused:  []string{"wants a retention policy on new buckets", "without one with --gcs-bucket"},
		},
		"ingress": {
			policies: map[string]map[string]any{
				"cloudfunctions.allowedIngressSettings": only("ALLOW_ALL"), "run.allowedIngress": only("is:all"),
			},
			refused: []string{"2 problems:", "have ALLOW_INTERNAL_ONLY allowed", "have internal allowed"},
		},
		"ingress that fits": {policies: map[string]map[string]any{
			"cloudfunctions.allowedIngressSettings": only("ALLOW_INTERNAL_ONLY"),
			"run.allowedIngress":                    only("internal"),
		}},
		"egress": {
			policies: map[string]map[string]any{"run.allowedVPCEgress": only("all-traffic")},
			refused:  []string{"through a VPC network: add --network and --subnet"},
		},
		"egress that fits": {
			policies: map[string]map[string]any{"run.allowedVPCEgress": only("all-traffic")},
			args:     []string{"--network=n"},
		},
		"egress of another sort": {
			policies: map[string]map[string]any{"run.allowedVPCEgress": only("all-traffic")},
			args:     []string{"--network=n", "--egress=private-ranges-only"},
			refused:  []string{"does not allow private-ranges-only", "--egress"},
		},
		"the rest": {
			policies: map[string]map[string]any{
				"gcp.restrictServiceUsage":                  without("eventarc.googleapis.com"),
				"cloudfunctions.restrictAllowedGenerations": only("1stGen"),
				"run.allowedBinaryAuthorizationPolicies":    only("default"), "cloudbuild.allowedWorkerPools": none,
				"cloudscheduler.allowedTargetTypes": only("HTTP"),
			},
			refused: []string{
				"5 problems:", "does not allow eventarc.googleapis.com", "2ndGen", "Binary Authorization",
				"default pool", "PUBSUB",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.api.OrgPolicies = test.policies
			w.addKeys(keyInRegion)
			r := w.run(w.settings(append(test.args, "--dry-run", "--no-monitor")...)...)
			if (r.code != 0) != (len(test.refused) > 0) {
				t.Fatalf("status %d: %s", r.code, r.err)
			}
			for _, want := range append(test.refused, test.warned) {
				if !strings.Contains(r.err, want) {
					t.Errorf("lacks %q: %s", want, r.err)
				}
			}
			if test.warned == "" && len(test.refused) == 0 && r.err != "" {
				t.Errorf("complains: %s", r.err)
			}
			if len(test.refused) > 0 && !strings.Contains(r.err, "exception for my-project") {
				t.Errorf("does not say that an exception helps: %s", r.err)
			}
		})
	}
}

// Who may not read the policies is told so once, and deploys.
func TestPoliciesThatMayNotBeRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.api.OrgPolicies = map[string]map[string]any{}
	w.stub.Refuse = func(args []string) error {
		if args[0] == "resource-manager" {
			return errDenied
		}
		return nil
	}
	r := w.succeed(w.settings("--no-monitor", "--dry-run")...)
	if strings.Count(r.err, "warning:") != 1 || !strings.Contains(r.err, "roles/orgpolicy.policyViewer") ||
		!strings.Contains(r.err, "gcp.resourceLocations, gcp.restrictServiceUsage") {
		t.Errorf("said is %q", r.err)
	}
}
