package console

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/api/option"

	"netskope-alerts.internal/collector"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/browsertest"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/collectortest"
	"netskope-alerts.internal/collector/internal/audit"
	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/settings"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// ask asks the console, as a browser would.
func (w *world) ask(t *testing.T, path string) (code int, page string) {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), "GET", path, nil)
	request.Host = strings.Trim(strings.TrimPrefix(w.address, "http:"), "/")
	answer := httptest.NewRecorder()
	w.site.ServeHTTP(answer, request)
	page, _, _ = strings.Cut(answer.Body.String(), "<footer>")
	_, page, _ = strings.Cut(page, "</style>")
	return answer.Code, browsertest.Plain(page)
}

func (w *world) wants(t *testing.T, path string, code int, texts ...string) {
	t.Helper()
	got, page := w.ask(t, path)
	if got != code {
		t.Errorf("%s: answered %d, want %d", path, got, code)
	}
	for _, want := range texts {
		if !strings.Contains(page, want) {
			t.Errorf("%s: %q is not on the page:\n%s", path, want, page)
		}
	}
}

// TestWhoMayAsk: nobody but whoever sits at this machine, and nothing but reading.
func TestWhoMayAsk(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		method, path, host string
		header             http.Header
		want               int
	}{
		{"GET", "/", "127.0.0.1:1234", nil, 200},
		{"HEAD", "/", "127.0.0.1:1234", nil, 200},
		{"GET", "/", "localhost:8080", nil, 200}, // a tunnel's port
		{"GET", "/", "LOCALHOST", nil, 200},
		{"GET", "/", "[::1]:1234", nil, 200},
		{"GET", "/", "127.8.8.8", nil, 200},
		{"GET", "/", "evil.example:1234", nil, 421},
		{"GET", "/", "127.0.0.1.evil.example", nil, 421},
		{"GET", "/", "localhost.evil.example:80", nil, 421},
		{"GET", "/alert?id=a", "0.0.0.0:1234", nil, 421},
		{"GET", "/", "", nil, 421},
		{"GET", "/", "192.0.2.1:1234", nil, 421},
		{"POST", "/", "127.0.0.1:1234", nil, 405},
		{"PUT", "/alert?id=a", "127.0.0.1:1234", nil, 405},
		{"DELETE", "/", "127.0.0.1:1234", nil, 405},
		{"OPTIONS", "/", "127.0.0.1:1234", nil, 405},
		{"GET", "/", "127.0.0.1:1234", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"no-cors"}}, 403},
		{"GET", "/", "127.0.0.1:1234", http.Header{"Sec-Fetch-Site": {"same-site"}, "Sec-Fetch-Mode": {"cors"}}, 403},
		{"GET", "/", "127.0.0.1:1234", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}}, 200},
		{"GET", "/", "127.0.0.1:1234", http.Header{"Sec-Fetch-Site": {"none"}, "Sec-Fetch-Mode": {"navigate"}}, 200},
		{"GET", "/nothing", "127.0.0.1:1234", nil, 404},
		{"GET", "/../etc/passwd", "127.0.0.1:1234", nil, 404},
		{"GET", "/favicon.ico", "127.0.0.1:1234", nil, 204},
		{"GET", "/alert", "127.0.0.1:1234", nil, 303},
	} {
		request := httptest.NewRequestWithContext(t.Context(), c.method, c.path, nil)
		request.Host = c.host
		for name, values := range c.header {
			request.Header[name] = values
		}
		answer := httptest.NewRecorder()
		w.site.ServeHTTP(answer, request)
		h := answer.Header()
		if answer.Code != c.want || h.Get("Cache-Control") != "no-store" || h.Get("X-Frame-Options") != "DENY" ||
			h.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(h.Get("Content-Security-Policy"),
			"default-src 'none'; ") || !strings.HasSuffix(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%s %s of %q: answered %d, want %d, with %v", c.method, c.path, c.host, answer.Code, c.want, h)
		}
		if answer.Code > 400 && strings.Contains(answer.Body.String(), "gs://") {
			t.Errorf("%s %s of %q is told %s", c.method, c.path, c.host, answer.Body)
		}
	}
}

func TestListensOnLoopbackOnly(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "example.com:80", "127.0.0.1", "", "8080",
		"127.0.0.1.example.com:0", "127.0.0.1:port"} {
		listener, err := listen(address)
		if err == nil {
			listener.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "--listen "+address) {
			t.Errorf("%q: %v", address, err)
		}
	}
	for _, address := range []string{"127.0.0.1:0", "localhost:0"} {
		listener, err := listen(address)
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		if ip := listener.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() {
			t.Errorf("%s listens on %v", address, ip)
		}
		if _, err := listen(listener.Addr().String()); err == nil || !strings.Contains(err.Error(), "port 0") {
			t.Errorf("a taken port: %v", err)
		}
	}
}

