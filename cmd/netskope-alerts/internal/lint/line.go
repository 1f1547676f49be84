package lint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/ndjson"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/page"
)

// finding is a place where a rule is not kept.
type finding struct {
	Object string `json:"object"`
	Line   int64  `json:"line,omitempty"`   // from 1; 0 where it is about the object
	Column int64  `json:"column,omitempty"` // byte of the line, from 1
	Byte   int64  `json:"byte"`             // of the content, unpacked, from 0; of the object for rules gzip-
	Rule   rule   `json:"rule"`
	What   string `json:"what"`
	Do     string `json:"do"`
}

// lineLint judges lines one by one.
type lineLint struct {
	limit  int64 // bytes of a line
	ids    *ndjson.IDSet
	found  func(of rule, column int64, what string) // column from 1
	reader page.Reader
	body   lineBody
	id     []byte // of the line that was parsed last
	object bool   // that line is an object
	alert  bool   // it has something by which an alert is known
	whole  bool   // that line is one element, byte for byte
}

// lineBody is a page's body with the line as its result.
type lineBody struct {
	line []byte
	rest [3][]byte
}

func (b *lineBody) reset(line []byte) {
	b.line, b.rest = line, [3][]byte{bodyBegin, line, bodyEnd}
}

var bodyBegin, bodyEnd = []byte(`{"result":[`), []byte(`]}`)

func (b *lineBody) Read(p []byte) (n int, err error) {
	for i := range b.rest {
		m := copy(p[n:], b.rest[i])
		b.rest[i] = b.rest[i][m:]
		n += m
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// judge reports what is wrong with the line; it may be nothing.
func (l *lineLint) judge(at ndjson.Line) {
	content, skipped := at.Text, int64(0)
	if at.Long {
		l.found(ruleLineSize, 1, fmt.Sprintf("the line has %s bytes, of %s at most", text.Number(at.Size),
			text.Number(l.limit)))
		return
	}
	if at.Number == 1 && bytes.HasPrefix(content, []byte(ndjson.BOM)) {
		l.found(ruleBOM, 1, "the object begins with a byte order mark")
		content, skipped = content[len(ndjson.BOM):], int64(len(ndjson.BOM))
	}
	if len(bytes.Trim(content, " \t\r")) == 0 {
		l.found(ruleEmptyLine, 1, "the line is empty")
		return
	}
	if i := bytes.IndexByte(content, '\r'); i >= 0 {
		l.found(ruleCR, skipped+int64(i)+1, "there is a carriage return")
	}
	if i := invalidUTF8(content); i >= 0 {
		l.found(ruleUTF8, skipped+int64(i)+1, fmt.Sprintf("byte 0x%02x is not UTF-8", content[i]))
	}
	if i := bytes.IndexByte(content, 0); i >= 0 {
		l.found(ruleNUL, skipped+int64(i)+1, "there is a NUL byte")
		return // which is why it is not JSON
	}
	if !l.parse(content, skipped) {
		return
	}
	if !l.alert {
		if form := ndjson.AnswerOf(content); form != nil {
			l.found(rule(form.Name), skipped+1, form.What)
		} else {
			l.found(ruleNoAlert, skipped+1, "it is an object, but no alert")
		}
	}
	if len(l.id) > 0 && l.ids.Seen(l.id) {
		l.found(ruleDuplicate, 1, fmt.Sprintf("an earlier line has the same _id, %s", text.Clean(shown(l.id))))
	}
}

// parse reports whether the text is one JSON object; l.id is then the text of its _id.
func (l *lineLint) parse(text []byte, skipped int64) bool {
	l.id, l.object, l.whole = l.id[:0], false, false
	l.alert = false
	l.body.reset(text)
	_, err := l.reader.Read(&l.body, l.element)
	// An element that is the text, byte for byte, proves it valid. A text with white space
	// in it, or one that ends the array by itself, is for encoding/json to judge.
	if err != nil || !l.whole {
		if column, what := invalidJSON(text); what != "" {
			l.found(ruleJSON, skipped+column, what)
			return false
		}
		l.object = bytes.TrimLeft(text, " \t\r")[0] == '{'
	}
	if !l.object {
		l.found(ruleObject, skipped+1, "it is JSON, but no object")
	}
	return l.object
}

// element takes the line as the page's reader has it.
func (l *lineLint) element(a *page.Alert) error {
	l.object, l.whole = a.Object, bytes.Equal(a.Line, l.body.line)
	l.alert = a.ID != nil || a.Timestamp != nil || a.Inserted != nil || a.Type != nil
	if l.id = l.id[:0]; alert.HasID(a) {
		l.id = append(l.id, alert.Identity(a)...)
	}
	return nil
}

// invalidJSON says what is wrong with the text, and at which byte, from 1.
func invalidJSON(text []byte) (column int64, what string) {
	if json.Valid(text) {
		return 0, ""
	}
	var whole json.RawMessage
	err := json.Unmarshal(text, &whole)
	syntax := (*json.SyntaxError)(nil)
	if !errors.As(err, &syntax) {
		return 1, "it is not JSON"
	}
	return max(syntax.Offset, 1), "it is not one JSON value: " + syntax.Error()
}

// invalidUTF8 is the index of the first byte that is not UTF-8, or -1.
func invalidUTF8(text []byte) int {
	if utf8.Valid(text) {
		return -1
	}
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// shown is the beginning of a text that may be long.
func shown(text []byte) string {
	if len(text) > 64 {
		return string(text[:64]) + "…"
	}
	return string(text)
}
