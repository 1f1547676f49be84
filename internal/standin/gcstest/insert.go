package gcstest

import (
	"bufio"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
)

// prepareMedia receives a simple upload: the body is the content, the name a
// query parameter. See https://cloud.google.com/storage/docs/uploading-objects.
func (s *Server) prepareMedia(c *call, r *http.Request) func() answer {
	u, refusal := c.parseUpload(nil)
	if refusal != nil {
		return drain(r, *refusal)
	}
	u.fields.ContentType = r.Header.Get("Content-Type")
	return s.receive(c, r, u, r.Body)
}

// prepareMultipart receives a resource and the content as the two parts of a
// multipart/related body.
func (s *Server) prepareMultipart(c *call, r *http.Request) func() answer {
	kind, options, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/related" || options["boundary"] == "" {
		return drain(r, failed(http.StatusBadRequest, "badContent", "a multipart upload has to be multipart/related with a boundary"))
	}
	whole := bufio.NewReaderSize(r.Body, 128<<10) // the multipart reader's own buffer is small
	parts := multipart.NewReader(whole, options["boundary"])
	part, err := parts.NextPart()
	if err != nil {
		return malformed(r, err)
	}
	body, err := io.ReadAll(part)
	if err != nil {
		return malformed(r, err)
	}
	u, refusal := c.parseUpload(body)
	if refusal != nil {
		return drain(r, *refusal)
	}
	if part, err = parts.NextRawPart(); err != nil {
		return malformed(r, err)
	}
	if encoding := part.Header.Get("Content-Transfer-Encoding"); encoding != "" && encoding != "binary" {
		return drain(r, notModelled("the transfer encoding %s", encoding))
	}
	if u.fields.ContentType == "" {
		u.fields.ContentType = part.Header.Get("Content-Type")
	}
	return s.receive(c, r, u, &lastPart{part: part, parts: parts, body: whole})
}

// lastPart reads the content's part and then makes sure that it was the last, and
// that the request ended behind it: the Go client closes the multipart body also
// when its content's source fails, and then breaks off the request.
type lastPart struct {
	part  io.Reader
	parts *multipart.Reader
	body  io.Reader
}

var errMoreParts = errors.New("more than two parts")

func (l *lastPart) Read(p []byte) (int, error) {
	n, err := l.part.Read(p)
	if err != io.EOF {
		return n, err
	}
	if _, err := l.parts.NextPart(); err == nil {
		return n, errMoreParts
	} else if err != io.EOF {
		return n, err // no closing boundary
	}
	if _, err := io.Copy(io.Discard, l.body); err != nil {
		return n, err
	}
	return n, io.EOF
}

// receive takes the content of an upload in one request. One that does not
// arrive whole is not stored.
func (s *Server) receive(c *call, r *http.Request, u upload, body io.Reader) func() answer {
	header, refusal := parseChecksums(r.Header)
	if refusal != nil {
		return drain(r, *refusal)
	}
	content := s.newContent(u.want.md5 != "" || header.md5 != "")
	if err := content.readFrom(body); err != nil {
		return malformed(r, err)
	}
	return func() answer {
		for _, want := range []checksums{u.want, header} {
			if refusal := content.verify(want); refusal != nil {
				return *refusal
			}
		}
		o, refusal := s.commit(c.request.Bucket, u.name, s.mayWrite(c.params.conditions), u.fields, content)
		if refusal != nil {
			return *refusal
		}
		return ok(o.resource(r))
	}
}

// inbound is a request's body. It remembers that its sender broke off, which
// readers on top of it may take for something else.
type inbound struct {
	io.ReadCloser
	broken bool
}

func (b *inbound) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		b.broken = true
	}
	return n, err
}

// drain reads the rest of a refused request, so that its sender gets to see the
// answer. It returns nil if the sender broke off.
func drain(r *http.Request, a answer) func() answer {
	io.Copy(io.Discard, r.Body)
	if r.Body.(*inbound).broken {
		return nil
	}
	return func() answer { return a }
}

// malformed answers a multipart body that is not what it should be.
func malformed(r *http.Request, err error) func() answer {
	return drain(r, failed(http.StatusBadRequest, "badContent", "multipart body: %v", err))
}
