package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/page"
	"netskope-alerts.internal/collector/internal/tally"
)

// Outcome is what became of a cell.
type Outcome int

const (
	Created  Outcome = iota // delivered now, by this worker
	Existing                // delivered by another while this worker was at it
	Covered                 // delivered before, by itself or as a part of another cell
	Divided                 // marked split: its children are to be delivered
)

// ErrTooMuch is what a [Fetch] returns if the cell holds more alerts than one should. What it
// has kept so far is dropped, and the cell is split.
var ErrTooMuch = errors.New("the cell holds more alerts than one should")

// ErrKnown is what a [Keep] may return of an alert that has been delivered: it is passed over,
// and counts for nothing.
var ErrKnown = errors.New("the alert has been delivered")

// Keep takes an alert, or, with a reason why the feed cannot take it, puts it aside.
type Keep func(a *page.Alert, key alert.Key, reason string) error

// Fetched says what a [Fetch] has seen beside the alerts that it kept.
type Fetched struct {
	Undated int64 // kept alerts without a time of their own
	Clashes int64 // alerts with the _id of another one, but other bytes
	Newest  int64 // newest timestamp of a kept alert, epoch seconds; 0 if none
	Tally   tally.Tally
}

// Add adds what was seen of another part of the cell.
func (f *Fetched) Add(part Fetched) {
	f.Undated += part.Undated
	f.Clashes += part.Clashes
	f.Newest = max(f.Newest, part.Newest)
	f.Tally.Add(part.Tally)
}

// Fetch hands every alert of the cell to keep, once.
type Fetch func(ctx context.Context, c cell.Cell, keep Keep) (Fetched, error)

// Deliver sees to it that the cell is delivered, or finds that it is split. The entry is the
// one by which it is delivered, which may be an ancestor's.
func (l *Ledger) Deliver(ctx context.Context, c cell.Cell, fetch Fetch) (Entry, Outcome, error) {
	for _, ancestor := range c.Ancestors() {
		e, err := l.mark(ctx, ancestor)
		if err != nil {
			return e, Covered, err
		}
		if !e.Split {
			return e, Covered, l.publish(ctx, e)
		}
	}
	if e, ok := l.At(c); ok {
		if e.Split {
			return e, Divided, nil
		}
		return e, Covered, l.publish(ctx, e)
	}
	e, created, err := l.deliver(ctx, c, 0, fetch)
	if errors.Is(err, ErrTooMuch) && c.Level() < cell.Last {
		if e, err = l.mark(ctx, c); err != nil {
			return e, Divided, err
		}
	}
	switch {
	case err != nil:
		return e, Covered, err
	case e.Split:
		return e, Divided, nil
	case !created:
		return e, Existing, l.publish(ctx, e)
	}
	return e, Created, l.publish(ctx, e)
}

// ErrRepaired says that another repair brought something to the cell meanwhile: what is
// missing has to be found out anew.
var ErrRepaired = errors.New("another repair delivered to the cell")

// Repair delivers what fetch keeps as the next late entry of a delivered cell. Where fetch
// keeps nothing, no entry is made. The error is ErrRepaired if this worker did not know of
// all late entries; it knows one more then.
func (l *Ledger) Repair(ctx context.Context, c cell.Cell, fetch Fetch) (Entry, error) {
	e, created, err := l.deliver(ctx, c, l.unknown(c), fetch)
	switch {
	case err != nil || e.Late == 0:
		return e, err
	case !created:
		return e, errors.Join(ErrRepaired, l.publish(ctx, e))
	}
	return e, l.publish(ctx, e)
}

// unknown is the number of the cell's first late entry of which this worker does not know. It
// need not be behind all others: a list has pages, and between two of them several repairs may
// come, of which it then shows the last alone.
func (l *Ledger) unknown(c cell.Cell) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	late := l.late[c]
	if gap := slices.IndexFunc(late, func(e Entry) bool { return e.Late == 0 }); gap >= 0 {
		return gap + 1
	}
	return len(late) + 1
}

// deliver fetches the cell into staged objects and creates the entry that names them. Where
// another entry has the name, it drops its own objects and returns that one, and false.
func (l *Ledger) deliver(ctx context.Context, c cell.Cell, late int, fetch Fetch) (Entry, bool, error) {
	began := l.now()
	d := &delivery{ctx: ctx, ledger: l, entry: Entry{Cell: c, Late: late}, unique: rand.Text()}
	defer d.abandon()
	seen, err := fetch(ctx, c, d.keep)
	if err != nil {
		d.discard(ctx)
		return Entry{}, false, err
	}
	if late > 0 && len(d.keys)+len(d.isolatedKeys) == 0 {
		return Entry{}, false, nil
	}
	if err := d.complete(); err != nil {
		return Entry{}, false, err
	}
	d.entry.Undated, d.entry.Clashes, d.entry.Newest, d.entry.Tally = seen.Undated, seen.Clashes, seen.Newest, seen.Tally
	if age := l.now().Sub(began); age > maxAge {
		d.discard(ctx)
		return Entry{}, false, fmt.Errorf("%w: it began to deliver %v %s ago", errAsleep, c, age.Round(time.Second))
	}
	found, created, err := l.create(ctx, d.entry, append(d.keys, d.isolatedKeys...))
	switch {
	case err != nil:
		return found, false, err // it may have been created: what it names must stay
	case created:
	case found.same(d.entry) && !found.Split && len(found.placed()) > 0:
		created = true // by a request whose answer was lost
	default:
		d.discard(ctx)
	}
	return found, created, nil
}
