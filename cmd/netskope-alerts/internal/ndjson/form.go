package ndjson

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Form is what a content, or a line of it, is instead of alerts, one on each line.
type Form struct {
	Name string // for programs
	What string // what was seen, following "it" in a sentence
	Do   string // how to make lines of it; FILE is what was read
}

const uncompressed = "unpack it first; of what is compressed only gzip is read"

// The forms that are told apart.
var (
	Empty  = &Form{"empty", "it is empty: there is no line", "look for what should have filled it"}
	Answer = &Form{"api-answer", "it is an answer of the API as it was saved, which has the alerts in its result",
		"make lines of it: jq -c '.result[]' FILE"}
	Refused = &Form{"api-error", "it is an answer of the API that says that it failed",
		"look at what it says, and ask the API again"}
	Pretty = &Form{"pretty-printed", "it is pretty-printed JSON: one value goes over several lines",
		"put each alert on one line: jq -c . FILE"}
	Array = &Form{"json-array", "it is one JSON array, with an alert in each element",
		"make lines of it: jq -c '.[]' FILE"}
	Markup = &Form{"markup", "it is an HTML page, or XML, as a login or a proxy sends it",
		"look at it in a browser, and fetch the alerts again"}
	Table = &Form{"csv", "it is a table, such as CSV, as the tenant's console exports it",
		"fetch the alerts through the API, or with netskope-alerts collect: an export lacks fields"}
	UTF16 = &Form{"utf-16", "it is UTF-16 or UTF-32, as some editors and shells write",
		"write it as UTF-8: iconv -f UTF-16 -t UTF-8 FILE"}
	Packed = &Form{"packed", "it is compressed, or an archive", uncompressed}
)

// Forms are all of them.
var Forms = []*Form{Empty, Answer, Refused, Pretty, Array, Markup, Table, UTF16, Packed}

// BOM is a byte order mark in UTF-8, which is no part of a line.
const BOM = "\ufeff"

// Form is what the content is, by its beginning, or nil if that may be lines of JSON. It reads
// no further than it has to, and consumes nothing.
func (c *Content) Form() *Form {
	for wanted := 1; ; wanted = c.Buffered() + 1 {
		_, err := c.Peek(wanted)
		if err != nil && err != io.EOF {
			return nil // which the reading of its lines meets, too
		}
		begin, _ := c.Peek(c.Buffered())
		form, sure := formOf(begin)
		if sure || err == io.EOF || len(begin) == c.Reader.Size() {
			return form // as far as so much can tell
		}
	}
}

var magics = []struct {
	begin string
	form  *Form
}{
	{"\xff\xfe", UTF16}, {"\xfe\xff", UTF16}, {"\x00\x00\xfe\xff", UTF16},
	{"{\x00", UTF16}, {"\x00{", UTF16}, {"[\x00", UTF16}, {"\x00[", UTF16},
	{"\x1f\x8b", Packed}, {"PK\x03\x04", Packed}, {"\x28\xb5\x2f\xfd", Packed}, {"BZh", Packed},
	{"\xfd7zXZ\x00", Packed}, {"7z\xbc\xaf", Packed}, {"\x04\x22\x4d\x18", Packed},
}

// formOf is the form of a content that begins so, as far as that shows, and whether more of it
// could change that.
func formOf(begin []byte) (form *Form, sure bool) {
	if len(begin) == 0 {
		return Empty, false
	}
	for _, magic := range magics {
		if bytes.HasPrefix(begin, []byte(magic.begin)) {
			return magic.form, true
		}
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(begin, []byte(BOM)), " \t\r\n")
	switch {
	case len(text) == 0:
		return nil, false
	case text[0] == '{':
		return objectForm(text)
	case text[0] == '[':
		return arrayForm(text)
	case text[0] == '<':
		return Markup, true
	}
	return tableForm(text)
}

