package docs

import (
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

const root = ".."

func read(t *testing.T, page string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func pages(t *testing.T) []string {
	t.Helper()
	all, err := Pages(root)
	if err != nil || len(all) < 8 {
		t.Fatalf("found %q: %v", all, err)
	}
	return all
}

// prose is a page without its fenced blocks, in lines that keep their numbers.
func prose(content string) []string {
	lines, inside := strings.Split(content, "\n"), false
	for i, line := range lines {
		fenced := fence.MatchString(line)
		if inside || fenced {
			lines[i] = ""
		}
		inside = inside != fenced
	}
	return lines
}

// TestREADMEIsForTheOneWhoLooks: what needs more room has a page of its own, which is linked.
func TestREADMEIsForTheOneWhoLooks(t *testing.T) {
	readme := read(t, "README.md")
	if n := strings.Count(readme, "\n"); n > 150 {
		t.Errorf("README.md has %d lines, more than 150", n)
	}
	for _, page := range pages(t)[1:] {
		if !strings.Contains(readme, "]("+page) {
			t.Errorf("README.md does not link %s", page)
		}
	}
}

// TestLines: they can be read and compared.
func TestLines(t *testing.T) {
	for _, page := range pages(t) {
		for i, line := range prose(read(t, page)) {
			if n := utf8.RuneCountInString(line); n > 120 && !strings.HasPrefix(line, "|") {
				t.Errorf("%s:%d has %d columns, more than 120", page, i+1, n)
			}
		}
	}
}

// TestEveryCommandIsExecuted: by a test that reads it from the page, or there is a reason.
func TestEveryCommandIsExecuted(t *testing.T) {
	blocks, err := Blocks(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(blocks) < 10 {
		t.Fatalf("found only %d blocks", len(blocks))
	}
	tests := testFiles(t)
	for _, b := range blocks {
		switch {
		case len(b.Commands) == 0:
			t.Errorf("%s:%d: a block without a command", b.Page, b.Line)
		case b.Test == "" && b.Reason == "":
			t.Errorf(`%s:%d: %q: write "<!-- executed by TestNAME -->" above it and execute it in that test, `+
				`or "<!-- not executed: REASON -->"`, b.Page, b.Line, b.Commands[0].Text)
		case b.Test != "" && !slices.ContainsFunc(tests, func(text string) bool {
			return strings.Contains(text, "func "+b.Test+"(") && strings.Contains(text, fmt.Sprintf("%q)", b.Test))
		}):
			t.Errorf("%s:%d: there is no %s that asks ExecutedBy for its commands", b.Page, b.Line, b.Test)
		}
	}
}

// TestTestCommand: what the README tells a newcomer to type is what .ci/run does.
func TestTestCommand(t *testing.T) {
	const command = "go test ./..."
	blocks, err := Blocks(root)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(blocks, func(b Block) bool { return b.Page == "README.md" && b.Commands[0].Text == command }) {
		t.Errorf("README.md does not say %s", command)
	}
	if !strings.Contains(read(t, ".ci/run"), "\n"+command+"\n") {
		t.Errorf(".ci/run does not do %s", command)
	}
}

func testFiles(t *testing.T) (texts []string) {
	t.Helper()
	for _, pattern := range []string{"*_test.go", "cmd/*/*_test.go", "cmd/*/internal/*/*_test.go", "deploy/*_test.go"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no file matches %s: %v", pattern, err)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, string(content))
		}
	}
	return texts
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`^#+ (.*)$`)
)

// TestLinks: every relative link leads to a file, and its anchor to a heading of it.
func TestLinks(t *testing.T) {
	found := 0
	for _, page := range append(pages(t), "CHANGELOG.md") {
		for i, line := range prose(read(t, page)) {
			for _, m := range link.FindAllStringSubmatch(line, -1) {
				target, err := url.Parse(m[1])
				if err != nil {
					t.Errorf("%s:%d: %v", page, i+1, err)
					continue
				}
				if target.Scheme != "" {
					continue
				}
				found++
				file := page
				if target.Path != "" {
					file = filepath.Join(filepath.Dir(page), target.Path)
				}
				if _, err := os.Stat(filepath.Join(root, file)); err != nil {
					t.Errorf("%s:%d: %s leads nowhere: %v", page, i+1, m[1], err)
				} else if target.Fragment != "" && !slices.Contains(anchors(read(t, file)), target.Fragment) {
					t.Errorf("%s:%d: %s has no heading for #%s", page, i+1, file, target.Fragment)
				}
			}
		}
	}
	if found < 30 {
		t.Errorf("found only %d relative links", found)
	}
}

// anchors are the names by which GitHub lets a page's headings be linked.
func anchors(content string) (all []string) {
	for _, line := range prose(content) {
		if m := heading.FindStringSubmatch(line); m != nil {
			all = append(all, strings.Map(func(r rune) rune {
				switch {
				case r == ' ':
					return '-'
				case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
					return unicode.ToLower(r)
				}
				return -1
			}, m[1]))
		}
	}
	return all
}

// TestRunbook: every alert policy that deploy.sh makes has a section under its name, and no
// section is of a policy that is gone.
func TestRunbook(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "deploy/monitoring/policies/*.json"))
	if err != nil || len(files) < 5 {
		t.Fatalf("found %q: %v", files, err)
	}
	var policies []string
	name := regexp.MustCompile(`(?m)^  "displayName": "@FUNCTION@: (.*)",$`)
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m := name.FindSubmatch(content)
		if m == nil {
			t.Fatalf("%s has no name of the form @FUNCTION@: NAME", file)
		}
		policies = append(policies, string(m[1]))
	}
	_, runbook, _ := strings.Cut(read(t, "docs/operate.md"), "\n## Runbook\n")
	runbook, _, _ = strings.Cut(runbook, "\n## ")
	var sections []string
	for _, m := range regexp.MustCompile(`(?m)^### (.*)$`).FindAllStringSubmatch(runbook, -1) {
		sections = append(sections, m[1])
	}
	slices.Sort(policies)
	slices.Sort(sections)
	if !slices.Equal(policies, sections) {
		t.Errorf("the runbook has sections for\n%q\nand the policies are\n%q", sections, policies)
	}
}

