package netskopetest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
)

// Style is how the JSON of a page is printed. No style changes a string or a
// number; only the space between tokens differs.
type Style int

const (
	// Compact has no space between tokens and serves Alert.JSON as it is,
	// be it valid JSON or not.
	Compact Style = iota
	// Spaced has a space after each comma and colon, as Python's json.dumps.
	Spaced
	// Pretty is indented by four spaces.
	Pretty
)

// layout holds the tokens of the envelope in one style.
type layout struct {
	open, colon, comma, end string // of the envelope
	first, between, last    string // of the result array
}

var layouts = map[Style]layout{
	Compact: {"{", ":", ",", "}", "[", ",", "]"},
	Spaced:  {"{", ": ", ", ", "}", "[", ", ", "]"},
	Pretty:  {"{\n    ", ": ", ",\n    ", "\n}", "[\n        ", ",\n        ", "\n    ]"},
}

// writeTo writes the body of a page: alerts go out as the bytes they are kept
// in, through a buffer large enough to make few large writes of them.
func (p page) writeTo(dst io.Writer, style Style, operationFirst bool) error {
	w := bufio.NewWriterSize(dst, 64<<10)
	l := layouts[style]
	w.WriteString(l.open + `"ok"` + l.colon + "1" + l.comma)
	paging := ""
	if p.operation != "" {
		paging = `"operation"` + l.colon + quote(p.operation) + l.comma + `"wait_time"` + l.colon + p.waitTime
	}
	if operationFirst && paging != "" {
		w.WriteString(paging + l.comma)
		paging = ""
	}
	w.WriteString(`"result"` + l.colon)
	if len(p.order) == 0 {
		w.WriteString("[]")
	} else {
		w.WriteString(l.first)
		var scratch bytes.Buffer
		for i, position := range p.order {
			if i > 0 {
				w.WriteString(l.between)
			}
			w.Write(style.print(&scratch, p.alerts[position].JSON))
		}
		w.WriteString(l.last)
	}
	if paging != "" {
		w.WriteString(l.comma + paging)
	}
	w.WriteString(l.end)
	return w.Flush()
}

// print returns an alert in a style, in scratch where it has to be copied.
// What is not valid JSON is returned as it is.
func (style Style) print(scratch *bytes.Buffer, alert []byte) []byte {
	scratch.Reset()
	switch style {
	case Spaced:
		if json.Compact(scratch, alert) == nil {
			return spaced(scratch.Bytes())
		}
	case Pretty:
		if json.Indent(scratch, alert, "        ", "    ") == nil {
			return scratch.Bytes()
		}
	}
	return alert
}

// spaced inserts a space after each comma and colon of compact JSON that
// stands outside a string.
func spaced(compact []byte) []byte {
	out := make([]byte, 0, len(compact)+len(compact)/8)
	inString := false
	for i := 0; i < len(compact); i++ {
		c := compact[i]
		out = append(out, c)
		switch {
		case inString && c == '\\':
			i++
			out = append(out, compact[i])
		case c == '"':
			inString = !inString
		case !inString && (c == ',' || c == ':'):
			out = append(out, ' ')
		}
	}
	return out
}

// quote prints a JSON string that escapes only what JSON says must be.
func quote(s string) string {
	const hex = "0123456789abcdef"
	out := make([]byte, 0, len(s)+2)
	out = append(out, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c == '\n':
			out = append(out, '\\', 'n')
		case c < ' ':
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			out = append(out, c)
		}
	}
	return string(append(out, '"'))
}
