package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/page"
	"netskope-alerts.internal/collector/internal/stream"
	"netskope-alerts.internal/collector/internal/tally"
)

// quiet is a world in which nothing happens but what the test does.
func quiet() *world {
	w := &world{random: rand.New(rand.NewPCG(1, 1)), knowledge: newKnowledge(), made: time.Now(), paged: 1000,
		objects: map[string]*object{}, visible: map[string]*object{}, read: map[int64]Entry{}, counts: make([]int, 100)}
	w.store = w
	return w
}

func (w *world) ledger() *Ledger {
	l := open(w.store, folders, testOwner, ".ndjson")
	l.now = w.now
	return l
}

// alerts fetches the numbered alerts, those from 50 on as unfit for the feed.
func alerts(numbers ...int) Fetch {
	return func(_ context.Context, _ cell.Cell, keep Keep) (Fetched, error) {
		for _, n := range numbers {
			reason := ""
			if n >= 50 {
				reason = "unfit"
			}
			raw := page.Alert{Line: append(alertLine(n), '}'), Object: true}
			if err := keep(&raw, keyFor(n), reason); err != nil {
				return Fetched{}, err
			}
		}
		return Fetched{Newest: 7, Undated: 1}, nil
	}
}

// keyFor is as of an alert whose identity is identity.
func keyFor(n int) alert.Key {
	id := alert.IDOf(identity(n))
	return alert.Key(append(id[:], byte(n), 0, 0, 0))
}

func identity(n int) []byte { return fmt.Appendf(nil, "alert %d", n) }

var hour = cell.At(cell.Hour, boundary)

func (w *world) mustDeliver(t *testing.T, l *Ledger, c cell.Cell, numbers ...int) Entry {
	t.Helper()
	e, outcome, err := l.Deliver(t.Context(), c, alerts(numbers...))
	if err != nil || outcome != Created || w.problem != nil {
		t.Fatalf("%v: %d, %v, %v", c, outcome, err, w.problem)
	}
	return e
}

// TestParts: a cell of several objects is delivered whole, and every alert is found where it
// is.
func TestParts(t *testing.T) {
	w := quiet()
	l := w.ledger()
	l.part = 20 // two lines
	e := w.mustDeliver(t, l, hour, 1, 2, 3, 50, 4, 5, 51)
	if len(e.Objects) != 3 || e.Alerts != 5 || e.Quarantined != 2 || e.Bytes != 5*8 || e.Newest != 7 || e.Undated != 1 {
		t.Errorf("%+v", e)
	}
	late, err := l.Repair(t.Context(), hour, alerts(6, 7, 8))
	if err != nil || late.Late != 1 || len(late.Objects) != 2 {
		t.Errorf("%+v, %v", late, err)
	}
	w.consume(false) // some of them
	for _, number := range []int{1, 2, 3, 4, 5, 50, 51, 6, 7, 8} {
		found, err := w.ledger().Find(t.Context(), string(identity(number)), hour.From(), hour.To())
		if err != nil || len(found) != 1 {
			t.Fatalf("alert %d: %+v, %v", number, found, err)
		}
		f := found[0]
		o := w.visible[f.Object]
		if o == nil {
			t.Fatalf("alert %d is said to be in %s", number, f.Object)
		}
		lines := strings.Split(string(o.content), "\n")
		if f.Line < 1 || int(f.Line) > len(lines) || !strings.Contains(lines[f.Line-1], string(alertLine(number))) {
			t.Errorf("alert %d is said to be in line %d of %q", number, f.Line, lines)
		}
		if f.Quarantined != (number >= 50) || f.Late != (number > 5 && number < 50) ||
			f.Present != (w.objects[f.Object] != nil) || !f.From.Equal(hour.From()) || !f.To.Equal(hour.To()) {
			t.Errorf("alert %d: %+v", number, f)
		}
	}
	if found, err := w.ledger().Find(t.Context(), "another", hour.From(), hour.To()); err != nil || len(found) != 0 {
		t.Errorf("%+v, %v", found, err)
	}
	for number, n := range w.counts {
		if want := number >= 1 && number <= 8 || number == 50 || number == 51; (n == 1) != want {
			t.Errorf("alert %d came %d times", number, n)
		}
	}
	quarantined := w.visible[e.Quarantine.Name].content
	line, _, _ := strings.Cut(string(quarantined), "\n")
	const want = `{"reason":"unfit","span":{"from":"2026-11-23T05:55:00Z","to":"2026-11-23T06:55:00Z"},` +
		`"alert":{"n":50}}`
	if line != want {
		t.Errorf("got  %s\nwant %s", line, want)
	}
}

