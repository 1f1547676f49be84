package gcstest_test

import (
	"hash/crc32"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"netskope-alerts.internal/collector/internal/standin/gcstest"
)

// Chunks, status queries, chunks sent again and a finished session. What a
// repeated chunk, a gap and a finished session are answered with is as observed
// in https://github.com/floci-io/floci-gcp/pull/132 and googleapis/java-storage's
// ITJsonResumableSessionPutTaskTest, scenarios S.1 to S.4.2.
func TestSession(t *testing.T) {
	s := &gcstest.Server{}
	c := overPipe(t, s)
	body := noise(2*quantum + 1000)
	uri := startSession(t, c, `{"contentType":"text/csv"}`, "name=a")
	want308(t, "query of a new session", put(t, c, uri, nil, 0, "*"), 0)
	want308(t, "first chunk", put(t, c, uri, body[:quantum], 0, "*"), quantum)
	want308(t, "first chunk again", put(t, c, uri, body[:quantum], 0, "*"), quantum)
	want308(t, "query", put(t, c, uri, nil, 0, "*"), quantum)
	want308(t, "query with a total that is not reached", put(t, c, uri, nil, 0, len(body)), quantum)
	want308(t, "query with a total that is passed", put(t, c, uri, nil, 0, 1), quantum)
	if resp := put(t, c, uri, body[2*quantum:], 2*quantum, len(body)); resp.code != 503 {
		t.Errorf("a gap: %d %s; want 503", resp.code, resp.body)
	}
	want308(t, "overlapping chunk", put(t, c, uri, body[:2*quantum], 0, len(body)), 2*quantum)
	if resp := put(t, c, uri, body[2*quantum:], 2*quantum, len(body)+1); resp.code != 400 {
		t.Errorf("another total: %d %s; want 400", resp.code, resp.body)
	}
	wantNothing(t, s)
	wantFinished(t, "last chunk", put(t, c, uri, body[2*quantum:], 2*quantum, len(body)), len(body))
	wantStored(t, s, body)
	first, _ := s.Object(bucket, "a")
	wantFinished(t, "last chunk again", put(t, c, uri, body[2*quantum:], 2*quantum, len(body)), len(body))
	wantFinished(t, "first chunk after the end", put(t, c, uri, body[:quantum], 0, "*"), len(body))
	wantFinished(t, "query after the end", put(t, c, uri, nil, 0, "*"), len(body))
	wantFinished(t, "query with another total after the end", put(t, c, uri, nil, 0, 5), len(body))
	wantFinished(t, "POST after the end", send(t, c, "POST", uri, "", "Content-Range", "bytes */*"), len(body))
	if n := s.Requests(gcstest.QueryUpload); n != 9 {
		t.Errorf("%d queries; want 4 before the end and 5 after it", n)
	}
	if again, _ := s.Object(bucket, "a"); again.Generation != first.Generation {
		t.Errorf("requests to a finished session made generation %d of %d", again.Generation, first.Generation)
	}
	if o, _ := s.Object(bucket, "a"); o.ContentType != "text/csv" {
		t.Errorf("content type %q", o.ContentType)
	}
}

// A client for which 308 is a redirect asks for 200 with a header instead.
func TestSessionWithout308(t *testing.T) {
	s := &gcstest.Server{}
	c := overPipe(t, s)
	uri := startSession(t, c, "", "name=a")
	resp := put(t, c, uri, noise(quantum), 0, "*", "X-GUploader-No-308", "yes")
	if resp.code != 200 || resp.header.Get("X-HTTP-Status-Code-Override") != "308" ||
		resp.header.Get("Range") != "bytes=0-262143" {
		t.Errorf("chunk: %+v", resp)
	}
}

// Sizes of chunks, and ranges that say something else than the body.
func TestSessionRefusesWrongChunks(t *testing.T) {
	s := &gcstest.Server{}
	c := overPipe(t, s)
	uri := startSession(t, c, "", "name=a")
	for _, wrong := range []struct {
		span string
		size int
	}{
		{"bytes 0-99/*", 100},
		{"bytes 0-262144/*", quantum + 1},
		{"bytes 0-99/1000000", 100},
		{"bytes 0-262143/*", 100},
		{"bytes 0-99/100", quantum},
		{"bytes 0-262143/262143", quantum},
		{"bytes 5-4/*", 0},
		{"bytes */*", 3},
		{"bytes 0-262143", quantum},
		{"0-262143/*", quantum},
		{"bytes -1-262142/*", quantum},
	} {
		resp := send(t, c, "PUT", uri, string(noise(wrong.size)), "Content-Range", wrong.span)
		if resp.code != 400 {
			t.Errorf("%s with %d bytes: %d %s; want 400", wrong.span, wrong.size, resp.code, resp.body)
		}
	}
	want308(t, "query", put(t, c, uri, nil, 0, "*"), 0)
	wantNothing(t, s)
}

