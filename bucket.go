package collector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
)

var client struct {
	sync.Mutex
	*storage.Client
}

// OpenBucket returns the bucket through a client that all runs of the process share.
// It is made by the first run that succeeds in it, not when the process starts: a
// missing credential is then that run's error, and the next one tries again.
// STORAGE_EMULATOR_HOST is honoured.
func OpenBucket(name string) (*storage.BucketHandle, error) {
	client.Lock()
	defer client.Unlock()
	if client.Client == nil {
		// Not the run's context: the client outlives the run.
		made, err := NewStorageClient(context.Background())
		if err != nil {
			return nil, fmt.Errorf("open bucket %s: %w", name, err)
		}
		client.Client = made
	}
	return client.Bucket(name), nil
}

// NewStorageClient makes a Cloud Storage client as the collector needs it: reads go
// through the JSON API, as emulators expect, and every write, all of which carry a
// precondition, is retried even where the connection was closed before an answer came.
func NewStorageClient(ctx context.Context, options ...option.ClientOption) (*storage.Client, error) {
	c, err := storage.NewClient(ctx, append([]option.ClientOption{option.WithScopes(storage.ScopeReadWrite), storage.WithJSONReads()}, options...)...)
	if err != nil {
		return nil, err
	}
	c.SetRetry(storage.WithErrorFunc(func(err error) bool {
		return storage.ShouldRetry(err) || errors.Is(err, io.EOF)
	}))
	return c, nil
}

// errEnough ends a list; it is the caller's own.
var errEnough = errors.New("enough")

// eachObject hands the objects that the query finds to each, in the order of their names,
// with the attributes that the collector uses.
//
// It needs storage.objects.list.
func eachObject(ctx context.Context, bucket *storage.BucketHandle, q storage.Query, each func(*storage.ObjectAttrs) error) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	failed := func(err error) error {
		return fmt.Errorf("list gs://%s/%s: %w", bucket.BucketName(), q.Prefix, because(ctx, err))
	}
	if err := q.SetAttrSelection([]string{"Bucket", "Name", "Generation", "Created", "Updated", "Size", "CRC32C", "Metadata"}); err != nil {
		return failed(err)
	}
	for objects := bucket.Objects(ctx, &q); ; {
		o, err := objects.Next()
		if errors.Is(err, iterator.Done) {
			return nil
		}
		if err != nil {
			return failed(err)
		}
		if err := each(o); err != nil {
			return err
		}
	}
}

// exists reports whether the bucket holds an object of the name.
func exists(ctx context.Context, bucket *storage.BucketHandle, name string) (bool, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	_, err := bucket.Object(name).Attrs(ctx)
	if errors.Is(err, storage.ErrObjectNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at gs://%s/%s: %w", bucket.BucketName(), name, because(ctx, err))
	}
	return true, nil
}