// TestRepairOfTheUnfit: what is missing may be nothing but alerts that the feed cannot take.
func TestRepairOfTheUnfit(t *testing.T) {
	w := quiet()
	l := w.ledger()
	w.mustDeliver(t, l, hour, 1)
	if e, err := l.Repair(t.Context(), hour, alerts(50)); err != nil || e.Late != 1 || e.Quarantined != 1 ||
		w.counts[50] != 1 {
		t.Errorf("%+v, %v", e, err)
	}
	if e, err := l.Repair(t.Context(), hour, alerts()); err != nil || e.Late != 0 || len(l.Late(hour)) != 1 {
		t.Errorf("a repair of nothing: %+v, %v", e, err)
	}
}

// TestRepairKnowsAllRepairs: two repairs come between two pages of a list, which shows the
// second alone. Whoever has listed so must not take the first's alerts for missing.
func TestRepairKnowsAllRepairs(t *testing.T) {
	w := quiet()
	w.mustDeliver(t, w.ledger(), hour, 1)
	l, other := w.ledger(), w.ledger()
	if err := l.Load(t.Context(), hour.From(), hour.To()); err != nil {
		t.Fatal(err)
	}
	for n := range 2 {
		e, err := other.Repair(t.Context(), hour, alerts(2+n))
		if err != nil {
			t.Fatal(err)
		}
		if e.Late == 2 {
			l.note(e)
		}
	}
	e, err := l.Repair(t.Context(), hour, alerts(2)) // which it does not know
	if !errors.Is(err, ErrRepaired) || e.Late != 1 {
		t.Fatalf("%+v, %v", e, err)
	}
	if e, err = l.Repair(t.Context(), hour, alerts(4)); err != nil || e.Late != 3 {
		t.Errorf("%+v, %v", e, err)
	}
	if w.counts[2] != 1 || w.counts[4] != 1 {
		t.Errorf("came: %v", w.counts[:5])
	}
}

// TestBarred: what was staged for an entry that was never made is swept only once nobody can
// make the entry any more; a second cannot be barred, and waits until it is delivered.
func TestBarred(t *testing.T) {
	w := quiet()
	second := cell.At(cell.Last, boundary.Add(-time.Hour))
	w.mustDeliver(t, w.ledger(), hour, 1)
	staged := func(c cell.Cell, late int) string {
		name := folders.Staged(c, late, "U", "part1")
		if _, err := w.put(name, 0, []byte("x"), nil); err != nil {
			t.Fatal(err)
		}
		return name
	}
	next := cell.At(cell.Hour, hour.To())
	names := []string{staged(hour, 0), staged(hour, 1), staged(next, 0), staged(second, 0), folders.Staging + "foreign"}
	if _, err := w.put(names[4], 0, nil, nil); err != nil {
		t.Fatal(err)
	}
	left := func() (n int) {
		for _, name := range names {
			if w.objects[name] != nil {
				n++
			}
		}
		return n
	}
	w.pass(23 * time.Hour)
	if moved, err := w.ledger().Recover(t.Context()); moved != 0 || err != nil || left() != 5 {
		t.Errorf("%d moved, %v, %d left", moved, err, left())
	}
	w.pass(2 * time.Hour)
	l := w.ledger()
	if moved, err := l.Recover(t.Context()); moved != 0 || err != nil || left() != 2 || w.objects[names[3]] == nil {
		t.Errorf("%d moved, %v, %d left", moved, err, left())
	}
	if !l.Split(next) || len(l.Late(hour)) != 1 {
		t.Errorf("the names are free: %v, %v", l.Split(next), l.Late(hour))
	}
	if e, err := w.ledger().Repair(t.Context(), hour, alerts(2)); !errors.Is(err, ErrRepaired) || len(e.Objects) != 0 {
		t.Errorf("%+v, %v", e, err)
	}
	w.mustDeliver(t, w.ledger(), second, 3)
	if _, err := w.ledger().Recover(t.Context()); err != nil || left() != 1 {
		t.Errorf("%v, %d left", err, left())
	}
}

