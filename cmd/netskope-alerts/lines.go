package main

import (
	"bufio"
	"io"
)

// lines splits a content at its newlines. It holds one line at most, and of that no more
// than limit bytes.
type lines struct {
	r     *bufio.Reader
	limit int
	held  []byte

	count int64 // lines that were read
	bytes int64 // of them, with newlines
}

func newLines(r *bufio.Reader, limit int) *lines { return &lines{r: r, limit: limit} }

// line is one of them.
type line struct {
	text   []byte // without the newline, until the next read; the beginning if it is long
	number int64  // from 1
	start  int64  // byte of the content, from 0
	size   int64  // bytes, with the newline
	ended  bool   // by a newline; only the last may be without
	long   bool   // size is above the limit
}

// read returns the next line. Its error is io.EOF behind the last one, or why the content
// cannot be read on; a part of a line before that is not returned.
func (l *lines) read() (line, error) {
	next := line{number: l.count + 1, start: l.bytes}
	l.held = l.held[:0]
	for {
		part, err := l.r.ReadSlice('\n')
		next.size += int64(len(part))
		if err == nil && next.size == int64(len(part)) && len(part) <= l.limit {
			next.text = part // as it is in the buffer
		} else {
			l.held = append(l.held, part[:min(len(part), l.limit-len(l.held))]...)
			next.text = l.held
		}
		switch err {
		case bufio.ErrBufferFull:
			continue
		case nil:
			next.ended = true
		case io.EOF:
			if next.size == 0 {
				return line{}, io.EOF
			}
		default:
			return line{}, err
		}
		break
	}
	if next.long = next.size > int64(l.limit); !next.long && next.ended {
		next.text = next.text[:len(next.text)-1]
	}
	l.count++
	l.bytes += next.size
	return next, nil
}
