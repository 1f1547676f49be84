package preview

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/browsertest"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/golden"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/ndjson"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/ndjsontest"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/udm"
	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/standin/gcstest"
)

const sampleID = "5a0000000000000000000003"

// hostileAlert is what a tenant that was taken over might send.
func hostileAlert() string {
	text, _ := json.Marshal(browsertest.Hostile)
	return fmt.Sprintf(
		`{"_id":%s,"timestamp":%[1]s,"user":%[1]s,%[1]s:%[1]s,"action":%[1]s,"srcip":%[1]s,`+
			`"host\u009bname":{"x":%[1]s}}`+"\n", text)
}

// previewed is what a command makes of texts, each an object.
func previewed(t testing.TB, c *Command, texts ...string) (p *preview, stdout, stderr *bytes.Buffer) {
	t.Helper()
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	c.Inputs = []string{"gs://alerts/netskope/alerts/"}
	p = newPreview(c, cli.Streams{Stdout: stdout, Stderr: stderr,
		Lookup: func(string) (string, bool) { return "", false }})
	for i, text := range texts {
		if err := p.object(t.Context(), textSource(fmt.Sprintf("gs://alerts/%d.ndjson", i+1), text)); err != nil &&
			err != ndjson.ErrStop {
			t.Fatal(err)
		}
	}
	if err := p.flush(); err != nil {
		t.Fatal(err)
	}
	return p, stdout, stderr
}

// reportOf has a time that is always the same.
func reportOf(p *preview) report {
	r := p.report()
	r.at = time.Date(2026, 11, 23, 11, 27, 12, 0, time.UTC)
	return r
}

// TestEvents: standard output is the mapping's events, line for line.
func TestEvents(t *testing.T) {
	text := ndjsontest.Alerts(t)
	p, stdout, stderr := previewed(t, &Command{Findings: 2}, text, "\n[1]\n"+`{"_id":"x","timestamp":1}`+"\n{",
		strings.Repeat("x", alert.MaxLine+1)+"\n"+`{"_id":"y","timestamp":1}`)
	var want bytes.Buffer
	for line := range strings.Lines(text + `{"_id":"x","timestamp":1}` + "\n" + `{"_id":"y","timestamp":1}` + "\n") {
		event, err := udm.NetskopeAlertV2.Map([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		want.Write(append(event.JSON(), '\n'))
	}
	if !bytes.Equal(stdout.Bytes(), want.Bytes()) {
		t.Errorf("got\n%s\nwant\n%s", stdout, &want)
	}
	n := int64(strings.Count(text, "\n"))
	if got := p.counts; got != (counts{Objects: 3, Lines: n + 6, Unreadable: 4,
		Bytes: int64(len(text)) + 5 + 26 + 1 + alert.MaxLine + 2 + 25}) {
		t.Errorf("counts %+v", got)
	}
	for _, want := range []string{"gs://alerts/2.ndjson:1: not readable: it is empty\n",
		"gs://alerts/2.ndjson:2: not readable: it is JSON, but begins with '['",
		"gs://alerts/1.ndjson:11: 5a0000000000000000000003: security_result.action from action: " +
			"has no member in Action: \"useralert\" (enum, left out)\n", ": no _id: metadata."} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("%q is not in\n%s", want, stderr)
		}
	}
	if n := strings.Count(stderr.String(), "not readable"); n != 2 {
		t.Errorf("%d of at most 2 lines are shown", n)
	}
	if n := strings.Count(stderr.String(), "(enum, "); n != 2 {
		t.Errorf("%d of at most 2 findings are shown", n)
	}
	if p.valid() {
		t.Error("it is valid")
	}
	for text, want := range map[string]bool{`{"_id":"x","timestamp":1}`: true, `{"_id":"x"}`: false, "{": false} {
		if p, _, _ := previewed(t, &Command{}, text); p.valid() != want {
			t.Errorf("%s is valid: %t", text, p.valid())
		}
	}
}