// TestCosts computes the table of costs from the prices below it.
func TestCosts(t *testing.T) {
	const (
		cpuSecond, gibSecond      = 0.000024, 0.0000025
		freeCPUSeconds            = 180_000
		storageGiBHour, writesK   = 0.000027397, 0.005
		secret, job               = 0.06, 0.10
		runs                      = 720
		hours, ledger, alertBytes = 730, 1.008, 2_000
		memory                    = 0.25
		gib                       = 1 << 30
	)
	page := read(t, "docs/deploy.md")
	for _, price := range []string{
		"0.000024 per vCPU-second", "0.0000025 per GiB-second", "180,000 and 360,000 free", "0.000027397 per GiB and",
		"0.005 per 1,000 writes", "0.06 per version", "0.10 per job", "720", "5,200 a month", "166,000 a month",
	} {
		if !strings.Contains(page, price) {
			t.Errorf("the page does not say %q, by which this test computes", price)
		}
	}
	cells := map[string][]string{}
	for line := range strings.Lines(page) {
		if fields := strings.Split(line, "|"); len(fields) == 6 {
			cells[strings.Trim(fields[1], " *")] = fields[2:5]
		}
	}
	for i, c := range []struct{ alerts, seconds, writes float64 }{
		{1e4, 5.6, 5_200}, {1e6, 6, 5_200}, {1e8, 34, 166_000},
	} {
		run := c.seconds * runs
		cents := func(usd float64) float64 { return math.Round(usd*100) / 100 }
		compute := cents(run * (cpuSecond + memory*gibSecond))
		writing := cents(c.writes * writesK / 1000)
		keeping := cents(c.alerts * alertBytes / gib * ledger * storageGiBHour * hours)
		other := cents(secret + job)
		if run > freeCPUSeconds {
			t.Fatalf("%v s of computing are not free", run)
		}
		for what, want := range map[string]float64{
			"Cloud Run: 1 vCPU, 256 MiB":                        compute,
			"Cloud Storage: writing objects, ledger and state":  writing,
			"Cloud Storage: keeping one month, with the ledger": keeping,
			"Secret Manager, Scheduler, Pub/Sub":                other,
			"sum":                                               compute + writing + keeping + other,
			"the same after the free tiers":                     writing + keeping,
		} {
			if len(cells[what]) == 0 {
				t.Fatalf("the table has no row %q", what)
			}
			got, err := strconv.ParseFloat(strings.Trim(cells[what][i], " *"), 64)
			if err != nil || math.Abs(got-want) > 0.001 {
				t.Errorf("%s, %.0f alerts: the table has %v, and it is %.4f (%v)", what, c.alerts, got, want, err)
			}
		}
		if text := fmt.Sprintf("%v s × %d", c.seconds, runs); !strings.Contains(page, text) {
			t.Errorf("the page does not say %q", text)
		}
	}
}
