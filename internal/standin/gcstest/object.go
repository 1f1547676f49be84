package gcstest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Object is what a server holds under a name at one moment. It is a copy, except
// for Content, which must not be changed.
type Object struct {
	Bucket, Name    string
	Generation      int64 // microseconds since 1970, or later than the one before
	Metageneration  int64 // 1 for a new generation, one more with every PatchObject
	Size            int64
	Content         []byte // nil if Server.Discard dropped it
	CRC32C          uint32 // Castagnoli, of Content
	ContentType     string // empty if the uploader gave none
	ContentEncoding string
	CacheControl    string
	Metadata        map[string]string
	Created         time.Time // when the upload was finished, or the object moved to its name
	Updated         time.Time // the last change of metadata, at first Created
	Deleted         time.Time // when it became noncurrent, zero if it is live
}

// object is one generation of an object with one state of its metadata. It is
// never changed, so a read under way is not disturbed by a write.
type object struct {
	bucket, name   string
	Generation     int64
	Metageneration int64
	created        time.Time
	updated        time.Time
	deleted        time.Time // when it became noncurrent, zero while it is live
	retained       time.Time // until when, zero without a retention policy
	fields         fields
	content        *content
}

func (o *object) snapshot() Object {
	return Object{
		Bucket:          o.bucket,
		Name:            o.name,
		Generation:      o.Generation,
		Metageneration:  o.Metageneration,
		Size:            o.content.size,
		Content:         o.content.bytes(),
		CRC32C:          o.content.crc,
		ContentType:     o.fields.ContentType,
		ContentEncoding: o.fields.ContentEncoding,
		CacheControl:    o.fields.CacheControl,
		Metadata:        maps.Clone(o.fields.Metadata),
		Created:         o.created,
		Updated:         o.updated,
		Deleted:         o.deleted,
	}
}

// commit makes a finished upload visible, if it still may be.
func (s *Server) commit(
	bucket, name string, may func(live *object) *answer, f fields, content *content,
) (*object, *answer) {
	s.store.publish.Lock()
	defer s.store.publish.Unlock()
	before := s.store.versions(bucket, name)
	if refusal := may(before.live); refusal != nil {
		return nil, refusal
	}
	o := s.newObject(bucket, name, f, content)
	if refusal := s.mirrorWrite(o); refusal != nil {
		return nil, refusal
	}
	after := before.retire(s.Versioning, o.created)
	after.live = o
	s.store.put(bucket, map[string]versions{name: after})
	if s.Visible != nil {
		s.Visible(o.snapshot())
	}
	return o, nil
}

// newObject makes a new generation. It is called with store.publish held.
func (s *Server) newObject(bucket, name string, f fields, content *content) *object {
	now := s.now()
	s.store.last = max(s.store.last+1, now.UnixMicro())
	o := &object{
		bucket: bucket, name: name,
		Generation: s.store.last, Metageneration: 1,
		created: now, updated: now,
		fields: f, content: content,
	}
	if s.Retention > 0 {
		o.retained = now.Add(s.Retention)
	}
	return o
}

func (s *Server) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// Objects are the bucket's live objects whose names start with prefix, as they are at
// one moment, sorted by name.
func (s *Server) Objects(bucket, prefix string) []Object {
	var objects []Object
	for _, o := range s.store.from(bucket, prefix, false) {
		if !strings.HasPrefix(o.name, prefix) {
			break
		}
		objects = append(objects, o.snapshot())
	}
	return objects
}

// Versions are all generations of the object with this name, the oldest first:
// the noncurrent ones, which only Versioning keeps, and the live one, if there
// is one.
func (s *Server) Versions(bucket, name string) []Object {
	var objects []Object
	for _, o := range s.store.versions(bucket, name).all() {
		objects = append(objects, o.snapshot())
	}
	return objects
}

// Object is the live object with this name, if there is one.
func (s *Server) Object(bucket, name string) (Object, bool) {
	o := s.store.lookup(bucket, name, 0)
	if o == nil {
		return Object{}, false
	}
	return o.snapshot(), true
}

// Put stores an object as a person would by hand, past Fault and without
// preconditions. It panics if the bucket does not exist, the name is not
// allowed, or Dir cannot be written to.
func (s *Server) Put(bucket, name string, body []byte) Object {
	return s.PutWith(bucket, name, body, nil)
}

// PutWith is [Server.Put] of an object that has metadata.
func (s *Server) PutWith(bucket, name string, body []byte, metadata map[string]string) Object {
	if refusal := checkName(name); refusal != nil {
		panic("gcstest: put: " + refusal.refusal.message)
	}
	if !s.exists(bucket) {
		panic("gcstest: put: no bucket " + bucket)
	}
	content := s.newContent(false)
	content.add(slices.Clone(body))
	o, refusal := s.commit(bucket, name, byHand, fields{Metadata: metadata}, content)
	if refusal != nil {
		panic("gcstest: put: " + refusal.refusal.message)
	}
	return o.snapshot()
}

// Delete removes the live object as a person would by hand, past Fault and
// without preconditions; Versioning keeps it as noncurrent. It reports whether
// there was one. It panics if Dir cannot be written to.
func (s *Server) Delete(bucket, name string) bool {
	refusal := s.remove(bucket, name, 0, byHand)
	if refusal != nil && refusal.status != http.StatusNotFound {
		panic("gcstest: delete: " + refusal.refusal.message)
	}
	return refusal == nil
}
