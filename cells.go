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
	// fullCell is how many alerts a cell is chosen to hold at most, by the density of what
	// was just delivered; pagesPerCell is it in pages, where these are small.
	fullCell     = mostPerCell * 9 / 10
	pagesPerCell = 10
	// scouts is how many cells are worked on as long as nothing is known of their density.
	scouts = 2
	// mostHeld is how many alerts the cells that are worked on may hold in all, by the density.
	mostHeld = 150_000
	// deepest is by how many levels at most cells become shorter at once where one held too much.
	deepest = 3
	// requestsPerCell is how many requests a cell may well take.
	requestsPerCell = 20
	// memory is how far back what is delivered tells of the density of what follows.
	memory = time.Hour
	// mostSkewWait is how long a run waits until a cell is old enough by the tenant's clock,
	// too; one that needs longer is left to the next run.
	mostSkewWait = time.Minute
)

// work delivers cells until none is left, or it must not go on.
func (r *runner) work(ctx context.Context) {
	ctx, r.cancel = context.WithCancel(ctx)
	defer r.cancel()
	var workers sync.WaitGroup
	for range r.InFlight {
		workers.Go(func() {
			for {
				c, ok := r.take()
				if !ok {
					return
				}
				var duplicates int64
				fetch := func(ctx context.Context, c cell.Cell, keep ledger.Keep) (seen ledger.Fetched, err error) {
					seen, duplicates, err = r.fetcher.fetch(ctx, Span{From: c.From(), To: c.To()}, nil, keep)
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
		if len(r.flying) >= r.atOnce() {
			r.wake.Wait()
			continue
		}
		switch c, ok := r.choose(); {
		case ok && r.MaxRecords > 0 && r.report.Alerts >= int64(r.MaxRecords):
			r.put(c)
			r.report.Stopped = StoppedMaxRecords
			r.wake.Broadcast()
			return cell.Cell{}, false
		case ok:
			r.flying[c] = time.Now()
			return c, true
		case len(r.flying) == 0:
			return cell.Cell{}, false
		}
		r.wake.Wait() // what is being worked on may turn out to be split
	}
	return cell.Cell{}, false
}

// atOnce is how many cells of the level may be worked on now, so that their alerts do not take too
// much memory, do not go far beyond MAX_RECORDS, and all come to their ends: a share of so many, if
// other streams are worked on, too.
func (r *runner) atOnce() int {
	for _, since := range r.flying {
		if time.Since(since) > r.Budget/4 {
			return 0 // one that takes so long has the tenant for itself, or it would never be done
		}
	}
	n := int(mostHeld / max(1, r.density*r.level.Length().Seconds()))
	if r.density == unknown {
		n = scouts
	}
	if r.RequestsPerSecond > 0 { // a short run has too few requests for many
		n = min(n, int(r.Budget.Seconds()*r.RequestsPerSecond/requestsPerCell))
	}
	if r.MaxRecords > 0 {
		n = min(n, 1+(r.MaxRecords-int(r.report.Alerts))/r.full())
	}
	return r.share(min(n, r.InFlight))
}

// full is how many alerts a cell is chosen to hold at most.
func (r *runner) full() int { return min(pagesPerCell*r.PageSize, fullCell) }

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
		r.putChildren(c, c.Level()+1)
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

// putChildren puts a cell's descendants of the level in its place.
func (r *runner) putChildren(c cell.Cell, level cell.Level) {
	if c.Level() == level {
		r.put(c)
		return
	}
	for _, child := range slices.Backward(c.Children()) {
		r.putChildren(child, level)
	}
}

// land notes what became of a cell.
func (r *runner) land(c cell.Cell, e ledger.Entry, outcome ledger.Outcome, duplicates int64, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.wake.Broadcast()
	long := time.Since(r.flying[c]) >= r.Budget/2
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
			if long && c.Level() < cell.Last {
				r.slowest = append(r.slowest, c)
			}
		}
		if r.err == nil {
			r.err = err
			r.cancel()
		}
		return
	case outcome == ledger.Divided:
		r.report.Splits++
		r.putChildren(c, max(r.crowded[c], c.Level()+1))
		return
	case outcome == ledger.Created:
		r.learn(e)
	}
	r.report.complete(e, outcome, duplicates)
	r.reach()
}

// unknown is a density of which nothing is known.
const unknown = -1

// recall takes the density of the cells that the ledger shows before the span for that of its first.
func (r *runner) recall() {
	alerts, at := int64(0), r.next
	for r.next.Sub(at) < memory {
		e, ok := r.ledger.Delivered(at.Add(-time.Second))
		if !ok {
			break
		}
		alerts, at = alerts+e.Alerts+e.Quarantined, e.From
	}
	if covered := r.next.Sub(at); covered > 0 {
		r.density = float64(alerts) / covered.Seconds()
	}
	r.level = r.fit(r.density, cell.Top)
}

// learn takes the cell into the density: a denser one by how long it is, because a burst of a second says little
// of the hours beside it; after a sparser one it falls soon.
func (r *runner) learn(e ledger.Entry) {
	density := float64(e.Alerts+e.Quarantined) / e.Cell.Length().Seconds()
	if density < r.density {
		r.density = max(density, r.density/4)
	} else {
		weight := e.Cell.Length().Seconds() / (e.Cell.Length() + memory/6).Seconds()
		r.density = max(r.density, 0)*(1-weight) + density*weight
	}
	r.level = r.fit(r.density, cell.Top)
}

// crowd notes how much shorter cells have to be in the place of one that held too much. Of a scout's,
// it is the density of all.
func (r *runner) crowd(c cell.Cell, density float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.density <= 0 {
		r.density = density
		r.level = r.fit(density, c.Level()+1)
	}
	r.crowded[c] = min(r.fit(density, c.Level()+1), c.Level()+deepest)
}

// fit is the highest level, none above most, whose cells hold few enough alerts at the density.
func (r *runner) fit(density float64, most cell.Level) cell.Level {
	for most < cell.Last && density*most.Length().Seconds() > float64(r.full()) {
		most++
	}
	return most
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
