package udm

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// TestDigitsSurvive: what a float64 cannot hold comes out digit for digit.
func TestDigitsSurvive(t *testing.T) {
	for _, digits := range of("9007199254740993", "18446744073709551615", "8638023457299261081", "9223372036854775807",
		"4014571231818143674") {
		event := mapText(t, `{"_id":`+digits+`,"browser_session_id":`+digits+`,"app_session_id":`+digits+
			`,"object_id":`+digits+
			`,"file_size":`+digits+`,"client_bytes":"`+digits+`","cci":`+digits+`}`)
		if got := strings.Count(string(event.JSON()), `"`+digits+`"`); got != 7 {
			t.Errorf("%s is %d times in %s", digits, got, event.JSON())
		}
	}
	for _, digits := range of("48.10", "37.405990600599999", "-2.1e1", "0.1000000000000000055511151231257827") {
		event := mapText(t, `{"src_latitude":`+digits+`,"count":`+digits+`}`)
		for _, want := range of(`"region_latitude":`+digits+`}`, `"count":"`+digits+`"`) {
			if !strings.Contains(string(event.JSON()), want) {
				t.Errorf("no %s in %s", want, event.JSON())
			}
		}
	}
}

func TestStrings(t *testing.T) {
	for raw, want := range map[string]string{
		`"a\"b\\c\/d"`:         `"a\"b\\c/d"`,
		`"\u0000\n\u001f"`:     `"\u0000\u000a\u001f"`,
		`"\ud83c\udf89"`:       `"🎉"`,
		`"half \ud83c."`:       `"half �."`,
		"\"\xff\xfe\"":         `"��"`,
		"\"\u2028 <b>&\"":      "\"\u2028 <b>&\"",
		`"Z\u00fcrich 東京"`:     `"Zürich 東京"`,
		"\"ends with \xe6\"":   `"ends with �"`,
		"\"\xed\xa0\x80 cut\"": `"��� cut"`,
	} {
		event := mapText(t, `{"policy":`+raw+`}`)
		if !bytes.Contains(event.JSON(), []byte(`"summary":`+want+`}`)) {
			t.Errorf("%q: no %s in %s", raw, want, event.JSON())
		}
	}
}

func TestJSONShape(t *testing.T) {
	if got := (Event{}).JSON(); string(got) != "{}" {
		t.Errorf("zero event: %s", got)
	}
	if got := (Event{}).Type(); got != "" {
		t.Errorf("zero event: type %q", got)
	}
	event := mapText(t, `{}`)
	const bare = `{"metadata":{"event_type":"GENERIC_EVENT","vendor_name":"Netskope","product_name":"Netskope Alert"}}`
	if got := event.AppendJSON([]byte("before ")); string(got) != "before "+bare {
		t.Errorf("got %s", got)
	}
	// The last of two members counts, a name may be escaped, space is allowed.
	event = mapText(t, " {\"app\" : \"one\",\n\t\"\\u0061pp\":\"two\" } ")
	if got := event.Get("target.application"); len(got) != 1 || got[0] != "two" {
		t.Errorf("application %q", got)
	}
	if got := mapText(t, `{"app":"one","app":null}`).Get("target.application"); got != nil {
		t.Errorf("application %q", got)
	}
}

func TestErrors(t *testing.T) {
	for alert, want := range map[string]string{
		"":               "map alert: it is empty",
		" \n":            "map alert: it is empty",
		"[]":             "map alert: it is JSON, but begins with '[': an alert is an object, {...}",
		`"a"`:            `map alert: it is JSON, but begins with '"'`,
		"null":           "map alert: it is JSON, but begins with 'n'",
		`{"a":1`:         "map alert: not valid JSON at byte 6 of 6: unexpected end",
		`{"a":1}{"b":2}`: "map alert: not valid JSON at byte 8 of 14: invalid character '{' after top-level value",
		`{"a":01}`:       "map alert: not valid JSON at byte 7 of 8: invalid character '1' after object key:value pair",
		"\ufeff{}":       "map alert: not valid JSON at byte 1 of 5",
		`{"a":NaN}`:      "map alert: not valid JSON at byte 6 of 9",
	} {
		_, err := NetskopeAlert.Map([]byte(alert))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", alert, err, want)
		}
		if _, explained := NetskopeAlert.Explain([]byte(alert)); explained == nil || explained.Error() != err.Error() {
			t.Errorf("%q: Map says %v, Explain %v", alert, err, explained)
		}
	}
}

