package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/gcs"
)

// TestModel plays the promise: any number of workers that deliver, split, repair and recover
// the same span of time in any order, while they die, sleep, and lose answers, deliver
// every alert exactly once, in objects that are complete and never overwritten.
func TestModel(t *testing.T) {
	playAll(t, 100_000, nil)
}

// playAll plays interleavings, or the one that the seed is given of.
func playAll(t *testing.T, n int, broken func(*world) Store) {
	t.Helper()
	if seed := *seedFlag; seed != 0 {
		if err := interleave(seed, newKnowledge(), broken, t.Logf); err != nil {
			t.Error(err)
		}
		return
	}
	if testing.Short() {
		n /= 50
	}
	defer debug.SetGCPercent(debug.SetGCPercent(800))
	var (
		began   = time.Now()
		left    atomic.Int64
		players sync.WaitGroup
	)
	left.Store(int64(n))
	for range runtime.GOMAXPROCS(0) {
		players.Go(func() {
			know := newKnowledge()
			for left.Add(-1) >= 0 && !t.Failed() {
				seed := rand.Uint64()
				if err := interleave(seed, know, broken, nil); err != nil {
					t.Errorf("%v\nrepeat with: go test ./internal/ledger -run '^%s$' -args -seed %d",
						err, t.Name(), seed)
				}
			}
		})
	}
	players.Wait()
	n -= int(max(left.Load(), 0))
	t.Logf("%d interleavings, %.0f a second", n, float64(n)/time.Since(began).Seconds())
}

// boundary is where cells of all levels begin.
var boundary = time.Date(2026, 11, 23, 5, 55, 0, 0, time.UTC)

// interleave plays one interleaving and returns what is wrong at its end.
func interleave(seed uint64, know *knowledge, broken func(*world) Store, trace func(string, ...any)) error {
	w := newWorld(seed, know, trace)
	if broken != nil {
		w.store = broken(w)
	}
	defer w.stop()
	w.play(2000)
	w.conclude()
	return w.problem
}

// allVisible is a step at which the tenant shows all alerts; until the end, it does not come.
const allVisible = 1_000_000

func pick[T any](w *world, of ...T) T { return of[w.random.IntN(len(of))] }

func newWorld(seed uint64, know *knowledge, trace func(string, ...any)) *world {
	w := &world{random: rand.New(rand.NewPCG(seed, 1)), knowledge: know, trace: trace, made: time.Now(),
		objects: map[string]*object{}, visible: map[string]*object{}, read: map[int64]Entry{}}
	w.store = w
	// Mostly little: whatever goes wrong does so between few workers, over few alerts.
	length, most := pick(w, 3, 10, 10, 20), 8
	w.starting = 2 + w.random.IntN(2)
	if w.one(4) {
		length, most = pick(w, 20, 60, 60, 120, 120, 300), 40
		w.starting = 2 + w.random.IntN(4)
	}
	w.deep = w.one(10)
	w.base = boundary.Add(pick(w, 0, 7*time.Minute, -time.Duration(length)*time.Second,
		-time.Duration(length/2)*time.Second))
	w.end = w.base.Add(time.Duration(length) * time.Second)
	w.big = pick(w, 1, 3, 3, 1000, 1000)
	w.part = int64(pick(w, maxPart, maxPart, maxPart, maxPart, maxPart, 10, 25, 25))
	w.faulty = pick(w, 0, 0, 50, 50, 12)
	w.mortal, w.sleepy = w.one(2), w.one(2)
	w.passing = w.sleepy
	w.paged = pick(w, 3, 1000, 1000, 1000, 1000)
	w.feed = pick(w, 0, 1, 10)
	isolated := pick(w, 0, 0, 3)
	crowded := w.random.IntN(length)
	for range w.random.IntN(1 + w.random.IntN(most+1)) {
		a := modelAlert{second: w.base.Unix() + int64(pick(w, crowded, w.random.IntN(length)))}
		if w.one(3) {
			a.visible = pick(w, w.random.IntN(150), allVisible)
		}
		if w.one(isolated) {
			a.reason = "unfit"
		}
		w.alerts = append(w.alerts, a)
	}
	w.counts = make([]int, len(w.alerts))
	if !w.deep {
		w.premark()
	}
	return w
}

