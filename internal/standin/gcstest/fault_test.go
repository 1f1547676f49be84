package gcstest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"cloud.google.com/go/storage"

	"netskope-alerts.internal/collector/internal/standin/gcstest"
)

var create = storage.Conditions{DoesNotExist: true}

// An upload in one request whose answer is lost is stored. After a reset or a
// 503 the client sends it again and is told 412; after an orderly close it gives
// up at once.
func TestLostAnswerOfACreation(t *testing.T) {
	for _, c := range []struct {
		name     string
		lost     gcstest.Lost
		code     int // 0 for an EOF
		requests int
	}{
		{"reset", gcstest.LostByReset, 412, 2},
		{"503", gcstest.LostAs503, 412, 2},
		{"orderly close", gcstest.LostByClose, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s *gcstest.Server
			everyServer(t, func(*testing.T) *gcstest.Server {
				s = &gcstest.Server{Fault: on(gcstest.Insert, 1, gcstest.Fault{Lost: c.lost})}
				return s
			}, func(t *testing.T, s *gcstest.Server, client *storage.Client) {
				o := client.Bucket(bucket).Object("a")
				err := write(t, o.If(create), []byte("hello"))
				if c.code != 0 {
					wantCode(t, err, c.code)
				} else if !errors.Is(err, io.EOF) {
					t.Errorf("error %v; want EOF", err)
				}
				wantContent(t, s, o, []byte("hello"))
				if n := s.Requests(gcstest.Insert); n != c.requests {
					t.Errorf("%d requests; want %d", n, c.requests)
				}
			})
		})
	}
}

// A resumable upload with one lost answer: the client sends the chunk again, and
// the content is stored whole or, after an orderly close that the client takes
// for an error, not at all unless the last chunk was in.
func TestLostAnswerOfAChunk(t *testing.T) {
	body := noise(3*quantum + 99)
	for _, c := range []struct {
		name   string
		op     gcstest.Op
		lost   gcstest.Lost
		err    error
		stored bool
	}{
		{"middle, reset", gcstest.UploadChunk, gcstest.LostByReset, nil, true},
		{"middle, 503", gcstest.UploadChunk, gcstest.LostAs503, nil, true},
		{"middle, orderly close", gcstest.UploadChunk, gcstest.LostByClose, io.EOF, false},
		{"last, reset", gcstest.FinishUpload, gcstest.LostByReset, nil, true},
		{"last, 503", gcstest.FinishUpload, gcstest.LostAs503, nil, true},
		{"last, orderly close", gcstest.FinishUpload, gcstest.LostByClose, io.EOF, true},
		{"start, reset", gcstest.StartUpload, gcstest.LostByReset, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			everyServer(t, func(t *testing.T) *gcstest.Server {
				return &gcstest.Server{
					Fault: on(c.op, 1, gcstest.Fault{Lost: c.lost}),
					Visible: func(o gcstest.Object) {
						if !bytes.Equal(o.Content, body) {
							t.Errorf("%d bytes became visible; want %d", o.Size, len(body))
						}
					},
				}
			}, func(t *testing.T, s *gcstest.Server, client *storage.Client) {
				o := client.Bucket(bucket).Object("a")
				if err := write(t, o.If(create), body); !errors.Is(err, c.err) {
					t.Errorf("error %v; want %v", err, c.err)
				}
				if c.stored {
					wantContent(t, s, o, body)
				} else {
					wantNothing(t, s)
				}
			})
		})
	}
}

// Requests that are not executed: the client repeats them if it knows that to be
// safe, https://cloud.google.com/storage/docs/retry-strategy.
func TestRefusedAndResetRequests(t *testing.T) {
	for _, f := range []gcstest.Fault{{Reset: true}, {Status: 503}, {Status: 429, RetryAfter: "7"}, {Status: 408}} {
		for _, op := range []gcstest.Op{gcstest.Insert, gcstest.StartUpload, gcstest.UploadChunk, gcstest.FinishUpload} {
			size := 700_000
			if op == gcstest.Insert {
				size = 100_000
			}
			s := &gcstest.Server{Fault: on(op, 3, f)}
			inBubble(t, s, func(t *testing.T, c *storage.Client) {
				o := c.Bucket(bucket).Object("a")
				if err := write(t, o.If(create), noise(size)); err != nil {
					t.Errorf("%+v of %s: %v", f, op, err)
				}
				wantContent(t, s, o, noise(size))
				if n := s.Requests(op); n < 4 {
					t.Errorf("%+v of %s: %d requests; want 3 faults and one without", f, op, n)
				}
			})
		}
	}
	s := &gcstest.Server{Fault: on(gcstest.Insert, 1, gcstest.Fault{Status: 403})}
	inBubble(t, s, func(t *testing.T, c *storage.Client) {
		wantCode(t, write(t, c.Bucket(bucket).Object("a").If(create), nil), 403)
		wantNothing(t, s)
	})
}

