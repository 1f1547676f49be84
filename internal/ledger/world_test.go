package ledger

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/layout"
	"netskope-alerts.internal/collector/internal/page"
)

// seedFlag repeats one interleaving, and tells every operation of it:
// go test -run NAME -args -seed N.
var seedFlag = flag.Uint64("seed", 0, "seed of the one interleaving to play; 0 plays many")

// world is a bucket, a tenant, and workers that use them at the same time. Every storage
// operation of a worker waits until the world lets it go on, so that one random number
// after the other decides who comes next and what goes wrong: the same seed plays the same
// interleaving. The workers are coroutines; nothing happens at the same time.
//
// The zero value of what breaks is a bucket that keeps its promises.
type world struct {
	*knowledge
	random *rand.Rand
	trace  func(format string, arguments ...any) // nil but for a single interleaving
	store  Store                                 // the world itself, or what breaks a promise of its
	made   time.Time                             // by the wall clock
	clock  time.Duration                         // how late it is in the world, since then
	step   int

	base, end time.Time // the span of time that is to be delivered
	deep      bool      // nothing is marked split to begin with
	premarked map[cell.Cell]Entry
	alerts    []modelAlert
	big       int   // alerts that are too many for one cell
	part      int64 // bytes of lines in one object
	faulty    int   // one of so many requests goes wrong; 0: none
	mortal    bool  // workers die
	sleepy    bool  // workers fall asleep
	passing   bool  // time passes
	paged     int   // objects on one page of a list
	feed      int   // the feed looks after one of so many steps; 0: never

	objects    map[string]*object
	generation int64
	overdue    []func() // requests that are carried out after their senders gave them up

	starting int // workers that are still to start
	workers  int
	ledgers  []*Ledger // of the workers that live
	procs    []*proc   // those that may go on
	asleep   [][]*proc // of one worker each
	current  *proc

	visible  map[string]*object // everything that ever was at its place
	shown    []*object          // the same, in order
	complete []cell.Cell        // cells whose delivery was committed
	read     map[int64]Entry    // entries that have been read, by generation
	counts   []int              // how often each alert came to its place
	problem  error              // the first
}

type modelAlert struct {
	second  int64
	visible int    // first step at which the tenant shows it
	reason  string // why the feed cannot take it
}

type object struct {
	name       string
	generation int64
	created    time.Duration
	content    []byte
	metadata   map[string]string
}

// worker is one run: several procs, and what they share.
type worker struct {
	number int
	ledger *Ledger
	began  time.Duration
	sure   bool // nothing goes wrong with its requests
	todo   []cell.Cell
	procs  int // that have not ended
	err    error
}

// proc is what one goroutine of a run is.
type proc struct {
	*worker
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
	dead  bool

	delivers time.Duration // when it began with the cell
}

var (
	folders   = layout.Beside("feed")
	testOwner = Owner{Tenant: "https://t.test", TimeField: alert.InsertionTime, Collector: "test"}

	errDied    = errors.New("the worker has died")
	errRefused = errors.New("refused for no reason")
	errLost    = errors.New("the answer was lost")
)

func (w *world) fail(format string, arguments ...any) {
	if w.problem == nil {
		w.problem = fmt.Errorf("step %d: "+format, append([]any{w.step}, arguments...)...)
		w.tell("PROBLEM: %v", w.problem)
	}
}

func (w *world) tell(format string, arguments ...any) {
	if w.trace == nil {
		return
	}
	who := "-"
	if w.current != nil {
		who = strconv.Itoa(w.current.number)
	}
	w.trace("%5d %8v %3s "+format, append([]any{w.step, w.clock, who}, arguments...)...)
}

// one reports true once in n times; never if n is 0.
func (w *world) one(n int) bool { return n > 0 && w.random.IntN(n) == 0 }

// fate is what becomes of a request.
type fate int

const (
	answered fate = iota
	died          // its sender is no more
	refused       // not carried out
	lost          // carried out, and the answer is lost
	repeated      // so, and the client repeats it
	late          // carried out some time later; its sender has given it up
)

