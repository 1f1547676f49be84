package text

import "strings"

// Column of a table.
type Column struct {
	Head  string
	Right bool // figures
	Least int  // columns, below which it is not made narrower; 8 if 0, or its head
}

const tableGap = 2

// Table is the rows below the columns' heads, as wide as the terminal is at most: what
// does not fit goes on below, and so does what follows a newline. A row of one cell goes
// over the whole width.
func (t Terminal) Table(columns []Column, rows [][]string) string {
	widths := tableWidths(columns, rows, t.Width)
	var out strings.Builder
	heads := make([]string, len(columns))
	for i, c := range columns {
		heads[i] = c.Head
	}
	t.tableRow(&out, columns, widths, heads, Dim)
	for _, row := range rows {
		if len(row) == 1 {
			out.WriteString(t.Painted(Dim, Wrapped(row[0], t.Width, 0)) + "\n")
			continue
		}
		t.tableRow(&out, columns, widths, row, "")
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// tableWidths takes from the widest column until all fit.
func tableWidths(of []Column, rows [][]string, width int) []int {
	widths, least := make([]int, len(of)), make([]int, len(of))
	sum := tableGap * (len(of) - 1)
	for i, c := range of {
		widths[i] = Columns(c.Head)
		least[i] = max(c.Least, widths[i])
		for _, row := range rows {
			if len(row) > 1 {
				for part := range strings.SplitSeq(row[i], "\n") {
					widths[i] = max(widths[i], Columns(part))
				}
			}
		}
		if c.Least == 0 {
			least[i] = max(least[i], 8)
		}
		if c.Right {
			least[i] = widths[i]
		}
		sum += widths[i]
	}
	for ; sum > width; sum-- {
		widest := -1
		for i := range widths {
			if widths[i] > least[i] && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	return widths
}

func (t Terminal) tableRow(out *strings.Builder, of []Column, widths []int, cells []string, style Paint) {
	parts, height := make([][]string, len(cells)), 0
	for i, cell := range cells {
		for part := range strings.SplitSeq(cell, "\n") {
			parts[i] = append(parts[i], broken(part, widths[i])...)
		}
		height = max(height, len(parts[i]))
	}
	for y := range height {
		text := ""
		for i := range of {
			part := ""
			if y < len(parts[i]) {
				part = parts[i][y]
			}
			pad := strings.Repeat(" ", max(widths[i]-Columns(part), 0))
			if of[i].Right {
				part = pad + part
			} else {
				part += pad
			}
			if i > 0 {
				text += strings.Repeat(" ", tableGap)
			}
			text += part
		}
		if text = strings.TrimRight(text, " "); style != "" {
			text = t.Painted(style, text)
		}
		out.WriteString(text + "\n")
	}
}

// broken cuts the text into lines of at most width columns: at a space, or else behind a
// mark that separates, or else anywhere.
func broken(text string, width int) []string {
	var parts []string
	for Columns(text) > width {
		end, at := 0, 0 // at: where it may be cut
		n := 0
		for i, r := range text {
			if n += columnsOf(r); n > width {
				if r == ' ' {
					at = i
				}
				break
			}
			end = i + len(string(r))
			switch {
			case r == ' ':
				at = i
			case strings.ContainsRune("._/,;:@[-=&?", r) && n > width/3:
				at = end
			}
		}
		if at == 0 {
			at = max(end, len(string([]rune(text)[:1])))
		}
		if at == len(text) { // one character that is wider than the column
			break
		}
		parts = append(parts, strings.TrimRight(text[:at], " "))
		text = strings.TrimLeft(text[at:], " ")
	}
	return append(parts, text)
}
