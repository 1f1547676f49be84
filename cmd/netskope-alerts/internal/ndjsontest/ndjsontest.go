// Package ndjsontest gives tests alerts to read, and a Cloud Storage to read them from. Only
// tests use it.
package ndjsontest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"cloud.google.com/go/storage"
	"google.golang.org/api/option"

	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/pipenet"
)

// Buckets opens buckets of the server, in place of Cloud Storage.
func Buckets(t *testing.T, server *gcstest.Server) func(name string) (*storage.BucketHandle, error) {
	listener := &pipenet.Listener{}
	service := &http.Server{Handler: server}
	go service.Serve(listener)
	transport := &http.Transport{DialContext: listener.DialContext}
	client, err := gcs.NewClient(t.Context(), option.WithEndpoint("http://storage.test/storage/v1/"),
		option.WithoutAuthentication(),
		option.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		transport.CloseIdleConnections()
		service.Close()
	})
	return func(name string) (*storage.BucketHandle, error) { return client.Bucket(name), nil }
}

// Zipped is the text in gzip.
func Zipped(text string) string {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = io.WriteString(z, text) // to memory
	_ = z.Close()
	return out.String()
}

// Events are the events of all streams of the mapping's own tests, each on a line.
func Events(t testing.TB) string { return compacted(t, "streams/*.json") }

// Alerts are the alerts of the mapping's own tests, each on a line.
func Alerts(t testing.TB) string { return compacted(t, "*.json") }

// compacted are the files of the mapping's testdata that the pattern matches, each on a line.
func compacted(t testing.TB, pattern string) string {
	files, err := filepath.Glob("../udm/testdata/" + pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no events: %v", err)
	}
	var all bytes.Buffer
	for _, file := range files {
		alert, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Compact(&all, alert); err != nil {
			t.Fatal(err)
		}
		all.WriteByte('\n')
	}
	return all.String()
}