// objectForm is the form of a text that begins like an object.
func objectForm(text []byte) (form *Form, sure bool) {
	line, rest, ended := bytes.Cut(text, []byte("\n"))
	if ended && json.Valid(line) {
		return AnswerOf(line), true
	}
	if holds, ok := resultOf(text); holds {
		var whole json.RawMessage
		if json.NewDecoder(bytes.NewReader(text)).Decode(&whole) == nil {
			return cmp.Or(AnswerOf(whole), Answer), true
		}
		return cmp.Or(failed(ok), Answer), ok != nil
	}
	if !ended {
		return nil, false
	}
	// Behind a first line that is torn there are alerts, each on a line.
	second, _, whole := bytes.Cut(rest, []byte("\n"))
	if second = bytes.TrimSpace(second); len(second) > len("{}") && second[0] == '{' && json.Valid(second) {
		return nil, whole
	}
	var value json.RawMessage
	values := json.NewDecoder(bytes.NewReader(text))
	switch err := values.Decode(&value); {
	case err == nil && bytes.ContainsRune(value, '\n'):
		return Pretty, true
	case errors.Is(err, io.ErrUnexpectedEOF) && len(bytes.TrimSpace(rest)) > 0:
		return Pretty, false
	case errors.Is(err, io.ErrUnexpectedEOF): // or the last line, torn
		return nil, false
	}
	return nil, true
}

// resultOf reports whether the object, of which the text may be the beginning alone, has an array
// as its result before anything that names an alert, and what it has as ok before that; nil if nothing.
func resultOf(text []byte) (holds bool, ok json.RawMessage) {
	tokens := json.NewDecoder(bytes.NewReader(text))
	if _, err := tokens.Token(); err != nil {
		return false, nil
	}
	for {
		key, err := tokens.Token()
		if err != nil || key == "_id" {
			return false, nil
		}
		if key == "result" {
			value, err := tokens.Token()
			return err == nil && value == json.Delim('['), ok
		}
		var value json.RawMessage
		if tokens.Decode(&value) != nil {
			return false, nil
		}
		if key == "ok" {
			ok = value
		}
	}
}

// failed is [Refused] if an answer with this ok, which may be nil, says that it failed.
func failed(ok json.RawMessage) *Form {
	if ok == nil || string(ok) == "1" || string(ok) == "true" {
		return nil
	}
	form := *Refused
	form.What += fmt.Sprintf(", with \"ok\":%.20s", ok)
	return &form
}

// AnswerOf is [Answer] or [Refused] if the line, which must be JSON, is an answer of the API; nil if
// it is anything else.
func AnswerOf(line []byte) *Form {
	var members map[string]json.RawMessage
	if json.Unmarshal(line, &members) != nil || members["_id"] != nil {
		return nil
	}
	result, ok := members["result"], members["ok"]
	list := len(result) > 0 && result[0] == '['
	switch {
	case list && failed(ok) != nil:
		return failed(ok)
	case list && len(bytes.Trim(result, "[] \t\r\n")) == 0:
		return &Form{Answer.Name, "it is an answer of the API as it was saved, which lists nothing",
			"ask the API for a time in which there were alerts"}
	case list:
		return Answer
	case ok != nil && (result != nil || members["message"] != nil || members["error"] != nil):
		return cmp.Or(failed(ok), Refused)
	}
	return nil
}

// arrayForm is the form of a text that begins like an array: one of objects, or of nothing.
func arrayForm(text []byte) (form *Form, sure bool) {
	switch first := bytes.TrimLeft(text[1:], " \t\r\n"); {
	case len(first) == 0:
		return nil, false
	case first[0] == '{', first[0] == ']':
		return Array, true
	}
	return nil, true
}

// tableForm is the form of a text that begins like no JSON that an alert is: two lines of the
// same number of columns make a table.
func tableForm(text []byte) (form *Form, sure bool) {
	lines := bytes.SplitAfterN(text, []byte("\n"), 3)
	if len(lines) < 2 {
		return nil, false
	}
	for _, comma := range ",;\t" {
		rows := csv.NewReader(strings.NewReader(string(lines[0]) + string(lines[1])))
		rows.Comma = comma
		if all, err := rows.ReadAll(); err == nil && len(all) == 2 && len(all[0]) > 1 {
			return Table, len(lines) > 2
		}
	}
	return nil, len(lines) > 2
}
