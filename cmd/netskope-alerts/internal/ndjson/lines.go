package ndjson

import (
	"bufio"
	"io"
)

// Lines splits a content at its newlines. It holds one line at most, and of that no more
// than limit bytes.
type Lines struct {
	r     *bufio.Reader
	limit int
	held  []byte

	Count int64 // lines that were read
	Bytes int64 // of them, with newlines
}

// NewLines reads from r, whose buffer holds all lines but the long ones.
func NewLines(r *bufio.Reader, limit int) *Lines { return &Lines{r: r, limit: limit} }

// Line is one of them.
type Line struct {
	Text   []byte // without the newline, until the next read; the beginning if it is long
	Number int64  // from 1
	Start  int64  // byte of the content, from 0
	Size   int64  // bytes, with the newline
	Ended  bool   // by a newline; only the last may be without
	Long   bool   // size is above the limit
}

// Read returns the next line. Its error is io.EOF behind the last one, or why the content
// cannot be read on; a part of a line before that is not returned.
func (l *Lines) Read() (Line, error) {
	next := Line{Number: l.Count + 1, Start: l.Bytes}
	l.held = l.held[:0]
	for {
		part, err := l.r.ReadSlice('\n')
		next.Size += int64(len(part))
		if err == nil && next.Size == int64(len(part)) && len(part) <= l.limit {
			next.Text = part // as it is in the buffer
		} else {
			l.held = append(l.held, part[:min(len(part), l.limit-len(l.held))]...)
			next.Text = l.held
		}
		switch err {
		case bufio.ErrBufferFull:
			continue
		case nil:
			next.Ended = true
		case io.EOF:
			if next.Size == 0 {
				return Line{}, io.EOF
			}
		default:
			return Line{}, err
		}
		break
	}
	if next.Long = next.Size > int64(l.limit); !next.Long && next.Ended {
		next.Text = next.Text[:len(next.Text)-1]
	}
	l.Count++
	l.Bytes += next.Size
	return next, nil
}
