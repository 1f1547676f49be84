package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"image"
	"image/png"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	collector "netskope-alerts.internal/collector"
)

// chromium starts a browser with the flags and the URL and returns what it printed on
// standard output and standard error.
func chromium(t *testing.T, arguments ...string) (stdout, stderr string) {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			program = found
			break
		}
	}
	if program == "" {
		if os.Getenv("REQUIRE_CHROMIUM") == "1" {
			t.Fatal("Chromium is not installed, and REQUIRE_CHROMIUM=1 asks for it")
		}
		t.Skip("NOT TESTED, because Chromium is not installed: the page in a real browser")
	}
	home, err := os.MkdirTemp("", "chromium")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(home)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, program, append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--enable-logging=stderr",
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--user-data-dir=" + filepath.Join(home, "profile"),
	}, arguments...)...)
	command.Env = append(os.Environ(), "HOME="+home)
	command.WaitDelay = 5 * time.Second
	var out, errors bytes.Buffer
	command.Stdout, command.Stderr = &out, &errors
	if err := command.Run(); err != nil {
		t.Fatalf("%v: %s", err, errors.String())
	}
	return out.String(), errors.String()
}

// pages serves the samples' pages, as they are written, at /page/NAME, and at /measure a
// page that shows all of them in frames and measures them from outside. It notes what
// is asked of it.
type pages struct {
	*httptest.Server
	samples map[string]collector.Status

	mu    sync.Mutex
	asked []string
}

func servePages(t *testing.T) *pages {
	p := &pages{samples: samples()}
	long := p.samples["no-alerts"]
	long.Folder = strings.Repeat("long", 25)
	p.samples["long-folder"] = long
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r.URL.Path)
	p.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if name, ok := strings.CutPrefix(r.URL.Path, "/page/"); ok {
		if err := writeStatusHTML(w, p.samples[name]); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
		return
	}
	if r.URL.Path != "/measure" {
		http.NotFound(w, r)
		return
	}
	fmt.Fprint(w, "<!doctype html><link rel=icon href='data:,'><body>")
	for name := range p.samples {
		for _, width := range pageWidths {
			fmt.Fprintf(w, "<iframe id='%s %d' src='/page/%s' width=%[2]d height=900 style='border:0'></iframe>\n", name, width, name)
		}
	}
	fmt.Fprintf(w, "<pre id=measured></pre><script>%s</script>", measureScript)
}

var pageWidths = []int{320, 400, 768, 1200, 1900}

// measured is what the script below finds out about a page.
type measured struct {
	Width, Scroll     float64  // of the page, in pixels; with tables opened
	Outside           []string // what ends beyond the page
	Overlapping       []string // texts of plots, two that touch
	Title             string
	Text              string
	Ground            string
	Tables            [][][]string
	Ticks, LateTicks  []shape
	Columns, Segments []shape
	Gaps, Late, Lines []shape
	Legend, Types     []shape
	Active            int // elements that load or run something
	Loaded            int // resources besides the page
	Blocked           bool
	Hours, Lateness   shape // the plots
}

// shape is a drawn element in pixels from the page's corner.
type shape struct {
	Label, Fill, Opacity string
	X, Y, W, H           float64
}

