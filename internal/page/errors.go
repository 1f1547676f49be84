package page

import (
	"errors"
	"fmt"
)

// ErrTooLarge is wrapped by the error of Reader.Read when an element of
// "result" or another member of the body is longer than Reader.MaxAlert, or a
// member kept in the Envelope longer than 16 KiB.
var ErrTooLarge = errors.New("too large")

// SyntaxError says that a body is not what the service promises: not JSON, not
// one object, or with two members "result".
type SyntaxError struct {
	// Offset is the position in the body, in bytes from 0, of the first byte
	// that is wrong.
	Offset int64
	// Reason says what is wrong. It quotes at most one byte of the body.
	Reason string
}

// Error returns the offset and the reason.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("split body: byte %d: %s", e.Offset, e.Reason)
}

// ReadError says that reading a body failed, as opposed to a body that was
// read and found wrong or short.
type ReadError struct {
	// Offset counts the bytes that were read before.
	Offset int64
	// Err is the error of the body's Read method.
	Err error
}

// Error returns the offset and the text of Err.
func (e *ReadError) Error() string {
	return fmt.Sprintf("read body after %d bytes: %v", e.Offset, e.Err)
}

// Unwrap returns Err.
func (e *ReadError) Unwrap() error { return e.Err }
