package gcloudtest

import (
	"net/http"
	"strings"
)

// keyUser is the role with which a service encrypts and decrypts.
const keyUser = "roles/cloudkms.cryptoKeyEncrypterDecrypter"

// storageAgentEmail is the account with which Cloud Storage acts for the project.
func (s *Server) storageAgentEmail() string {
	return "service-" + s.number() + "@gs-project-accounts.iam.gserviceaccount.com"
}

func (s *Server) secretAgentEmail() string {
	return "service-" + s.number() + "@gcp-sa-secretmanager.iam.gserviceaccount.com"
}

// storageAgent tells that account, and makes it if it is not there.
func storageAgent(s *Server, _ *call) (any, error) {
	s.addAgent(s.storageAgentEmail())
	return object{"kind": "storage#serviceAccount", "email_address": s.storageAgentEmail()}, nil
}

// makeAgent makes the account with which a service acts for the project. Only
// that of Secret Manager is modelled.
func makeAgent(s *Server, c *call) (any, error) {
	if c.params["service"] != "secretmanager.googleapis.com" {
		return nil, invalid("service %q has no service identity", c.params["service"])
	}
	s.addAgent(s.secretAgentEmail())
	return object{"name": "operations/finished.DONE_OPERATION", "done": true, "response": object{
		"@type": "type.googleapis.com/google.api.serviceusage.v1beta1.ServiceIdentity",
		"email": s.secretAgentEmail(), "uniqueId": "1",
	}}, nil
}

func (s *Server) addAgent(email string) {
	if s.agents == nil {
		s.agents = map[string]bool{}
	}
	s.agents[email] = true
}

// checkKey refuses a key that is not there, lies elsewhere than what it is to
// encrypt, or may not be used by the service's account.
func (s *Server) checkKey(key, place, agent string) error {
	r, ok := s.stored[keys][key]
	if !ok {
		return missing(key)
	}
	if !strings.Contains(key, "/locations/"+place+"/") {
		return invalid("key %s is not in the location %s", key, place)
	}
	if !r.holds("serviceAccount:"+agent, keyUser) {
		return denied("permission denied on Cloud KMS key: grant %s to the service account %s for %s", keyUser, agent, key)
	}
	return nil
}

func (s *Server) checkBucketKey(bucket object) error {
	key := text(bucket, "encryption", "defaultKmsKeyName")
	if key == "" {
		return nil
	}
	place := strings.ToLower(text(bucket, "location"))
	if place == "eu" {
		place = "europe"
	}
	if err := s.checkKey(key, place, s.storageAgentEmail()); err != nil {
		return refuse(http.StatusForbidden, "forbidden", "%s", err)
	}
	return nil
}

// checkSecretKeys looks at the keys of a new secret's replicas. That they are
// looked at then, and not with the first version, is an assumption.
func (s *Server) checkSecretKeys(secret object) error {
	automatic := text(secret, "replication", "automatic", "customerManagedEncryption", "kmsKeyName")
	if automatic != "" {
		return s.checkKey(automatic, "global", s.secretAgentEmail())
	}
	replicas, _ := dig(secret, "replication", "userManaged", "replicas").([]any)
	for _, r := range replicas {
		replica, _ := r.(object)
		key := text(replica, "customerManagedEncryption", "kmsKeyName")
		if key == "" {
			continue
		}
		if err := s.checkKey(key, text(replica, "location"), s.secretAgentEmail()); err != nil {
			return err
		}
	}
	return nil
}
