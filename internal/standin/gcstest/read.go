package gcstest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// prepareGet answers with an object's metadata. See
// https://cloud.google.com/storage/docs/json_api/v1/objects/get.
func (s *Server) prepareGet(c *call, r *http.Request) func() answer {
	return func() answer {
		o, refusal := s.readable(c)
		if refusal != nil {
			return *refusal
		}
		return ok(o.resource(r))
	}
}

func (s *Server) readable(c *call) (*object, *answer) {
	o := s.store.lookup(c.request.Bucket, c.request.Object, c.params.generation)
	if o == nil {
		return nil, s.missing(c.request.Bucket, c.request.Object)
	}
	return o, c.params.conditions.check(o, true)
}

// prepareRead answers with an object's content. The headers are those of
// https://cloud.google.com/storage/docs/xml-api/reference-headers, which both
// APIs send.
func (s *Server) prepareRead(c *call, r *http.Request) func() answer {
	return func() answer {
		o, refusal := s.readable(c)
		if refusal != nil {
			return *refusal
		}
		encoded := o.fields.ContentEncoding == "gzip"
		switch {
		case o.content.dropped():
			return notModelled("reading a content that Discard dropped")
		case encoded && !strings.Contains(o.fields.CacheControl, "no-transform") &&
			!strings.Contains(r.Header.Get("Accept-Encoding"), "gzip"):
			return notModelled("decompressive transcoding: the object is gzip and the request does not accept that")
		}
		a := empty(http.StatusOK)
		a.header = o.mediaHeader(c.xml)
		a.parts = o.content.pieces()
		return a.cutRange(r.Header.Get("Range"), o.content.size)
	}
}

func (o *object) mediaHeader(xml bool) http.Header {
	h := make(http.Header)
	put := func(name, value string) {
		if value != "" {
			h.Set(name, value)
		}
	}
	stored := o.fields.ContentEncoding
	if stored == "" {
		stored = "identity"
	}
	kind := o.fields.ContentType
	if kind == "" {
		kind = "application/octet-stream"
	}
	put("Content-Type", kind)
	put("Content-Encoding", o.fields.ContentEncoding)
	put("Content-Disposition", o.fields.ContentDisposition)
	put("Content-Language", o.fields.ContentLanguage)
	put("Cache-Control", o.fields.CacheControl)
	put("Accept-Ranges", "bytes")
	put("Etag", strconv.Quote(o.etag()))
	put("Last-Modified", o.updated.UTC().Format(http.TimeFormat))
	put("X-Goog-Generation", strconv.FormatInt(o.Generation, 10))
	put("X-Goog-Metageneration", strconv.FormatInt(o.Metageneration, 10))
	put("X-Goog-Storage-Class", storageClass)
	put("X-Goog-Stored-Content-Encoding", stored)
	put("X-Goog-Stored-Content-Length", strconv.FormatInt(o.content.size, 10))
	h.Add("X-Goog-Hash", "crc32c="+o.content.crcText())
	if sum := o.content.md5Text(); sum != "" {
		h.Add("X-Goog-Hash", "md5="+sum)
	}
	if xml {
		for key, value := range o.fields.Metadata {
			h.Set("X-Goog-Meta-"+key, value)
		}
	}
	return h
}

// cutRange cuts a media answer down to one range of bytes, RFC 9110, section 14.
func (a answer) cutRange(text string, size int64) answer {
	if text == "" {
		return a
	}
	if strings.Contains(text, ",") {
		return notModelled("reading several ranges at once")
	}
	first, end, valid := parseRange(text, size)
	if !valid {
		return a // as if it were not there
	}
	if first >= size || first >= end {
		a = failed(http.StatusRequestedRangeNotSatisfiable, "", "Request range not satisfiable")
		a.header.Set("Content-Range", fmt.Sprintf("bytes */%d", size))
		return a
	}
	a.status = http.StatusPartialContent
	a.header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, end-1, size))
	var parts [][]byte
	offset := int64(0)
	for _, p := range a.parts {
		from, to := max(first-offset, 0), min(end-offset, int64(len(p)))
		if from < to {
			parts = append(parts, p[from:to])
		}
		offset += int64(len(p))
	}
	a.parts = parts
	return a
}

// parseRange reads "bytes=FIRST-LAST", "bytes=FIRST-" and "bytes=-COUNT".
func parseRange(text string, size int64) (first, end int64, valid bool) {
	span, isBytes := strings.CutPrefix(text, "bytes=")
	from, to, found := strings.Cut(span, "-")
	if !isBytes || !found {
		return 0, 0, false
	}
	first, firstErr := strconv.ParseInt(from, 10, 64)
	last, lastErr := strconv.ParseInt(to, 10, 64)
	switch {
	case from == "" && lastErr == nil:
		return max(size-last, 0), size, true
	case firstErr == nil && to == "":
		return first, size, true
	case firstErr == nil && lastErr == nil && first <= last:
		return first, min(last+1, size), true
	}
	return 0, 0, false
}
