package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/docs"
)

func grammar(t *testing.T) *kong.Kong {
	t.Helper()
	parser, err := kong.New(&commands{}, kong.Name("netskope-alerts"), kong.Vars{"version": cli.Version},
		kong.Exit(func(int) {}), kong.Writers(t.Output(), t.Output()))
	if err != nil {
		t.Fatal(err)
	}
	return parser
}

// TestREADMEListsTheCommands: each has a row.
func TestREADMEListsTheCommands(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, c := range grammar(t).Model.Children {
		if c.Hidden {
			continue
		}
		found++
		if !regexp.MustCompile("(?m)^\\| `netskope-alerts " + regexp.QuoteMeta(c.Name) + "[ `]").Match(readme) {
			t.Errorf("README.md has no row for netskope-alerts %s", c.Name)
		}
	}
	if found < 10 {
		t.Errorf("found only %d commands", found)
	}
}

// TestPagesKnowTheCommands: what the pages name between backquotes, there is, with its flags.
func TestPagesKnowTheCommands(t *testing.T) {
	pages, err := docs.Pages("../..")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range grammar(t).Model.Children {
		names = append(names, regexp.QuoteMeta(c.Name))
	}
	span := regexp.MustCompile("`(?:netskope-alerts ([^`]+)|((?:" + strings.Join(names, "|") + ") [^`]*--[^`]+))`")
	leftOut := regexp.MustCompile(`^(expected |missing flags|--[a-z-]+: expected )`) // which a sentence may do
	found := 0
	for _, page := range pages {
		content, err := os.ReadFile(filepath.Join("../..", page))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range span.FindAllSubmatch(content, -1) {
			found++
			_, err := grammar(t).Parse(strings.Fields(string(m[1]) + string(m[2])))
			if err != nil && !leftOut.MatchString(err.Error()) {
				t.Errorf("%s: %s: %v", page, m[0], err)
			}
		}
	}
	if found < 20 {
		t.Errorf("found only %d commands", found)
	}
}
