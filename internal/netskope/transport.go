package netskope

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// errIdle says that a body stood still for [idleBody].
var errIdle = errors.New("no byte for a minute")

// NewTransport is the transport for requests to the tenant. It limits connecting,
// the TLS handshake and the wait for the answer's header apart from each other;
// there is no limit on the whole answer, because a large page may rightly take long.
// It honours HTTPS_PROXY and asks for gzip.
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		OnProxyConnectResponse: tunnelled,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  2 * time.Minute, // other collectors of this endpoint wait one to three
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    MostInFlight,
		ForceAttemptHTTP2:      true,
		ReadBufferSize:         64 << 10,
	}
}

// tunnelled is the error of a proxy that opens no tunnel to the tenant. Without it, all that
// is left of the proxy's answer is its text.
func tunnelled(_ context.Context, proxy *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	return &proxyRefusal{proxy.Host, answer.StatusCode, answer.Status}
}

// proxyRefusal is a proxy's answer to CONNECT that opens no tunnel.
type proxyRefusal struct {
	proxy  string // host and port
	status int
	text   string // as the proxy has it: not fit to be shown
}

func (p *proxyRefusal) Error() string {
	return fmt.Sprintf("the proxy %s answered %s", p.proxy, p.text)
}

// refusedByProxy is the error of a request that a proxy did not let through. What the proxy has
// against it stays, unless it is an error of the proxy's own.
func (c *Client) refusedByProxy(p *proxyRefusal) *Error {
	e := &Error{Reason: "no connection", cause: p, says: c.says(p)}
	switch {
	case p.status >= 500, p.status == http.StatusTooManyRequests:
		e.Passing = true
		e.Hint = "this is the proxy's answer, not the tenant's: see whether it reaches the tenant"
	case p.status == http.StatusProxyAuthRequired:
		e.Hint = "the proxy wants a user and a password: set HTTPS_PROXY=http://user:password@" + p.proxy +
			", with % in the password written as %25"
	default:
		e.Hint = "this is the proxy's answer, not the tenant's: let the proxy pass NETSKOPE_TENANT's host, " +
			"or name that in NO_PROXY if it can be reached without"
	}
	return e
}

// watchedBody puts off its watch with every byte that arrives.
type watchedBody struct {
	body  io.Reader
	watch *time.Timer
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if n > 0 {
		b.watch.Reset(idleBody)
	}
	return n, err
}