// TestForeignObjectAtThePlace: an object of that name that the ledger does not know is not
// overwritten, and the error says what to do.
func TestForeignObjectAtThePlace(t *testing.T) {
	w := quiet()
	name := folders.Alerts(hour, 0, 1, ".ndjson")
	w.objects[name] = &object{name: name, generation: 1000, content: []byte("precious")}
	_, outcome, err := w.ledger().Deliver(t.Context(), hour, alerts(1))
	if outcome != Created || !errors.Is(err, gcs.ErrChanged) || !strings.Contains(err.Error(), "move it out") {
		t.Errorf("%d, %v", outcome, err)
	}
	if o := w.objects[name]; string(o.content) != "precious" {
		t.Errorf("it was overwritten: %q", o.content)
	}
	delete(w.objects, name)
	_, outcome, err = w.ledger().Deliver(t.Context(), hour, alerts(1, 2))
	if outcome != Existing && outcome != Covered || err != nil || w.counts[1] != 1 || w.counts[2] != 0 {
		t.Errorf("%d, %v, %v", outcome, err, w.counts[:3])
	}
}

// TestAsleep: a worker that began with a cell more than an hour ago commits nothing of it.
func TestAsleep(t *testing.T) {
	w := quiet()
	l := w.ledger()
	w.mustDeliver(t, l, hour, 1)
	n := len(w.objects)
	next := cell.At(cell.Hour, hour.To())
	asleep := func(ctx context.Context, c cell.Cell, keep Keep) (Fetched, error) {
		seen, err := alerts(2)(ctx, c, keep)
		l.now = func() time.Time { return time.Now().Add(maxAge + time.Second) }
		return seen, err
	}
	l.now = time.Now
	if _, _, err := l.Deliver(t.Context(), next, asleep); !errors.Is(err, errAsleep) {
		t.Error(err)
	}
	l.now = time.Now
	if _, err := l.Repair(t.Context(), hour, asleep); !errors.Is(err, errAsleep) {
		t.Error(err)
	}
	if len(w.objects) > n {
		t.Errorf("%d objects came", len(w.objects)-n)
	}
}

// TestEntryFitsIntoMetadata: whatever the tenant's types are called, and however long the
// names are, the entry of a cell can be written.
func TestEntryFitsIntoMetadata(t *testing.T) {
	var c tally.Counter
	random := rand.New(rand.NewPCG(1, 1))
	for hour := range int64(7) {
		for range 100 {
			name := make([]byte, random.IntN(80))
			for i := range name {
				name[i] = byte(random.IntN(256))
			}
			quoted, _ := json.Marshal(string(name))
			c.Add(&page.Alert{Type: quoted}, hour*3600)
		}
	}
	for i := range 400 {
		c.Late(int64(1) << (i % 40) * int64(i))
	}
	long := Placed{Name: strings.Repeat("n", 1000), Staged: strings.Repeat("s", 1000), Lines: 1}
	e := Entry{Cell: hour, From: hour.From(), To: hour.To(), Objects: []Placed{long, long}, Quarantine: &long,
		Alerts:      2,
		Quarantined: 1, Tally: c.Tally()}
	metadata, err := e.metadata()
	if err != nil || len(metadata[member]) > maxMetadata {
		t.Fatalf("%d bytes, %v", len(metadata[member]), err)
	}
	var back Entry
	if err := json.Unmarshal([]byte(metadata[member]), &back); err != nil ||
		!reflect.DeepEqual(back.Objects, e.Objects) {
		t.Errorf("%v", err)
	}
	e.Objects = slices.Repeat(e.Objects, 3)
	if _, err := e.metadata(); err == nil || !strings.Contains(err.Error(), "GCS_PREFIX") {
		t.Errorf("names that are too long: %v", err)
	}
}

