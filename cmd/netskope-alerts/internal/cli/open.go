package cli

import (
	"net/http"

	"cloud.google.com/go/storage"

	"netskope-alerts.internal/collector"
)

// Collection is what the configuration in the environment names.
type Collection struct {
	collector.Config
	Handle *storage.BucketHandle // of the bucket
	Client *http.Client          // for the tenant
}

// Open reads the configuration. It connects to nothing yet.
func (s Streams) Open() (Collection, error) {
	c, err := collector.ConfigFromEnv(s.Lookup)
	if err != nil {
		return Collection{}, err
	}
	bucket, err := collector.OpenBucket(c.Bucket)
	if err != nil {
		return Collection{}, err
	}
	return Collection{c, bucket, &http.Client{Transport: collector.NewTransport()}}, nil
}

const (
	// Version is the program's.
	Version = collector.Version
	// MaxLine is how long a line may be, in bytes: the collector delivers none that is longer.
	MaxLine = collector.MaxLine
)

// OpenBucket opens a bucket as the collector does. It connects to nothing yet.
func OpenBucket(name string) (*storage.BucketHandle, error) { return collector.OpenBucket(name) }

// Folder is the feed's: its bucket, and its name without a slash at the end. It needs less
// of the configuration than [Streams.Open].
func (s Streams) Folder() (bucket, prefix string, err error) {
	return collector.FolderFromEnv(s.Lookup)
}