// wait lets others go on, and returns what becomes of the request.
func (w *world) wait() fate {
	p := w.current
	if p == nil {
		return answered
	}
	if p.dead || !p.yield(struct{}{}) {
		p.dead = true
		return died
	}
	if p.sure || !w.one(w.faulty) {
		return answered
	}
	return refused + fate(w.random.IntN(4))
}

// request does one request as fate will have it.
func request[T any](w *world, what string, name string, do func() (T, error)) (T, error) {
	var zero T
	f := w.wait()
	switch f {
	case died:
		return zero, errDied
	case refused:
		w.tell("%s %s refused", what, name)
		return zero, errRefused
	case late:
		w.tell("%s %s late", what, name)
		w.overdue = append(w.overdue, func() {
			_, err := do()
			w.tell("late %s %s: %v", what, name, err)
		})
		return zero, gcs.ErrOutage
	}
	result, err := do()
	w.tell("%s %s: %v", what, name, err)
	switch f {
	case lost:
		return zero, errLost
	case repeated:
		return request(w, what, name, do)
	}
	return result, err
}

// nothing is a request's result that has none.
type nothing struct{}

func (w *world) put(name string, generation int64, content []byte, metadata map[string]string) (gcs.Object, error) {
	before := w.objects[name]
	if before == nil && generation != 0 || before != nil && generation != before.generation {
		return gcs.Object{}, gcs.ErrChanged
	}
	w.generation++
	o := &object{name, w.generation, w.clock, slices.Clone(content), metadata}
	w.objects[name] = o
	switch {
	case strings.HasPrefix(name, folders.Ledger):
		w.enter(o)
	case strings.HasPrefix(name, folders.Feed), strings.HasPrefix(name, folders.Quarantine):
		w.show(o)
	}
	return w.describe(o), nil
}

func (w *world) describe(o *object) gcs.Object {
	return gcs.Object{Name: o.name, Generation: o.generation, Created: w.made.Add(o.created),
		Size: int64(len(o.content)), Metadata: o.metadata}
}

// enter looks at a new entry of the ledger.
func (w *world) enter(o *object) {
	c, number, ok := folders.ParseEntry(o.name)
	if !ok {
		w.fail("%s is no entry", o.name)
	}
	if number > 0 || isSplitMark(o.name, o.metadata) {
		return
	}
	for _, other := range w.complete {
		if other.Holds(c) || c.Holds(other) {
			w.fail("%v is delivered, although %v is", c, other)
		}
	}
	w.complete = append(w.complete, c)
}

func isSplitMark(name string, metadata map[string]string) bool {
	return strings.HasPrefix(name, folders.Ledger) && strings.Contains(metadata[member], `"split":true`)
}

// show looks at an object that came to its place.
func (w *world) show(o *object) {
	if w.visible[o.name] != nil {
		w.fail("%s came to its place a second time", o.name)
	}
	w.visible[o.name] = o
	w.shown = append(w.shown, o)
	numbers, ok := readLines(o.content)
	if !ok {
		w.fail("%s is not complete: %q", o.name, o.content)
	}
	for _, n := range numbers {
		if w.counts[n]++; w.counts[n] > 1 {
			w.fail("alert %d came a second time, in %s", n, o.name)
		}
	}
}

// alertLine is the line of alert n.
func alertLine(n int) []byte { return strconv.AppendInt([]byte(`{"n":`), int64(n), 10) }

// readLines are the numbers of the alerts in an object, in the feed's folder or beside it.
func readLines(content []byte) (numbers []int, ok bool) {
	for rest := string(content); rest != ""; {
		line, after, ended := strings.Cut(rest, "\n")
		rest = after
		text := strings.TrimRight(line[strings.LastIndexByte(line, ':')+1:], "}")
		n, err := strconv.Atoi(text)
		if !ended || err != nil {
			return nil, false
		}
		numbers = append(numbers, n)
	}
	return numbers, len(numbers) > 0
}

// The world is a Store.

func (w *world) URI(name string) string { return "gs://bucket/" + name }

