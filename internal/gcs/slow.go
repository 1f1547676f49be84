package gcs

import (
	"context"
	"time"
)

type slowKey struct{}

type slow struct {
	after time.Duration
	tell  func(what string)
}

// WhenSlow is a context in which every operation that takes longer than after is told of once,
// while it is still going on.
func WhenSlow(ctx context.Context, after time.Duration, tell func(what string)) context.Context {
	return context.WithValue(ctx, slowKey{}, slow{after, tell})
}

// watched tells of an operation on the bucket if it is slow, until done is called.
func (b *Bucket) watched(ctx context.Context) (done func()) {
	s, ok := ctx.Value(slowKey{}).(slow)
	if !ok {
		return func() {}
	}
	timer := time.AfterFunc(s.after, func() { s.tell("Cloud Storage, gs://" + b.Name()) })
	return func() { timer.Stop() }
}
