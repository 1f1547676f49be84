// Package check looks at everything that a run of the collector needs, and says what to do
// about what is wrong. It is for operators; the deployed function has no part of it.
package check

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"netskope-alerts.internal/collector"
	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/netskope"
	"netskope-alerts.internal/collector/internal/plain"
	"netskope-alerts.internal/collector/internal/settings"
)

// Level says how something that was looked at is.
type Level string

const (
	Pass Level = "pass" // as it has to be, or only worth knowing
	Warn Level = "warn" // the collector works, but something may become a problem
	Fail Level = "fail" // the collector does not work, or loses or repeats alerts
	Skip Level = "skip" // not looked at, because of what was found earlier
)

// Finding is one thing that [Run] looked at.
type Finding struct {
	// Subject names what was looked at, for programs: it stays the same from version
	// to version, as in "tenant.token". A problem of a variable has its name, as in
	// "config.LAG". Only "bucket.lifecycle" may come more than once.
	Subject string `json:"subject"`
	Level   Level  `json:"level"`
	// Seen is what was seen, or why it was not looked at: a sentence in printable
	// characters, without the token.
	Seen string `json:"seen"`
	// Remedy is the one thing to do about a warning or a failure, and empty otherwise.
	Remedy string `json:"remedy,omitempty"`
}

// Options are how [Run] reaches the services; the zero value reaches the real ones.
type Options struct {
	// Transport carries the requests to the tenant. Nil is [netskope.NewTransport].
	Transport http.RoundTripper
	// LookupHost resolves the tenant's name. Nil is the machine's resolver.
	LookupHost func(ctx context.Context, host string) ([]string, error)
	// Bucket opens the bucket. Nil is [gcs.Open].
	Bucket func(name string) (*gcs.Bucket, error)
}

// The subjects of the findings, in their order.
var (
	tenantSubjects = []string{"tenant.name", "tenant.reach", "tenant.tls", "tenant.redirect", "tenant.clock",
		"tenant.token", "tenant.insertion", "tenant.event", "tenant.paging", "tenant.page_size", "tenant.alerts",
		"tenant.rate"}
	settingSubjects = []string{"bucket.requester_pays", "bucket.retention", "bucket.holds", "bucket.lifecycle",
		"bucket.soft_delete", "bucket.versioning", "bucket.public_access", "bucket.uniform_access"}
	trialSubjects = []string{"bucket.create", "bucket.read", "bucket.list", "bucket.overwrite", "bucket.move",
		"bucket.precondition", "bucket.delete", "bucket.cleanup"}
	bucketSubjects = slices.Concat([]string{"bucket.client", "bucket.attributes"}, settingSubjects, trialSubjects,
		[]string{"bucket.permissions"})
	stateSubjects = []string{"state.place", "state.content", "state.config", "state.age", "state.lag"}
	feedSubjects  = []string{"feed.folder", "feed.staging"}
)

// Run looks at everything that a run needs: the configuration, which it reads through
// lookup as [settings.ConfigsFromEnv] does, the tenant, the bucket, and the state and the feed's
// folder of every stream. Every finding is handed to each as soon as it is known.
//
// It may run beside the collector: it asks the tenant at most ten times, and twice for each stream
// beside the first, at the configured rate, and in the bucket it makes only objects of its own, in the folder
// check beside the feed's, and removes them again. It needs the permissions of a run, and, to
// see the bucket's settings, the right to read its metadata, which runs do without.
func Run(ctx context.Context, lookup func(string) (string, bool), o Options, each func(Finding)) {
	if o.Transport == nil {
		o.Transport = netskope.NewTransport()
	}
	if o.LookupHost == nil {
		o.LookupHost = net.DefaultResolver.LookupHost
	}
	if o.Bucket == nil {
		o.Bucket = gcs.Open
	}
	c := newCheckup(o, each)
	if !c.checkConfig(lookup) {
		c.skipRest("the configuration has to be right first",
			slices.Concat(tenantSubjects, bucketSubjects, stateSubjects, feedSubjects))
		return
	}
	c.checkTenant(ctx)
	c.checkStorage(ctx)
}

// checkStorage looks at the bucket and at what is in it.
func (c *checkup) checkStorage(ctx context.Context) {
	bucket, reason := c.checkBucket(ctx)
	if bucket == nil {
		c.skipRest(reason, slices.Concat(stateSubjects, feedSubjects))
	} else {
		c.checkState(ctx, &collector.Collector{Config: c.config, Bucket: bucket})
		c.checkFeed(ctx, bucket)
	}
	c.checkStreams(ctx, bucket, reason)
}

// checkup is one check under way.
type checkup struct {
	config  settings.Config
	others  []settings.Config // of the other streams
	prefix  string            // of all subjects
	reached bool              // the tenant has answered
	options Options
	each    func(Finding)
	found   map[string]bool // subjects
	adopts  bool            // the first run will need the original function's state
}

func newCheckup(o Options, each func(Finding)) *checkup {
	return &checkup{options: o, each: each, found: map[string]bool{}}
}

func (c *checkup) pass(subject, seen string, args ...any) {
	c.report(Finding{Subject: subject, Level: Pass, Seen: fmt.Sprintf(seen, args...)})
}

func (c *checkup) warn(subject, remedy, seen string, args ...any) {
	c.report(Finding{Subject: subject, Level: Warn, Seen: fmt.Sprintf(seen, args...), Remedy: remedy})
}

func (c *checkup) fail(subject, remedy, seen string, args ...any) {
	c.report(Finding{Subject: subject, Level: Fail, Seen: fmt.Sprintf(seen, args...), Remedy: remedy})
}

// skip gives the reason why the subjects were not looked at.
func (c *checkup) skip(reason string, subjects ...string) {
	for _, subject := range subjects {
		c.report(Finding{Subject: subject, Level: Skip, Seen: reason})
	}
}

// skipRest skips those of the subjects that have no finding yet.
func (c *checkup) skipRest(reason string, subjects []string) {
	for _, subject := range subjects {
		if !c.found[subject] {
			c.skip(reason, subject)
		}
	}
}

func (c *checkup) report(f Finding) {
	c.found[f.Subject] = true
	f.Subject = c.prefix + f.Subject
	f.Seen, f.Remedy = c.printable(f.Seen), c.printable(f.Remedy)
	c.each(f)
}

// longestSentence is how much of a text is shown, in characters: some quote what a service
// answered.
const longestSentence = 600

// printable is the text on one line, without the token and without characters that a
// terminal obeys rather than shows.
func (c *checkup) printable(said string) string {
	return plain.Text(strings.Join(strings.Fields(said), " "), c.config.Token, longestSentence)
}
