package gcstest

import (
	"io"
	"net"
	"net/http"
	"time"
)

// Op is what a request asks for.
type Op string

const (
	GetObject       Op = "GetObject"       // metadata of an object
	ReadMedia       Op = "ReadMedia"       // content of an object, by either API
	Insert          Op = "Insert"          // upload in one request, simple or multipart
	StartUpload     Op = "StartUpload"     // start of a resumable session
	UploadChunk     Op = "UploadChunk"     // bytes for a session, more to follow
	FinishUpload    Op = "FinishUpload"    // a session's last bytes, or the word that there are no more
	QueryUpload     Op = "QueryUpload"     // how far a session is; any request to a finished one
	CancelUpload    Op = "CancelUpload"    // end of a session without an object
	ListObjects     Op = "ListObjects"     // one page of a listing
	DeleteObject    Op = "DeleteObject"    // removal of an object
	MoveObject      Op = "MoveObject"      // renaming of an object
	PatchObject     Op = "PatchObject"     // change of metadata, by PATCH or PUT
	GetBucket       Op = "GetBucket"       // metadata of a bucket
	TestPermissions Op = "TestPermissions" // testIamPermissions of a bucket
)

// Request is what a fault is chosen by.
type Request struct {
	N           int // sequence number on its server, from 1
	Op          Op
	Bucket      string
	Object      string // empty if there is none, or only an upload's body names it
	Destination string // what MoveObject renames Object to, empty for other operations
	Write       bool   // it changes something, or is a step towards that
}

// Fault is what goes wrong with one request; its zero value is nothing. Delay
// comes first; then Reset, Status and the rest are looked at in this order.
//
// An [net/http.Transport] sends a GET again by itself if a connection that was
// used before ends without an answer: such a request arrives twice.
type Fault struct {
	// Delay is the time between the request's arrival, with its whole body, and
	// its execution.
	Delay time.Duration

	// Detached executes the request after Delay even if its sender has given up
	// in the meantime. Without it such a request is dropped.
	Detached bool

	// Reset resets the connection (RST) without executing the request.
	Reset bool

	// Status, unless 0, is the answer; the request's body is read but the
	// request is not executed. RetryAfter, unless empty, is the Retry-After
	// header of that answer. Body, unless empty, is its body in the place of the API's own for
	// the status: HTML if it begins with <. [Retained] and its like have both.
	Status     int
	RetryAfter string
	Body       string

	// Lost executes the request and loses its answer.
	Lost Lost

	// TornBytes, unless 0, ends the connection after that many bytes of a media
	// read's body: orderly, or by a reset if Lost is LostByReset. It has no
	// effect on shorter bodies and on other requests.
	TornBytes int
}

// Lost is the way in which the answer to an executed request is lost.
type Lost int

const (
	NotLost     Lost = iota // it is not
	LostByReset             // the connection is reset (RST)
	LostByClose             // the connection is closed in an orderly way (FIN)
	LostAs503               // 503 takes its place
)

// await waits for the delay. It reports whether the request is still to be
// executed.
func (f Fault) await(r *http.Request) bool {
	if f.Delay <= 0 {
		return true
	}
	if f.Detached {
		time.Sleep(f.Delay)
		return true
	}
	timer := time.NewTimer(f.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

func (f Fault) refuse(w http.ResponseWriter, r *http.Request, c *call) {
	if f.Reset {
		hangUp(w, true)
		return
	}
	// Unread input would make the server close the connection under the
	// client's hands, which is a different fault.
	io.Copy(io.Discard, r.Body)
	a := failed(f.Status, "", "%s", http.StatusText(f.Status))
	if f.Body != "" {
		a.refusal, a.body = nil, []byte(f.Body)
		a.header.Set("Content-Type", "application/json; charset=UTF-8")
		if f.Body[0] == '<' {
			a.header.Set("Content-Type", "text/html; charset=UTF-8")
		}
	}
	if f.RetryAfter != "" {
		a.header.Set("Retry-After", f.RetryAfter)
	}
	a.write(w, r, c)
}

func (f Fault) deliver(w http.ResponseWriter, r *http.Request, c *call, a answer) {
	torn := c.request.Op == ReadMedia && r.Method == http.MethodGet &&
		f.TornBytes > 0 && int64(f.TornBytes) < a.contentLength()
	switch {
	case torn:
		a.torn = f.TornBytes
		a.write(w, r, c)
		http.NewResponseController(w).Flush()
		hangUp(w, f.Lost == LostByReset)
	case f.Lost == LostByReset || f.Lost == LostByClose:
		hangUp(w, f.Lost == LostByReset)
	case f.Lost == LostAs503:
		b := failed(http.StatusServiceUnavailable, "", "%s", http.StatusText(http.StatusServiceUnavailable))
		b.write(w, r, c)
	default:
		a.write(w, r, c)
	}
}

// hangUp ends the connection under the answer.
func hangUp(w http.ResponseWriter, reset bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2: the nearest there is
	}
	if reset {
		if tls, ok := conn.(interface{ NetConn() net.Conn }); ok {
			conn = tls.NetConn()
		}
		if c, ok := conn.(interface{ SetLinger(sec int) error }); ok {
			c.SetLinger(0)
		}
	}
	conn.Close()
}
