// Package ledger decides what is delivered. An entry decides one cell of time, for ever;
// whoever finds an entry can finish what it decided. The one rule by which any number of
// workers deliver every alert once, in any order and without knowing of each other, is kept
// here and nowhere else:
//
//	A cell may be delivered only when all its ancestors are marked split.
//
// Then no moment lies in two delivered cells. Had both a cell and one of its ancestors been
// delivered, the cell's worker would have seen the ancestor's name taken by a split mark, and
// a name is taken once.
//
//	deliver(cell)   an ancestor, or the cell itself, is delivered?   finish that one's move; done
//	                the cell is marked split?                        its children are to be delivered
//	                mark the ancestors that bear no mark             (a name already taken: read it)
//	                fetch the cell's range into staged objects       too much for one cell? mark it split
//	                create the entry ◀── the commit point            taken: finish that one, drop ours
//	                move the objects to the feed's folder            atomic; whoever finds the entry may do it
package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/layout"
)

// Ledger is one worker's sight of the ledger: what it has listed and met. Of what others
// deliver beside it, it need not know: those have their entries' names to meet at. It may be
// used by several goroutines.
type Ledger struct {
	store   Store
	folders layout.Folders
	owner   Owner
	suffix  string           // of objects in the feed's folder
	part    int64            // bytes of lines after which another object is begun
	now     func() time.Time // the wall clock: a frozen machine's other clock stands still

	mu       sync.Mutex
	entries  map[cell.Cell]Entry
	late     map[cell.Cell][]Entry // in the order of their numbers
	position Position
	strange  map[string]bool // names in the ledger's folder that no entry has
	ours     bool            // the oldest entries were read, and are not another's
	gone     map[string]bool // names of objects that are neither staged nor at their places
}

const (
	// maxAge is how long after it has begun to stage a cell a worker may still commit it. What
	// it has staged is swept after a day: a worker that was asleep must not name it then.
	maxAge = time.Hour
	// maxPart is how many bytes of lines go into one object: a feed takes 2 GB (Google
	// SecOps, feed management).
	maxPart = 1 << 30
)

// Open is the ledger of the feed's folders in the bucket, of which nothing has been read.
// suffix is .ndjson, and .gz behind it for objects that are to be compressed.
func Open(bucket *gcs.Bucket, folders layout.Folders, owner Owner, suffix string) *Ledger {
	return open(inBucket{bucket}, folders, owner, suffix)
}

func open(store Store, folders layout.Folders, owner Owner, suffix string) *Ledger {
	return &Ledger{store: store, folders: folders, owner: owner, suffix: suffix, part: maxPart,
		now:     func() time.Time { return time.Now().Round(0) },
		entries: map[cell.Cell]Entry{}, late: map[cell.Cell][]Entry{}, gone: map[string]bool{}}
}

// Reach notes where the live collector is; entries that are made from now on say so.
func (l *Ledger) Reach(p Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.position = p
}

// Load lists the entries of all cells that have a moment of the span, half-open, and of some
// before.
//
// It needs storage.objects.list.
func (l *Ledger) Load(ctx context.Context, from, to time.Time) error {
	names := gcs.Names{Prefix: l.folders.Ledger, From: l.folders.EntriesFrom(from), To: l.folders.EntriesTo(to)}
	err := l.store.List(ctx, names, func(o gcs.Object) error {
		if l.isStrange(o) {
			return nil
		}
		e, err := l.parse(o)
		if err == nil {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.note(e)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("list ledger: %w", err)
	}
	return nil
}

// note remembers an entry, which never changes.
func (l *Ledger) note(e Entry) {
	if e.Late == 0 {
		e.settled = e.settled || l.entries[e.Cell].settled
		l.entries[e.Cell] = e
		return
	}
	late := l.late[e.Cell]
	for len(late) < e.Late {
		late = append(late, Entry{}) // one that is missing is lost, or another's on its way
	}
	late[e.Late-1] = e
	l.late[e.Cell] = late
}

// At is the cell's entry, if this worker knows one.
func (l *Ledger) At(c cell.Cell) (Entry, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.entries[c]
	return e, ok
}

// Delivered is the entry of the delivered cell in which the moment lies, if this worker knows
// one.
func (l *Ledger) Delivered(moment time.Time) (Entry, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for level := cell.Top; level <= cell.Last; level++ {
		e, ok := l.entries[cell.At(level, moment)]
		if !ok || !e.Split {
			return e, ok
		}
	}
	return Entry{}, false
}

// Split reports whether this worker knows the cell to be marked split.
func (l *Ledger) Split(c cell.Cell) bool {
	e, ok := l.At(c)
	return ok && e.Split
}

// Late are the entries, that this worker knows, of what repairs brought to the cell.
func (l *Ledger) Late(c cell.Cell) []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []Entry
	for _, e := range l.late[c] {
		if e.Late > 0 {
			all = append(all, e)
		}
	}
	return all
}

// All are the entries of delivered cells and of repairs that this worker knows, in no order.
func (l *Ledger) All() []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []Entry
	for _, e := range l.entries {
		if !e.Split {
			all = append(all, e)
		}
	}
	for _, late := range l.late {
		for _, e := range late {
			if e.Late > 0 {
				all = append(all, e)
			}
		}
	}
	return all
}

