package ndjson

import (
	"context"
	"io"
)

// waiting reads from a pipe or a terminal, which may not answer for ever, and lets go of it when
// the context ends. What is read meanwhile is lost, as the rest of the pipe is.
type waiting struct {
	ctx context.Context
	r   io.Reader
	buf []byte // of the read that is under way; nobody else has it until that is done
}

func (w *waiting) Read(p []byte) (int, error) {
	if w.buf == nil {
		w.buf = make([]byte, ReadBuffer)
	}
	buf := w.buf[:min(len(p), len(w.buf))]
	n, err := await(w.ctx, func() (int, error) { return w.r.Read(buf) })
	if w.ctx.Err() != nil {
		w.buf = nil // a read that is under way may yet write to it
		return 0, w.ctx.Err()
	}
	return copy(p, buf[:n]), err
}

// await is what do returns, or, if the context ends first, its error.
func await[T any](ctx context.Context, do func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := do()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return *new(T), ctx.Err()
	}
}
