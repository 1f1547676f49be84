package ndjson

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
)

// Flaw is what keeps an object from being read on, or is wrong with its form.
type Flaw struct {
	Kind FlawKind
	At   int64 // byte of the object as it is stored, from 0
	What string
}

// FlawKind says what a flaw is of.
type FlawKind int

// What is wrong with an object.
const (
	Misnamed FlawKind = iota + 1 // gzip, or not, against what the name says
	Torn                         // the gzip content is cut off
	Damaged                      // the gzip content is not what was compressed
	Trailing                     // something lies behind the gzip content
)

func (f *Flaw) Error() string { return f.What }

// Content is what a source holds, unpacked.
type Content struct {
	*bufio.Reader
	stored *tracked
	packed *gunzip // nil if it is not compressed
	closer io.Closer
}

// ReadBuffer is how many bytes are read, and best written, at once.
const ReadBuffer = 256 << 10

// Content opens the source. A *[Flaw] is an error that is the source's own. Once the context
// has ended, reading ends with its error, however long a line is, and however little comes.
func (s Source) Content(ctx context.Context) (*Content, error) {
	open := func() (io.ReadCloser, error) { return s.Open(ctx) }
	r, err := io.ReadCloser(nil), error(nil)
	if s.nameless { // a pipe that nobody writes to is not even opened
		r, err = await(ctx, open)
	} else {
		r, err = open()
	}
	if err != nil {
		return nil, err
	}
	c := &Content{stored: &tracked{ctx: ctx, r: r}, closer: r}
	if s.nameless {
		c.stored.r = &waiting{ctx: ctx, r: r}
	}
	c.Reader = bufio.NewReaderSize(c.stored, ReadBuffer)
	magic, _ := c.Peek(2)
	named := strings.HasSuffix(s.Object, ".gz")
	switch packed := isGzip(magic); {
	case c.stored.err != nil:
		err = c.stored.err
	case packed && !named && !s.nameless:
		err = &Flaw{Misnamed, 0, "the content is gzip, but the name does not end in .gz"}
	case packed:
		if c.packed, err = newGunzip(c.stored, c.Reader); err == nil {
			c.Reader = bufio.NewReaderSize(c.packed, ReadBuffer)
		}
	case named && s.Encoding != "gzip": // with it, Cloud Storage has unpacked it
		err = &Flaw{Misnamed, 0, "the name ends in .gz, but the content is not gzip"}
	}
	if err != nil {
		r.Close()
		return nil, err
	}
	return c, nil
}

// Close lets go of the source.
func (c *Content) Close() { c.closer.Close() }

// Size is how many bytes of the source, as it is stored, were read.
func (c *Content) Size() int64 { return c.stored.n }

// Trailing is what lies behind the content, once that is read; or nil.
func (c *Content) Trailing() *Flaw {
	if c.packed == nil {
		return nil
	}
	return c.packed.trailing
}

func isGzip(begin []byte) bool { return len(begin) >= 2 && begin[0] == 0x1f && begin[1] == 0x8b }

// tracked counts what is read, and remembers why reading ended early. It reads no further once
// the context has ended.
type tracked struct {
	ctx   context.Context
	r     io.Reader
	n     int64
	err   error
	ended bool // nothing comes any more, and is not asked for again: a terminal would be
}

func (t *tracked) Read(p []byte) (int, error) {
	if err := t.ctx.Err(); err != nil {
		t.err = err
		return 0, err
	}
	if t.ended {
		return 0, io.EOF
	}
	n, err := t.r.Read(p)
	t.n += int64(n)
	if t.ended = err == io.EOF; err != nil && !t.ended {
		t.err = err
	}
	return n, err
}

// gunzip unpacks gzip members one after the other (RFC 1952, 2.2). Its errors are flaws,
// or those of what it reads from.
type gunzip struct {
	stored   *tracked
	packed   *bufio.Reader
	member   *gzip.Reader
	trailing *Flaw
}

func newGunzip(stored *tracked, packed *bufio.Reader) (*gunzip, error) {
	g := &gunzip{stored: stored, packed: packed}
	var err error
	if g.member, err = gzip.NewReader(packed); err != nil {
		return nil, g.flawed(err)
	}
	g.member.Multistream(false) // or what lies behind it could not be told from a torn one
	return g, nil
}

// offset is how far the packed bytes are used.
func (g *gunzip) offset() int64 { return g.stored.n - int64(g.packed.Buffered()) }

func (g *gunzip) Read(p []byte) (int, error) {
	for {
		if err := g.stored.ctx.Err(); err != nil { // a little may unpack to very much
			g.stored.err = err
			return 0, err
		}
		n, err := g.member.Read(p)
		if err == io.EOF {
			err = g.next()
		} else if err != nil {
			err = g.flawed(err)
		}
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
	}
}

// next begins with the next member, if there is one.
func (g *gunzip) next() error {
	magic, _ := g.packed.Peek(2)
	switch {
	case g.stored.err != nil:
		return g.stored.err
	case len(magic) == 0:
		return io.EOF
	case !isGzip(magic):
		g.trailing = &Flaw{Trailing, g.offset(),
			fmt.Sprintf("after the gzip content, at byte %s of the object, there are other bytes",
				text.Number(g.offset()))}
		return io.EOF
	}
	if err := g.member.Reset(g.packed); err != nil {
		return g.flawed(err)
	}
	g.member.Multistream(false)
	return nil
}

func (g *gunzip) flawed(err error) error {
	corrupt := flate.CorruptInputError(0)
	switch {
	case g.stored.err != nil:
		return g.stored.err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return &Flaw{Torn, g.offset(), fmt.Sprintf("the gzip content is cut off at byte %s of the object",
			text.Number(g.offset()))}
	case errors.As(err, &corrupt), errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return &Flaw{Damaged, g.offset(), fmt.Sprintf("the gzip content is damaged before byte %s of the object: %s",
			text.Number(g.offset()), strings.TrimPrefix(err.Error(), "gzip: "))}
	}
	return err
}