// sound checks what must hold for the event of any alert.
func sound(t *testing.T, alert []byte, event Event) {
	t.Helper()
	out := event.JSON()
	if !json.Valid(out) || !utf8.Valid(out) || bytes.ContainsAny(out, "\r\n") {
		t.Fatalf("%q: not one line of JSON: %q", alert, out)
	}
	names := map[string]bool{}
	var walk func(path, raw string)
	walk = func(path, raw string) {
		switch raw[0] {
		case '{':
			members(raw, func(key, raw string) {
				at := path + "." + key
				if names[at] {
					t.Fatalf("%q: %s is there twice in %s", alert, at, out)
				}
				names[at] = true
				walk(at, raw)
			})
		case '[':
			n := 0
			elements(raw, func(raw string) { n++; walk(path+"["+strconv.Itoa(n)+"]", raw) })
		}
	}
	walk("", string(out))
	for _, f := range event.Findings() {
		if f.Effect == Invalid && f.Path != "metadata.event_timestamp" {
			t.Fatalf("%q: the mapping made an invalid value: %s", alert, f)
		}
		if f.Why == "" || f.Path == "" || len(f.Value) > 90 {
			t.Fatalf("%q: finding %+v", alert, f)
		}
	}
	for i, en := range event.entries {
		if i > 0 && en.slot == event.entries[i-1].slot && !schema[en.slot].repeated {
			t.Fatalf("%q: %s has two values", alert, schema[en.slot].path)
		}
		if !utf8.ValidString(en.text) {
			t.Fatalf("%q: %s is not UTF-8: %q", alert, schema[en.slot].path, en.text)
		}
	}
	steps, err := event.LogType().Explain(alert)
	if err != nil || len(steps) != len(event.LogType().Rows()) {
		t.Fatalf("%q: %d steps, %v", alert, len(steps), err)
	}
	for i, s := range steps {
		if s.Outcome != event.outcomes[i] {
			t.Fatalf("%q: row %s: Explain says %s, Map %s", alert, s.Row.Name, s.Outcome, event.outcomes[i])
		}
		if s.Row.Name == "" || s.Outcome < Set && s.Why == "" {
			t.Fatalf("%q: step %+v", alert, s)
		}
	}
	cover := event.LogType().NewCoverage(20)
	cover.Add(event)
	if s := cover.Summary(); s.Events != 1 || len(s.Unmapped) > 20 {
		t.Fatalf("%q: summary %+v", alert, s)
	}
}

func FuzzMap(f *testing.F) {
	for _, alert := range all(f) {
		f.Add(alert)
	}
	for _, of := range LogTypes() {
		for _, c := range rowCases(f, of) {
			f.Add([]byte(c.alert))
		}
	}
	f.Add([]byte(`{"":{"app":1},"supporting_data":{"":{},"data_values":[[]]},"supporting_data.data_values":[null]}`))
	f.Add([]byte("{\"a\":[{},[],{\"b\":[1,{\"c\":null}]}],\"\":{\"\":\"\xff\"}}"))
	f.Fuzz(func(t *testing.T, alert []byte) {
		object := json.Valid(alert) && bytes.TrimLeft(alert, " \t\r\n")[0] == '{'
		for _, of := range LogTypes() {
			event, err := of.Map(alert)
			if object != (err == nil) {
				t.Fatalf("%s, %q: %v", of, alert, err)
			}
			if err == nil {
				sound(t, alert, event)
			}
		}
	})
}

