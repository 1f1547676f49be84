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

	"netskope-alerts.internal/collector/internal/audit"
	"netskope-alerts.internal/collector/internal/stream"
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
		"cloud.google.com/go/storage",
		"github.com/GoogleCloudPlatform/functions-framework-go/functions",
		"github.com/cenkalti/backoff/v5",   // exponential waits with jitter, honouring what the tenant asks for
		"github.com/cloudevents/sdk-go/v2", // the event
		"golang.org/x/sync/errgroup",       // reads side by side
		"golang.org/x/sync/semaphore",      // what an audit holds in memory
		"golang.org/x/time/rate",           // four requests a second
		"google.golang.org/api/googleapi",  // the storage client's error type
		"google.golang.org/api/iterator",   // the storage client's end of a list
		"google.golang.org/api/option",     // the storage client's options
	}
	for _, pattern := range []string{"*.go", "internal/*/*.go"} {
		if strings.HasPrefix(pattern, "internal/check") || strings.HasPrefix(pattern, "internal/udm") {
			continue
		}
		for file, paths := range imports(t, false, pattern) {
			for _, path := range paths {
				if strings.Contains(path, ".") && !strings.HasPrefix(path, modulePath) && !slices.Contains(allowed, path) {
					t.Errorf("%s imports %s", file, path)
				}
			}
		}
	}
}

// mayImport is the direction of the imports: what each package may import of this module, from
// the lowest floor up. Whoever needs an arrow that is not here looks first whether the code
// is in the right place: a package may use only what promises less.
var mayImport = map[string]string{
	"internal/page":       "",
	"internal/cell":       "",
	"internal/plain":      "",
	"internal/strictjson": "",
	"internal/gcs":        "plain",
	"internal/stream":     "",
	"internal/env":        "plain",
	"internal/layout":     "cell stream",
	"internal/alert":      "page",
	"internal/tally":      "page",
	"internal/message":    "stream strictjson",
	"internal/original":   "strictjson",
	"internal/netskope":   "alert page plain stream",
	"internal/settings":   "alert cell env layout netskope stream",
	"internal/state":      "alert original settings stream strictjson",
	"internal/ledger":     "alert cell gcs layout page stream tally",
	"internal/audit":      "alert cell gcs layout ledger page",
	"":                    "alert audit cell gcs layout ledger message netskope page settings state stream strictjson tally",

	// What only operators run.
	"cmd/netskope-alerts/internal/text":    "",
	"cmd/netskope-alerts/internal/cli":     "collector env gcs settings stream :text",
	"cmd/netskope-alerts/internal/ndjson":  "gcs :text",
	"cmd/netskope-alerts/internal/udm":     "alert",
	"cmd/netskope-alerts/internal/check":   "alert collector env gcs layout ledger netskope page plain settings state :text stream",
	"cmd/netskope-alerts/internal/console": "alert audit :cli collector gcs ledger :ndjson :preview :status :text",
	"cmd/netskope-alerts/internal/demo":    ":cli layout :text standin/gcstest standin/netskopetest standin/pubsubtest",
	"cmd/netskope-alerts/internal/lint":    "alert :cli layout :ndjson page stream :text",
	"cmd/netskope-alerts/internal/operate": "audit cell :check :cli collector ledger message settings stream :text",
	"cmd/netskope-alerts/internal/preview": "alert :cli :ndjson :text :udm",
	"cmd/netskope-alerts/internal/status":  "cell :cli collector gcs layout ledger tally :text",
	"cmd/netskope-alerts":                  ":cli :console :demo :lint :operate :preview :status :text",

	// What only tests import.
	"docs": "",
	"cmd/netskope-alerts/internal/browsertest":   "",
	"cmd/netskope-alerts/internal/collectortest": "collector gcs settings standin/gcstest standin/netskopetest",
	"cmd/netskope-alerts/internal/golden":        "",
	"cmd/netskope-alerts/internal/ndjsontest":    "gcs standin/gcstest standin/pipenet",
}

// TestImportsRunOneWay holds the imports of all packages but the stand-ins against the table. In
// its lists, a name is a package below internal, one behind a colon is below the command's
// own internal, and collector is the root.
func TestImportsRunOneWay(t *testing.T) {
	const command = "cmd/netskope-alerts/internal/"
	seen := map[string]bool{}
	for _, pattern := range []string{"*.go", "internal/*/*.go", "cmd/*/*.go", command + "*/*.go", "docs/*.go"} {
		for file, paths := range imports(t, false, pattern) {
			from := strings.TrimSuffix(strings.TrimSuffix(file, filepath.Base(file)), "/")
			may, known := mayImport[from]
			if !known {
				t.Errorf("%s is of a package that mayImport does not have: give it a floor", file)
			}
			seen[from] = true
			for _, path := range paths {
				to, ours := strings.CutPrefix(path, modulePath)
				switch to = strings.TrimPrefix(to, "/"); {
				case to == "":
					to = "collector"
				case strings.HasPrefix(to, command):
					to = ":" + strings.TrimPrefix(to, command)
				default:
					to = strings.TrimPrefix(to, "internal/")
				}
				if ours && !slices.Contains(strings.Fields(may), to) {
					t.Errorf("%s imports %s, which mayImport does not allow", file, path)
				}
			}
		}
	}
	for from := range mayImport {
		if !seen[from] {
			t.Errorf("there is no package %q any more", from)
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

// TestEveryVariableIsDocumented holds the table of settings against what the configuration
// reads: each has a row, and every row is of one.
func TestEveryVariableIsDocumented(t *testing.T) {
	var config []byte
	for _, file := range []string{"internal/settings/read.go", "internal/settings/places.go", "internal/env/settings.go",
		"internal/env/tenant.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		config = append(config, text...)
	}
	var names []string
	variable := regexp.MustCompile(`"([A-Z]+(?:_[A-Z]+)+|LAG|BUDGET|COMPRESSION|STREAMS)"`)
	for _, match := range variable.FindAllSubmatch(config, -1) {
		names = append(names, string(match[1]))
	}
	if len(names) < 15 {
		t.Fatalf("found only %d variables", len(names))
	}
	compareWithTables(t, "docs/settings.md", "", names)
}

// TestEveryAttributeIsDocumented holds the tables of the log record against the records.
func TestEveryAttributeIsDocumented(t *testing.T) {
	names := []string{"event", "error"}
	for _, attribute := range append((&Report{}).attributes(), auditAttributes(stream.Alert, &audit.Summary{})...) {
		names = append(names, attribute.Key)
	}
	compareWithTables(t, "docs/internals.md", "| attribute | meaning |\n", names)
}

// compareWithTables holds names against those in the first column of the page's tables under
// the header, or of all its tables.
func compareWithTables(t *testing.T, page, header string, names []string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for i, table := range strings.Split("\n\n"+string(text), "\n\n") {
		if i == 0 || !strings.HasPrefix(table, "|") || !strings.HasPrefix(table, header) {
			continue
		}
		for line := range strings.Lines(table) {
			first, _, _ := strings.Cut(strings.TrimPrefix(line, "|"), "|")
			for _, match := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(first, -1) {
				rows = append(rows, match[1])
			}
		}
	}
	for _, name := range names {
		if !slices.Contains(rows, name) {
			t.Errorf("%s has no row for %s", page, name)
		}
	}
	for _, row := range rows {
		if !slices.Contains(names, row) {
			t.Errorf("%s has a row for %s, which nothing reads or writes", page, row)
		}
	}
}
