package udm

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func cover(t testing.TB, limit int, alerts ...string) Summary {
	t.Helper()
	c := NetskopeAlert.NewCoverage(limit)
	for _, alert := range alerts {
		c.Add(mapText(t, alert))
	}
	return c.Summary()
}

func TestCoverageCounts(t *testing.T) {
	s := cover(t, 0,
		`{"_id":"1","timestamp":1,"hostname":"h","Host":"h","score":0,`+
			`"tags":[{"name":"a"},{"name":"b"}],"deep":{"x":{"y":""}}}`,
		`{"_id":"2","timestamp":1,"hostname":"h","domain":"d","protocol":"HTTP","score":75,`+
			`"action":"useralert","deep":{"x":{"y":"Y"}}}`,
		`{"_id":"3","activity":"Login Failed","user_agent":"curl","score":null,"srcip":"x"}`)
	if s.Events != 3 || s.LogType != NetskopeAlert || s.Invalid != 1 || s.Demoted != 2 || s.Dropped != 2 ||
		s.Kept != 0 || s.Full || s.UnmappedLimit != 1000 || s.Uncounted != 0 {
		t.Errorf("summary %+v", s)
	}
	if want := []TypeCount{{"GENERIC_EVENT", 1}, {"NETWORK_CONNECTION", 1},
		{"STATUS_UPDATE", 1}}; !slices.Equal(s.Types, want) {
		t.Errorf("types %v, want %v", s.Types, want)
	}
	if want := []Unmapped{{"score", 3, "0"}, {"deep.x.y", 2, "Y"}, {"tags.name", 2, "a"}}; !slices.Equal(s.Unmapped,
		want) {
		t.Errorf("unmapped %v, want %v", s.Unmapped, want)
	}
	var got []string
	for _, f := range s.Findings {
		got = append(got, fmt.Sprint(f.Rule, " ", f.Effect, " ", f.Path, " ", f.Field, " ", f.Count, f.Values,
			f.OtherValues))
		if !strings.HasSuffix(f.Remedy, ".") {
			t.Errorf("of %s the remedy is %q", f.Path, f.Remedy)
		}
	}
	if want := of("enum left out security_result.action action 1 [{useralert 1}] 0",
		"ip left out principal.asset.ip srcip 1 [{x 1}] 0",
		"ip left out principal.ip srcip 1 [{x 1}] 0",
		"required demoted target.url url, Url 1 [] 0",
		"required demoted target.user user, to_user 1 [] 0",
		"timestamp invalid metadata.event_timestamp timestamp, published 1 [] 0"); !slices.Equal(got, want) {
		t.Errorf("findings %q, want %q", got, want)
	}
	for name, want := range map[string]struct {
		hits uint64
		by   Outcome
	}{"50": {2, Set}, "49": {1, Same}, "24": {1, Withheld}, "53": {0, LeftOut}, "108": {3, Set}, "13": {1, Set},
		"91": {0, Absent}, "107": {1, Set}} {
		i := slices.IndexFunc(s.Rows, func(r RowCount) bool { return r.Row.Name == name })
		if got := s.Rows[i]; got.Hits != want.hits || got.By[want.by] == 0 {
			t.Errorf("row %s: %d hits, %v; want %d hits, some %s", name, got.Hits, got.By, want.hits, want.by)
		}
		var sum uint64
		for _, n := range s.Rows[i].By {
			sum += n
		}
		if sum != 3 {
			t.Errorf("row %s: %d outcomes of 3 alerts", name, sum)
		}
	}
}

// TestEveryRowIsHit: the alerts and events of testdata together use the whole of each table.
func TestEveryRowIsHit(t *testing.T) {
	eachLogType(t, func(t *testing.T, of LogType) {
		c := of.NewCoverage(0)
		for name, alert := range all(t) {
			event, err := of.Map(alert)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			c.Add(event)
		}
		hit := map[string]bool{}
		for _, row := range c.Summary().Rows {
			hit[row.Row.Name] = row.Hits > 0
			if row.Hits == 0 {
				t.Errorf("no alert of testdata uses row %s, %s to %s", row.Row.Name, row.Row.Log, row.Row.Path)
			}
		}
		for _, row := range original(t, of) {
			if !hit[row[0]] {
				t.Errorf("row %s of the original, %s to %s, is not used", row[0], row[1], row[2])
			}
		}
	})
}