// TestNastyValues gives every field that the table reads values that it does not
// expect, several at once. UDM_SEED repeats a run.
func TestNastyValues(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("UDM_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("UDM_SEED: %v", err)
		}
	}
	t.Logf("UDM_SEED=%d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	values := of(`null`, `""`, `" "`, `","`, `"@"`, `"a@"`, `"@b"`, `"a@b"`, `"a@b,c@d"`, `"\u0000"`, `"\ud800"`,
		"\"\xff\"", `0`, `-0`, `-1`, `1e400`,
		`1E-400`, `1.50`, `18446744073709551615`, `18446744073709551616`, `99999999999999999999999999999999999999999`,
		`true`, `false`, `[]`, `{}`,
		`[ ]`, `{ }`, `[null]`, `[[]]`, `["a@b",["c@d"],{"e":"f@g"},1,true]`, `["192.0.2.1","x"]`,
		`{"a":{"b":[1,2,{"c":"d"}]}}`, `{"data_values":[[]]}`, `{"data_values":["192.0.2.1"]}`, `"192.0.2.1"`, `"::1"`,
		`"HTTPS/1.1"`, `"Login Failed"`, `"Introspection Scan"`, `"alert"`, `"DLP"`, `"windows mac linux"`, `"UNKNOWN"`,
		`"2026-10-31T12:00:00Z"`,
		`"`+strings.Repeat("é", 5000)+`"`, `"`+strings.Repeat("a@b,", 500)+`"`)
	names := []string{"unmapped", "\\u0061", "", "supporting_data"}
	for _, of := range LogTypes() {
		names = slices.AppendSeq(names, maps.Keys(of.table().fieldIndex))
	}
	slices.Sort(names) // so that the seed says what is tried
	for range 1000 {
		var alert bytes.Buffer
		alert.WriteByte('{')
		for i := range r.IntN(40) {
			if i > 0 {
				alert.WriteByte(',')
			}
			alert.WriteString(`"` + names[r.IntN(len(names))] + `":` + values[r.IntN(len(values))])
		}
		alert.WriteByte('}')
		for _, of := range LogTypes() {
			event, err := of.Map(alert.Bytes())
			if err != nil {
				t.Fatalf("%s, %q: %v", of, alert.Bytes(), err)
			}
			sound(t, alert.Bytes(), event)
		}
	}
	if t.Failed() {
		t.Logf("UDM_SEED=%d", seed)
	}
}

// TestLongList: a list may be as long as an alert, and still has each value once.
func TestLongList(t *testing.T) {
	var alert strings.Builder
	alert.WriteString(`{"shared_with":["first@example.com"`)
	for i := range 100_000 {
		alert.WriteString(`,"a` + strconv.Itoa(i%50_000) + `@example.com"`)
	}
	alert.WriteString(`],"to_user":["first@example.com","a1@example.com"]}`)
	event := mapText(t, alert.String())
	to := event.Get("network.email.to")
	if len(to) != 50_001 || to[0] != "first@example.com" || to[50_000] != "a49999@example.com" {
		t.Errorf("%d addresses, want 50001", len(to))
	}
	if to := event.Get("target.user.email_addresses"); len(to) != 2 {
		t.Errorf("%q, want two", to)
	}
}

// TestAlertIsCopied: an event is independent of the bytes that it was made from.
func TestAlertIsCopied(t *testing.T) {
	alert := []byte(`{"_id":"i","app":"Drive"}`)
	event, err := NetskopeAlert.Map(alert)
	if err != nil {
		t.Fatal(err)
	}
	before := string(event.JSON())
	for i := range alert {
		alert[i] = 'x'
	}
	if after := string(event.JSON()); after != before || event.ID() != "i" {
		t.Errorf("%s became %s", before, after)
	}
}
