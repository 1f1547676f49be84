package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
)

// TestJSONIsObeyedByNobody: what came over the network is in JSON as escapes where a terminal would
// act upon it, and means the same.
func TestJSONIsObeyedByNobody(t *testing.T) {
	const hostile = "a\u202eb\x1b[31m\u009b\u200bc\u00a0\n\xff<größer>"
	for name, write := range map[string]func(*bytes.Buffer) error{
		"document": func(b *bytes.Buffer) error { return WriteJSON(b, map[string]string{"kind": hostile}) },
		"line":     func(b *bytes.Buffer) error { return WriteLine(b, "kind", hostile) },
	} {
		var out bytes.Buffer
		if err := write(&out); err != nil {
			t.Fatal(err)
		}
		var back map[string]string
		if err := json.Unmarshal(out.Bytes(), &back); err != nil || back["kind"] != strings.ToValidUTF8(hostile,
			"\ufffd") {
			t.Errorf("%s: %q, %v", name, back, err)
		}
		if strings.ContainsFunc(strings.ReplaceAll(out.String(), "\n", ""),
			func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%s: %q", name, out.String())
		}
	}
}
