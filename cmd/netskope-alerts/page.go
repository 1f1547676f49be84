package main

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"regexp"
	"strconv"
)

// pageCSS is the style sheet that pages share.
//
//go:embed page.css
var pageCSS string

// tile is a figure with its label, and a note that explains it.
type tile struct{ Label, Value, Note string }

// policy forbids the page everything but its own style sheet, known by its hash
// (https://www.w3.org/TR/CSP3/#grammardef-hash-source).
func policy(css string) template.HTML {
	hash := sha256.Sum256([]byte(css))
	return template.HTML(fmt.Sprintf(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'">`,
		base64.StdEncoding.EncodeToString(hash[:])))
}

var (
	figureAndUnit = regexp.MustCompile(`(\d) (d|h|m|s|[kMGTPE]?B|UTC)\b`)
	dateHyphen    = regexp.MustCompile(`(\d)-(\d)`)
)

// unbroken keeps figures with their units, and dates, on one line.
func unbroken(text string) string {
	return dateHyphen.ReplaceAllString(figureAndUnit.ReplaceAllString(text, "$1\u00a0$2"), "$1-\u2060$2")
}

// percent writes a share of the plot's width.
func percent(share float64) string { return strconv.FormatFloat(100*share, 'f', 3, 64) + "%" }

// pageBar is a row of a plot, as a page shows it.
type pageBar struct {
	Name, Count, Share string
	Width              string // percent of the plot's
	Colour             int    // by its place
}

// pageBars are the rows of the plot and, if that leaves some out, the rows of every one.
func pageBars(rows []barRow, all int64) (shown, every []pageBar) {
	top, others := plotted(rows)
	if others.label != "" {
		top = append(top, others)
		for _, r := range rows {
			every = append(every, pageBar{Name: clean(r.label), Count: number(r.n), Share: share(r.n, all)})
		}
	}
	var most int64
	for _, r := range top {
		most = max(most, r.n)
	}
	for i, r := range top {
		shown = append(shown, pageBar{r.label, number(r.n), share(r.n, all), percent(float64(r.n) / float64(max(most, 1))), i})
	}
	return shown, every
}