// knowledge is what worlds that are played one after the other have in common, so that it is
// not found out again: the split marks above minutes, which would have to be made in any
// case, of a span, and what entries without alerts say.
type knowledge struct {
	marked map[[2]time.Time]marked
	parsed map[[2]string]Entry // by name and metadata
}

type marked struct {
	objects    map[string]*object
	entries    map[cell.Cell]Entry
	generation int64
}

func newKnowledge() *knowledge {
	return &knowledge{map[[2]time.Time]marked{}, map[[2]string]Entry{}}
}

// premark makes the split marks above minutes, which all workers know.
func (w *world) premark() {
	span := [2]time.Time{w.base, w.end}
	m, ok := w.marked[span]
	if !ok {
		l := open(w, folders, testOwner, "")
		for _, c := range []cell.Cell{cell.At(cell.Minutes, w.base), cell.At(cell.Minutes, w.end.Add(-1))} {
			for _, c := range append(c.Ancestors(), c) {
				if l.MarkSplit(context.Background(), c) != nil {
					panic("a mark cannot be made")
				}
			}
		}
		m = marked{w.objects, l.entries, w.generation}
		w.marked[span] = m
	}
	w.objects, w.generation, w.premarked = maps.Clone(m.objects), m.generation, m.entries
}

// play lets workers start, and go on in any order, until none is left that is awake.
func (w *world) play(steps int) {
	for ; steps > 0 && w.problem == nil && (w.starting > 0 || len(w.procs) > 0); steps-- {
		w.step++
		if w.starting > 0 && (len(w.procs) == 0 || w.one(10)) {
			w.starting--
			w.begin(pick(w, w.deliver, w.deliver, w.deliver, w.repair, w.repair, w.split, w.recover), false)
		}
		w.resume(w.random.IntN(len(w.procs)))
		w.happen()
	}
}

// happen is what happens between the requests.
func (w *world) happen() {
	if w.one(w.feed) {
		w.consume(false)
	}
	if len(w.overdue) > 0 && w.one(8) {
		w.carryOut()
	}
	if len(w.procs) == 0 {
		return
	}
	k := w.procs[w.random.IntN(len(w.procs))].worker
	switch {
	case k.sure:
	case w.mortal && w.one(60):
		w.kill(k)
		if w.one(2) {
			w.starting++
		}
	case w.sleepy && w.one(60):
		w.tell("worker %d sleeps", k.number)
		w.asleep = append(w.asleep, w.take(k))
	case w.passing && w.one(150):
		w.pass(time.Duration(w.random.IntN(20)) * time.Minute)
	}
}

// rouse wakes one of n sleepers.
func (w *world) rouse(n int) {
	for _, procs := range w.asleep {
		if w.one(n) {
			w.tell("worker %d wakes", procs[0].number)
			w.procs = append(w.procs, procs...)
			clear(procs)
		}
	}
	w.asleep = slices.DeleteFunc(w.asleep, func(procs []*proc) bool { return procs[0] == nil })
}

// conclude has everything completed while some sleep, wakes them, and looks at the end.
func (w *world) conclude() {
	w.passing = false // what is to complete everything must not grow old
	w.rouse(3)
	if !w.sleepy || w.one(2) {
		w.begin(w.deliver, true)
		w.play(math.MaxInt)
	}
	if w.sleepy {
		w.consume(true)
		w.pass(pick(w, 0, 20*time.Minute, 2*time.Hour, 49*time.Hour))
		w.begin(pick(w, w.deliver, w.recover), true)
		w.play(math.MaxInt)
	}
	w.rouse(1)
	w.begin(w.deliver, true)
	w.play(math.MaxInt)
	w.recoverAll()
	for n, a := range w.alerts {
		if a.visible == 0 && w.counts[n] != 1 {
			w.fail("alert %d, visible from the beginning, was delivered %d times", n, w.counts[n])
		}
	}
	for range w.random.IntN(3) {
		w.begin(w.repair, false)
	}
	w.play(w.random.IntN(30))
	w.step += allVisible // while they are at it
	w.begin(w.repair, true)
	w.play(math.MaxInt)
	w.pass(0)
	w.rouse(1)
	w.play(math.MaxInt)
	w.recoverAll()
	if w.problem == nil {
		w.judge()
	}
}