// TestLedgerIsRefusedWhenDamaged: nobody takes for delivered, nor for missing, what cannot be
// read.
func TestLedgerIsRefusedWhenDamaged(t *testing.T) {
	edit := func(from, to string) func(*object) {
		return func(o *object) {
			o.metadata = map[string]string{member: strings.Replace(o.metadata[member], from, to, 1)}
		}
	}
	for name, damage := range map[string]func(*object){
		"no metadata":        func(o *object) { o.metadata = nil },
		"no JSON":            edit("{", ""),
		"keys cut":           func(o *object) { o.content = o.content[:16] },
		"a key too many":     func(o *object) { o.content = append(o.content, make([]byte, 16)...) },
		"a part of a key":    func(o *object) { o.content = o.content[:17] },
		"another cell":       edit("05:55:00", "04:55:00"),
		"another end":        edit(`"to":"2026-11-23T06:55:00Z"`, `"to":"2026-11-23T05:56:00Z"`),
		"fewer lines":        edit(`"lines":2`, `"lines":1`),
		"negative lines":     edit(`"lines":2`, `"lines":-2`),
		"other sum":          edit(`"alerts":2`, `"alerts":3`),
		"split and full":     edit(`"alerts":2`, `"split":true,"alerts":2`),
		"quarantine is lost": edit(`"quarantined":1`, `"quarantined":2`),
	} {
		w := quiet()
		w.mustDeliver(t, w.ledger(), hour, 1, 2, 50)
		o := w.objects[folders.Entry(hour, 0)]
		damage(o)
		l := w.ledger()
		if err := l.Load(t.Context(), hour.From(), hour.To()); err == nil || !strings.Contains(err.Error(), o.name) {
			t.Errorf("%s: %v", name, err)
		}
		// Not even by a worker that has not listed it.
		if e, _, err := w.ledger().Deliver(t.Context(), hour, alerts(1, 2, 3)); err == nil || w.counts[3] != 0 {
			t.Errorf("%s: delivered %+v", name, e)
		}
	}
	w := quiet()
	if _, err := w.put(folders.Ledger+"2026/11/23/20261123T060000Z_notes.txt", 0, nil, nil); err == nil &&
		w.problem == nil {
		t.Error("the model takes any name for an entry")
	}
	l := w.ledger()
	if err := l.Load(t.Context(), hour.From(), hour.To()); err != nil || len(l.Strange()) != 1 ||
		!strings.HasSuffix(l.Strange()[0], "_notes.txt") {
		t.Errorf("a stranger is named and passed over: %v, %v", l.Strange(), err)
	}
}

// TestForeignLedger: what was delivered of another tenant or stream, or by another time, says
// nothing.
func TestForeignLedger(t *testing.T) {
	w := quiet()
	w.mustDeliver(t, w.ledger(), hour, 1)
	other, event, pages := testOwner, testOwner, testOwner
	other.Tenant, event.TimeField, pages.Stream = "https://other.test", alert.EventTime, stream.Page
	for owner, says := range map[Owner]string{other: testOwner.Tenant, event: testOwner.Tenant,
		pages: "is of the stream alert, but this run collects page"} {
		l := open(w, folders, owner, ".ndjson")
		_, _, err := l.Deliver(t.Context(), hour, alerts(1))
		for _, err := range []error{err, l.Load(t.Context(), hour.From(), hour.To())} {
			if !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), says) {
				t.Errorf("%+v: %v", owner, err)
			}
		}
	}
	later := testOwner
	later.Collector = "a later version"
	l := open(w, folders, later, ".ndjson")
	if err := l.Load(t.Context(), hour.From(), hour.To()); err != nil {
		t.Errorf("another version: %v", err)
	}
}

// TestSight: Delivered, Holes, Start and Newest tell the same of a ledger.
func TestSight(t *testing.T) {
	w := quiet()
	l := w.ledger()
	if start, err := l.Start(t.Context()); err != nil || !start.IsZero() {
		t.Errorf("the start of nothing: %v, %v", start, err)
	}
	if p, _, ok, err := l.Newest(t.Context()); err != nil || ok {
		t.Errorf("the newest of nothing: %v, %v", p, err)
	}
	began := hour.From()
	five := hour.Children()[0].Children()
	l.Reach(Position{Began: began, Through: began})
	w.mustDeliver(t, l, five[0], 1)
	l.Reach(Position{Began: began, Through: five[0].To()})
	w.mustDeliver(t, l, five[2], 2)
	early := cell.At(cell.Minutes, began.Add(-20*time.Hour))
	w.mustDeliver(t, w.ledger(), early, 3) // a backfill

	l = w.ledger()
	if start, err := l.Start(t.Context()); err != nil || !start.Equal(early.From()) {
		t.Errorf("it starts %v, %v", start, err)
	}
	p, newest, ok, err := l.Newest(t.Context())
	if err != nil || !ok || newest != 7 || !p.Began.Equal(began) || !p.Through.Equal(five[0].To()) {
		t.Errorf("newest: %+v, %d, %v, %v", p, newest, ok, err)
	}
	if err := l.Load(t.Context(), began, hour.To()); err != nil {
		t.Fatal(err)
	}
	if e, ok := l.Delivered(five[0].To().Add(-1)); !ok || e.Cell != five[0] {
		t.Errorf("%+v, %v", e, ok)
	}
	if e, ok := l.Delivered(five[1].From()); ok {
		t.Errorf("%+v is not delivered", e)
	}
	want := []Span{{five[1].From(), five[1].To()}, {five[2].To(), hour.To()}}
	if got := l.Holes(began, hour.To()); !slices.Equal(got, want) {
		t.Errorf("holes %v, want %v", got, want)
	}
	want = []Span{{five[1].From().Add(time.Second), five[1].To()}}
	if got := l.Holes(five[1].From().Add(time.Second), five[2].To()); !slices.Equal(got, want) {
		t.Errorf("holes %v, want %v", got, want)
	}
	if got := len(l.All()); got != 2 {
		t.Errorf("%d deliveries", got)
	}
}