func (w *world) Put(_ context.Context, name string, generation int64, content []byte, _ string,
	metadata map[string]string) (gcs.Object, error) {
	w.wake(name, content)
	return request(w, "put", name, func() (gcs.Object, error) { return w.put(name, generation, content, metadata) })
}

// wake holds that a worker that began to deliver a cell long ago commits nothing of it.
func (w *world) wake(name string, content []byte) {
	if p := w.current; p != nil && !p.dead && len(content) > 0 && w.clock-p.delivers > maxAge {
		w.fail("worker %d, which began to deliver %v ago, creates %s", p.number, w.clock-p.delivers, name)
	}
}

func (w *world) now() time.Time { return w.made.Add(w.clock) }

func (w *world) Look(_ context.Context, name string) (gcs.Object, error) {
	return request(w, "look", name, func() (gcs.Object, error) {
		o := w.objects[name]
		if o == nil {
			return gcs.Object{}, gcs.ErrNotExist
		}
		return w.describe(o), nil
	})
}

func (w *world) Read(_ context.Context, name string, generation, most int64) ([]byte, gcs.Object, error) {
	o, err := request(w, "read", name, func() (*object, error) {
		o := w.objects[name]
		if o == nil || o.generation != generation {
			return nil, gcs.ErrNotExist
		}
		return o, nil
	})
	if err != nil {
		return nil, gcs.Object{}, err
	}
	return o.content, w.describe(o), nil
}

// List is one request a page: what comes and goes between two pages may be missed.
func (w *world) List(_ context.Context, n gcs.Names, each func(gcs.Object) error) error {
	for from := max(n.Prefix, n.From); from != ""; {
		page, err := request(w, "list", from, func() ([]*object, error) {
			var all []*object
			for name, o := range w.objects {
				if strings.HasPrefix(name, n.Prefix) && name >= from && (n.To == "" || name < n.To) {
					all = append(all, o)
				}
			}
			slices.SortFunc(all, func(a, b *object) int {
				if n.Prefix == folders.Staging { // whose names have parts that no seed decides
					return int(a.generation - b.generation)
				}
				return strings.Compare(a.name, b.name)
			})
			return all, nil
		})
		if err != nil {
			return err
		}
		from = ""
		if len(page) > w.paged && n.Prefix != folders.Staging {
			page, from = page[:w.paged], page[w.paged].name
		}
		for _, o := range page {
			switch err := each(w.describe(o)); {
			case errors.Is(err, gcs.Enough):
				return nil
			case err != nil:
				return err
			}
		}
	}
	return nil
}

func (w *world) Move(_ context.Context, from string, generation int64, to string) error {
	_, err := request(w, "move", to, func() (nothing, error) { return nothing{}, w.move(from, generation, to) })
	return err
}

func (w *world) move(from string, generation int64, to string) error {
	o, there := w.objects[from], w.objects[to]
	switch {
	case o == nil && there != nil && w.one(2): // which of both is not documented
		return gcs.ErrChanged
	case o == nil:
		return gcs.ErrNotExist
	case there != nil || o.generation != generation:
		return gcs.ErrChanged
	}
	delete(w.objects, from)
	_, err := w.put(to, 0, o.content, o.metadata)
	return err
}

func (w *world) Delete(_ context.Context, name string, generation int64) error {
	_, err := request(w, "delete", name, func() (nothing, error) {
		switch o := w.objects[name]; {
		case o == nil:
			return nothing{}, gcs.ErrNotExist
		case o.generation != generation:
			return nothing{}, gcs.ErrChanged
		}
		delete(w.objects, name)
		return nothing{}, nil
	})
	return err
}

func (w *world) Begin(_ context.Context, name string, labels map[string]string) Upload {
	return &modelUpload{world: w, name: name, labels: labels}
}

type modelUpload struct {
	world     *world
	name      string
	labels    map[string]string
	content   []byte
	abandoned bool
}

func (u *modelUpload) Write(p []byte) (int, error) {
	u.content = append(u.content, p...)
	return len(p), nil
}

func (u *modelUpload) Abandon() { u.abandoned = true }

