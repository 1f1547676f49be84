package main

import (
	"fmt"
	"strings"
)

// sheet collects a text for a person, as wide as the terminal is. The terminal gets it
// whole.
type sheet struct {
	terminal
	out strings.Builder
}

func (p *sheet) flush() error {
	_, err := p.Write([]byte(p.out.String()))
	return err
}

func (p *sheet) line(format string, arguments ...any) {
	fmt.Fprintf(&p.out, format+"\n", arguments...)
}

// row is a label and what is to be said of it.
func (p *sheet) row(label, format string, arguments ...any) {
	const indent = 13
	p.line("%s%s", p.painted(dim, fit(label, indent)), wrapped(fmt.Sprintf(format, arguments...), p.width, indent))
}

func (p *sheet) heading(title string) { p.line("\n%s", p.painted(bold, title)) }

// barRow is a row of a plot.
type barRow struct {
	label   string
	n       int64
	unknown bool   // n is
	share   string // of all; may be empty
	mark    string // behind the bar; at most eight columns unless there is no bar
}

func (p *sheet) bars(rows []barRow) {
	var most int64
	labels, counts, shares := 0, 0, 0
	for _, r := range rows {
		most = max(most, r.n)
		labels, counts, shares = max(labels, columns(r.label)), max(counts, len(number(r.n))), max(shares, len(r.share))
	}
	labels = min(labels, 32)
	room := max(p.width-labels-counts-shares-12, 8)
	for _, r := range rows {
		figure := number(r.n)
		if r.unknown {
			figure = "-"
		}
		row := fmt.Sprintf("%s  %*s  ", fit(r.label, labels), counts, figure)
		if shares > 0 {
			row += fmt.Sprintf("%*s  ", shares, r.share)
		}
		row += p.painted(blue, bar(r.n, most, room))
		if r.mark != "" {
			row += p.painted(dim, " "+r.mark)
		}
		p.line("%s", strings.TrimRight(row, " "))
	}
}

// plottedRows are told apart in plots; the others are one.
const plottedRows = 8

// plotted are the first rows, fit to be shown, and the sum of the others, whose label
// is empty if there are none.
func plotted(rows []barRow) (top []barRow, others barRow) {
	for i, r := range rows {
		if i < plottedRows {
			r.label = clean(r.label)
			top = append(top, r)
		} else {
			others.n += r.n
		}
	}
	if n := len(rows) - plottedRows; n > 0 {
		others.label = count(n, "other type", "other types")
	}
	return top, others
}
