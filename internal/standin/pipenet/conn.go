package pipenet

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

// errReset is what the end that reset a connection gets from it afterwards: it
// is closed here, and gone there.
var errReset = fmt.Errorf("%w: %w", net.ErrClosed, syscall.ECONNRESET)

// conn is one end of a connection: it reads from one stream and writes to the
// other.
type conn struct {
	in, out       *stream
	local, remote net.Addr
	abort         atomic.Bool // SetLinger(0) was called
}

func newPair(server, client net.Addr) (c, s *conn) {
	up, down := newStream(), newStream()
	c = &conn{in: down, out: up, local: client, remote: server}
	s = &conn{in: up, out: down, local: server, remote: client}
	return c, s
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	if err != nil && err != io.EOF {
		err = c.failed("read", err)
	}
	return n, err
}

func (c *conn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	if err != nil {
		err = c.failed("write", err)
	}
	return n, err
}

// SetLinger imitates [net.TCPConn.SetLinger]: with 0 seconds, Close resets the
// connection. Other values leave Close orderly; it never waits.
func (c *conn) SetLinger(sec int) error {
	c.abort.Store(sec == 0)
	return nil
}

// Close ends both directions. Closing again fails with [net.ErrClosed].
func (c *conn) Close() error {
	peer, own := ends{read: io.EOF, write: syscall.EPIPE}, net.ErrClosed
	if c.abort.Load() {
		peer, own = ends{read: syscall.ECONNRESET, write: syscall.ECONNRESET}, errReset
	}
	in := c.in.end(ends{read: own, write: peer.write}, true)
	out := c.out.end(ends{read: peer.read, write: own}, false)
	if errors.Is(in, net.ErrClosed) || errors.Is(out, net.ErrClosed) {
		return c.failed("close", net.ErrClosed)
	}
	return nil
}

// CloseWrite imitates [net.TCPConn.CloseWrite]: the peer reads to io.EOF and can
// still write.
func (c *conn) CloseWrite() error {
	c.out.end(ends{read: io.EOF, write: syscall.EPIPE}, false)
	return nil
}

func (c *conn) LocalAddr() net.Addr  { return c.local }
func (c *conn) RemoteAddr() net.Addr { return c.remote }

func (c *conn) SetDeadline(t time.Time) error {
	c.in.setReadDeadline(t)
	c.out.setWriteDeadline(t)
	return nil
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.in.setReadDeadline(t)
	return nil
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.out.setWriteDeadline(t)
	return nil
}

func (c *conn) failed(op string, err error) error {
	return &net.OpError{Op: op, Net: network, Source: c.local, Addr: c.remote, Err: err}
}
