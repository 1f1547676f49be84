package main

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// terminal is where a command's text goes.
type terminal struct {
	io.Writer
	width  int  // columns
	colour bool // escape codes are understood and wanted
}

// plainWidth is the width, in columns, of what is no terminal or does not tell.
const plainWidth = 80

// terminalOf finds out what w is. There are colours on a terminal only, and neither if
// NO_COLOR is set and not empty (https://no-color.org) nor if TERM is dumb.
func terminalOf(w io.Writer, lookup func(string) (string, bool)) terminal {
	t := terminal{Writer: w, width: plainWidth}
	if !isTerminal(w) {
		return t
	}
	if width, _, err := term.GetSize(int(w.(*os.File).Fd())); err == nil && width > 0 {
		t.width = width
	}
	unwanted, _ := lookup("NO_COLOR")
	kind, _ := lookup("TERM")
	t.colour = unwanted == "" && kind != "dumb"
	return t
}

// isTerminal reports whether the stream is one.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// paint is a style, by the parameters of its ANSI escape code (ECMA-48, 8.3.117).
type paint string

const (
	bold   paint = "1"
	dim    paint = "2"
	red    paint = "31"
	green  paint = "32"
	yellow paint = "33"
	blue   paint = "34"
)

// painted is the text in the style, if t has colours.
func (t terminal) painted(style paint, text string) string {
	if !t.colour || text == "" {
		return text
	}
	return "\x1b[" + string(style) + "m" + text + "\x1b[0m"
}

// verdict is how something is, in a word.
type verdict string

const (
	pass verdict = "pass"
	warn verdict = "warn"
	fail verdict = "fail"
	gap  verdict = "gap" // something is missing
)

// word is the verdict in its colour, four columns wide.
func (t terminal) word(v verdict) string {
	style := red
	switch v {
	case pass:
		style = green
	case warn:
		style = yellow
	}
	return t.painted(style, fit(string(v), 4))
}

// bar is a horizontal bar for n, to the nearest eighth of a column, where largest fills
// width columns. What is more than nothing is to be seen.
func bar(n, largest int64, width int) string {
	if n <= 0 || largest <= 0 || width <= 0 {
		return ""
	}
	eighths := int(float64(min(n, largest))/float64(largest)*float64(8*width) + 0.5)
	eighths = max(eighths, 1)
	return strings.Repeat("█", eighths/8) + strings.TrimSpace(string([]rune(" ▏▎▍▌▋▊▉")[eighths%8]))
}

// wrapped breaks the text between words so that no line ends beyond width columns, unless
// a word does. The first line begins at column indent, and the others are indented so.
func wrapped(text string, width, indent int) string {
	var out strings.Builder
	column := 0
	for i, word := range strings.Fields(text) {
		switch w := columns(word); {
		case i == 0:
			column = indent + w
		case column+1+w > width:
			out.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent + w
		default:
			out.WriteByte(' ')
			column += 1 + w
		}
		out.WriteString(word)
	}
	return out.String()
}
