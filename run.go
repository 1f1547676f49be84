package collector

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"cloud.google.com/go/storage"

	"netskope-alerts.internal/collector/internal/netskope"
)

// Reasons for which a run ends without an error.
const (
	StoppedCaughtUp   = "caught up"
	StoppedBudget     = "budget"
	StoppedMaxRecords = "max records"
	stoppedFailed     = "failed"
)

// Run collects window after window into the bucket until no further one is old enough
// at now, the trigger's time, or the budget is spent, or MAX_RECORDS reached. progress,
// if not nil, is called after every page and every window.
//
// When it returns, with or without an error, the bucket holds every alert before the
// report's Through exactly once and the state says so; of what comes after, at most the
// next window's object is there, whole, if its state could not be saved. A failure leaves
// the state at the last completed window. Two runs at once work on the same windows and
// make the same entries in the ledger, so they need no lock.
//
// A run that could not complete a single window within its budget is a failure. Before
// it returns it splits the window, so that the next run gets further.
func Run(ctx context.Context, c Config, bucket *storage.BucketHandle, client *http.Client, now time.Time, progress func(Report)) (Report, error) {
	return runSpan(ctx, c, bucket, client, now, Window{}, progress)
}

// runSpan is a run of the live collector or, if the span is not zero, of its backfill.
func runSpan(ctx context.Context, c Config, bucket *storage.BucketHandle, client *http.Client, now time.Time, span Window, progress func(Report)) (Report, error) {
	r := Report{Started: time.Now(), Stopped: stoppedFailed}
	budgeted, cancel := context.WithTimeout(ctx, c.Budget)
	defer cancel()

	state, err := run(budgeted, c, bucket, client, now, span, progress, &r)
	switch spent := errors.Is(err, errBudgetSpent); {
	case spent && r.Windows > 0:
		r.Stopped, err = StoppedBudget, nil
	case spent && state.Next.Sub(state.Through) > c.Window:
		shorter, splitErr := split(ctx, bucket, c, state)
		err = errors.Join(fmt.Errorf("%w; the next run tries %v", err, shorter.window()), splitErr)
	case spent:
		err = fmt.Errorf("%w; set WINDOW shorter or BUDGET longer", err)
	}
	r.Took = time.Since(r.Started)
	return r, err
}

// errBudgetSpent says that the run's time was up in the middle of a window.
var errBudgetSpent = errors.New("the run's BUDGET is spent")

func run(ctx context.Context, c Config, bucket *storage.BucketHandle, client *http.Client, now time.Time, span Window, progress func(Report), r *Report) (State, error) {
	state, err := loadState(ctx, bucket, c, now, span)
	if err != nil {
		return state, err
	}
	r.reach(state, now)
	r.From = state.Through
	var tenant *netskope.Client
	notify := func() {
		r.count(tenant.Counts())
		if progress != nil {
			progress(*r)
		}
	}
	var delivered *ledger
	tenant = netskope.New(c.Netskope(), client, notify)
	defer func() { r.count(tenant.Counts()) }()
	for !state.complete() && !state.Next.After(state.horizon(now, c)) {
		if c.MaxRecords > 0 && r.Alerts >= int64(c.MaxRecords) {
			r.Stopped = StoppedMaxRecords
			return state, nil
		}
		if delivered == nil {
			delivered, err = loadLedger(ctx, bucket, Window{From: state.Through, To: state.horizon(now, c)}, c.Prefix, state.prefix())
		}
		if err == nil {
			state, err = collect(ctx, c, delivered, tenant, state, now, r)
		}
		if errors.Is(err, errStateMoved) {
			r.Races++
			state, err = loadState(ctx, bucket, c, now, span)
		}
		if err != nil && ctx.Err() == context.DeadlineExceeded && errors.Is(err, context.DeadlineExceeded) {
			return state, fmt.Errorf("%w: window %v did not fit into it: %w", errBudgetSpent, state.window(), err)
		}
		if err != nil {
			return state, err
		}
		r.reach(state, now)
		notify()
	}
	r.Stopped, r.CaughtUp = StoppedCaughtUp, true
	return state, nil
}

// collect moves one window from the tenant into the bucket and returns the state behind
// it; or, if the window has been split meanwhile, the state with its nearer end. A window
// that the ledger shows as delivered is passed over. On an error the state in the bucket
// is not this run's, unless the answer to its saving was lost; s comes back unchanged.
func collect(ctx context.Context, c Config, l *ledger, t *netskope.Client, s State, now time.Time, r *Report) (State, error) {
	after, e, created := s, entry{}, false
	f := &fetched{}
	covering, found := l.covering(s.Through)
	if found {
		e = covering
		if err := e.settle(ctx, l.bucket); err != nil {
			return s, err
		}
	} else {
		known, err := l.known(ctx, s.window())
		if err != nil {
			return s, err
		}
		d := newDelivery(ctx, l.bucket, c, s)
		if f, err = fetch(ctx, t, s.window(), c.TimeField, known, d.keep); err != nil {
			d.abandon()
			return s, err
		}
		if e, created, err = d.commit(f); err != nil {
			return s, err
		}
		if e.Split {
			return saveSplit(ctx, l.bucket, c, s)
		}
		if e.undated() {
			l.entries = append(l.entries, e)
		}
	}
	done := Window{From: s.Through, To: e.To}
	after = after.choose(l.clip(following(done, e.Alerts+e.Quarantined, s.horizon(now, c), c)), c)
	after.LastEventTime = max(s.LastEventTime, e.Newest)
	saved, err := saveState(ctx, l.bucket, c.StateKey, after)
	if err != nil {
		return s, err
	}
	// The first window of a live run may be one whose run died before it could report it.
	unreported := r.Windows == 0 && e.window() == s.window() && s.Until.IsZero()
	r.complete(f, e, created, found && !unreported)
	return saved, nil
}
