package settings

import (
	"strings"

	"netskope-alerts.internal/collector/internal/env"
	"netskope-alerts.internal/collector/internal/layout"
	"netskope-alerts.internal/collector/internal/stream"
)

const (
	standardPrefix = "netskope/alerts"
	standardEvents = "netskope/events"
)

// readPlaces reads where everything of every stream lies.
func readPlaces(v *env.Variables) []Config {
	streams := env.Several(v, "STREAMS", stream.All()...)
	c := Config{BucketName: v.Bucket("GCS_BUCKET"), Prefix: feedFolder(v, "GCS_PREFIX", standardPrefix)}
	c.StateKey = v.ObjectPath("STATE_KEY", layout.StateKey(c.Prefix))
	if c.Prefix != "" && c.StateKey == c.Prefix {
		v.Refuse("STATE_KEY", c.StateKey, "is the name of the feed's folder",
			"name an object outside it, as in "+layout.StateKey(standardPrefix))
	}
	events := eventsFolder(v, c, streams)
	all := make([]Config, len(streams))
	for i, s := range streams {
		all[i] = c
		if s != stream.Alert {
			all[i].Stream, all[i].Prefix = s, events
			all[i].StateKey = all[i].Folders().State
		}
	}
	return all
}

// feedFolder reads a feed's folder, and refuses one of which a feed would take what the
// collector keeps beside it.
func feedFolder(v *env.Variables, name, standard string) string {
	folder := v.ObjectPath(name, standard)
	if ours := layout.Collides(folder); folder != "" && ours != "" {
		v.Refuse(name, folder, "is how the names of the collector's own objects in "+ours+" begin: "+
			"a feed on it would take them for alerts", "choose another name, as in "+standard)
	}
	return folder
}

// eventsFolder reads EVENTS_PREFIX, and refuses one that is not apart from what alerts have, where
// both are collected.
func eventsFolder(v *env.Variables, alerts Config, streams []stream.Stream) string {
	folder := feedFolder(v, "EVENTS_PREFIX", standardEvents)
	if len(streams) < 2 || streams[0] != stream.Alert || alerts.Prefix == "" || folder == "" {
		return folder
	}
	switch {
	case layout.Overlap(alerts.Prefix, folder):
		v.Refuse("EVENTS_PREFIX", folder, "is not apart from GCS_PREFIX="+alerts.Prefix+" and what lies beside that: "+
			"a feed on the one would take what is of the other", "choose folders beside each other, as in "+
			standardPrefix+" and "+standardEvents)
	case strings.HasPrefix(alerts.StateKey, folder):
		v.Refuse("STATE_KEY", alerts.StateKey, "begins with EVENTS_PREFIX="+folder+": a feed on that would take it "+
			"for an event", "name an object elsewhere, as in "+layout.StateKey(standardPrefix))
	}
	return folder
}
