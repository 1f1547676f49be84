package page

import (
	"errors"
	"fmt"
	"io"
)

const (
	// pad is how many bytes 0 follow the buffered bytes. No JSON text holds
	// such a byte, so the scanner stops there without comparing positions, and
	// it may load eight bytes at once from anywhere before.
	pad = 32
	// defaultBuffer is the buffer's first size: a hundred alerts, and still in
	// the processor's second level cache.
	defaultBuffer = 256 << 10
	// maxEmptyReads is how often in a row a body may return no byte and no
	// error, as in package bufio.
	maxEmptyReads = 100
)

// source buffers a body. buf[pos:end] is what was read and not consumed yet,
// followed by pad bytes 0.
type source struct {
	body     io.Reader
	err      error // what body.Read returned last
	buf      []byte
	pos, end int
	base     int64 // position of buf[0] in the body
	size     int   // first size of buf, 0 means defaultBuffer
}

func (s *source) reset(body io.Reader) {
	if s.buf == nil {
		size := s.size
		if size == 0 {
			size = defaultBuffer
		}
		s.buf = make([]byte, size+pad)
	}
	s.body, s.err = body, nil
	s.pos, s.end, s.base = 0, 0, 0
	clear(s.buf[:pad])
}

// release drops the body, which a Reader kept for later must not hold on to.
func (s *source) release() { s.body, s.err = nil, nil }

// offset is the position in the body of buf[i].
func (s *source) offset(i int) int64 { return s.base + int64(i) }

// next skips whitespace and returns the byte at pos without consuming it.
func (s *source) next() (byte, error) {
	for {
		for {
			c := s.buf[s.pos]
			if c > ' ' {
				return c, nil
			}
			if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
				break
			}
			s.pos++
		}
		if s.pos < s.end {
			return s.buf[s.pos], nil
		}
		if err := s.fill(0); err != nil {
			return 0, err
		}
	}
}

// begins reports whether the body begins with prefix and pos is there.
func (s *source) begins(prefix string) bool {
	for s.end-s.pos < len(prefix) {
		if s.fill(len(prefix)) != nil {
			return false
		}
	}
	return s.offset(s.pos) == 0 && string(s.buf[:len(prefix)]) == prefix
}

// fill reads at least one more byte behind buf[pos:end], which moves to the
// start of the buffer, and otherwise as many as are there already: a value
// that arrives in small pieces is then scanned again only when its known part
// has doubled, which costs no more than scanning it twice. It does not insist
// on more than limit+1 bytes in all.
func (s *source) fill(limit int) error {
	if s.err != nil {
		return s.failure()
	}
	have := copy(s.buf, s.buf[s.pos:s.end])
	s.base += int64(s.pos)
	s.pos, s.end = 0, have
	want := max(have+1, min(2*have-1, limit)+1)
	if len(s.buf) < want+pad {
		s.buf = append(make([]byte, 0, want+pad), s.buf[:have]...)[:want+pad]
	}
	for empty := 0; s.end < want && s.err == nil; {
		free := s.buf[s.end : len(s.buf)-pad]
		n, err := s.body.Read(free)
		if n < 0 || n > len(free) {
			n, err = 0, errors.New("body returned an impossible count")
		}
		s.end += n
		s.err = err
		if n > 0 {
			empty = 0
		} else if empty++; empty == maxEmptyReads && err == nil {
			s.err = io.ErrNoProgress
		}
	}
	clear(s.buf[s.end : s.end+pad])
	if s.end == have {
		return s.failure()
	}
	return nil
}

// failure is the error for a body that gave s.err when more was needed.
func (s *source) failure() error {
	if s.err == io.EOF {
		return fmt.Errorf("split body: ended after %d bytes: %w", s.offset(s.end), io.ErrUnexpectedEOF)
	}
	return &ReadError{Offset: s.offset(s.end), Err: s.err}
}
