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
