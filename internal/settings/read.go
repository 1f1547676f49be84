package settings

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/env"
	"netskope-alerts.internal/collector/internal/netskope"
)

const (
	// SafePageSize is the largest limit, in alerts, that the API's own description
	// declares for events/data (SDK of Netskope, audit.yaml). It is PAGE_SIZE's default.
	SafePageSize = 5000
	// maxPageSize is the largest that other collectors are known to use in production.
	maxPageSize = 10000
	// maxLookbackHours is the oldest that any known consumer of the API asks for.
	maxLookbackHours = 90 * 24
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

// Misspelt are the variables of this process, as far as lookup has them, that nothing
// reads, but that a person may have meant for one that is read. They are no reason to refuse
// anything: they may be another program's.
func Misspelt(lookup func(string) (string, bool)) []*env.Problem {
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
		places[i].Stream, places[i].BucketName = p.Stream, p.BucketName
		places[i].Prefix, places[i].StateKey = p.Prefix, p.StateKey
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

func tenant(v *env.Variables) string { return v.Tenant("NETSKOPE_TENANT", v.Domain("NETSKOPE_DOMAIN")) }

func lag(v *env.Variables) time.Duration { return v.Duration("LAG", 5*time.Minute, 0, 24*time.Hour) }

func timeField(v *env.Variables) alert.TimeField {
	return env.OneOf(v, "TIME_FIELD", alert.InsertionTime, alert.EventTime)
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

// LogLevelFromEnv is LOG_LEVEL, or info as long as it is not one.
func LogLevelFromEnv(lookup func(string) (string, bool)) slog.Level {
	return env.New(lookup).LogLevel("LOG_LEVEL")
}
