package tally

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"netskope-alerts.internal/collector/internal/page"
)

func TestLateness(t *testing.T) {
	var l Lateness
	for seconds := range int64(1000) {
		l.add(seconds)
	}
	for share, want := range map[float64]float64{0.5: 500, 0.99: 990, 1: 999} {
		got := l.Quantile(share).Seconds()
		if got < want-1 || got > want*1.125 {
			t.Errorf("%v: got %v, want %v to an eighth more", share, got, want)
		}
	}
	for seconds := int64(1); seconds > 0; seconds = seconds*3 + 1 {
		bucket := bucketOf(seconds)
		if limit := limitOf(bucket); limit < seconds || float64(limit) > 1.125*float64(seconds) ||
			limitOf(bucket-1) >= seconds {
			t.Errorf("%d is in bucket %d, up to %d", seconds, bucket, limit)
		}
	}
}

func count(hours map[int64]map[string]int64, late ...int64) Tally {
	var c Counter
	for start, types := range hours {
		for name, n := range types {
			for range n {
				c.Add(&page.Alert{Type: []byte(`"` + name + `"`)}, start+3599)
			}
		}
	}
	for _, seconds := range late {
		c.Late(seconds)
	}
	return c.Tally()
}

func TestAdd(t *testing.T) {
	a := map[int64]map[string]int64{0: {"DLP": 2, "Malware": 1}, 3600: {"DLP": 1}}
	b := map[int64]map[string]int64{0: {"DLP": 3, "UBA": 4}, 7200: {"": 1}}
	both := map[int64]map[string]int64{0: {"DLP": 5, "Malware": 1, "UBA": 4}, 3600: {"DLP": 1}, 7200: {"": 1}}
	sum, other := count(a, 1, 500), count(b, 9000)
	sum.Add(other)
	if want := count(both, 1, 500, 9000); !reflect.DeepEqual(sum, want) {
		t.Errorf("got  %+v\nwant %+v", sum, want)
	}
	if want := count(b, 9000); !reflect.DeepEqual(other, want) {
		t.Errorf("what was added has changed: %+v", other)
	}
	// To nothing, and nothing.
	var none Tally
	none.Add(Tally{})
	if !reflect.DeepEqual(none, Tally{}) {
		t.Errorf("nothing and nothing is %+v", none)
	}
	none.Add(other)
	none.Add(Tally{})
	if !reflect.DeepEqual(none, other) {
		t.Errorf("got %+v", none)
	}
	none.Add(sum) // they share no maps
	if want := count(b, 9000); !reflect.DeepEqual(other, want) {
		t.Errorf("what was added has changed: %+v", other)
	}
	if late := sum.Late(); late.total != 3 || late.Quantile(1) != 9000*time.Second {
		t.Errorf("%d were late, %v at most", late.total, late.Quantile(1))
	}
}

// TestFoldTypes keeps all counts, under four names and one for the others.
func TestFoldTypes(t *testing.T) {
	folded := count(map[int64]map[string]int64{0: {"a": 5, "b": 4, "c": 3, "d": 2, "e": 2, "f": 1}, 3600: {"a": 1}})
	folded.FoldTypes()
	want := map[int64]map[string]int64{0: {"a": 5, "b": 4, "c": 3, "d": 2, Others: 3}, 3600: {"a": 1}}
	if !reflect.DeepEqual(folded.Hours, want) {
		t.Errorf("got %v", folded.Hours)
	}
}

// TestTypes: whatever types there are, an hour has few, of short names.
func TestTypes(t *testing.T) {
	var c Counter
	for i := range 100 {
		c.Add(&page.Alert{Type: fmt.Appendf(nil, `"type %d %s"`, i, strings.Repeat("ö", i))}, 60)
	}
	for _, raw := range []string{`7`, `"\u0041"`, `{"a":1}`, "\"\xff\""} {
		c.Add(&page.Alert{Type: []byte(raw)}, 3600)
	}
	c.Add(&page.Alert{}, 3600)
	sum := int64(0)
	for name, n := range c.Tally().Hours[0] {
		sum += n
		if len(name) > maxType+len("…") || !utf8.ValidString(name) {
			t.Errorf("a type is called %q", name)
		}
	}
	if n := len(c.Tally().Hours[0]); n > maxTypes+1 || sum != 100 {
		t.Errorf("%d types, %d alerts", n, sum)
	}
	want := map[string]int64{"7": 1, "A": 1, `{"a":1}`: 1, "\ufffd": 1, "": 1}
	if got := c.Tally().Hours[3600]; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
}
