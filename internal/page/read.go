package page

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
)

const (
	// defaultMaxAlert is the limit that a Reader.MaxAlert of 0 stands for.
	defaultMaxAlert = 32 << 20
	// maxMember bounds each kept member of the envelope.
	maxMember = 16 << 10
	// maxResultValue bounds Envelope.ResultValue, which is for error messages.
	maxResultValue = 512
	// maxEscapedKey is the longest spelling of the longest envelope key
	// ("operation", "wait_time"): \uXXXX for each letter, in quotes.
	maxEscapedKey = 6*9 + 2
)

// Read splits body and calls each for every element of "result" in order. It
// returns nil only if the body was one complete JSON object followed by
// nothing but whitespace up to io.EOF. Elements handed over before an error
// stay handed over, and the returned envelope holds what was read until then.
//
// The error is
//   - a *SyntaxError if the body is not JSON, not an object, or has "result" twice;
//   - one that wraps ErrTooLarge if an element exceeds MaxAlert;
//   - one that wraps io.ErrUnexpectedEOF if the body ended too early;
//   - a *ReadError if reading the body failed (which wraps io.ErrUnexpectedEOF
//     too if the HTTP client found the body truncated);
//   - the error of each, unchanged. Nothing is read or handed over after it.
//
// Which of them a body gets does not depend on how its bytes were chunked.
func (r *Reader) Read(body io.Reader, each func(*Alert) error) (Envelope, error) {
	r.source.reset(body)
	if r.typeKey = r.Type; r.typeKey == "" {
		r.typeKey = "alert_type"
	}
	defer r.source.release()
	var e Envelope
	if err := r.object(&e, each); err != nil {
		return e, err
	}
	c, err := r.next()
	switch {
	case err == nil:
		return e, r.unexpected(c, "after the outer object")
	case r.source.err == io.EOF:
		return e, nil
	}
	return e, err
}

// object reads the outer object.
func (r *Reader) object(e *Envelope, each func(*Alert) error) error {
	if err := r.open(); err != nil {
		return err
	}
	c, err := r.next()
	if err != nil {
		return err
	}
	if c == '}' {
		r.pos++
		return nil
	}
	for {
		if c != '"' {
			return r.unexpected(c, "where a key has to be")
		}
		if err := r.readMember(e, each); err != nil {
			return err
		}
		if c, err = r.next(); err != nil {
			return err
		}
		if c != ',' && c != '}' {
			return r.unexpected(c, "after a member")
		}
		r.pos++
		if c == '}' {
			return nil
		}
		if c, err = r.next(); err != nil {
			return err
		}
	}
}

// open passes the opening brace of the outer object.
func (r *Reader) open() error {
	c, err := r.next()
	if err != nil {
		return err
	}
	if c == '{' {
		r.pos++
		return nil
	}
	reason := fmt.Sprintf("the body is not an object, it begins with %q", c)
	switch {
	case c == '<':
		reason = "the body is not JSON, it begins with '<' as an HTML page does"
	case c == 0xEF && r.begins("\xEF\xBB\xBF"):
		reason = "the body begins with a byte order mark"
	case c == 0xFE && r.begins("\xFE\xFF"), c == 0xFF && r.begins("\xFF\xFE"):
		reason = "the body begins with a UTF-16 byte order mark"
	}
	return &SyntaxError{Offset: r.offset(r.pos), Reason: reason}
}

// readMember reads one member of the outer object, key and value.
func (r *Reader) readMember(e *Envelope, each func(*Alert) error) error {
	if err := r.value(1); err != nil {
		return err
	}
	at := r.offset(r.pos) - int64(len(r.line))
	key := r.line
	if len(key) <= maxEscapedKey && bytes.IndexByte(key, '\\') >= 0 {
		key = plain(key)
	}
	isResult := string(key) == `"result"`
	name, kept := e.member(key)

	c, err := r.next()
	if err != nil {
		return err
	}
	if c != ':' {
		return r.unexpected(c, "after a key")
	}
	r.pos++
	if c, err = r.next(); err != nil {
		return err
	}
	if isResult {
		if e.Result != Absent {
			return &SyntaxError{Offset: at, Reason: `the body has a second member "result"`}
		}
		if c == '[' {
			e.Result = Array
			r.pos++
			return r.elements(e, each)
		}
	}
	if err := r.value(1); err != nil {
		return err
	}
	if isResult {
		e.Result, e.ResultValue = kindOf(c), clip(r.line)
	}
	if kept == nil && !isResult {
		e.Others++
	}
	if kept != nil {
		if len(r.line) > maxMember {
			return fmt.Errorf("split body: member %q of %d bytes at byte %d: %w", name, len(r.line), at, ErrTooLarge)
		}
		*kept = bytes.Clone(r.line)
	}
	return nil
}

// elements reads the array "result", whose opening bracket was passed.
func (r *Reader) elements(e *Envelope, each func(*Alert) error) error {
	c, err := r.next()
	if err != nil {
		return err
	}
	if c == ']' {
		r.pos++
		return nil
	}
	for {
		if err := r.value(2); err != nil {
			return err
		}
		r.alert = Alert{
			Line:      r.line,
			Object:    c == '{',
			ID:        r.captured(r.buf, fieldID),
			Timestamp: r.captured(r.buf, fieldTimestamp),
			Inserted:  r.captured(r.buf, fieldInserted),
			Type:      r.captured(r.buf, fieldType),
		}
		e.Alerts++
		if err := each(&r.alert); err != nil {
			return err
		}
		if c, err = r.next(); err != nil {
			return err
		}
		if c != ',' && c != ']' {
			return r.unexpected(c, `after an element of "result"`)
		}
		r.pos++
		if c == ']' {
			return nil
		}
		if c, err = r.next(); err != nil {
			return err
		}
	}
}

// value scans the value at r.pos, which lies in depth containers, leaves it on
// one line in r.line and moves r.pos behind it.
func (r *Reader) value(depth int) error {
	limit := r.MaxAlert
	if limit <= 0 {
		limit = defaultMaxAlert
	}
	for {
		at, st := r.scan(r.buf[:r.end+pad], r.pos, r.end, maxDepth-depth)
		switch {
		case st == complete && at-r.pos <= limit:
			r.pos = at
			return nil
		case st == invalid && at-r.pos <= limit:
			return &SyntaxError{Offset: r.offset(at), Reason: r.reason(r.buf[at])}
		case st != partial || r.end-r.pos > limit:
			return fmt.Errorf("split body: element or member at byte %d: %w", r.offset(r.pos), ErrTooLarge)
		}
		if err := r.fill(limit); err != nil {
			return err
		}
	}
}

// unexpected is the error for the byte c at r.pos.
func (r *Reader) unexpected(c byte, where string) error {
	return &SyntaxError{Offset: r.offset(r.pos), Reason: fmt.Sprintf("unexpected %q %s", c, where)}
}

// plain returns key, a valid JSON string, without needless escapes.
func plain(key []byte) []byte {
	var s string
	if json.Unmarshal(key, &s) != nil {
		return key
	}
	return slices.Concat([]byte(`"`), []byte(s), []byte(`"`))
}

// clip copies at most maxResultValue bytes of line and cuts no character.
func clip(line []byte) []byte {
	if len(line) > maxResultValue {
		n := maxResultValue
		for n > maxResultValue-utf8.UTFMax && !utf8.RuneStart(line[n]) {
			n--
		}
		line = line[:n]
	}
	return bytes.Clone(line)
}
