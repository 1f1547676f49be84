package gcstest

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"net/http"
	"strings"
	"sync"
)

const (
	// keepSize is the size below which Discard keeps contents.
	keepSize = 64 << 10
	// md5Size is the size up to which an MD5 is made that nobody asked for. It
	// costs more than everything else an upload does here.
	md5Size = 1 << 20
	// pieceSize is the largest piece in which a body of unknown length is read.
	pieceSize = 4 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// content is an object's bytes with their checksums. It grows while it is
// uploaded and stays as it is afterwards.
type content struct {
	size    int64
	crc     uint32
	md5     hash.Hash // nil once it is given up
	wantMD5 bool
	discard bool

	mu    sync.Mutex
	parts [][]byte // dropped when discard applies
}

// newContent starts an empty content; wantMD5 says that it will be compared with
// the uploader's MD5 at the end.
func (s *Server) newContent(wantMD5 bool) *content {
	return &content{discard: s.Discard, wantMD5: wantMD5, md5: md5.New()}
}

// add appends a piece, which belongs to the content from then on. It reports
// whether the piece is free for use again, because nothing of it was kept.
func (c *content) add(p []byte) (free bool) {
	if len(p) == 0 {
		return true
	}
	c.size += int64(len(p))
	c.crc = crc32.Update(c.crc, castagnoli, p)
	if c.size > md5Size && !c.wantMD5 {
		c.md5 = nil
	}
	if c.md5 != nil {
		c.md5.Write(p)
	}
	if c.dropped() {
		c.parts = nil
		return true
	}
	c.parts = append(c.parts, p)
	return false
}

// dropped reports whether only the checksums are kept.
func (c *content) dropped() bool { return c.discard && c.size >= keepSize }

// readFrom appends all of r. What arrived before an error stays appended.
func (c *content) readFrom(r io.Reader) error {
	var p []byte
	for size := 32 << 10; ; size = min(2*size, pieceSize) {
		if len(p) < size {
			p = make([]byte, size)
		}
		n, err := fill(r, p)
		if !c.add(p[:n:n]) {
			p = nil
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read body: %w", err)
		}
	}
}

// fill reads until p is full or r fails. Unlike io.ReadFull it returns r's error
// as it is: it tells a body's end from one that was cut off.
func fill(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = r.Read(p[n:])
		n += m
	}
	return n, err
}

// bytes is the whole content in one piece, nil if it was dropped.
func (c *content) bytes() []byte {
	pieces := c.pieces()
	if len(pieces) == 1 {
		return pieces[0]
	}
	if c.dropped() {
		return nil
	}
	whole := bytes.Join(pieces, nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.parts = [][]byte{whole}
	return whole
}

func (c *content) pieces() [][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.parts
}

func (c *content) crcText() string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, c.crc))
}

// md5Text is empty if there is no MD5.
func (c *content) md5Text() string {
	if c.md5 == nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(c.md5.Sum(nil))
}

// checksums are what the uploader says of a content, in the base64 form of the
// API; empty for nothing.
type checksums struct{ crc, md5 string }

// parseChecksums reads the headers X-Goog-Hash, each of the form
// "crc32c=BASE64,md5=BASE64" with either part missing.
func parseChecksums(h http.Header) (checksums, *answer) {
	var want checksums
	for _, value := range h.Values("X-Goog-Hash") {
		for item := range strings.SplitSeq(value, ",") {
			name, text, _ := strings.Cut(strings.TrimSpace(item), "=")
			switch name {
			case "":
			case "crc32c":
				want.crc = text
			case "md5":
				want.md5 = text
			default:
				return want, refuse(notModelled("the hash %q", name))
			}
		}
	}
	return want, nil
}

// verify compares a content with what its uploader says of it.
func (c *content) verify(want checksums) *answer {
	if want.crc != "" && want.crc != c.crcText() {
		return refuse(failed(http.StatusBadRequest, "",
			"Provided CRC32C %q doesn't match calculated CRC32C %q.", want.crc, c.crcText()))
	}
	if want.md5 == "" {
		return nil
	}
	if c.md5 == nil {
		if c.dropped() {
			return refuse(notModelled("an MD5 that is given only at the end of an upload, with Discard"))
		}
		c.md5 = md5.New()
		for _, p := range c.pieces() {
			c.md5.Write(p)
		}
	}
	if want.md5 != c.md5Text() {
		return refuse(failed(http.StatusBadRequest, "", "Provided MD5 hash %q doesn't match calculated MD5 hash %q.", want.md5, c.md5Text()))
	}
	return nil
}
