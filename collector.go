package collector

import (
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/ledger"
	"netskope-alerts.internal/collector/internal/netskope"
	"netskope-alerts.internal/collector/internal/settings"
)

// Version is the collector's own, as CHANGELOG.md has it.
const Version = "0.2.0"

// userAgent keeps the product token of the original function, by which a tenant's
// administrators know it.
const userAgent = "GoogleSecOps-NetskopeAlertCollector/" + Version

// Netskope are the settings of a client for the tenant.
func Netskope(c settings.Config) netskope.Settings {
	return netskope.Settings{Tenant: c.Tenant, Token: c.Token, UserAgent: userAgent, Stream: c.Stream,
		PageSize: c.PageSize, Field: c.TimeField}
}

// Collector is a configured collector of one stream: what it is to do, the bucket, and the client
// through which it reaches the tenant.
type Collector struct {
	settings.Config
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
	return fetcher{netskope.New(Netskope(c.Config), pace, c.HTTP, progress), c.TimeField, c.Lag}
}

// enoughMemory is from how many bytes on memory that is free again is sought more eagerly, unless GOMEMLIMIT
// says otherwise. What a run holds at a time is far less, whatever the number of alerts; but pages of tens of
// megabytes a second pass through it, and the function has 256 MiB.
const enoughMemory = 80 << 20

// OpenAll are the collectors that are configured so. They connect to nothing yet.
func OpenAll(configs []settings.Config) ([]*Collector, error) {
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
func Open(c settings.Config) (*Collector, error) {
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
	return ledger.Open(c.Bucket, c.Folders(), owner, c.Compression.Suffix())
}
