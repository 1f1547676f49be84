package console

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"netskope-alerts.internal/collector"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/browsertest"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/collectortest"
	"netskope-alerts.internal/collector/internal/audit"
	"netskope-alerts.internal/collector/internal/standin/netskopetest"
)

// everyView looks at the page in every way, and holds it against what every page must be.
func everyView(t *testing.T, tab *browsertest.Tab, name string) {
	t.Helper()
	for _, v := range browsertest.Views {
		t.Run(fmt.Sprintf("%s/%v", name, v), func(t *testing.T) {
			tab.Look(v)
			got := tab.Measure()
			got.CheckForm(t, v)
			tab.Keep("console " + name + " " + v.String())
		})
	}
	tab.Look(browsertest.View{Width: 400, Scheme: browsertest.Dark})
	tab.CheckShadows()
}

func wantShown(t *testing.T, tab *browsertest.Tab, texts ...string) {
	t.Helper()
	shown := tab.Text()
	for _, want := range texts {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not on the page:\n%s", want, shown)
		}
	}
}

// TestConsoleInBrowser: the overview, and from there an alert, as a person looks it up.
func TestConsoleInBrowser(t *testing.T) {
	w := newWorld(t, usual(idOf(1)))
	w.tenant.Add(alertAt(dayAgo(3), idOf(2), nil), alertAt(dayAgo(9), idOf(3), nil))
	sum := w.audited(t, audit.Options{})
	if sum.Missing != 2 || len(sum.FirstGaps) != 2 {
		t.Fatalf("%+v", sum)
	}
	tab := browsertest.Start(t).Tab()
	tab.At(w.now)
	tab.Open(w.address)
	wantShown(t, tab, "Caught up", w.collector.Tenant, "gs://alerts/netskope/alerts/", "Alerts per hour",
		"Alerts per type",
		"Lateness", "Delivered through", "Reload every minute", "just now", "Last audit: 2 cells are not as they should be.",
		"2 alerts are missing.", fmt.Sprintf("netskope-alerts verify --since %s --until %s --repair",
			sum.FirstGaps[0].From.Format(time.RFC3339), sum.FirstGaps[1].To.Format(time.RFC3339)))
	got := tab.Measure()
	if len(got.Columns) != 25 || len(got.Segments) < 50 || len(got.Late) < 5 || len(got.Types) < 3 {
		t.Errorf("%d hours, %d segments, %d bars of lateness, %d types are drawn", len(got.Columns), len(got.Segments),
			len(got.Late), len(got.Types))
	}
	gaps := got.Tables[len(got.Tables)-1]
	if len(gaps) != 3 || gaps[1][1] != "1" || gaps[1][4] != "missing" {
		t.Errorf("the gaps are %q", gaps)
	}
	everyView(t, tab, "overview")

	tab.Look(browsertest.View{Width: 1280, Scheme: browsertest.Light})
	tab.Loading(func() { tab.Type("#id", "  "+idOf(1)) })
	found, err := w.collector.Ledger().Find(t.Context(), idOf(1), dayAgo(24), w.now)
	if err != nil || len(found) != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	wantShown(t, tab, "Delivered once", "gs://alerts/"+found[0].Object, "It is still there.",
		"table of the log type NETSKOPE_ALERT_V2;",
		found[0].From.Format("2006-01-02 15:04")+" UTC to ", "UDM event: ", "Upload of a secret", `"_id": "`+idOf(1)+`"`)
	var fields [][]string
	tab.Eval(`[...document.querySelectorAll(".fields tbody tr")].map(r => [...r.cells].map(c => c.textContent))`, &fields)
	for _, want := range []string{"metadata.product_log_id|" + idOf(1) + "|1|_id",
		"principal.ip|192.0.2.7|33|srcip", "metadata.vendor_name|NETSKOPE_ALERT_V2|3|"} {
		n := 0
		for _, f := range fields {
			if strings.HasPrefix(strings.Join(f, "|"), want) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%q is made %d times in %q", want, n, fields)
		}
	}
	var line string
	if tab.Eval(`document.querySelector(".delivery dd").textContent`, &line); line != fmt.Sprint(found[0].Line) {
		t.Errorf("it is in line %d, the page says %s", found[0].Line, line)
	}
	everyView(t, tab, "alert")

	tab.Loading(func() { tab.Type("#id", "nobody") })
	wantShown(t, tab, "Not in the ledger", "netskope-alerts verify --gaps --since")
	everyView(t, tab, "not-found")
	tab.Loading(func() { tab.Eval(`document.querySelector("nav a").click()`, nil) })
	wantShown(t, tab, "Alerts per hour")
	tab.CheckQuiet(w.address)
}

// TestHostileAlert: nothing in an alert acts, wherever it is shown; nothing is loaded.
func TestHostileAlert(t *testing.T) {
	w := newWorld(t, hostile()...)
	tab := browsertest.Start(t).Tab()
	tab.Open(w.address)
	tab.Look(browsertest.View{Width: 400, Scheme: browsertest.Light})
	wantShown(t, tab, `"><script>alert(document.domain)</script…`) // the type
	tab.Measure().CheckForm(t, browsertest.View{Width: 400, Scheme: browsertest.Light})
	tab.Loading(func() { tab.Type("#id", hostileID) })
	wantShown(t, tab, "Delivered once", `"<b>field</b>": "a <b>value</b>"`, `\u202e`)
	everyView(t, tab, "hostile")
	var bold int
	if tab.Eval(`document.querySelectorAll("b").length`, &bold); bold != 0 {
		t.Error("the alert's tags are the page's")
	}
	tab.Open(w.address + "alert?id=" + url.QueryEscape(`nobody</title><script>alert(3)</script>`))
	wantShown(t, tab, "Not in the ledger")
	tab.CheckQuiet(w.address)
}

// TestConsoleOfStreamsInBrowser: each stream's lag, its overview by a click, and a record of any of them by its _id.
func TestConsoleOfStreamsInBrowser(t *testing.T) {
	w := newWorld(t)
	pages := &netskopetest.Server{}
	w.tenant.Events = map[string]*netskopetest.Server{"page": pages}
	page := alertAt(dayAgo(5), idOf(9), map[string]any{"traffic_type": "CloudApp"})
	pages.Add(page)
	of := collectortest.Open(t, w.tenant, w.cloud, "STREAMS=page", "LOOKBACK_HOURS=26")
	collectortest.Run(t, of, w.now.Add(-3*time.Hour))
	all := newSite(w.site.collector, &collector.Collector{Config: of.Config, Bucket: of.Bucket})
	for _, s := range all.all {
		s.now = w.site.now
	}
	w.site = all
	listener, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.address = "http://" + listener.Addr().String() + "/"
	w.serveOn(t, listener)
	tab := browsertest.Start(t).Tab()
	tab.At(w.now)
	tab.Open(w.address)
	wantShown(t, tab, "Streams", "alert", "page", "3 h", "gs://alerts/netskope/alerts/", "all streams")
	everyView(t, tab, "streams")
	tab.Look(browsertest.View{Width: 1280, Scheme: browsertest.Light})
	tab.Open(w.address + "?stream=page")
	wantShown(t, tab, "gs://alerts/netskope/events/page/", "Behind by 3 h", "CloudApp")
	tab.Loading(func() { tab.Type("#id", idOf(9)) })
	wantShown(t, tab, "Delivered once", "stream page", "gs://alerts/netskope/events/page/")
	tab.Open(w.address + "alert?stream=alert&id=" + idOf(9))
	wantShown(t, tab, "Not in the ledger", "--stream alert")
}
