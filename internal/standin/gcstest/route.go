package gcstest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// route finds out what a request asks for. The call is not nil even if the
// request is refused.
func (s *Server) route(r *http.Request) (*call, *answer) {
	c := &call{}
	refusal := s.find(c, r)
	return c, refusal
}

func (s *Server) find(c *call, r *http.Request) *answer {
	path := r.URL.EscapedPath()
	rest, json := strings.CutPrefix(path, "/storage/v1/")
	media := false
	if !json {
		rest, media = strings.CutPrefix(path, "/download/storage/v1/")
	}
	switch {
	case json, media:
		return s.findJSON(c, r, rest, media)
	case strings.HasPrefix(path, "/upload/storage/v1/"):
		return s.findUpload(c, r, strings.TrimPrefix(path, "/upload/storage/v1/"))
	case strings.HasPrefix(path, "/batch"):
		return refuse(notModelled("batch requests"))
	}
	return s.findXML(c, r, strings.TrimPrefix(path, "/"))
}

func (s *Server) findJSON(c *call, r *http.Request, path string, media bool) *answer {
	bucket, rest, refusal := s.cutBucket(path)
	if refusal != nil {
		return refusal
	}
	c.request.Bucket = bucket
	object, isObject := strings.CutPrefix(rest, "o/")
	object, destination, isMove := strings.Cut(object, "/moveTo/o/")
	asked := r.Method + " " + rest
	if isObject {
		if strings.Contains(object+destination, "/") {
			return refuse(notModelled("%s of an object (ACLs, compose, rewrite, copy, restore)", r.Method+" "+path))
		}
		asked = r.Method + " object"
		if refusal := takeName(object, &c.request.Object); refusal != nil {
			return refusal
		}
	}
	if isObject && isMove {
		asked = r.Method + " object/moveTo"
		if refusal := takeName(destination, &c.request.Destination); refusal != nil {
			return refusal
		}
	}
	switch asked {
	case "GET object":
		c.set(GetObject, false, (*Server).prepareGet)
		if media || r.URL.Query().Get("alt") == "media" {
			c.set(ReadMedia, false, (*Server).prepareRead)
		}
	case "PATCH object", "PUT object":
		c.set(PatchObject, true, (*Server).preparePatch)
	case "DELETE object":
		c.set(DeleteObject, true, (*Server).prepareDelete)
	case "POST object/moveTo":
		c.set(MoveObject, true, (*Server).prepareMove)
	case "GET o":
		c.set(ListObjects, false, (*Server).prepareList)
	case "GET ":
		c.set(GetBucket, false, (*Server).prepareBucket)
	case "GET iam/testPermissions":
		c.set(TestPermissions, false, (*Server).preparePermissions)
	default:
		return refuse(notModelled("%s of the JSON API", r.Method+" "+path))
	}
	return c.parse(r)
}

func (s *Server) findUpload(c *call, r *http.Request, path string) *answer {
	bucket, rest, refusal := s.cutBucket(path)
	if refusal != nil {
		return refusal
	}
	c.request.Bucket = bucket
	if rest != "o" {
		return refuse(notModelled("uploads to %q", path))
	}
	query := r.URL.Query()
	if query.Has("upload_id") {
		return s.findSession(c, r, query.Get("upload_id"))
	}
	c.request.Object = query.Get("name")
	switch kind := query.Get("uploadType"); {
	case r.Method != http.MethodPost:
		return refuse(notModelled("%s of an upload without upload_id", r.Method))
	case kind == "media":
		c.set(Insert, true, (*Server).prepareMedia)
	case kind == "multipart":
		c.set(Insert, true, (*Server).prepareMultipart)
	case kind == "resumable":
		c.set(StartUpload, true, (*Server).prepareStart)
	default:
		return refuse(failed(http.StatusBadRequest, "", "uploadType %q is not media, multipart or resumable", kind))
	}
	return c.parse(r)
}

// findXML takes the XML API's reads, GET and HEAD of /BUCKET/OBJECT.
func (s *Server) findXML(c *call, r *http.Request, path string) *answer {
	c.xml = true
	bucket, object, _ := strings.Cut(path, "/")
	if object == "" || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return refuse(notModelled("%s /%s of the XML API", r.Method, path))
	}
	bucket, err := url.PathUnescape(bucket)
	if err != nil {
		return refuse(failed(http.StatusBadRequest, "", "bucket name: %v", err))
	}
	c.request.Bucket = bucket
	if !s.exists(bucket) {
		return refuse(bucketMissing())
	}
	if refusal := takeName(object, &c.request.Object); refusal != nil {
		return refusal
	}
	c.set(ReadMedia, false, (*Server).prepareRead)
	return c.parse(r)
}

// cutBucket splits "b/BUCKET/REST".
func (s *Server) cutBucket(path string) (bucket, rest string, refusal *answer) {
	path, isBucket := strings.CutPrefix(path, "b/")
	bucket, rest, _ = strings.Cut(path, "/")
	bucket, err := url.PathUnescape(bucket)
	switch {
	case !isBucket || bucket == "":
		return "", "", refuse(notModelled("%q of the JSON API", path))
	case err != nil:
		return "", "", refuse(failed(http.StatusBadRequest, "", "bucket name: %v", err))
	case !s.exists(bucket):
		return "", "", refuse(bucketMissing())
	}
	return bucket, rest, nil
}

func (s *Server) exists(bucket string) bool {
	return s.Buckets == nil || slices.Contains(s.Buckets, bucket)
}

func bucketMissing() answer {
	return failed(http.StatusNotFound, noSuchBucket, "The specified bucket does not exist.")
}

func refuse(a answer) *answer { return &a }

func (c *call) set(op Op, write bool, prepare func(*Server, *call, *http.Request) func() answer) {
	c.request.Op, c.request.Write, c.prepare = op, write, prepare
}

func takeName(escaped string, into *string) *answer {
	name, err := url.PathUnescape(escaped)
	if err != nil {
		return refuse(failed(http.StatusBadRequest, "", "object name: %v", err))
	}
	*into = name
	return checkName(name)
}

// checkName holds object names to
// https://cloud.google.com/storage/docs/objects#naming.
func checkName(name string) *answer {
	switch {
	case name == "":
		return refuse(failed(http.StatusBadRequest, "required", "Required object name"))
	case len(name) > 1024, !utf8.ValidString(name), strings.ContainsAny(name, "\r\n"),
		name == ".", name == "..", strings.HasPrefix(name, ".well-known/acme-challenge/"):
		return refuse(failed(http.StatusBadRequest, "", "Invalid object name %q", name))
	}
	return nil
}
