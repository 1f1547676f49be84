package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/udm"
)

//go:embed udm.html
var udmHTML string

//go:embed udm.css
var udmCSS string

var udmTemplate = template.Must(template.New("udm.html").Parse(udmHTML))

// udmPage is what udm.html shows.
type udmPage struct {
	Policy template.HTML
	Style  template.CSS

	Verdict  verdict
	Sentence string
	At       string
	Inputs   string
	Version  string
	Tiles    []tile
	Empty    bool // no line is an alert

	Types    []pageBar
	Findings []pageFinding
	Rows     []pageRow // that are used
	AllRows  int
	Idle     []pageRow
	Unmapped []pageField
	Full     string // what of the fields is not told apart

	Explained *pageExplained
}

type pageFinding struct {
	Count, Path string
	Rule        udm.Rule
	Effect      string
	Verdict     verdict
}

type pageRow struct {
	Name, Field, Path, How string
	Hits, Share, Width     string
}

type pageField struct{ Name, Values, Example string }

type pageExplained struct {
	Verdict          verdict
	Sentence         string
	ID, Object, Type string
	Line             string
	Findings         []string
	Groups           []pageSteps
	Notes            [][2]string
}

// pageSteps are rows that are shown, or a run of rows that is folded into Title.
type pageSteps struct {
	Title string
	Rows  []stepRow
}

// writeUDMPage writes the report as a page that needs no other file, no network and no
// script.
func writeUDMPage(w io.Writer, r udmReport) error {
	css := pageCSS + udmCSS
	is, sentence := r.verdict()
	p := udmPage{Policy: policy(css), Style: template.CSS(css), Verdict: is, Sentence: unbroken(sentence),
		At: stamp(r.at), Inputs: clean(strings.Join(r.inputs, ", ")), Version: version, Empty: r.Events == 0, AllRows: len(r.Rows)}
	for _, t := range []tile{
		{"Alerts read", number(int64(r.Events)), r.read()},
		{"Valid events", number(int64(r.Events - r.Invalid)), "by the published schema and rules"},
		{"Invalid events", number(int64(r.Invalid)), "Google would refuse them"},
		{"Weaker type", number(int64(r.Demoted)), "for want of a field that the type needs"},
		{"Rows used", rowsUsed(r), "of Google's table and what it hints at"},
		{"Fields that no row reads", number(len(r.Unmapped)), "of the alerts; see below"},
	} {
		t.Note = unbroken(t.Note)
		p.Tiles = append(p.Tiles, t)
	}
	p.Types, _ = pageBars(r.typeRows(), int64(r.Events))
	for _, f := range r.Findings {
		p.Findings = append(p.Findings, pageFinding{number(int64(f.Count)), f.Path, f.Rule, f.Effect.String(), effectVerdict(f.Effect)})
	}
	used, idle := r.usedRows()
	for _, row := range used {
		p.Rows = append(p.Rows, pageRow{Name: row.Row.Name, Field: readFrom(row.Row), Path: target(row.Row), Hits: number(int64(row.Hits)),
			Share: share(int64(row.Hits), int64(r.Events)), Width: percent(float64(row.Hits) / float64(max(r.Events, 1)))})
	}
	for _, row := range idle {
		p.Idle = append(p.Idle, pageRow{Name: row.Row.Name, Field: readFrom(row.Row), Path: target(row.Row), How: row.Row.How})
	}
	for _, u := range r.Unmapped {
		p.Unmapped = append(p.Unmapped, pageField{clean(u.Path), number(int64(u.Count)), shownExample(u)})
	}
	if r.Full {
		p.Full = fmt.Sprintf("There are %s of further fields: %s are told apart.", count(int64(r.Uncounted), "value", "values"), number(r.UnmappedLimit))
	}
	if r.explained != nil {
		p.Explained = pageExplainedOf(*r.explained)
	}
	if err := udmTemplate.Execute(w, p); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

func rowsUsed(r udmReport) string {
	used, _ := r.usedRows()
	return fmt.Sprintf("%d of %d", len(used), len(r.Rows))
}

func effectVerdict(e udm.Effect) verdict {
	if e == udm.Invalid {
		return fail
	}
	return warn
}

func pageExplainedOf(e explained) *pageExplained {
	p := &pageExplained{ID: clean(e.event.ID()), Object: clean(e.object), Line: number(e.line), Type: e.event.Type(), Notes: notesOf(e.steps)}
	p.Verdict, p.Sentence = e.state()
	for _, f := range e.event.Findings() {
		p.Findings = append(p.Findings, clean(strings.TrimPrefix(f.String(), f.Alert+": ")))
	}
	for _, g := range stepGroups(e.steps) {
		s := pageSteps{Rows: g.Rows}
		if g.Idle > 0 {
			s.Title = g.folded()
		}
		p.Groups = append(p.Groups, s)
	}
	return p
}