// look reads an entry of which this worker does not know.
//
// It needs storage.objects.get.
func (l *Ledger) look(ctx context.Context, c cell.Cell, late int) (Entry, error) {
	o, err := l.store.Look(ctx, l.folders.Entry(c, late))
	if err != nil {
		return Entry{}, fmt.Errorf("read ledger entry: %w", err)
	}
	e, err := l.parse(o)
	if err == nil {
		l.mu.Lock()
		l.note(e)
		l.mu.Unlock()
	}
	return e, err
}

// create makes the entry, or returns the one that has its name; created says which. What it
// returns is durable.
//
// It needs storage.objects.create and storage.objects.get.
func (l *Ledger) create(ctx context.Context, e Entry, keys []byte) (found Entry, created bool, err error) {
	e.From, e.To, e.Collector = e.Cell.From(), e.Cell.To(), l.owner.Collector
	e.Tenant, e.Stream, e.TimeField = l.owner.Tenant, l.owner.Stream, l.owner.TimeField
	if e.Tenant == "" {
		return Entry{}, false, errors.New("create ledger entry: the ledger was opened without a tenant, to be looked at only")
	}
	l.mu.Lock()
	e.Position = l.position
	l.mu.Unlock()
	metadata, err := e.metadata()
	if err != nil {
		return Entry{}, false, err
	}
	name := l.folders.Entry(e.Cell, e.Late)
	o, err := l.store.Put(ctx, name, 0, keys, "application/octet-stream", metadata) // ◀── the commit point
	if errors.Is(err, gcs.ErrChanged) {
		found, lookErr := l.look(ctx, e.Cell, e.Late)
		if errors.Is(lookErr, gcs.ErrNotExist) {
			return Entry{}, false, fmt.Errorf("create ledger entry: %w", err) // refused for another reason
		}
		return found, false, lookErr
	}
	if err != nil {
		return Entry{}, false, fmt.Errorf("create ledger entry: %w", err)
	}
	e.generation, e.Created = o.Generation, o.Created
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note(e)
	return e, true, nil
}

// errAsleep says that a worker woke up too late to commit what it had staged.
var errAsleep = errors.New("this run was asleep, and leaves its work to the next")

// mark is the entry of a cell whose descendants are to be delivered: a mark that it is split,
// unless it has been delivered.
func (l *Ledger) mark(ctx context.Context, c cell.Cell) (Entry, error) {
	if e, ok := l.At(c); ok {
		return e, nil
	}
	e, _, err := l.create(ctx, Entry{Cell: c, Split: true}, nil)
	if err != nil {
		return e, fmt.Errorf("split cell %v: %w", c, err)
	}
	return e, nil
}

// MarkSplit marks the cell split, so that it is delivered in smaller cells, unless it has
// been delivered: then that is so.
func (l *Ledger) MarkSplit(ctx context.Context, c cell.Cell) error {
	_, err := l.mark(ctx, c)
	return err
}
