package gcstest_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"

	"netskope-alerts.internal/collector/internal/standin/gcstest"
)

// Preconditions of uploads in one request and in several:
// https://cloud.google.com/storage/docs/request-preconditions.
func TestUploadConditions(t *testing.T) {
	everyWay(t, func(t *testing.T, s *gcstest.Server, c *storage.Client) {
		for _, size := range []int{10, 600_000} {
			name := fmt.Sprint(size)
			o := c.Bucket(bucket).Object(name)
			wantCode(t, write(t, o.If(storage.Conditions{GenerationMatch: 5}), noise(size)), 412)
			wantCode(t, write(t, o.If(storage.Conditions{MetagenerationMatch: 1}), noise(size)), 412)
			if _, ok := s.Object(bucket, name); ok {
				t.Errorf("%d bytes were stored although their condition failed", size)
			}
			first := mustWrite(t, o.If(storage.Conditions{DoesNotExist: true}), noise(size))
			wantCode(t, write(t, o.If(storage.Conditions{DoesNotExist: true}), noise(size+1)), 412)
			wantCode(t, write(t, o.If(storage.Conditions{GenerationMatch: first.Generation - 1}), noise(size+1)), 412)
			wantCode(t, write(t, o.If(storage.Conditions{GenerationNotMatch: first.Generation}), noise(size+1)), 412)
			wrong := storage.Conditions{GenerationMatch: first.Generation, MetagenerationMatch: 2}
			wantCode(t, write(t, o.If(wrong), noise(size+1)), 412)
			wrong = storage.Conditions{GenerationMatch: first.Generation, MetagenerationNotMatch: 1}
			wantCode(t, write(t, o.If(wrong), noise(size+1)), 412)
			wantContent(t, s, o, noise(size))
			right := storage.Conditions{GenerationMatch: first.Generation, MetagenerationMatch: 1}
			second := mustWrite(t, o.If(right), noise(size+1))
			third := mustWrite(t, o.If(storage.Conditions{GenerationNotMatch: first.Generation}), noise(size+2))
			if second.Generation <= first.Generation || third.Generation <= second.Generation {
				t.Errorf("generations %d, %d, %d", first.Generation, second.Generation, third.Generation)
			}
			wantContent(t, s, o, noise(size+2))
		}
	})
}

// The form of errors,
// https://cloud.google.com/storage/docs/json_api/v1/status-codes.
func TestConditionErrorHasTheServicesForm(t *testing.T) {
	s := &gcstest.Server{}
	s.Put(bucket, "a", nil)
	err := write(t, emulator(t, s).Bucket(bucket).Object("a").If(storage.Conditions{DoesNotExist: true}), nil)
	var apiErr *googleapi.Error
	if !errors.As(err, &apiErr) || len(apiErr.Errors) != 1 || apiErr.Errors[0].Reason != "conditionNotMet" ||
		!strings.Contains(apiErr.Body, `"locationType":"header","location":"If-Match"`) {
		t.Errorf("error %#v", apiErr)
	}
	for _, path := range []string{"/storage/v1/b/alerts/o/b", "/alerts/b"} {
		resp := send(t, overPipe(t, s), "GET", path, "")
		want := `"reason":"notFound"`
		if path == "/alerts/b" {
			want = "<Error><Code>NoSuchKey</Code>"
		}
		if resp.code != http.StatusNotFound || !strings.Contains(resp.body, want) {
			t.Errorf("%s: %d %s; want %s", path, resp.code, resp.body, want)
		}
	}
}

// Of uploads that create the same object, one wins.
func TestOneCreationWins(t *testing.T) {
	for _, size := range []int{100, quantum + 100} {
		everyWay(t, func(t *testing.T, s *gcstest.Server, c *storage.Client) {
			var group sync.WaitGroup
			var won, lost atomic.Int32
			var winner atomic.Int32
			for i := range 24 {
				group.Go(func() {
					o := c.Bucket(bucket).Object("state").If(storage.Conditions{DoesNotExist: true})
					w := o.NewWriter(t.Context())
					w.ChunkSize = 256 << 10
					w.Write(noise(size + i))
					err := w.Close()
					var apiErr *googleapi.Error
					switch {
					case err == nil:
						won.Add(1)
						winner.Store(int32(i))
					case errors.As(err, &apiErr) && apiErr.Code == 412:
						lost.Add(1)
					default:
						t.Errorf("upload %d: %v", i, err)
					}
				})
			}
			group.Wait()
			if won.Load() != 1 || lost.Load() != 23 {
				t.Errorf("%d uploads won and %d lost; want 1 and 23", won.Load(), lost.Load())
			}
			wantContent(t, s, c.Bucket(bucket).Object("state"), noise(size+int(winner.Load())))
		})
	}
}

// A resumable upload's preconditions are checked at its end too: somebody else
// may have written in between.
func TestConditionsAreCheckedAgainAtTheEnd(t *testing.T) {
	s := &gcstest.Server{}
	s.Fault = func(r gcstest.Request) gcstest.Fault {
		if r.Op == gcstest.FinishUpload {
			s.Put(bucket, "a", []byte("theirs"))
		}
		return gcstest.Fault{}
	}
	c := emulator(t, s)
	o := c.Bucket(bucket).Object("a")
	wantCode(t, write(t, o.If(storage.Conditions{DoesNotExist: true}), noise(600_000)), 412)
	wantContent(t, s, o, []byte("theirs"))
}

// They are checked at its start as well, which saves the bytes.
func TestConditionsAreCheckedAtTheStart(t *testing.T) {
	s := &gcstest.Server{}
	s.Put(bucket, "a", nil)
	wantCode(t, write(t, emulator(t, s).Bucket(bucket).Object("a").If(create), noise(600_000)), 412)
	if n := s.Requests(); n != 1 {
		t.Errorf("%d requests; want only the start", n)
	}
}

// A conditional delete whose answer is lost is repeated by the client and then
// finds nothing.
func TestLostDeleteEndsIn404(t *testing.T) {
	s := &gcstest.Server{Fault: on(gcstest.DeleteObject, 1, gcstest.Fault{Lost: gcstest.LostByReset})}
	inBubble(t, s, func(t *testing.T, c *storage.Client) {
		put := s.Put(bucket, "a", nil)
		err := c.Bucket(bucket).Object("a").If(storage.Conditions{GenerationMatch: put.Generation}).Delete(t.Context())
		if !errors.Is(err, storage.ErrObjectNotExist) {
			t.Errorf("delete: %v; want ErrObjectNotExist", err)
		}
		wantNothing(t, s)
	})
}
