package gcstest_test

import (
	"bytes"
	"crypto/md5"
	"errors"
	"hash/crc32"
	"slices"
	"testing"
	"time"

	"cloud.google.com/go/storage"
	"github.com/google/go-cmp/cmp"

	"netskope-alerts.internal/collector/internal/standin/gcstest"
)

// Uploads in one request and in several give the content back, and metadata as
// in the object resource,
// https://cloud.google.com/storage/docs/json_api/v1/objects#resource.
func TestUploadedContentAndMetadata(t *testing.T) {
	sizes := map[string]int{
		"empty": 0, "one byte": 1, "one chunk": 256 << 10, "one chunk and a byte": 256<<10 + 1,
		"exact multiple": 1 << 20, "odd": 1_234_567,
	}
	everyServer(t, func(*testing.T) *gcstest.Server { return &gcstest.Server{Now: clock()} },
		func(t *testing.T, s *gcstest.Server, c *storage.Client) {
			for name, size := range sizes {
				body := noise(size)
				for _, chunk := range []int{0, 256 << 10} {
					sum := md5.Sum(body)
					attrs := mustWrite(t, c.Bucket(bucket).Object(name), body, func(w *storage.Writer) {
						w.ChunkSize = chunk
						w.ContentType = "application/x-ndjson"
						w.CacheControl = "no-store"
						w.Metadata = map[string]string{"run": "7"}
						w.MD5 = sum[:]
					})
					wantContent(t, s, c.Bucket(bucket).Object(name), body)
					stored, _ := s.Object(bucket, name)
					type seen struct {
						Bucket, Name, Type, Cache, Class string
						Size, Generation, Metageneration int64
						Sum                              [16]byte
						CRC                              uint32
						Metadata                         map[string]string
						Created, Updated                 time.Time
					}
					want := seen{
						bucket, name, "application/x-ndjson", "no-store", "STANDARD", int64(size),
						stored.Created.UnixMicro(), 1, sum, crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)),
						map[string]string{"run": "7"}, stored.Created, stored.Created,
					}
					fresh, err := c.Bucket(bucket).Object(name).Attrs(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					for which, a := range map[string]*storage.ObjectAttrs{"insert's answer": attrs, "get": fresh} {
						got := seen{
							a.Bucket, a.Name, a.ContentType, a.CacheControl, a.StorageClass, a.Size, a.Generation,
							a.Metageneration, [16]byte(a.MD5), a.CRC32C, a.Metadata, a.Created, a.Updated,
						}
						if diff := cmp.Diff(want, got); diff != "" {
							t.Errorf("%s, chunk size %d, %s (-want +got):\n%s", name, chunk, which, diff)
						}
					}
				}
			}
		})
}

// Object names may hold any characters but CR and LF; the JSON API takes them
// percent-encoded: https://cloud.google.com/storage/docs/objects#naming and
// /storage/docs/request-endpoints#encoding.
func TestOddObjectNames(t *testing.T) {
	names := []string{
		"a b", "a%2Fb", "a/b/c", "a//b", "x&y=z", "what?", "frag#ment", "über/ü", "+plus+", "a;b:c,d", "acl", "o/x/o/y",
		"..a", "a/../b", "100%", "'quote\"", "日本", "b/alerts/o/x",
	}
	everyWay(t, func(t *testing.T, s *gcstest.Server, c *storage.Client) {
		for i, name := range names {
			mustWrite(t, c.Bucket(bucket).Object(name), noise(i+1))
			wantContent(t, s, c.Bucket(bucket).Object(name), noise(i+1))
		}
		slices.Sort(names)
		if got := list(t, c, nil); !slices.Equal(got, names) {
			t.Errorf("listed %q; want %q", got, names)
		}
		for _, name := range names {
			if err := c.Bucket(bucket).Object(name).Delete(t.Context()); err != nil {
				t.Errorf("delete %q: %v", name, err)
			}
		}
		wantNothing(t, s)
		for _, name := range []string{".", "..", "a\nb", "\xff"} {
			err := write(t, c.Bucket(bucket).Object(name), nil)
			if err == nil {
				t.Errorf("the name %q was accepted", name)
			}
		}
		wantNothing(t, s)
	})
	s := &gcstest.Server{}
	c := emulator(t, s)
	for i, name := range names {
		mustWrite(t, c.Bucket(bucket).Object(name), noise(300_000+i)) // by a session
		wantContent(t, s, c.Bucket(bucket).Object(name), noise(300_000+i))
	}
}

// Generations increase with every write of a name even if the clock does not;
// the JSON API documents them as distinct and the service's grow.
func TestGenerationsIncreaseStrictly(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	s := &gcstest.Server{Now: func() time.Time { return at }}
	first := s.Put(bucket, "a", nil)
	if first.Generation != at.UnixMicro() {
		t.Errorf("generation %d; want the clock's microseconds %d", first.Generation, at.UnixMicro())
	}
	second := s.Put(bucket, "a", nil)
	at = at.Add(-time.Hour)
	third := s.Put(bucket, "b", nil)
	if second.Generation <= first.Generation || third.Generation <= second.Generation {
		t.Errorf("generations %d, %d, %d do not increase", first.Generation, second.Generation, third.Generation)
	}
}

