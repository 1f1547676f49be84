package gcstest

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// Server is a Cloud Storage. Its zero value is ready for use: every bucket
// exists and is empty. The fields must not be changed once it is in use; its
// methods are safe for concurrent use. In a synctest bubble it has to be used
// from one bubble only.
type Server struct {
	// Buckets are the names of the buckets that exist. With nil every bucket
	// exists; an empty list that is not nil means there is none.
	Buckets []string

	// Location is every bucket's location. Empty means "US".
	Location string

	// Versioning keeps an object that is overwritten, deleted or moved away as a
	// noncurrent generation, in every bucket. Dir holds the live ones only.
	Versioning bool

	// Retention is every bucket's retention period, counted from an object's
	// creation, in whole seconds: a younger object cannot be deleted, overwritten or
	// moved away, unless Versioning makes it noncurrent. Put and Delete do not heed
	// it. 0 means no retention policy. RetentionLocked reports the policy as locked.
	// See https://cloud.google.com/storage/docs/bucket-lock.
	Retention       time.Duration
	RetentionLocked bool

	// SoftDelete is the period of every bucket's soft delete policy, in whole
	// seconds. It is only reported: what is deleted is gone. 0 means that soft
	// delete is switched off.
	SoftDelete time.Duration

	// Lifecycle is every bucket's lifecycle in the form that the API and gcloud's
	// lifecycle files have, {"rule": [...]}. It is only reported: no rule is
	// executed. Nil means none.
	Lifecycle json.RawMessage

	// FineGrained reports every bucket's uniform bucket-level access as switched
	// off.
	FineGrained bool

	// PublicAccess is every bucket's public access prevention as it is reported,
	// "enforced" or "inherited". Empty means "enforced".
	PublicAccess string

	// Now tells the time of objects' creation and of generations, which are
	// microseconds since 1970 and strictly increasing even if Now is not. Nil
	// means [time.Now].
	Now func() time.Time

	// Dir, unless empty, is a directory in which every object is also a file
	// under its object name: written whole and renamed into place before the
	// object becomes visible, removed when the object is deleted. It is made if
	// it is missing; files already there are not served unless Keep is called. The directory holds one
	// bucket: uploads to a second one are refused with 501, as are names that
	// are no file name inside the directory.
	Dir string

	// Discard keeps contents of 64 KiB and more only as size and checksums, for
	// benchmarks with more content than memory. Reading such an object's media
	// is then answered with 501, and so is an upload that has to be written to
	// Dir or whose MD5 is given only at the end. False keeps every content.
	Discard bool

	// Deny are permissions that the caller does not have, such as
	// "storage.objects.delete": requests that need one are answered with 403, and
	// testIamPermissions leaves them out. It has all others. Put and Delete need
	// none.
	Deny []string

	// DenyReported, unless nil, are the permissions that testIamPermissions leaves
	// out instead of those in Deny; an empty list that is not nil leaves none out.
	DenyReported []string

	// Fault says what goes wrong with a request. It is called once a request,
	// in the order of Request.N, never twice at the same time. It may call Put,
	// Delete, Object, Objects and Versions, but not Requests, and must not block. Nil means
	// no faults.
	Fault func(Request) Fault

	// Visible is called with every object when it becomes visible, before the
	// upload is answered, in the order in which objects become visible. It may
	// call Object, Objects and Versions, but not Put and Delete, and must not
	// block. Nil means nobody looks.
	Visible func(Object)

	store    store
	sessions sessions
	requests requests
}

// ServeHTTP answers one request of the JSON API or of the XML API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, refusal := s.route(r)
	if refusal != nil {
		refusal.write(w, r, c)
		return
	}
	fault := s.requests.count(s.Fault, c)
	if fault.Reset || fault.Status != 0 {
		if !fault.await(r) {
			panic(http.ErrAbortHandler)
		}
		fault.refuse(w, r, c)
		return
	}
	r.Body = &inbound{ReadCloser: r.Body}
	// The body is received before the delay, and the work is done after it: a
	// request that was sent whole can be executed when its sender has given up.
	act := c.prepare(s, c, r)
	if act == nil || !fault.await(r) {
		panic(http.ErrAbortHandler) // the sender is gone
	}
	a := s.answer(c, act)
	if a.unheard {
		panic(http.ErrAbortHandler)
	}
	fault.deliver(w, r, c, a)
}

func (s *Server) answer(c *call, act func() answer) answer {
	if refusal := s.allow(c); refusal != nil {
		return *refusal
	}
	return act()
}

// call is a request that is understood.
type call struct {
	request Request
	params  params
	xml     bool // by the XML API: errors are XML
	session *session

	// prepare receives and checks the request; what it returns does the work.
	// It returns nil if the request did not arrive whole and nothing of it is to
	// be kept.
	prepare func(*Server, *call, *http.Request) func() answer
}

// requests numbers and counts the requests.
type requests struct {
	mu    sync.Mutex
	total int
	byOp  map[Op]int
}

func (q *requests) count(fault func(Request) Fault, c *call) Fault {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.byOp == nil {
		q.byOp = make(map[Op]int)
	}
	q.total++
	q.byOp[c.request.Op]++
	c.request.N = q.total
	if fault == nil {
		return Fault{}
	}
	return fault(c.request)
}

// Requests is the number of requests so far, of all operations or of those
// given. Requests answered with 501 because they are not modelled do not count.
func (s *Server) Requests(ops ...Op) int {
	s.requests.mu.Lock()
	defer s.requests.mu.Unlock()
	if len(ops) == 0 {
		return s.requests.total
	}
	n := 0
	for _, op := range ops {
		n += s.requests.byOp[op]
	}
	return n
}