func (u *modelUpload) Commit() (gcs.Object, error) {
	return request(u.world, "stage", u.name, func() (gcs.Object, error) {
		if u.abandoned {
			return gcs.Object{}, io.ErrClosedPipe
		}
		if o := u.world.objects[u.name]; o != nil {
			return u.world.describe(o), nil // ours; the answer was lost
		}
		return u.world.put(u.name, 0, u.content, u.labels)
	})
}

// fetch is the tenant: it shows what is visible by now.
func (w *world) fetch(known map[alert.Key]bool) Fetch {
	return func(_ context.Context, c cell.Cell, keep Keep) (Fetched, error) {
		var seen Fetched
		if w.current != nil {
			w.current.delivers = w.clock
		}
		if f := w.wait(); f != answered {
			return seen, errRefused
		}
		step := w.step
		kept := 0
		for n, a := range w.alerts {
			key := keyOf(n)
			if !c.Contains(a.second) || a.visible > step || known[key] {
				continue
			}
			if kept++; kept > w.big && known == nil && c.Level() < cell.Last {
				return seen, ErrTooMuch
			}
			raw := page.Alert{Line: append(alertLine(n), '}'), Object: true}
			if err := keep(&raw, key, a.reason); err != nil {
				return seen, err
			}
			if kept == 3 && w.wait() != answered {
				return seen, errRefused
			}
		}
		return seen, nil
	}
}

func keyOf(n int) alert.Key { return alert.Key{0: byte(n), 15: 1} }

// spawn begins a proc of the worker.
func (w *world) spawn(k *worker, body func()) {
	p := &proc{worker: k}
	k.procs++
	p.next, p.stop = iter.Pull(func(yield func(struct{}) bool) {
		p.yield = yield
		body()
	})
	w.procs = append(w.procs, p)
}

// newWorker is a worker that knows as much as it would if it had read the ledger when the
// world began.
func (w *world) newWorker(sure bool) *worker {
	w.workers++
	l := open(w.store, folders, testOwner, ".ndjson")
	l.part, l.now = w.part, w.now
	for c, e := range w.premarked {
		l.entries[c] = e
	}
	w.ledgers = append(w.ledgers, l)
	return &worker{number: w.workers, ledger: l, began: w.clock, sure: sure}
}

// resume lets a proc go on to its next request.
func (w *world) resume(i int) {
	p := w.procs[i]
	w.current = p
	if _, more := p.next(); !more {
		w.retire(p)
		w.procs = slices.Delete(w.procs, i, i+1)
	}
	w.current = nil
}

// retire notes that a proc has ended.
func (w *world) retire(p *proc) {
	if p.procs--; p.procs > 0 {
		return
	}
	if p.sure && p.err != nil {
		w.fail("worker %d, whose requests all succeed: %v", p.number, p.err)
	}
	w.ledgers = slices.DeleteFunc(w.ledgers, func(l *Ledger) bool { return l == p.ledger })
}

// take removes the worker's procs from those that may go on.
func (w *world) take(k *worker) (taken []*proc) {
	w.procs = slices.DeleteFunc(w.procs, func(p *proc) bool {
		if p.worker == k {
			taken = append(taken, p)
		}
		return p.worker == k
	})
	return taken
}

// kill ends the worker where it stands.
func (w *world) kill(k *worker) {
	w.tell("worker %d dies", k.number)
	for _, p := range w.take(k) {
		w.current = p
		p.dead = true
		p.stop()
		w.current = nil
	}
	w.ledgers = slices.DeleteFunc(w.ledgers, func(l *Ledger) bool { return l == k.ledger })
}

// pass lets time pass. What has been given up is carried out, or not, within minutes.
func (w *world) pass(d time.Duration) {
	for len(w.overdue) > 0 {
		w.carryOut()
	}
	w.clock += d
}

func (w *world) carryOut() {
	i := w.random.IntN(len(w.overdue))
	do := w.overdue[i]
	w.overdue = slices.Delete(w.overdue, i, i+1)
	do()
}

// consume is the feed: it takes objects away.
func (w *world) consume(all bool) {
	for _, o := range w.shown {
		if (all || w.one(2)) && strings.HasPrefix(o.name, folders.Feed) {
			delete(w.objects, o.name)
		}
	}
}
