package page

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// element is what a test keeps of an Alert.
type element struct {
	Line                          string
	Object                        bool
	ID, Timestamp, Inserted, Type *string
}

func keep(b []byte) *string {
	if b == nil {
		return nil
	}
	s := string(b)
	return &s
}

// outcome is everything a caller of Read can see.
type outcome struct {
	Elements []element
	Envelope Envelope
	Err      string
}

func read(r *Reader, body io.Reader) (outcome, error) {
	var o outcome
	var err error
	o.Envelope, err = r.Read(body, func(a *Alert) error {
		o.Elements = append(o.Elements, element{
			string(a.Line), a.Object, keep(a.ID), keep(a.Timestamp), keep(a.Inserted), keep(a.Type),
		})
		return nil
	})
	if err != nil {
		o.Err = err.Error()
	}
	return o, err
}

func lines(o outcome) []string {
	var s []string
	for _, e := range o.Elements {
		s = append(s, e.Line)
	}
	return s
}

func TestReadEnvelope(t *testing.T) {
	long := strings.Repeat("x", 508) + "ééé"
	for _, tt := range []struct {
		name, body string
		want       Envelope
	}{
		{"empty object", `{}`, Envelope{}},
		{"empty result", `{"ok":1,"result":[]}`, Envelope{Result: Array, OK: []byte("1")}},
		{"blanks in empty result", " \t\r\n{ \"result\" : [ \n ] } \n", Envelope{Result: Array}},
		{"all members, unknown ones between",
			`{"wait_time": 5, "x": {"result": [1]}, "operation": "a\/b", "result": [{}, {}], "ok": 1, "y": [[]], "status": {"count": 0, "message": "a b"}, "message": null, "success": true}`,
			Envelope{Result: Array, Alerts: 2, Others: 2, WaitTime: []byte("5"), Operation: []byte(`"a\/b"`), OK: []byte("1"),
				Status: []byte(`{"count":0,"message":"a b"}`), Message: []byte("null"), Success: []byte("true")}},
		{"text as result", `{"ok":0,"result":"query failed"}`,
			Envelope{Result: String, ResultValue: []byte(`"query failed"`), OK: []byte("0")}},
		{"object as result", `{"result": {"a": [1, 2]}}`, Envelope{Result: Object, ResultValue: []byte(`{"a":[1,2]}`)}},
		{"null as result", `{"result":null}`, Envelope{Result: Null, ResultValue: []byte(`null`)}},
		{"bool as result", `{"result":false}`, Envelope{Result: Bool, ResultValue: []byte(`false`)}},
		{"number as result", `{"result":-1.5e3}`, Envelope{Result: Number, ResultValue: []byte(`-1.5e3`)}},
		{"long result is cut between characters", `{"result":"` + long + `"}`,
			Envelope{Result: String, ResultValue: []byte(`"` + long[:510])}},
		{"last of a repeated member counts", `{"ok":0,"ok":1}`, Envelope{OK: []byte("1")}},
		{"escaped key", `{"\u0072esult":[1],"o\u006b":1}`, Envelope{Result: Array, Alerts: 1, OK: []byte("1")}},
		{"keys are compared exactly", `{"Result":[1],"OK":1,"ok ":2,"result\u0000":[]}`, Envelope{Others: 4}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, err := read(new(Reader), strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, o.Envelope); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadNotesMembers(t *testing.T) {
	body := `{"result":[
		{"_id":"a\"b", "timestamp":1700000000, "_insertion_epoch_timestamp": 1700000001.5},
		{"x":{"_id":1,"timestamp":2}, "y":[{"_insertion_epoch_timestamp":3}]},
		{"_id":1,"a":2,"_id" : 2 ,"timestamp":{"a": 1},"_insertion_epoch_timestamp":[ ]},
		{"alert_type":"DLP", "n":{"alert_type":1}, "alert_name":"x"},
		{"\u005fid":1,"_ID":2,"timestamps":3,"_id":null},
		[{"_id":1}], "_id", 7, null]}`
	s := func(v string) *string { return &v }
	want := []element{
		{`{"_id":"a\"b","timestamp":1700000000,"_insertion_epoch_timestamp":1700000001.5}`, true, s(`"a\"b"`), s("1700000000"), s("1700000001.5"), nil},
		{`{"x":{"_id":1,"timestamp":2},"y":[{"_insertion_epoch_timestamp":3}]}`, true, nil, nil, nil, nil},
		{`{"_id":1,"a":2,"_id":2,"timestamp":{"a":1},"_insertion_epoch_timestamp":[]}`, true, s("2"), s(`{"a": 1}`), s("[ ]"), nil},
		{`{"alert_type":"DLP","n":{"alert_type":1},"alert_name":"x"}`, true, nil, nil, nil, s(`"DLP"`)},
		{`{"\u005fid":1,"_ID":2,"timestamps":3,"_id":null}`, true, s("null"), nil, nil, nil},
		{`[{"_id":1}]`, false, nil, nil, nil, nil},
		{`"_id"`, false, nil, nil, nil, nil},
		{`7`, false, nil, nil, nil, nil},
		{`null`, false, nil, nil, nil, nil},
	}
	o, err := read(new(Reader), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, o.Elements); diff != "" {
		t.Error(diff)
	}
}

// TestReadNotesTheTypeThatIsAskedFor: the key is a Reader's, from body to body.
func TestReadNotesTheTypeThatIsAskedFor(t *testing.T) {
	body := `{"result":[{"alert_type":"DLP","activity":"Upload","n":{"activity":1}},{"alert_type":"DLP"}]}`
	for key, want := range map[string][]string{"": {`"DLP"`, `"DLP"`}, "activity": {`"Upload"`, ""}} {
		r := &Reader{Type: key}
		for range 2 {
			var got []string
			if _, err := r.Read(strings.NewReader(body), func(a *Alert) error {
				got = append(got, string(a.Type))
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%q: %s", key, diff)
			}
		}
	}
}

// Values that a decoder and encoder would change.
var nasty = []string{
	`{"id":9223372036854775807,"u":18446744073709551615,"n":1.10,"z":-0,"big":1e400,"e":1E+05,"f":-0.0e-0}`,
	`{"url":"https:\/\/example.com\/?a=1&b=<>","s":"\u2028\u2029` + "\u2028\u2029" + `"}`,
	`{"lone":"\ud800","pair":"\ud83d\ude00","nul":"\u0000","hex":"\uABcd"}`,
	`{"a":1,"a":2,"":3,"":{}}`,
	`{"quotes":"\"\\\"","end":"\\"}`,
	"{\"bytes\":\"\x80\xff\xc3\",\"del\":\"\x7f\"}",
	`{ "spaces" : " a  b\t\n " , "l" : [ 1 , 2 , [ ] , { } , [ [ ] , "x y" ] ] }`,
	"{\r\n\t\"pretty\" :\r\n\t\t[\r\n        true ,\tfalse,null\r\n\t]\r\n}",
	`"text with spaces"`, `""`, `-0`, `[]`, `{}`, `[ ]`, `{ }`, `null`, `true`, `0`, `[[[[]]],{"a":{"b":{}}}]`,
	`{"long":"` + strings.Repeat("abcdefgh", 40) + `", "n": ` + strings.Repeat("7", 70) + `}`,
}

func TestReadKeepsBytes(t *testing.T) {
	for _, sep := range []string{",", " , ", "\n,\r\n\t"} {
		o, err := read(new(Reader), strings.NewReader(`{"result":[`+strings.Join(nasty, sep)+`]}`))
		if err != nil {
			t.Fatal(err)
		}
		if len(o.Elements) != len(nasty) {
			t.Fatalf("%d elements, want %d", len(o.Elements), len(nasty))
		}
		for i, e := range o.Elements {
			var want bytes.Buffer
			if err := json.Compact(&want, []byte(nasty[i])); err != nil {
				t.Fatal(err)
			}
			if e.Line != want.String() {
				t.Errorf("element %d is\n%q, want\n%q", i, e.Line, want.String())
			}
		}
	}
}

func TestReadCompactsPartsOfAnyLength(t *testing.T) {
	var want []string
	body := `{"result":[`
	for n := range 100 {
		s := strings.Repeat("0123456789", 10)[:n]
		want = append(want, `{"`+s+`":"`+s+`","n":[1`+s+`,"`+s+`"]}`)
		body += "{\"" + s + "\" : \"" + s + "\", \"n\":\n" + strings.Repeat(" ", n) + "[1" + s + ",\r\n\t\"" + s + "\" ] } ,"
	}
	o, err := read(new(Reader), strings.NewReader(strings.TrimSuffix(body, ",")+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, lines(o)); diff != "" {
		t.Error(diff)
	}
}

func TestReadInvalid(t *testing.T) {
	// Each value is invalid as an element, as a member of an element and as a
	// member of the body; offset is where in the value.
	for _, tt := range []struct {
		value  string
		offset int64
	}{
		{`01`, 1}, {`-`, 1}, {`-01`, 2}, {`--1`, 1}, {`+1`, 0}, {`1.`, 2}, {`.5`, 0}, {`1.2.3`, 3},
		{`1e`, 2}, {`1e+`, 3}, {`1.e5`, 2}, {`1e5.2`, 3}, {`1x`, 1}, {`0x10`, 1}, {`123456789012345678x`, 18},
		{`1_000`, 1}, {`1:2`, 1}, {`1/2`, 1}, {`1.5:2`, 3}, {`12345678:`, 8},
		{`NaN`, 0}, {`Infinity`, 0}, {`-Infinity`, 1},
		{`nul`, 3}, {`nulL`, 3}, {`True`, 0}, {`truth`, 3}, {`trueish`, 4}, {`falsE`, 4},
		{`'a'`, 0}, {`"\x41"`, 2}, {`"\u12G4"`, 5}, {`"\u123"`, 6}, {`"\u` + "\x00\x00\x00\x00" + `"`, 3},
		{`"\U0041"`, 2}, {`"\'"`, 2}, {`"\a"`, 2}, {`"\v"`, 2}, {`"\0"`, 2},
		{`"\u@123"`, 3}, {`"\u/123"`, 3}, {`"\u123g"`, 6}, {`"\u123` + "`" + `"`, 6}, {`"\u:000"`, 3},
		{"\"a\x00\"", 2}, {"\"a\nb\"", 2}, {"\"a\tb\"", 2}, {"\"12345678\x1f\"", 9}, {"\"\xe9\x01\"", 2}, {"\"\\\n\"", 2},
		{`{"a":1,}`, 7}, {`{,}`, 1}, {`{"a"}`, 4}, {`{"a" 1}`, 5}, {`{"a":}`, 5}, {`{"a"::1}`, 5}, {`{"a":1 "b":2}`, 7},
		{`{a:1}`, 1}, {`{1:1}`, 1}, {`{"a":1]`, 6}, {`{"a":[}`, 6}, {`{"a\z":1}`, 4}, {"{\"\x02\":1}", 2},
		{`[1,]`, 3}, {`[,1]`, 1}, {`[1 2]`, 3}, {`[1}`, 2}, {`[1,,2]`, 3}, {`[[1]}`, 4}, {`[1/**/]`, 2},
		{"[1,\x002]", 3}, {"[\v]", 1}, {"[\f1]", 1}, {"[\u00a01]", 1}, {"[1\x00]", 2},
		{"\x00", 0}, {"1\x00", 1}, {"", 0},
	} {
		for _, around := range [][2]string{
			{`{"result":[`, `]}`}, {`{"result":[{},`, `,{}]}`}, {`{"result":[{"x":`, `}]}`}, {`{"result":[[0,`, `,1]]}`},
			{`{"x":`, `}`}, {`{"ok":`, `,"result":[]}`}, {`{"result":`, `}`},
		} {
			if tt.value == "" && around[0] == `{"result":[` {
				continue // an empty array
			}
			body := around[0] + tt.value + around[1]
			o, err := read(new(Reader), strings.NewReader(body))
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Errorf("%q: error %v", body, err)
				continue
			}
			if want := int64(len(around[0])) + tt.offset; syntax.Offset != want {
				t.Errorf("%q: offset %d, want %d: %s", body, syntax.Offset, want, syntax.Reason)
			}
			if n := o.Envelope.Alerts; n > 2 || n != len(o.Elements) {
				t.Errorf("%q: %d elements of %d handed over", body, len(o.Elements), n)
			}
			if json.Valid([]byte(body)) {
				t.Errorf("%q is valid", body)
			}
		}
	}
}

func TestReadInvalidBody(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		offset     int64
		reason     string
	}{
		{"array", `[]`, 0, "not an object"},
		{"text", `"result"`, 0, "not an object"},
		{"null", `null`, 0, "not an object"},
		{"HTML", "\n<!DOCTYPE html><html>", 1, "HTML"},
		{"byte order mark", "\xEF\xBB\xBF{}", 0, "byte order mark"},
		{"UTF-16", "\xFF\xFE{\x00}\x00", 0, "UTF-16"},
		{"UTF-16 big endian", "\xFE\xFF\x00{\x00}", 0, "UTF-16"},
		{"other byte 0xEF", "\xEF\xBB", 0, "not an object"},
		{"trailing object", `{"result":[]} {}`, 14, "after the outer object"},
		{"trailing byte 0", "{}\n\x00", 3, "after the outer object"},
		{"trailing brace", `{}}`, 2, "after the outer object"},
		{"second result", `{"result":[1],"result":[2]}`, 14, "second"},
		{"second result after none", `{"result":null,"ok":1, "result":[2]}`, 23, "second"},
		{"second result, escaped", `{"result":[1],"\u0072esult":[2]}`, 14, "second"},
		{"comma before a key", `{,"result":[]}`, 1, "key"},
		{"comma at the end", `{"result":[],}`, 13, "key"},
		{"no comma", `{"ok":1 "result":[]}`, 8, "after a member"},
		{"no colon", `{"ok" 1}`, 6, "after a key"},
		{"comma in empty result", `{"result":[,]}`, 11, "value"},
		{"comma at the end of result", `{"result":[{},]}`, 14, "value"},
		{"result closed with a brace", `{"result":[{}}`, 13, "after an element"},
		{"objects without comma", `{"result":[{}{}]}`, 13, "after an element"},
		{"byte 0 first", "\x00{}", 0, "not an object"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := read(new(Reader), strings.NewReader(tt.body))
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("error %v", err)
			}
			if syntax.Offset != tt.offset || !strings.Contains(syntax.Reason, tt.reason) {
				t.Errorf("byte %d: %s; want %d: %s", syntax.Offset, syntax.Reason, tt.offset, tt.reason)
			}
		})
	}
}

func TestReadDepth(t *testing.T) {
	nested := func(n int) string { // n containers in all, of both kinds
		return `{"result":[` + strings.Repeat(`[{"a":`, n/2-1) + `0` + strings.Repeat(`}]`, n/2-1) + `]}`
	}
	if _, err := read(new(Reader), strings.NewReader(nested(maxDepth))); err != nil {
		t.Errorf("%d containers: %v", maxDepth, err)
	}
	for _, body := range []string{
		nested(maxDepth + 2), `{"result":[` + strings.Repeat(`[`, maxDepth-1),
		`{"x":` + strings.Repeat(`[`, maxDepth), `{"x":` + strings.Repeat(`[`, 1e6),
	} {
		_, err := read(new(Reader), strings.NewReader(body))
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || syntax.Reason != tooDeep {
			t.Errorf("%.20s: error %v", body, err)
		}
	}
	// The kinds of the containers are remembered beyond 64 of them.
	body := `{"x":` + strings.Repeat(`[`, 100) + strings.Repeat(`{"a":`, 100) + `1` +
		strings.Repeat(`}`, 100) + strings.Repeat(`]`, 99) + `}`
	if _, err := read(new(Reader), strings.NewReader(body)); err == nil {
		t.Error("array closed with a brace accepted")
	}
}

func TestReadStopsAtEachError(t *testing.T) {
	refused := errors.New("refused")
	body := iotest.OneByteReader(strings.NewReader(`{"result":[1,2,3]}`))
	calls := 0
	e, err := new(Reader).Read(body, func(*Alert) error {
		calls++
		if calls == 2 {
			return refused
		}
		return nil
	})
	if err != refused {
		t.Errorf("error %v", err)
	}
	if calls != 2 || e.Alerts != 2 {
		t.Errorf("%d calls, %d alerts, want 2", calls, e.Alerts)
	}
	if rest, _ := io.ReadAll(body); !strings.HasSuffix(string(rest), "3]}") {
		t.Errorf("read on up to %q", rest)
	}
}

func TestAlertSlicesAreIndependent(t *testing.T) {
	n := 0
	_, err := new(Reader).Read(strings.NewReader(`{"result":[{"_id":1},{"_id":2}, {"_id": 3}]}`), func(a *Alert) error {
		n++
		for _, b := range [][]byte{a.Line, a.ID} {
			for i := range b {
				b[i] = '#'
			}
			_ = append(b, "overwritten?"...)
		}
		return nil
	})
	if err != nil || n != 3 {
		t.Errorf("%d elements, error %v", n, err)
	}
}

func TestKindString(t *testing.T) {
	for k, want := range map[Kind]string{
		Absent: "absent", Null: "null", Bool: "bool", Number: "number", String: "string",
		Array: "array", Object: "object", 9: "Kind(9)",
	} {
		if got := k.String(); got != want {
			t.Errorf("%d is %q, want %q", k, got, want)
		}
	}
}
