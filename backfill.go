package collector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/storage"
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
	if err := checkSpan(ctx, c, bucket, span); err != nil {
		return Report{Stopped: stoppedFailed}, fmt.Errorf("backfill %v: %w", span, err)
	}
	c.StateKey = backfillState(c, span)
	return runSpan(ctx, c, bucket, client, now, span, progress)
}

// backfillFolder holds the states of backfills.
func backfillFolder(c Config) string { return c.Prefix + ".backfill/" }

func backfillState(c Config, span Window) string {
	return backfillFolder(c) + span.From.Format(compactTime) + "_" + span.To.Format(compactTime) + ".json"
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
	if err := live.check(c); err != nil {
		return err
	}
	if span.To.After(live.Through) {
		return fmt.Errorf("the collector itself collects what is after %s; end the span there or earlier", live.Through.Format(time.RFC3339))
	}
	begun, err := Backfills(ctx, c, bucket)
	if err != nil {
		return err
	}
	for _, other := range begun {
		if other.Span != span && other.Span.overlaps(span) && !other.Complete() {
			return fmt.Errorf("it overlaps the backfill %v, which is not complete: run that one to its end; or give it up by deleting gs://%s/%s, which loses nothing that it has delivered", other.Span, c.Bucket, backfillState(c, other.Span))
		}
	}
	return nil
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

// BackfillProgress is how far the backfill of a span has come.
type BackfillProgress struct {
	Span    Window
	Through time.Time // every alert of the span before it is delivered; UTC
}

// Complete reports whether the whole span is delivered.
func (p BackfillProgress) Complete() bool { return !p.Through.Before(p.Span.To) }

// Backfills lists the backfills that were begun, complete or not, by their spans' start.
func Backfills(ctx context.Context, c Config, bucket *storage.BucketHandle) ([]BackfillProgress, error) {
	var begun []BackfillProgress
	err := eachObject(ctx, bucket, storage.Query{Prefix: backfillFolder(c)}, func(o *storage.ObjectAttrs) error {
		span, ok := spanOf(baseName(o.Name))
		if !ok {
			return nil
		}
		s, err := readState(ctx, bucket, o.Name)
		if errors.Is(err, storage.ErrObjectNotExist) {
			return nil // given up meanwhile
		}
		begun = append(begun, BackfillProgress{Span: span, Through: s.Through})
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(begun, func(a, b BackfillProgress) int { return a.Span.From.Compare(b.Span.From) })
	return begun, nil
}

// spanOf reads the span from the name of a backfill's state.
func spanOf(name string) (Window, bool) {
	from, to, _ := strings.Cut(strings.TrimSuffix(name, ".json"), "_")
	begin, err := time.Parse(compactTime, from)
	end, endErr := time.Parse(compactTime, to)
	return Window{From: begin, To: end}, err == nil && endErr == nil
}

// PlanBackfill cuts the span into spans of the given length, whole seconds, of which each
// can be backfilled by itself, in any order and at the same time, and registers those
// that are not complete, so that no other backfill gets in between. The same plan may be
// made again: it returns what is left to do.
func PlanBackfill(ctx context.Context, c Config, bucket *storage.BucketHandle, now time.Time, span Window, length time.Duration) ([]Window, error) {
	var left []Window
	for from := span.From; from.Before(span.To); from = from.Add(length) {
		part := Window{From: from, To: from.Add(length)}
		if part.To.After(span.To) {
			part.To = span.To
		}
		if err := checkSpan(ctx, c, bucket, part); err != nil {
			return nil, fmt.Errorf("plan backfill %v: %w", part, err)
		}
		own := c
		own.StateKey = backfillState(c, part)
		s, err := loadState(ctx, bucket, own, now, part)
		if err != nil {
			return nil, fmt.Errorf("plan backfill %v: %w", part, err)
		}
		if !s.complete() {
			left = append(left, part)
		}
	}
	return left, nil
}

// BackfillMessage is the Pub/Sub message that has the function backfill the span.
func BackfillMessage(span Window) ([]byte, error) {
	content, err := json.Marshal(message{Backfill: &messageSpan{span.From, span.To}})
	if err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	return content, nil
}
