package ledger

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/layout"
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

// delivery puts alerts of one cell into the bucket: those that the feed can take into
// objects in its folder, the others into one beside that folder, each with the reason. An
// object is begun with its first line, so an empty cell makes none.
//
// All are written to a folder of their own first, under names that nobody else has. Whoever
// dies afterwards leaves an entry that anybody can finish, or objects that nobody will ever
// deliver.
type delivery struct {
	ctx    context.Context
	ledger *Ledger
	entry  Entry
	unique string // part of the staged names

	alerts, quarantine *staged
	keys, isolatedKeys []byte
}

// staged is an object that is being written.
type staged struct {
	Upload
	placed Placed // all that is known of it so far
	bytes  int64
}

func (d *delivery) stage(name, part string) *staged {
	l, c := d.ledger, d.entry.Cell
	if strings.HasSuffix(name, layout.GzipSuffix) {
		part += layout.GzipSuffix
	}
	at := l.folders.Staged(c, d.entry.Late, d.unique, part)
	return &staged{placed: Placed{Name: name, Staged: at}, Upload: l.store.Begin(d.ctx, at, map[string]string{
		"netskope-cell":       c.String(),
		"netskope-time-field": string(l.owner.TimeField),
		"netskope-collector":  l.owner.Collector,
	})}
}

// line appends what is written to one line of the object.
func (s *staged) line(parts ...[]byte) error {
	for _, part := range parts {
		if _, err := s.Write(part); err != nil {
			return err
		}
		s.bytes += int64(len(part))
	}
	s.placed.Lines++
	return nil
}

func (s *staged) commit() (Placed, error) {
	o, err := s.Commit()
	s.placed.Generation, s.placed.Size, s.placed.CRC32C = o.Generation, o.Size, o.CRC32C
	return s.placed, err
}

var newline = []byte("\n")

// keep is the delivery's Keep.
func (d *delivery) keep(a *page.Alert, key alert.Key, reason string) error {
	if reason != "" {
		return d.isolate(a, key, reason)
	}
	if d.alerts != nil && d.alerts.bytes+int64(len(a.Line)) >= d.ledger.part {
		if err := d.completePart(); err != nil {
			return err
		}
	}
	if d.alerts == nil {
		part := len(d.entry.Objects) + 1
		name := d.ledger.folders.Alerts(d.entry.Cell, d.entry.Late, part, d.ledger.suffix)
		d.alerts = d.stage(name, "part"+strconv.Itoa(part))
	}
	d.keys = append(d.keys, key[:]...)
	return d.alerts.line(a.Line, newline)
}

// isolate writes the alert, whole, with what is wrong with it.
func (d *delivery) isolate(a *page.Alert, key alert.Key, reason string) error {
	if d.quarantine == nil {
		d.quarantine = d.stage(d.ledger.folders.Isolated(d.entry.Cell, d.entry.Late), "quarantine")
	}
	quoted, err := json.Marshal(reason)
	if err != nil {
		return fmt.Errorf("encode reason: %w", err)
	}
	head := fmt.Appendf(nil, `{"reason":%s,"span":{"from":"%s","to":"%s"},"alert":`, quoted,
		d.entry.Cell.From().Format(time.RFC3339), d.entry.Cell.To().Format(time.RFC3339))
	d.isolatedKeys = append(d.isolatedKeys, key[:]...)
	return d.quarantine.line(head, a.Line, []byte("}\n"))
}

// completePart makes an object of alerts durable and describes it.
func (d *delivery) completePart() error {
	p, err := d.alerts.commit()
	if err != nil {
		return err
	}
	d.entry.Objects = append(d.entry.Objects, p)
	d.entry.Alerts += p.Lines
	d.entry.Bytes += d.alerts.bytes
	d.alerts = nil
	return nil
}

// complete makes all staged objects durable and describes them.
func (d *delivery) complete() error {
	if d.quarantine != nil {
		p, err := d.quarantine.commit()
		if err != nil {
			return err
		}
		d.entry.Quarantine, d.entry.Quarantined = &p, p.Lines
	}
	if d.alerts == nil {
		return nil
	}
	return d.completePart()
}

// abandon leaves nothing of what is not complete.
func (d *delivery) abandon() {
	for _, s := range []*staged{d.quarantine, d.alerts} {
		if s != nil {
			s.Abandon()
		}
	}
}

// discard deletes what was staged and will not be delivered. What it cannot delete is swept
// a day later.
func (d *delivery) discard(ctx context.Context) {
	for _, p := range d.entry.placed() {
		_ = d.ledger.store.Delete(ctx, p.Staged, p.Generation)
	}
}

// publish moves what the entry delivers to its place, unless that has been done. Whoever
// finds an entry may publish it, as often as he likes.
func (l *Ledger) publish(ctx context.Context, e Entry) error {
	if e.settled {
		return nil
	}
	for _, p := range e.placed() {
		if err := l.move(ctx, p); err != nil {
			return err
		}
	}
	e.settled = true
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note(e)
	return nil
}

// move believes that an object is gone from where it was staged only after a look: then it
// is, or has been, at its place, because a move is atomic.
func (l *Ledger) move(ctx context.Context, p Placed) error {
	err := l.store.Move(ctx, p.Staged, p.Generation, p.Name)
	taken := errors.Is(err, gcs.ErrChanged)
	if !taken && !errors.Is(err, gcs.ErrNotExist) {
		return err
	}
	o, lookErr := l.store.Look(ctx, p.Staged)
	switch {
	case errors.Is(lookErr, gcs.ErrNotExist):
		return nil
	case lookErr != nil:
		return lookErr
	case o.Generation != p.Generation:
		return nil // another object: nobody but us makes one of that name, and none twice
	case taken:
		return fmt.Errorf("%w: an object of that name is there already, and the ledger does not know it; "+
			"move it out of the feed's folder, and the next run goes on", err)
	}
	return fmt.Errorf("%w: but the staged object is there; does this endpoint know Objects: move?", err)
}
