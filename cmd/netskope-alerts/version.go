package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
)

// versionCommand is netskope-alerts version.
type versionCommand struct{}

// Help is shown by version --help.
func (*versionCommand) Help() string {
	return "Prints the version, the commit from which this program was built, with a mark if the files were not " +
		"those of the commit, and the Go release that built it.\n\n" + cli.Ends{Well: "printed"}.String() + "\n\n" +
		"Example:\n  netskope-alerts version"
}

// Run prints what the build has noted.
func (*versionCommand) Run(s cli.Streams) error {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		build = &debug.BuildInfo{}
	}
	_, err := fmt.Fprint(s.Stdout, versionText(build.Settings))
	return err
}

// versionText is a line for the version, and one for each thing that the build has noted.
func versionText(settings []debug.BuildSetting) string {
	noted := map[string]string{}
	for _, s := range settings {
		noted[s.Key] = s.Value
	}
	commit := noted["vcs.revision"]
	switch {
	case commit == "":
		commit = "not known: the build did not note it"
	case noted["vcs.modified"] == "true":
		commit += ", with changes that are not committed"
	}
	text := fmt.Sprintf("netskope-alerts %s\ncommit  %s\n", cli.Version, commit)
	if at := noted["vcs.time"]; at != "" {
		text += fmt.Sprintf("of      %s\n", at)
	}
	return text + fmt.Sprintf("go      %s %s/%s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