const measureScript = `
const shape = (e, label) => { const r = e.getBoundingClientRect(), s = e.ownerDocument.defaultView.getComputedStyle(e);
	return {Label: label, Fill: s.fill, Opacity: s.fillOpacity, X: r.x, Y: r.y, W: r.width, H: r.height} };
const titled = e => shape(e, e.querySelector("title").textContent);
function measure(frame) {
	const d = frame.contentDocument, all = q => [...d.querySelectorAll(q)], w = frame.contentWindow;
	const shot = {Ground: w.getComputedStyle(d.body).backgroundColor, Title: d.title, Text: d.body.innerText,
		Ticks: all("#plot-hours .tick").map(e => shape(e, e.textContent)), LateTicks: all("#plot-lateness .tick").map(e => shape(e, e.textContent)),
		Columns: all("#plot-hours .hit").map(titled), Segments: all("#plot-hours .segment").map(titled), Late: all(".late-bar").map(titled),
		Gaps: all(".plot .gaps").map(e => shape(e, "")), Lines: all("line.percentile").map(e => shape(e, e.nextElementSibling.textContent)),
		Legend: all(".legend bdi").map(e => shape(e.parentNode.querySelector("rect"), e.textContent)),
		Types: all(".types li").map(e => shape(e.querySelector(".value"), [".name", ".count", ".share"].map(q => e.querySelector(q).textContent).join("|"))),
		Hours: d.getElementById("plot-hours") && shape(d.getElementById("plot-hours"), d.getElementById("plot-hours").ariaLabel),
		Lateness: d.getElementById("plot-lateness") && shape(d.getElementById("plot-lateness"), d.getElementById("plot-lateness").ariaLabel),
		Active: all("script, img, iframe, object, embed, link, base, form, a, [style], [onerror], [onload]").length,
		Loaded: w.performance.getEntriesByType("resource").length};
	const texts = all(".plot text").filter(e => w.getComputedStyle(e).display != "none").map(e => [e, e.getBoundingClientRect()]);
	shot.Overlapping = texts.flatMap(([a, r], i) => texts.slice(i + 1).filter(([b, s]) => a.parentNode == b.parentNode &&
		r.left < s.right && s.left < r.right && r.top + 2 < s.bottom && s.top + 2 < r.bottom).map(([b]) => a.textContent + " / " + b.textContent));
	all("details").forEach(e => e.open = true);
	shot.Tables = all("table").map(t => [...t.rows].map(r => [...r.cells].map(c => c.textContent)));
	shot.Width = d.documentElement.clientWidth;
	shot.Scroll = d.documentElement.scrollWidth;
	shot.Outside = all("body *").filter(e => !e.closest(".scroll table, title, .types .name > *")).filter(e => { const r = e.getBoundingClientRect();
		return r.width > 0 && (r.right > shot.Width + 0.5 || r.left < -0.5) }).map(e => e.tagName + " " + e.textContent.slice(0, 60));
	try { w.eval("1"); shot.Blocked = false } catch { shot.Blocked = true }
	return shot;
}
onload = () => document.getElementById("measured").textContent =
	JSON.stringify(Object.fromEntries([...document.querySelectorAll("iframe")].map(f => [f.id, measure(f)])))`

// TestPageInBrowser loads the pages into Chromium and holds what it draws against the
// statuses.
func TestPageInBrowser(t *testing.T) {
	p := servePages(t)
	dom, log := chromium(t, "--window-size=1900,900", "--dump-dom", p.URL+"/measure")
	_, found, _ := strings.Cut(dom, `<pre id="measured">`)
	found, _, ok := strings.Cut(found, "</pre>")
	var shots map[string]measured
	if err := json.Unmarshal([]byte(html.UnescapeString(found)), &shots); !ok || err != nil {
		t.Fatalf("measured %.200q: %v\n%s", found, err, log)
	}
	if len(shots) != len(p.samples)*len(pageWidths) {
		t.Fatalf("measured %d pages", len(shots))
	}
	for line := range strings.Lines(log) {
		// The script tries eval in each page, of which the browser speaks as of /measure.
		if strings.Contains(line, "CONSOLE") && !strings.Contains(line, "source: "+p.URL+"/measure ") {
			t.Errorf("the browser complains: %s", line)
		}
	}
	for _, path := range p.asked {
		if path != "/measure" && !strings.HasPrefix(path, "/page/") {
			t.Errorf("the browser asked for %s", path)
		}
	}
	for name, s := range p.samples {
		for _, width := range pageWidths {
			t.Run(fmt.Sprintf("%s/%d", name, width), func(t *testing.T) {
				got := shots[fmt.Sprintf("%s %d", name, width)]
				checkPage(t, got, s, float64(width))
				if t.Failed() || s.Alerts == 0 {
					return
				}
				checkHours(t, got, s)
				checkTypes(t, got, s)
				checkLateness(t, got, s)
				checkPercentiles(t, got, s.Lateness)
			})
		}
	}
}

