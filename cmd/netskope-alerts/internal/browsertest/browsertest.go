// Package browsertest has tests load pages into a real browser, and look at what it draws.
// Only tests use it.
package browsertest

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
	"strings"
	"sync"
	"testing"
	"time"
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
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--hide-scrollbars", "--enable-logging=stderr",
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

// Pages serves pages, as they are written, at /page/NAME, and at /measure a page that
// shows all of them in frames and measures them from outside. It notes what is asked of
// it.
type Pages struct {
	*httptest.Server
	written map[string]func(io.Writer) error

	mu    sync.Mutex
	asked []string
}

// Serve serves what the functions write, until the test ends.
func Serve(t *testing.T, written map[string]func(io.Writer) error) *Pages {
	p := &Pages{written: written}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

// ServeHTTP answers with a page, or with the one that measures them all.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r.URL.Path)
	p.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if name, ok := strings.CutPrefix(r.URL.Path, "/page/"); ok {
		if err := p.written[name](w); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
		return
	}
	if r.URL.Path != "/measure" {
		http.NotFound(w, r)
		return
	}
	fmt.Fprint(w, "<!doctype html><link rel=icon href='data:,'><body>")
	for name := range p.written {
		for _, width := range Widths {
			fmt.Fprintf(w, "<iframe id='%s %d' src='/page/%s' width=%[2]d height=900 style='border:0'></iframe>\n",
				name, width, name)
		}
	}
	fmt.Fprintf(w, "<pre id=measured></pre><script>%s</script>", measureScript)
}

// Widths are how wide, in pixels, every page is measured.
var Widths = []int{320, 400, 768, 1200, 1900}

// Measured is what the script below finds out about a page.
type Measured struct {
	Width, Scroll     float64  // of the page, in pixels; with tables opened
	Outside           []string // what ends beyond the page
	Overlapping       []string // texts of plots, two that touch
	Title             string
	Text              string
	Ground            string
	Tables            [][][]string
	Ticks, LateTicks  []Shape
	Columns, Segments []Shape
	Gaps, Late, Lines []Shape
	Legend, Types     []Shape
	RowBars           []Shape // of a table's rows: the ground, then the value
	Active            int     // elements that load or run something
	Loaded            int     // resources besides the page
	Blocked           bool
	Hours, Lateness   Shape // the plots
}

// Shape is a drawn element in pixels from the page's corner.
type Shape struct {
	Label, Fill, Opacity string
	X, Y, W, H           float64
}

const measureScript = `
const shape = (e, label) => {
	const r = e.getBoundingClientRect(), s = e.ownerDocument.defaultView.getComputedStyle(e);
	return {Label: label, Fill: s.fill, Opacity: s.fillOpacity, X: r.x, Y: r.y, W: r.width, H: r.height} };
const titled = e => shape(e, e.querySelector("title").textContent);
function measure(frame) {
	const d = frame.contentDocument, all = q => [...d.querySelectorAll(q)], w = frame.contentWindow;
	const shot = {Ground: w.getComputedStyle(d.body).backgroundColor, Title: d.title, Text: d.body.innerText,
		Ticks: all("#plot-hours .tick").map(e => shape(e, e.textContent)),
		LateTicks: all("#plot-lateness .tick").map(e => shape(e, e.textContent)),
		Columns: all("#plot-hours .hit").map(titled), Segments: all("#plot-hours .segment").map(titled),
		Late: all(".late-bar").map(titled),
		Gaps: all(".plot .gaps").map(e => shape(e, "")),
		Lines: all("line.percentile").map(e => shape(e, e.nextElementSibling.textContent)),
		Legend: all(".legend bdi").map(e => shape(e.parentNode.querySelector("rect"), e.textContent)),
		Types: all(".types li").map(e => shape(e.querySelector(".value"),
			[".name", ".count", ".share"].map(q => e.querySelector(q).textContent).join("|"))),
		RowBars: all("svg.row rect").map(e => shape(e, "")),
		Hours: d.getElementById("plot-hours") &&
			shape(d.getElementById("plot-hours"), d.getElementById("plot-hours").ariaLabel),
		Lateness: d.getElementById("plot-lateness") &&
			shape(d.getElementById("plot-lateness"), d.getElementById("plot-lateness").ariaLabel),
		Active: all("script, img, iframe, object, embed, link, base, form, a, [style], [onerror], [onload]").length,
		Loaded: w.performance.getEntriesByType("resource").length};
	const texts = all(".plot text").filter(e => w.getComputedStyle(e).display != "none")
		.map(e => [e, e.getBoundingClientRect()]);
	shot.Overlapping = texts.flatMap(([a, r], i) => texts.slice(i + 1)
		.filter(([b, s]) => a.parentNode == b.parentNode &&
			r.left < s.right && s.left < r.right && r.top + 2 < s.bottom && s.top + 2 < r.bottom)
		.map(([b]) => a.textContent + " / " + b.textContent));
	all("details").forEach(e => e.open = true);
	shot.Tables = all("table").map(t => [...t.rows].map(r => [...r.cells].map(c => c.textContent)));
	shot.Width = d.documentElement.clientWidth;
	shot.Scroll = d.documentElement.scrollWidth;
	shot.Outside = all("body *").filter(e => !e.closest(".scroll table, title, .types .name > *")).filter(e => {
		const r = e.getBoundingClientRect();
		return r.width > 0 && (r.right > shot.Width + 0.5 || r.left < -0.5)
	}).map(e => e.tagName + " " + e.textContent.slice(0, 60));
	try { w.eval("1"); shot.Blocked = false } catch { shot.Blocked = true }
	return shot;
}
onload = () => document.getElementById("measured").textContent =
	JSON.stringify(Object.fromEntries([...document.querySelectorAll("iframe")].map(f => [f.id, measure(f)])))`

