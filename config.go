package collector

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/env"
	"netskope-alerts.internal/collector/internal/netskope"
)

// Config is what one run works with. Every field is set from the environment
// variable that its comment names; [ConfigFromEnv] applies the defaults.
type Config struct {
	Bucket   string // GCS_BUCKET: bucket name, without gs://
	Prefix   string // GCS_PREFIX: the feed's folder, without slashes at its ends
	StateKey string // STATE_KEY: object name of the state

	Tenant string // NETSKOPE_TENANT: scheme and host, as in https://acme.goskope.com
	Token  string // NETSKOPE_API_TOKEN, or the contents of NETSKOPE_API_TOKEN_FILE

	MaxRecords        int     // MAX_RECORDS: alerts after which no new window is begun; 0 is no cap
	PageSize          int     // PAGE_SIZE: alerts asked for per request
	RequestsPerSecond float64 // REQUESTS_PER_SECOND to the tenant; 0 is unpaced

	Lookback time.Duration // LOOKBACK_HOURS: how far back the very first run begins
	Window   time.Duration // WINDOW: length of a window near the present, whole seconds
	Lag      time.Duration // LAG: how old a window's end must be before it is asked for
	Budget   time.Duration // BUDGET: how long a run may take

	TimeField   TimeField   // TIME_FIELD
	Compression Compression // COMPRESSION
	LogLevel    slog.Level  // LOG_LEVEL
}

// TimeField and its values are of package alert.
type TimeField = alert.TimeField

const (
	InsertionTime = alert.InsertionTime
	EventTime     = alert.EventTime
)

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
	// maxWindow bounds how far windows grow over a sparse stretch.
	maxWindow = 6 * time.Hour
	// maxLookbackHours is the oldest that any known consumer of the API asks for.
	maxLookbackHours = 90 * 24
	standardPrefix   = "netskope/alerts"
)

// ConfigFromEnv reads the configuration through lookup, which has the form of
// [os.LookupEnv]; a variable set to nothing counts as not set. The error joins
// all problems, each with the variable, its value and what to set instead. It
// never holds the token. NETSKOPE_API_TOKEN_FILE is read at every call, so that a
// rotated secret is picked up by the next run.
func ConfigFromEnv(lookup func(string) (string, bool)) (Config, error) {
	v := env.New(lookup)
	c := Config{Token: v.Token()}
	c.Bucket = v.Bucket("GCS_BUCKET")
	c.Prefix = v.ObjectPath("GCS_PREFIX", standardPrefix)
	c.StateKey = v.ObjectPath("STATE_KEY", "netskope/state/alerts.json")
	c.Tenant = v.Tenant("NETSKOPE_TENANT")
	c.MaxRecords = v.Integer("MAX_RECORDS", 0, 0, 1<<40, "0 for no cap, or the number of alerts after which a run begins no new window")
	c.PageSize = v.Integer("PAGE_SIZE", SafePageSize, 1, maxPageSize, "the tenant's documented safe maximum is 5000")
	c.Lookback = time.Duration(v.Integer("LOOKBACK_HOURS", 24, 1, maxLookbackHours, "hours; the tenant is asked for 90 days at most")) * time.Hour
	c.Window = v.Duration("WINDOW", 5*time.Minute, time.Second, maxWindow)
	c.Lag = v.Duration("LAG", 5*time.Minute, 0, 24*time.Hour)
	c.Budget = v.Duration("BUDGET", 8*time.Minute, time.Second, time.Hour)
	c.RequestsPerSecond = v.Number("REQUESTS_PER_SECOND", 4, 0, 1000)
	c.TimeField = env.OneOf(v, "TIME_FIELD", InsertionTime, EventTime)
	c.Compression = env.OneOf(v, "COMPRESSION", NoCompression, Gzip)
	c.LogLevel = v.LogLevel("LOG_LEVEL")
	if c.Prefix != "" && c.StateKey == c.Prefix {
		v.Refuse("STATE_KEY", c.StateKey, "is the name of the feed's folder",
			"name an object outside it, as in netskope/state/alerts.json")
	}
	if err := v.Err(); err != nil {
		return Config{}, fmt.Errorf("read configuration from the environment:\n%w", err)
	}
	return c, nil
}

// TokenFromEnv reads the API token alone, as [ConfigFromEnv] does. The error joins all
// problems, and never holds the token.
func TokenFromEnv(lookup func(string) (string, bool)) (string, error) {
	v := env.New(lookup)
	token := v.Token()
	if err := v.Err(); err != nil {
		return "", fmt.Errorf("read token from the environment:\n%w", err)
	}
	return token, nil
}

// Version is the collector's own, as CHANGELOG.md has it.
const Version = "0.1.0"

// userAgent keeps the product token of the original function, by which a tenant's
// administrators know it.
const userAgent = "GoogleSecOps-NetskopeAlertCollector/" + Version

// TenantError, PageRequest and Alert are of package netskope.
type (
	TenantError = netskope.Error
	PageRequest = netskope.Request
	Alert       = netskope.Alert
)

// MaxLine is of package alert.
const MaxLine = alert.MaxLine

// NewTransport is of package netskope.
var NewTransport = netskope.NewTransport

// Netskope are the settings of a client for the tenant.
func (c Config) Netskope() netskope.Settings {
	return netskope.Settings{Tenant: c.Tenant, Token: c.Token, UserAgent: userAgent, PageSize: c.PageSize,
		RequestsPerSecond: c.RequestsPerSecond, Field: c.TimeField}
}

// Folders are where the collector keeps its objects: what their names begin with, up to
// and with a slash. Only the state lies elsewhere, at STATE_KEY.
type Folders struct {
	Feed       string // alerts, where the feed reads them
	Staging    string // alerts, until their entry in the ledger is made
	Ledger     string // what was delivered
	Quarantine string // what a feed cannot take
	Backfills  string // states of backfills
	Audits     string // progress of an audit
}

// Folders are those of GCS_PREFIX.
func (c Config) Folders() Folders {
	return Folders{Feed: c.Prefix + "/", Staging: stagingFolder(c.Prefix) + "/", Ledger: ledgerFolder(c.Prefix) + "/",
		Quarantine: quarantineFolder(c.Prefix) + "/", Backfills: c.Prefix + ".backfill/", Audits: c.Prefix + ".audit/"}
}

// FolderFromEnv reads, as [ConfigFromEnv] does, only where the feed's folder is: in the
// bucket GCS_BUCKET, below GCS_PREFIX, without slashes at its ends.
func FolderFromEnv(lookup func(string) (string, bool)) (bucket, prefix string, err error) {
	v := env.New(lookup)
	bucket, prefix = v.Bucket("GCS_BUCKET"), v.ObjectPath("GCS_PREFIX", standardPrefix)
	if err := v.Err(); err != nil {
		return "", "", fmt.Errorf("read the feed's folder from the environment:\n%w", err)
	}
	return bucket, prefix, nil
}

// StateInFeed reports whether the state lies where the feed reads.
func (c Config) StateInFeed() bool { return strings.HasPrefix(c.StateKey, c.Prefix+"/") }

// OriginalStateKey is where the Python function that this one replaces kept its
// state by default.
func (c Config) OriginalStateKey() string { return c.Prefix + "/state.json" }

// levelFromEnv is LOG_LEVEL, or info as long as it is not one.
func levelFromEnv(lookup func(string) (string, bool)) slog.Level {
	return env.New(lookup).LogLevel("LOG_LEVEL")
}
