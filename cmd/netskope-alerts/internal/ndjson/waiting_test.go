package ndjson

import (
	"context"
	"io"
	"testing"
	"time"
)

// TestReadingEnds: once the context has ended, reading does, from an endless line and from a pipe
// that is silent.
func TestReadingEnds(t *testing.T) {
	silent, writer := io.Pipe()
	defer writer.Close()
	for name, in := range map[string]io.Reader{"endless": zeros{}, "silent": silent} {
		ctx, stop := context.WithCancel(t.Context())
		began := make(chan struct{})
		done := make(chan error, 1)
		go func() {
			err := Inputs{Stdin: &announced{in, began}}.Each(ctx, []string{"-"}, func(s Source) error {
				c, err := s.Content(ctx)
				if err != nil {
					return err
				}
				_, err = NewLines(c.Reader, 1000).Read()
				return err
			})
			done <- err
		}()
		<-began
		stop()
		select {
		case err := <-done:
			if err != context.Canceled {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(20 * time.Second): // or it hangs
			t.Errorf("%s: it is read on although the context has ended", name)
		}
	}
}

// announced closes a channel when it is first read.
type announced struct {
	io.Reader
	began chan struct{}
}

func (a *announced) Read(p []byte) (int, error) {
	if a.began != nil {
		close(a.began)
		a.began = nil
	}
	return a.Reader.Read(p)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
