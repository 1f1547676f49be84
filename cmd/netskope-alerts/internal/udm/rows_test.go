package udm

import (
	"bufio"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// originalRows are how many rows the tables of Google's pages have.
var originalRows = map[LogType]int{NetskopeAlert: 114, NetskopeAlertV2: 37}

// facts are the lines of a file of testdata, split at tabs.
func facts(t testing.TB, file string) (lines [][]string) {
	t.Helper()
	text, err := os.ReadFile("testdata/" + strings.ToLower(file))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		lines = append(lines, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	return lines
}

// original is the table of the log type as Google's page prints it: number, log field, UDM
// path, logic.
func original(t testing.TB, of LogType) [][]string {
	t.Helper()
	rows := facts(t, of.String()+".tsv")
	if len(rows) != originalRows[of] {
		t.Fatalf("%s: the original's table has %d rows, not %d", of, len(rows), originalRows[of])
	}
	return rows
}

// eachLogType runs a test for every log type.
func eachLogType(t *testing.T, test func(t *testing.T, of LogType)) {
	for _, of := range LogTypes() {
		t.Run(of.String(), func(t *testing.T) { test(t, of) })
	}
}

// TestTableIsTheOriginals: no row of Google's page is missing, and none of the table passes
// for one.
func TestTableIsTheOriginals(t *testing.T) {
	eachLogType(t, func(t *testing.T, of LogType) {
		rows, want := of.Rows(), original(t, of)
		if len(rows) < len(want) {
			t.Fatalf("the table has %d rows", len(rows))
		}
		for i, want := range want {
			row := rows[i]
			if row.Name != want[0] || row.Log != want[1] || row.Path != want[2] || row.Source != "page" {
				t.Errorf("row %s is %s to %s of the %s, want row %s, %s to %s", row.Name, row.Log, row.Path,
					row.Source, want[0], want[1], want[2])
			}
			if constant, ok := strings.CutPrefix(want[3], "Constant: "); ok && constant != "dsthost" &&
				constant != "GENERIC_EVENT" && !strings.HasPrefix(row.How, "the constant "+constant) {
				t.Errorf("row %s is %q, want the constant %s", row.Name, row.How, constant)
			}
			if eventType, ok := strings.CutPrefix(want[3], "Decided: "); ok &&
				!strings.HasPrefix(row.How, eventType+" if ") {
				t.Errorf("row %s is %q, want %s", row.Name, row.How, eventType)
			}
			if key, ok := strings.CutPrefix(want[3], "Key: "); ok && row.Key != key {
				t.Errorf("row %s has the key %q, want %s", row.Name, row.Key, key)
			}
		}
		for _, row := range rows[len(want):] {
			if row.Source == "page" || strings.Trim(row.Name, "0123456789") == "" {
				t.Errorf("row %s is not in the original and does not say so", row.Name)
			}
			if row.Note == "" {
				t.Errorf("row %s is not in the original and has no note", row.Name)
			}
		}
	})
}

// TestChangeLog: the rows that the change log adds to the page of NETSKOPE_ALERT_V2 are
// there, with its dates, and no others bear its name.
func TestChangeLog(t *testing.T) {
	var got []string
	for _, row := range NetskopeAlertV2.Rows() {
		if date, ok := strings.CutPrefix(row.Source, "change log of "); ok != strings.HasPrefix(row.Name, "L") {
			t.Errorf("row %s is of %s", row.Name, row.Source)
		} else if ok {
			got = append(got, date+" "+row.Log+" "+row.Path)
		}
	}
	var want []string
	for _, fact := range facts(t, "netskope_alert_v2_changes.tsv") {
		want = append(want, strings.Join(fact, " "))
	}
	if len(want) != 20 || !slices.Equal(got, want) {
		t.Errorf("the change log's rows are %q, want %q", got, want)
	}
}

// TestSources: each table says how many of its rows are whose.
func TestSources(t *testing.T) {
	for of, want := range map[LogType]map[string]int{
		NetskopeAlert:   {"page": 114, "predecessor of the page": 22, "chosen here": 3},
		NetskopeAlertV2: {"page": 37, "change log": 20, "chosen here": 4},
	} {
		got := map[string]int{}
		for _, row := range of.Rows() {
			source, _, _ := strings.Cut(row.Source, " of 2")
			got[source]++
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", of, got, want)
		}
	}
}

// rowCase is a line of testdata's rows of a log type.
type rowCase struct {
	row, alert, outcome string
	result              []string
}

func rowCases(t testing.TB, of LogType) []rowCase {
	t.Helper()
	name := "testdata/" + strings.ToLower(of.String()) + "_rows.txt"
	file, err := os.Open(name)
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
			t.Fatalf("%s, line %d: %v", name, n, err)
		}
		cases = append(cases, c)
	}
	return cases
}

