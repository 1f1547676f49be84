// Package text shows things to people: figures in words, tables and bars on a terminal, and
// the parts that HTML pages share. What it shows of a text that came over the network obeys
// nobody: no terminal acts upon it. It knows nothing of alerts.
package text

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// Terminal is where a command's text goes.
type Terminal struct {
	io.Writer
	Width  int  // columns
	Colour bool // escape codes are understood and wanted
}

// plainWidth is the width, in columns, of what is no terminal or does not tell.
const plainWidth = 80

// TerminalOf finds out what w is. There are colours on a terminal only, and neither if
// NO_COLOR is set and not empty (https://no-color.org) nor if TERM is dumb.
func TerminalOf(w io.Writer, lookup func(string) (string, bool)) Terminal {
	t := Terminal{Writer: w, Width: plainWidth}
	if !IsTerminal(w) {
		return t
	}
	if width, _, err := term.GetSize(int(w.(*os.File).Fd())); err == nil && width > 0 {
		t.Width = width
	}
	unwanted, _ := lookup("NO_COLOR")
	kind, _ := lookup("TERM")
	t.Colour = unwanted == "" && kind != "dumb"
	return t
}

// IsTerminal reports whether the stream is one.
func IsTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// Paint is a style, by the parameters of its ANSI escape code (ECMA-48, 8.3.117).
type Paint string

// The styles that are used.
const (
	Bold   Paint = "1"
	Dim    Paint = "2"
	Red    Paint = "31"
	Green  Paint = "32"
	Yellow Paint = "33"
	blue   Paint = "34"
)

// Painted is the text in the style, if t has colours.
func (t Terminal) Painted(style Paint, text string) string {
	if !t.Colour || text == "" {
		return text
	}
	return "\x1b[" + string(style) + "m" + text + "\x1b[0m"
}

// Verdict is how something is, in a word.
type Verdict string

// The verdicts. They are classes of the pages' style sheet, too.
const (
	Pass Verdict = "pass"
	Warn Verdict = "warn"
	Fail Verdict = "fail"
	Gap  Verdict = "gap" // something is missing
)

// Word is the verdict in its colour, four columns wide.
func (t Terminal) Word(v Verdict) string {
	style := Red
	switch v {
	case Pass:
		style = Green
	case Warn:
		style = Yellow
	}
	return t.Painted(style, Fit(string(v), 4))
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

// WrappedCommand is Wrapped of a command for a shell, which takes it with its line breaks.
func WrappedCommand(command string, width, indent int) string {
	if indent+Columns(command) <= width {
		return command
	}
	return strings.ReplaceAll(Wrapped(command, width-len(` \\`), indent), "\n", " \\\n")
}

// Wrapped breaks the text between words so that no line ends beyond width columns, unless
// a word does. The first line begins at column indent, and the others are indented so.
func Wrapped(text string, width, indent int) string {
	var out strings.Builder
	column := 0
	for i, word := range strings.Fields(text) {
		switch w := Columns(word); {
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
