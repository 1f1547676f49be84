package lint

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/ndjson"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/ndjsontest"
	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
)

// lintText looks at a text as an object of lines. Whether these are alerts is for
// TestLintWrongForm.
func lintText(t testing.TB, name, text string, change func(*linter)) (all []finding, l *linter) {
	l = newLinter(func(f finding) {
		if f.Rule != ruleNoAlert {
			all = append(all, f)
		}
	})
	if change != nil {
		change(l)
	}
	if err := l.object(t.Context(), textSource(name, text)); err != nil {
		t.Fatal(err)
	}
	return all, l
}

// where are the rules and places of findings, in short.
func where(all []finding) string {
	var out []string
	for _, f := range all {
		out = append(out, fmt.Sprintf("%s %d:%d@%d", f.Rule, f.Line, f.Column, f.Byte))
	}
	return strings.Join(out, ", ")
}

func TestLintLines(t *testing.T) {
	atLimit := fmt.Sprintf(`{"_id":"l","x":"%s"}`, strings.Repeat("x", alert.MaxLine-19))
	for _, test := range []struct{ text, want string }{
		{"", "empty 0:0@0"},
		{"{}\n", ""},
		{`{"_id":"a","x":"ü😀","n":1.10,"s":"\ud800"}` + "\n" + `{"_id":"b"}` + "\n", ""},
		{" { \"a\" : [ 1 , 2 ] }\t\n", ""},
		{`{"a":1,"a":2}` + "\n", ""},
		{atLimit + "\n", ""},
		{"x" + atLimit + "\n", "line-size 1:1@0"},
		{"{}\n{\"x\":\"\u2028\"}", "no-newline 2:12@14"},
		{"\ufeff{}\n", "bom 1:1@0"},
		{"{}\n\ufeff{}\n", "json 2:1@3"},
		{"\ufeff{\"a\":1]\n", "bom 1:1@0, json 1:10@9"},
		{"\ufeff\n", "bom 1:1@0, empty-line 1:1@0"},
		{"\n{}\n \t\n{}\n", "empty-line 1:1@0, empty-line 3:1@4"},
		{"{}\r\n", "carriage-return 1:3@2"},
		{"\r\n", "empty-line 1:1@0"},
		{"{\r\"a\":1}\n", "carriage-return 1:2@1"},
		{"{\"a\":\"\r\"}\n", "carriage-return 1:7@6, json 1:7@6"},
		{"{\"a\":\"\x00\"}\n", "nul 1:7@6"},
		{"{}\n{\"a\":\"ü\xc3\"}\n", "utf-8 2:9@11"},
		{"{\"a\":\"\xed\xa0\x80\"}\n", "utf-8 1:7@6"},
		{"{\"a\":\"\xff\"\n", "utf-8 1:7@6, json 1:8@7"},
		{"{\"a\":\"\ufffd\xff\"}\n", "utf-8 1:10@9"},
		{"{}{}\n", "json 1:3@2"},
		{"{},{}\n", "json 1:3@2"},
		{"{}],\"result\":[{}\n", "json 1:3@2"},
		{"{}]}\n", "json 1:3@2"},
		{"{}\n{\n", "json 2:1@3"},
		{"{\"a\":NaN}\n", "json 1:6@5"},
		{"{'a':1}\n", "json 1:2@1"},
		{"1\n[{}]\n\"a\"\n null\ntrue\n",
			"not-object 1:1@0, not-object 2:1@2, not-object 3:1@7, not-object 4:1@11, not-object 5:1@17"},
		{`{"_id":"a"}` + "\n" + `{"_id":"b"}` + "\n" + `{ "x" : {"_id":"b"} , "_id" : "a" }` + "\n",
			"duplicate-id 3:1@24"},
		{`{"_id":7}` + "\n" + `{"_id":7.0}` + "\n" + `{"_id":"7"}` + "\n", "duplicate-id 3:1@22"},
		{`{"_id":""}` + "\n" + `{"_id":""}` + "\n" + `{}` + "\n" + `{}` + "\n" + `{"_id":null}` + "\n" +
			`{"_id":null}` + "\n", ""},
	} {
		all, l := lintText(t, "a.ndjson", test.text, nil)
		if got := where(all); got != test.want {
			t.Errorf("%.60q: got %s; want %s", test.text, got, test.want)
		}
		if l.Bytes != int64(len(test.text)) ||
			l.Lines != int64(strings.Count(test.text, "\n")+min(strings.Count(test.want, "no-newline"), 1)) {
			t.Errorf("%.60q: %+v", test.text, l.totals)
		}
		for _, f := range all {
			if f.Object != "a.ndjson" || f.What == "" || f.Do == "" {
				t.Errorf("%.60q: %+v", test.text, f)
			}
		}
	}
}

