package text

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"regexp"
	"strconv"
	"time"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	pageJS string
)

// Head is what every page has: what it is, how it is, and of when. The page's template gives it
// to "head", at the beginning, and to "foot", at the end.
type Head struct {
	Kind     string // of page
	Title    string // of the browser's tab, before the sentence
	Verdict  Verdict
	Sentence string
	Remedy   Remedy // what to do about a verdict that is not Pass
	At       time.Time
	About    []string // what the page is of; two are from where to where
	Note     string   // that holds of the whole page
	// Reload is how often the page reads itself again, whole seconds; 0 is never. Still says
	// that it begins to only when it is asked to.
	Reload time.Duration
	Still  bool
	Foot   string // behind the page
	// Search says that the page has a form which asks the server that it came from.
	Search bool
	CSS    string // of the page's own, behind what all share
}

// Remedy is what to do about something: in words, and what to type.
type Remedy struct{ Text, Command string }

// Notice is something that should not be overlooked.
type Notice struct {
	Verdict Verdict
	Text    string
	Remedy  Remedy
}

// Tile is a figure with its label, and a note that explains it.
type Tile struct{ Label, Value, Note string }

// Page is a page's template: page, and further parts that it uses. All may use the parts that
// page.html defines.
func Page(page string, parts ...string) *template.Template {
	t := template.Must(template.New("page").Funcs(template.FuncMap{"unbroken": Unbroken}).Parse(pageHTML))
	for _, part := range parts {
		template.Must(t.Parse(part))
	}
	return template.Must(t.Parse(page))
}

// Style is the style sheet of the page.
func (h Head) Style() template.CSS { return template.CSS(pageCSS + h.CSS) }

// Script is the page's only one: it says how old the page is, and reads it again.
func (h Head) Script() template.HTML { return template.HTML("<script>" + pageJS + "</script>") }

// Policy forbids the page everything but its own style sheet and script, known by their hashes
// (https://www.w3.org/TR/CSP3/#grammardef-hash-source), and to ask its own server if it is to.
func (h Head) Policy() string {
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	forms := "'none'"
	if h.Search {
		forms = "'self'"
	}
	return "default-src 'none'; style-src " + hash(string(h.Style())) + "; script-src " + hash(pageJS) +
		"; base-uri 'none'; form-action " + forms
}

// Stamp is the page's time for people.
func (h Head) Stamp() string { return Stamp(h.At) }

// Moment is the page's time for programs.
func (h Head) Moment() string { return h.At.UTC().Format(time.RFC3339) }

// Seconds is how often the page is to be read again.
func (h Head) Seconds() int { return int(h.Reload / time.Second) }

// Every says how often the page is to be read again.
func (h Head) Every() string {
	if h.Reload == time.Minute {
		return "minute"
	}
	return Span(h.Reload)
}

var (
	figureAndUnit = regexp.MustCompile(`(\d) (d|h|m|s|[kMGTPE]?B|UTC)\b`)
	dateHyphen    = regexp.MustCompile(`(\d)-(\d)`)
)

// Unbroken keeps figures with their units, and dates, on one line.
func Unbroken(text string) string {
	return dateHyphen.ReplaceAllString(figureAndUnit.ReplaceAllString(text, "$1\u00a0$2"), "$1-\u2060$2")
}

// Percent writes a share of the plot's width.
func Percent(share float64) string { return strconv.FormatFloat(100*share, 'f', 3, 64) + "%" }

// PageBar is a row of a plot, as a page shows it.
type PageBar struct {
	Name, Count, Share string
	Width              string // percent of the plot's
	Colour             int    // by its place
}

// PageBars are the rows of the plot and, if that leaves some out, the rows of every one.
func PageBars(rows []BarRow, all int64) (shown, every []PageBar) {
	top, others := Plotted(rows)
	if others.Label != "" {
		top = append(top, others)
		for _, r := range rows {
			every = append(every, PageBar{Name: Clean(r.Label), Count: Number(r.N), Share: Share(r.N, all)})
		}
	}
	var most int64
	for _, r := range top {
		most = max(most, r.N)
	}
	for i, r := range top {
		shown = append(shown, PageBar{r.Label, Number(r.N), Share(r.N, all),
			Percent(float64(r.N) / float64(max(most, 1))), i})
	}
	return shown, every
}