// The kernel's resets are what the simulated ones imitate.
func TestResetOverTCP(t *testing.T) {
	s := &gcstest.Server{Fault: on(gcstest.UploadChunk, 2, gcstest.Fault{Reset: true})}
	o := emulator(t, s).Bucket(bucket).Object("a")
	mustWrite(t, o, noise(3_000_000), func(w *storage.Writer) { w.ChunkSize = 1 << 20 })
	wantContent(t, s, o, noise(3_000_000))
}

func TestRefusalsHeader(t *testing.T) {
	s := &gcstest.Server{Fault: on(gcstest.GetObject, 1, gcstest.Fault{Status: 429, RetryAfter: "17"})}
	resp := send(t, overPipe(t, s), "GET", "/storage/v1/b/alerts/o/a", "")
	if resp.code != 429 || resp.header.Get("Retry-After") != "17" ||
		resp.header.Get("Content-Type") != "application/json; charset=UTF-8" {
		t.Errorf("refusal %+v", resp)
	}
}

// A delayed write whose client has given up is dropped, or comes later all the
// same.
func TestDelay(t *testing.T) {
	for _, detached := range []bool{false, true} {
		s := &gcstest.Server{Fault: on(gcstest.Insert, 1, gcstest.Fault{Delay: time.Hour, Detached: detached})}
		inBubble(t, s, func(t *testing.T, c *storage.Client) {
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			w := c.Bucket(bucket).Object("a").NewWriter(ctx)
			w.Write([]byte("hello"))
			if err := w.Close(); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
				t.Errorf("detached %v: %v after %v; want the context's end after 1m", detached, err, time.Since(start))
			}
			time.Sleep(58 * time.Minute)
			wantNothing(t, s)
			time.Sleep(2 * time.Minute)
			if _, ok := s.Object(bucket, "a"); ok != detached {
				t.Errorf("detached %v: stored %v", detached, ok)
			}
			if err := write(t, c.Bucket(bucket).Object("b"), nil); err != nil {
				t.Errorf("a write without a delay: %v", err)
			}
		})
	}
	s := &gcstest.Server{Fault: on(gcstest.ReadMedia, 1, gcstest.Fault{Delay: 5 * time.Minute})}
	inBubble(t, s, func(t *testing.T, c *storage.Client) {
		s.Put(bucket, "a", []byte("x"))
		start := time.Now()
		got, err := read(t, c.Bucket(bucket).Object("a"))
		if string(got) != "x" || err != nil || time.Since(start) != 5*time.Minute {
			t.Errorf("delayed read: %q, %v after %v", got, err, time.Since(start))
		}
	})
}

func TestRequestsAreNumberedAndNamed(t *testing.T) {
	var seen []gcstest.Request
	s := &gcstest.Server{Fault: func(r gcstest.Request) gcstest.Fault {
		seen = append(seen, r)
		return gcstest.Fault{}
	}}
	c := emulator(t, s)
	o := c.Bucket(bucket).Object("a")
	mustWrite(t, o, nil)
	mustWrite(t, o, noise(600_000))
	read(t, o)
	o.Attrs(t.Context())
	o.Update(t.Context(), storage.ObjectAttrsToUpdate{ContentType: "a/b"})
	list(t, c, nil)
	o.Delete(t.Context())
	c.Bucket(bucket).Attrs(t.Context())
	c.Bucket(bucket).IAM().TestPermissions(t.Context(), []string{"x"})
	uri := startSession(t, overPipe(t, s), "", "name=a")
	put(t, overPipe(t, s), uri, nil, 0, "*")
	send(t, overPipe(t, s), "DELETE", uri, "")
	want := []gcstest.Request{
		{1, gcstest.Insert, bucket, "a", "", true},
		{2, gcstest.StartUpload, bucket, "a", "", true},
		{3, gcstest.UploadChunk, bucket, "a", "", true},
		{4, gcstest.UploadChunk, bucket, "a", "", true},
		{5, gcstest.FinishUpload, bucket, "a", "", true},
		{6, gcstest.ReadMedia, bucket, "a", "", false},
		{7, gcstest.GetObject, bucket, "a", "", false},
		{8, gcstest.PatchObject, bucket, "a", "", true},
		{9, gcstest.ListObjects, bucket, "", "", false},
		{10, gcstest.DeleteObject, bucket, "a", "", true},
		{11, gcstest.GetBucket, bucket, "", "", false},
		{12, gcstest.TestPermissions, bucket, "", "", false},
		{13, gcstest.StartUpload, bucket, "a", "", true},
		{14, gcstest.QueryUpload, bucket, "a", "", false},
		{15, gcstest.CancelUpload, bucket, "a", "", true},
	}
	if !slices.Equal(seen, want) {
		t.Errorf("requests\n%v; want\n%v", seen, want)
	}
	if s.Requests() != 15 || s.Requests(gcstest.UploadChunk, gcstest.FinishUpload) != 3 {
		t.Errorf("counted %d requests, %d with bytes", s.Requests(), s.Requests(gcstest.UploadChunk, gcstest.FinishUpload))
	}
}
