package udm

import (
	"strings"
	"unicode/utf8"
)

// place is where a field of schema stands in the JSON of an event.
type place struct {
	parents []string // the objects around it
	name    string
}

// places are by the index of a field in schema.
var places = func() []place {
	places := make([]place, len(schema))
	for i, f := range schema {
		// In JSON a google.protobuf.Struct is the object itself, without "fields".
		segments := strings.Split(strings.TrimSuffix(f.path, ".fields"), ".")
		if f.form == formMember {
			segments = append(segments, "")
		}
		places[i] = place{segments[:len(segments)-1], segments[len(segments)-1]}
	}
	return places
}()

// isList reports whether an object of the schema is the one element of a list.
func isList(name string) bool { return name == "security_result" }

// AppendJSON appends the event as one line of NDJSON, without the newline, and returns
// the longer slice.
//
// It is the JSON of a protocol buffer of type backstory.UDM, as events.import takes it
// under "udm" (chronicle.googleapis.com, {"inlineSource":{"events":[{"udm":…}]}}), with
// the names of the schema: event_type, as in Google's table, in searches, and in the
// examples of Google's own SDK. A protobuf JSON parser takes those as well as the
// lowerCamelCase names in which Google's API answers. 64-bit integers are strings, as
// protobuf JSON prints them, so that no reader rounds them.
func (e Event) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	var open []string
	for i := 0; i < len(e.entries); {
		slot := e.entries[i].slot
		end := i + 1
		for end < len(e.entries) && e.entries[end].slot == slot {
			end++
		}
		f, p := &schema[slot], &places[slot]
		dst, open = enter(dst, open, p.parents)
		dst = f.append(dst, p.name, e.entries[i:end], e.logType.table().rows)
		i = end
	}
	dst, _ = enter(dst, open, nil)
	return append(dst, '}')
}

// JSON is what [Event.AppendJSON] appends.
func (e Event) JSON() []byte { return e.AppendJSON(nil) }

// enter closes and opens objects until those of path are open.
func enter(dst []byte, open, path []string) ([]byte, []string) {
	same := 0
	for same < len(open) && same < len(path) && open[same] == path[same] {
		same++
	}
	for i := len(open) - 1; i >= same; i-- {
		dst = append(dst, '}')
		if isList(open[i]) {
			dst = append(dst, ']')
		}
	}
	for _, name := range path[same:] {
		dst = appendName(dst, name)
		if isList(name) {
			dst = append(dst, '[')
		}
		dst = append(dst, '{')
	}
	return dst, path
}

func appendName(dst []byte, name string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	return append(appendString(dst, name), ':')
}

// append appends the field's member of its object, with all its values, which are of rows.
func (f *field) append(dst []byte, name string, values []entry, rows []row) []byte {
	if f.form == formMember {
		for _, v := range values {
			dst = appendString(appendName(dst, rows[v.row].key), v.text)
		}
		return dst
	}
	dst = appendName(dst, name)
	if !f.repeated {
		return f.appendValue(dst, values[0], rows)
	}
	dst = append(dst, '[')
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = f.appendValue(dst, v, rows)
	}
	return append(dst, ']')
}

func (f *field) appendValue(dst []byte, v entry, rows []row) []byte {
	switch f.form {
	case formPort, formLatitude, formLongitude:
		return append(dst, v.text...)
	case formLabel:
		dst = appendString(appendName(append(dst, '{'), "key"), rows[v.row].key)
		dst = appendString(appendName(dst, "value"), v.text)
		return append(dst, '}')
	}
	return appendString(dst, v.text)
}

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
			dst = append(append(dst, s[from:i]...), "\uFFFD"...)
		} else {
			dst = append(dst, s[from:i]...)
			if c == '"' || c == '\\' {
				dst = append(dst, '\\', c)
			} else {
				dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
		}
		i++
		from = i
	}
	return append(append(dst, s[from:]...), '"')
}
