package gcstest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
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
}

// object is one generation of an object with one state of its metadata. It is
// never changed, so a read under way is not disturbed by a write.
type object struct {
	bucket, name   string
	Generation     int64
	Metageneration int64
	created        time.Time
	updated        time.Time
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
	}
}

// store holds the live objects.
type store struct {
	publish sync.Mutex // held while something changes, Server.Visible included

	mu      sync.Mutex
	buckets map[string]map[string]*object
	sorted  map[string][]string // a bucket's object names; dropped when they change
	last    int64               // the last generation given out
	mirror  mirror
}

// lookup finds an object that is live, and of the generation asked for unless
// that is 0. It returns nil if there is none.
func (s *store) lookup(bucket, name string, generation int64) *object {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.buckets[bucket][name]
	if o != nil && generation != 0 && o.Generation != generation {
		return nil
	}
	return o
}

func (s *store) replace(o *object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buckets == nil {
		s.buckets = make(map[string]map[string]*object)
		s.sorted = make(map[string][]string)
	}
	if s.buckets[o.bucket] == nil {
		s.buckets[o.bucket] = make(map[string]*object)
	}
	if s.buckets[o.bucket][o.name] == nil {
		delete(s.sorted, o.bucket)
	}
	s.buckets[o.bucket][o.name] = o
}

func (s *store) remove(bucket, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.buckets[bucket], name)
	delete(s.sorted, bucket)
}

// rename takes away one object and stores the other in one step.
func (s *store) rename(source, o *object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.buckets[source.bucket], source.name)
	s.buckets[o.bucket][o.name] = o
	delete(s.sorted, o.bucket)
}

// from returns the bucket's objects whose names are at least first, in the order
// of their UTF-8 bytes.
func (s *store) from(bucket, first string) []*object {
	s.mu.Lock()
	defer s.mu.Unlock()
	names, ok := s.sorted[bucket]
	if !ok && s.buckets[bucket] != nil {
		names = slices.Sorted(maps.Keys(s.buckets[bucket]))
		s.sorted[bucket] = names
	}
	at, _ := slices.BinarySearch(names, first)
	objects := make([]*object, 0, len(names)-at)
	for _, name := range names[at:] {
		objects = append(objects, s.buckets[bucket][name])
	}
	return objects
}

// commit makes a finished upload visible, if its preconditions still hold.
func (s *Server) commit(bucket, name string, p conditions, f fields, content *content) (*object, *answer) {
	s.store.publish.Lock()
	defer s.store.publish.Unlock()
	if refusal := p.check(s.store.lookup(bucket, name, 0), false); refusal != nil {
		return nil, refusal
	}
	if refusal := s.mirrorWrite(bucket, name, content); refusal != nil {
		return nil, refusal
	}
	o := s.newObject(bucket, name, f, content)
	s.store.replace(o)
	if s.Visible != nil {
		s.Visible(o.snapshot())
	}
	return o, nil
}

// newObject makes a new generation. It is called with store.publish held.
func (s *Server) newObject(bucket, name string, f fields, content *content) *object {
	now := s.now()
	s.store.last = max(s.store.last+1, now.UnixMicro())
	return &object{
		bucket: bucket, name: name,
		Generation: s.store.last, Metageneration: 1,
		created: now, updated: now,
		fields: f, content: content,
	}
}

func (s *Server) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// Objects are the bucket's objects whose names start with prefix, as they are at
// one moment, sorted by name.
func (s *Server) Objects(bucket, prefix string) []Object {
	var objects []Object
	for _, o := range s.store.from(bucket, prefix) {
		if !strings.HasPrefix(o.name, prefix) {
			break
		}
		objects = append(objects, o.snapshot())
	}
	return objects
}

// Object is the object with this name, if there is one.
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
	if refusal := checkName(name); refusal != nil {
		panic("gcstest: put: " + refusal.refusal.message)
	}
	if !s.exists(bucket) {
		panic("gcstest: put: no bucket " + bucket)
	}
	content := s.newContent(false)
	content.add(slices.Clone(body))
	o, refusal := s.commit(bucket, name, conditions{}, fields{}, content)
	if refusal != nil {
		panic("gcstest: put: " + refusal.refusal.message)
	}
	return o.snapshot()
}

// Delete removes an object as a person would by hand, past Fault and without
// preconditions. It reports whether there was one. It panics if Dir cannot be
// written to.
func (s *Server) Delete(bucket, name string) bool {
	refusal := s.deleteLive(bucket, name, params{})
	if refusal != nil && refusal.status != http.StatusNotFound {
		panic("gcstest: delete: " + refusal.refusal.message)
	}
	return refusal == nil
}
