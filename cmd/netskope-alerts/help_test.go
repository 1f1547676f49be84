package main

import (
	"bytes"
	"context"
	"os"
	"runtime/debug"
	"slices"
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
		wants := []string{"Exit status: 0 ", "Example", " failed, 2 wrong usage, 130 interrupted."}
		switch leaf.Path() {
		case "serve", "storage", "console":
			wants = []string{"Exit status: 0 stopped by Ctrl-C or SIGTERM, 1 failed, 2 wrong usage.", "Example"}
		case "demo":
			wants = append(wants[:2], "(with --keep: stopped by Ctrl-C or SIGTERM), 1 one is not", "130 interrupted.")
		case "check", "collect", "lint", "state set", "state show", "verify", "version":
			wants = append(wants[:2], ", 1 ", ", 2 wrong usage, 130 interrupted.")
		}
		for _, want := range wants {
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
		"status --html": "status ", "verify --since xx": "verify ", "verify --since 1h --until 2h": "verify ",
		"status --stream pages": "status ", "find a --since -3d": "find ", "find ": "find ", "demo --alerts 3": "demo ",
		"backfill --from 3h --to 4h": "backfill ", "backfill --from 3h --to 2h --publish": "backfill ",
		"backfill --from 3h --to 2h --publish --topic x": "backfill ", "backfill --from 91d --to 2h": "backfill ",
		"backfill --from 3h --to 2h --piece 1s": "backfill ", "console --listen 0.0.0.0:80": "console ",
		"udm --json -": "udm "} {
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

// TestEveryValueIsJudged: whatever can be wrong with a flag's value by itself is wrong usage, before any
// work; of the flags that take any text there is a list.
func TestEveryValueIsJudged(t *testing.T) {
	parser, err := kong.New(&commands{}, kong.Vars{"version": "x"})
	if err != nil {
		t.Fatal(err)
	}
	free := []string{"bucket", "explain", "folder", "host", "html", "out", "topic"}
	rest := map[string][]string{"find": {"nobody"}, "backfill": {"--from=3h", "--to=2h"}, "state set": {"--through=3h"}}
	judged := map[string]bool{}
	for _, leaf := range parser.Model.Leaves(true) {
		for _, flags := range leaf.AllFlags(true) {
			for _, flag := range flags {
				if flag.IsBool() || slices.Contains(free, flag.Name) {
					continue
				}
				judged[flag.Name] = true
				name, _, _ := strings.Cut(leaf.Path(), " <")
				arguments := slices.Concat(strings.Fields(name), rest[name], []string{"--" + flag.Name + "=nonsense"})
				var out, errors bytes.Buffer
				status := run(t.Context(), arguments, cli.Streams{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errors,
					Lookup: func(string) (string, bool) { return "", false }})
				if status != cli.ExitUsage || out.Len() > 0 || !strings.Contains(errors.String(), "--"+flag.Name) ||
					!strings.Contains(errors.String(), "nonsense") {
					t.Errorf("%s ends with %d: %s%s", arguments, status, out.String(), errors.String())
				}
			}
		}
	}
	if len(judged) < 12 {
		t.Errorf("only %v", judged)
	}
}