// A delete with a generation or preconditions removes just that:
// https://cloud.google.com/storage/docs/json_api/v1/objects/delete.
func TestDelete(t *testing.T) {
	everyWay(t, func(t *testing.T, s *gcstest.Server, c *storage.Client) {
		put := s.Put(bucket, "a", []byte("x"))
		o := c.Bucket(bucket).Object("a")
		wantCode(t, o.If(storage.Conditions{GenerationMatch: put.Generation + 1}).Delete(t.Context()), 412)
		wantCode(t, o.If(storage.Conditions{MetagenerationMatch: 2}).Delete(t.Context()), 412)
		if err := o.Generation(put.Generation + 1).Delete(t.Context()); !errors.Is(err, storage.ErrObjectNotExist) {
			t.Errorf("delete of another generation: %v; want ErrObjectNotExist", err)
		}
		if _, ok := s.Object(bucket, "a"); !ok {
			t.Fatal("a refused delete removed the object")
		}
		as := storage.Conditions{GenerationMatch: put.Generation, MetagenerationMatch: 1}
		if err := o.If(as).Delete(t.Context()); err != nil {
			t.Errorf("delete: %v", err)
		}
		wantNothing(t, s)
		if err := o.Delete(t.Context()); !errors.Is(err, storage.ErrObjectNotExist) {
			t.Errorf("second delete: %v; want ErrObjectNotExist", err)
		}
	})
}

// A change of metadata increases the metageneration and leaves generation and
// content: https://cloud.google.com/storage/docs/metadata#generation-number.
func TestPatch(t *testing.T) {
	everyServer(t, func(*testing.T) *gcstest.Server { return &gcstest.Server{Now: clock()} },
		func(t *testing.T, s *gcstest.Server, c *storage.Client) {
			o := c.Bucket(bucket).Object("a")
			first := mustWrite(t, o, []byte("x"), func(w *storage.Writer) {
				w.ContentType = "text/plain"
				w.Metadata = map[string]string{"keep": "1", "change": "1"}
			})
			as := storage.Conditions{MetagenerationMatch: 1, GenerationMatch: first.Generation}
			second, err := o.If(as).Update(t.Context(),
				storage.ObjectAttrsToUpdate{CacheControl: "private", Metadata: map[string]string{"change": "2", "add": "1"}})
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"keep": "1", "change": "2", "add": "1"}
			if diff := cmp.Diff(want, second.Metadata); diff != "" {
				t.Errorf("metadata (-want +got):\n%s", diff)
			}
			if second.Metageneration != 2 || second.Generation != first.Generation || second.CacheControl != "private" ||
				second.ContentType != "text/plain" || !second.Updated.After(first.Updated) || !second.Created.Equal(first.Created) {
				t.Errorf("patched object %+v", second)
			}
			wantContent(t, s, o, []byte("x"))
			typed := storage.ObjectAttrsToUpdate{ContentType: "a/b"}
			_, err = o.If(storage.Conditions{MetagenerationMatch: 1}).Update(t.Context(), typed)
			wantCode(t, err, 412)
			third, err := o.Update(t.Context(), storage.ObjectAttrsToUpdate{Metadata: map[string]string{}, ContentType: ""})
			if err != nil || third.Metageneration != 3 || len(third.Metadata) != 0 || third.ContentType != "" {
				t.Errorf("emptied metadata: %+v, %v", third, err)
			}
			_, err = c.Bucket(bucket).Object("b").Update(t.Context(), typed)
			if !errors.Is(err, storage.ErrObjectNotExist) {
				t.Errorf("patch of no object: %v", err)
			}
			if again := mustWrite(t, o, nil); again.Metageneration != 1 || again.Generation <= first.Generation {
				t.Errorf("a new generation %d has metageneration %d; want 1", again.Generation, again.Metageneration)
			}
		})
}

func TestAccessors(t *testing.T) {
	s := &gcstest.Server{}
	body := []byte("mine")
	s.Put(bucket, "b/2", body)
	s.Put(bucket, "b/1", nil)
	s.Put(bucket, "a", nil)
	s.Put("other", "b/0", nil)
	body[0] = 'M'
	var names []string
	for _, o := range s.Objects(bucket, "b/") {
		names = append(names, o.Name)
	}
	if want := []string{"b/1", "b/2"}; !slices.Equal(names, want) {
		t.Errorf("objects %q; want %q", names, want)
	}
	if o, ok := s.Object(bucket, "b/2"); !ok || !bytes.Equal(o.Content, []byte("mine")) || o.Size != 4 {
		t.Errorf("object %+v, %v", o, ok)
	}
	if !s.Delete(bucket, "b/2") || s.Delete(bucket, "b/2") {
		t.Error("delete does not report whether there was an object")
	}
	if _, ok := s.Object(bucket, "b/2"); ok {
		t.Error("the object is still there after Delete")
	}
}
