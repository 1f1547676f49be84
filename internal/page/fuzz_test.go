package page

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func seeds(add func(body []byte)) {
	add([]byte(sample))
	for _, s := range nasty {
		add([]byte(`{"result":[` + s + `]}`))
		add([]byte(s))
	}
	for _, s := range []string{
		``, ` `, `{}`, `{}x`, "\xEF\xBB\xBF{}", `<html>`, `{"result":[]}`, `{"result":[1`, `{"result":"text","ok":0}`,
		`{"result":[{}],"result":[]}`, `{"\u0072esult":[1]}`,
		`{"ok":1,"result":[{"_id":"a","timestamp":1,"_insertion_epoch_timestamp":2}, {"a": 01}],"wait_time":5}`,
		`{"result":[{"a":1.}]}`, `{"result":[{"a":"\x"}]}`, `{"result":[tru]}`, `{"result":[-]}`, `{"result":[{"a":1},]}`,
		`{"result":[{"a" :1 ,"b":[ 1 , 2 ]}] , "operation":"x"}`, `{"result":[{"_id":1,"_id":{"x": [1]}}]}`,
	} {
		add([]byte(s))
	}
}

// reference splits body with encoding/json. It reports whether body is one
// JSON object.
func reference(body []byte) (elements []element, envelope map[string]json.RawMessage, ok bool) {
	if !strings.HasPrefix(strings.TrimLeft(string(body), " \t\r\n"), "{") || json.Unmarshal(body, &envelope) != nil {
		return nil, nil, false
	}
	var raw []json.RawMessage
	if result := envelope["result"]; len(result) > 0 && result[0] == '[' {
		if json.Unmarshal(result, &raw) != nil {
			return nil, nil, false
		}
	}
	for _, v := range raw {
		e := element{Line: string(compacted(v)), Object: v[0] == '{'}
		var members map[string]json.RawMessage
		if e.Object && json.Unmarshal(v, &members) == nil {
			e.ID, e.Timestamp = keep(members["_id"]), keep(members["timestamp"])
			e.Inserted = keep(members["_insertion_epoch_timestamp"])
			e.Type = keep(members["alert_type"])
		}
		elements = append(elements, e)
	}
	return elements, envelope, true
}

func compacted(v []byte) []byte {
	if v == nil {
		return nil
	}
	var b bytes.Buffer
	if err := json.Compact(&b, v); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// results counts the members "result" of a valid body.
func results(body []byte) int {
	return members(body, func(key string) bool { return key == "result" })
}

// others counts the members of a valid body that an Envelope does not keep.
func others(body []byte) int {
	known := []string{"result", "ok", "status", "operation", "wait_time", "message", "success"}
	return members(body, func(key string) bool { return !slices.Contains(known, key) })
}

func members(body []byte, wanted func(string) bool) int {
	d := json.NewDecoder(bytes.NewReader(body))
	n := 0
	if _, err := d.Token(); err != nil {
		return -1
	}
	for d.More() {
		var v json.RawMessage
		key, err := d.Token()
		if err != nil || d.Decode(&v) != nil {
			return -1
		}
		if text, ok := key.(string); ok && wanted(text) {
			n++
		}
	}
	return n
}

func FuzzRead(f *testing.F) {
	seeds(func(body []byte) { f.Add(body) })
	var r Reader
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := read(&r, bytes.NewReader(body))
		elements, envelope, ok := reference(body)
		if errors.Is(err, ErrTooLarge) && len(body) > maxMember {
			return
		}
		if ok && results(body) > 1 {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || !strings.Contains(syntax.Reason, "second") {
				t.Fatalf("two results: error %v", err)
			}
			return
		}
		if ok != (err == nil) {
			t.Fatalf("error %v, but encoding/json accepts: %t", err, ok)
		}
		if !ok {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				// What was cut off might have been valid: no error before the end.
				var syntax *json.SyntaxError
				if uerr := json.Unmarshal(body, new(any)); errors.As(uerr, &syntax) && syntax.Offset < int64(len(body)) {
					t.Fatalf("error %v, but encoding/json: %v at %d of %d", err, uerr, syntax.Offset, len(body))
				}
			}
			return
		}
		if bytes.Contains(body, []byte(`\u`)) { // escaped keys are not recognized
			for i := range elements {
				elements[i].ID, elements[i].Timestamp, elements[i].Inserted, elements[i].Type = nil, nil, nil, nil
			}
			for i := range got.Elements {
				got.Elements[i].ID, got.Elements[i].Timestamp, got.Elements[i].Inserted, got.Elements[i].Type = nil, nil, nil, nil
			}
		}
		if !reflect.DeepEqual(elements, got.Elements) {
			t.Fatal(cmp.Diff(elements, got.Elements))
		}
		want := Envelope{
			OK: compacted(envelope["ok"]), Status: compacted(envelope["status"]),
			Operation: compacted(envelope["operation"]), WaitTime: compacted(envelope["wait_time"]),
			Message: compacted(envelope["message"]), Success: compacted(envelope["success"]),
			Alerts: len(elements), Others: others(body),
		}
		if result := envelope["result"]; result != nil {
			want.Result = kindOf(result[0])
			if want.Result != Array {
				want.ResultValue = clip(compacted(result))
			}
		}
		if !reflect.DeepEqual(want, got.Envelope) {
			t.Fatal(cmp.Diff(want, got.Envelope))
		}
	})
}

func FuzzReadInChunks(f *testing.F) {
	seeds(func(body []byte) {
		f.Add(body, []byte{1}, uint16(0), false)
		f.Add(body, []byte{3, 0, 200}, uint16(9), true)
	})
	kept := small()
	f.Fuzz(func(t *testing.T, body, sizes []byte, limit uint16, with bool) {
		if len(bytes.Trim(sizes, "\x00")) == 0 {
			sizes = nil // it would never deliver
		}
		whole := Reader{MaxAlert: int(limit)}
		want, _ := read(&whole, bytes.NewReader(body))
		cold := small()
		for _, r := range []*Reader{kept, cold} {
			r.MaxAlert = int(limit)
			got, _ := read(r, &pieces{data: body, sizes: sizes, with: with})
			if strings.Contains(got.Err, io.ErrNoProgress.Error()) {
				return
			}
			if !reflect.DeepEqual(want, got) {
				t.Fatal(cmp.Diff(want, got))
			}
		}
	})
}
