package lint

import (
	"regexp"
	"strings"
	"time"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/ndjson"
)

// collected is how the collector names the objects of a feed's folder: the window in the
// folder of its day, and a number behind what a repair delivered.
var collected = regexp.MustCompile(
	`^(?:(.*)/)?(\d{4}/\d\d/\d\d)/(?:alerts_(\d{8}T\d{6}Z)_(\d{8}T\d{6}Z)|` +
		`late_(\d{8}T\d{6}Z)_(\d{8}T\d{6}Z)_\d+)\.ndjson(?:\.gz)?$`)

// judgeName says what is wrong with an object's name.
func judgeName(s ndjson.Source) (rule, string) {
	switch {
	case strings.HasPrefix(s.Object, "/"), strings.Contains(s.Object, "//"):
		return ruleEmptyFolder, "a folder in the name is empty"
	case s.Listed && !isCollected(s.Object, s.Folder):
		return ruleForeign, "the collector gives no object such a name"
	}
	return "", ""
}

// isCollected reports whether the collector names an object so in the feed's folder, where
// folder is that or one of its days.
func isCollected(name, folder string) bool {
	part := collected.FindStringSubmatch(name)
	if part == nil {
		return false
	}
	if above := part[1]; above != "" && !strings.HasPrefix(folder, above+"/") {
		return false
	}
	const stamp = "20060102T150405Z"
	from, err := time.Parse(stamp, part[3]+part[5])
	if err != nil {
		return false
	}
	to, err := time.Parse(stamp, part[4]+part[6])
	return err == nil && from.Before(to) && part[2] == from.Format("2006/01/02")
}
