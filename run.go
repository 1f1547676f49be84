package collector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/ledger"
)

const (
	// saveEvery is how often a run saves the state on its way.
	saveEvery = 30 * time.Second
	// splitTimeout bounds the marking of cells that were too much for a whole run, which
	// comes after the run's budget.
	splitTimeout = 20 * time.Second
)

// errBudgetSpent says that the run's time was up before a single cell was delivered.
var errBudgetSpent = errors.New("the run's BUDGET is spent")

// Run delivers all cells from where the collector has come up to what is old enough at now,
// the trigger's time, several at once, until the budget is spent or MAX_RECORDS reached.
// progress, if not nil, is called after every page and every cell, never twice at once.
//
// When it returns, with or without an error, the bucket holds every alert from where the
// collector began to the report's Through exactly once, and the state says so; of what comes
// after, some whole cells may be there, which the next run passes over. Two runs at once
// need no lock, see [ledger.Ledger].
//
// A run that could not deliver a single cell within its budget is a failure. Before it
// returns it marks the cells split that took too long, so that the next run gets further.
func (c *Collector) Run(ctx context.Context, now time.Time, progress func(Report)) (Report, error) {
	r := c.newRunner(progress)
	return r.run(ctx, func(ctx context.Context) error {
		s, err := c.loadState(ctx, r.ledger, now)
		if err != nil {
			return err
		}
		r.state = s
		r.begin(now, Span{From: s.Through, To: c.Horizon(now)})
		return nil
	})
}

// Backfill delivers all cells of a past span, half-open, within the budget. It is a run over
// another span than the live one: it has no state, and passes over what the ledger shows as
// delivered. The same span, or others that overlap it, may be run again, and by several
// instances at once. The report is as of [Collector.Run]: CaughtUp says that the span is
// complete.
func (c *Collector) Backfill(ctx context.Context, now time.Time, span Span, progress func(Report)) (Report, error) {
	r := c.newRunner(progress)
	report, err := r.run(ctx, func(ctx context.Context) error {
		if err := c.checkSpan(now, span); err != nil {
			return err
		}
		r.begin(now, span)
		return r.ledger.Load(ctx, span.From.Add(-memory), span.To)
	})
	if err == nil && report.CaughtUp && report.Through.Before(span.To) {
		report.CaughtUp, report.Stopped = false, stoppedFailed
		err = fmt.Errorf("by the tenant's clock what is after %s is too young to be asked for; this machine's is %s ahead of it",
			report.Through.Format(time.RFC3339), report.Skew.Round(time.Second))
	}
	if err != nil {
		err = fmt.Errorf("backfill %v: %w", span, err)
	}
	return report, err
}

// Span is a span of time, half-open, UTC.
type Span = ledger.Span

// checkSpan refuses what cannot be cut into cells, or is not old enough to be asked for.
func (c *Collector) checkSpan(now time.Time, s Span) error {
	const form = time.RFC3339
	switch {
	case s.From.Location() != time.UTC || s.To.Location() != time.UTC, s.From.Nanosecond()+s.To.Nanosecond() != 0:
		return fmt.Errorf("span %v is not in whole seconds UTC", s)
	case !s.From.Before(s.To):
		return fmt.Errorf("span %v ends before it begins", s)
	case s.From.Unix() < earliestAlert:
		return fmt.Errorf("span %v begins before there were alerts", s)
	case s.To.After(c.Horizon(now)):
		return fmt.Errorf("span %v ends after %s, up to which alerts are old enough to be asked for; end it there or earlier",
			s, c.Horizon(now).Format(form))
	}
	return nil
}

// runner works on the cells of one span.
type runner struct {
	*Collector
	ledger   *ledger.Ledger
	fetcher  fetcher
	progress func(Report)
	cancel   context.CancelFunc // ends all work on an error

	mu      sync.Mutex
	wake    *sync.Cond // a worker may have something to do, or all is done
	now     time.Time
	next    time.Time                // where the part of the span begins that nobody has taken yet
	end     time.Time                // of the span
	todo    []cell.Cell              // children of cells that held too much, the earliest last
	flying  map[cell.Cell]time.Time  // being worked on, and since when
	slow    []cell.Cell              // for which the time was up while the tenant was answering
	slowest []cell.Cell              // of slow, those that had half of the run's time and more, and can be divided
	level   cell.Level               // of the next cell
	crowded map[cell.Cell]cell.Level // of the cells in the place of one that held too much
	density float64                  // alerts per second, or unknown
	err     error                    // the first
	report  Report
	state   Checkpoint // of a live run; zero of a backfill
	moved   bool       // an operator has moved it meanwhile: it is no longer this run's to save
	saved   time.Time  // when this run last saved it
}

