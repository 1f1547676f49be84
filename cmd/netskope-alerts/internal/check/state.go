package check

import (
	"context"
	"errors"
	"time"

	"netskope-alerts.internal/collector"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/internal/layout"
	"netskope-alerts.internal/collector/internal/ledger"
	"netskope-alerts.internal/collector/internal/state"
)

const (
	// staleState is how long a state may stand still: runs come every hour.
	staleState = 2 * time.Hour
	// farBehind is how far behind what could be collected the state may be.
	farBehind = 2 * time.Hour
	catchUp   = "run netskope-alerts collect until it exits with 0, and see what it says"
	rebuild   = "find out what happened to it; the next run rebuilds it from the ledger, " +
		"or netskope-alerts collect does it now"
)

// checkState reads the state, and what would become of a run that loads it.
func (c *checkup) checkState(ctx context.Context, k *collector.Collector) {
	uri := k.Bucket.URI(c.config.StateKey)
	if c.config.StateInFeed() {
		c.warn("state.place", "move the object out of "+c.config.Folders().Feed+", and set STATE_KEY to its new name",
			"%s lies in the feed's folder: the feed reads it as a log, and may delete it", uri)
	} else {
		c.pass("state.place", "%s lies outside the feed's folder", uri)
	}
	now := time.Now()
	s, err := within(ctx, k.ReadCheckpoint)
	if err != nil || s.Original {
		c.checkStateless(ctx, k, s, err, now)
		return
	}
	c.pass("state.content", "every alert before %s is in the bucket", s.Through.Format(time.RFC3339))
	if foreign := (*state.Foreign)(nil); errors.As(s.Check(c.config), &foreign) {
		c.fail("state.config", foreign.Remedy(), "it was made with %s=%s, but this run has %s", foreign.Name,
			foreign.Had, foreign.Has)
	} else {
		c.pass("state.config", "it was made for this tenant and TIME_FIELD")
	}
	if age := now.Sub(s.Saved); age > staleState {
		c.warn("state.age", "see what the last runs logged: ./deploy.sh status", "no run has saved it for %s",
			text.Roughly(age))
	} else {
		c.pass("state.age", "saved %s ago", text.Roughly(age))
	}
	switch behind := c.config.Horizon(now).Sub(s.Through); {
	case behind > farBehind:
		c.warn("state.lag", catchUp, "%s behind what could be collected", text.Roughly(behind))
	case behind <= 0:
		c.pass("state.lag", "caught up")
	default:
		c.pass("state.lag", "%s behind what could be collected", text.Roughly(behind))
	}
}

// remedied is an error that says what to do about it.
type remedied interface{ Remedy() string }

// checkStateless says what a run does that finds no state of this collector's: err says why
// there is none; where there is no error, s is the original function's.
func (c *checkup) checkStateless(ctx context.Context, k *collector.Collector, s collector.Checkpoint, err error,
	now time.Time) {
	const subject = "state.content"
	defer c.skipRest("there is no state of this collector's to be looked at", stateSubjects)
	none := errors.Is(err, collector.ErrNoState)
	var broken remedied
	if damaged := errors.As(err, &broken); err != nil && !none && !damaged {
		c.failState(err)
		return
	}
	var at ledger.Position
	known := false
	_, lookErr := within(ctx, func(ctx context.Context) (_ any, err error) {
		at, _, known, err = k.Ledger().Newest(ctx)
		return nil, err
	})
	through := at.Through.Format(time.RFC3339)
	switch {
	case lookErr != nil:
		c.failState(lookErr)
	case known && none:
		c.warn(subject, rebuild, "it is lost, but the ledger shows that the collector has come to %s", through)
	case known && broken != nil:
		c.warn(subject, rebuild, "%v; but the ledger shows that the collector has come to %s", err, through)
	case known:
		c.warn(subject, rebuild, "it is the original function's, but the ledger shows that the collector has come "+
			"to %s", through)
	case broken != nil:
		c.fail(subject, broken.Remedy(), "%v", err)
	case none:
		c.checkFirstState(ctx, k, now)
	default:
		c.pass(subject, "it is the original function's; the first run adopts it, and begins at %s",
			s.Through.Format(time.RFC3339))
	}
}

// checkFirstState says where a first run begins.
func (c *checkup) checkFirstState(ctx context.Context, k *collector.Collector, now time.Time) {
	s, err := within(ctx, func(ctx context.Context) (state.State, error) { return k.BeginState(ctx, now) })
	switch {
	case err != nil:
		c.failState(err)
	case s.LastEventTime != 0:
		c.adopts = true
		c.pass("state.content", "none yet; the first run adopts the original function's %s, and begins at %s",
			layout.OriginalStateKey(c.config.Prefix), s.Through.Format(time.RFC3339))
	default:
		c.pass("state.content", "none yet; the first run begins %s back, at %s",
			text.Plural(int64(c.config.Lookback/time.Hour), "hour"), s.Through.Format(time.RFC3339))
	}
}

// failState says why a run could not begin.
func (c *checkup) failState(err error) {
	_, remedy := c.storageTrouble(err)
	var told remedied
	switch {
	case errors.As(err, &told):
		remedy = told.Remedy()
	case errors.Is(err, ledger.ErrForeign):
		remedy = (&state.Foreign{}).Remedy()
	}
	c.fail("state.content", remedy, "%v", err)
}
