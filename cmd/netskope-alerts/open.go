package main

import (
	"net/http"

	"cloud.google.com/go/storage"

	"netskope-alerts.internal/collector"
)

// collection is what the configuration in the environment names.
type collection struct {
	collector.Config
	bucket *storage.BucketHandle
	client *http.Client // for the tenant
}

// open reads the configuration. It connects to nothing yet.
func (s streams) open() (collection, error) {
	c, err := collector.ConfigFromEnv(s.lookup)
	if err != nil {
		return collection{}, err
	}
	bucket, err := collector.OpenBucket(c.Bucket)
	if err != nil {
		return collection{}, err
	}
	return collection{c, bucket, &http.Client{Transport: collector.NewTransport()}}, nil
}

const (
	// version is the program's.
	version = collector.Version
	// maxLine is how long a line may be, in bytes: the collector delivers none that is longer.
	maxLine = collector.MaxLine
)

// openBucket connects to nothing yet.
func openBucket(name string) (*storage.BucketHandle, error) { return collector.OpenBucket(name) }

// folder is the feed's: its bucket, and its name without a slash at the end. It needs less
// of the configuration than open.
func (s streams) folder() (bucket, prefix string, err error) {
	return collector.FolderFromEnv(s.lookup)
}