func (c *Collector) newRunner(progress func(Report)) *runner {
	r := &runner{
		Collector: c, ledger: c.Ledger(), progress: progress, density: unknown, saved: time.Now(),
		flying: map[cell.Cell]time.Time{}, crowded: map[cell.Cell]cell.Level{},
		report: Report{Stream: c.Stream, Started: time.Now(), Stopped: stoppedFailed},
	}
	r.wake = sync.NewCond(&r.mu)
	r.fetcher = c.fetcher(r.notify)
	return r
}

func (r *runner) begin(now time.Time, s Span) {
	r.now, r.next, r.end = now, s.From, s.To
	r.report.From, r.report.Through, r.report.Trouble = s.From, s.From, r.state.trouble
}

// run does the work between prepare and the end of the budget.
func (r *runner) run(ctx context.Context, prepare func(context.Context) error) (Report, error) {
	budgeted, cancel := context.WithTimeout(ctx, r.Budget)
	defer cancel()
	err := prepare(budgeted) // and reads the ledger's entries of the span
	if err == nil {
		err = r.ledger.CheckOwner(budgeted)
	}
	if err == nil {
		_, err = r.ledger.Recover(budgeted)
	}
	if err == nil && !r.state.Through.IsZero() {
		err = r.ledger.Seek(budgeted, r.state.Through, r.state.Moved)
	}
	if err == nil {
		r.recall()
		r.reach()
		r.work(budgeted)
		err = r.conclude(ctx, budgeted)
	}
	r.report.count(r.fetcher.client.Counts())
	r.report.Strange, r.report.Gone = r.ledger.Strange(), r.ledger.Gone()
	r.report.Skew = r.fetcher.client.Skew()
	r.report.Took = time.Since(r.report.Started)
	return r.report, err
}

// conclude says why the run ended, and saves how far it came.
func (r *runner) conclude(ctx, budgeted context.Context) error {
	r.reach()
	spent := r.err != nil && budgeted.Err() == context.DeadlineExceeded && errors.Is(r.err, context.DeadlineExceeded)
	err := r.err
	switch {
	case spent && r.report.Cells-r.report.Covered+r.report.Splits > 0:
		r.report.Stopped, err = StoppedBudget, r.divide(ctx, r.hindrance())
	case spent:
		err = fmt.Errorf("%w: no cell could be delivered in it; the next run tries smaller ones: %w", errBudgetSpent, err)
		err = errors.Join(err, r.divide(ctx, r.slow))
	case err == nil && r.report.Stopped == stoppedFailed:
		r.report.Stopped, r.report.CaughtUp = StoppedCaughtUp, true
	}
	saving, cancel := context.WithTimeout(context.WithoutCancel(ctx), splitTimeout)
	defer cancel()
	return errors.Join(err, r.save(saving))
}

// divide marks cells split that were too much for the run.
func (r *runner) divide(ctx context.Context, slow []cell.Cell) error {
	ctx, cancel := context.WithTimeout(ctx, splitTimeout)
	defer cancel()
	for _, c := range slow {
		if c.Level() == cell.Last {
			return fmt.Errorf("the second %s cannot be divided; set BUDGET longer", c.From().Format(time.RFC3339))
		}
		if err := r.ledger.MarkSplit(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// hindrance is the earliest of the cells that took long, if any did: a run that gets something done
// beside it would try it in vain for ever. The others may have had to share the tenant with too many.
func (r *runner) hindrance() []cell.Cell {
	if len(r.slowest) == 0 {
		return nil
	}
	return []cell.Cell{slices.MinFunc(r.slowest, func(a, b cell.Cell) int { return a.From().Compare(b.From()) })}
}

// notify tells of a page. One that is not full is a sign that the scouts' cells do not hold much.
func (r *runner) notify(alerts int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.density == unknown && alerts < r.PageSize {
		r.density = 0
		r.wake.Broadcast()
	}
	r.tell()
}

func (r *runner) tell() {
	if r.progress != nil {
		r.report.count(r.fetcher.client.Counts())
		r.progress(r.report)
	}
}

func (r *runner) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
		r.cancel()
	}
}

// saveSometimes saves the state on the way, so that somebody who looks sees how far a long run
// has come.
func (r *runner) saveSometimes(ctx context.Context) error {
	r.mu.Lock()
	due := time.Since(r.saved) >= saveEvery && r.err == nil
	if due {
		r.saved = time.Now()
	}
	r.mu.Unlock()
	if !due {
		return nil
	}
	return r.save(ctx)
}

// save saves the state of a live run, if it has come further.
func (r *runner) save(ctx context.Context) error {
	r.mu.Lock()
	s := r.state
	s.Through, s.LastEventTime, s.trouble = r.report.Through, max(s.LastEventTime, r.report.newest), ""
	unsaved := !r.state.Through.IsZero() && s.Through.After(r.state.Through) && !r.moved
	r.mu.Unlock()
	if !unsaved {
		return nil
	}
	saved, races, err := r.saveState(ctx, s)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Races += races
	switch {
	case err != nil:
	case saved.Began.Equal(r.state.Began) && saved.Moved.Equal(r.state.Moved):
		r.state = saved
	default:
		r.moved = true
	}
	return err
}
