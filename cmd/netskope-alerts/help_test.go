package main

import (
	"bytes"
	"context"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
)

// TestEveryHelpSaysHowItEnds: each command's help lists its own exit statuses, and an example.
func TestEveryHelpSaysHowItEnds(t *testing.T) {
	parser, err := kong.New(&commands{}, kong.Vars{"version": "x"})
	if err != nil {
		t.Fatal(err)
	}
	leaves := parser.Model.Leaves(true)
	if len(leaves) < 12 {
		t.Fatalf("only %d commands", len(leaves))
	}
	for _, leaf := range leaves {
		help := leaf.Detail
		for _, want := range []string{"Exit status: 0 ", "Example"} {
			if !strings.Contains(help, want) {
				t.Errorf("%s --help has no %q:\n%s", leaf.Path(), want, help)
			}
		}
		_, examples, _ := strings.Cut(help, "\nExample") // they are printed as they are, two columns further in
		for example := range strings.Lines(examples) {
			if len(example) > 78 {
				t.Errorf("%s --help is wider than 80 columns: %s", leaf.Path(), example)
			}
		}
	}
}

// TestWrongUsage: what is not understood ends with the status that says so, and without work.
func TestWrongUsage(t *testing.T) {
	for arguments, help := range map[string]string{"": "", "nonsense": "", "status --nonsense": "status ", "find": "find ",
		"backfill --from 3d": "backfill ", "verify --limit -1": "verify ", "state set": "state set ", "state": "state ",
		"status --html": "status "} {
		var out, errors bytes.Buffer
		status := run(context.Background(), strings.Fields(arguments), cli.Streams{Stdin: strings.NewReader(""), Stdout: &out,
			Stderr: &errors, Lookup: os.LookupEnv})
		if status != cli.ExitUsage || out.Len() > 0 || strings.Contains(errors.String(), "EOL") ||
			!strings.Contains(errors.String(), `type "netskope-alerts `+help+`--help" `) {
			t.Errorf("%q ends with %d: %s%s", arguments, status, out.String(), errors.String())
		}
	}
}

func TestVersionText(t *testing.T) {
	for _, c := range []struct {
		settings []debug.BuildSetting
		want     string
	}{
		{nil, "commit  not known: the build did not note it\n"},
		{[]debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.time", Value: "2026-11-26T14:00:00Z"},
			{Key: "vcs.modified", Value: "false"}}, "commit  abc\nof      2026-11-26T14:00:00Z\n"},
		{[]debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "true"}},
			"commit  abc, with changes that are not committed\n"},
	} {
		got := versionText(c.settings)
		if !strings.HasPrefix(got, "netskope-alerts "+cli.Version+"\n"+c.want) || !strings.Contains(got, "\ngo      go1.") {
			t.Errorf("%v: %s", c.settings, got)
		}
	}
}