// TestWrongForm: what is no alerts, each on a line, is named, and becomes no event.
func TestWrongForm(t *testing.T) {
	for text, want := range map[string]string{
		`{"ok":1,"result":[{"_id":"a","timestamp":1}]}`: "answer of the API as it was saved, which has the alerts in its " +
			"result; make lines of it: jq -c '.result[]' FILE",
		"{\n\"_id\":\"a\",\n\"timestamp\":1}\n": "pretty-printed JSON: one value goes over several lines; put each " +
			"alert on one line: jq -c . FILE",
		"[{}]\n": "jq -c '.[]' FILE",
		"":       "it is empty: there is no line",
		"\ufeff" + `{"_id":"a","timestamp":1}` + "\n": "byte order mark",
		"<html>":               "HTML page",
		"_id,timestamp\na,1\n": "a table",
		ndjsontest.Zipped(ndjsontest.Zipped("{}\n")): "compressed",
		"\xff\xfe{\x00}\x00":                         "UTF-16",
		`{"ok":0,"message":"Token expired"}`:         `says that it failed, with "ok":0`,
		`{"timestamp":1}` + "\n" + `{"result":[1]}`:  ":2: not readable: it is an answer",
	} {
		c := &Command{Findings: 9}
		p, stdout, stderr := previewed(t, c)
		s := textSource("x", text)
		if strings.HasPrefix(text, "\x1f") {
			s = textSource("x.gz", text)
		}
		if err := p.object(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if err := p.flush(); err != nil {
			t.Fatal(err)
		}
		if p.Unreadable != 1 || p.valid() || !strings.Contains(stderr.String(), want) ||
			stdout.Len() > 0 != strings.HasPrefix(text, `{"t`) {
			t.Errorf("%.40q: %+v, %s\n%s", text, p.counts, stdout, stderr)
		}
	}
}

// TestBrokenObject: what cannot be unpacked does not stop the rest.
func TestBrokenObject(t *testing.T) {
	stderr := new(bytes.Buffer)
	p := newPreview(&Command{Findings: 9, Coverage: true},
		cli.Streams{Stdout: io.Discard, Stderr: stderr, Lookup: os.LookupEnv})
	for name, text := range map[string]string{"torn.ndjson.gz": ndjsontest.Zipped(ndjsontest.Alerts(t))[:2000],
		"not.ndjson.gz": "{}\n", "tail.ndjson.gz": ndjsontest.Zipped(`{"timestamp":1}`) + "tail",
		"well.ndjson": `{"timestamp":1}`} {
		if err := p.object(t.Context(), textSource(name, text)); err != nil {
			t.Fatal(err)
		}
	}
	if p.Objects != 4 || p.Unreadable != 3 || p.Lines < 3 || p.coverage.Summary().Events != uint64(p.Lines) {
		t.Errorf("%+v", p.counts)
	}
	if n := strings.Count(stderr.String(), "not readable"); n != 3 ||
		!strings.Contains(stderr.String(), "torn.ndjson.gz: not readable: the gzip content is cut off") {
		t.Errorf("stderr\n%s", stderr)
	}
}

func printed(t *testing.T, width int, colour bool, c *Command, r report) string {
	t.Helper()
	var out bytes.Buffer
	if err := writeText(text.Terminal{Writer: &out, Width: width, Colour: colour}, c, r); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// fewAlerts leave many rows without anything.
func fewAlerts() string {
	return `{"_id":"1","timestamp":1793448000,"hostname":"H1","domain":"d.example","protocol":"HTTPS",` +
		`"url":"d.example/","score":75,"tags":["a","b"],"action":"useralert"}` + "\n" +
		`{"_id":"2","timestamp":1793448001,"srcip":"192.0.2.1","empty":"","score":80}` + "\n" +
		`{"_id":"3","user":"anna@example.com"}` + "\n[]\n"
}

func TestUDMText(t *testing.T) {
	texts := map[string]string{"few": fewAlerts(), "all": ndjsontest.Alerts(t), "none": "[]\n",
		"hostile": hostileAlert(), "streams": ndjsontest.Events(t)}
	for name, text := range texts {
		c := &Command{Coverage: true}
		p, _, _ := previewed(t, c, text)
		golden.Check(t, "coverage-"+name+"-80.txt", []byte(printed(t, 80, false, c, reportOf(p))))
	}
	older := &Command{Coverage: true, Explain: sampleID, LogType: udm.NetskopeAlert}
	p, _, _ := previewed(t, older, texts["all"])
	golden.Check(t, "older-80.txt", []byte(printed(t, 80, false, older, reportOf(p))))
	for _, width := range []int{80, 160} {
		for _, all := range []bool{false, true} {
			c := &Command{Explain: sampleID, All: all}
			p, _, _ := previewed(t, c, texts["all"])
			golden.Check(t, fmt.Sprintf("explain-%d-%t.txt", width, all),
				[]byte(printed(t, width, false, c, reportOf(p))))
		}
	}
	c := &Command{Coverage: true, All: true}
	p, _, _ = previewed(t, c, texts["few"])
	golden.Check(t, "coverage-few-160-all-colour.txt", []byte(printed(t, 160, true, c, reportOf(p))))
}

// TestUDMTextFits: nothing that an alert holds reaches the terminal as it is, nor goes
// beyond its width.
func TestUDMTextFits(t *testing.T) {
	escape := regexp.MustCompile("\x1b\\[[0-9]+m")
	var id string
	if err := json.Unmarshal([]byte(hostileAlert()[7:strings.Index(hostileAlert(), `,"timestamp"`)]), &id); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*Command{{Coverage: true}, {Explain: sampleID, Coverage: true, All: true},
		{Explain: id, Coverage: true}} {
		p, _, stderr := previewed(t, c, ndjsontest.Alerts(t)+hostileAlert(), browsertest.Hostile)
		if p.explained == nil && c.Explain != "" {
			t.Fatal("the alert is not found")
		}
		for _, width := range []int{72, 80, 139, 140, 250} {
			plain := printed(t, width, false, c, reportOf(p))
			if coloured := escape.ReplaceAllString(printed(t, width, true, c, reportOf(p)), ""); coloured != plain {
				t.Errorf("at %d columns colour changes the text:\n%s", width, cmp.Diff(plain, coloured))
			}
			for line := range strings.Lines(plain + stderr.String()) {
				line = strings.TrimSuffix(line, "\n")
				if strings.ContainsFunc(line,
					func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x202e }) {
					t.Errorf("at %d columns: %q", width, line)
				}
			}
			for line := range strings.Lines(plain) {
				if n := text.Columns(strings.TrimSuffix(line, "\n")); n > width &&
					!strings.Contains(line, "://evil.example/x") {
					t.Errorf("%d columns, not %d: %q", n, width, line)
				}
			}
		}
	}
}

// TestExplainedRows: with --all every row of the table is there, in order; without, those
// that did something.
func TestExplainedRows(t *testing.T) {
	steps, err := udm.NetskopeAlertV2.Explain([]byte(strings.Split(fewAlerts(), "\n")[0]))
	if err != nil {
		t.Fatal(err)
	}
	n, idle := 0, 0
	for _, g := range stepGroups(steps) {
		for _, r := range g.Rows {
			if s := steps[n]; r.Row != s.Row.Name || r.Idle != (g.Idle > 0) ||
				r.Idle == (s.Outcome.Hit() || s.Field != "") {
				t.Errorf("row %s is %+v", s.Row.Name, r)
			}
			n++
		}
		if idle += g.Idle; g.Idle > 0 && (g.Idle != len(g.Rows) || g.First != g.Rows[0].Row ||
			g.Last != g.Rows[g.Idle-1].Row) {
			t.Errorf("group %+v", g)
		}
	}
	if n != len(steps) || idle < 20 || idle == n {
		t.Errorf("%d rows of %d, %d without anything", n, len(steps), idle)
	}
}

// TestExplainStops: of an explanation alone, nothing behind the alert is read.
func TestExplainStops(t *testing.T) {
	c := &Command{Explain: "2", Findings: 9}
	p, stdout, stderr := previewed(t, c, fewAlerts())
	if p.Lines != 2 || p.explained == nil || p.explained.line != 2 || p.coverage.Summary().Events != 1 ||
		stdout.Len()+stderr.Len() > 0 || !p.valid() {
		t.Errorf("%+v, %s%s", p.counts, stdout, stderr)
	}
	p, _, stderr = previewed(t, &Command{Explain: "4"}, fewAlerts())
	if p.explained != nil || p.valid() || p.Lines != 4 {
		t.Errorf("%+v, %s", p.counts, stderr)
	}
}

func TestUDMJSON(t *testing.T) {
	c := &Command{Explain: sampleID, Coverage: true, JSON: true}
	p, _, _ := previewed(t, c, ndjsontest.Alerts(t)+hostileAlert(), fewAlerts())
	var out bytes.Buffer
	if err := writeJSON(&out, c, reportOf(p)); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsFunc(out.String(), func(r rune) bool {
		return r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 ||
			r == 0x202e
	}) {
		t.Error("what a terminal acts upon is in the JSON as it is")
	}
	var got document
	decoder := json.NewDecoder(&out)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&got); err != nil {
		t.Fatal(err)
	}
	s, cov, e := p.coverage.Summary(), got.Coverage, got.Explained
	if cov.Events != s.Events || cov.Invalid != s.Invalid || cov.Demoted != s.Demoted || cov.counts != p.counts ||
		len(cov.Types) != len(s.Types) || len(cov.Findings) != len(s.Findings) ||
		len(cov.Unmapped) != len(s.Unmapped) || len(cov.Rows) != len(udm.NetskopeAlertV2.Rows()) {
		t.Errorf("coverage %+v", cov)
	}
	for i, f := range s.Findings {
		want := findingCountJSON{string(f.Rule), f.Effect.String(), f.Path, f.Field, f.Count, cov.Findings[i].Values,
			f.OtherValues, f.Remedy}
		if !reflect.DeepEqual(cov.Findings[i], want) || len(want.Values) != len(f.Values) || f.Remedy == "" ||
			len(f.Values) > 0 && want.Values[0] != valueJSON(f.Values[0]) {
			t.Errorf("finding %+v is %+v", f, cov.Findings[i])
		}
	}
	if got.LogType != "NETSKOPE_ALERT_V2" || cov.Dropped != s.Dropped || cov.Kept != s.Kept ||
		s.Dropped*s.Kept == 0 {
		t.Errorf("of %s, %d lost a value, %d have an odd one", got.LogType, cov.Dropped, cov.Kept)
	}
	for i, u := range p.explained.event.Unmapped() {
		if got.Explained.Unmapped[i] != (unmappedJSON{u.Path, u.Count, u.Example}) {
			t.Errorf("field %+v is %+v", u, got.Explained.Unmapped[i])
		}
	}
	never := 0
	for i, row := range s.Rows {
		var sum uint64
		for _, n := range cov.Rows[i].Outcomes {
			sum += n
		}
		if cov.Rows[i].Row != row.Row.Name || cov.Rows[i].Hits != row.Hits || sum != s.Events {
			t.Errorf("row %+v", cov.Rows[i])
		}
		if row.Hits == 0 {
			never++
		}
	}
	if len(cov.Never) != never {
		t.Errorf("never used: %q", cov.Never)
	}
	steps := p.explained.steps
	if e.ID != sampleID || e.Line != 11 || e.Type != "NETWORK_HTTP" || !e.Valid || len(e.Findings) != 1 ||
		e.Findings[0].Remedy == "" ||
		len(e.Rows) != len(steps) || !json.Valid(e.Event) {
		t.Errorf("explained %+v", e)
	}
	for i, row := range e.Rows {
		if s := steps[i]; row.Row != s.Row.Name || row.Outcome != s.Outcome.String() || row.Why != s.Why ||
			row.Field != s.Field || !slices.Equal(row.Result, s.Result) || row.Path != s.Row.Path {
			t.Errorf("row %+v is not %+v", row, s)
		}
	}
	// Every field of the mapping's own types has one here.
	for _, pair := range [][2]reflect.Type{{reflect.TypeFor[udm.Step](), reflect.TypeFor[stepJSON]()},
		{reflect.TypeFor[udm.Finding](), reflect.TypeFor[findingJSON]()},
		{reflect.TypeFor[udm.FindingCount](), reflect.TypeFor[findingCountJSON]()}} {
		for i := range pair[0].NumField() {
			name := pair[0].Field(i).Name
			if _, ok := pair[1].FieldByName(name); !ok && name != "Alert" { // which is the id of all
				t.Errorf("%s of %s is not in the JSON", name, pair[0])
			}
		}
	}
	out.Reset()
	if err := writeJSON(&out, &Command{Explain: "none"}, report{}); err != nil ||
		out.String() != "{\n  \"log_type\": \"NETSKOPE_ALERT_V2\"\n}\n" {
		t.Errorf("nothing is %q, %v", &out, err)
	}
}

