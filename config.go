package collector

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/env"
	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/layout"
	"netskope-alerts.internal/collector/internal/ledger"
	"netskope-alerts.internal/collector/internal/netskope"
	"netskope-alerts.internal/collector/internal/stream"
)

// Version is the collector's own, as CHANGELOG.md has it.
const Version = "0.2.0"

// userAgent keeps the product token of the original function, by which a tenant's
// administrators know it.
const userAgent = "GoogleSecOps-NetskopeAlertCollector/" + Version

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

const (
	// SafePageSize is the largest limit, in alerts, that the API's own description
	// declares for events/data (SDK of Netskope, audit.yaml). It is PAGE_SIZE's default.
	SafePageSize = 5000
	// maxPageSize is the largest that other collectors are known to use in production.
	maxPageSize = 10000
	// maxLookbackHours is the oldest that any known consumer of the API asks for.
	maxLookbackHours = 90 * 24
	standardPrefix   = "netskope/alerts"
	standardEvents   = "netskope/events"
)

// ConfigFromEnv is the first of [ConfigsFromEnv]: that of alerts, if they are collected.
func ConfigFromEnv(lookup func(string) (string, bool)) (Config, error) {
	all, err := ConfigsFromEnv(lookup)
	if err != nil {
		return Config{}, err
	}
	return all[0], nil
}

// ConfigsFromEnv reads the configuration of every stream of STREAMS through lookup, which has
// the form of [os.LookupEnv]; a variable set to nothing counts as not set. The error joins
// all problems, each an [env.Problem]. It never holds the token. NETSKOPE_API_TOKEN_FILE is
// read at every call, so that a rotated secret is picked up by the next run.
func ConfigsFromEnv(lookup func(string) (string, bool)) ([]Config, error) {
	v := env.New(lookup)
	all := readConfigs(v)
	if err := v.Err(); err != nil {
		return nil, fmt.Errorf("read configuration from the environment:\n%w", err)
	}
	return all, nil
}

// MisspeltSettings are the variables of this process, as far as lookup has them, that nothing
// reads, but that a person may have meant for one that is read. They are no reason to refuse
// anything: they may be another program's.
func MisspeltSettings(lookup func(string) (string, bool)) []*env.Problem {
	v := env.New(lookup)
	readConfigs(v)
	var names []string
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		names = append(names, name)
	}
	return v.Misspelt(names)
}

func readConfigs(v *env.Variables) []Config {
	c := Config{Token: v.Token()}
	places := readPlaces(v)
	c.Tenant = tenant(v)
	c.MaxRecords = v.Integer("MAX_RECORDS", 0, 0, 1<<40,
		"0 for no cap, or the number of alerts after which a run begins no new cell")
	c.PageSize = v.Integer("PAGE_SIZE", SafePageSize, 1, maxPageSize, "the tenant's documented safe maximum is 5000")
	c.Lookback = time.Hour * time.Duration(v.Integer("LOOKBACK_HOURS", 24, 1, maxLookbackHours,
		"hours; the tenant is asked for 90 days at most"))
	c.Lag = lag(v)
	c.Budget = v.Duration("BUDGET", 8*time.Minute, time.Second, time.Hour)
	c.RequestsPerSecond = v.Number("REQUESTS_PER_SECOND", 4, 0, 1000)
	c.InFlight = v.Integer("IN_FLIGHT", 12, 1, netskope.MostInFlight,
		"cells at the same time; more do not fit into the function's memory")
	c.TimeField = timeField(v)
	c.Compression = env.OneOf(v, "COMPRESSION", NoCompression, Gzip)
	v.LogLevel("LOG_LEVEL")
	v.Proxies()
	v.Gone("WINDOW", "is a setting that no longer exists: time is cut by a fixed grid",
		"unset it; LAG and the schedule say how soon alerts come")
	for i, p := range places {
		places[i] = c
		places[i].Stream, places[i].BucketName, places[i].Prefix, places[i].StateKey = p.Stream, p.BucketName, p.Prefix, p.StateKey
	}
	return places
}

// ConfigToLook is the first of [ConfigsToLook], as [ConfigFromEnv] is of its.
func ConfigToLook(lookup func(string) (string, bool)) (Config, error) {
	all, err := ConfigsToLook(lookup)
	if err != nil {
		return Config{}, err
	}
	return all[0], nil
}

// ConfigsToLook reads, as [ConfigsFromEnv] does, what it takes to look at what was delivered:
// where that lies, and LAG. NETSKOPE_TENANT may be left out, and the token is not needed: the
// ledger is whoever's it is then. With NETSKOPE_TENANT, another's ledger or state is refused.
func ConfigsToLook(lookup func(string) (string, bool)) ([]Config, error) {
	v := env.New(lookup)
	c, all := Config{Lag: lag(v)}, readPlaces(v)
	if _, ok := v.Get("NETSKOPE_TENANT"); ok {
		c.Tenant, c.TimeField = tenant(v), timeField(v)
	}
	for i := range all {
		all[i].Lag, all[i].Tenant, all[i].TimeField = c.Lag, c.Tenant, c.TimeField
	}
	if err := v.Err(); err != nil {
		return nil, fmt.Errorf("read from the environment where to look:\n%w", err)
	}
	return all, nil
}

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

func tenant(v *env.Variables) string { return v.Tenant("NETSKOPE_TENANT", v.Domain("NETSKOPE_DOMAIN")) }

func lag(v *env.Variables) time.Duration { return v.Duration("LAG", 5*time.Minute, 0, 24*time.Hour) }

