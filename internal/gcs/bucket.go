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
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
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

var shared struct {
	sync.Mutex
	client *storage.Client
}

// Open returns the bucket through a client that all runs of the process share. It is made
// by the first run that succeeds in it, not when the process starts: a missing credential is
// then that run's error, and the next one tries again. STORAGE_EMULATOR_HOST is honoured.
func Open(name string) (*Bucket, error) {
	shared.Lock()
	defer shared.Unlock()
	if shared.client == nil {
		// Not the run's context: the client outlives the run.
		made, err := NewClient(context.Background())
		if err != nil {
			return nil, fmt.Errorf("open bucket %s: %w", name, err)
		}
		shared.client = made
	}
	return Through(shared.client, name), nil
}

// Through is the bucket as the client reaches it.
func Through(client *storage.Client, name string) *Bucket { return &Bucket{client.Bucket(name)} }

// NewClient makes a Cloud Storage client as the collector needs it: reads go through the
// JSON API, as emulators expect, and every write, all of which carry a precondition, is
// retried even where the connection was closed before an answer came.
func NewClient(ctx context.Context, options ...option.ClientOption) (*storage.Client, error) {
	standard := []option.ClientOption{option.WithScopes(storage.ScopeReadWrite), storage.WithJSONReads()}
	c, err := storage.NewClient(ctx, append(standard, options...)...)
	if err != nil {
		return nil, err
	}
	emulator := os.Getenv("STORAGE_EMULATOR_HOST") != ""
	c.SetRetry(storage.WithErrorFunc(func(err error) bool {
		if emulator && errors.Is(err, syscall.ECONNREFUSED) {
			return false // it was not started
		}
		if refusal := RefusalOf(err); refusal != nil && refusal.Status == http.StatusNotImplemented {
			return false
		}
		return storage.ShouldRetry(err) || errors.Is(err, io.EOF)
	}))
	return c, nil
}

// Name is the bucket's, without gs://.
func (b *Bucket) Name() string { return b.handle.BucketName() }

// URI is the object's address.
func (b *Bucket) URI(name string) string { return "gs://" + b.Name() + "/" + name }

// Handle is the client's own, for what this package has no operation for.
func (b *Bucket) Handle() *storage.BucketHandle { return b.handle }

func objectOf(o *storage.ObjectAttrs) Object {
	return Object{Name: cmp.Or(o.Name, o.Prefix), Generation: o.Generation, Created: o.Created.UTC(), Size: o.Size, CRC32C: o.CRC32C,
		Metadata: o.Metadata}
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

// Names are those that a list is to hold: all that begin with Prefix, from From on and
// before To, in the order of their bytes. From and To may be empty.
type Names struct {
	Prefix, From, To string
	// AtOnce is how many are asked for with one request; 0 is as many as the storage gives.
	AtOnce int
	// Flat leaves out what lies in folders below Prefix, and has an object for each of these
	// folders, of which there is nothing but its name, with a slash at its end.
	Flat bool
}

// List hands the objects to each, in the order of their names. It may take as long as it
// takes, but not stand still.
//
// It needs storage.objects.list.
func (b *Bucket) List(ctx context.Context, n Names, each func(Object) error) error {
	q := storage.Query{Prefix: n.Prefix, StartOffset: n.From, EndOffset: n.To}
	if n.Flat {
		q.Delimiter = "/"
	}
	return b.list(ctx, q, n.AtOnce, each)
}

// Versions hands each version of the one object to each, in no promised order, as far as the
// bucket keeps them.
//
// It needs storage.objects.list.
func (b *Bucket) Versions(ctx context.Context, name string, each func(Object) error) error {
	return b.list(ctx, storage.Query{Prefix: name, Versions: true}, 0, func(o Object) error {
		if o.Name != name {
			return nil
		}
		return each(o)
	})
}

func (b *Bucket) list(ctx context.Context, q storage.Query, atOnce int, each func(Object) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(patience, func() { cancel(ErrOutage) })
	defer watch.Stop()
	arrived := b.watched(ctx)
	defer arrived()
	failed := func(err error) error { return fmt.Errorf("list %s: %w", b.URI(q.Prefix), because(ctx, err)) }
	if err := q.SetAttrSelection([]string{"Name", "Generation", "Created", "Size", "CRC32C", "Metadata"}); err != nil {
		return failed(err)
	}
	objects := b.handle.Objects(ctx, &q)
	objects.PageInfo().MaxSize = atOnce
	for {
		o, err := objects.Next()
		if errors.Is(err, iterator.Done) {
			return nil
		}
		if err != nil {
			return failed(err)
		}
		watch.Reset(patience)
		arrived()
		switch err := each(objectOf(o)); {
		case errors.Is(err, Enough):
			return nil
		case err != nil:
			return err
		}
	}
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
