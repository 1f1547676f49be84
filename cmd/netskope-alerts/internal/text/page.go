package text

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"regexp"
	"strconv"
)

// PageCSS is the style sheet that pages share.
//
//go:embed page.css
var PageCSS string

// Tile is a figure with its label, and a note that explains it.
type Tile struct{ Label, Value, Note string }

// Policy forbids the page everything but its own style sheet, known by its hash
// (https://www.w3.org/TR/CSP3/#grammardef-hash-source).
func Policy(css string) template.HTML {
	hash := sha256.Sum256([]byte(css))
	return template.HTML(fmt.Sprintf(
		`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-%s'; `+
			`base-uri 'none'; form-action 'none'">`,
		base64.StdEncoding.EncodeToString(hash[:])))
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
