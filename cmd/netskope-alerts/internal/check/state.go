package check

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"cloud.google.com/go/storage"

	"netskope-alerts.internal/collector"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
)

const (
	// staleState is how long a state may stand still: runs come every hour.
	staleState = 2 * time.Hour
	// farBehind is how far behind the newest window the state may be.
	farBehind = 2 * time.Hour
	catchUp   = "run netskope-alerts collect until it exits with 0, and see what it says"
)

// checkState reads the state, and what would become of a run that loads it.
func (c *checkup) checkState(ctx context.Context, bucket *storage.BucketHandle) {
	uri := "gs://" + c.config.Bucket + "/" + c.config.StateKey
	if c.config.StateInFeed() {
		c.warn("state.place", "move the object out of "+c.config.Prefix+"/, and set STATE_KEY to its new name",
			"%s lies in the feed's folder: the feed reads it as a log, and may delete it", uri)
	} else {
		c.pass("state.place", "%s lies outside the feed's folder", uri)
	}
	now := time.Now()
	s, err := within(ctx, func(ctx context.Context) (collector.Checkpoint, error) {
		return collector.ReadCheckpoint(ctx, c.config, bucket)
	})
	if errors.Is(err, collector.ErrNoState) {
		c.checkFirstState(ctx, bucket, now)
		return
	}
	if err != nil {
		c.reportState(err)
		return
	}
	if s.Next.IsZero() {
		c.pass("state.content", "it is the original function's; the first run adopts it, and begins at %s",
			s.Through.Format(time.RFC3339))
		c.skipRest("the state is the original function's", stateSubjects)
		return
	}
	c.pass("state.content", "every alert before %s is in the bucket", s.Through.Format(time.RFC3339))
	if err := s.Check(c.config); err != nil {
		seen, _, _ := strings.Cut(err.Error(), ": give ")
		c.fail("state.config", "give each tenant and time field its own STATE_KEY and GCS_PREFIX", "%s", seen)
	} else {
		c.pass("state.config", "it was made for this tenant and TIME_FIELD")
	}
	c.checkStateAge(ctx, bucket, now)
	switch behind := c.config.Horizon(now).Sub(s.Through); {
	case behind > farBehind:
		c.warn("state.lag", catchUp, "%s behind what could be collected", text.Roughly(behind))
	case behind <= 0:
		c.pass("state.lag", "caught up")
	default:
		c.pass("state.lag", "%s behind what could be collected", text.Roughly(behind))
	}
}

// checkFirstState says where a first run begins.
func (c *checkup) checkFirstState(ctx context.Context, bucket *storage.BucketHandle, now time.Time) {
	s, err := within(ctx, func(ctx context.Context) (collector.State, error) {
		return collector.BeginState(ctx, c.config, bucket, now)
	})
	switch {
	case err != nil:
		c.reportState(err)
	case s.LastEventTime != 0:
		c.adopts = true
		c.pass("state.content", "none yet; the first run adopts the original function's %s, and begins at %s",
			c.config.OriginalStateKey(), s.Through.Format(time.RFC3339))
	default:
		c.pass("state.content", "none yet; the first run begins %s back, at %s",
			text.Plural(int64(c.config.Lookback/time.Hour), "hour"), s.Through.Format(time.RFC3339))
	}
	c.skipRest("there is no state yet", stateSubjects)
}

// reportState says why the state cannot be worked with.
func (c *checkup) reportState(err error) {
	seen, remedy, ok := strings.Cut(err.Error(), "; nothing was collected: ")
	if !ok {
		seen, remedy, ok = strings.Cut(err.Error(), "; set STATE_KEY")
		remedy = "set STATE_KEY" + remedy
	}
	if !ok {
		_, remedy = c.storageTrouble(err)
		if isStatus(err, http.StatusForbidden) {
			remedy = grant
		}
	}
	c.fail("state.content", remedy, "%s", seen)
	c.skipRest("the state cannot be read", stateSubjects)
}

func (c *checkup) checkStateAge(ctx context.Context, bucket *storage.BucketHandle, now time.Time) {
	a, err := within(ctx, bucket.Object(c.config.StateKey).Attrs)
	if err != nil {
		seen, _ := c.storageTrouble(err)
		c.skip("when it was saved is not to be seen: "+seen, "state.age")
		return
	}
	if age := now.Sub(a.Updated); age > staleState {
		c.warn("state.age", "see what the last runs logged: ./deploy.sh status", "no run has saved it for %s",
			text.Roughly(age))
	} else {
		c.pass("state.age", "saved %s ago", text.Roughly(age))
	}
}
