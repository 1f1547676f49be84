package gcstest

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// sessionLife is how long a session can be used, from
// https://cloud.google.com/storage/docs/resumable-uploads.
const sessionLife = 7 * 24 * time.Hour

// sessions are the resumable uploads, also those that are over.
type sessions struct {
	mu   sync.Mutex
	last int
	byID map[string]*session
}

// session is a resumable upload.
type session struct {
	bucket     string
	upload     upload
	conditions conditions
	started    time.Time

	mu      sync.Mutex
	content *content // nil once it is over
	total   int64    // declared size, -1 while unknown
	object  *object  // what came of it
	refusal *answer  // why nothing came of it
}

func (q *sessions) add(x *session) (id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.byID == nil {
		q.byID = make(map[string]*session)
	}
	q.last++
	id = "session-" + strconv.Itoa(q.last)
	q.byID[id] = x
	return id
}

func (q *sessions) find(id string) *session {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.byID[id]
}

// prepareStart opens a session. See
// https://cloud.google.com/storage/docs/performing-resumable-uploads.
func (s *Server) prepareStart(c *call, r *http.Request) func() answer {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil
	}
	return func() answer {
		u, refusal := c.parseUpload(body)
		if refusal != nil {
			return *refusal
		}
		if r.Header.Get("X-Goog-Hash") != "" {
			return notModelled("X-Goog-Hash at the start of a session: give crc32c or md5Hash in the resource")
		}
		if u.fields.ContentType == "" {
			u.fields.ContentType = r.Header.Get("X-Upload-Content-Type")
		}
		total := int64(-1)
		if text := r.Header.Get("X-Upload-Content-Length"); text != "" {
			if total, err = number(text); err != nil || total < 0 {
				return failed(http.StatusBadRequest, "", "X-Upload-Content-Length %q is no size", text)
			}
		}
		if refusal := s.mayWrite(c.params.conditions)(s.store.lookup(c.request.Bucket, u.name, 0)); refusal != nil {
			return *refusal
		}
		id := s.sessions.add(&session{
			bucket: c.request.Bucket, upload: u, conditions: c.params.conditions, started: s.now(),
			content: s.newContent(u.want.md5 != ""), total: total,
		})
		scheme := "http"
		if r.TLS != nil {
			scheme = "https"
		}
		a := empty(http.StatusOK)
		a.header.Set("Location",
			fmt.Sprintf("%s://%s%s?uploadType=resumable&upload_id=%s", scheme, r.Host, r.URL.EscapedPath(), id))
		a.header.Set("X-GUploader-UploadID", id)
		return a
	}
}

// findSession takes the requests to a session's URI.
func (s *Server) findSession(c *call, r *http.Request, id string) *answer {
	x := s.sessions.find(id)
	if x == nil {
		return refuse(failed(http.StatusNotFound, "", "No such upload session: %s", id))
	}
	c.session = x
	c.request.Object = x.upload.name
	if refusal := refuseHeaders(r.Header); refusal != nil {
		return refusal
	}
	switch r.Method {
	case http.MethodDelete:
		c.set(CancelUpload, true, (*Server).prepareCancel)
		return nil
	case http.MethodPut, http.MethodPost:
	default:
		return refuse(notModelled("%s of an upload session", r.Method))
	}
	// What is wrong with the range is said when the request is executed.
	span, _ := parseContentRange(r)
	switch {
	case x.over(), span.query && !x.complete(span.total):
		c.set(QueryUpload, false, (*Server).prepareChunk)
	case span.query, span.total >= 0 && span.last+1 == span.total, r.Header.Get("Content-Range") == "":
		c.set(FinishUpload, true, (*Server).prepareChunk)
	default:
		c.set(UploadChunk, true, (*Server).prepareChunk)
	}
	return nil
}

func (x *session) over() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.content == nil
}

// complete reports whether total bytes are all that the session has.
func (x *session) complete(total int64) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.content != nil && total == x.content.size
}

// prepareCancel ends a session; what was uploaded is thrown away. The service
// answers 499, and any later request to the session with 4xx.
func (s *Server) prepareCancel(c *call, r *http.Request) func() answer {
	return func() answer {
		x := c.session
		x.mu.Lock()
		defer x.mu.Unlock()
		const clientClosedRequest = 499
		if x.content != nil {
			x.end(nil, refuse(failed(clientClosedRequest, "cancelled", "The upload was cancelled.")))
		}
		return empty(clientClosedRequest)
	}
}

// end is called with x.mu held.
func (x *session) end(o *object, refusal *answer) {
	x.content, x.object, x.refusal = nil, o, refusal
}