// The content in one request to a session, and an empty one.
func TestSessionInOneRequest(t *testing.T) {
	s := &gcstest.Server{}
	c := overPipe(t, s)
	uri := startSession(t, c, "", "name=a")
	wantFinished(t, "without a range", send(t, c, "PUT", uri, string(noise(1234))), 1234)
	wantStored(t, s, noise(1234))
	uri = startSession(t, c, "", "name=a")
	wantFinished(t, "empty, by a range", put(t, c, uri, nil, 0, 0), 0)
	wantStored(t, s, nil)
	uri = startSession(t, c, "", "name=a")
	wantFinished(t, "empty, without a range", send(t, c, "PUT", uri, ""), 0)
}

// What arrived of a request that was cut off is kept: the status query tells how
// much, and the upload goes on from there or with the whole chunk again.
func TestSessionKeepsWhatArrived(t *testing.T) {
	body := noise(2*quantum + 7)
	for _, fromStart := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := &gcstest.Server{}
			c := overPipe(t, s)
			uri := startSession(t, c, "", "name=a")
			cut, stop := io.Pipe()
			go func() {
				stop.Write(body[:300_001])
				time.Sleep(time.Minute)
				stop.CloseWithError(io.ErrClosedPipe)
			}()
			r, err := http.NewRequestWithContext(t.Context(), "PUT", uri, cut)
			if err != nil {
				t.Fatal(err)
			}
			r.ContentLength = int64(len(body))
			if _, err := c.Do(r); err == nil {
				t.Fatal("a request that was cut off got an answer")
			}
			synctest.Wait()
			wantNothing(t, s)
			want308(t, "query", put(t, c, uri, nil, 0, "*"), 300_001)
			from := 300_001
			if fromStart {
				from = 0
			}
			wantFinished(t, "the rest", put(t, c, uri, body[from:], from, len(body)), len(body))
			wantStored(t, s, body)
		})
	}
}

// Checksums in the resource or in the last request's X-Goog-Hash:
// https://cloud.google.com/storage/docs/data-validation. A mismatch stores
// nothing and ends the session.
func TestSessionVerifiesChecksums(t *testing.T) {
	body := noise(2_000_000)
	crc := encodeCRC(crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
	sum := encodeMD5(body)
	for _, c := range []struct {
		name, resource, header string
		code                   int
	}{
		{"right CRC32C in the resource", `{"crc32c":"` + crc + `"}`, "", 200},
		{"right MD5 in the resource", `{"md5Hash":"` + sum + `"}`, "", 200},
		{"right both in the header", "", "crc32c=" + crc + ",md5=" + sum, 200},
		{"wrong CRC32C in the resource", `{"crc32c":"AAAAAA=="}`, "", 400},
		{"wrong MD5 in the resource", `{"md5Hash":"AAAAAAAAAAAAAAAAAAAAAA=="}`, "", 400},
		{"wrong CRC32C in the header", "", "crc32c=AAAAAA==", 400},
		{"wrong MD5 in the header", "", "md5=AAAAAAAAAAAAAAAAAAAAAA==", 400},
		{"right in the resource, wrong in the header", `{"crc32c":"` + crc + `"}`, "crc32c=AAAAAA==", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &gcstest.Server{}
			client := overPipe(t, s)
			uri := startSession(t, client, c.resource, "name=a")
			want308(t, "chunk", put(t, client, uri, body[:4*quantum], 0, "*"), 4*quantum)
			headers := []string{}
			if c.header != "" {
				headers = []string{"X-Goog-Hash", c.header}
			}
			for range 2 {
				resp := put(t, client, uri, body[4*quantum:], 4*quantum, len(body), headers...)
				if resp.code != c.code {
					t.Errorf("finish: %d %s; want %d", resp.code, resp.body, c.code)
				}
			}
			if c.code == 200 {
				wantStored(t, s, body)
			} else {
				wantNothing(t, s)
			}
		})
	}
}

// A cancelled session answers 499 and then 4xx; one that is a week old is gone:
// https://cloud.google.com/storage/docs/resumable-uploads.
func TestSessionsEnd(t *testing.T) {
	at := time.Now()
	s := &gcstest.Server{Now: func() time.Time { return at }}
	c := overPipe(t, s)
	uri := startSession(t, c, "", "name=a")
	put(t, c, uri, noise(quantum), 0, "*")
	for _, method := range []string{"DELETE", "PUT", "DELETE"} {
		if resp := send(t, c, method, uri, ""); resp.code != 499 {
			t.Errorf("%s: %d; want 499", method, resp.code)
		}
	}
	uri = startSession(t, c, "", "name=a")
	at = at.Add(7 * 24 * time.Hour)
	want308(t, "query after a week", put(t, c, uri, nil, 0, "*"), 0)
	at = at.Add(time.Second)
	if resp := put(t, c, uri, noise(10), 0, 10); resp.code != 410 {
		t.Errorf("finish after more than a week: %d; want 410", resp.code)
	}
	if resp := put(t, c, uri+"9", nil, 0, "*"); resp.code != 404 {
		t.Errorf("no such session: %d; want 404", resp.code)
	}
	wantNothing(t, s)
}
