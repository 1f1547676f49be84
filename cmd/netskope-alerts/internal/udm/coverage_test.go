package udm

import (
	"fmt"
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
	if s.Events != 3 || s.Invalid != 1 || s.Demoted != 2 || s.Full || s.UnmappedLimit != 1000 || s.Uncounted != 0 {
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
	want := []FindingCount{
		{RuleEnum, Dropped, "security_result.action", 1},
		{RuleIP, Dropped, "principal.asset.ip", 1},
		{RuleIP, Dropped, "principal.ip", 1},
		{RuleRequired, Demoted, "target.url", 1},
		{RuleRequired, Demoted, "target.user", 1},
		{RuleTime, Invalid, "metadata.event_timestamp", 1},
	}
	if !slices.Equal(s.Findings, want) {
		t.Errorf("findings %v, want %v", s.Findings, want)
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
