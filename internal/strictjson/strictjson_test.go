package strictjson

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	for _, test := range []struct{ content, problem string }{
		{`{"a":1}`, ""},
		{" {\"a\":1}\n\t ", ""},
		{`{}`, ""},
		{`null`, ""},
		{``, "EOF"},
		{` `, "EOF"},
		{`{"a":1`, "EOF"},
		{`{"a":1}{}`, "follows"},
		{`{"a":1} x`, "follows"},
		{`{"a":1}]`, "follows"},
		{`{"a":1,"b":2}`, `unknown field "b"`},
		{`{"in":{"b":2}}`, `unknown field "b"`},
		{`{"a":"1"}`, "cannot unmarshal"},
		{`[]`, "cannot unmarshal"},
		{"\xef\xbb\xbf{}", "invalid character"},
	} {
		var into struct {
			A  int
			In struct{ A int }
		}
		err := Decode([]byte(test.content), &into)
		if (err == nil) != (test.problem == "") || err != nil && !strings.Contains(err.Error(), test.problem) {
			t.Errorf("%q: %v, want %q", test.content, err, test.problem)
		}
	}
}

// FuzzDecode holds that what is taken is one valid JSON value.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"A":1} `))
	f.Add([]byte(`{"A":1}}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		var into struct{ A int }
		if err := Decode(content, &into); err == nil && !json.Valid(content) {
			t.Errorf("%q is taken", content)
		}
	})
}
