package collector

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"flag"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/api/option"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/cell"
	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/layout"
	"netskope-alerts.internal/collector/internal/netskope"
	"netskope-alerts.internal/collector/internal/settings"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
	"netskope-alerts.internal/collector/internal/standin/pipenet"
	"netskope-alerts.internal/collector/internal/state"
)

// seedFlag repeats a simulation: go test -run NAME -args -seed N.
var seedFlag = flag.Uint64("seed", 0, "seed of the simulations; 0 picks one")

// newSeed returns the seed of this simulation and prints it.
func newSeed(t *testing.T) uint64 {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("repeat with: go test -run '^%s$' -args -seed %d", t.Name(), seed)
	return seed
}

// rounds is how often a simulation is played: n times, or, where -short asks for it, half
// as often.
func rounds(n uint64) uint64 {
	if testing.Short() {
		return (n + 1) / 2
	}
	return n
}

// seeds is how many fixed seeds are played: n, or, where -short asks for it, an eighth: the race
// detector sees the same code in each.
func seeds(n uint64) uint64 {
	if testing.Short() {
		return (n + 7) / 8
	}
	return n
}

const testToken = "t0ken-5ecret"

// environment is a lookup over name=value pairs on top of a configuration that works.
func environment(pairs ...string) func(string) (string, bool) {
	values := map[string]string{
		"GCS_BUCKET":         "alerts-bucket",
		"NETSKOPE_TENANT":    "https://acme.goskope.com",
		"NETSKOPE_API_TOKEN": testToken,
	}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		values[name] = value
	}
	return func(name string) (string, bool) { value, ok := values[name]; return value, ok }
}

// dayStart is when the simulated days begin.
var dayStart = at("2026-11-23T00:00:00Z")

// shownAtOnce is n alerts between two times that count from dayStart, each visible when it is inserted.
func shownAtOnce(seed uint64, from, to time.Duration, n int) []netskopetest.Alert {
	return netskopetest.Profile{
		Seed: seed, From: dayStart.Add(from), To: dayStart.Add(to), N: n, VisibleWithin: -1,
	}.Alerts()
}

// world is a tenant, a Cloud Storage and a configuration, inside a synctest bubble:
// real clients, simulated time.
type world struct {
	t      *testing.T
	tenant *netskopetest.Server
	cloud  *gcstest.Server
	*Collector
	lines map[string]netskopetest.Alert // by the line that they must become

	undated bool // some say no insertion time

	began time.Time       // through of the first state that was saved
	seen  map[string]bool // the feed's objects that became visible
	taken map[string]int  // lines of objects that the feed has taken away
	gone  map[string]bool // objects that runs have named as neither staged nor in their places
	swept map[string]bool // objects that somebody took away before their move

	// feed, if not nil, says how long an object stays in its folder before the feed takes
	// it away.
	feed func() time.Duration

	mu          sync.Mutex
	tenantFault func(netskopetest.Request) netskopetest.Fault
	cloudFault  func(gcstest.Request) gcstest.Fault
}

// simulate runs test in a bubble whose clock stands at dayStart, with a tenant that
// has the alerts.
func simulate(t *testing.T, tenant *netskopetest.Server, alerts []netskopetest.Alert, test func(*world)) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(dayStart))
		w := &world{t: t, tenant: tenant, cloud: &gcstest.Server{}, seen: map[string]bool{}, taken: map[string]int{},
			gone: map[string]bool{}, swept: map[string]bool{}, lines: map[string]netskopetest.Alert{}}
		c, err := settings.ConfigFromEnv(environment())
		if err != nil {
			t.Fatal(err)
		}
		c.Tenant, c.PageSize = "http://tenant.test", 500
		w.Collector = &Collector{Config: c}

		w.populate(alerts)
		w.cloud.Fault = func(r gcstest.Request) (f gcstest.Fault) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.cloudFault != nil {
				f = w.cloudFault(r)
			}
			return f
		}
		w.cloud.Visible = w.inspect

		w.HTTP = &http.Client{Transport: serve(t, tenant)}
		client, err := gcs.NewClient(t.Context(), option.WithEndpoint("http://storage.test/storage/v1/"),
			option.WithoutAuthentication(), option.WithHTTPClient(&http.Client{Transport: serve(t, w.cloud)}))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { client.Close() })
		w.Bucket = gcs.Through(client, c.BucketName)
		test(w)
	})
}

// populate gives the tenant its records, and the faults that the world is set to.
func (w *world) populate(records []netskopetest.Alert) {
	w.tenant.Add(records...)
	for _, one := range records {
		w.lines[compacted(w.t, one)] = one
		if _, dated := ownTimeOf(one, alert.InsertionTime); !dated {
			w.undated = true
		}
	}
	w.tenant.Fault = func(r netskopetest.Request) (f netskopetest.Fault) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.tenantFault != nil {
			f = w.tenantFault(r)
		}
		return f
	}
}

