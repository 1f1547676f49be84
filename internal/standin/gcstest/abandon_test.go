package gcstest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"cloud.google.com/go/storage"

	"netskope-alerts.internal/collector/internal/standin/gcstest"
)

// An upload that its sender gives up leaves nothing: only a finished upload
// appears, https://cloud.google.com/storage/docs/resumable-uploads.
//
// With ChunkSize 0, cancelling the context and then calling Close is not enough
// to give up: Close may end the content before the client has noticed the
// cancellation, and what was written so far is then a finished upload. That is
// why CloseWithError comes first.
func TestAbandonedUploadLeavesNothing(t *testing.T) {
	everyWay(t, func(t *testing.T, s *gcstest.Server, c *storage.Client) {
		for _, way := range []struct {
			chunk     int
			withError bool
		}{{0, true}, {quantum, true}, {quantum, false}} {
			for _, size := range []int{100, 3 * quantum} {
				ctx, cancel := context.WithCancel(t.Context())
				w := c.Bucket(bucket).Object(fmt.Sprintf("%+v-%d", way, size)).NewWriter(ctx)
				w.ChunkSize = way.chunk
				if _, err := w.Write(noise(size)); err != nil {
					t.Fatal(err)
				}
				if way.withError {
					//lint:ignore SA1019 what it says to do instead leaves the race above
					w.CloseWithError(errors.New("given up"))
				}
				cancel()
				if err := w.Close(); err == nil {
					t.Errorf("%+v, %d bytes: close reports success", way, size)
				}
			}
		}
		wantContentAfter(t, s, c)
		s.Delete(bucket, "after")
		wantNothing(t, s)
	})
}

// wantContentAfter makes sure that the server still works.
func wantContentAfter(t *testing.T, s *gcstest.Server, c *storage.Client) {
	t.Helper()
	o := c.Bucket(bucket).Object("after")
	mustWrite(t, o, noise(1000))
	wantContent(t, s, o, noise(1000))
}

// A sender that dies in the middle of an upload, its connections with it, leaves
// nothing, however far it came.
func TestKilledUploadLeavesNothing(t *testing.T) {
	for _, chunk := range []int{0, quantum} {
		for killAt := range 4 {
			synctest.Test(t, func(t *testing.T) {
				s := &gcstest.Server{}
				hc := overPipe(t, s)
				ctx, kill := context.WithCancel(t.Context())
				body := &dying{left: (killAt+1)*quantum - 1, kill: kill}
				path := "/upload/storage/v1/b/alerts/o?uploadType=media&name=a"
				if chunk > 0 {
					uri := startSession(t, hc, "", "name=a")
					for i := range killAt {
						put(t, hc, uri, noise(quantum), i*quantum, "*")
					}
					body.left = quantum - 1
					path = uri
				}
				postDying(ctx, hc, path, body)
				synctest.Wait()
				wantNothing(t, s)
			})
		}
	}
}

// dying is a request body of many bytes whose sender dies after some of them.
type dying struct {
	left int
	kill context.CancelFunc
}

func (d *dying) Read(p []byte) (int, error) {
	if d.left == 0 {
		d.kill()
		return 0, context.Canceled
	}
	n := min(len(p), d.left)
	d.left -= n
	return n, nil
}

func postDying(ctx context.Context, c *http.Client, path string, d *dying) {
	if strings.HasPrefix(path, "/") {
		path = "http://storage.test" + path
	}
	r, err := http.NewRequestWithContext(ctx, "POST", path, d)
	if err != nil {
		panic(err)
	}
	r.ContentLength = 100 * quantum
	r.Header.Set("Content-Range", "bytes 0-26214399/26214400")
	c.Do(r)
}