// Measure loads the pages into Chromium, at every width, and returns what it draws.
func (p *Pages) Measure(t *testing.T) map[string]Measured {
	t.Helper()
	dom, log := chromium(t, "--window-size=1900,900", "--dump-dom", p.URL+"/measure")
	_, found, _ := strings.Cut(dom, `<pre id="measured">`)
	found, _, ok := strings.Cut(found, "</pre>")
	var shots map[string]Measured
	if err := json.Unmarshal([]byte(html.UnescapeString(found)), &shots); !ok || err != nil {
		t.Fatalf("measured %.200q: %v\n%s", found, err, log)
	}
	if len(shots) != len(p.written)*len(Widths) {
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
	return shots
}

// checkForm: the page fits its width, loads nothing, runs nothing, and has its style.
func (got Measured) CheckForm(t *testing.T, width float64) {
	t.Helper()
	if got.Width != width || got.Scroll != width {
		t.Errorf("the page is %v wide and scrolls to %v", got.Width, got.Scroll)
	}
	if len(got.Outside) > 0 || len(got.Overlapping) > 0 {
		t.Errorf("outside of the page: %q; one over the other: %q", got.Outside, got.Overlapping)
	}
	if got.Active > 0 || got.Loaded > 0 || !got.Blocked {
		t.Errorf("%d elements act, %d resources were loaded, scripts are blocked: %t", got.Active, got.Loaded,
			got.Blocked)
	}
	if got.Ground != "rgb(244, 245, 247)" {
		t.Errorf("the style sheet does not apply: ground %s", got.Ground)
	}
}

// Plain is the text without what keeps parts of it on one line.
func Plain(text string) string {
	return strings.NewReplacer("\u00a0", " ", "\u2060", "").Replace(text)
}

// CheckDrawn looks at pixels: the page is painted in the colours of the light and of the
// dark mode, with so many pixels of the first bars at least.
func (p *Pages) CheckDrawn(t *testing.T, name string, least int) {
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
			chromium(t, c.flag, "--window-size=1200,1400", "--screenshot="+file, p.URL+"/page/"+name)
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
			if n := counts[c.bar]; n < least {
				t.Errorf("only %d pixels are of the colour %06x", n, c.bar)
			}
		})
	}
}

func rgb(picture image.Image, x, y int) uint32 {
	r, g, b, _ := picture.At(x, y).RGBA()
	return r>>8<<16 | g>>8<<8 | b>>8
}

// Near reports whether two lengths are the same to a pixel.
func Near(a, b float64) bool { return math.Abs(a-b) < 0.75 }

// Hostile is what a tenant that was taken over might send as an alert's type.
const Hostile = "\x1b]0;owned\x07\x1b[2J<script>alert(1)</script>\"'>" +
	"<img src=//evil.example/x onerror=alert(2)>\u202egnp.exe\n" +
	"{{.Tenant}} & the rest of a name that is much longer than any place for it"
