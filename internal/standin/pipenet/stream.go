package pipenet

import (
	"os"
	"sync"
	"time"
)

// bufferSize is how far a writer may run ahead of its reader.
const bufferSize = 64 << 10

// stream is one direction of a connection: a bounded queue of bytes.
type stream struct {
	mu      sync.Mutex
	changed sync.Cond
	queue   []byte // ring of bufferSize, made on the first write
	first   int    // index of the oldest byte
	length  int
	ends    ends // what each side gets now that the stream has ended
	reader  deadline
	writer  deadline
}

// ends are the errors of a stream that is over, nil while it is not: read comes
// after the last byte, write at once.
type ends struct{ read, write error }

func newStream() *stream {
	s := &stream{}
	s.changed.L = &s.mu
	return s
}

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.reader.passed:
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case s.length > 0:
			n := copy(p, s.queue[s.first:min(s.first+s.length, bufferSize)])
			n += copy(p[n:], s.queue[:s.length-n])
			s.first = (s.first + n) % bufferSize
			s.length -= n
			s.changed.Broadcast()
			return n, nil
		case s.ends.read != nil:
			return 0, s.ends.read
		}
		s.changed.Wait()
	}
}

func (s *stream) write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	written := 0
	for {
		switch {
		case s.ends.write != nil:
			return written, s.ends.write
		case s.writer.passed:
			return written, os.ErrDeadlineExceeded
		case written == len(p):
			return written, nil
		case s.length < bufferSize:
			if s.queue == nil {
				s.queue = make([]byte, bufferSize)
			}
			written += s.fill(p[written:])
			s.changed.Broadcast()
			continue
		}
		s.changed.Wait()
	}
}

func (s *stream) fill(p []byte) int {
	free := bufferSize - s.length
	p = p[:min(free, len(p))]
	next := (s.first + s.length) % bufferSize
	n := copy(s.queue[next:], p)
	copy(s.queue, p[n:])
	s.length += len(p)
	return len(p)
}

// end gives both sides their errors from now on and wakes them. The side that
// ends the stream gets its own error in any case, the other one keeps the end it
// already has. When the reader ends it, the bytes in flight are gone: nobody is
// left to read them. It returns the error that the ending side had before, so
// that a second close can be told from a first.
func (s *stream) end(e ends, byReader bool) (before error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if byReader {
		before = s.ends.read
		s.ends.read = e.read
		if s.ends.write == nil {
			s.ends.write = e.write
		}
		s.length = 0
		s.reader.stop()
	} else {
		before = s.ends.write
		s.ends.write = e.write
		if s.ends.read == nil {
			s.ends.read = e.read
		}
		s.writer.stop()
	}
	s.changed.Broadcast()
	return before
}

// deadline is the state of one side's SetDeadline.
type deadline struct {
	timer  *time.Timer
	serial int // tells a timer that fires late from the one in force
	passed bool
}

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.serial++
	d.passed = false
}

func (s *stream) setReadDeadline(t time.Time)  { s.setDeadline(&s.reader, t) }
func (s *stream) setWriteDeadline(t time.Time) { s.setDeadline(&s.writer, t) }

func (s *stream) setDeadline(d *deadline, t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d.stop()
	switch wait := time.Until(t); {
	case t.IsZero():
	case wait <= 0:
		d.passed = true
	default:
		serial := d.serial
		d.timer = time.AfterFunc(wait, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if d.serial == serial {
				d.passed = true
				s.changed.Broadcast()
			}
		})
	}
	s.changed.Broadcast()
}