// hourly sees to it that no cell is longer than an hour from the moment on to dayStart, however little there is.
func (w *world) hourly(from time.Time) {
	w.t.Helper()
	l := w.Ledger()
	for c := cell.At(cell.Top, from); c.From().Before(dayStart); c = cell.At(cell.Top, c.To()) {
		if err := l.MarkSplit(w.t.Context(), c); err != nil {
			w.t.Fatal(err)
		}
	}
}

// compacted is the line that an alert must become.
func compacted(t *testing.T, one netskopetest.Alert) string {
	var line bytes.Buffer
	if err := json.Compact(&line, one.JSON); err != nil {
		t.Fatal(err)
	}
	return line.String()
}

// serve puts a handler behind a transport, inside the bubble.
func serve(t *testing.T, handler http.Handler) http.RoundTripper {
	listener := &pipenet.Listener{}
	var answers sync.WaitGroup // time stands still once the test is over: wait for the slow ones
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answers.Add(1)
		defer answers.Done()
		handler.ServeHTTP(w, r)
	})}
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(listener) }()
	transport := netskope.NewTransport()
	transport.DialContext = listener.DialContext
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		<-served
		synctest.Wait() // so that no request that was given up begins to be answered from now on
		answers.Wait()
	})
	return transport
}

// faults replaces what goes wrong from now on; nil is nothing.
func (w *world) faults(
	tenant func(netskopetest.Request) netskopetest.Fault, cloud func(gcstest.Request) gcstest.Fault,
) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tenantFault, w.cloudFault = tenant, cloud
}

// run does one run, triggered now.
func (w *world) run() (Report, error) { return w.runAt(w.t.Context(), time.Now()) }

func (w *world) runAt(ctx context.Context, now time.Time) (Report, error) {
	r, err := w.Run(ctx, now, nil)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range r.Gone {
		w.gone[name] = true
	}
	return r, err
}

// mustRun does one run that must not fail.
func (w *world) mustRun() Report {
	w.t.Helper()
	r, err := w.run()
	if err != nil {
		w.t.Fatalf("run at %v: %v", time.Now().UTC(), err)
	}
	return r
}

// state is what the state object says; nil if there is none.
func (w *world) state() *Checkpoint {
	w.t.Helper()
	o, ok := w.cloud.Object(w.BucketName, w.StateKey)
	if !ok {
		return nil
	}
	s, err := state.Parse(o.Content, time.Now())
	if err != nil {
		w.t.Fatalf("state: %v\n%s", err, o.Content)
	}
	return &Checkpoint{State: s, Generation: o.Generation}
}

// putState puts a state in the place of the collector's, as somebody would by hand.
func (w *world) putState(s state.State) {
	w.t.Helper()
	content, err := s.Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	w.cloud.Put(w.BucketName, w.StateKey, content)
}

// objects are the feed's.
func (w *world) objects() []gcstest.Object {
	return slices.DeleteFunc(w.cloud.Objects(w.BucketName, w.Folders().Feed), func(o gcstest.Object) bool {
		return !strings.Contains(o.Name, ".ndjson") || strings.HasPrefix(o.Name, w.Folders().Staging)
	})
}

// inspect holds, whenever an object becomes visible, that it is new and complete: an
// object in the feed's folder has exactly the alerts of the window that it is named by, each
// once, but for those that other entries of the ledger deliver. It can say so only if every alert has a
// time of its own.
func (w *world) inspect(o gcstest.Object) {
	switch {
	case o.Name == w.StateKey, o.Name == layout.OriginalStateKey(w.Prefix):
		s, err := state.Parse(o.Content, time.Now())
		if err != nil {
			w.t.Errorf("state saved: %v\n%s", err, o.Content)
		}
		if w.began.IsZero() {
			w.began = s.Through
		}
		return
	case !strings.HasPrefix(o.Name, w.Folders().Feed):
		return
	}
	if w.seen[o.Name] {
		w.t.Errorf("%s was overwritten: a feed reads it a second time", o.Name)
	}
	w.seen[o.Name] = true
	if w.feed != nil {
		time.AfterFunc(w.feed(), func() { w.take(o.Name) })
	}
	from, to, late, ok := w.Folders().ParseAlerts(o.Name)
	if !ok {
		w.t.Errorf("object %s is not named by a span", o.Name)
		return
	}
	contains := func(second int64) bool { return from.Unix() <= second && second < to.Unix() }
	got := map[string]int{}
	for _, line := range w.content(o) {
		got[line]++
	}
	var elsewhere map[alert.ID]bool
	missing := 0
	for line, one := range w.lines {
		if _, ok := got[line]; !ok && !contains(one.Inserted.Unix()) && w.TimeField == alert.InsertionTime {
			continue // quickly: most are not of this cell
		}
		second, dated := ownTimeOf(one, w.TimeField)
		hidden := one.Visible.After(time.Unix(second, 0).Add(w.Lag)) // longer than the collector waits
		if dated && contains(second) && got[line] != 1 && !((late || hidden) && got[line] == 0) {
			if elsewhere == nil {
				elsewhere = w.decided(o.Name)
			}
			if got[line] > 1 || !elsewhere[alert.IDOf([]byte(one.ID))] {
				missing++
			}
		}
		if dated && !contains(second) && got[line] != 0 {
			w.t.Errorf("%s holds the alert %s of another cell", o.Name, one.ID)
		}
		delete(got, line)
	}
	if missing > 0 && !w.undated {
		w.t.Errorf("%s became visible although %d of its alerts are missing or repeated", o.Name, missing)
	}
	for line := range got {
		w.t.Errorf("%s holds a line that is no alert's: %.100s", o.Name, line)
	}
}