// TestReadsOnly: nothing in the bucket changes, whatever is asked, and a crowd costs no more
// than one.
func TestReadsOnly(t *testing.T) {
	w := newWorld(t, usual(idOf(1)))
	w.audited(t, audit.Options{})
	wrote, listed := w.wrote.Load(), w.listed.Load()
	for range 10 {
		w.wants(t, "/", 200, "Alerts per hour")
	}
	once := w.listed.Load() - listed
	w.now = w.now.Add(fresh)
	w.wants(t, "/", 200, "Alerts per hour")
	if twice := w.listed.Load() - listed; once == 0 || twice != 2*once {
		t.Errorf("ten windows list the bucket %d times, and %d later once more", once, twice-once)
	}
	w.wants(t, "/alert?id="+idOf(1), 200, "Delivered once")
	w.wants(t, "/alert?id=nobody&since=1d", 200, "Not in the ledger")
	if n := w.wrote.Load() - wrote; n != 0 {
		t.Errorf("the console wrote %d times", n)
	}
}

// TestNothingYet: of an empty bucket, too, there is a page that says what to do.
func TestNothingYet(t *testing.T) {
	w := &world{now: time.Now(), cloud: &gcstest.Server{}}
	w.collector = collectortest.Open(t, &netskopetest.Server{}, w.cloud)
	w.serve(t)
	w.wants(t, "/", 200, "No state yet", "./deploy.sh status", "nothing to plot", "The function has not audited yet",
		"gcloud pubsub topics publish")
	w.wants(t, "/alert?id=a", 200, "the ledger, which is empty")
}

func TestLastAudit(t *testing.T) {
	w := newWorld(t)
	w.audited(t, audit.Options{})
	w.wants(t, "/", 200, `<span class="verdict pass">pass</span> Last audit: Every alert of the span is delivered once.`)

	w.site.last = reading{}
	from := w.now.Add(-24 * time.Hour)
	s := audit.Summary{From: from, To: w.now, At: from.Add(5 * time.Hour), Cells: 30, Gaps: 21, Missing: 4, Repaired: 1,
		Duplicated: 2, Pending: 1, Damaged: 1, Foreign: []audit.ForeignObject{{Name: "netskope/alerts/it's.ndjson",
			Alerts: 2, Duplicated: 2}}}
	for i := range 20 {
		at := from.Add(time.Duration(i) * 5 * time.Minute)
		s.FirstGaps = append(s.FirstGaps, audit.Result{From: at, To: at.Add(5 * time.Minute), Missing: 1, Uncovered: i == 0,
			Duplicated: int64(i % 2)})
	}
	w.keepAudit(t, s)
	repair := "netskope-alerts verify --since 2026-11-22T11:27:12Z --until 2026-11-22T16:27:12Z --repair"
	w.wants(t, "/", 200, `<span class="verdict gap">gap</span> Last audit: 21 cells are not as they should be.`,
		"has come to 2026-11-22 16:27:12 UTC", "3 alerts are missing.", repair, "1 object waits to be moved",
		"2 deliveries of an alert beyond its first",
		"gcloud storage mv &#39;gs://alerts/netskope/alerts/it&#39;\\&#39;&#39;s.ndjson&#39; &#39;gs://alerts/aside/&#39;",
		"1 object is not what was delivered", "never collected", "missing, duplicated", "And 1 further cell.")

	w.site.last = reading{}
	w.cloud.Put("alerts", w.collector.Folders().Audit, []byte("{torn"))
	w.wants(t, "/", 503, "read progress of the audit", "delete it")
}

// TestAlertThatCannotBeOpened: what is known of it is shown, and why there is no more.
func TestAlertThatCannotBeOpened(t *testing.T) {
	long := alertAt(dayAgo(2), idOf(3), map[string]any{"note": strings.Repeat("x", 4_000_000)})
	w := newWorld(t, usual(idOf(1)), usual(idOf(2)), long)
	found, err := w.collector.Ledger().Find(t.Context(), idOf(1), dayAgo(24), w.now)
	if err != nil || len(found) != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	w.wants(t, "/alert?id="+idOf(3), 200, "In quarantine", "kept out of the feed&#39;s folder: longer than",
		"its beginning", `&#34;_id&#34;:`)
	object, _ := w.cloud.Object("alerts", found[0].Object)
	w.cloud.Put("alerts", found[0].Object, []byte("{}\n"))
	w.wants(t, "/alert?id="+idOf(1), 503, "fewer lines than the ledger says")
	w.cloud.Put("alerts", found[0].Object, []byte(strings.Repeat("no alert\n", int(found[0].Line))))
	w.wants(t, "/alert?id="+idOf(1), 200, "No event can be made of it", "netskope-alerts lint", "no alert")
	w.cloud.Put("alerts", found[0].Object, object.Content)
	w.wants(t, "/alert?id="+idOf(1), 200, "UDM event")
	w.cloud.Delete("alerts", found[0].Object)
	w.wants(t, "/alert?id="+idOf(2), 200, "It is no longer there.", `metadata.product_log_id = &#34;`+idOf(2)+`&#34;`)
}

