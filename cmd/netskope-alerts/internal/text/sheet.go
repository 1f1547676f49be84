package text

import (
	"fmt"
	"strings"
)

// Sheet collects a text for a person, as wide as the terminal is. The terminal gets it
// whole.
type Sheet struct {
	Terminal
	out strings.Builder
}

// Flush prints what was collected.
func (p *Sheet) Flush() error {
	_, err := p.Write([]byte(p.out.String()))
	return err
}

// Line adds a line as it is: whoever formats it sees to its width.
func (p *Sheet) Line(format string, arguments ...any) {
	fmt.Fprintf(&p.out, format+"\n", arguments...)
}

// Row is a label and what is to be said of it.
func (p *Sheet) Row(label, format string, arguments ...any) {
	const indent = 13
	p.Line("%s%s", p.Painted(Dim, Fit(label, indent)), Wrapped(fmt.Sprintf(format, arguments...), p.Width, indent))
}

// Heading begins a part of the sheet.
func (p *Sheet) Heading(title string) { p.Line("\n%s", p.Painted(Bold, title)) }

// BarRow is a row of a plot.
type BarRow struct {
	Label   string
	N       int64
	Unknown bool   // n is
	Share   string // of all; may be empty
	Mark    string // behind the bar; at most eight columns unless there is no bar
}

// Bars draws the rows below one another, the longest bar as long as there is room for.
func (p *Sheet) Bars(rows []BarRow) {
	var most int64
	labels, counts, shares := 0, 0, 0
	for _, r := range rows {
		most = max(most, r.N)
		labels, counts, shares = max(labels, Columns(r.Label)), max(counts, len(Number(r.N))), max(shares, len(r.Share))
	}
	labels = min(labels, 32)
	room := max(p.Width-labels-counts-shares-12, 8)
	for _, r := range rows {
		figure := Number(r.N)
		if r.Unknown {
			figure = "-"
		}
		row := fmt.Sprintf("%s  %*s  ", Fit(r.Label, labels), counts, figure)
		if shares > 0 {
			row += fmt.Sprintf("%*s  ", shares, r.Share)
		}
		row += p.Painted(blue, bar(r.N, most, room))
		if r.Mark != "" {
			row += p.Painted(Dim, " "+r.Mark)
		}
		p.Line("%s", strings.TrimRight(row, " "))
	}
}

// PlottedRows are told apart in plots; the others are one.
const PlottedRows = 8

// Plotted are the first rows, fit to be shown, and the sum of the others, whose label
// is empty if there are none.
func Plotted(rows []BarRow) (top []BarRow, others BarRow) {
	for i, r := range rows {
		if i < PlottedRows {
			r.Label = Clean(r.Label)
			top = append(top, r)
		} else {
			others.N += r.N
		}
	}
	if n := len(rows) - PlottedRows; n > 0 {
		others.Label = Count(n, "other type", "other types")
	}
	return top, others
}

// Rows are labels and what is to be said of each, below one another, as wide as the terminal
// is at most.
func (t Terminal) Rows(rows [][2]string) string {
	indent := 0
	for _, row := range rows {
		indent = max(indent, Columns(row[0])+2)
	}
	var out strings.Builder
	for _, row := range rows {
		out.WriteString(Fit(row[0], indent) + Wrapped(row[1], t.Width, indent) + "\n")
	}
	return out.String()
}