func TestLintObjects(t *testing.T) {
	lines := strings.Repeat("{}\n", 10)
	small := func(l *linter) { l.sizes = sizes{object: 15, unpacked: 24} }
	for _, test := range []struct {
		name, text string
		change     func(*linter)
		want       string
	}{
		{"a.ndjson.gz", ndjsontest.Zipped(lines), nil, ""},
		{"a.ndjson.gz", lines, nil, "gzip-name 0:0@0"},
		{"a.ndjson", ndjsontest.Zipped(lines), nil, "gzip-name 0:0@0"},
		{"a.ndjson.gz", ndjsontest.Zipped(lines)[:20], nil, "gzip-torn 0:0@20"},
		{"a.ndjson.gz", ndjsontest.Zipped(lines+"{}") + "tail", nil,
			fmt.Sprintf("no-newline 11:3@32, gzip-trailing 0:0@%d", len(ndjsontest.Zipped(lines+"{}")))},
		{"a.ndjson", strings.Repeat("{}\n", 5), small, ""},
		{"a.ndjson", strings.Repeat("{}\n", 6), small, "object-size 6:1@15"},
		{"a.ndjson.gz", ndjsontest.Zipped(lines), small, "object-size 6:1@15, object-size 0:0@27"},
		{"/a.ndjson", lines, nil, "empty-folder 0:0@0"},
		{"a//b.ndjson", "1\n", nil, "empty-folder 0:0@0, not-object 1:1@0"},
	} {
		all, l := lintText(t, test.name, test.text, test.change)
		if got := where(all); got != test.want {
			t.Errorf("%s %.20q: got %s; want %s", test.name, test.text, got, test.want)
		}
		if l.Objects != 1 {
			t.Errorf("%s: %+v", test.name, l.totals)
		}
	}
	if l := newLinter(nil); l.limit != 4_000_000 || l.sizes != (sizes{2_000_000_000, 10_000_000_000}) {
		t.Errorf("limits %d, %+v", l.limit, l.sizes)
	}
	// The _ids of one object are not held against those of another.
	var all []finding
	l := newLinter(func(f finding) { all = append(all, f) })
	for range 2 {
		if err := l.object(t.Context(), textSource("a.ndjson", `{"_id":"a"}`+"\n")); err != nil {
			t.Fatal(err)
		}
	}
	if len(all) > 0 {
		t.Errorf("of two objects with the same _id: %s", where(all))
	}
}

