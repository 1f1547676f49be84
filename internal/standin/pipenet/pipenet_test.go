package pipenet_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"netskope-alerts.internal/collector/internal/standin/pipenet"
)

// connect returns both ends of a new connection.
func connect(t *testing.T, l *pipenet.Listener) (client, server net.Conn) {
	t.Helper()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			t.Errorf("accept: %v", err)
		}
		accepted <- c
	}()
	client, err := l.DialContext(t.Context(), "tcp", "example.test:80")
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	return client, <-accepted
}

// bothWays runs f outside a bubble and inside one.
func bothWays(t *testing.T, f func(t *testing.T, client, server net.Conn)) {
	t.Run("real time", func(t *testing.T) {
		client, server := connect(t, new(pipenet.Listener))
		f(t, client, server)
	})
	t.Run("bubble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			client, server := connect(t, new(pipenet.Listener))
			f(t, client, server)
		})
	})
}

func TestWriterRunsAheadByTheBufferAndNoFurther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := connect(t, new(pipenet.Listener))
		client.SetWriteDeadline(time.Now().Add(time.Minute))
		n, err := client.Write(make([]byte, 100_000))
		if n != 64<<10 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("writing with no reader: %d bytes, %v; want 65536 and a deadline", n, err)
		}
		client.Close()
		if got, err := io.ReadAll(server); len(got) != 64<<10 || err != nil {
			t.Errorf("read %d bytes, %v; want the 65536 that were written, then EOF", len(got), err)
		}
	})
}

func TestBytesArriveInOrderInAnyPieces(t *testing.T) {
	bothWays(t, func(t *testing.T, client, server net.Conn) {
		sent := make([]byte, 1_000_003)
		for i := range sent {
			sent[i] = byte(i ^ i>>8 ^ i>>16)
		}
		go func() {
			for rest, size := sent, 1; len(rest) > 0; size = size*7%70_001 + 1 {
				n, err := client.Write(rest[:min(size, len(rest))])
				if err != nil {
					t.Errorf("write: %v", err)
					break
				}
				rest = rest[n:]
			}
			client.Close()
		}()
		var got []byte
		for size := 1; ; size = size*5%66_001 + 1 {
			p := make([]byte, size)
			n, err := server.Read(p)
			got = append(got, p[:n]...)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("read: %v", err)
			}
		}
		if !bytes.Equal(got, sent) {
			t.Errorf("received %d bytes that differ from the %d sent", len(got), len(sent))
		}
	})
}

func TestOrderlyCloseIsEOFForThePeer(t *testing.T) {
	bothWays(t, func(t *testing.T, client, server net.Conn) {
		io.WriteString(client, "never read")
		io.WriteString(server, "last words")
		if err := server.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
		if got, err := io.ReadAll(client); string(got) != "last words" || err != nil {
			t.Errorf("peer read %q, %v", got, err)
		}
		if _, err := client.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("peer's write: %v; want EPIPE", err)
		}
		if _, err := server.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("own read: %v; want net.ErrClosed", err)
		}
		if err := server.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("second close: %v; want net.ErrClosed", err)
		}
		if err := client.Close(); err != nil {
			t.Errorf("peer's close: %v", err)
		}
	})
}

func TestCloseWriteLeavesTheOtherDirectionOpen(t *testing.T) {
	bothWays(t, func(t *testing.T, client, server net.Conn) {
		io.WriteString(client, "question")
		if err := client.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Fatalf("close write: %v", err)
		}
		if got, err := io.ReadAll(server); string(got) != "question" || err != nil {
			t.Errorf("server read %q, %v", got, err)
		}
		io.WriteString(server, "answer")
		server.Close()
		if got, err := io.ReadAll(client); string(got) != "answer" || err != nil {
			t.Errorf("client read %q, %v", got, err)
		}
	})
}

func TestCloseAfterLingerZeroResetsBothEnds(t *testing.T) {
	bothWays(t, func(t *testing.T, client, server net.Conn) {
		io.WriteString(server, "part")
		server.(interface{ SetLinger(int) error }).SetLinger(0)
		server.Close()
		got, err := io.ReadAll(client)
		if string(got) != "part" || !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("peer read %q, %v; want what was sent, then ECONNRESET", got, err)
		}
		for end, c := range map[string]net.Conn{"client": client, "server": server} {
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%s reads: %v; want ECONNRESET", end, err)
			}
			if _, err := c.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%s writes: %v; want ECONNRESET", end, err)
			}
		}
	})
}

func TestCloseWakesBlockedWrites(t *testing.T) {
	for _, reset := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			client, server := connect(t, new(pipenet.Listener))
			var group sync.WaitGroup
			var writeErr, ownErr error
			group.Go(func() { _, ownErr = server.Write(make([]byte, 1<<20)) })
			group.Go(func() { _, writeErr = client.Write(make([]byte, 1<<20)) })
			synctest.Wait()
			if reset {
				server.(interface{ SetLinger(int) error }).SetLinger(0)
			}
			server.Close()
			group.Wait()
			want := error(syscall.EPIPE)
			if reset {
				want = syscall.ECONNRESET
			}
			if !errors.Is(writeErr, want) || !errors.Is(ownErr, net.ErrClosed) {
				t.Errorf("reset %v: peer's write %v, own write %v; want %v and net.ErrClosed", reset, writeErr, ownErr, want)
			}
			if reset && !errors.Is(ownErr, syscall.ECONNRESET) {
				t.Errorf("own write after the reset: %v; want ECONNRESET", ownErr)
			}
		})
	}
}

func TestCloseWakesABlockedRead(t *testing.T) {
	for _, reset := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			client, server := connect(t, new(pipenet.Listener))
			time.AfterFunc(time.Minute, func() {
				if reset {
					server.(interface{ SetLinger(int) error }).SetLinger(0)
				}
				server.Close()
			})
			want := io.EOF
			if reset {
				want = syscall.ECONNRESET
			}
			if _, err := client.Read(make([]byte, 1)); !errors.Is(err, want) {
				t.Errorf("reset %v: read %v; want %v", reset, err, want)
			}
		})
	}
}

func TestDeadlinesRunOnTheBubblesClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := connect(t, new(pipenet.Listener))
		start := time.Now()
		client.SetReadDeadline(start.Add(3 * time.Minute))
		client.SetReadDeadline(start.Add(5 * time.Minute)) // the last one counts
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v; want a deadline", err)
		}
		if got := time.Since(start); got != 5*time.Minute {
			t.Errorf("read gave up after %v; want 5m", got)
		}
		io.WriteString(server, "x")
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read past the deadline: %v; want a deadline even with input there", err)
		}
		client.SetDeadline(time.Time{})
		if n, err := client.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Errorf("read with the deadline lifted: %d, %v", n, err)
		}
		go func() {
			time.Sleep(time.Minute)
			client.SetReadDeadline(time.Unix(1, 0)) // how net/http aborts a read
		}()
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("aborted read: %v; want a deadline", err)
		}
	})
}
