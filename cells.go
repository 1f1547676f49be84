package collector

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/ledger"
	"netskope-alerts.internal/collector/internal/netskope"
)

const (
	// cellsInFlight is how many cells a run works on at the same time, so that neither the
	// tenant's nor the storage's latency sets the pace.
	cellsInFlight = 4
	// fullCell is how many alerts a cell is chosen to hold at most, by the density of what
	// was just delivered; denseCell says it in pages.
	fullCell  = mostPerCell * 3 / 4
	denseCell = 2
	// mostSkewWait is how long a run waits until a cell is old enough by the tenant's clock,
	// too; one that needs longer is left to the next run.
	mostSkewWait = time.Minute
)

// work delivers cells until none is left, or it must not go on.
func (r *runner) work(ctx context.Context) {
	ctx, r.cancel = context.WithCancel(ctx)
	defer r.cancel()
	var workers sync.WaitGroup
	for range cellsInFlight {
		workers.Go(func() {
			for {
				c, ok := r.take()
				if !ok {
					return
				}
				var duplicates int64
				fetch := func(ctx context.Context, c cell.Cell, keep ledger.Keep) (seen ledger.Fetched, err error) {
					seen, duplicates, err = r.fetcher.fetch(ctx, c, keep)
					if crowded := (*errCrowded)(nil); errors.As(err, &crowded) {
						r.crowd(c, crowded.density)
					}
					return seen, err
				}
				e, outcome, err := r.ledger.Deliver(ctx, c, fetch)
				if young := (*netskope.YoungError)(nil); errors.As(err, &young) && young.Wait <= mostSkewWait {
					sleep(ctx, young.Wait)
					e, outcome, err = r.ledger.Deliver(ctx, c, fetch)
				}
				r.land(c, e, outcome, duplicates, err)
				if err := r.saveSometimes(ctx); err != nil {
					r.fail(err)
				}
			}
		})
	}
	workers.Wait()
}

// take is the next cell to work on. It waits as long as there may be one.
func (r *runner) take() (cell.Cell, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.err == nil && r.report.Stopped == stoppedFailed {
		switch c, ok := r.choose(); {
		case ok && r.MaxRecords > 0 && r.report.Alerts >= int64(r.MaxRecords):
			r.put(c)
			r.report.Stopped = StoppedMaxRecords
			r.wake.Broadcast()
			return cell.Cell{}, false
		case ok:
			r.flying[c] = true
			return c, true
		case len(r.flying) == 0:
			return cell.Cell{}, false
		}
		r.wake.Wait() // what is being worked on may turn out to be split
	}
	return cell.Cell{}, false
}

// choose takes the next cell from what is left. What the ledger shows as delivered is passed
// over. Where a cell is longer than what was just met lets expect to fit, its children take
// its place without a try.
func (r *runner) choose() (cell.Cell, bool) {
	for len(r.todo) > 0 {
		n := len(r.todo) - 1
		c := r.todo[n]
		r.todo = r.todo[:n]
		if e, known := r.ledger.At(c); c.Level() >= r.level || known && !e.Split {
			return c, true
		}
		r.putChildren(c)
	}
	for r.next.Before(r.end) {
		e, ok := r.ledger.Delivered(r.next)
		if !ok {
			break
		}
		r.report.complete(e, ledger.Covered, 0)
		r.next = e.To
	}
	c, ok := cell.Largest(r.next, r.end, r.level)
	for ok && r.ledger.Split(c) {
		c, ok = cell.Largest(r.next, r.end, c.Level()+1)
	}
	if ok {
		r.next = c.To()
	}
	return c, ok
}

// put takes a chosen cell back.
func (r *runner) put(c cell.Cell) { r.todo = append(r.todo, c) }

// putChildren puts a cell's children in its place.
func (r *runner) putChildren(c cell.Cell) {
	children := c.Children()
	slices.Reverse(children)
	r.todo = append(r.todo, children...)
}

// land notes what became of a cell.
func (r *runner) land(c cell.Cell, e ledger.Entry, outcome ledger.Outcome, duplicates int64, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.wake.Broadcast()
	delete(r.flying, c)
	switch young := (*netskope.YoungError)(nil); {
	case errors.As(err, &young): // the span ends where it is old enough by the tenant's clock
		r.end = earlier(r.end, r.Horizon(young.Date))
		r.next = earlier(r.next, c.From())
		return
	case err != nil:
		r.put(c) // what is not delivered keeps Through where it is
		if errors.Is(err, errSlow) {
			r.slow = append(r.slow, c)
		}
		if r.err == nil {
			r.err = err
			r.cancel()
		}
		return
	case outcome == ledger.Divided:
		r.report.Splits++
		r.putChildren(c)
		return
	case outcome == ledger.Created:
		r.learn(e)
	}
	r.report.complete(e, outcome, duplicates)
	r.reach()
}

// learn chooses the level whose cells hold a few pages at most, if they are as dense as what was
// delivered lately; at most one above the level of the last. What was dense counts half as
// much with every sparser cell after it.
func (r *runner) learn(e ledger.Entry) {
	r.density = max(float64(e.Alerts+e.Quarantined)/e.Cell.Length().Seconds(), r.density/2)
	r.fit(max(e.Cell.Level()-1, cell.Top))
}

// crowd chooses it, if that is a lower one, after a cell that held too much.
func (r *runner) crowd(c cell.Cell, density float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.density = max(r.density, density)
	r.fit(max(r.level, c.Level()+1))
}

// fit chooses the highest level, none above most, whose cells hold few alerts at the density.
func (r *runner) fit(most cell.Level) {
	r.level = most
	for few := float64(min(denseCell*r.PageSize, fullCell)); r.level < cell.Last; r.level++ {
		if r.density*r.level.Length().Seconds() <= few {
			return
		}
	}
}

// reach notes up to where all is delivered.
func (r *runner) reach() {
	through := r.next
	for c := range r.flying {
		through = earlier(through, c.From())
	}
	for _, c := range r.todo {
		through = earlier(through, c.From())
	}
	r.report.Through, r.report.Lag = through, r.now.Sub(through)
	if !r.state.Through.IsZero() {
		r.ledger.Reach(ledger.Position{Began: r.state.Began, Moved: r.state.Moved, Through: through})
	}
	r.tell()
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// sleep waits, or until the context ends.
func sleep(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}
