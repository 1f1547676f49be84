package gcs

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"time"

	"cloud.google.com/go/storage"
)

const (
	// WriterChunk is how much of an object is held, in bytes, to be sent again if a chunk
	// of its upload fails. It is what a run's memory mostly is, so it is not the client's
	// 16 MiB, and small enough for several at once.
	WriterChunk = 1536 << 10
	smallChunk  = 256 << 10
	// LineBuffer gathers lines, in bytes, because every write to the client costs a
	// hand-over between goroutines.
	LineBuffer = 256 << 10
	// uploadPatience bounds how long the storage may take nothing of an upload, with the
	// client's own retries.
	uploadPatience = 90 * time.Second
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Put writes a small object whole, if it is still of the generation, or, for 0, does still
// not exist; else the error is ErrChanged. On any other error, too, either what was there
// or the new content is there, whole.
//
// It needs storage.objects.create and, to replace, storage.objects.delete.
func (b *Bucket) Put(ctx context.Context, name string, generation int64, content []byte,
	kind string, metadata map[string]string) (Object, error) {
	// Cancelling after Close has no effect; before it, it abandons the write.
	ctx, cancel := bounded(ctx)
	defer cancel()
	defer b.watched(ctx)()
	failed := func(err error) (Object, error) {
		return Object{}, fmt.Errorf("write %s: %w", b.URI(name), because(ctx, err))
	}
	condition := storage.Conditions{GenerationMatch: generation}
	if generation == 0 {
		condition = storage.Conditions{DoesNotExist: true}
	}
	w := b.handle.Object(name).If(condition).NewWriter(ctx)
	w.ContentType, w.Metadata = kind, metadata
	w.ChunkSize = smallChunk
	w.CRC32C, w.SendCRC32C = crc32.Checksum(content, castagnoli), true
	if _, err := w.Write(content); err != nil {
		return failed(err)
	}
	if err := w.Close(); err != nil {
		return failed(err)
	}
	return objectOf(w.Attrs()), nil
}

// Writer writes one object line by line, under a name that nobody else uses. Nothing of it
// is visible before Commit has succeeded, and then all of it is.
type Writer struct {
	bucket *Bucket
	name   string
	ctx    context.Context
	cancel context.CancelCauseFunc
	upload *storage.Writer
	packed *bufio.Writer // takes the small writes of zip; both nil if not compressed
	zip    *gzip.Writer
	lines  *bufio.Writer
}

// Create begins an object, compressed if its name says so by .gz. labels are metadata for
// people; nothing reads them.
//
// It needs storage.objects.create.
func (b *Bucket) Create(ctx context.Context, name string, labels map[string]string) *Writer {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &Writer{bucket: b, name: name, ctx: ctx, cancel: cancel}
	w.upload = b.handle.Object(name).If(storage.Conditions{DoesNotExist: true}).NewWriter(ctx)
	w.upload.ChunkSize = WriterChunk
	w.upload.ContentType = "application/x-ndjson"
	w.upload.Metadata = labels
	if !strings.HasSuffix(name, ".gz") {
		w.lines = bufio.NewWriterSize(watchedUpload{w}, LineBuffer)
		return w
	}
	w.upload.ContentType = "application/gzip"
	w.packed = bufio.NewWriterSize(watchedUpload{w}, LineBuffer)
	w.zip, _ = gzip.NewWriterLevel(w.packed, gzip.BestSpeed) // fails only for a level that does not exist
	w.lines = bufio.NewWriterSize(w.zip, LineBuffer)
	return w
}

// watchedUpload gives up an upload that takes nothing.
type watchedUpload struct{ *Writer }

func (u watchedUpload) Write(p []byte) (int, error) {
	defer u.watch().Stop()
	return u.upload.Write(p)
}

func (w *Writer) watch() *time.Timer {
	return time.AfterFunc(uploadPatience, func() { w.cancel(ErrOutage) })
}

// Write appends to the object. It fails only where the upload has failed.
func (w *Writer) Write(p []byte) (int, error) {
	if _, err := w.lines.Write(p); err != nil {
		return 0, w.failed(err)
	}
	return len(p), nil
}

func (w *Writer) failed(err error) error {
	return fmt.Errorf("write %s: %w", w.bucket.URI(w.name), because(w.ctx, err))
}

// Commit makes the object durable and returns what the storage says of it. After an
// error, nobody knows whether it is.
func (w *Writer) Commit() (Object, error) {
	defer w.watch().Stop()
	defer w.cancel(nil)
	err := w.lines.Flush()
	if err == nil && w.zip != nil {
		if err = w.zip.Close(); err == nil {
			err = w.packed.Flush()
		}
	}
	if err == nil {
		err = w.upload.Close()
	}
	if err == nil {
		return objectOf(w.upload.Attrs()), nil
	}
	// Nobody else has the name: it was made by a request of ours whose answer was lost.
	if err = w.failed(err); errors.Is(err, ErrChanged) {
		if o, lookErr := w.bucket.Look(w.ctx, w.name); lookErr == nil {
			return o, nil
		}
	}
	return Object{}, err
}

// Abandon ends the writing so that nothing becomes visible. The upload must not be closed
// then: closing publishes what it has.
func (w *Writer) Abandon() { w.cancel(context.Canceled) }