func timeField(v *env.Variables) alert.TimeField {
	return env.OneOf(v, "TIME_FIELD", alert.InsertionTime, alert.EventTime)
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

// TokenFromEnv reads the API token alone, as [ConfigFromEnv] does. The error joins all
// problems, and never holds the token.
func TokenFromEnv(lookup func(string) (string, bool)) (string, error) {
	v := env.New(lookup)
	token := v.Token()
	for _, p := range env.Problems(v.Err()) {
		if strings.Contains(p.Name, "TOKEN") {
			return token, fmt.Errorf("read token from the environment:\n%w", v.Err())
		}
	}
	return token, nil
}

// FolderFromEnv reads, as [ConfigFromEnv] does, only where the folder is of the first stream of
// STREAMS, that of alerts if they are collected: in the bucket GCS_BUCKET, without slashes at its
// ends.
func FolderFromEnv(lookup func(string) (string, bool)) (bucket, prefix string, err error) {
	v := env.New(lookup)
	first := readPlaces(v)[0]
	if err := v.Err(); err != nil {
		return "", "", fmt.Errorf("read the feed's folder from the environment:\n%w", err)
	}
	return first.BucketName, strings.TrimSuffix(first.Folders().Feed, "/"), nil
}

// levelFromEnv is LOG_LEVEL, or info as long as it is not one.
func levelFromEnv(lookup func(string) (string, bool)) slog.Level {
	return env.New(lookup).LogLevel("LOG_LEVEL")
}

// StateInFeed reports whether a feed on the folder, with its slash or without, reads the state.
func (c Config) StateInFeed() bool { return strings.HasPrefix(c.StateKey, c.Prefix) }

// Folders are where the objects lie; the state alone is elsewhere, at StateKey.
func (c Config) Folders() layout.Folders { return layout.Beside(c.Prefix).Of(c.Stream) }

// Horizon is the moment up to which alerts may be asked for at now: LAG back, and then back to
// the last full five minutes. UTC.
func (c Config) Horizon(now time.Time) time.Time {
	return cell.At(cell.Minutes, now.Add(-c.Lag)).From()
}

// Netskope are the settings of a client for the tenant.
func (c Config) Netskope() netskope.Settings {
	return netskope.Settings{Tenant: c.Tenant, Token: c.Token, UserAgent: userAgent, Stream: c.Stream,
		PageSize: c.PageSize, Field: c.TimeField}
}

// NewPace is the pace of requests to the tenant that the configuration asks for.
func (c Config) NewPace() *netskope.Pace { return netskope.NewPace(c.RequestsPerSecond, c.InFlight) }

func (c Config) suffix() string {
	if c.Compression == Gzip {
		return ".ndjson" + layout.GzipSuffix
	}
	return ".ndjson"
}

// Collector is a configured collector of one stream: what it is to do, the bucket, and the client
// through which it reaches the tenant.
type Collector struct {
	Config
	Bucket *gcs.Bucket
	HTTP   *http.Client
	// Pace is that of all requests to the tenant. Nil is one of its own for each run, backfill and audit.
	Pace *netskope.Pace

	busy *atomic.Int64 // how many collectors work side by side; nil: it is alone
}

// SideBySide has every collector do its work, all at the same time, and returns when all have.
// Together they keep to the pace of one, each asking in its turn, and to as many cells in flight
// as one has, or one each: what a stream does not need goes to the others.
func SideBySide(collectors []*Collector, work func(*Collector)) {
	pace, busy := collectors[0].NewPace(), new(atomic.Int64)
	busy.Store(int64(len(collectors)))
	var all sync.WaitGroup
	for _, c := range collectors {
		one := *c
		one.Pace, one.busy = pace, busy
		all.Go(func() {
			defer busy.Add(-1)
			work(&one)
		})
	}
	all.Wait()
}

// share is the collector's part, one at least, of so many that there are for all that are at work.
func (c *Collector) share(n int) int {
	if c.busy != nil {
		n /= int(max(1, c.busy.Load()))
	}
	return max(1, n)
}

// fetcher asks the tenant at the collector's pace; progress is as of [netskope.New].
func (c *Collector) fetcher(progress func(alerts int)) fetcher {
	pace := c.Pace
	if pace == nil {
		pace = c.NewPace()
	}
	return fetcher{netskope.New(c.Netskope(), pace, c.HTTP, progress), c.TimeField, c.Lag}
}

// enoughMemory is from how many bytes on memory that is free again is sought more eagerly, unless GOMEMLIMIT
// says otherwise. What a run holds at a time is far less, whatever the number of alerts; but pages of tens of
// megabytes a second pass through it, and the function has 256 MiB.
const enoughMemory = 80 << 20

// OpenAll are the collectors that are configured so. They connect to nothing yet.
func OpenAll(configs []Config) ([]*Collector, error) {
	var all []*Collector
	for _, config := range configs {
		c, err := Open(config)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// Open is the collector that is configured so. It connects to nothing yet.
func Open(c Config) (*Collector, error) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(enoughMemory)
	}
	bucket, err := gcs.Open(c.BucketName)
	if err != nil {
		return nil, err
	}
	return &Collector{Config: c, Bucket: bucket, HTTP: tenantClient}, nil
}

// tenantClient keeps its connections from one run of the process to the next.
var tenantClient = &http.Client{Transport: netskope.NewTransport()}

// Ledger is the collector's ledger, of which nothing has been read. Without a tenant it can only
// be looked at.
func (c *Collector) Ledger() *ledger.Ledger {
	owner := ledger.Owner{Tenant: c.Tenant, Stream: c.Stream, TimeField: c.TimeField, Collector: Version}
	return ledger.Open(c.Bucket, c.Folders(), owner, c.suffix())
}
