package pipenet_test

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"netskope-alerts.internal/collector/internal/standin/pipenet"
)

func TestDialWaitsForAcceptAndCanBeCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l pipenet.Listener
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		_, err := l.DialContext(ctx, "tcp", "x:1")
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("dial nobody accepts: %v after %v; want the context's end after 1m", err, time.Since(start))
		}
		if _, err := l.DialContext(ctx, "tcp", "x:1"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("dial with an ended context: %v", err)
		}
	})
}

func TestClosedListenerRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l pipenet.Listener
		client, server := connect(t, &l)
		errs := make(chan error, 2)
		go func() { _, err := l.Accept(); errs <- err }()
		synctest.Wait()
		l.Close()
		if err := <-errs; !errors.Is(err, net.ErrClosed) {
			t.Errorf("waiting accept: %v; want net.ErrClosed", err)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("later accept: %v; want net.ErrClosed", err)
		}
		if _, err := l.DialContext(t.Context(), "tcp", "x:1"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial: %v; want ECONNREFUSED", err)
		}
		if err := l.Close(); err != nil {
			t.Errorf("second close: %v", err)
		}
		io.WriteString(client, "still here")
		client.Close()
		if got, err := io.ReadAll(server); string(got) != "still here" || err != nil {
			t.Errorf("accepted connection read %q, %v", got, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		var l pipenet.Listener
		time.AfterFunc(time.Minute, func() { l.Close() })
		if _, err := l.DialContext(t.Context(), "tcp", "x:1"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial when the listener closes: %v; want ECONNREFUSED", err)
		}
	})
}
