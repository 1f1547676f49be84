package preview

import (
	"fmt"
	"strings"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/udm"
)

// sheet prints for a person, as wide as the terminal is.
type sheet struct{ text.Sheet }

// writeText prints what --explain and --coverage ask for.
func writeText(t text.Terminal, c *Command, r report) error {
	p := &sheet{text.Sheet{Terminal: t}}
	if r.explained != nil {
		p.explain(*r.explained, c.All)
	}
	if c.Coverage {
		if r.explained != nil {
			p.Line("")
		}
		p.coverage(r, c.All)
	}
	return p.Flush()
}

// writeSummary prints the counts that go with events.
func writeSummary(t text.Terminal, r report) error {
	p := &sheet{text.Sheet{Terminal: t}}
	p.summary(r)
	p.findings(r, summaryRows)
	return p.Flush()
}

// summaryRows are how many kinds of findings, and fields, are shown if not all are wanted.
const summaryRows = 20

func (p *sheet) summary(r report) {
	is, sentence := r.verdict()
	p.Line("%s  %s", p.Word(is), p.Painted(text.Bold, text.Wrapped(sentence, p.Width, 6)))
	p.Row("log type", "%s", r.LogType)
	p.Row("read", "%s", r.read())
	if r.Unreadable > 0 {
		p.Row("", "netskope-alerts lint says what is wrong with each line, and what a feed does with it")
	}
	p.Row("events", "%s valid, %s invalid", text.Number(int64(r.Events-r.Invalid)), text.Number(int64(r.Invalid)))
	if flaws := r.flaws(); flaws != "" && is == text.Fail { // else the sentence has them
		p.Row("", "%s", flaws)
	}
}

// read says what the events are of.
func (r report) read() string {
	sentence := fmt.Sprintf("%s of %s, %s", text.Count(r.Lines, "line", "lines"),
		text.Count(r.Objects, "object", "objects"), text.Size(r.Bytes))
	if r.Unreadable > 0 {
		sentence += fmt.Sprintf("; %s not readable", text.Number(r.Unreadable))
	}
	if r.Skipped > 0 {
		sentence += fmt.Sprintf("; %s left out for not being named .ndjson or .ndjson.gz", text.Number(r.Skipped))
	}
	if r.Gone > 0 {
		sentence += fmt.Sprintf("; %s gone meanwhile", text.Count(r.Gone, "object", "objects"))
	}
	return sentence
}

// findings is the table of findings by rule, effect, path and field, with their values and
// what to do about them.
func (p *sheet) findings(r report, most int) {
	if len(r.Findings) == 0 {
		return
	}
	p.Heading("Findings, and what to do")
	var rows [][]string
	for i, f := range r.Findings {
		if i == most {
			rows = append(rows, []string{fmt.Sprintf("and %s more: --coverage --all shows them",
				text.Count(len(r.Findings)-most, "kind", "kinds"))})
			break
		}
		rows = append(rows, []string{text.Number(int64(f.Count)), string(f.Rule), f.Effect.String(), findingCell(f)})
	}
	p.Line("%s", p.Table([]text.Column{{Head: "count", Right: true}, {Head: "rule"}, {Head: "effect"},
		{Head: "UDM field, the values, what to do"}}, rows))
}

func findingCell(f udm.FindingCount) string {
	cell := f.Path + " from " + f.Field
	if values := topValues(f); values != "" {
		cell += "\n" + values
	}
	return cell + "\n" + f.Remedy
}

func (p *sheet) coverage(r report, all bool) {
	p.summary(r)
	if r.Events == 0 {
		return
	}
	p.Heading("Events per type")
	rows := r.typeRows()
	for i := range rows {
		rows[i].Share = text.Share(rows[i].N, int64(r.Events))
	}
	p.Bars(rows)
	p.findings(r, limitOf(all))
	used, idle := r.usedRows()
	p.rows(r, used)
	p.idle(idle)
	p.unmapped(r, limitOf(all))
}

func limitOf(all bool) int {
	if all {
		return -1
	}
	return summaryRows
}

func (p *sheet) rows(r report, used []udm.RowCount) {
	p.Heading(fmt.Sprintf("Rows of the table that are used, %d of %d", len(used), len(r.Rows)))
	p.Line("%s", text.Wrapped(provenance(r.LogType.Rows()), p.Width, 0))
	if len(used) == 0 {
		return
	}
	rows := make([][]string, len(used))
	for i, row := range used {
		rows[i] = []string{row.Row.Name, readFrom(row.Row), target(row.Row), text.Number(int64(row.Hits)),
			text.Share(int64(row.Hits), int64(r.Events))}
	}
	p.Line("%s", p.Table([]text.Column{{Head: "row", Least: 5}, {Head: "field"}, {Head: "UDM field"},
		{Head: "records", Right: true}, {Head: "share", Right: true}}, rows))
}

// idle lists rows, each by its number and the field that it waits for.
func (p *sheet) idle(rows []udm.RowCount) {
	if len(rows) == 0 {
		return
	}
	p.Heading(fmt.Sprintf("Rows that are never used, %d", len(rows)))
	names := make([]string, len(rows))
	for i, row := range rows {
		names[i] = row.Row.Name + " " + row.Row.Log
		if row.Row.Log == "N/A" {
			names[i] = row.Row.Name + " to " + target(row.Row)
		}
	}
	p.Line("%s", listed(names, p.Width))
}

// listed sets the names behind each other, with commas, and breaks none.
func listed(words []string, width int) string {
	var out strings.Builder
	at := 0
	for i, word := range words {
		if i < len(words)-1 {
			word += ","
		}
		switch n := text.Columns(word); {
		case i == 0:
			at = n
		case at+1+n > width:
			out.WriteByte('\n')
			at = n
		default:
			out.WriteByte(' ')
			at += 1 + n
		}
		out.WriteString(word)
	}
	return out.String()
}

func (p *sheet) unmapped(r report, most int) {
	if len(r.Unmapped) == 0 {
		return
	}
	p.Heading(fmt.Sprintf("Fields that no row reads, %s", text.Number(len(r.Unmapped))))
	p.Line("%s", text.Wrapped(fieldsBeyond(r.LogType), p.Width, 0))
	var rows [][]string
	for i, u := range r.Unmapped {
		if i == most {
			rows = append(rows, []string{fmt.Sprintf("and %s more: --all shows them",
				text.Count(len(r.Unmapped)-most, "field", "fields"))})
			break
		}
		rows = append(rows, []string{text.Clean(u.Path), text.Number(int64(u.Count)), shownExample(u)})
	}
	if r.Full {
		rows = append(rows, []string{fmt.Sprintf("and %s of further fields: %s are told apart",
			text.Count(int64(r.Uncounted), "value", "values"), text.Number(r.UnmappedLimit))})
	}
	p.Line("%s", p.Table([]text.Column{{Head: "field"}, {Head: "values", Right: true}, {Head: "example"}}, rows))
}

// shownExample is the field's example, if one was not empty.
func shownExample(u udm.Unmapped) string {
	if u.Example == "" {
		return "(always empty)"
	}
	return text.Clean(u.Example)
}
