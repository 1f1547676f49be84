package stream

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestNames: every stream is read back by its name, and one that there is not is refused with
// those that there are.
func TestNames(t *testing.T) {
	for _, s := range All() {
		got, err := Parse(strings.ToUpper(s.String()))
		if err != nil || got != s || s.Path() != "/api/v2/events/data/"+s.String() {
			t.Errorf("%v: %v, %v, %s", s, got, err, s.Path())
		}
	}
	for _, name := range []string{"", "alerts", "all", "incident"} {
		if _, err := Parse(name); err == nil || !strings.Contains(err.Error(),
			"want alert or application or audit or infrastructure or network or page") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestJSON: what is of alerts does not say so where it may be left out, and reads as it did
// when there was no other stream.
func TestJSON(t *testing.T) {
	type of struct {
		Stream Stream `json:"stream,omitempty"`
	}
	for _, test := range []struct {
		text string
		want Stream
	}{{`{}`, Alert}, {`{"stream":"page"}`, Page}} {
		var got of
		if err := json.Unmarshal([]byte(test.text), &got); err != nil || got.Stream != test.want {
			t.Errorf("%s: %v, %v", test.text, got, err)
		}
		if text, err := json.Marshal(got); err != nil || string(text) != test.text {
			t.Errorf("%s becomes %s, %v", test.text, text, err)
		}
	}
	var got of
	if err := json.Unmarshal([]byte(`{"stream":"incident"}`), &got); err == nil {
		t.Error("an unknown stream is read")
	}
	if text, err := json.Marshal(map[string]Stream{"stream": Alert}); err != nil || string(text) != `{"stream":"alert"}` {
		t.Errorf("%s, %v", text, err)
	}
}
