package gcstest_test

import (
	"errors"
	"strings"
	"testing"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"

	"netskope-alerts.internal/collector/internal/standin/gcstest"
)

// A bucket that does not exist is 404 for everything in it.
func TestMissingBucket(t *testing.T) {
	everyServer(t, func(*testing.T) *gcstest.Server { return &gcstest.Server{Buckets: []string{bucket}} },
		func(t *testing.T, s *gcstest.Server, c *storage.Client) {
			there, gone := c.Bucket(bucket), c.Bucket("no-bucket")
			mustWrite(t, there.Object("a"), nil)
			if _, err := there.Attrs(t.Context()); err != nil {
				t.Errorf("bucket that exists: %v", err)
			}
			if _, err := gone.Attrs(t.Context()); !errors.Is(err, storage.ErrBucketNotExist) {
				t.Errorf("bucket: %v; want ErrBucketNotExist", err)
			}
			if _, err := gone.Objects(t.Context(), nil).Next(); !errors.Is(err, storage.ErrBucketNotExist) {
				t.Errorf("list: %v; want ErrBucketNotExist", err)
			}
			wantCode(t, write(t, gone.Object("a"), nil), 404)
			wantCode(t, write(t, gone.Object("a"), noise(600_000)), 404)
			if _, err := read(t, gone.Object("a")); !errors.Is(err, storage.ErrObjectNotExist) {
				t.Errorf("read: %v; want ErrObjectNotExist", err)
			}
			if _, err := gone.IAM().TestPermissions(t.Context(), []string{"x"}); err == nil {
				t.Error("permissions of no bucket were answered")
			}
		})
	s := &gcstest.Server{Buckets: []string{}}
	resp := send(t, overPipe(t, s), "GET", "/alerts/a", "")
	if resp.code != 404 || !strings.Contains(resp.body, "<Code>NoSuchBucket</Code>") {
		t.Errorf("XML read with no bucket: %d %s", resp.code, resp.body)
	}
}

func TestDiscardKeepsChecksums(t *testing.T) {
	s := &gcstest.Server{Discard: true}
	c := emulator(t, s)
	kept := mustWrite(t, c.Bucket(bucket).Object("kept"), noise(64<<10-1))
	wantContent(t, s, c.Bucket(bucket).Object("kept"), noise(64<<10-1))
	for _, chunk := range []int{0, quantum, 16 << 20} {
		inChunks := func(w *storage.Writer) { w.ChunkSize = chunk }
		attrs := mustWrite(t, c.Bucket(bucket).Object("large"), noise(2_000_000), inChunks)
		full := &gcstest.Server{}
		stored, _ := s.Object(bucket, "large")
		if want := full.Put(bucket, "x", noise(2_000_000)); attrs.CRC32C != want.CRC32C || stored.CRC32C != want.CRC32C ||
			stored.Size != want.Size || stored.Content != nil {
			t.Errorf("chunk size %d: stored %d bytes, %d of them kept, CRC32C %x; want %x", chunk, stored.Size, len(stored.Content), stored.CRC32C, want.CRC32C)
		}
		wantCode(t, write(t, c.Bucket(bucket).Object("large"), noise(2_000_000), func(w *storage.Writer) {
			w.ChunkSize, w.CRC32C, w.SendCRC32C = chunk, 1, true
		}), 400)
	}
	hc := overPipe(t, s)
	if resp := send(t, hc, "GET", "/alerts/large", ""); resp.code != 501 || !strings.Contains(resp.body, "Discard") {
		t.Errorf("read: %d %s; want 501", resp.code, resp.body)
	}
	uri := startSession(t, hc, "", "name=a")
	resp := put(t, hc, uri, noise(2_000_000), 0, 2_000_000, "X-Goog-Hash", "md5="+encodeMD5(noise(2_000_000)))
	if resp.code != 501 || !strings.Contains(resp.body, "MD5") {
		t.Errorf("MD5 at the end: %d %s; want 501", resp.code, resp.body)
	}
	if kept.Size != 64<<10-1 {
		t.Errorf("size %d", kept.Size)
	}
}

// Visible sees every object once, in order, when it can be read and not before
// it is whole.
func TestVisible(t *testing.T) {
	var seen []gcstest.Object
	s := &gcstest.Server{}
	s.Visible = func(o gcstest.Object) {
		if stored, ok := s.Object(o.Bucket, o.Name); !ok || stored.Generation != o.Generation {
			t.Errorf("%s is reported but cannot be read", o.Name)
		}
		if len(s.Objects(o.Bucket, "")) == 0 {
			t.Error("the listing is empty")
		}
		seen = append(seen, o)
	}
	c := emulator(t, s)
	mustWrite(t, c.Bucket(bucket).Object("a"), noise(10))
	mustWrite(t, c.Bucket(bucket).Object("b"), noise(600_000))
	s.Put(bucket, "c", nil)
	c.Bucket(bucket).Object("a").Update(t.Context(), storage.ObjectAttrsToUpdate{ContentType: "a/b"})
	write(t, c.Bucket(bucket).Object("a").If(create), nil)
	if len(seen) != 3 || seen[0].Name != "a" || seen[1].Name != "b" || seen[2].Name != "c" ||
		seen[1].Size != 600_000 || len(seen[1].Content) != 600_000 {
		t.Errorf("saw %d objects", len(seen))
	}
	it := c.Bucket(bucket).Objects(t.Context(), nil)
	if _, err := it.Next(); err == iterator.Done {
		t.Error("nothing listed")
	}
}
