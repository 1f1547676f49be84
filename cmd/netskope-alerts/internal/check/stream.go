package check

import (
	"context"
	"errors"
	"slices"
	"time"

	"netskope-alerts.internal/collector"
	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/netskope"
)

// streamQuestions is how many requests are made for every stream but the first: one, and one more
// after an error that may pass.
const streamQuestions = 2

// checkStreams looks at the streams beside the first: whether token and licence reach them, their
// states and folders. Their findings have the stream's name before the subject, as in
// "page.tenant.token". Without a bucket, reason says why.
func (c *checkup) checkStreams(ctx context.Context, bucket *gcs.Bucket, reason string) {
	for _, config := range c.others {
		one := newCheckup(c.options, c.each)
		one.config, one.prefix = config, config.Stream.String()+"."
		if c.reached {
			one.checkStream(ctx)
		} else {
			one.skip("the tenant gave no answer", one.streamSubjects()...)
		}
		if bucket == nil {
			one.skip(reason, slices.Concat(stateSubjects, feedSubjects)...)
			continue
		}
		one.checkState(ctx, &collector.Collector{Config: config, Bucket: bucket})
		one.checkFeed(ctx, bucket)
	}
}

func (c *checkup) streamSubjects() []string {
	return []string{"tenant.token", "tenant." + string(c.config.TimeField)}
}

// checkStream asks for a small page of the stream.
func (c *checkup) checkStream(ctx context.Context) {
	p, end := newProbe(c.config, c.options.Transport), time.Now().Add(-c.config.Lag)
	p.asked = mostQuestions - streamQuestions
	q := netskope.Request{Field: c.config.TimeField, From: end.Add(-24 * time.Hour).Unix(), To: end.Unix(),
		Limit: smallPage}
	s, err := p.ask(ctx, q, askPatience)
	if failure := (*netskope.Error)(nil); errors.As(err, &failure) && failure.Status == 0 {
		seen, remedy := tenantTrouble(err)
		c.skip("the tenant does not say", "tenant.token")
		c.fail("tenant."+string(c.config.TimeField), remedy, "%s", seen)
		return
	}
	if reason := c.checkAccess(err); reason != "" {
		c.skipRest(reason, c.streamSubjects())
		return
	}
	c.checkTimeField(c.config.TimeField, s, err)
}