// recoverAll is one more run that recovers: what a worker stages and commits while another
// recovers, and dies, is found by the next.
func (w *world) recoverAll() {
	w.begin(w.recover, true)
	w.play(math.MaxInt)
}

// stop ends all that have not ended.
func (w *world) stop() {
	w.rouse(1)
	for len(w.procs) > 0 {
		w.kill(w.procs[0].worker)
	}
}

// judge holds what everything has come to against the alerts and the ledger.
func (w *world) judge() {
	for n := range w.alerts {
		if w.counts[n] != 1 {
			w.fail("alert %d was delivered %d times", n, w.counts[n])
		}
	}
	l := open(w, folders, testOwner, "")
	if err := w.load(l, w.base, w.end); err != nil {
		w.fail("%v", err)
	}
	placed := 0
	for _, e := range l.All() {
		keys, err := l.Keys(context.Background(), e)
		if err != nil {
			w.fail("%v", err)
		}
		var alerts []int
		for _, p := range append(slices.Clone(e.Objects), e.placed()[:len(e.placed())-len(e.Objects)]...) {
			placed++
			if w.objects[p.Staged] != nil {
				w.fail("%s, named by %v, is staged still", p.Staged, e.Cell)
			}
			o := w.visible[p.Name]
			if o == nil {
				w.fail("%s, named by %v, never came to its place", p.Name, e.Cell)
				return
			}
			numbers, _ := readLines(o.content)
			if int64(len(numbers)) != p.Lines || int64(len(o.content)) != p.Size {
				w.fail("%s has %d lines: %+v", p.Name, len(numbers), p)
			}
			alerts = append(alerts, numbers...)
		}
		for i, n := range alerts {
			if len(keys) != len(alerts) || keys[i] != keyOf(n) || !e.Cell.Contains(w.alerts[n].second) {
				w.fail("%v has keys %x for alerts %v", e.Cell, keys, alerts)
				return
			}
		}
	}
	for name := range w.objects {
		if strings.HasPrefix(name, folders.Staging) && w.faulty == 0 && !w.mortal && !w.sleepy {
			w.fail("%s was left, although nothing went wrong", name)
		}
	}
	if placed != len(w.visible) {
		w.fail("%d objects are named by entries, and %d came to their places", placed, len(w.visible))
	}
}

// begin has a worker begin.
func (w *world) begin(what func(*worker), sure bool) {
	k := w.newWorker(sure)
	w.spawn(k, func() {
		w.tell("begins")
		what(k)
	})
}

// prepare is how a run begins: not all runs read the ledger, and not all recover.
func (w *world) prepare(k *worker, from, to time.Time) bool {
	if k.err == nil && (k.sure || w.one(2)) {
		k.err = w.load(k.ledger, from, to)
	}
	if k.err == nil && (k.sure || w.one(2)) {
		_, k.err = k.ledger.Recover(context.Background())
	}
	return k.err == nil
}

// load is the ledger's Load. Mostly it does not read again what it has read before, which
// would be most of the test's work.
func (w *world) load(l *Ledger, from, to time.Time) error {
	if w.one(20) {
		return l.Load(context.Background(), from, to)
	}
	names := gcs.Names{Prefix: folders.Ledger, From: folders.EntriesFrom(from), To: folders.EntriesTo(to)}
	return w.List(context.Background(), names, func(o gcs.Object) error {
		e, ok := w.read[o.Generation]
		if !ok {
			id := [2]string{o.Name, o.Metadata[member]}
			if e, ok = w.parsed[id]; !ok {
				var err error
				if e, err = l.parse(o); err != nil {
					return err
				}
				if len(e.placed()) == 0 { // others' names are never used again
					w.parsed[id] = e
				}
			}
			e.generation, e.Created = o.Generation, o.Created
			w.read[o.Generation] = e
		}
		l.note(e)
		return nil
	})
}