func TestLintNames(t *testing.T) {
	for _, test := range []struct {
		folder, name string
		want         rule
	}{
		{"p/", "p/2026/11/23/alerts_20261123T100000Z_20261123T100500Z.ndjson", ""},
		{"p/", "p/2026/11/23/alerts_20261123T105500Z_20261123T115500Z.ndjson.gz", ""},
		{"p/", "p/2026/11/23/alerts_20261123T100000Z_20261123T100500Z_late0012.ndjson", ""},
		{"p/2026/", "p/2026/11/23/alerts_20261123T100000Z_20261123T100500Z.ndjson", ""},
		{"p/2026/11/23/", "p/2026/11/23/alerts_20261123T100000Z_20261123T100500Z_late0001_part2.ndjson.gz", ""},
		{"p/", "p/2026/11/23/alerts_20261123T115500Z_20261123T175500Z_part10.ndjson", ""},
		{"p/", "p/2026/11/23/alerts_20261123T100000Z_20261123T100001Z_late12345.ndjson", ""},
		{"", "2026/11/23/alerts_20261123T100000Z_20261123T100500Z.ndjson", ""},
		{"2026/11/", "2026/11/23/alerts_20261123T100000Z_20261123T100500Z.ndjson", ""},
		{"", "p/2026/11/23/alerts_20261123T100000Z_20261123T100500Z.ndjson", ruleForeign},
		{"p/", "p/q/2026/11/23/alerts_20261123T100000Z_20261123T100500Z.ndjson", ruleForeign},
		{"p/", "p/page/2026/11/23/page_20261123T100000Z_20261123T100500Z.ndjson", ""},
		{"p/page/", "p/page/2026/11/23/page_20261123T100000Z_20261123T100500Z.ndjson.gz", ""},
		{"p/", "p/audit/2026/11/23/page_20261123T100000Z_20261123T100500Z.ndjson", ruleForeign},
		{"p/", "p/q/page/2026/11/23/page_20261123T100000Z_20261123T100500Z.ndjson", ruleForeign},
		{"p/", "p/alert/2026/11/23/alerts_20261123T100000Z_20261123T100500Z.ndjson", ruleForeign},
		{"p/", "p/alerts_20261123T100000Z_20261123T100500Z.ndjson", ruleForeign},
		{"p/", "p/2026/11/24/alerts_20261123T100000Z_20261123T100500Z.ndjson", ruleForeign},
		{"p/", "p/2026/13/01/alerts_20261301T100000Z_20261301T100500Z.ndjson", ruleForeign},
		{"p/", "p/2026/11/23/alerts_20261123T100500Z_20261123T100500Z.ndjson", ruleForeign},
		{"p/", "p/2026/11/23/alerts_20261123T100000Z_20261123T100500Z_1.ndjson", ruleForeign},
		{"p/", "p/2026/11/23/alerts_20261123T100000Z_20261123T100500Z_late1.ndjson", ruleForeign},
		{"p/", "p/2026/11/23/alerts_20261123T100000Z_20261123T100500Z_late0000.ndjson", ruleForeign},
		{"p/", "p/2026/11/23/alerts_20261123T100000Z_20261123T100500Z_part1.ndjson", ruleForeign},
		{"p/", "p/2026/11/23/alerts_20261123T100000Z_20261123T100500Z_part2_late0001.ndjson", ruleForeign},
		{"p/", "p/2026/11/23/alerts_20261123T100000Z_20261123T100600Z.ndjson", ruleForeign},
		{"p/", "p/2026/11/23/alerts_20261123T100100Z_20261123T100600Z.ndjson", ruleForeign},
		{"p/", "xp2026/11/23/alerts_20261123T100000Z_20261123T100500Z.ndjson", ruleForeign},
		{"p/", "p/2026/11/23/alerts_20261123T100000Z_20261123T100500Z.json", ruleForeign},
		{"p/", "p/2026/11/23/alerts_20261123T100000Z_20261123T100500Z.ndjson.bak", ruleForeign},
		{"p/", "p/state.json", ruleForeign},
		{"p/", "p//2026/11/23/alerts_20261123T100000Z_20261123T100500Z.ndjson", ruleEmptyFolder},
	} {
		got, what := judgeName(ndjson.Source{Object: test.name, Folder: test.folder, Listed: true})
		if got != test.want || (what == "") != (got == "") {
			t.Errorf("%s below %q: %q, %q; want %q", test.name, test.folder, got, what, test.want)
		}
		if got, _ := judgeName(ndjson.Source{Object: test.name}); got == ruleForeign {
			t.Errorf("%s that was named is foreign", test.name)
		}
	}
}