// decided are the alerts that entries of the ledger deliver, but for that of one object.
func (w *world) decided(except string) map[alert.ID]bool {
	keys := map[alert.ID]bool{}
	for _, o := range w.cloud.Objects(w.BucketName, w.Folders().Ledger) {
		if _, _, ok := w.Folders().ParseEntry(o.Name); !ok { // a note of a move
			continue
		}
		if strings.Contains(o.Metadata["netskope-ledger"], `"name":"`+except+`"`) {
			continue
		}
		for key := range slices.Chunk(o.Content, len(alert.Key{})) {
			keys[alert.Key(key).ID()] = true
		}
	}
	return keys
}

// take is the feed: it reads an object, and deletes it.
func (w *world) take(name string) {
	o, ok := w.cloud.Object(w.BucketName, name)
	if !ok {
		return
	}
	lines := w.content(o)
	w.cloud.Delete(w.BucketName, name)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, line := range lines {
		w.taken[line]++
	}
}

func ownTimeOf(one netskopetest.Alert, field alert.TimeField) (int64, bool) {
	if field == alert.EventTime {
		return one.Event.Unix(), true
	}
	// Of one that the tenant lists elsewhere than at the time that it prints, that says nothing.
	match := insertedMember.FindSubmatch(one.JSON)
	if match == nil {
		return one.Inserted.Unix(), false
	}
	second, ok := alert.EpochSeconds(match[1])
	return one.Inserted.Unix(), ok && second == one.Inserted.Unix()
}

var insertedMember = regexp.MustCompile(`"_insertion_epoch_timestamp" *: *("[^"]*"|-?[0-9.]+)`)

// content is the lines of an object.
func (w *world) content(o gcstest.Object) []string {
	w.t.Helper()
	content := o.Content
	if strings.HasSuffix(o.Name, ".gz") {
		r, err := gzip.NewReader(bytes.NewReader(content))
		if err != nil {
			w.t.Errorf("%s: %v", o.Name, err)
			return nil
		}
		if content, err = io.ReadAll(r); err != nil {
			w.t.Errorf("%s: %v", o.Name, err)
		}
	}
	if len(content) == 0 || content[len(content)-1] != '\n' {
		w.t.Errorf("%s does not end with a whole line", o.Name)
	}
	return strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
}

// checkDelivered holds the promise: every alert from where the first state began to the
// state's through is in the bucket exactly once, and no other is.
func (w *world) checkDelivered() {
	w.t.Helper()
	from := w.began
	s := w.state()
	if s == nil {
		w.t.Fatal("there is no state")
	}
	w.mu.Lock()
	delivered := maps.Clone(w.taken)
	w.mu.Unlock()
	for _, o := range w.objects() {
		for _, line := range w.content(o) {
			delivered[line]++
		}
	}
	named := w.namedGone()
	lost, repeated, due := 0, 0, 0
	for line, one := range w.lines {
		second := one.Inserted
		if w.TimeField == alert.EventTime {
			second = one.Event
		}
		want := 0
		if !second.Before(from) && second.Before(s.Through) {
			want = 1
			due++
		}
		n := delivered[line]
		_, dated := ownTimeOf(one, w.TimeField)
		onEdge := second.Sub(from).Abs() <= time.Second || want == 0 && second.Sub(s.Through).Abs() <= time.Second
		if !dated && n <= 1 && onEdge {
			continue // on an edge of what was asked for wide, where another may have it, or be going to
		}
		switch {
		case n < want && named[keyOf(one, line)]: // loudly
		case n < want:
			lost++
			w.t.Logf("%s, stored %v (%s), is lost", one.ID, one.Inserted, insertedMember.Find(one.JSON))
		case n > want:
			repeated++
			w.t.Logf("%s, stored %v, is delivered %d times, want %d", one.ID, one.Inserted, n, want)
		}
	}
	if lost > 0 || repeated > 0 {
		w.t.Errorf("of %d alerts before %v, %d are lost and %d repeated", due, s.Through, lost, repeated)
	}
	if due == 0 {
		w.t.Error("no alert was due: the test shows nothing")
	}
}

// at is a moment in RFC 3339.
func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}