func checkPage(t *testing.T, got measured, s collector.Status, width float64) {
	if got.Width != width || got.Scroll != width {
		t.Errorf("the page is %v wide and scrolls to %v", got.Width, got.Scroll)
	}
	if len(got.Outside) > 0 || len(got.Overlapping) > 0 {
		t.Errorf("outside of the page: %q; one over the other: %q", got.Outside, got.Overlapping)
	}
	if got.Active > 0 || got.Loaded > 0 || !got.Blocked {
		t.Errorf("%d elements act, %d resources were loaded, scripts are blocked: %t", got.Active, got.Loaded, got.Blocked)
	}
	if got.Ground != "rgb(244, 245, 247)" {
		t.Errorf("the style sheet does not apply: ground %s", got.Ground)
	}
	plain := strings.NewReplacer("\u00a0", " ", "\u2060", "")
	text, headline := plain.Replace(got.Text), conditionOf(s).sentence
	if plain.Replace(got.Title) != "Netskope alerts: "+headline {
		t.Errorf("title %q", got.Title)
	}
	want := []string{headline, s.Tenant, "gs://" + s.Bucket + "/" + s.Folder + "/", "gs://" + s.Bucket + "/" + s.State, stamp(s.At)}
	for _, n := range noticesOf(s) {
		want = append(want, n.text)
	}
	if !s.Through.IsZero() {
		want = append(want, clock(s.Through), "lag "+span(s.Lag), span(s.At.Sub(s.Saved))+" ago", nextWindow(s))
		if !s.LedgerFrom.IsZero() {
			want = append(want, number(s.Alerts), number(s.Objects), number(s.Windows), size(s.Bytes), size(s.Stored))
		}
	}
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%q is not on the page:\n%s", w, text)
		}
	}
	if (s.Alerts == 0) != (got.Hours == shape{}) {
		t.Errorf("%d alerts, and the plot is %+v", s.Alerts, got.Hours)
	}
}

