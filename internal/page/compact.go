package page

import "encoding/binary"

// space returns the position behind the whitespace at b[i], and copies the
// bytes before it to out.
func (s *scanner) space(b []byte, i int) int {
	j := i + 1
	if b[i] != ' ' || b[j] <= ' ' { // a single space is what Python's json.dumps writes
		j = blank(b, i)
	}
	n := i - s.seg
	if n > 32 || len(s.out) < s.kept+32 {
		s.flush(b, i)
	} else {
		copy32((*[32]byte)(s.out[s.kept:]), (*[32]byte)(b[s.seg:])) // too much is overwritten next
		s.kept += n
	}
	s.seg = j
	return j
}

// flush copies b[seg:i] to out.
func (s *scanner) flush(b []byte, i int) {
	if n := s.kept + i - s.seg; n > len(s.out) {
		s.out = append(make([]byte, 0, min(2*n+4096, len(b))), s.out[:s.kept]...)
		s.out = s.out[:cap(s.out)]
	}
	s.kept += copy(s.out[s.kept:], b[s.seg:i])
}

// finish sets line to the value b[start:i] on one line.
func (s *scanner) finish(b []byte, start, i int) {
	if s.seg == start {
		s.line = b[start:i:i]
		return
	}
	s.flush(b, i)
	s.line = s.out[:s.kept:s.kept]
}

// copy32 copies 32 bytes that do not overlap, without the call that an
// assignment compiles to because it has to allow for overlap.
func copy32(dst, src *[32]byte) {
	le := binary.LittleEndian
	le.PutUint64(dst[0:8], le.Uint64(src[0:8]))
	le.PutUint64(dst[8:16], le.Uint64(src[8:16]))
	le.PutUint64(dst[16:24], le.Uint64(src[16:24]))
	le.PutUint64(dst[24:32], le.Uint64(src[24:32]))
}

// blank returns the position behind the whitespace at b[i].
func blank(b []byte, i int) int {
	for b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r' {
		i++
		for load(b, i) == ' '*ones {
			i += 8
		}
	}
	return i
}