// part of the world's span, or all of it.
func (w *world) span(k *worker) (from, to time.Time) {
	if k.sure || w.one(2) {
		return w.base, w.end
	}
	seconds := int(w.end.Sub(w.base) / time.Second)
	a, b := w.random.IntN(seconds), 1+w.random.IntN(seconds)
	if b <= a {
		a, b = b-1, a+1
	}
	// Mostly whole cells: else there are very many.
	grain := pick(w, 1, 10, 10, 10)
	a, b = a/grain*grain, (b+grain-1)/grain*grain
	return w.base.Add(time.Duration(a) * time.Second), w.base.Add(time.Duration(b) * time.Second)
}

// deliver is a live run, or a backfill.
func (w *world) deliver(k *worker) {
	from, to := w.span(k)
	if !w.prepare(k, from, to) {
		return
	}
	most := cell.Minutes + 1
	if w.deep {
		most = cell.Hour
	}
	for from.Before(to) {
		if e, ok := k.ledger.Delivered(from); ok && w.one(2) {
			from = e.To
			continue
		}
		if !k.sure && w.one(4) {
			most = pick(w, most, cell.Minutes+2)
		}
		c, ok := cell.Largest(from, to, most)
		for ok && k.ledger.Split(c) {
			c, ok = cell.Largest(from, to, c.Level()+1)
		}
		k.todo = append(k.todo, c)
		from = c.To()
	}
	w.random.Shuffle(len(k.todo), func(i, j int) { k.todo[i], k.todo[j] = k.todo[j], k.todo[i] })
	for range w.random.IntN(3) {
		w.spawn(k, func() { w.work(k) })
	}
	w.work(k)
}

// work delivers the cells that are left to the worker.
func (w *world) work(k *worker) {
	for k.err == nil && len(k.todo) > 0 {
		c := k.todo[len(k.todo)-1]
		k.todo = k.todo[:len(k.todo)-1]
		_, outcome, err := k.ledger.Deliver(context.Background(), c, w.fetch(nil))
		w.tell("%v: %d, %v", c, outcome, err)
		switch {
		case err != nil:
			k.err = err
		case outcome == Divided:
			k.todo = append(k.todo, c.Children()...)
		}
	}
}

// split marks cells, as a run does that had too little time for them.
func (w *world) split(k *worker) {
	if !w.prepare(k, w.base, w.end) {
		return
	}
	for range 1 + w.random.IntN(3) {
		at := w.base.Add(time.Duration(w.random.Int64N(int64(w.end.Sub(w.base)))))
		c := cell.At(cell.Minutes+cell.Level(w.random.IntN(3)), at)
		if k.err = k.ledger.MarkSplit(context.Background(), c); k.err != nil {
			return
		}
	}
}

func (w *world) recover(k *worker) { _, k.err = k.ledger.Recover(context.Background()) }

// repair is an audit that repairs.
func (w *world) repair(k *worker) {
	from, to := w.span(k)
	if k.err = w.load(k.ledger, from, to); k.err != nil || !w.prepare(k, from, to) {
		return
	}
	for _, e := range k.ledger.All() {
		if e.Late == 0 {
			k.todo = append(k.todo, e.Cell)
		}
	}
	slices.SortFunc(k.todo, func(a, b cell.Cell) int { return a.From().Compare(b.From()) })
	w.random.Shuffle(len(k.todo), func(i, j int) { k.todo[i], k.todo[j] = k.todo[j], k.todo[i] })
	again := func() {
		for k.err == nil && len(k.todo) > 0 {
			c := k.todo[len(k.todo)-1]
			k.todo = k.todo[:len(k.todo)-1]
			if err := w.repairCell(k, c); err != nil {
				k.err = fmt.Errorf("repair %v: %w", c, err)
			}
		}
	}
	if w.one(2) {
		w.spawn(k, again)
	}
	again()
}

