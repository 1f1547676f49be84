package gcstest_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"cloud.google.com/go/storage"

	"netskope-alerts.internal/collector/internal/standin/gcstest"
)

// Range reads: RFC 9110, section 14, as the service documents at
// https://cloud.google.com/storage/docs/json_api/v1/objects/get.
func TestReadRanges(t *testing.T) {
	body := noise(1_000_000)
	everyWay(t, func(t *testing.T, s *gcstest.Server, c *storage.Client) {
		o := c.Bucket(bucket).Object("a b/c")
		mustWrite(t, o, body)
		for _, span := range []struct{ offset, length, from, to int64 }{
			{0, -1, 0, 1_000_000},
			{0, 10, 0, 10},
			{262_140, 10, 262_140, 262_150}, // over the seam of two chunks
			{999_990, 100, 999_990, 1_000_000},
			{300_000, -1, 300_000, 1_000_000},
			{-7, -1, 999_993, 1_000_000},
			{-2_000_000, -1, 0, 1_000_000},
			{5, 0, 5, 5},
		} {
			r, err := o.NewRangeReader(t.Context(), span.offset, span.length)
			if err != nil {
				t.Errorf("read from %d, %d bytes: %v", span.offset, span.length, err)
				continue
			}
			got, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(got, body[span.from:span.to]) {
				t.Errorf("read from %d, %d bytes: got %d bytes, %v; want %d",
					span.offset, span.length, len(got), err, span.to-span.from)
			}
			if r.Attrs.Size != 1_000_000 && span.length != 0 {
				t.Errorf("read from %d, %d bytes: the object's size is %d", span.offset, span.length, r.Attrs.Size)
			}
			r.Close()
		}
		_, err := o.NewRangeReader(t.Context(), 1_000_000, -1)
		wantCode(t, err, 416)
	})
	s := &gcstest.Server{}
	s.Put(bucket, "a", []byte("0123456789"))
	for _, c := range []struct {
		ask, span, body string
		code            int
	}{
		{"bytes=0-0", "bytes 0-0/10", "0", 206},
		{"bytes=3-5", "bytes 3-5/10", "345", 206},
		{"bytes=8-", "bytes 8-9/10", "89", 206},
		{"bytes=8-99", "bytes 8-9/10", "89", 206},
		{"bytes=-3", "bytes 7-9/10", "789", 206},
		{"bytes=5-3", "", "0123456789", 200},
		{"bytes=x", "", "0123456789", 200},
		{"lines=1-2", "", "0123456789", 200},
		{"bytes=10-", "bytes */10", "", 416},
		{"bytes=-0", "bytes */10", "", 416},
	} {
		resp := send(t, overPipe(t, s), "GET", "/alerts/a", "", "Range", c.ask)
		if resp.code == 416 {
			resp.body = ""
		}
		if resp.code != c.code || resp.header.Get("Content-Range") != c.span || resp.body != c.body {
			t.Errorf("%s: %d %q %q; want %d %q %q",
				c.ask, resp.code, resp.header.Get("Content-Range"), resp.body, c.code, c.span, c.body)
		}
	}
}

