package udm

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// kind is the JSON type of a value. Null, "", [] and {} are absent: the original's
// rows are "Mapped when result != “".
type kind uint8

const (
	absent kind = iota
	text
	number
	boolean
	list
	object
)

func (k kind) String() string {
	return [...]string{"nothing", "a string", "a number", "a boolean", "a list", "an object"}[k]
}

// value is the JSON text of one value of the alert.
type value struct {
	kind kind
	raw  string
}

func valueOf(raw string) value {
	switch c := raw[0]; {
	case c == '"' && raw != `""`:
		return value{text, raw}
	case c == 't' || c == 'f':
		return value{boolean, raw}
	case c == '-' || c >= '0' && c <= '9':
		return value{number, raw}
	case c == '[' && !isEmpty(raw):
		return value{list, raw}
	case c == '{' && !isEmpty(raw):
		return value{object, raw}
	}
	return value{}
}

func isEmpty(container string) bool {
	i := space(container, 1)
	return container[i] == ']' || container[i] == '}'
}

// scalar is the text of a string, number or boolean, a number with the digits that it
// has in the alert.
func (v value) scalar() string {
	if v.kind == text {
		return unquote(v.raw)
	}
	return v.raw
}

// show is the value as a message quotes it: shortened, on one line.
func (v value) show() string {
	if v.kind == absent {
		return ""
	}
	return shorten(v.scalar(), 80)
}

// shorten cuts s behind at most n bytes, at a character.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

func unquote(raw string) string {
	inner := raw[1 : len(raw)-1]
	if strings.IndexByte(inner, '\\') < 0 && utf8.ValidString(inner) {
		return inner
	}
	var s string
	_ = json.Unmarshal([]byte(raw), &s) // raw is a string of valid JSON
	return s
}

// The functions below walk JSON that json.Valid has accepted.

func space(s string, i int) int {
	for s[i] == ' ' || s[i] == '\n' || s[i] == '\t' || s[i] == '\r' {
		i++
	}
	return i
}

// skip returns the position behind the value that begins at s[i].
func skip(s string, i int) int {
	switch s[i] {
	case '"':
		return skipString(s, i)
	case '{', '[':
		depth := 0
		for {
			switch s[i] {
			case '"':
				i = skipString(s, i)
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
			i++
		}
	}
	for ; i < len(s); i++ {
		switch s[i] {
		case ',', '}', ']', ' ', '\n', '\t', '\r':
			return i
		}
	}
	return i
}

func skipString(s string, i int) int {
	for i++; ; i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
}

// members calls yield for each member of the object that s begins with.
func members(s string, yield func(key, raw string)) {
	i := space(s, 0) + 1
	for {
		i = space(s, i)
		if s[i] == '}' {
			return
		}
		if s[i] == ',' {
			i = space(s, i+1)
		}
		end := skipString(s, i)
		key := unquote(s[i:end])
		i = space(s, end) + 1 // the colon
		i = space(s, i)
		end = skip(s, i)
		yield(key, s[i:end])
		i = end
	}
}

// elements calls yield for each element of the list that s begins with.
func elements(s string, yield func(raw string)) {
	i := 1
	for {
		i = space(s, i)
		if s[i] == ']' {
			return
		}
		if s[i] == ',' {
			i = space(s, i+1)
		}
		end := skip(s, i)
		yield(s[i:end])
		i = end
	}
}
