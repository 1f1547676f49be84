package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// permissions are those of the roles that deploy.sh grants, as far as they concern what
// the role is granted on. Source: Google Cloud, "IAM roles and permissions", pages of
// Cloud Storage (storage.objectUser, objectViewer, legacyBucketReader and -Writer),
// Secret Manager, Cloud Run, Cloud Logging and Artifact Registry.
var permissions = map[string][]string{
	"roles/storage.objectUser": {
		"storage.folders.*", "storage.managedFolders.*", "storage.multipartUploads.*",
		"storage.objects.create", "storage.objects.delete", "storage.objects.get", "storage.objects.list",
		"storage.objects.move", "storage.objects.restore", "storage.objects.update",
	},
	"roles/storage.objectViewer": {
		"storage.folders.get", "storage.folders.list", "storage.managedFolders.get",
		"storage.managedFolders.list", "storage.objects.get", "storage.objects.list",
	},
	"roles/storage.legacyBucketReader": {
		"storage.buckets.get", "storage.managedFolders.get", "storage.managedFolders.list",
		"storage.multipartUploads.list", "storage.objects.list",
	},
	"roles/storage.legacyBucketWriter": {
		"storage.buckets.get", "storage.managedFolders.*", "storage.multipartUploads.*",
		"storage.objects.create", "storage.objects.delete", "storage.objects.list", "storage.objects.restore",
	},
	"roles/secretmanager.secretAccessor": {"secretmanager.versions.access"},
	"roles/run.invoker":                  {"run.jobs.run", "run.routes.invoke"},
	"roles/logging.logWriter":            {"logging.logEntries.create", "logging.logEntries.route"},
	"roles/artifactregistry.writer": {
		"artifactregistry.dockerimages.*", "artifactregistry.repositories.downloadArtifacts",
		"artifactregistry.repositories.uploadArtifacts", "artifactregistry.tags.*",
	},
}

// The code says in its doc comments what it needs of the bucket; the runtime account has
// that, from a role on the one bucket and a role on the one secret, and nothing else.
func TestRolesAreWhatTheCodeNeeds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.succeed(w.settings()...)

	needed := map[string]string{}
	names := slices.Concat(code(t, "../*.go"), code(t, "../internal/*/*.go"))
	for _, name := range names {
		content, err := os.ReadFile(name)
		w.must(err)
		for line := range strings.Lines(string(content)) {
			if !strings.HasPrefix(strings.TrimSpace(line), "//") {
				continue
			}
			for _, p := range regexp.MustCompile(`\bstorage\.(objects|buckets)\.[a-zA-Z]+`).FindAllString(line, -1) {
				needed[p] = name
			}
		}
	}
	if len(needed) < 4 || needed["storage.objects.create"] == "" || needed["storage.objects.delete"] == "" ||
		needed["storage.objects.list"] == "" || needed["storage.objects.get"] == "" {
		t.Fatalf("the code's comments name the permissions %v; want at least those to get, list, "+
			"create and delete objects", needed)
	}
	const (
		domain  = "@my-project.iam.gserviceaccount.com"
		run     = "serviceAccount:netskope-alerts-collector" + domain
		build   = "serviceAccount:netskope-alerts-build" + domain
		trigger = "serviceAccount:netskope-alerts-trigger" + domain
	)
	var has []string
	for _, b := range w.granted() {
		f := strings.Fields(b)
		if f[2] == run && f[0] == "buckets/my-alerts" {
			has = append(has, permissions[f[1]]...)
		}
	}
	for p, where := range needed {
		if !slices.Contains(has, p) {
			t.Errorf("%s needs %s, which deploy.sh does not grant", where, p)
		}
	}
	for _, p := range has {
		if strings.Contains(p, "IamPolicy") || strings.HasPrefix(p, "storage.buckets.") {
			t.Errorf("the runtime account has %s, which nothing needs", p)
		}
	}

	// Nothing wider: these bindings and no other.
	want := []string{
		"buckets/my-alerts roles/storage.objectUser " + run,
		"projects/my-project roles/artifactregistry.writer " + build,
		"projects/my-project roles/logging.logWriter " + build,
		"projects/my-project roles/storage.objectViewer " + build + " sources-of-functions",
		"runServices/netskope-alerts-collector roles/run.invoker " + trigger,
		"secrets/netskope-api-token roles/secretmanager.secretAccessor " + run,
	}
	if got := w.granted(); !slices.Equal(got, want) {
		t.Errorf("granted are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, b := range w.granted() {
		if permissions[strings.Fields(b)[1]] == nil {
			t.Errorf("%s is a role whose permissions are not on record here", b)
		}
	}
}

// code lists the files of that pattern that are deployed.
func code(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("no file is %s: %v", pattern, err)
	}
	return slices.DeleteFunc(names, func(name string) bool { return !deployed(strings.TrimPrefix(name, "../")) })
}

// settingNames are the words of lists in settings.sh.
func settingNames(t *testing.T, lists ...string) string {
	t.Helper()
	script, err := os.ReadFile("settings.sh")
	if err != nil {
		t.Fatal(err)
	}
	words := ""
	for _, list := range lists {
		_, after, found := strings.Cut(string(script), "\n"+list+"=(")
		if !found {
			t.Fatalf("settings.sh has no list %s", list)
		}
		within, _, _ := strings.Cut(after, ")")
		words += within
	}
	return words
}

// A variable that the function reads can be set with deploy.sh, and reaches it.
func TestEveryVariableIsASetting(t *testing.T) {
	t.Parallel()
	var content []byte
	for _, file := range append(code(t, "../internal/env/*.go"), code(t, "../internal/settings/*.go")...) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		content = append(content, text...)
	}
	matches := regexp.MustCompile(`v\.(?:Get|Gone|Domain|Bucket|ObjectPath|Tenant|Integer|Duration|Number|LogLevel)\("([A-Z_]+)"|`+
		`\b(?:OneOf|Several|feedFolder)\(v, "([A-Z_]+)"`).
		FindAllStringSubmatch(string(content), -1)
	names := map[string]bool{}
	for _, m := range matches {
		names[m[1]+m[2]] = true
	}
	if len(names) < 20 || !names["NETSKOPE_API_TOKEN_FILE"] || !names["WINDOW"] {
		t.Fatalf("found only %d variables in internal/settings and internal/env: %v", len(names), names)
	}
	if regexp.MustCompile(`\bWINDOW\b`).MatchString(settingNames(t, "SETTINGS", "FUNCTION_SETTINGS")) {
		t.Error("WINDOW, which the function refuses, is a setting of deploy.sh")
	}
	known, passed := strings.Fields(settingNames(t, "SETTINGS")), strings.Fields(settingNames(t, "FUNCTION_SETTINGS"))
	for name := range names {
		if name == "NETSKOPE_API_TOKEN" || name == "WINDOW" {
			continue // refused, the one so that the token is in no variable: TestPreflight
		}
		if !slices.Contains(known, name) {
			t.Errorf("deploy.sh does not know %s", name)
		}
		switch name {
		case "GCS_BUCKET", "NETSKOPE_TENANT", "NETSKOPE_API_TOKEN_FILE":
		default:
			if !slices.Contains(passed, name) {
				t.Errorf("deploy.sh does not pass %s on to the function", name)
			}
		}
	}
}
