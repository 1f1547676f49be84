package lint

import (
	"strings"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/ndjson"
	"netskope-alerts.internal/collector/internal/layout"
	"netskope-alerts.internal/collector/internal/stream"
)

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
// folder is that or one of its days, or the one above the folders of several streams.
func isCollected(name, folder string) bool {
	in, ok := layout.Collected(name)
	below, isBelow := strings.CutPrefix(in, folder)
	of, err := stream.Parse(strings.TrimSuffix(below, "/"))
	return ok && (strings.HasPrefix(folder, in) || isBelow && err == nil && of != stream.Alert)
}
