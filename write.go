package collector

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"strings"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
)

const (
	// alertChunk is how much of an object is held to be sent again if a chunk of its
	// upload fails. It is what a run's memory mostly is, so it is not the client's 16 MiB.
	alertChunk = 4 << 20
	stateChunk = 256 << 10
	// lineBuffer gathers lines, because every write to the client costs a hand-over
	// between goroutines.
	lineBuffer = 256 << 10
	// uploadTimeout bounds how long the storage may take nothing, with the client's own
	// retries. They would otherwise go on until the run's end, and an outage of the
	// storage would pass for a spent budget.
	uploadTimeout = 90 * time.Second
)

var errUploadTimeout = errors.New("cloud storage took nothing for " + uploadTimeout.String())

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(content []byte) uint32 { return crc32.Checksum(content, castagnoli) }

// object is one object being written line by line, under a name that nobody else uses.
// Nothing of it is visible before commit has succeeded, and then all of it is.
//
// Creating needs storage.objects.create.
type object struct {
	uri    string
	handle *storage.ObjectHandle
	ctx    context.Context
	cancel context.CancelCauseFunc
	upload *storage.Writer
	packed *bufio.Writer // takes the small writes of zip; both nil if not compressed
	zip    *gzip.Writer
	lines  *bufio.Writer
	bytes  int64 // written, before compression
}

// create begins an object, compressed if its name says so. labels are metadata for
// people; nothing reads them.
func create(ctx context.Context, bucket *storage.BucketHandle, name string, labels map[string]string) *object {
	ctx, cancel := context.WithCancelCause(ctx)
	o := &object{uri: "gs://" + bucket.BucketName() + "/" + name, handle: bucket.Object(name), ctx: ctx, cancel: cancel}
	o.upload = o.handle.If(storage.Conditions{DoesNotExist: true}).NewWriter(ctx)
	o.upload.ChunkSize = alertChunk
	o.upload.ContentType = "application/x-ndjson"
	o.upload.Metadata = labels
	if !strings.HasSuffix(name, gzipSuffix) {
		o.lines = bufio.NewWriterSize(watchedUpload{o}, lineBuffer)
		return o
	}
	o.upload.ContentType = "application/gzip"
	o.packed = bufio.NewWriterSize(watchedUpload{o}, lineBuffer)
	o.zip, _ = gzip.NewWriterLevel(o.packed, gzip.BestSpeed) // fails only for a level that does not exist
	o.lines = bufio.NewWriterSize(o.zip, lineBuffer)
	return o
}

// watchedUpload gives up an upload that takes nothing.
type watchedUpload struct{ *object }

func (u watchedUpload) Write(p []byte) (int, error) {
	defer u.watch().Stop()
	return u.upload.Write(p)
}

func (o *object) watch() *time.Timer {
	return time.AfterFunc(uploadTimeout, func() { o.cancel(errUploadTimeout) })
}

// Write appends to the object. It fails only where the upload has failed.
func (o *object) Write(p []byte) (int, error) {
	o.bytes += int64(len(p))
	if _, err := o.lines.Write(p); err != nil {
		return 0, o.failed(err)
	}
	return len(p), nil
}

func (o *object) failed(err error) error {
	if cause := context.Cause(o.ctx); cause == errUploadTimeout {
		err = cause
	}
	return fmt.Errorf("write %s: %w", o.uri, err)
}

// commit makes the object durable and returns what the storage says of it. After an
// error, nobody knows whether it is.
func (o *object) commit() (*storage.ObjectAttrs, error) {
	defer o.watch().Stop()
	defer o.cancel(nil)
	err := o.lines.Flush()
	if err == nil && o.zip != nil {
		if err = o.zip.Close(); err == nil {
			err = o.packed.Flush()
		}
	}
	if err == nil {
		err = o.upload.Close()
	}
	if err == nil {
		return o.upload.Attrs(), nil
	}
	if isPreconditionFailed(err) { // by a request of ours whose answer was lost: nobody else has the name
		attributes, err := o.handle.Attrs(o.ctx)
		if err == nil {
			return attributes, nil
		}
		return nil, o.failed(err)
	}
	return nil, o.failed(err)
}

// abandon ends the writing so that nothing becomes visible. The writer must not be
// closed then: closing publishes what it has.
func (o *object) abandon() { o.cancel(context.Canceled) }

func isPreconditionFailed(err error) bool {
	var e *googleapi.Error
	return errors.As(err, &e) && e.Code == http.StatusPreconditionFailed
}

// put writes a small object whole, if o's conditions hold.
func put(ctx context.Context, o *storage.ObjectHandle, content []byte, attributes storage.ObjectAttrs, chunk int) (*storage.ObjectAttrs, error) {
	// Cancelling after Close has no effect; before it, it abandons the write.
	ctx, cancel := bounded(ctx)
	defer cancel()
	w := o.NewWriter(ctx)
	w.ObjectAttrs.ContentType, w.ObjectAttrs.Metadata = attributes.ContentType, attributes.Metadata
	w.ChunkSize = chunk
	w.CRC32C, w.SendCRC32C = checksum(content), true
	if _, err := w.Write(content); err != nil {
		return nil, because(ctx, err)
	}
	if err := w.Close(); err != nil {
		return nil, because(ctx, err)
	}
	return w.Attrs(), nil
}

// unchanged is the precondition that an object is still of the generation, or, for 0, does
// still not exist.
func unchanged(generation int64) storage.Conditions {
	if generation == 0 {
		return storage.Conditions{DoesNotExist: true}
	}
	return storage.Conditions{GenerationMatch: generation}
}

// bounded gives one operation on a small object, with the client's retries, a minute:
// they would otherwise go on until the run's end, and an outage of the storage would
// pass for a spent budget.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, smallTimeout, errSmallTimeout)
}

const smallTimeout = time.Minute

var errSmallTimeout = errors.New("cloud storage did not do it within " + "a minute")

// because is the error of an operation with a bounded context.
func because(ctx context.Context, err error) error {
	if err != nil && context.Cause(ctx) == errSmallTimeout {
		return fmt.Errorf("%w: %v", errSmallTimeout, err) // not a spent budget, whatever err says
	}
	return err
}
