package page

import (
	"fmt"
	"math/bits"
)

// status is the outcome of scanning a value.
type status uint8

const (
	complete status = iota
	partial         // valid so far, but more bytes are needed
	invalid
)

// The members of an element whose values are noted.
const (
	fieldNone = iota
	fieldID
	fieldTimestamp
	fieldInserted
	fieldType
	fields
)

// span is the part of a buffer from start up to end.
type span struct{ start, end int }

// scanner validates one value at a time.
type scanner struct {
	line    []byte // the value on one line, in the scanned bytes or in out
	out     []byte // takes values that have whitespace
	kept    int    // length of what out holds
	seg     int    // start of the bytes not copied to out yet
	values  [fields]span
	typeKey string                  // of fieldType
	objs    [maxDepth/64 + 1]uint64 // bit d is set if the container at depth d is an object
	where   string                  // what was scanned when an invalid byte came
}

// captured returns the value noted for field in the last value scanned in b.
func (s *scanner) captured(b []byte, field int) []byte {
	v := s.values[field]
	if v.end == 0 {
		return nil
	}
	return b[v.start:v.end:v.end]
}

const tooDeep = "nested too deeply"

// reason describes the invalid byte c that scan found.
func (s *scanner) reason(c byte) string {
	if s.where == tooDeep {
		return tooDeep
	}
	return fmt.Sprintf("unexpected %q %s", c, s.where)
}

// push notes the kind of the container at depth.
func (s *scanner) push(depth int, isObject bool) {
	word, bit := &s.objs[uint(depth)>>6%uint(len(s.objs))], uint64(1)<<(uint(depth)&63)
	if isObject {
		*word |= bit
	} else {
		*word &^= bit
	}
}

// isObject reports the kind of the container at depth.
func (s *scanner) isObject(depth int) bool {
	return s.objs[uint(depth)>>6%uint(len(s.objs))]>>(uint(depth)&63)&1 != 0
}

// scan validates the value that begins at b[start], where no whitespace is.
// Bytes are valid up to b[end], which is followed by at least pad bytes 0.
// Containers may be nested limit deep. It returns the position behind the
// value, or the position of the invalid byte.
func (s *scanner) scan(b []byte, start, end, limit int) (int, status) {
	var (
		i     = start // next byte
		depth = 0     // open containers
		inObj = false // kind of the innermost one
		field = fieldNone
		k     = 0 // start of a key
		m     uint64
		c     byte
	)
	s.kept, s.seg = 0, start
	s.values = [fields]span{}

value:
	c = b[i]
	if c == '"' {
		i++
		for {
			m = special(load(b, i))
			if m == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(m) >> 3
			if b[i] == '"' {
				break
			}
			if i, s.where = escape(b, i); s.where != "" {
				goto bad
			}
		}
		i++
		goto after
	}
	if c-'0' <= 9 || c == '-' {
		if c == '-' {
			i++
			c = b[i]
		}
		if c == '0' {
			i++
		} else {
			m = nondigit(load(b, i))
			if m&0x80 != 0 {
				s.where = inNumber
				goto bad
			}
			for m == 0 {
				i += 8
				m = nondigit(load(b, i))
			}
			i += bits.TrailingZeros64(m) >> 3
		}
		c = b[i]
		if c == '.' || c|0x20 == 'e' {
			if i, s.where = fraction(b, i); s.where != "" {
				goto bad
			}
		}
		if depth == 0 && i == end {
			return i, partial
		}
		goto after
	}
	switch c {
	case '{', '[':
		if depth >= limit {
			s.where = tooDeep
			return i, invalid
		}
		depth++
		i++
		inObj = c == '{'
		s.push(depth, inObj)
		if b[i] <= ' ' {
			i = s.space(b, i)
		}
		if b[i] == c+2 {
			goto closing
		}
		if inObj {
			goto key
		}
		goto value
	case 't':
		i, s.where = literal(b, i, "true")
	case 'f':
		i, s.where = literal(b, i, "false")
	case 'n':
		i, s.where = literal(b, i, "null")
	default:
		s.where = "where a value has to be"
	}
	if s.where != "" {
		goto bad
	}

after:
	if depth == 0 {
		s.finish(b, start, i)
		return i, complete
	}
	if field != fieldNone && depth == 1 {
		s.values[field].end = i
		field = fieldNone
	}
	if b[i] <= ' ' {
		i = s.space(b, i)
	}
	c = b[i]
	if c == ',' {
		i++
		if b[i] <= ' ' {
			i = s.space(b, i)
		}
		if !inObj {
			goto value
		}
		goto key
	}
	if inObj && c == '}' || !inObj && c == ']' {
		goto closing
	}
	s.where = "after a value"
	goto bad

closing:
	i++
	depth--
	inObj = s.isObject(depth)
	goto after

key:
	if b[i] != '"' {
		s.where = "where a key has to be"
		goto bad
	}
	i++
	k = i
	for {
		m = special(load(b, i))
		if m == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(m) >> 3
		if b[i] == '"' {
			break
		}
		if i, s.where = escape(b, i); s.where != "" {
			goto bad
		}
	}
	if depth == 1 {
		switch i - k {
		case len("_id"):
			if string(b[k:i]) == "_id" {
				field = fieldID
			}
		case len("timestamp"):
			if string(b[k:i]) == "timestamp" {
				field = fieldTimestamp
			}
		case len("_insertion_epoch_timestamp"):
			if string(b[k:i]) == "_insertion_epoch_timestamp" {
				field = fieldInserted
			}
		default:
			if string(b[k:i]) == s.typeKey {
				field = fieldType
			}
		}
	}
	i++
	if b[i] <= ' ' {
		i = s.space(b, i)
	}
	if b[i] != ':' {
		s.where = "after a key"
		goto bad
	}
	i++
	if b[i] <= ' ' {
		i = s.space(b, i)
	}
	if depth == 1 {
		s.values[field].start = i
	}
	goto value

bad:
	if i >= end {
		return end, partial
	}
	return i, invalid
}
