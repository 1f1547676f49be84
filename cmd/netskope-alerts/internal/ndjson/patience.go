package ndjson

import (
	"context"
	"errors"
	"io"
	"time"

	"netskope-alerts.internal/collector/internal/gcs"
)

// patience ends what waits on Cloud Storage for too long. The client itself tries again
// for as long as its context lives.
type patience struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
}

const patienceFor = time.Minute

// ErrImpatient says that the storage, and not the object, is why nothing was read.
var ErrImpatient = errors.New("cloud storage did not answer for a minute")

// newPatience waits from now on. Its end must be called.
func newPatience(ctx context.Context) *patience {
	ctx, cancel := context.WithCancelCause(ctx)
	return &patience{ctx, cancel, time.AfterFunc(patienceFor, func() { cancel(ErrImpatient) })}
}

func (p *patience) again() { p.timer.Reset(patienceFor) }

func (p *patience) pause() { p.timer.Stop() }

func (p *patience) end() {
	p.timer.Stop()
	p.cancel(nil)
}

// because is the error of what waited.
func (p *patience) because(err error) error {
	if context.Cause(p.ctx) == ErrImpatient {
		return ErrImpatient
	}
	return gcs.Plainly(err)
}

// patientReader waits for each read.
type patientReader struct {
	io.ReadCloser
	*patience
}

func (r *patientReader) Read(p []byte) (int, error) {
	r.again()
	n, err := r.ReadCloser.Read(p)
	r.pause()
	if err != nil && err != io.EOF {
		err = r.because(err)
	}
	return n, err
}

func (r *patientReader) Close() error {
	defer r.end()
	return r.ReadCloser.Close()
}
