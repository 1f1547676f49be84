package collector

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const modulePath = "netskope-alerts.internal/collector"

// imports are what the files that match import, by file.
func imports(t *testing.T, tests bool, pattern string) map[string][]string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no file matches %s: %v", pattern, err)
	}
	found := map[string][]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") != tests {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range parsed.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			found[file] = append(found[file], path)
		}
	}
	return found
}

// TestFunctionLinksLittle lists what the deployed function may import: each line was a
// choice, and a new one is too.
func TestFunctionLinksLittle(t *testing.T) {
	allowed := []string{
		modulePath + "/internal/page",
		"cloud.google.com/go/storage",
		"github.com/GoogleCloudPlatform/functions-framework-go/functions",
		"github.com/cenkalti/backoff/v5",   // exponential waits with jitter, honouring what the tenant asks for
		"github.com/cloudevents/sdk-go/v2", // the event
		"golang.org/x/time/rate",           // four requests a second
		"google.golang.org/api/googleapi",  // the storage client's error type
		"google.golang.org/api/iterator",   // the storage client's end of a list
		"google.golang.org/api/option",     // the storage client's options
	}
	for _, pattern := range []string{"*.go", "internal/page/*.go"} {
		for file, paths := range imports(t, false, pattern) {
			for _, path := range paths {
				if strings.Contains(path, ".") && !slices.Contains(allowed, path) {
					t.Errorf("%s imports %s", file, path)
				}
			}
		}
	}
}

// TestImportsRunOneWay: the collector uses only what is deployed with it, and of the command
// main uses the groups of commands, these what they share, and that the text alone. Whoever
// needs an import that is not here looks first whether the code is in the right place.
func TestImportsRunOneWay(t *testing.T) {
	const (
		root, page = "", "/internal/page"
		command    = "/cmd/netskope-alerts/internal/"
		standins   = "/internal/standin/"
	)
	allowed := map[string][]string{ // folder, and what its files may import
		"":              {page},
		"internal/page": {},

		"cmd/netskope-alerts": {command + "cli", command + "demo", command + "lint", command + "operate", command + "preview",
			command + "status"},

		command[1:] + "demo": {command + "cli", command + "text", standins + "gcstest", standins + "netskopetest",
			standins + "pubsubtest"},
		command[1:] + "lint":    {command + "cli", command + "ndjson", command + "text", page},
		command[1:] + "operate": {root, command + "check", command + "cli", command + "text"},
		command[1:] + "preview": {command + "cli", command + "ndjson", command + "text", command + "udm"},
		command[1:] + "status":  {root, command + "cli", command + "text"},

		command[1:] + "check":  {root, command + "text"},
		command[1:] + "cli":    {root, command + "text"},
		command[1:] + "ndjson": {command + "text"},
		command[1:] + "udm":    {},

		command[1:] + "text": {},

		// Only tests import these.
		command[1:] + "browsertest": {},
		command[1:] + "golden":      {},
		command[1:] + "ndjsontest":  {root, standins + "gcstest", standins + "pipenet"},
	}
	for folder, may := range allowed {
		for file, paths := range imports(t, false, filepath.Join(folder, "*.go")) {
			for _, path := range paths {
				if strings.HasPrefix(path, modulePath) && !slices.Contains(may, strings.TrimPrefix(path, modulePath)) {
					t.Errorf("%s imports %s", file, path)
				}
			}
		}
	}
	folders, err := filepath.Glob(command[1:] + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		if _, ok := allowed[folder]; !ok {
			t.Errorf("what may %s import?", folder)
		}
	}
}

// TestStandInsKnowNothingOfUs: a stand-in that shared code with the collector would
// share its misunderstandings.
func TestStandInsKnowNothingOfUs(t *testing.T) {
	for _, pattern := range []string{"internal/standin/*/*.go"} {
		for file, paths := range imports(t, false, pattern) {
			for _, path := range paths {
				if strings.HasPrefix(path, modulePath) {
					t.Errorf("%s imports %s", file, path)
				}
			}
		}
	}
}

// TestEveryVariableIsDocumented holds the README against what the configuration reads.
func TestEveryVariableIsDocumented(t *testing.T) {
	var config []byte
	for _, file := range []string{"config.go", "variables.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		config = append(config, text...)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, match := range regexp.MustCompile(`"([A-Z]+(?:_[A-Z]+)+|WINDOW|LAG|BUDGET|COMPRESSION)"`).FindAllSubmatch(config, -1) {
		names[string(match[1])] = true
	}
	if len(names) < 16 {
		t.Fatalf("found only %d variables", len(names))
	}
	for name := range names {
		if !strings.Contains(string(readme), "| `"+name+"` |") {
			t.Errorf("README.md has no row for %s", name)
		}
	}
}

// TestEveryAttributeIsDocumented holds the README against the run's record.
func TestEveryAttributeIsDocumented(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, attribute := range append((&Report{}).attributes(), (&Audit{}).attributes()...) {
		if !strings.Contains(string(readme), "`"+attribute.Key+"`") {
			t.Errorf("README.md does not name %s", attribute.Key)
		}
	}
}
