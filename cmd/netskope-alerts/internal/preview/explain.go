package preview

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/udm"
)

// stepRow is what a row of the table did, fit to be shown.
type stepRow struct {
	Row, Field, Value, Path, Result, Note string
	Idle                                  bool // it had nothing, and did nothing
}

func stepRowOf(s udm.Step) stepRow {
	r := stepRow{Row: s.Row.Name, Path: target(s.Row), Idle: s.Field == "" && !s.Outcome.Hit()}
	if r.Field = s.Field; s.Field == "" {
		r.Field = readFrom(s.Row)
	}
	if s.Value != "" {
		r.Value = text.Clean(s.Value)
	}
	r.Note, _, _ = strings.Cut(s.Row.Note, " ")
	switch {
	case len(s.Result) > 0:
		texts := make([]string, len(s.Result))
		for i, result := range s.Result {
			texts[i] = text.Clean(result)
		}
		if r.Result = strings.Join(texts, ", "); s.Outcome != udm.Set {
			r.Result = s.Outcome.String() + ": " + r.Result + ": " + s.Why
		}
	case s.Outcome == udm.Set:
		r.Result = s.Why
	case s.Why != "":
		r.Result = s.Outcome.String() + ": " + s.Why
	default:
		r.Result = s.Outcome.String()
	}
	return r
}

// stepGroup is one row, or a run of rows without anything, of which only First and Last are
// of interest.
type stepGroup struct {
	Rows        []stepRow
	First, Last string
	Idle        int // rows without anything; 0 if Rows is one that has something
}

// stepGroups folds runs of rows without anything.
func stepGroups(steps []udm.Step) (groups []stepGroup) {
	for _, s := range steps {
		r := stepRowOf(s)
		last := len(groups) - 1
		switch {
		case !r.Idle:
			groups = append(groups, stepGroup{Rows: []stepRow{r}, First: r.Row, Last: r.Row})
		case last >= 0 && groups[last].Idle > 0:
			g := &groups[last]
			g.Rows, g.Last, g.Idle = append(g.Rows, r), r.Row, g.Idle+1
		default:
			groups = append(groups, stepGroup{Rows: []stepRow{r}, First: r.Row, Last: r.Row, Idle: 1})
		}
	}
	return groups
}

// folded is what a run of rows is shown as.
func (g stepGroup) folded() string {
	if g.Idle == 1 {
		return fmt.Sprintf("%s: nothing", g.First)
	}
	return fmt.Sprintf("%s to %s: %d rows without anything", g.First, g.Last, g.Idle)
}

// notesOf are the notes of the rows that had something, each once.
func notesOf(steps []udm.Step) (notes [][2]string) {
	seen := map[string]bool{}
	for _, s := range steps {
		name, text, _ := strings.Cut(s.Row.Note, " ")
		if name == "" || seen[name] || stepRowOf(s).Idle {
			continue
		}
		seen[name] = true
		notes = append(notes, [2]string{name, text})
	}
	slices.SortFunc(notes, func(a, b [2]string) int { // A2 before A10
		return cmp.Or(cmp.Compare(len(a[0]), len(b[0])), cmp.Compare(a[0], b[0]))
	})
	return notes
}

// state says of an event whether it would be taken, in a word and a sentence.
func (e explained) state() (text.Verdict, string) {
	switch {
	case !e.event.Valid():
		return text.Fail, "Google would refuse the event."
	case len(e.event.Findings()) > 0:
		return text.Warn, "The event is valid, with findings."
	}
	return text.Pass, "The event is valid."
}

// explain prints what every row did.
func (p *sheet) explain(e explained, all bool) {
	is, sentence := e.state()
	p.Line("%s  %s", p.Word(is), p.Painted(text.Bold, sentence))
	p.Row("alert", "%s", text.Clean(e.event.ID()))
	p.Row("log type", "%s", e.event.LogType())
	p.Row("from", "%s:%d", text.Clean(e.object), e.line)
	p.Row("event type", "%s", e.event.Type())
	for i, f := range e.event.Findings() {
		label := ""
		if i == 0 {
			label = "findings"
		}
		p.Row(label, "%s", text.Clean(strings.TrimPrefix(f.String(), f.Alert+": ")))
		p.Row("", "%s", e.event.Remedy(f))
	}
	p.Line("")
	p.steps(e.steps, all)
	p.Line("\n%s", text.Wrapped(provenance(e.event.LogType().Rows()), p.Width, 0))
	if fields := e.event.Unmapped(); len(fields) > 0 {
		p.Heading(fmt.Sprintf("Fields that no row reads, %s", text.Number(len(fields))))
		p.Line("%s", text.Wrapped(fieldsBeyond(e.event.LogType()), p.Width, 0))
		names := fieldNames(fields)
		for i, name := range names {
			if text.Columns(name) >= p.Width {
				names[i] = text.Fit(name, p.Width-1) // the comma
			}
		}
		p.Line("%s", listed(names, p.Width))
	}
	if notes := notesOf(e.steps); len(notes) > 0 {
		p.Heading("Notes: where Google's page leaves it open")
		for _, n := range notes {
			p.Line("%s %s", text.Fit(n[0], 4), text.Wrapped(n[1], p.Width, 5))
		}
	}
}

func fieldNames(fields []udm.Unmapped) []string {
	names := make([]string, len(fields))
	for i, u := range fields {
		names[i] = text.Clean(u.Path)
	}
	return names
}

// roomy is the width from which on every row of the table has a line for itself.
const roomy = 140

func (p *sheet) steps(steps []udm.Step, all bool) {
	heads := []text.Column{{Head: "row", Least: 5}, {Head: "field"}, {Head: "value"}, {Head: "UDM field"},
		{Head: "result, or why not"}, {Head: "note"}}
	if p.Width < roomy {
		heads = []text.Column{{Head: "row", Least: 5}, {Head: "field, and its value"},
			{Head: "UDM field, and the result or why not"}, {Head: "note"}}
	}
	var rows [][]string
	for _, g := range stepGroups(steps) {
		if g.Idle > 0 && !all {
			rows = append(rows, []string{g.folded()})
			continue
		}
		for _, r := range g.Rows {
			row := []string{r.Row, r.Field, r.Value, r.Path, r.Result, r.Note}
			if p.Width < roomy {
				row = []string{r.Row, strings.TrimSuffix(r.Field+"\n"+r.Value, "\n"), r.Path + "\n" + r.Result, r.Note}
			}
			rows = append(rows, row)
		}
	}
	p.Line("%s", p.Table(heads, rows))
}