// The headers of a media read,
// https://cloud.google.com/storage/docs/xml-api/reference-headers.
func TestReadAttributes(t *testing.T) {
	everyWay(t, func(t *testing.T, s *gcstest.Server, c *storage.Client) {
		o := c.Bucket(bucket).Object("a")
		attrs := mustWrite(t, o, []byte("hello"), func(w *storage.Writer) {
			w.ContentType, w.CacheControl = "text/x-odd", "no-cache"
		})
		if _, err := o.Update(t.Context(), storage.ObjectAttrsToUpdate{Metadata: map[string]string{"k": "v"}}); err != nil {
			t.Fatal(err)
		}
		r, err := o.NewReader(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		a := r.Attrs
		if a.ContentType != "text/x-odd" || a.CacheControl != "no-cache" || a.Size != 5 || a.Generation != attrs.Generation ||
			a.Metageneration != 2 || a.CRC32C != attrs.CRC32C || a.ContentEncoding != "" {
			t.Errorf("reader attributes %+v of %+v", a, attrs)
		}
	})
}

func TestReadConditionsAndGenerations(t *testing.T) {
	everyWay(t, func(t *testing.T, s *gcstest.Server, c *storage.Client) {
		put := s.Put(bucket, "a", []byte("one"))
		o := c.Bucket(bucket).Object("a")
		as := storage.Conditions{GenerationMatch: put.Generation, MetagenerationMatch: 1}
		if got, err := read(t, o.If(as)); string(got) != "one" || err != nil {
			t.Errorf("read with conditions that hold: %q, %v", got, err)
		}
		if got, err := read(t, o.Generation(put.Generation)); string(got) != "one" || err != nil {
			t.Errorf("read of the generation: %q, %v", got, err)
		}
		_, err := read(t, o.If(storage.Conditions{GenerationMatch: put.Generation + 1}))
		wantCode(t, err, 412)
		_, err = o.If(storage.Conditions{MetagenerationMatch: 2}).Attrs(t.Context())
		wantCode(t, err, 412)
		_, err = o.If(storage.Conditions{GenerationNotMatch: put.Generation}).Attrs(t.Context())
		wantCode(t, err, 304)
		if _, err := o.If(storage.Conditions{GenerationNotMatch: put.Generation + 1}).Attrs(t.Context()); err != nil {
			t.Errorf("metadata with a condition that holds: %v", err)
		}
		if _, err := read(t, o.Generation(put.Generation+1)); !errors.Is(err, storage.ErrObjectNotExist) {
			t.Errorf("read of another generation: %v", err)
		}
		if _, err := read(t, c.Bucket(bucket).Object("b")); !errors.Is(err, storage.ErrObjectNotExist) {
			t.Errorf("read of no object: %v", err)
		}
		if _, err := c.Bucket(bucket).Object("b").Attrs(t.Context()); !errors.Is(err, storage.ErrObjectNotExist) {
			t.Errorf("metadata of no object: %v", err)
		}
	})
}

// A read under way goes on with the generation it began with.
func TestReadIsNotDisturbedByAWrite(t *testing.T) {
	everyWay(t, func(t *testing.T, s *gcstest.Server, c *storage.Client) {
		before := noise(5_000_000)
		s.Put(bucket, "a", before)
		r, err := c.Bucket(bucket).Object("a").NewReader(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		s.Put(bucket, "a", noise(7))
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, before) {
			t.Errorf("read %d bytes, %v; want the %d of the first generation", len(got), err, len(before))
		}
	})
}

// A gzip object is served as it is to who accepts gzip, which Go's transport
// does and then decompresses; anything else would be decompressive transcoding,
// https://cloud.google.com/storage/docs/transcoding.
func TestReadGzip(t *testing.T) {
	s := &gcstest.Server{}
	c := emulator(t, s)
	packed := "\x1f\x8b\b\x00\x00\x00\x00\x00\x00\xff\xcaH\xcd\xc9\xc9\a\x04\x00\x00\xff\xff\x86\xa6\x106\x05\x00\x00\x00"
	o := c.Bucket(bucket).Object("a")
	mustWrite(t, o, []byte(packed), func(w *storage.Writer) { w.ContentEncoding = "gzip" })
	if got, err := read(t, o); string(got) != "hello" || err != nil {
		t.Errorf("read %q, %v; want hello", got, err)
	}
	if got, err := read(t, o.ReadCompressed(true)); string(got) != packed || err != nil {
		t.Errorf("read compressed %q, %v", got, err)
	}
	resp := send(t, overPipe(t, s), "GET", "/"+bucket+"/a", "", "Accept-Encoding", "identity")
	if resp.code != http.StatusNotImplemented || !strings.Contains(resp.body, "transcoding") {
		t.Errorf("read without gzip: %d %s", resp.code, resp.body)
	}
}

// The client finds out that a body is short, and goes on where it was cut off.
func TestTornReadIsContinued(t *testing.T) {
	body := noise(600_000)
	check := func(t *testing.T, lost gcstest.Lost, client func(*gcstest.Server) *storage.Client) {
		s := &gcstest.Server{Fault: on(gcstest.ReadMedia, 2, gcstest.Fault{TornBytes: 100_000, Lost: lost})}
		s.Put(bucket, "a", body)
		if got, err := read(t, client(s).Bucket(bucket).Object("a")); err != nil || !bytes.Equal(got, body) {
			t.Errorf("lost %v: read %d bytes, %v", lost, len(got), err)
		}
		if n := s.Requests(gcstest.ReadMedia); n != 3 {
			t.Errorf("lost %v: %d reads; want 3", lost, n)
		}
	}
	for _, lost := range []gcstest.Lost{gcstest.NotLost, gcstest.LostByReset} {
		synctest.Test(t, func(t *testing.T) {
			check(t, lost, func(s *gcstest.Server) *storage.Client { return piped(t, s) })
			check(t, lost, func(s *gcstest.Server) *storage.Client { return piped(t, s, storage.WithJSONReads()) })
		})
		check(t, lost, func(s *gcstest.Server) *storage.Client { return emulator(t, s) })
	}
}
