package gcs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"syscall"

	"cloud.google.com/go/storage"
	"google.golang.org/api/option"
)

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