// TestUDMSaysThatItWasNotWritten: a full disk is an error.
func TestUDMSaysThatItWasNotWritten(t *testing.T) {
	c := &Command{Coverage: true}
	p, _, _ := previewed(t, c, fewAlerts())
	r := reportOf(p)
	events := newPreview(&Command{}, cli.Streams{Stdout: brokenWriter{}, Stderr: io.Discard, Lookup: os.LookupEnv})
	_ = events.object(t.Context(), textSource("a", fewAlerts())) // which fits the buffer
	for what, err := range map[string]error{
		"text":    writeText(text.Terminal{Writer: brokenWriter{}, Width: 80, Colour: false}, c, r),
		"summary": writeSummary(text.Terminal{Writer: brokenWriter{}, Width: 80, Colour: false}, r),
		"JSON":    writeJSON(brokenWriter{}, c, r),
		"HTML":    writeHTML(brokenWriter{}, r),
		"events":  events.flush(),
	} {
		if err == nil || !strings.Contains(err.Error(), "broken pipe") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := c.show(cli.Streams{Stdout: io.Discard, Stderr: io.Discard, Lookup: os.LookupEnv}, r); err != nil {
		t.Error(err)
	}
	c.HTML = filepath.Join(t.TempDir(), "none", "a.html")
	if err := c.show(cli.Streams{Stdout: io.Discard, Stderr: io.Discard, Lookup: os.LookupEnv}, r); err == nil ||
		!strings.Contains(err.Error(), "--html") {
		t.Errorf("a page that cannot be written: %v", err)
	}
}

// TestPreviewGone: an object that the feed takes away while the folder is read is told apart.
func TestPreviewGone(t *testing.T) {
	server := &gcstest.Server{}
	server.Put("alerts", "f/2026/11/23/alerts_20261123T100000Z_20261123T100500Z.ndjson", []byte("{}\n"))
	server.Put("alerts", "f/z.ndjson", []byte("{\"timestamp\":1}\n"))
	in := ndjson.Inputs{Stdin: strings.NewReader(""), Bucket: ndjsontest.Buckets(t, server)}
	p := newPreview(&Command{Coverage: true}, cli.Streams{Stdout: io.Discard, Stderr: io.Discard, Lookup: os.LookupEnv})
	if err := in.Each(t.Context(), []string{"gs://alerts/f/"}, func(s ndjson.Source) error {
		if bucket, _ := in.Bucket("alerts"); strings.HasSuffix(s.Object, "z.ndjson") {
			if err := bucket.Object(s.Object).Delete(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		return p.object(t.Context(), s)
	}); err != nil {
		t.Fatal(err)
	}
	if p.Gone != 1 || p.Objects != 1 || p.Unreadable != 0 {
		t.Errorf("%+v", p.counts)
	}
}

// BenchmarkUDM is the command's work from lines to events, with the counts.
func BenchmarkUDM(b *testing.B) {
	alerts := ndjsontest.Alerts(b)
	text := strings.Repeat(alerts, 1+(1<<20)/len(alerts))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	p := newPreview(&Command{}, cli.Streams{Stdout: io.Discard, Stderr: io.Discard, Lookup: os.LookupEnv})
	p.out = bufio.NewWriterSize(io.Discard, ndjson.ReadBuffer)
	s := textSource("a.ndjson", text)
	for b.Loop() {
		if err := p.object(b.Context(), s); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(p.Lines)/b.Elapsed().Seconds(), "alerts/s")
}
