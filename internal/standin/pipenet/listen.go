package pipenet

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
)

// Listener accepts the connections that its own DialContext makes. Its zero
// value is ready for use. In a synctest bubble its first use has to happen
// inside the bubble, and it belongs to that bubble from then on.
type Listener struct {
	setup  sync.Once
	stop   sync.Once
	queue  chan *conn
	closed chan struct{}
	dials  atomic.Int64
}

var _ net.Listener = (*Listener)(nil)

func (l *Listener) init() {
	l.setup.Do(func() {
		l.queue = make(chan *conn)
		l.closed = make(chan struct{})
	})
}

// Accept waits for the next dial. Once the listener is closed it fails with an
// error that wraps [net.ErrClosed].
func (l *Listener) Accept() (net.Conn, error) {
	l.init()
	select {
	case <-l.closed:
		return nil, l.failed("accept", net.ErrClosed)
	default:
	}
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.closed:
		return nil, l.failed("accept", net.ErrClosed)
	}
}

// Close stops accepting; connections already accepted live on. It never fails,
// and closing again does nothing.
func (l *Listener) Close() error {
	l.init()
	l.stop.Do(func() { close(l.closed) })
	return nil
}

// Addr names the listener. It cannot be dialled by name: use DialContext.
func (l *Listener) Addr() net.Addr { return addr("pipenet") }

// DialContext connects to the listener, whatever network and address say; its
// form is that of [net/http.Transport]'s field of the same name. It waits for
// Accept. The error wraps ctx's cause when ctx ends first, and
// [syscall.ECONNREFUSED] when the listener is closed.
func (l *Listener) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	l.init()
	if ctx.Err() != nil {
		return nil, l.failed("dial", context.Cause(ctx))
	}
	select {
	case <-l.closed:
		return nil, l.failed("dial", syscall.ECONNREFUSED)
	default:
	}
	client, server := newPair(l.Addr(), addr(fmt.Sprintf("pipenet-client-%d", l.dials.Add(1))))
	select {
	case l.queue <- server:
		return client, nil
	case <-l.closed:
		return nil, l.failed("dial", syscall.ECONNREFUSED)
	case <-ctx.Done():
		return nil, l.failed("dial", context.Cause(ctx))
	}
}

func (l *Listener) failed(op string, err error) error {
	return &net.OpError{Op: op, Net: network, Addr: l.Addr(), Err: err}
}

const network = "pipenet"

type addr string

func (addr) Network() string  { return network }
func (a addr) String() string { return string(a) }
