package gcstest

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// chunkQuantum is what the size of every chunk but the last has to be a multiple
// of.
const chunkQuantum = 256 << 10

// contentRange is a Content-Range header of a request to a session.
type contentRange struct {
	query       bool  // "bytes */TOTAL": no bytes
	first, last int64 // the bytes sent, last -1 if it is not said
	total       int64 // -1 if it is not said
}

// parseContentRange reads "bytes FIRST-LAST/TOTAL" and "bytes */TOTAL", with a
// total of "*" for an unknown one. No header means the whole content.
func parseContentRange(r *http.Request) (contentRange, error) {
	text := r.Header.Get("Content-Range")
	if text == "" {
		return contentRange{last: r.ContentLength - 1, total: r.ContentLength}, nil
	}
	bad := contentRange{total: -1}
	span, total, found := strings.Cut(strings.TrimPrefix(text, "bytes "), "/")
	parsed := contentRange{query: span == "*", total: -1}
	if !found || !strings.HasPrefix(text, "bytes ") {
		return bad, fmt.Errorf("Content-Range %q has no form of bytes FIRST-LAST/TOTAL", text)
	}
	var err error
	if total != "*" {
		if parsed.total, err = number(total); err != nil || parsed.total < 0 {
			return bad, fmt.Errorf("Content-Range %q: total is no size", text)
		}
	}
	if parsed.query {
		return parsed, nil
	}
	first, last, _ := strings.Cut(span, "-")
	parsed.first, err = number(first)
	if err == nil {
		parsed.last, err = number(last)
	}
	if err != nil || first == "" || last == "" || parsed.first < 0 || parsed.last < parsed.first ||
		parsed.total >= 0 && parsed.last >= parsed.total {
		return bad, fmt.Errorf("Content-Range %q is no range of bytes", text)
	}
	return parsed, nil
}

// size is the number of bytes that a request with this range has.
func (s contentRange) size() int64 {
	if s.query {
		return 0
	}
	return s.last + 1 - s.first
}

// slabs are chunk buffers of which nothing was kept.
var slabs sync.Pool

func slab(size int64) []byte {
	if p, _ := slabs.Get().(*[]byte); p != nil && int64(cap(*p)) >= size {
		return (*p)[:size]
	}
	return make([]byte, size)
}

// prepareChunk receives bytes for a session, possibly none.
func (s *Server) prepareChunk(c *call, r *http.Request) func() answer {
	span, err := parseContentRange(r)
	switch {
	case r.ContentLength < 0:
		return drain(r, notModelled("a session's bytes in a request of unknown length"))
	case err != nil:
		return drain(r, failed(http.StatusBadRequest, "", "Invalid request.  %v", err))
	case r.ContentLength != span.size():
		return drain(r, failed(http.StatusBadRequest, "", "Invalid request.  There were %d byte(s) in the request body.  There should have been %d byte(s) according to the Content-Range header.", r.ContentLength, span.size()))
	}
	p := slab(span.size())
	n, _ := fill(r.Body, p) // what arrived counts, whatever ended it
	return func() answer {
		a := s.execute(c.session, r, span, p[:n])
		a.unheard = int64(n) < span.size()
		return a
	}
}

// execute is one request to a session. A body that is shorter than its range was
// cut off: what arrived of it is kept.
func (s *Server) execute(x *session, r *http.Request, span contentRange, body []byte) answer {
	x.mu.Lock()
	defer x.mu.Unlock()
	hashes, refusal := parseChecksums(r.Header)
	switch {
	case x.object != nil:
		return ok(x.object.resource(r))
	case x.refusal != nil:
		return *x.refusal
	case s.now().Sub(x.started) > sessionLife:
		x.end(nil, refuse(failed(http.StatusGone, "", "The upload session has expired.")))
		return *x.refusal
	case refusal != nil:
		return *refusal
	case hashes != checksums{} && span.total < 0:
		return notModelled("X-Goog-Hash before the end of an upload")
	}
	if !span.query {
		if refusal := x.refuseRange(span); refusal != nil {
			return *refusal
		}
		x.append(body, span)
	}
	if x.content.size != span.total {
		return x.progress(r)
	}
	return s.finish(x, r, hashes)
}

func (x *session) refuseRange(span contentRange) *answer {
	switch {
	case x.total >= 0 && span.total >= 0 && span.total != x.total:
		return refuse(failed(http.StatusBadRequest, "", "Invalid request.  The declared size %d is not the earlier %d.", span.total, x.total))
	case span.first > x.content.size:
		return refuse(failed(http.StatusServiceUnavailable, "", "Invalid request.  According to the Content-Range header, the upload offset is %d byte(s), which exceeds already uploaded size of %d byte(s).", span.first, x.content.size))
	case span.last+1 == span.total:
		return nil
	// A range that starts where an earlier request was cut off may end on a
	// multiple instead of being one.
	case span.size()%chunkQuantum != 0 && (span.last+1)%chunkQuantum != 0:
		return refuse(failed(http.StatusBadRequest, "", "Invalid request.  The number of bytes uploaded is required to be a multiple of %d, except for the final request.  The received request contained %d bytes.", chunkQuantum, span.size()))
	}
	return nil
}

// append adds what is new of a request's bytes. The service ignores bytes that
// it has already.
func (x *session) append(body []byte, span contentRange) {
	if span.total >= 0 {
		x.total = span.total
	}
	skip := min(x.content.size-span.first, int64(len(body)))
	if x.content.add(body[skip:]) {
		slabs.Put(&body)
	}
}

// progress tells how much has arrived: 308 with a Range header, none for
// nothing. Clients for which 308 is a redirect ask for 200 instead by the header
// X-GUploader-No-308.
func (x *session) progress(r *http.Request) answer {
	a := empty(http.StatusPermanentRedirect)
	if r.Header.Get("X-GUploader-No-308") == "yes" {
		a.status = http.StatusOK
		a.header.Set("X-HTTP-Status-Code-Override", "308")
	}
	if x.content.size > 0 {
		a.header.Set("Range", fmt.Sprintf("bytes=0-%d", x.content.size-1))
	}
	return a
}

func (s *Server) finish(x *session, r *http.Request, hashes checksums) answer {
	refusal := x.content.verify(x.upload.want)
	if refusal == nil {
		refusal = x.content.verify(hashes)
	}
	var o *object
	if refusal == nil {
		o, refusal = s.commit(x.bucket, x.upload.name, s.mayWrite(x.conditions), x.upload.fields, x.content)
	}
	x.end(o, refusal)
	if refusal != nil {
		return *refusal
	}
	return ok(o.resource(r))
}