func (w *world) repairCell(k *worker, c cell.Cell) error {
	known := map[alert.Key]bool{}
	learn := func(e Entry) error {
		keys, err := k.ledger.Keys(context.Background(), e)
		for _, key := range keys {
			known[key] = true
		}
		return err
	}
	own, _ := k.ledger.At(c)
	for _, e := range append(k.ledger.Late(c), own) {
		if err := learn(e); err != nil {
			return err
		}
	}
	for {
		e, err := k.ledger.Repair(context.Background(), c, w.fetch(known))
		w.tell("repaired %v: %d, %v", c, e.Late, err)
		if !errors.Is(err, ErrRepaired) {
			return err
		}
		if err := learn(e); err != nil {
			return err
		}
	}
}

// forgetful forgets, at once, that cells were marked split.
type forgetful struct{ *world }

func (s forgetful) Put(ctx context.Context, name string, generation int64, content []byte, kind string,
	metadata map[string]string) (gcs.Object, error) {
	if !isSplitMark(name, metadata) {
		return s.world.Put(ctx, name, generation, content, kind, metadata)
	}
	return request(s.world, "forget", name, func() (gcs.Object, error) { return gcs.Object{Name: name}, nil })
}

// overwriting does not mind that a name is taken.
type overwriting struct{ *world }

func (s overwriting) Put(_ context.Context, name string, _ int64, content []byte, _ string,
	metadata map[string]string) (gcs.Object, error) {
	return request(s.world, "overwrite", name, func() (gcs.Object, error) {
		delete(s.objects, name)
		return s.put(name, 0, content, metadata)
	})
}

// copying moves in two steps.
type copying struct{ *world }

func (s copying) Move(ctx context.Context, from string, generation int64, to string) error {
	_, err := request(s.world, "copy", to, func() (gcs.Object, error) {
		switch o := s.objects[from]; {
		case o == nil:
			return gcs.Object{}, gcs.ErrNotExist
		case s.objects[to] != nil || o.generation != generation:
			return gcs.Object{}, gcs.ErrChanged
		default:
			return s.put(to, 0, o.content, o.metadata)
		}
	})
	if err != nil {
		return err
	}
	return s.Delete(ctx, from, generation)
}

// sweeping deletes staged objects that no entry names, however young they are.
type sweeping struct{ *world }

func (s sweeping) Put(ctx context.Context, name string, generation int64, content []byte, kind string,
	metadata map[string]string) (gcs.Object, error) {
	if s.one(4) {
		named := map[string]bool{}
		for _, o := range s.objects {
			var e Entry
			if text, ok := o.metadata[member]; ok && json.Unmarshal([]byte(text), &e) == nil {
				for _, p := range e.placed() {
					named[p.Staged] = true
				}
			}
		}
		for name := range s.objects {
			if strings.HasPrefix(name, folders.Staging) && !named[name] {
				delete(s.objects, name)
			}
		}
	}
	return s.world.Put(ctx, name, generation, content, kind, metadata)
}

// The promise rests on four things. Without any of them the model finds out.
func TestModelFindsOut(t *testing.T) {
	for name, broken := range map[string]func(*world) Store{
		"split marks are forgotten":         func(w *world) Store { return forgetful{w} },
		"a name can be taken twice":         func(w *world) Store { return overwriting{w} },
		"a move is a copy and a deletion":   func(w *world) Store { return copying{w} },
		"what is staged is swept too early": func(w *world) Store { return sweeping{w} },
	} {
		t.Run(name, func(t *testing.T) {
			const most = 500
			know := newKnowledge()
			for n := range uint64(most) {
				if err := interleave(n+1, know, broken, nil); err != nil {
					t.Logf("interleaving %d: %v", n+1, err)
					return
				}
			}
			t.Errorf("nothing was found in %d interleavings", most)
		})
	}
}