// TestLintBucket looks at objects of a bucket, one with a Content-Encoding.
func TestLintBucket(t *testing.T) {
	server := &gcstest.Server{}
	in := ndjson.Inputs{Stdin: strings.NewReader(""), Bucket: ndjsontest.Buckets(t, server)}
	bucket, _ := in.Bucket("alerts")
	const day = "f/2026/11/23/alerts_20261123T"
	server.Put("alerts", day+"100000Z_20261123T100500Z.ndjson", []byte("{\"timestamp\":1}\n"))
	server.Put("alerts", "f/state.json", []byte("{\n}\n"))
	server.Put("alerts", "f/other.ndjson", []byte("1\n"))
	server.Put("alerts", "f/", nil)
	for name, text := range map[string]string{
		day + "100500Z_20261123T101000Z.ndjson.gz": ndjsontest.Zipped("{\"timestamp\":1}\n{\"timestamp\":2}"),
		day + "101000Z_20261123T101500Z.ndjson":    ndjsontest.Zipped("{\"timestamp\":1}\n"),
	} {
		w := bucket.Object(name).NewWriter(t.Context())
		w.ContentEncoding = "gzip"
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var all []string
	l := newLinter(func(f finding) {
		all = append(all, fmt.Sprintf("%s %s %d", strings.TrimPrefix(f.Object, "gs://alerts/f/"), f.Rule, f.Line))
	})
	if err := in.Each(t.Context(), []string{"gs://alerts/f/"},
		func(s ndjson.Source) error { return l.object(t.Context(), s) }); err != nil {
		t.Fatal(err)
	}
	const short = "2026/11/23/alerts_20261123T"
	want := []string{
		short + "100500Z_20261123T101000Z.ndjson.gz content-encoding 0",
		short + "100500Z_20261123T101000Z.ndjson.gz no-newline 2",
		short + "101000Z_20261123T101500Z.ndjson content-encoding 0",
		"other.ndjson foreign 0", "other.ndjson not-object 1", "state.json foreign 0",
	}
	if !slices.Equal(all, want) || l.Objects != 5 || l.Foreign != 1 || l.Lines != 5 {
		t.Errorf("%+v\ngot  %q\nwant %q", l.totals, all, want)
	}
}

// TestGone: an object that the feed takes away while the folder is read is told apart.
func TestGone(t *testing.T) {
	server := &gcstest.Server{}
	server.Put("alerts", "f/2026/11/23/alerts_20261123T100000Z_20261123T100500Z.ndjson", []byte("{}\n"))
	server.Put("alerts", "f/z.ndjson", []byte("{\"timestamp\":1}\n"))
	in := ndjson.Inputs{Stdin: strings.NewReader(""), Bucket: ndjsontest.Buckets(t, server)}
	l := newLinter(func(finding) {})
	if err := in.Each(t.Context(), []string{"gs://alerts/f/"}, func(s ndjson.Source) error {
		if bucket, _ := in.Bucket("alerts"); strings.HasSuffix(s.Object, "z.ndjson") {
			if err := bucket.Object(s.Object).Delete(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		return l.object(t.Context(), s)
	}); err != nil {
		t.Fatal(err)
	}
	if l.Gone != 1 || l.Lines != 1 {
		t.Errorf("%+v", l.totals)
	}
}

// generated is NDJSON of so many bytes at least, made while it is read.
type generated struct {
	left int64
	n    int
	line []byte
	rest []byte
	each func()
}

func (g *generated) Read(p []byte) (int, error) {
	if len(g.rest) == 0 {
		if g.left <= 0 {
			return 0, io.EOF
		}
		g.n++
		g.line = fmt.Appendf(g.line[:0], `{"_id":"%024x","timestamp":1793447993,"pad":"%s"}`+"\n", g.n,
			strings.Repeat("x", 1900))
		g.left -= int64(len(g.line))
		g.rest = g.line
		if g.n%10_000 == 0 && g.each != nil {
			g.each()
		}
	}
	n := copy(p, g.rest)
	g.rest = g.rest[n:]
	return n, nil
}

// peakHeap looks at a generated object, and returns the most memory that was in use.
func peakHeap(t testing.TB, size int64) (peak uint64, l *linter) {
	g := &generated{left: size, each: func() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak = max(peak, m.HeapInuse+m.StackInuse)
	}}
	l = newLinter(func(f finding) { t.Errorf("%+v", f) })
	s := ndjson.Source{Name: "big", Object: "big.ndjson",
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(g), nil }}
	if err := l.object(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return peak, l
}

// TestLintMemory: what a large object takes is the _ids, 8 bytes each in a table that is
// half full and made anew.
func TestLintMemory(t *testing.T) {
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	peak, l := peakHeap(t, 200_000_000)
	if l.Lines < 100_000 || l.NotCompared > 0 {
		t.Errorf("%+v", l.totals)
	}
	if used := int64(peak) - int64(before.HeapInuse+before.StackInuse); used > 32<<20 {
		t.Errorf("200 MB took %d MB of memory", used>>20)
	}
}

func TestEveryRuleHasARemedy(t *testing.T) {
	source, err := os.ReadFile("rules.go")
	if err != nil {
		t.Fatal(err)
	}
	n := strings.Count(string(source), " rule = \"") + len(ndjson.Forms)
	seen := map[rule]bool{}
	for _, r := range remedies {
		seen[r.rule] = r.do != ""
	}
	if len(seen) != n || n == 0 {
		t.Errorf("%d rules, %d remedies", n, len(seen))
	}
}

func TestLintReport(t *testing.T) {
	text := strings.Repeat("1\n", 5) + "\n"
	run := func(c Command) (string, error) {
		var out bytes.Buffer
		r := newReport(&c, cli.Streams{Stdout: &out, Stderr: io.Discard,
			Lookup: func(string) (string, bool) { return "", false }})
		l := newLinter(r.add)
		if err := l.object(t.Context(), textSource("dir/a\x1b[31m.ndjson", text)); err != nil {
			t.Fatal(err)
		}
		err := r.end(l.totals)
		return out.String(), err
	}
	got, err := run(Command{Findings: 2})
	if err != nil || strings.Count(got, "not-object  it is JSON, but no object") != 2 ||
		strings.Count(got, "empty-line  the line") != 1 ||
		!strings.Contains(got, "not-object         5  write each alert") ||
		!strings.Contains(got, "fail  6 findings in 1 object, 6 lines, 11 B.") || strings.Contains(got, "\x1b") {
		t.Errorf("%v\n%s", err, got)
	}
	if got, _ := run(Command{Findings: 0}); strings.Contains(got, "ndjson:") || !strings.Contains(got, "6 findings") {
		t.Errorf("none:\n%s", got)
	}
	got, err = run(Command{Findings: 3, JSON: true})
	var kinds []string
	for text := range strings.Lines(got) {
		var line struct {
			Finding *finding `json:"finding"`
			Lint    *struct {
				Objects, Lines, Bytes, Findings int64
				Rules                           []ruleSum
			} `json:"lint"`
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if line.Lint != nil {
			kinds = append(kinds, fmt.Sprintf("%+v", *line.Lint)[:42])
		} else {
			kinds = append(kinds, fmt.Sprintf("%s:%d:%d", line.Finding.Rule, line.Finding.Line, line.Finding.Column))
		}
	}
	if want := []string{"not-object:1:1", "not-object:2:1", "not-object:3:1", "empty-line:6:1",
		"{Objects:1 Lines:6 Bytes:11 Findings:6 Rul"}; err != nil || !slices.Equal(kinds, want) {
		t.Errorf("%v: got %q, want %q", err, kinds, want)
	}
}

// TestLintSaysThatItWasNotWritten: a full disk is an error.
func TestLintSaysThatItWasNotWritten(t *testing.T) {
	r := newReport(&Command{}, cli.Streams{Stdout: brokenWriter{}, Stderr: io.Discard, Lookup: os.LookupEnv})
	if err := r.end(totals{}); err == nil || !strings.Contains(err.Error(), "broken pipe") {
		t.Error(err)
	}
}

// TestLintWrongForm: what is no lines of alerts is named as what it is, once, and is not clean.
func TestLintWrongForm(t *testing.T) {
	one := `{"_id":"a","timestamp":1}` + "\n"
	for _, test := range []struct{ text, want, what, do string }{
		{`{"ok":1,"result":[{"_id":"a"}]}`, "api-answer 0:0", "answer of the API", "jq -c '.result[]' FILE"},
		{`{"name":"collector","version":1}` + "\n", "no-alert 1:1", "no alert", "alert_type"},
		{one + `{"ok":1,"result":[{"_id":"a"}]}` + "\n" + one, "api-answer 2:1, duplicate-id 3:1",
			"has the alerts in its result", "jq -c '.result[]' FILE"},
		{"{\n \"_id\": \"a\"\n}\n", "pretty-printed 0:0", "several lines", "jq -c . FILE"},
		{`{"_id":null}` + "\n" + `{"alert_type":"DLP"}` + "\n" + `{"_insertion_epoch_timestamp":1}` + "\n", "", "", ""},
	} {
		for _, zipped := range []bool{false, true} {
			var all []finding
			l := newLinter(func(f finding) { all = append(all, f) })
			name, text := "a.ndjson", test.text
			if zipped {
				name, text = "a.ndjson.gz", ndjsontest.Zipped(text)
			}
			if err := l.object(t.Context(), textSource(name, text)); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range all {
				got = append(got, fmt.Sprintf("%s %d:%d", f.Rule, f.Line, f.Column))
			}
			if strings.Join(got, ", ") != test.want || test.what != "" &&
				(!strings.Contains(all[0].What, test.what) || !strings.Contains(all[0].Do, test.do)) {
				t.Errorf("%s: got %+v, want %s", test.text, all, test.want)
			}
		}
	}
}

// FuzzLint: a clean verdict means that encoding/json reads every line as an object.
func FuzzLint(f *testing.F) {
	for _, text := range []string{"{}\n", "{\"_id\":\"a\"}\n{\"_id\":1}\n", "\ufeff{}\r\n", "{}],\"ok\":[{}\n",
		"{\"a\":\"\\u0000\xff\"}\n", "[]\n{\"a\":{\"b\":[1e5,null]}}\n", "{} {}\n", "\n", "{\"\\u005fid\":1}"} {
		f.Add([]byte(text), true)
		f.Add([]byte(ndjsontest.Zipped(text)), false)
	}
	f.Fuzz(func(t *testing.T, text []byte, plain bool) {
		name := "a.ndjson"
		if !plain {
			name += ".gz"
		}
		all, _ := lintText(t, name, string(text), nil)
		for _, f := range all {
			if f.Do == "" || f.Line < 0 || f.Column < 0 || f.Byte < 0 {
				t.Errorf("%+v", f)
			}
		}
		if len(all) > 0 || !plain {
			return
		}
		if len(text) > 0 && text[len(text)-1] != '\n' {
			t.Errorf("%q is clean", text)
		}
		for line := range strings.Lines(string(text)) {
			var object map[string]json.RawMessage
			if err := json.Unmarshal([]byte(line), &object); err != nil || object == nil ||
				strings.ContainsAny(line, "\r\x00") {
				t.Errorf("%q is clean: %v", line, err)
			}
		}
	})
}

func BenchmarkLint(b *testing.B) {
	var all strings.Builder
	for i := 0; all.Len() < 4<<20; i++ { // every _id once
		all.WriteString(strings.ReplaceAll(ndjsontest.Alerts(b), `"5a0000`, fmt.Sprintf(`"%06x`, i)))
	}
	text := all.String()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	lines := 0
	for b.Loop() {
		l := newLinter(func(f finding) {
			if f.Rule != "no-alert" { // one line of the sample is an object without any member of an alert's
				b.Errorf("%+v", f)
			}
		})
		if err := l.object(b.Context(), textSource("a.ndjson", text)); err != nil {
			b.Fatal(err)
		}
		lines += int(l.Lines)
	}
	b.ReportMetric(float64(lines)/b.Elapsed().Seconds(), "alerts/s")
}

// BenchmarkLintLargest looks at an object of the size that a feed takes at most.
func BenchmarkLintLargest(b *testing.B) {
	size := feedSizes.object - 10_000
	if testing.Short() {
		size /= 100
	}
	b.SetBytes(size)
	for b.Loop() {
		peak, _ := peakHeap(b, size)
		b.ReportMetric(float64(peak)/1e6, "peak-MB")
	}
}
