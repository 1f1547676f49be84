package netskope

import (
	"errors"
	"io"
	"net"
	"net/http"
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
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 2 * time.Minute, // other collectors of this endpoint wait one to three
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   MostInFlight,
		ForceAttemptHTTP2:     true,
		ReadBufferSize:        64 << 10,
	}
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
