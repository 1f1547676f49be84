// Package settings is what the collector is configured to do, stream by stream, read from variables:
// their names, their defaults, and which of them do not go together. How a value of a kind is read is
// package env.
package settings

import (
	"strings"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/layout"
	"netskope-alerts.internal/collector/internal/netskope"
	"netskope-alerts.internal/collector/internal/stream"
)

// Config is what the collector of one stream is configured to do. Every field is set from the
// environment variable that its comment names; [ConfigsFromEnv] applies the defaults.
type Config struct {
	Stream stream.Stream // one of STREAMS

	BucketName string // GCS_BUCKET: without gs://
	Prefix     string // GCS_PREFIX, or EVENTS_PREFIX of another stream: the feed's folder, without slashes at its ends
	StateKey   string // STATE_KEY, or, of another stream than alerts, where the folder puts it: object name of the state

	Tenant string // NETSKOPE_TENANT: scheme and host, as in https://acme.goskope.com, below NETSKOPE_DOMAIN
	Token  string // NETSKOPE_API_TOKEN, or the contents of NETSKOPE_API_TOKEN_FILE

	MaxRecords        int     // MAX_RECORDS: alerts after which no new cell is begun; 0 is no cap
	PageSize          int     // PAGE_SIZE: alerts asked for per request
	RequestsPerSecond float64 // REQUESTS_PER_SECOND to the tenant; 0 is unpaced
	InFlight          int     // IN_FLIGHT: cells worked on, and requests waited for, at the same time

	Lookback time.Duration // LOOKBACK_HOURS: how far back the very first run begins
	Lag      time.Duration // LAG: how old an alert's time must be before it is asked for
	Budget   time.Duration // BUDGET: how long a run may take

	TimeField   alert.TimeField // TIME_FIELD: by which of its times an alert is collected
	Compression Compression     // COMPRESSION
}

// Compression says how alert objects are stored.
type Compression string

const (
	// NoCompression stores .ndjson objects.
	NoCompression Compression = "none"
	// Gzip stores .ndjson.gz objects without a Content-Encoding, so that nobody
	// on the way unpacks them unasked.
	Gzip Compression = "gzip"
)

// StateInFeed reports whether a feed on the folder, with its slash or without, reads the state.
func (c Config) StateInFeed() bool { return strings.HasPrefix(c.StateKey, c.Prefix) }

// Folders are where the objects lie; the state alone is elsewhere, at StateKey.
func (c Config) Folders() layout.Folders { return layout.Beside(c.Prefix).Of(c.Stream) }

// Horizon is the moment up to which alerts may be asked for at now: LAG back, and then back to
// the last full five minutes. UTC.
func (c Config) Horizon(now time.Time) time.Time {
	return cell.At(cell.Minutes, now.Add(-c.Lag)).From()
}

// NewPace is the pace of requests to the tenant that the configuration asks for.
func (c Config) NewPace() *netskope.Pace { return netskope.NewPace(c.RequestsPerSecond, c.InFlight) }

// Suffix is how the names of objects end that are stored so.
func (c Compression) Suffix() string {
	if c == Gzip {
		return ".ndjson" + layout.GzipSuffix
	}
	return ".ndjson"
}
