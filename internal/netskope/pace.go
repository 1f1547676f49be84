package netskope

import (
	"context"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Pace is what all requests to one tenant have in common, whichever clients send them: so many
// a second, evenly, and so many at the same time. After an answer that says that they were too
// many, half as many are in flight, and one more again after some rounds that went well.
type Pace struct {
	limiter *rate.Limiter
	places  chan struct{} // one for each request that may be sent now

	mu      sync.Mutex // never held while anything is waited for
	most    int        // places in all
	allowed int        // of most
	owed    int        // places to be taken away when they become free
	well    int        // answers since allowed was last changed
	changed time.Time  // when places were last taken away
}

// MostInFlight is how many requests may be in flight at most.
const MostInFlight = 16

// roundsUp is how many rounds have to go well before one more request is in flight.
const roundsUp = 5

// NewPace is the pace of requests of which at most so many are sent in a second, evenly (0 is
// unpaced), and at most inFlight, at least one, wait for their answers to begin.
func NewPace(requestsPerSecond float64, inFlight int) *Pace {
	limit := rate.Inf
	if requestsPerSecond > 0 {
		limit = rate.Limit(requestsPerSecond)
	}
	inFlight = max(inFlight, 1)
	p := &Pace{limiter: rate.NewLimiter(limit, 1), places: make(chan struct{}, inFlight), most: inFlight,
		allowed: inFlight}
	for range inFlight {
		p.places <- struct{}{}
	}
	return p
}

// Wait waits until a single question may be asked, by somebody who asks one after the other.
func (p *Pace) Wait(ctx context.Context) error { return p.limiter.Wait(ctx) }

// enter waits until a request may be sent. Whoever has entered has to leave.
func (p *Pace) enter(ctx context.Context) error {
	select {
	case <-p.places:
	case <-ctx.Done():
		return ctx.Err()
	}
	err := outOfTime(ctx, p.limiter.Wait(ctx))
	if err != nil {
		p.leave(time.Time{}, nil)
	}
	return err
}

// outOfTime waits, if the limiter refuses to wait for a request within the context's deadline, for the
// end of the context, and returns the context's own error.
func outOfTime(ctx context.Context, err error) error {
	if _, ok := ctx.Deadline(); !ok || err == nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

// leave notes that the answer to a request that was sent at the time has begun, or failed. err
// is what it says.
func (p *Pace) leave(sent time.Time, err *Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	crowded := err != nil && (err.Status == http.StatusTooManyRequests || err.Status == http.StatusConflict)
	if err == nil && !sent.IsZero() {
		p.well++
	}
	if crowded && sent.After(p.changed) { // those that were sent before were too many for the same reason
		fewer := p.allowed - max(p.allowed/2, 1)
		p.allowed, p.owed, p.changed, p.well = p.allowed-fewer, p.owed+fewer, time.Now(), 0
	}
	if p.well >= roundsUp*p.allowed && p.allowed < p.most {
		p.allowed, p.well = p.allowed+1, 0
		if p.owed > 0 {
			p.owed--
		} else {
			p.places <- struct{}{}
		}
	}
	if p.owed > 0 {
		p.owed--
		return
	}
	p.places <- struct{}{}
}