// paths are the UDM paths of the rows, the original's from the original.
func paths(t *testing.T, of LogType) map[string]string {
	paths := map[string]string{}
	for _, row := range of.Rows()[originalRows[of]:] {
		paths[row.Name] = row.Path
	}
	for _, row := range original(t, of) {
		paths[row[0]] = row[2]
	}
	return paths
}

// TestEachRow holds every row against an alert of its own.
func TestEachRow(t *testing.T) { eachLogType(t, checkEachRow) }

func checkEachRow(t *testing.T, of LogType) {
	paths, tried := paths(t, of), map[string]bool{}
	for _, c := range rowCases(t, of) {
		tried[c.row] = true
		steps, err := of.Explain([]byte(c.alert))
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
		event, err := of.Map([]byte(c.alert))
		if err != nil {
			t.Fatal(err)
		}
		sound(t, []byte(c.alert), event)
		if s.Outcome != Set || len(c.result) == 0 {
			continue
		}
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
	for name := range paths {
		if !tried[name] {
			t.Errorf("row %s has no line in testdata", name)
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
// opened twice, and the tables fit into their numbers.
func TestSchema(t *testing.T) {
	used := make([]bool, len(schema))
	for _, of := range LogTypes() {
		table := of.table()
		for i := range table.rows {
			r := &table.rows[i]
			if r.slot >= 0 {
				used[r.slot] = true
			} else if !strings.HasPrefix(r.path, "network.http.parsed_user_agent") && r.how.name != group.name {
				t.Errorf("%s, row %s: %s is not in the schema", of, r.name(), r.path)
			}
			if r.note != "" && table.notes[r.note] == "" {
				t.Errorf("%s, row %s: there is no note %s", of, r.name(), r.note)
			}
		}
		if room := len(mapping{}.values); len(table.fieldIndex) > room {
			t.Errorf("%s: %d fields are read, there is room for %d", of, len(table.fieldIndex), room)
		}
		if len(table.rows) > 256 || len(schema) > 256 {
			t.Errorf("%s: %d rows or %d fields do not fit into a byte", of, len(table.rows), len(schema))
		}
		for _, c := range table.claims {
			if i, ok := table.typeRows[c.row]; !ok || table.rows[i].path != "metadata.event_type" {
				t.Errorf("%s: %s is claimed by a row %s that there is not", of, c.eventType, c.row)
			}
		}
		for name, i := range table.typeRows {
			if table.claimed(name) == "" {
				t.Errorf("%s: row %s decides nothing: %+v", of, name, table.rows[i])
			}
		}
		checkNotes(t, of)
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
	if len(ipProtocols) != len(ipProtocolNumbers) || len(applicationProtocols) != 84 {
		t.Errorf("%d IP protocols, %d numbers, %d application protocols", len(ipProtocols), len(ipProtocolNumbers),
			len(applicationProtocols))
	}
}

// checkNotes: the notes are numbered without a gap, and each is some row's.
func checkNotes(t *testing.T, of LogType) {
	letter := map[LogType]string{NetskopeAlert: "A", NetskopeAlertV2: "B"}[of]
	pointed := map[string]bool{}
	for _, row := range of.Rows() {
		name, text, _ := strings.Cut(row.Note, " ")
		pointed[name] = true
		if name != "" && (!strings.HasPrefix(name, letter) || len(text) < 20) {
			t.Errorf("%s, row %s: note %q", of, row.Name, row.Note)
		}
	}
	notes := of.table().notes
	for i := 1; i <= len(notes); i++ {
		if name := letter + strconv.Itoa(i); notes[name] == "" || !pointed[name] {
			t.Errorf("%s: there is no note %s, or no row that it is of", of, name)
		}
	}
}
