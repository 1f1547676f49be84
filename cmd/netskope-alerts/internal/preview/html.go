package preview

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/udm"
)

var (
	//go:embed udm.html
	pageHTML string
	// CSS is what the style sheet of a page needs that uses [Parts].
	//
	//go:embed parts.css
	CSS string
	// Parts is a page's part "explained", which shows what rows did with an alert.
	//
	//go:embed parts.html
	Parts string

	pageTemplate = text.Page(pageHTML, Parts)
)

// page is what udm.html shows.
type page struct {
	Head  text.Head
	Tiles []text.Tile
	Empty bool // no line is an alert

	Types    []text.PageBar
	Findings []pageFinding
	Rows     []pageRow // that are used
	AllRows  int
	Whose    string // the rows are
	Beyond   string // what it means that no row reads a field
	Idle     []pageRow
	Unmapped []pageField
	Full     string // what of the fields is not told apart

	Explained *Explained
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

// Explained is what became of an alert, and why, as the part "explained" of a page shows it.
type Explained struct {
	Verdict          text.Verdict
	Sentence         string
	Remedy           text.Remedy // what to do about the sentence
	LogType          udm.LogType
	ID, Object, Type string
	Line             string
	Findings         []pageRemedy
	Fields           []EventField // in the order of their names
	Groups           []pageSteps
	Notes            [][2]string
	Unmapped         []string // fields that no row reads
	Beyond           string   // what that means
	Event            string   // JSON, indented
}

// EventField is a field of the event, and where its value comes from.
type EventField struct {
	Path, Value string
	Row         string // of the table
	From        string // the alert's field, or what else the row reads
}

// pageRemedy is what was found, and what to do about it.
type pageRemedy struct{ Text, Remedy string }

// pageSteps are rows that are shown, or a run of rows that is folded into Title.
type pageSteps struct {
	Title string
	Rows  []stepRow
}

// writeHTML writes the report as a page that needs no other file and no network.
func writeHTML(w io.Writer, r report) error {
	is, sentence := r.verdict()
	p := page{Head: text.Head{Kind: "Netskope alerts as UDM events: a preview", Title: "Netskope alerts as UDM events",
		Verdict: is, Sentence: sentence, Remedy: r.remedy(), At: r.at,
		About: []string{text.Clean(strings.Join(r.inputs, ", "))}, Reload: time.Minute, Still: true, CSS: CSS,
		Note: "By Google's published schema and table of the log type " + r.LogType.String() +
			"; Google's own parser is not published and decides alone.",
		Foot: "Written by netskope-alerts " + cli.Version + "."},
		Empty: r.Events == 0, AllRows: len(r.Rows), Whose: provenance(r.LogType.Rows()),
		Beyond: fieldsBeyond(r.LogType)}
	p.Tiles = []text.Tile{
		{Label: "Records read", Value: text.Number(int64(r.Events)), Note: r.read()},
		{Label: "Valid events", Value: text.Number(int64(r.Events - r.Invalid)),
			Note: "by the published schema and rules; Google would refuse " + text.Number(int64(r.Invalid))},
		{Label: "Lost a value", Value: text.Number(int64(r.Dropped)), Note: "that UDM has no place for; the raw log has it"},
		{Label: "Weaker type", Value: text.Number(int64(r.Demoted)), Note: "for want of a field that the type needs"},
		{Label: "Rows used", Value: rowsUsed(r), Note: "of the log type's table"},
		{Label: "Fields that no row reads", Value: text.Number(len(r.Unmapped)), Note: "see below"},
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

// Explain is what becomes of the alert, the line of an object, and why, by the table of the log
// type that a feed takes. Its error is that of [udm.Map].
func Explain(object string, line int64, alert []byte) (*Explained, error) {
	event, err := udm.Map(alert)
	if err != nil {
		return nil, err
	}
	steps, err := udm.Explain(alert)
	if err != nil {
		return nil, err
	}
	return pageExplainedOf(explained{object: object, line: line, event: event, steps: steps}), nil
}

func pageExplainedOf(e explained) *Explained {
	p := &Explained{LogType: e.event.LogType(), ID: text.Clean(e.event.ID()), Object: text.Clean(e.object),
		Line: text.Number(e.line), Type: e.event.Type(), Fields: eventFields(e.steps), Notes: notesOf(e.steps),
		Unmapped: fieldNames(e.event.Unmapped()), Beyond: fieldsBeyond(e.event.LogType())}
	p.Verdict, p.Sentence = e.state()
	if p.Verdict == text.Fail { // else what is said of each finding is enough
		p.Remedy.Text = "Google would keep the raw log, without an event. " +
			"A parser extension in SecOps (SIEM Settings > Parsers) can set the field that a finding names."
	}
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
	p.Event = Indented(e.event.AppendJSON(nil))
	return p
}

// eventFields are the event's fields by the steps that put them there.
func eventFields(steps []udm.Step) (fields []EventField) {
	for _, s := range steps {
		if s.Outcome != udm.Set && s.Outcome != udm.Same {
			continue
		}
		from := readFrom(s.Row)
		if s.Field != "" {
			from = s.Field
		}
		for _, result := range s.Result {
			fields = append(fields, EventField{target(s.Row), text.Clean(result), s.Row.Name, from})
		}
	}
	slices.SortStableFunc(fields, func(a, b EventField) int { return strings.Compare(a.Path, b.Path) })
	return fields
}

// Indented is the JSON on lines of its own, fit to be shown; what is none is shown as it is.
func Indented(document []byte) string {
	var out bytes.Buffer
	if json.Indent(&out, document, "", "  ") != nil {
		return string(text.Visible(document))
	}
	return string(text.Visible(out.Bytes()))
}
