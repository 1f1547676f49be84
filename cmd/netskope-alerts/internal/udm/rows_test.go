package udm

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// originalRows is how many rows the original's table has.
const originalRows = 114

// original reads the original's table, as its page prints it: number, log field, UDM
// path, logic.
func original(t testing.TB) [][]string {
	t.Helper()
	text, err := os.ReadFile("testdata/original.tsv")
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for line := range strings.Lines(string(text)) {
		rows = append(rows, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	if len(rows) != originalRows {
		t.Fatalf("the original's table has %d rows, not %d", len(rows), originalRows)
	}
	return rows
}

func TestTableIsTheOriginals(t *testing.T) {
	rows := NetskopeAlert.Rows()
	if len(rows) < originalRows {
		t.Fatalf("the table has %d rows", len(rows))
	}
	for i, want := range original(t) {
		row := rows[i]
		if row.Name != want[0] || row.Log != want[1] || row.Path != want[2] {
			t.Errorf("row %s is %s to %s, want row %s, %s to %s", row.Name, row.Log, row.Path, want[0], want[1],
				want[2])
		}
		if constant, ok := strings.CutPrefix(want[3], "Constant: "); ok && constant != "dsthost" &&
			constant != "GENERIC_EVENT" &&
			!strings.HasPrefix(row.How, "the constant "+constant) {
			t.Errorf("row %s is %q, want the constant %s", row.Name, row.How, constant)
		}
	}
	for _, row := range rows[originalRows:] {
		if !strings.HasPrefix(row.Name, "74.") && !strings.HasPrefix(row.Name, "+") {
			t.Errorf("row %s is not in the original and does not say so", row.Name)
		}
		if row.Note == "" {
			t.Errorf("row %s is not in the original and has no note", row.Name)
		}
	}
}

// rowCase is a line of testdata/rows.txt.
type rowCase struct {
	row, alert, outcome string
	result              []string
}

func rowCases(t testing.TB) []rowCase {
	t.Helper()
	file, err := os.Open("testdata/rows.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var cases []rowCase
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		parts := strings.Split(lines.Text(), "; ")
		c := rowCase{row: parts[0], alert: parts[1], outcome: parts[2]}
		if err := json.Unmarshal([]byte(parts[3]), &c.result); err != nil {
			t.Fatalf("rows.txt, line %d: %v", n, err)
		}
		cases = append(cases, c)
	}
	return cases
}

// paths are the UDM paths of the rows, the original's from the original.
func paths(t *testing.T) map[string]string {
	paths := map[string]string{}
	for _, row := range NetskopeAlert.Rows()[originalRows:] {
		paths[row.Name] = row.Path
	}
	for _, row := range original(t) {
		paths[row[0]] = row[2]
	}
	return paths
}

// TestEachRow holds every row against an alert of its own.
func TestEachRow(t *testing.T) {
	paths, tried := paths(t), map[string]bool{}
	for _, c := range rowCases(t) {
		tried[c.row] = true
		steps, err := NetskopeAlert.Explain([]byte(c.alert))
		if err != nil {
			t.Fatalf("row %s: %v", c.row, err)
		}
		i := slices.IndexFunc(steps, func(s Step) bool { return s.Row.Name == c.row })
		if i < 0 {
			t.Errorf("there is no row %s", c.row)
			continue
		}
		s := steps[i]
		if s.Outcome.String() != c.outcome || !slices.Equal(s.Result, c.result) {
			t.Errorf("row %s of %s: %s %q (%s), want %s %q", c.row, c.alert, s.Outcome, s.Result, s.Why, c.outcome,
				c.result)
		}
		if s.Outcome != Set || len(c.result) == 0 {
			continue
		}
		event, err := NetskopeAlert.Map([]byte(c.alert))
		if err != nil {
			t.Fatal(err)
		}
		sound(t, []byte(c.alert), event)
		path := paths[c.row]
		if s.Row.Key != "" {
			path += "[" + s.Row.Key + "]"
		}
		for _, want := range c.result {
			if got := event.Get(path); !slices.Contains(got, want) {
				t.Errorf("row %s of %s: %s is %q, want %q", c.row, c.alert, path, got, want)
			}
			if in := dig(t, event.JSON(), path); !slices.Contains(in, want) {
				t.Errorf("row %s of %s: in JSON %s is %q, want %q", c.row, c.alert, path, in, want)
			}
		}
	}
	for _, row := range original(t) {
		if !tried[row[0]] {
			t.Errorf("row %s of the original has no line in rows.txt", row[0])
		}
	}
	for _, row := range NetskopeAlert.Rows() {
		if !tried[row.Name] {
			t.Errorf("row %s has no line in rows.txt", row.Name)
		}
	}
}

// dig returns the values at a UDM path of an event's JSON, by reading the JSON.
func dig(t *testing.T, event []byte, path string) []string {
	t.Helper()
	path, key, labelled := strings.Cut(strings.TrimSuffix(path, "]"), "[")
	decoder := json.NewDecoder(strings.NewReader(string(event)))
	decoder.UseNumber()
	var at any
	if err := decoder.Decode(&at); err != nil {
		t.Fatalf("%v in %s", err, event)
	}
	for name := range strings.SplitSeq(path, ".") {
		if name == "fields" {
			return dig(t, event, "additional."+key)
		}
		if l, ok := at.([]any); ok {
			at = l[0]
		}
		at = at.(map[string]any)[name]
	}
	switch at := at.(type) {
	case []any:
		var values []string
		for _, el := range at {
			if !labelled {
				values = append(values, el.(string))
			} else if label := el.(map[string]any); label["key"] == key {
				values = append(values, label["value"].(string))
			}
		}
		return values
	case json.Number:
		return []string{at.String()}
	}
	return []string{at.(string)}
}

// TestSchema: every row's path is in the schema or withheld, no object of an event is
// opened twice, and the table fits into its numbers.
func TestSchema(t *testing.T) {
	used := make([]bool, len(schema))
	for i := range NetskopeAlert.table().rows {
		r := &NetskopeAlert.table().rows[i]
		if r.slot >= 0 {
			used[r.slot] = true
		} else if !strings.HasPrefix(r.path, "network.http.parsed_user_agent") && r.how.name != group.name {
			t.Errorf("row %s: %s is not in the schema", r.name(), r.path)
		}
		if r.note != "" && alertNotes[r.note] == "" {
			t.Errorf("row %s: there is no note %s", r.name(), r.note)
		}
	}
	for i, f := range schema {
		if !used[i] {
			t.Errorf("no row writes %s", f.path)
		}
		if (f.form == formEnum) != (f.enum != nil) {
			t.Errorf("%s: enum without members, or members without enum", f.path)
		}
	}
	closed := map[string]bool{}
	var open []string
	for _, p := range places {
		for i := range open {
			if i >= len(p.parents) || open[i] != p.parents[i] {
				closed[strings.Join(open[:i+1], ".")] = true
			}
		}
		for i := range p.parents {
			if at := strings.Join(p.parents[:i+1], "."); closed[at] {
				t.Errorf("%s would be opened again for %s", at, p.name)
			}
		}
		open = p.parents
	}
	if room := len(mapping{}.values); len(NetskopeAlert.table().fieldIndex) > room {
		t.Errorf("%d fields are read, there is room for %d", len(NetskopeAlert.table().fieldIndex), room)
	}
	if len(NetskopeAlert.table().rows) > 256 || len(schema) > 256 {
		t.Errorf("%d rows or %d fields do not fit into a byte", len(NetskopeAlert.table().rows), len(schema))
	}
	if len(ipProtocols) != len(ipProtocolNumbers) || len(applicationProtocols) != 84 {
		t.Errorf("%d IP protocols, %d numbers, %d application protocols", len(ipProtocols), len(ipProtocolNumbers),
			len(applicationProtocols))
	}
	for i := 1; i <= 14; i++ {
		if alertNotes["A"+strconv.Itoa(i)] == "" {
			t.Errorf("note A%d is not explained", i)
		}
	}
}
