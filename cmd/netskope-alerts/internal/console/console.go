// Package console is the command that shows, on one live page on loopback, how the collector is
// and what became of each alert. It reads the bucket, and changes nothing.
package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
)

// Command is netskope-alerts console.
type Command struct {
	Listen string `default:"127.0.0.1:0" placeholder:"ADDRESS" help:"Loopback address and port to listen on; port 0 is any that is free (${default})."`
}

// Help is shown by console --help.
func (*Command) Help() string {
	return "Serves a page that shows how far the collector is, alerts per hour and type, how late they are, " +
		"and the gaps of the last audit with the command that mends them. " +
		"For the _id of an alert it shows object, line and cell, and the UDM event with the row that made each field.\n\n" +
		"Of several streams it shows one at a time, and how far behind each is; --stream shows that one alone.\n\n" +
		"It reads only, and needs of the environment only GCS_BUCKET, " +
		"and GCS_PREFIX, STATE_KEY and LAG where the collector has them; nothing of the tenant. " +
		"It listens on loopback only; everybody who works on this machine can reach it. " +
		"From another machine: ssh -L 8080:127.0.0.1:8080 HOST, and there --listen 127.0.0.1:8080.\n\n" +
		cli.Ends{Serves: true}.String() + "\n\n" +
		"Example:\n" +
		"  GCS_BUCKET=my-bucket netskope-alerts console"
}

// Validate refuses an address that others than this machine can reach.
func (c *Command) Validate() error {
	_, err := loopback(c.Listen)
	return err
}

// Run serves until the context ends.
func (c *Command) Run(ctx context.Context, s cli.Streams) error {
	listener, err := listen(c.Listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	all, err := s.OpenAllToLook()
	if err != nil {
		return err
	}
	site := newSite(all...)
	fmt.Fprintf(s.Stdout, "The console of %s is on http://%s/\nIt only reads. Press Ctrl-C to stop it.\n",
		site.feed(), listener.Addr())
	if err := serve(ctx, listener, site, s.Stderr); err != nil {
		return fmt.Errorf("serve the console: %w", err)
	}
	return nil
}

// loopback is the address as one can listen on it, if nobody but this machine can reach it.
func loopback(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("--listen %s: want an address and a port, as in 127.0.0.1:8080", address)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return "", fmt.Errorf("--listen %s: the console shows alerts to whoever can reach it, "+
			"and listens on loopback addresses only, as in 127.0.0.1:8080; "+
			"from another machine, type ssh -L 8080:127.0.0.1:8080 HOST", address)
	}
	return net.JoinHostPort(host, port), nil
}

// listen listens on the address, if nobody but this machine can reach it.
func listen(address string) (net.Listener, error) {
	at, err := loopback(address)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", at)
	if err != nil {
		return nil, fmt.Errorf("--listen %s: %w; with port 0 a free one is found", address, err)
	}
	return listener, nil
}

// serve serves until the context ends, and then ends at once: an answer that is under way is cut, and what it was
// waiting for is given up with its connection.
func serve(ctx context.Context, listener net.Listener, s *site, trouble io.Writer) error {
	server := serverOf(s, trouble)
	defer context.AfterFunc(ctx, func() { server.Close() })()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func serverOf(s *site, trouble io.Writer) *http.Server {
	return &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(trouble, "", 0)}
}

// isLoopback reports whether the Host header names this machine. Another name that resolves to
// it is one by which a page of somebody else would like to read this one (DNS rebinding). The
// port may be that of a tunnel.
func isLoopback(host string) bool {
	name := host
	if before, _, err := net.SplitHostPort(host); err == nil {
		name = before
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	ip := net.ParseIP(name)
	return strings.EqualFold(name, "localhost") || ip != nil && ip.IsLoopback()
}
