package cli

import (
	"fmt"

	"cloud.google.com/go/storage"

	"netskope-alerts.internal/collector"
	"netskope-alerts.internal/collector/internal/gcs"
)

// Version is the program's.
const Version = collector.Version

// Open is the collector that the configuration in the environment names. It connects to
// nothing yet.
func (s Streams) Open() (*collector.Collector, error) {
	for _, p := range collector.MisspeltSettings(s.Lookup) {
		fmt.Fprintf(s.Stderr, "netskope-alerts: %v\n", p)
	}
	c, err := collector.ConfigFromEnv(s.Lookup)
	if err != nil {
		return nil, err
	}
	return collector.Open(c)
}

// OpenBucket opens a bucket as the collector does. It connects to nothing yet.
func OpenBucket(name string) (*storage.BucketHandle, error) {
	bucket, err := gcs.Open(name)
	if err != nil {
		return nil, err
	}
	return bucket.Handle(), nil
}

// Folder is the feed's: its bucket, and its name without a slash at the end. It needs less
// of the configuration than [Streams.Open].
func (s Streams) Folder() (bucket, prefix string, err error) {
	return collector.FolderFromEnv(s.Lookup)
}