// FuzzParse holds that no metadata makes an entry that contradicts its object.
func FuzzParse(f *testing.F) {
	placed := Placed{Name: "a", Staged: "b", Generation: 1, Lines: 2}
	for _, e := range []Entry{{}, {Alerts: 2, Objects: []Placed{placed}}, {Split: true},
		{Alerts: 2, Objects: []Placed{placed}, Quarantined: 2, Quarantine: &placed}} {
		e.From, e.To, e.Tenant, e.TimeField = hour.From(), hour.To(), testOwner.Tenant, testOwner.TimeField
		text, err := json.Marshal(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), 16*(e.Alerts+e.Quarantined), 0)
	}
	f.Add("{", int64(0), 0)
	const begin = `{"from":"2026-11-23T05:55:00Z","to":"2026-11-23T06:55:00Z",` +
		`"tenant":"https://t.test","time_field":"insertion",`
	f.Add(begin+`"alerts":-1,"quarantined":2,"quarantine":{"name":"a"}}`, int64(16), 1)
	f.Add(begin+`"alerts":1152921504606846976,"objects":[{"name":"a","lines":1152921504606846976}]}`, int64(0), 0)
	f.Add(begin+`"split":true,"objects":[{"name":"a"}]}`, int64(0), 0)
	l := quiet().ledger()
	f.Fuzz(func(t *testing.T, text string, size int64, late int) {
		if late < 0 || late > 10_000 {
			return
		}
		e, err := l.parse(gcs.Object{Name: folders.Entry(hour, late), Size: size,
			Metadata: map[string]string{member: text}})
		if err != nil {
			return
		}
		lines := int64(0)
		for _, p := range e.Objects {
			lines += p.Lines
		}
		if e.Cell != hour || e.Late != late || !e.From.Equal(hour.From()) || !e.To.Equal(hour.To()) || e.Alerts < 0 ||
			e.Alerts != lines || e.Quarantined < 0 || size != 16*(e.Alerts+e.Quarantined) ||
			e.Quarantined > 0 && e.Quarantine == nil || e.Split && (size > 0 || late > 0 || len(e.placed()) > 0) {
			t.Errorf("%q with %d bytes is %+v", text, size, e)
		}
		for n := range min(100, e.Alerts+e.Quarantined) {
			_, line, quarantined := e.place(e.Alerts + e.Quarantined - 1 - n)
			if line < 1 || quarantined != (n < e.Quarantined) {
				t.Errorf("%q: alert %d from the end is in line %d", text, n, line)
			}
		}
	})
}

// FuzzParseMove holds that no bytes note a move to where nothing can begin.
func FuzzParseMove(f *testing.F) {
	for _, seed := range []string{`{"began":"2026-11-23T10:00:00Z","moved":"2026-11-23T12:00:00.123Z"}`, `{}`, `null`, `[]`, `{"began":`,
		`{"began":"2026-11-23T10:00:00.5+02:00","moved":"2026-11-23T12:00:00Z"}`,
		`{"began":"2026-11-23T10:00:00Z","moved":"2026-11-23T12:00:00Z","through":"2030-01-01T00:00:00Z"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		p, err := parseMove(content)
		if err != nil {
			return
		}
		if p.Moved.IsZero() || p.Began.Unix() < 0 || p.Began.Nanosecond() != 0 || p.Began.Location() != time.UTC ||
			!p.Through.Equal(p.Began) {
			t.Errorf("%q is %+v", content, p)
		}
	})
}
