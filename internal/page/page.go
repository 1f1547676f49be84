// Package page splits the body of one Netskope REST API v2 response,
//
//	{"ok":1,"result":[{...},{...}],"wait_time":5}
//
// into its raw alerts while the body arrives. The whole body is validated as
// RFC 8259 JSON, yet at most one alert of it is kept, and no memory is
// allocated per alert.
//
// Nothing is decoded: a number keeps its digits (64-bit ids, 1.10, -0, 1e400)
// and a string its bytes (escapes, lone surrogates, U+2028, and even bytes
// that are not UTF-8). An alert may repeat a key.
package page

import "fmt"

// maxDepth is the deepest nesting accepted, counted from the body's outer
// object; the limit of encoding/json, so that whatever passes here can also
// be read by a Go program later.
const maxDepth = 10_000

// Reader splits bodies one after another. It keeps its buffers, which are as
// large as the largest alert met so far required, from body to body. The zero
// value is ready to use. A Reader must not be used by two goroutines at a
// time, nor by the function passed to Read.
type Reader struct {
	// MaxAlert is the size in bytes, as received, up to which an alert (or any
	// other member of the body, which is held in memory just as an alert is)
	// is accepted; 0 means 32 MiB.
	MaxAlert int
	// Type is the key of the member whose value is Alert.Type; "" means "alert_type".
	Type string

	source
	scanner
	alert Alert
}

// Alert is one element of "result". The Alert and its slices, which may share
// memory, are valid until the function that was given it returns.
type Alert struct {
	// Line is the element on one line: without the whitespace between its
	// tokens, every other byte as received, no newline at its end.
	Line []byte
	// Object reports whether the element is a JSON object, as an alert has to
	// be. Any other valid JSON value is handed over too.
	Object bool
	// ID, Timestamp, Inserted and Type are the values of the element's own
	// members "_id", "timestamp", "_insertion_epoch_timestamp" and Reader.Type
	// as received: a string has its quotes and escapes, an object or array its
	// whitespace. They are nil when the element has no such member; of a
	// repeated key the last value counts. A key written with escapes
	// ("\u005fid") is not recognized.
	ID, Timestamp, Inserted, Type []byte
}

// Kind is the JSON type of a member.
type Kind uint8

// The kinds of a member; Absent is a member that the body does not have.
const (
	Absent Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// String returns the JSON name of k in lower case, or "absent".
func (k Kind) String() string {
	names := [...]string{"absent", "null", "bool", "number", "string", "array", "object"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

func kindOf(first byte) Kind {
	switch first {
	case '{':
		return Object
	case '[':
		return Array
	case '"':
		return String
	case 't', 'f':
		return Bool
	case 'n':
		return Null
	}
	return Number
}

// Envelope is what a body holds besides its alerts.
type Envelope struct {
	// Result is the kind of the member "result".
	Result Kind
	// ResultValue is the value of "result" if that is not an array, on one
	// line, cut to at most 512 bytes. The service reports some failures there
	// under HTTP status 200: {"ok":0,"result":"<text>"}.
	ResultValue []byte
	// OK, Status, Operation, WaitTime, Message and Success are the values of
	// the members "ok", "status", "operation", "wait_time", "message" and
	// "success" on one line, strings with quotes and escapes; nil when absent.
	// Of a repeated member the last value counts. They are copies.
	OK, Status, Operation, WaitTime, Message, Success []byte
	// Others counts the other members but "result". An answer that should be a
	// page of alerts, and says anything else, may be a failure.
	Others int
	// Alerts counts the elements of "result" that were handed over, including
	// one that the receiving function refused.
	Alerts int
}

// member returns the name of the member with the given key, a JSON string, and
// where its value is kept; nil if it is not.
func (e *Envelope) member(key []byte) (name string, value *[]byte) {
	switch string(key) {
	case `"ok"`:
		return "ok", &e.OK
	case `"status"`:
		return "status", &e.Status
	case `"operation"`:
		return "operation", &e.Operation
	case `"wait_time"`:
		return "wait_time", &e.WaitTime
	case `"message"`:
		return "message", &e.Message
	case `"success"`:
		return "success", &e.Success
	}
	return "", nil
}
