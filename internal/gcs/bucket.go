// Package gcs does one operation on one object of a bucket: bounded in time, on a
// precondition, whole or not at all.
package gcs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"cloud.google.com/go/storage"
)

// Errors of operations that a program acts on.
var (
	// ErrNotExist says that there is no such object.
	ErrNotExist = storage.ErrObjectNotExist
	// ErrChanged says that the object is not, or no longer, as the operation requires: of
	// another generation, or there although it must not be.
	ErrChanged = errors.New("the object has changed, or is there already")
	// ErrOutage says that Cloud Storage stood still. It is never the end of the caller's own
	// time, whatever the errors below it say.
	ErrOutage = errors.New("cloud storage did not do it within " + patience.String())
	// Enough, returned by the function that a list is handed to, ends the list without an
	// error.
	//lint:ignore ST1012 it is the name of no failure
	Enough = errors.New("enough")
)

// patience is how long an operation on a small object may take, with the client's retries,
// and how long a list or a content may stand still. The client itself would go on for as
// long as its context lives, and an outage would pass for a spent budget.
const patience = time.Minute

// Bucket is one bucket.
type Bucket struct{ handle *storage.BucketHandle }

// Object is what Cloud Storage says of an object. Times are UTC.
type Object struct {
	Name       string
	Generation int64
	Created    time.Time
	Size       int64 // bytes, as stored
	CRC32C     uint32
	Metadata   map[string]string
}

// Name is the bucket's, without gs://.
func (b *Bucket) Name() string { return b.handle.BucketName() }

// URI is the object's address.
func (b *Bucket) URI(name string) string { return "gs://" + b.Name() + "/" + name }

// Handle is the client's own, for what this package has no operation for.
func (b *Bucket) Handle() *storage.BucketHandle { return b.handle }

func objectOf(o *storage.ObjectAttrs) Object {
	return Object{
		Name: cmp.Or(o.Name, o.Prefix), Generation: o.Generation, Created: o.Created.UTC(),
		Size: o.Size, CRC32C: o.CRC32C, Metadata: o.Metadata,
	}
}

// Look is what the bucket says of the object. The error is ErrNotExist if there is none.
//
// It needs storage.objects.get, and storage.objects.list: without the latter Cloud Storage
// answers 403 for an object that does not exist.
func (b *Bucket) Look(ctx context.Context, name string) (Object, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	defer b.watched(ctx)()
	o, err := b.handle.Object(name).Attrs(ctx)
	if err != nil {
		return Object{}, fmt.Errorf("look at %s: %w", b.URI(name), because(ctx, err))
	}
	return objectOf(o), nil
}

// Read returns the object's content, of most bytes at most, and what the bucket says of it,
// but for the metadata. Generation 0 is the object as it is now.
//
// It needs storage.objects.get and storage.objects.list.
func (b *Bucket) Read(ctx context.Context, name string, generation, most int64) ([]byte, Object, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	defer b.watched(ctx)()
	failed := func(err error) ([]byte, Object, error) {
		return nil, Object{}, fmt.Errorf("read %s: %w", b.URI(name), because(ctx, err))
	}
	r, err := b.at(name, generation).NewReader(ctx)
	if err != nil {
		return failed(err)
	}
	defer r.Close()
	if r.Attrs.Generation <= 0 {
		return failed((&Refusal{Status: http.StatusOK, Said: "something without a generation"}).named(CauseProxy))
	}
	content, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return failed(err)
	}
	if int64(len(content)) > most {
		return failed(fmt.Errorf("it is longer than %d bytes", most))
	}
	return content, Object{Name: name, Generation: r.Attrs.Generation, Created: r.Attrs.LastModified.UTC(),
		Size: r.Attrs.Size, CRC32C: r.Attrs.CRC32C}, nil
}

func (b *Bucket) at(name string, generation int64) *storage.ObjectHandle {
	o := b.handle.Object(name)
	if generation == 0 {
		return o
	}
	return o.Generation(generation)
}

// Move moves the object to a name that must be free. It is atomic: at no time is the
// object at both places, or at none (Cloud Storage, JSON API, "Objects: move"). The error
// is ErrChanged if the name is taken or the object is of another generation, and
// ErrNotExist if it is not there; which of these a repeated move gets is not documented.
// An endpoint that does not know the operation is a [*Refusal] with CauseMove: a 404 is
// believed to speak of the object only after a look.
//
// It needs storage.objects.get, storage.objects.create and storage.objects.delete.
func (b *Bucket) Move(ctx context.Context, from string, generation int64, to string) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	defer b.watched(ctx)()
	_, err := b.handle.Object(from).If(storage.Conditions{GenerationMatch: generation}).Move(ctx,
		storage.MoveObjectDestination{Object: to, Conditions: &storage.Conditions{DoesNotExist: true}})
	if err == nil {
		return nil
	}
	failed := func(err error) error { return fmt.Errorf("move %s to %s: %w", b.URI(from), b.URI(to), err) }
	refusal := RefusalOf(err)
	if refusal == nil {
		return failed(because(ctx, err))
	}
	unknown := (refusal.Cause == CauseOther || refusal.Cause == CauseProxy) && slices.Contains(moveUnknown, refusal.Status)
	if unknown && refusal.Status == http.StatusNotFound {
		o, lookErr := b.handle.Object(from).Attrs(ctx)
		unknown = lookErr == nil && o.Generation == generation
	}
	if unknown {
		return failed(refusal.named(CauseMove))
	}
	return failed(because(ctx, err))
}

// moveUnknown are the statuses with which endpoints answer a move that they do not know.
var moveUnknown = []int{http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed,
	http.StatusNotImplemented}

// Delete deletes the object, if it is of the generation.
//
// It needs storage.objects.delete.
func (b *Bucket) Delete(ctx context.Context, name string, generation int64) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	defer b.watched(ctx)()
	err := b.handle.Object(name).If(storage.Conditions{GenerationMatch: generation}).Delete(ctx)
	if err != nil {
		return fmt.Errorf("delete %s: %w", b.URI(name), because(ctx, err))
	}
	return nil
}

// bounded gives one operation on a small object its patience.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, patience, ErrOutage)
}

// because is the error of an operation with a bounded context, as the errors of this
// package. What the server said is in it, but never a whole body.
func because(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	refusal := RefusalOf(err)
	said := err
	if refusal != nil {
		said = refusal
	}
	switch {
	case errors.Is(context.Cause(ctx), ErrOutage):
		return fmt.Errorf("%w: %v", ErrOutage, Plainly(said)) // not the caller's deadline, whatever err says
	case refusal == nil:
		return Plainly(err)
	case ctx.Err() != nil:
		return fmt.Errorf("%w, while %w", ctx.Err(), refusal) // the caller's own end
	case refusal.Cause != CauseOther:
		return refusal
	case refusal.Status == http.StatusPreconditionFailed:
		return fmt.Errorf("%w: %w", ErrChanged, refusal)
	case errors.Is(err, ErrNotExist):
		return fmt.Errorf("%w: %w", ErrNotExist, refusal)
	}
	return refusal
}
