package ndjson

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/ndjsontest"
)

// wide is the text in UTF-16, in the order of bytes that is asked for, with a mark if wanted.
func wide(text string, big, mark bool) string {
	if mark {
		text = "\ufeff" + text
	}
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		high, low := byte(unit>>8), byte(unit)
		if !big {
			high, low = low, high
		}
		out = append(out, high, low)
	}
	return string(out)
}

// TestForm: a content that is no lines of JSON is named as what it is, and what is lines is not,
// however the content arrives.
func TestForm(t *testing.T) {
	const one = `{"_id":"a","result":[1],"timestamp":1,"x":{"result":[2]}}`
	alerts := strings.Repeat(`{"_id":"a","timestamp":1,"pad":"`+strings.Repeat("x", 900)+`"},`, 1000)
	page := `{"ok":1,"result":[` + strings.TrimSuffix(alerts, ",") + "]}"
	for _, test := range []struct {
		text string
		want *Form
	}{
		{"", Empty},
		{`{"ok":1,"result":[{"_id":"a","timestamp":1}]}`, Answer},
		{`{"ok":1,"result":[]}` + "\n", Answer},
		{` {"status":"success","result":[{"_id":"a"}],"wait_time":0}` + "\n" + `{"ok":1,"result":[]}` + "\n", Answer},
		{"\ufeff" + `{"ok":1,"result":[]}`, Answer},
		{"{\n  \"ok\": 1,\n  \"result\": [\n    {\n      \"_id\": \"a\"\n    }\n  ]\n}\n", Answer},
		{page, Answer},
		{page + "\n", Answer},
		{`{"ok":0,"message":"no"}` + "\n", Refused},
		{`{"ok":0,"result":[]}`, Refused},
		{`{"ok":0,"result":[{"_id":"a"}]}` + "\n", Refused},
		{`{"result":[],"ok":false}` + "\n", Refused},
		{"{\n  \"result\": [],\n  \"ok\": 0\n}\n", Refused},
		{"{\n  \"ok\": 0,\n  \"result\": [\n    {\n", Refused},
		{"{\n  \"_id\": \"a\",\n  \"x\": 1\n}\n{\n  \"_id\": \"b\"\n}\n", Pretty},
		{"{\"_id\": \"a\",\r\n \"x\": 1\r\n}\r\n", Pretty},
		{"{\n  \"_id\": \"a\",\n  \"x\": 1", Pretty},
		{"{\n\"_id\": [" + strings.Repeat("\n1,", 200_000), Pretty},
		{`[{"_id":"a"},{"_id":"b"}]`, Array},
		{"[\n  {\n    \"_id\": \"a\"\n  }\n]\n", Array},
		{"[" + alerts, Array},
		{"[]", Array},
		{"<!DOCTYPE html>\n<html><title>Sign in</title>", Markup},
		{"\n <html>", Markup},
		{`<?xml version="1.0"?><Error/>`, Markup},
		{"_id,timestamp,user\na,1,x\nb,2,y\n", Table},
		{"\"_id\";\"timestamp\"\r\n\"a\";\"1\"", Table},
		{"_id\ttimestamp\na\t1\n", Table},
		{wide(one, false, true), UTF16}, {wide(one, true, true), UTF16},
		{wide(one, false, false), UTF16}, {wide(one, true, false), UTF16},
		{"PK\x03\x04rest", Packed}, {"\x28\xb5\x2f\xfdrest", Packed}, {"\x1f\x8b\x08twice", Packed},

		{one, nil}, {one + "\n", nil}, {"\n" + one + "\n", nil}, {"\ufeff" + one + "\n", nil},
		{one + "\n" + one + "\n", nil},
		{alerts[:900] + "\n" + one + "\n", nil}, // a first line that is torn
		{`{"_id":"a","x":[` + "\n" + one + "\n", nil},
		{`{"_id":"a","x":`, nil},
		{`{"_id":"a","x":` + "\n", nil},
		{`{"_id":"a","pad":"` + strings.Repeat("x", 5_000_000) + `"}` + "\n" + one + "\n", nil},
		{"{}\n", nil}, {"{}{}\n", nil}, {"[section]\nname = 1\n", nil}, {"1\n2\n", nil}, {"some text\nand more\n", nil},
		{"\n\n", nil}, {"x", nil}, {"\xff\n", nil},
	} {
		for name, r := range map[string]func(io.Reader) io.Reader{"at once": func(r io.Reader) io.Reader { return r },
			"packed":       func(r io.Reader) io.Reader { return r },
			"in parts":     iotest.HalfReader,
			"with its end": iotest.DataErrReader} {
			text, object := test.text, "x.ndjson"
			if strings.HasPrefix(text, "\x1f") || name == "packed" {
				text, object = ndjsontest.Zipped(text), "x.ndjson.gz"
			}
			s := Source{Name: "x", Object: object, Open: func(context.Context) (io.ReadCloser, error) {
				return io.NopCloser(r(strings.NewReader(text))), nil
			}}
			c, err := s.Content(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got := c.Form()
			if (got == nil) != (test.want == nil) || got != nil && got.Name != test.want.Name {
				t.Errorf("%.60q %s: %+v, want %+v", test.text, name, got, test.want)
			}
			if rest, err := io.ReadAll(c); err != nil || string(rest) != test.text {
				t.Errorf("%.60q %s: %d bytes are left of %d, %v", test.text, name, len(rest), len(test.text), err)
			}
		}
	}
	for line, want := range map[string]string{
		`{"ok":0,"result":"Invalid token"}`:        `says that it failed, with "ok":0`,
		`{"ok":0,"result":[]}`:                     `says that it failed, with "ok":0`,
		`{"ok":"no","result":[{"_id":"a"}]}`:       `says that it failed, with "ok":"no"`,
		`{"ok":1,"result":"nothing","message":""}`: "says that it failed",
		`{"ok":1,"result":[]}`:                     "which lists nothing",
		`{"ok":true,"result":[{"_id":"a"}]}`:       "which has the alerts in its result",
	} {
		if form := AnswerOf([]byte(line)); form == nil || !strings.HasSuffix(form.What, want) {
			t.Errorf("%s: %+v", line, form)
		}
	}
}

// TestFormAsksForNoMore: what can be known of a pipe's first line does not wait for more.
func TestFormAsksForNoMore(t *testing.T) {
	for text, want := range map[string]*Form{"{\"_id\":\"a\"}\n": nil, "[{": Array, "<!": Markup,
		`{"ok":1,"result":[`: Answer, `{"ok":0,"result":[`: Refused} {
		more := errReader{fmt.Errorf("more is asked for")}
		c, err := Source{Open: func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(strings.NewReader(text), more)), nil
		}}.Content(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Form(); (got == nil) != (want == nil) || got != nil && got.Name != want.Name || c.stored.err != nil {
			t.Errorf("%q: %+v, %v", text, got, c.stored.err)
		}
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

// FuzzForm holds that what is said to be sure of a content's beginning stays so, whatever follows.
func FuzzForm(f *testing.F) {
	for _, seed := range []struct{ begin, more string }{
		{"{\n{", "\"a\":1}"}, {"[1", "]"}, {"{\n\"a\":1}", "\n{"}, {"a,b\n1,2\n", "3"}, {"\x00{", ""},
		{"{\"x\":[\n{\"a\":1}", ",\n2]}\n"}, {"{\"x\":[\n{\"a\":1}\n", "{}\n"}, {"{\"result\":[", "x"},
		{"<", "a"}, {"[", "section]"}, {"{\"_id\":1}\n", "a,b\n"}, {"1,2\n3,4", ",5\n"}, {"PK\x03", "\x04"},
	} {
		f.Add([]byte(seed.begin), []byte(seed.more))
	}
	f.Fuzz(func(t *testing.T, begin, more []byte) {
		form, sure := formOf(begin)
		if !sure {
			return
		}
		if then, _ := formOf(append(begin[:len(begin):len(begin)], more...)); (then == nil) != (form == nil) ||
			form != nil && then.Name != form.Name {
			t.Errorf("%q is %+v, and with %q behind it %+v", begin, form, more, then)
		}
	})
}
