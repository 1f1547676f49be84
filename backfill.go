package collector

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"cloud.google.com/go/storage"

	"netskope-alerts.internal/collector/internal/message"
)

// Backfill collects the alerts of a past span, or goes on with it, within the budget. It
// has a state of its own beside the live one, and passes over what the ledger shows as
// delivered. The span must end where the live collector has been; then the two never
// work on the same alerts. The report is as of [Run]: CaughtUp says that the span is
// complete.
//
// The same span may be run again, and by several instances at once: they make the same
// entries in the ledger. Two spans that overlap, of which neither is complete, are
// refused, because they may cut different windows of the same alerts.
func Backfill(ctx context.Context, c Config, bucket *storage.BucketHandle, client *http.Client, now time.Time, span Window, progress func(Report)) (Report, error) {
	return backfill(ctx, c, bucket, client, now, span, false, progress)
}

func backfill(ctx context.Context, c Config, bucket *storage.BucketHandle, client *http.Client, now time.Time, span Window, repair bool, progress func(Report)) (Report, error) {
	own, done, err := beginBackfill(ctx, c, bucket, span, repair)
	if err != nil {
		return Report{Stopped: stoppedFailed}, fmt.Errorf("backfill %v: %w", span, err)
	}
	if done {
		return Report{From: span.To, Through: span.To, Stopped: StoppedCaughtUp, CaughtUp: true}, nil
	}
	report, err := runSpan(ctx, own, bucket, client, now, span, progress)
	if err == nil && report.CaughtUp {
		err = unregister(ctx, c, bucket, span)
	}
	return report, err
}

func backfillState(c Config, span Window) string {
	return c.Folders().Backfills + span.From.Format(compactTime) + "_" + span.To.Format(compactTime) + ".json"
}

// checkSpan refuses what cannot be backfilled beside the live collector.
func checkSpan(ctx context.Context, c Config, bucket *storage.BucketHandle, span Window) error {
	if err := span.check(); err != nil {
		return err
	}
	live, err := readState(ctx, bucket, c.StateKey)
	switch {
	case errors.Is(err, storage.ErrObjectNotExist), err == nil && live.Next.IsZero():
		return fmt.Errorf("the collector has not run yet (there is no state gs://%s/%s), so nobody knows where it will begin: let it run once", c.Bucket, c.StateKey)
	case err != nil:
		return err
	}
	if err := live.Check(c); err != nil {
		return err
	}
	if span.To.After(live.Through) {
		return fmt.Errorf("the collector itself collects what is after %s; end the span there or earlier", live.Through.Format(time.RFC3339))
	}
	return nil
}

// beginBackfill registers the span and makes its state, unless that has been done, and
// returns the configuration with which it is run; done says that nothing is left to do.
func beginBackfill(ctx context.Context, c Config, bucket *storage.BucketHandle, span Window, repair bool) (own Config, done bool, err error) {
	if err := checkSpan(ctx, c, bucket, span); err != nil {
		return c, false, err
	}
	own = c
	own.StateKey = backfillState(c, span)
	s, err := readState(ctx, bucket, own.StateKey)
	if err == nil {
		return own, s.complete(), nil
	}
	if !errors.Is(err, storage.ErrObjectNotExist) {
		return own, false, err
	}
	if err := register(ctx, c, bucket, span, repair); err != nil {
		return own, false, err
	}
	_, err = firstState(ctx, bucket, own, State{Through: span.From, Until: span.To})
	if errors.Is(err, errStateMoved) {
		err = nil // by another instance that begins the same span
	}
	return own, false, err
}

// check refuses spans that cannot be cut into windows.
func (w Window) check() error {
	switch {
	case w.From.Location() != time.UTC || w.To.Location() != time.UTC || w.From.Nanosecond() != 0 || w.To.Nanosecond() != 0:
		return fmt.Errorf("span %v is not in whole seconds UTC", w)
	case !w.From.Before(w.To):
		return fmt.Errorf("span %v ends before it begins", w)
	case w.From.Unix() < earliestAlert:
		return fmt.Errorf("span %v begins before there were alerts", w)
	}
	return nil
}

// PlanBackfill cuts the span into spans of the given length, whole seconds, of which each
// can be backfilled by itself, in any order and at the same time, and registers those
// that are not complete, so that no other backfill gets in between. The same plan may be
// made again: it returns what is left to do.
func PlanBackfill(ctx context.Context, c Config, bucket *storage.BucketHandle, span Window, length time.Duration) ([]Window, error) {
	var left []Window
	for from := span.From; from.Before(span.To); from = from.Add(length) {
		part := Window{From: from, To: from.Add(length)}
		if part.To.After(span.To) {
			part.To = span.To
		}
		_, done, err := beginBackfill(ctx, c, bucket, part, false)
		if err != nil {
			return nil, fmt.Errorf("plan backfill %v: %w", part, err)
		}
		if !done {
			left = append(left, part)
		}
	}
	return left, nil
}

// BackfillMessage is the Pub/Sub message that has the function backfill the span.
func BackfillMessage(span Window) ([]byte, error) {
	return message.Backfill(span.From, span.To)
}