func TestCoverageIsBounded(t *testing.T) {
	c := NetskopeAlert.NewCoverage(100)
	add := func(from, to int) {
		for i := from; i < to; i++ {
			alert := fmt.Appendf(nil, `{"_id":"i","timestamp":1,"%s%d":%q,"same":{"deep":%s1%s}}`,
				strings.Repeat("é", 300), i, strings.Repeat("ü", 3000),
				strings.Repeat(`{"a":[`, 50), strings.Repeat(`]}`, 50))
			event, err := NetskopeAlert.Map(alert)
			if err != nil {
				t.Fatal(err)
			}
			c.Add(event)
			alert = fmt.Appendf(nil, `{"_id":"i","timestamp":1,"f%d":1}`, i)
			event, _ = NetskopeAlert.Map(alert)
			c.Add(event)
		}
	}
	add(0, 1000)
	s := c.Summary()
	if len(s.Unmapped) != 100 || !s.Full || s.UnmappedLimit != 100 {
		t.Errorf("%d of %d fields are kept, full %t", len(s.Unmapped), s.UnmappedLimit, s.Full)
	}
	var counted uint64
	for _, u := range s.Unmapped {
		counted += u.Count
		if len(u.Path) > maxPath+10 || len(u.Example) > maxExample+10 || !utf8.ValidString(u.Path) ||
			!utf8.ValidString(u.Example) {
			t.Errorf("kept %q: %q", u.Path, u.Example)
		}
	}
	if counted+s.Uncounted != 3*1000 {
		t.Errorf("%d values counted, %d not, want 3000 together", counted, s.Uncounted)
	}
	before := heap()
	add(1000, 4000)
	if after := heap(); after > before+1<<20 {
		t.Errorf("6000 alerts more: %d bytes became %d", before, after)
	}
	runtime.KeepAlive(c)
}

