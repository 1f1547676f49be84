package browsertest

import (
	_ "embed"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Pages serves pages, as they are written, at /page/NAME.
type Pages struct {
	*httptest.Server
	written map[string]func(io.Writer) error
}

// Serve serves what the functions write, until the test ends.
func Serve(t *testing.T, written map[string]func(io.Writer) error) *Pages {
	p := &Pages{written: written}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

// Address is where the page is.
func (p *Pages) Address(name string) string { return p.URL + "/page/" + name }

// ServeHTTP answers with a page.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, _ := strings.CutPrefix(r.URL.Path, "/page/")
	write, ok := p.written[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := write(w); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

var pictures = flag.String("pictures", "", "write what the browser draws to this folder, for a person to look at")

// Keep writes a picture of the page into the folder that -pictures names, if it is given.
func (t *Tab) Keep(name string) {
	t.b.t.Helper()
	if *pictures == "" {
		return
	}
	file := filepath.Join(*pictures, strings.ReplaceAll(name, " ", "-")+".png")
	if err := os.WriteFile(file, t.Picture(), 0o644); err != nil {
		t.b.t.Fatal(err)
	}
}

// Views are how every page is looked at.
var Views = []View{{320, Light}, {400, Dark}, {400, Light}, {768, Light}, {1280, Dark}, {1280, Light}, {1900, Light}}

// Measured is what the script finds out about a page.
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
	RowBars           []Shape  // of a table's rows: the ground, then the value
	Pale              []string // what is too close to its ground to be seen by everybody
	Looked            int      // at so many texts and marks, to find what is pale
	Hidden            []string // wide tables that show no sign of it
	Active            int      // elements that load or run something, but for the page's own script
	Scripts           int
	Loaded            int // resources besides the page
	Blocked           bool
	Hours, Lateness   Shape // the plots
}

// Shape is a drawn element in pixels from the page's corner.
type Shape struct {
	Label, Fill, Opacity string
	X, Y, W, H           float64
}

//go:embed measure.js
var measureScript string

// Measure opens the pages and returns what the browser draws, by "NAME VIEW".
func (p *Pages) Measure(t *testing.T) map[string]Measured {
	t.Helper()
	b, shots := Start(t), map[string]Measured{}
	for name := range p.written {
		tab := b.Tab()
		tab.Open(p.Address(name))
		for _, v := range Views {
			tab.Look(v)
			shots[fmt.Sprintf("%s %v", name, v)] = tab.Measure()
			tab.Keep(fmt.Sprintf("%s %v", name, v))
		}
		tab.CheckQuiet(p.Address(name))
	}
	return shots
}

// Measure measures the page as it is.
func (t *Tab) Measure() (m Measured) {
	t.b.t.Helper()
	t.Eval(measureScript, &m)
	return m
}

// grounds are the colours of the page itself, by scheme.
var grounds = map[Scheme]string{Light: "rgb(244, 245, 247)", Dark: "rgb(15, 20, 26)"}

// CheckForm: the page fits its width, loads nothing, runs nothing but its own script, has its
// style, and everybody can see what it shows.
func (got Measured) CheckForm(t *testing.T, v View) {
	t.Helper()
	if got.Width != float64(v.Width) || got.Scroll != got.Width {
		t.Errorf("the page is %v wide and scrolls to %v", got.Width, got.Scroll)
	}
	if len(got.Outside) > 0 || len(got.Overlapping) > 0 {
		t.Errorf("outside of the page: %q; one over the other: %q", got.Outside, got.Overlapping)
	}
	if got.Active > 0 || got.Scripts != 1 || got.Loaded > 0 || !got.Blocked {
		t.Errorf("%d elements act, %d scripts, %d resources were loaded, others' scripts are blocked: %t", got.Active,
			got.Scripts, got.Loaded, got.Blocked)
	}
	if got.Ground != grounds[v.Scheme] {
		t.Errorf("the style sheet does not apply: ground %s", got.Ground)
	}
	if got.Looked < 10 {
		t.Errorf("only %d texts and marks were held against their ground", got.Looked)
	}
	if pale := slices.Compact(slices.Sorted(slices.Values(got.Pale))); len(pale) > 0 {
		t.Errorf("too pale: %q", pale)
	}
	if len(got.Hidden) > 0 {
		t.Errorf("wide tables do not show that they scroll: %q", got.Hidden)
	}
}

// CheckDrawn looks at pixels: the page is painted in the colours of both schemes, with so many
// pixels of the first bars at least.
func (p *Pages) CheckDrawn(t *testing.T, name string, least int) {
	b := Start(t)
	for scheme, c := range map[Scheme]struct{ ground, bar string }{
		Light: {"#f4f5f7", "#2f6bd8"},
		Dark:  {"#0f141a", "#6597f2"},
	} {
		t.Run(scheme.String(), func(t *testing.T) {
			tab := b.Tab()
			tab.Look(View{1200, scheme})
			tab.Open(p.Address(name))
			picture := tab.Pixels()
			bars, bounds := 0, picture.Bounds()
			for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
				for x := bounds.Min.X; x < bounds.Max.X; x++ {
					if RGB(picture, x, y) == c.bar {
						bars++
					}
				}
			}
			if got := RGB(picture, 3, 3); bounds.Dx() != 1200 || got != c.ground {
				t.Errorf("the corner is %s, not %s, of a page %d wide", got, c.ground, bounds.Dx())
			}
			if bars < least {
				t.Errorf("only %d pixels are of the colour %s", bars, c.bar)
			}
		})
	}
}