// TestTrouble: what keeps the bucket from being read is said, with its remedy, and what was
// known before is still shown.
func TestTrouble(t *testing.T) {
	w := newWorld(t, usual(idOf(1)))
	for _, c := range []struct {
		fault gcstest.Fault
		wants []string
	}{
		{gcstest.Fault{Status: 403}, []string{"may not be read", "roles/storage.objectViewer", "&#39;gs://alerts&#39;"}},
		{gcstest.Fault{Status: 401}, []string{"does not know who is asking", "gcloud auth application-default login"}},
		{gcstest.Fault{Status: 404}, []string{"There is no bucket alerts", "gcloud storage buckets list"}},
		{gcstest.Fault{Status: 503}, []string{"does not answer in time", "not read within", "503"}},
		{gcstest.Fault{Delay: time.Minute}, []string{"does not answer in time", "https://status.cloud.google.com"}},
	} {
		w.site.last, w.site.patience = reading{}, overviewTime
		w.wants(t, "/", 200, "Alerts per hour")
		w.now = w.now.Add(fresh)
		w.site.patience = 300 * time.Millisecond
		w.fault.Store(&c.fault)
		w.wants(t, "/", 503, append(c.wants, `<span class="verdict fail">fail</span>`, "What follows is how it was at",
			"Alerts per hour")...)
		w.site.last = reading{}
		w.wants(t, "/", 503, c.wants...)
		if _, page := w.ask(t, "/"); strings.Contains(page, "Alerts per hour") {
			t.Error("what was never read is shown")
		}
		if c.fault.Status/100 == 4 {
			w.wants(t, "/alert?id="+idOf(1), 503, c.wants...)
		}
		w.fault.Store(nil)
	}
	w.site.last, w.site.patience = reading{}, overviewTime
	w.cloud.Put("alerts", w.collector.StateKey, []byte("garbage"))
	w.wants(t, "/", 503, "cannot be read as the collector&#39;s", "netskope-alerts check", w.collector.StateKey)
}

// TestNobodyThere: where Cloud Storage should be, nobody listens.
func TestNobodyThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	client, err := gcs.NewClient(t.Context(), option.WithEndpoint("http://"+address+"/storage/v1/"),
		option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("STORAGE_EMULATOR_HOST", address)
	config, err := settings.ConfigToLook(func(name string) (string, bool) { return "alerts", name == "GCS_BUCKET" })
	if err != nil {
		t.Fatal(err)
	}
	w := &world{site: newSite(&collector.Collector{Config: config, Bucket: gcs.Through(client, "alerts")}),
		address: "http://127.0.0.1:1/"}
	w.site.patience = 300 * time.Millisecond
	w.wants(t, "/", 503, "Nobody answers where Cloud Storage should be.", "STORAGE_EMULATOR_HOST="+address)
}

// silentStorage is the address of a Cloud Storage that never answers, and a channel of what arrived there. It is one
// for all runs of a test in this process, which all share one client, and a client keeps its address.
var silentStorage = sync.OnceValues(func() (string, <-chan bool) {
	arrived := make(chan bool)
	storage := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case arrived <- true:
		case <-r.Context().Done():
		}
		<-r.Context().Done()
	}))
	return strings.TrimPrefix(storage.URL, "http://"), arrived
})

// TestCommand serves as the program does, with nothing but the bucket's name, and ends at once,
// in the middle of an answer, too.
func TestCommand(t *testing.T) {
	address, arrived := silentStorage()
	t.Setenv("STORAGE_EMULATOR_HOST", address)
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- (&Command{Listen: "127.0.0.1:0"}).Run(ctx, cli.Streams{Stdout: in, Stderr: t.Output(),
			Lookup: func(name string) (string, bool) { return "alerts", name == "GCS_BUCKET" }})
		in.Close()
	}()
	said := make([]byte, 500)
	n, err := out.Read(said)
	if err != nil {
		t.Fatal(err, <-ended)
	}
	_, address, _ = strings.Cut(string(said[:n]), " is on ")
	address, _, ok := strings.Cut(address, "\n")
	if at, err := url.Parse(address); !ok || err != nil || !isLoopback(at.Host) || at.Port() == "0" {
		t.Fatalf("it says %s", said[:n])
	}
	asked := make(chan error, 1)
	go func() {
		answer, err := http.Get(address)
		if err == nil {
			answer.Body.Close()
		}
		asked <- err
	}()
	<-arrived
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("it ends with %v", err)
	}
	if err := <-asked; err == nil {
		t.Error("the unfinished answer came")
	}
}