// TestExamplesDoNotHoldAlerts: a kept example is a copy, not a part of its alert.
func TestExamplesDoNotHoldAlerts(t *testing.T) {
	c := NetskopeAlert.NewCoverage(0)
	before := heap()
	for i := range 200 {
		c.Add(mapText(t, fmt.Sprintf(`{"f%d":"example","app":"%s"}`, i, strings.Repeat("x", 100_000))))
	}
	if after := heap(); after > before+2<<20 {
		t.Errorf("200 examples: %d bytes became %d", before, after)
	}
	if s := c.Summary(); len(s.Unmapped) != 200 || s.Unmapped[0].Example != "example" {
		t.Errorf("%d unmapped fields, %+v", len(s.Unmapped), s.Unmapped[0])
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestSummaryIsACopy(t *testing.T) {
	c := NetskopeAlert.NewCoverage(0)
	alert := `{"timestamp":1,"score":1}`
	c.Add(mapText(t, alert))
	s := c.Summary()
	s.Unmapped[0].Count, s.Rows[0].Row.From[0], s.Rows[0].By[0] = 99, "x", 99
	if again := c.Summary(); again.Unmapped[0].Count != 1 || again.Rows[0].Row.From[0] != "app_activity" ||
		again.Rows[0].By[0] == 99 {
		t.Errorf("the summary shares its memory")
	}
}

// TestUnmappedMembers: what a row reads of an object is not among the fields that no row
// reads; what only bears the same name is.
func TestUnmappedMembers(t *testing.T) {
	for alert, want := range map[string][]string{
		`{"supporting_data":{"data_type":"user","data_values":["a"]}}`:  {"supporting_data.data_type"},
		`{"supporting_data":[{"data_values":["a"]}]}`:                   {"supporting_data.data_values"},
		`{"supporting_data":"a","supporting_data.data_values":["a"]}`:   {"supporting_data"},
		`{"":{"app":1},"x":{"app":1},"app":{"app":1}}`:                  {"app", "x.app"},
		`{"x":{"supporting_data":{"data_values":1}},"protocol":"HTTP"}`: {"x.supporting_data.data_values"},
	} {
		event, err := NetskopeAlertV2.Map([]byte(alert))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, u := range event.Unmapped() {
			got = append(got, u.Path)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", alert, got, want)
		}
	}
}

// TestValuesOfFindings: the values that no enum has are counted, the most frequent first,
// and as many as may come are bounded.
func TestValuesOfFindings(t *testing.T) {
	c := NetskopeAlertV2.NewCoverage(0)
	add := func(n int, alert string) {
		for range n {
			event, err := NetskopeAlertV2.Map([]byte(alert))
			if err != nil {
				t.Fatal(err)
			}
			c.Add(event)
		}
	}
	add(3, `{"_id":"1","timestamp":1,"action":"useralert","ccl":"superb"}`)
	add(5, `{"_id":"1","timestamp":1,"action":"anomaly_detection"}`)
	add(2, `{"_id":"1","timestamp":1,"action":"block","user":"anna"}`)
	add(1, `{"_id":"1","timestamp":1,"action":["block"]}`)
	s := c.Summary()
	if s.Events != 11 || s.Dropped != 9 || s.Kept != 2 || s.Invalid+s.Demoted != 0 {
		t.Errorf("summary %+v", s)
	}
	f := s.Findings[0]
	if want := []ValueCount{{"anomaly_detection", 5}, {"useralert", 3}}; f.Path != "security_result.action" ||
		f.Rule != RuleEnum || f.Field != "action" || f.Count != 8 || !slices.Equal(f.Values, want) ||
		f.Remedy != "security_result.action_details has it as it is: let rules look there, "+
			"or map it with a parser extension." {
		t.Errorf("finding %+v", f)
	}
	if f = s.Findings[len(s.Findings)-1]; f.Rule != RuleType || f.Path != "security_result.action_details" ||
		f.Remedy != "The raw log has it: search there, or map it with a parser extension." {
		t.Errorf("of a list: %+v", f)
	}
	for i := range 3 * maxValues {
		add(1, fmt.Sprintf(`{"_id":"1","timestamp":1,"action":"a%d"}`, i))
	}
	f = c.Summary().Findings[0]
	if len(f.Values) != maxValues || f.OtherValues != 2*maxValues+2 || f.Count != 8+3*maxValues {
		t.Errorf("%d values, %d others of %d", len(f.Values), f.OtherValues, f.Count)
	}
}

// TestRemedies: of every kind of finding that there is, it is said what to do.
func TestRemedies(t *testing.T) {
	eachLogType(t, func(t *testing.T, of LogType) {
		seen := map[string]bool{}
		for _, c := range rowCases(t, of) {
			event, err := of.Map([]byte(c.alert))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range event.Findings() {
				remedy := event.Remedy(f)
				if seen[remedy] = true; !strings.HasSuffix(remedy, ".") || strings.Contains(remedy, "please report") {
					t.Errorf("%s: %q", f, remedy)
				}
			}
		}
		if len(seen) < 4 {
			t.Errorf("there are only the remedies %q", slices.Sorted(maps.Keys(seen)))
		}
	})
}

// TestValuesDoNotHoldAlerts: a value that is counted again is still not a part of its alert.
func TestValuesDoNotHoldAlerts(t *testing.T) {
	c := NetskopeAlertV2.NewCoverage(0)
	before := heap()
	for i := range 4 * maxValues {
		event, err := NetskopeAlertV2.Map(fmt.Appendf(nil, `{"action":"a%d","app":"%s"}`, i%maxValues,
			strings.Repeat("x", 100_000)))
		if err != nil {
			t.Fatal(err)
		}
		c.Add(event)
	}
	if after := heap(); after > before+2<<20 {
		t.Errorf("%d values: %d bytes became %d", maxValues, before, after)
	}
	if f := c.Summary().Findings; len(f[0].Values)+len(f[1].Values)+len(f[2].Values) != maxValues {
		t.Errorf("findings %+v", f)
	}
}