// scale finds the value of a pixel from a plot's ticks, each of which must fit it.
func scale(t *testing.T, ticks []shape, plot shape) (perPixel float64) {
	t.Helper()
	value := func(label string) float64 {
		figure, unit, _ := strings.Cut(label, " ")
		n, err := strconv.ParseFloat(figure, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n * map[string]float64{"": 1, "k": 1e3, "M": 1e6}[unit]
	}
	if len(ticks) < 2 || len(ticks) > 7 {
		t.Fatalf("%d ticks", len(ticks))
	}
	bottom, top := ticks[0], ticks[len(ticks)-1]
	perPixel = value(top.Label) / (bottom.Y - top.Y)
	for _, tick := range ticks {
		if off := (bottom.Y - tick.Y) - value(tick.Label)/perPixel; math.Abs(off) > 0.6 || tick.X+tick.W > plot.X {
			t.Errorf("tick %s is %.1f px off, at %+v", tick.Label, off, tick)
		}
	}
	if height := bottom.Y - top.Y; math.Abs(height-plot.H) > 0.6 {
		t.Errorf("the ticks span %v px of %v", height, plot.H)
	}
	return perPixel
}

func near(a, b float64) bool { return math.Abs(a-b) < 0.75 }

func checkHours(t *testing.T, got measured, s collector.Status) {
	perPixel := scale(t, got.Ticks, got.Hours)
	colours := map[string]string{}
	for _, l := range got.Legend {
		colours[l.Label] = l.Fill
	}
	top, others := plotted(s.Types)
	if len(got.Columns) != len(s.Hours) || len(got.Tables[0]) != len(s.Hours)+1 {
		t.Fatalf("%d columns, %d rows", len(got.Columns), len(got.Tables[0]))
	}
	drawn, gaps := 0, 0
	for i, h := range s.Hours {
		column, row := got.Columns[i], got.Tables[0][i+1]
		hour, mark := h.Start.Format("Jan 02 15:04"), markOf(h, s)
		if mark == "" && !strings.HasSuffix(column.Label, ": "+count(h.Alerts, "alert", "alerts")) || !strings.HasPrefix(column.Label, hour) || !strings.Contains(column.Label, mark) {
			t.Errorf("hour %s with %d alerts %s is titled %q", hour, h.Alerts, mark, column.Label)
		}
		if !near(column.X, got.Hours.X+float64(i)*got.Hours.W/float64(len(s.Hours))) || !near(column.H, got.Hours.H) {
			t.Errorf("hour %s is at %+v in %+v", hour, column, got.Hours)
		}
		if mark == notRecorded || mark == notYet {
			if gaps++; gaps > len(got.Gaps) || !near(got.Gaps[gaps-1].X, column.X) || !near(got.Gaps[gaps-1].W, column.W) || !near(got.Gaps[gaps-1].H, column.H) || row[1] != mark {
				t.Errorf("hour %s is %s: its gap is not at %+v in %+v, or the table has %q", hour, mark, column, got.Gaps, row[1])
			}
		} else if want := strings.TrimSpace(number(h.Alerts) + " " + mark); row[1] != want {
			t.Errorf("table: hour %s has %q, not %q", hour, row[1], want)
		}
		below := got.Hours.Y + got.Hours.H
		rest := h.Alerts
		for j, kind := range append(slices.Clone(top), others) {
			n := rest
			if j < len(top) {
				n = h.Types[s.Types[j].Type]
			}
			if rest -= n; kind.Type != "" && len(row) > 3 && mark != notRecorded && mark != notYet && row[2+j] != number(n) {
				t.Errorf("table: hour %s has %s of %s, not %d", hour, row[2+j], kind.Type, n)
			}
			if n == 0 {
				continue
			}
			if drawn >= len(got.Segments) {
				t.Fatalf("only %d segments", len(got.Segments))
			}
			segment := got.Segments[drawn]
			drawn++
			if want := kind.Type + ": " + number(n) + " of " + number(h.Alerts); !strings.HasPrefix(segment.Label, hour) || !strings.HasSuffix(segment.Label, "\n"+want) {
				t.Fatalf("hour %s: the segment is of %q, not %q", hour, segment.Label, want)
			}
			if !near(segment.H, float64(n)/perPixel) || !near(segment.Y+segment.H, below) {
				t.Errorf("hour %s, %s: %.2f px high for %d, ends at %.2f; want %.2f and %.2f", hour, kind.Type, segment.H, n, segment.Y+segment.H, float64(n)/perPixel, below)
			}
			below = segment.Y
			if segment.X < column.X || segment.X+segment.W > column.X+column.W {
				t.Errorf("hour %s: segment %+v is not in its column %+v", hour, segment, column)
			}
			if segment.Fill != colours[kind.Type] || (segment.Opacity == "1") != (mark == "") {
				t.Errorf("hour %s, %s: %s at %s, the legend has %s", hour, kind.Type, segment.Fill, segment.Opacity, colours[kind.Type])
			}
		}
	}
	if drawn != len(got.Segments) || gaps != len(got.Gaps) {
		t.Errorf("%d segments and %d gaps, want %d and %d", len(got.Segments), len(got.Gaps), drawn, gaps)
	}
}

func checkTypes(t *testing.T, got measured, s collector.Status) {
	top, others := plotted(s.Types)
	if others.Type != "" {
		top = append(top, others)
		if table := got.Tables[1]; len(table) != len(s.Types)+1 || table[len(s.Types)][0] != clean(s.Types[len(s.Types)-1].Type) {
			t.Errorf("the table of all types is %q", table)
		}
	}
	if len(got.Types) != len(top) {
		t.Fatalf("%d types, want %d", len(got.Types), len(top))
	}
	most := slices.MaxFunc(top, func(a, b collector.TypeCount) int { return int(a.Alerts - b.Alerts) })
	widest := slices.MaxFunc(got.Types, func(a, b shape) int { return int(a.W - b.W) })
	for i, kind := range top {
		row := got.Types[i]
		if want := kind.Type + "|" + number(kind.Alerts) + "|" + share(kind.Alerts, s.Alerts); row.Label != want {
			t.Errorf("type %q, want %q", row.Label, want)
		}
		if want := float64(kind.Alerts) / float64(most.Alerts) * widest.W; !near(row.W, want) {
			t.Errorf("%s: %.2f px wide, want %.2f", kind.Type, row.W, want)
		}
		if row.Fill != got.Legend[i].Fill || kind.Type != got.Legend[i].Label {
			t.Errorf("%s: %s, the legend has %s as %s", kind.Type, row.Fill, got.Legend[i].Label, got.Legend[i].Fill)
		}
	}
	if widest.W < 200 {
		t.Errorf("the longest bar is %.0f px wide", widest.W)
	}
}

func checkLateness(t *testing.T, got measured, s collector.Status) {
	perPixel := scale(t, got.LateTicks, got.Lateness)
	counts := map[int]int64{} // by the power of two, in seconds, that is just longer
	for _, b := range s.Lateness.Buckets {
		seconds, power := int(b.UpTo/time.Second), 0
		for 1<<power <= seconds {
			power++
		}
		counts[power] += b.Alerts
	}
	bars := len(got.Tables[len(got.Tables)-1]) - 1
	if len(got.Late) != len(counts) {
		t.Fatalf("%d bars, want %d", len(got.Late), len(counts))
	}
	i := 0
	for power := range bars {
		n := counts[power]
		if n == 0 {
			continue
		}
		bar := got.Late[i]
		i++
		if want := ": " + count(n, "alert", "alerts") + ", " + share(n, s.Alerts); !strings.HasSuffix(bar.Label, want) {
			t.Errorf("lateness below 2^%d s is titled %q, want %q", power, bar.Label, want)
		}
		if want := max(float64(n)/perPixel, 1); !near(bar.H, want) || !near(bar.Y+bar.H, got.Lateness.Y+got.Lateness.H) {
			t.Errorf("%s: %.2f px high, want %.2f", bar.Label, bar.H, want)
		}
		if slot := got.Lateness.W / float64(bars); bar.X < got.Lateness.X+float64(power)*slot || bar.X+bar.W > got.Lateness.X+float64(power+1)*slot+0.01 {
			t.Errorf("%s is at %+v, slots are %.2f wide", bar.Label, bar, slot)
		}
	}
}

// checkPercentiles: the lines are where the logarithmic axis has their durations.
func checkPercentiles(t *testing.T, got measured, l collector.Latenesses) {
	slot := got.Lateness.W / float64(len(got.Tables[len(got.Tables)-1])-1)
	for i, want := range []struct {
		name string
		of   time.Duration
	}{{"median", l.P50}, {"p90", l.P90}, {"p99", l.P99}} {
		line := got.Lines[i]
		x := got.Lateness.X + slot*(1+math.Log2(want.of.Seconds()))
		if line.Label != want.name+" "+span(want.of) || math.Abs(line.X+line.W/2-x) > 1 || line.Y > got.Lateness.Y || !near(line.Y+line.H, got.Lateness.Y+got.Lateness.H) {
			t.Errorf("%s %v is drawn as %+v, want it at %.2f", want.name, want.of, line, x)
		}
	}
}

// TestPageIsDrawn looks at pixels: the page is painted in the colours of the light and
// of the dark mode, and the bars are where the first test measured them.
func TestPageIsDrawn(t *testing.T) {
	p := servePages(t)
	for mode, c := range map[string]struct {
		flag   string
		ground uint32
		bar    uint32 // of the most frequent type
	}{
		"light": {"--blink-settings=preferredColorScheme=1", 0xf4f5f7, 0x2f6bd8},
		"dark":  {"--blink-settings=preferredColorScheme=0", 0x0f141a, 0x6597f2},
	} {
		t.Run(mode, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "page.png")
			chromium(t, c.flag, "--window-size=1200,1400", "--screenshot="+file, p.URL+"/page/usual")
			shot, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer shot.Close()
			picture, err := png.Decode(io.Reader(shot))
			if err != nil {
				t.Fatal(err)
			}
			counts := map[uint32]int{}
			bounds := picture.Bounds()
			for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
				for x := bounds.Min.X; x < bounds.Max.X; x++ {
					counts[rgb(picture, x, y)]++
				}
			}
			if got := rgb(picture, 3, 3); bounds.Dx() != 1200 || got != c.ground {
				t.Errorf("the corner is %06x, not %06x, of a page %d wide", got, c.ground, bounds.Dx())
			}
			if n := counts[c.bar]; n < 20_000 {
				t.Errorf("only %d pixels are of the colour %06x", n, c.bar)
			}
		})
	}
}

func rgb(picture image.Image, x, y int) uint32 {
	r, g, b, _ := picture.At(x, y).RGBA()
	return r>>8<<16 | g>>8<<8 | b>>8
}
