package gcstest_test

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"cloud.google.com/go/storage"

	"netskope-alerts.internal/collector/internal/standin/gcstest"
)

func encodeCRC(sum uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

func encodeMD5(body []byte) string {
	sum := md5.Sum(body)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// An object whose content does not have the checksum its uploader gave is not
// stored: https://cloud.google.com/storage/docs/data-validation.
func TestWrongChecksumIsNotStored(t *testing.T) {
	everyWay(t, func(t *testing.T, s *gcstest.Server, c *storage.Client) {
		for _, size := range []int{0, 10, 600_000} {
			for _, chunk := range []int{0, 256 << 10} {
				o := c.Bucket(bucket).Object("a")
				wantCode(t, write(t, o, noise(size), func(w *storage.Writer) {
					w.ChunkSize, w.CRC32C, w.SendCRC32C = chunk, 1, true
				}), 400)
				wantCode(t, write(t, o, noise(size), func(w *storage.Writer) {
					w.ChunkSize, w.MD5 = chunk, make([]byte, 16)
				}), 400)
			}
		}
		wantNothing(t, s)
	})
}

// A simple upload's checksums come in X-Goog-Hash.
func TestSimpleUploadVerifiesItsHeader(t *testing.T) {
	s := &gcstest.Server{}
	c := overPipe(t, s)
	const path = "/upload/storage/v1/b/alerts/o?uploadType=media&name=a"
	for _, hash := range []string{"crc32c=AAAAAA==", "md5=" + encodeMD5([]byte("other"))} {
		if resp := send(t, c, "POST", path, "hello", "X-Goog-Hash", hash); resp.code != 400 {
			t.Errorf("%s: %d %s; want 400", hash, resp.code, resp.body)
		}
	}
	wantNothing(t, s)
	resp := send(t, c, "POST", path, "hello",
		"X-Goog-Hash", "crc32c=mnG7TA==,md5="+encodeMD5([]byte("hello")), "Content-Type", "text/x")
	wantFinished(t, "right hashes", resp, 5)
	if o, _ := s.Object(bucket, "a"); o.ContentType != "text/x" || string(o.Content) != "hello" {
		t.Errorf("stored %+v", o)
	}
}

// A multipart body that ends early, or has more or less than two parts, is not
// stored.
func TestMultipartBodyIsCheckedToItsEnd(t *testing.T) {
	s := &gcstest.Server{}
	c := overPipe(t, s)
	const (
		first  = "--b\r\nContent-Type: application/json\r\n\r\n{\"name\":\"a\"}\r\n"
		second = "--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
	)
	insert := func(body string) response {
		return send(t, c, "POST", "/upload/storage/v1/b/alerts/o?uploadType=multipart", body,
			"Content-Type", "multipart/related; boundary=b")
	}
	for _, body := range []string{
		first, first + "--b--", first + second, first + strings.TrimSuffix(second, "lo\r\n"),
		first + second + second + "--b--", second + first + "--b--", "",
	} {
		if resp := insert(body); resp.code != 400 {
			t.Errorf("body %q: %d %s; want 400", body, resp.code, resp.body)
		}
	}
	wantNothing(t, s)
	wantFinished(t, "whole body", insert(first+second+"--b--"), 5)
	wantStored(t, s, []byte("hello"))
}

// A multipart body whose boundaries are whole but whose request breaks off behind
// them is not stored: that is what the client sends when it gives up.
func TestMultipartRequestHasToEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &gcstest.Server{}
		c := overPipe(t, s)
		body, stop := io.Pipe()
		go func() {
			io.WriteString(stop, "--b\r\nContent-Type: application/json\r\n\r\n{}\r\n--b\r\n\r\nhello\r\n--b--\r\n")
			synctest.Wait()
			wantNothing(t, s)
			stop.CloseWithError(errors.New("given up"))
		}()
		r, err := http.NewRequestWithContext(t.Context(), "POST", "http://storage.test/upload/storage/v1/b/alerts/o?uploadType=multipart&name=a", body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "multipart/related; boundary=b")
		if resp, err := c.Do(r); err == nil {
			t.Errorf("a request that broke off got the answer %s", resp.Status)
		}
		synctest.Wait()
		wantNothing(t, s)
	})
}

// Large contents have an MD5 only if the uploader gave one; the package comment
// says so.
func TestMD5OfLargeContents(t *testing.T) {
	s := &gcstest.Server{}
	c := emulator(t, s)
	for _, size := range []int{1 << 20, 1<<20 + 1} {
		for _, asked := range []bool{false, true} {
			attrs := mustWrite(t, c.Bucket(bucket).Object(fmt.Sprint(size)), noise(size), func(w *storage.Writer) {
				if sum := md5.Sum(noise(size)); asked {
					w.MD5 = sum[:]
				}
			})
			if got, want := len(attrs.MD5) == 16, asked || size == 1<<20; got != want {
				t.Errorf("%d bytes, asked %v: MD5 %x", size, asked, attrs.MD5)
			}
		}
	}
}
