package gcloudtest

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// overridden are the names of gcloud's properties api_endpoint_overrides/NAME,
// which are also the first part of the services' hosts.
var overridden = []string{
	"artifactregistry", "cloudbilling", "cloudbuild", "cloudfunctions", "cloudkms", "cloudresourcemanager",
	"cloudscheduler", "eventarc", "iam", "iamcredentials", "logging", "monitoring", "pubsub", "run",
	"secretmanager", "serviceusage",
}

// Environ returns the environment for gcloud and for scripts that call it: the
// own one without anything of gcloud and of proxies, and with what leads every
// request to the server, which listens at address, such as "127.0.0.1:8080".
// Configuration and home directory are made below dir; two processes at the
// same time may share them.
//
// Nobody is logged in yet, see [Server.Login]. Errors are those of making
// directories.
func (s *Server) Environ(address, dir string) ([]string, error) {
	at, err := url.Parse("http://" + address)
	if err != nil {
		return nil, fmt.Errorf("read the address of the fake Google Cloud: %w", err)
	}
	config, home := filepath.Join(dir, "gcloud"), filepath.Join(dir, "home")
	for _, d := range []string{config, home} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("make the configuration of gcloud: %w", err)
		}
	}
	out := make([]string, 0, 64)
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		upper := strings.ToUpper(name)
		if strings.HasPrefix(upper, "CLOUDSDK_") || strings.HasPrefix(upper, "GOOGLE_") ||
			strings.HasSuffix(upper, "_PROXY") || upper == "HOME" {
			continue
		}
		out = append(out, v)
	}
	out = append(out,
		"HOME="+home,
		"CLOUDSDK_CONFIG="+config,
		"CLOUDSDK_CORE_PROJECT="+s.project(),
		"CLOUDSDK_CORE_ACCOUNT="+s.account(),
		"CLOUDSDK_CORE_DISABLE_PROMPTS=1",
		"CLOUDSDK_CORE_DISABLE_USAGE_REPORTING=1",
		"CLOUDSDK_CORE_DISABLE_FILE_LOGGING=1",
		"CLOUDSDK_CORE_CHECK_GCE_METADATA=0",
		"CLOUDSDK_SURVEY_DISABLE_PROMPTS=1",
		"CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK=1",
		"CLOUDSDK_AUTH_TOKEN_HOST=http://oauth2.googleapis.com/token",
		"CLOUDSDK_PROXY_TYPE=http_no_tunnel",
		"CLOUDSDK_PROXY_ADDRESS="+at.Hostname(),
		"CLOUDSDK_PROXY_PORT="+at.Port(),
		"CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE=http://storage.googleapis.com/storage/v1/",
	)
	for _, name := range overridden {
		out = append(out, "CLOUDSDK_API_ENDPOINT_OVERRIDES_"+strings.ToUpper(name)+"=http://"+name+".googleapis.com/")
	}
	return out, nil
}
