package main

import (
	"fmt"
	"strings"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/udm"
)

// udmText prints for a person, as wide as the terminal is.
type udmText struct{ sheet }

// printUDM prints what --explain and --coverage ask for.
func printUDM(t terminal, c *udmCommand, r udmReport) error {
	p := &udmText{sheet{terminal: t}}
	if r.explained != nil {
		p.explain(*r.explained, c.All)
	}
	if c.Coverage {
		if r.explained != nil {
			p.line("")
		}
		p.coverage(r, c.All)
	}
	return p.flush()
}

// printUDMSummary prints the counts that go with events.
func printUDMSummary(t terminal, r udmReport) error {
	p := &udmText{sheet{terminal: t}}
	p.summary(r)
	p.findings(r, summaryRows)
	return p.flush()
}

// summaryRows are how many kinds of findings, and fields, are shown if not all are wanted.
const summaryRows = 20

func (p *udmText) summary(r udmReport) {
	is, sentence := r.verdict()
	p.line("%s  %s", p.word(is), p.painted(bold, wrapped(sentence, p.width, 6)))
	p.row("read", "%s", r.read())
	p.row("events", "%s valid, %s invalid, %s of a weaker type than a row asks for", number(int64(r.Events-r.Invalid)), number(int64(r.Invalid)), number(int64(r.Demoted)))
}

// read says what the events are of.
func (r udmReport) read() string {
	text := fmt.Sprintf("%s of %s, %s", count(r.Lines, "line", "lines"), count(r.Objects, "object", "objects"), size(r.Bytes))
	if r.Unreadable > 0 {
		text += fmt.Sprintf("; %s not readable", number(r.Unreadable))
	}
	if r.Skipped > 0 {
		text += fmt.Sprintf("; %s left out for not being named .ndjson or .ndjson.gz", number(r.Skipped))
	}
	if r.Gone > 0 {
		text += fmt.Sprintf("; %s gone meanwhile", count(r.Gone, "object", "objects"))
	}
	return text
}

// findings is the table of findings by rule, effect and path.
func (p *udmText) findings(r udmReport, most int) {
	if len(r.Findings) == 0 {
		return
	}
	p.heading("Findings")
	var rows [][]string
	for i, f := range r.Findings {
		if i == most {
			rows = append(rows, []string{fmt.Sprintf("and %s more: --coverage --all shows them", count(len(r.Findings)-most, "kind", "kinds"))})
			break
		}
		rows = append(rows, []string{number(int64(f.Count)), string(f.Rule), f.Effect.String(), f.Path})
	}
	p.line("%s", p.table([]column{{head: "count", right: true}, {head: "rule"}, {head: "effect"}, {head: "UDM field"}}, rows))
}

func (p *udmText) coverage(r udmReport, all bool) {
	p.summary(r)
	if r.Events == 0 {
		return
	}
	p.heading("Events per type")
	rows := r.typeRows()
	for i := range rows {
		rows[i].share = share(rows[i].n, int64(r.Events))
	}
	p.bars(rows)
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

func (p *udmText) rows(r udmReport, used []udm.RowCount) {
	p.heading(fmt.Sprintf("Rows of the table that are used, %d of %d", len(used), len(r.Rows)))
	rows := make([][]string, len(used))
	for i, row := range used {
		rows[i] = []string{row.Row.Name, readFrom(row.Row), target(row.Row), number(int64(row.Hits)), share(int64(row.Hits), int64(r.Events))}
	}
	p.line("%s", p.table([]column{{head: "row", least: 5}, {head: "field"}, {head: "UDM field"}, {head: "alerts", right: true}, {head: "share", right: true}}, rows))
}

// idle lists rows, each by its number and the field that it waits for.
func (p *udmText) idle(rows []udm.RowCount) {
	if len(rows) == 0 {
		return
	}
	p.heading(fmt.Sprintf("Rows that are never used, %d", len(rows)))
	names := make([]string, len(rows))
	for i, row := range rows {
		names[i] = row.Row.Name + " " + row.Row.Log
		if row.Row.Log == "N/A" {
			names[i] = row.Row.Name + " to " + target(row.Row)
		}
	}
	p.line("%s", listed(names, p.width))
}

// listed sets the names behind each other, with commas, and breaks none.
func listed(words []string, width int) string {
	var out strings.Builder
	at := 0
	for i, word := range words {
		if i < len(words)-1 {
			word += ","
		}
		switch n := columns(word); {
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

func (p *udmText) unmapped(r udmReport, most int) {
	if len(r.Unmapped) == 0 {
		return
	}
	p.heading(fmt.Sprintf("Fields of the alerts that no row reads, %s", number(len(r.Unmapped))))
	var rows [][]string
	for i, u := range r.Unmapped {
		if i == most {
			rows = append(rows, []string{fmt.Sprintf("and %s more: --all shows them", count(len(r.Unmapped)-most, "field", "fields"))})
			break
		}
		rows = append(rows, []string{clean(u.Path), number(int64(u.Count)), shownExample(u)})
	}
	if r.Full {
		rows = append(rows, []string{fmt.Sprintf("and %s of further fields: %s are told apart", count(int64(r.Uncounted), "value", "values"), number(r.UnmappedLimit))})
	}
	p.line("%s", p.table([]column{{head: "field"}, {head: "values", right: true}, {head: "example"}}, rows))
}

// shownExample is the field's example, if one was not empty.
func shownExample(u udm.Unmapped) string {
	if u.Example == "" {
		return "(always empty)"
	}
	return clean(u.Example)
}
