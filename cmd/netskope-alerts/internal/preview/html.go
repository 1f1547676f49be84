package preview

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/udm"
)

//go:embed udm.html
var pageHTML string

//go:embed udm.css
var pageCSS string

var pageTemplate = template.Must(template.New("udm.html").Parse(pageHTML))

// page is what udm.html shows.
type page struct {
	Policy template.HTML
	Style  template.CSS

	Verdict  text.Verdict
	Sentence string
	At       string
	LogType  udm.LogType
	Inputs   string
	Version  string
	Tiles    []text.Tile
	Empty    bool // no line is an alert

	Types    []text.PageBar
	Findings []pageFinding
	Rows     []pageRow // that are used
	AllRows  int
	Whose    string // the rows are
	Beyond   string // what it means that no row reads a field
	Idle     []pageRow
	Unmapped []pageField
	Full     string // what of the fields is not told apart

	Explained *pageExplained
}

type pageFinding struct {
	Count, Path, Field string
	Rule               udm.Rule
	Effect             string
	Verdict            text.Verdict
	Values, Remedy     string
}

type pageRow struct {
	Name, Field, Path, How string
	Hits, Share, Width     string
}

type pageField struct{ Name, Values, Example string }

type pageExplained struct {
	Verdict          text.Verdict
	Sentence         string
	ID, Object, Type string
	Line             string
	Findings         []pageRemedy
	Groups           []pageSteps
	Notes            [][2]string
	Unmapped         []string // fields that no row reads
	Beyond           string
}

// pageRemedy is what was found, and what to do about it.
type pageRemedy struct{ Text, Remedy string }

// pageSteps are rows that are shown, or a run of rows that is folded into Title.
type pageSteps struct {
	Title string
	Rows  []stepRow
}

// writeHTML writes the report as a page that needs no other file, no network and no
// script.
func writeHTML(w io.Writer, r report) error {
	css := text.PageCSS + pageCSS
	is, sentence := r.verdict()
	p := page{Policy: text.Policy(css), Style: template.CSS(css), Verdict: is, Sentence: text.Unbroken(sentence),
		At: text.Stamp(r.at), LogType: r.LogType, Inputs: text.Clean(strings.Join(r.inputs, ", ")), Version: cli.Version,
		Empty: r.Events == 0, AllRows: len(r.Rows), Whose: provenance(r.LogType.Rows()),
		Beyond: fieldsBeyond(r.LogType)}
	for _, t := range []text.Tile{
		{Label: "Records read", Value: text.Number(int64(r.Events)), Note: r.read()},
		{Label: "Valid events", Value: text.Number(int64(r.Events - r.Invalid)),
			Note: "by the published schema and rules; Google would refuse " + text.Number(int64(r.Invalid))},
		{Label: "Lost a value", Value: text.Number(int64(r.Dropped)), Note: "that UDM has no place for; the raw log has it"},
		{Label: "Weaker type", Value: text.Number(int64(r.Demoted)), Note: "for want of a field that the type needs"},
		{Label: "Rows used", Value: rowsUsed(r), Note: "of the log type's table"},
		{Label: "Fields that no row reads", Value: text.Number(len(r.Unmapped)), Note: "see below"},
	} {
		t.Note = text.Unbroken(t.Note)
		p.Tiles = append(p.Tiles, t)
	}
	p.Types, _ = text.PageBars(r.typeRows(), int64(r.Events))
	for _, f := range r.Findings {
		p.Findings = append(p.Findings, pageFinding{text.Number(int64(f.Count)), f.Path, f.Field, f.Rule,
			f.Effect.String(), effectVerdict(f.Effect), topValues(f), f.Remedy})
	}
	used, idle := r.usedRows()
	for _, row := range used {
		p.Rows = append(p.Rows, pageRow{Name: row.Row.Name, Field: readFrom(row.Row), Path: target(row.Row),
			Hits:  text.Number(int64(row.Hits)),
			Share: text.Share(int64(row.Hits), int64(r.Events)),
			Width: text.Percent(float64(row.Hits) / float64(max(r.Events, 1)))})
	}
	for _, row := range idle {
		p.Idle = append(p.Idle, pageRow{Name: row.Row.Name, Field: readFrom(row.Row), Path: target(row.Row),
			How: row.Row.How})
	}
	for _, u := range r.Unmapped {
		p.Unmapped = append(p.Unmapped, pageField{text.Clean(u.Path), text.Number(int64(u.Count)), shownExample(u)})
	}
	if r.Full {
		p.Full = fmt.Sprintf("There are %s of further fields: %s are told apart.",
			text.Count(int64(r.Uncounted), "value", "values"), text.Number(r.UnmappedLimit))
	}
	if r.explained != nil {
		p.Explained = pageExplainedOf(*r.explained)
	}
	if err := pageTemplate.Execute(w, p); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

func rowsUsed(r report) string {
	used, _ := r.usedRows()
	return fmt.Sprintf("%d of %d", len(used), len(r.Rows))
}

func effectVerdict(e udm.Effect) text.Verdict {
	if e == udm.Invalid {
		return text.Fail
	}
	return text.Warn
}

func pageExplainedOf(e explained) *pageExplained {
	p := &pageExplained{ID: text.Clean(e.event.ID()), Object: text.Clean(e.object), Line: text.Number(e.line),
		Type: e.event.Type(), Notes: notesOf(e.steps), Unmapped: fieldNames(e.event.Unmapped()),
		Beyond: fieldsBeyond(e.event.LogType())}
	p.Verdict, p.Sentence = e.state()
	for _, f := range e.event.Findings() {
		p.Findings = append(p.Findings, pageRemedy{text.Clean(strings.TrimPrefix(f.String(), f.Alert+": ")),
			e.event.Remedy(f)})
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
