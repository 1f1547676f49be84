package collector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/storage"

	"netskope-alerts.internal/collector/internal/strictjson"
)

// registry lists the spans whose backfills have begun and are not complete. Because it is
// one object, saved by compare-and-swap, no two that overlap can get in.
type registry struct {
	Unfinished []registered `json:"unfinished"`

	generation int64
}

// registered is one span. Repair says that an audit fills a hole with it, and that the
// next audit that repairs goes on with it if that one died.
type registered struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Repair bool      `json:"repair,omitempty"`
}

func (r registered) window() Window { return Window{From: r.From.UTC(), To: r.To.UTC()} }

// errSpanTaken says that another backfill that is not complete has a part of the span.
var errSpanTaken = errors.New("it overlaps a backfill that is not complete")

// registryTries is how often a change of the registry is begun anew because another came
// first.
const registryTries = 20

func registryKey(c Config) string { return c.Folders().Backfills + "spans.json" }

// register enters the span, if none that it overlaps is unfinished. One that is complete
// and was not taken out, because its run died, is taken out now.
func register(ctx context.Context, c Config, bucket *storage.BucketHandle, span Window, repair bool) error {
	return changeRegistry(ctx, c, bucket, func(r *registry) error {
		var left []registered
		for _, other := range r.Unfinished {
			w := other.window()
			if w == span {
				return nil
			}
			if w.overlaps(span) {
				s, err := readState(ctx, bucket, backfillState(c, w))
				if err != nil && !errors.Is(err, storage.ErrObjectNotExist) {
					return err
				}
				if err != nil || !s.complete() {
					return fmt.Errorf("%w: %v: run that one to its end (an audit that repairs does, if one began it), or give it up, which loses nothing that it has delivered", errSpanTaken, w)
				}
				continue
			}
			left = append(left, other)
		}
		r.Unfinished = append(left, registered{span.From, span.To, repair})
		return nil
	})
}

// unregister takes the span out.
func unregister(ctx context.Context, c Config, bucket *storage.BucketHandle, span Window) error {
	return changeRegistry(ctx, c, bucket, func(r *registry) error {
		r.Unfinished = slices.DeleteFunc(r.Unfinished, func(r registered) bool { return r.window() == span })
		return nil
	})
}

func changeRegistry(ctx context.Context, c Config, bucket *storage.BucketHandle, change func(*registry) error) error {
	uri := "gs://" + c.Bucket + "/" + registryKey(c)
	for range registryTries {
		r, err := readRegistry(ctx, c, bucket)
		if err != nil {
			return err
		}
		before := len(r.Unfinished)
		if err := change(&r); err != nil {
			return err
		}
		if len(r.Unfinished) == before && before == 0 {
			return nil
		}
		content, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return fmt.Errorf("encode registry of backfills: %w", err)
		}
		_, err = put(ctx, bucket.Object(registryKey(c)).If(unchanged(r.generation)), append(content, '\n'), storage.ObjectAttrs{ContentType: "application/json"}, stateChunk)
		if isPreconditionFailed(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("save registry of backfills %s: %w", uri, err)
		}
		return nil
	}
	return fmt.Errorf("save registry of backfills %s: others changed it %d times in a row", uri, registryTries)
}

func readRegistry(ctx context.Context, c Config, bucket *storage.BucketHandle) (registry, error) {
	var r registry
	err := readJSON(ctx, bucket, registryKey(c), &r, &r.generation)
	if err != nil {
		return r, fmt.Errorf("read registry of backfills: %w", err)
	}
	return r, nil
}

// readJSON decodes the object strictly and tells its generation. One that does not exist
// leaves both as they are.
func readJSON(ctx context.Context, bucket *storage.BucketHandle, key string, into any, generation *int64) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	failed := func(err error) error {
		return fmt.Errorf("read gs://%s/%s: %w", bucket.BucketName(), key, because(ctx, err))
	}
	r, err := bucket.Object(key).NewReader(ctx)
	if errors.Is(err, storage.ErrObjectNotExist) {
		return nil
	}
	if err != nil {
		return failed(err)
	}
	defer r.Close()
	content, err := io.ReadAll(io.LimitReader(r, maxStateBytes))
	if err != nil {
		return failed(err)
	}
	if err := strictjson.Decode(content, into); err != nil {
		return failed(err)
	}
	*generation = r.Attrs.Generation
	return nil
}

// AbandonBackfill gives up the backfill of a span, so that others may overlap it. What it
// has delivered stays delivered, and in the ledger. No run of it may be under way.
func AbandonBackfill(ctx context.Context, c Config, bucket *storage.BucketHandle, span Window) error {
	err := bucket.Object(backfillState(c, span)).Delete(ctx)
	if err != nil && !errors.Is(err, storage.ErrObjectNotExist) {
		return fmt.Errorf("delete gs://%s/%s: %w", c.Bucket, backfillState(c, span), err)
	}
	return unregister(ctx, c, bucket, span)
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
	err := eachObject(ctx, bucket, storage.Query{Prefix: c.Folders().Backfills}, func(o *storage.ObjectAttrs) error {
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
