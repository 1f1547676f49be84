package preview

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/ndjson"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/udm"
	"netskope-alerts.internal/collector/internal/alert"
)

// preview makes events of the records of one source after the other: alerts, or what other
// streams have.
type preview struct {
	*Command
	counts
	coverage  *udm.Coverage
	explained *explained
	out       *bufio.Writer // of events; nil if they are not wanted
	visible   bool          // a terminal must not act upon them
	findings  text.Terminal
	shown     map[udm.Rule]int64
	event     []byte
}

// counts are of what was read.
type counts struct {
	Objects    int64 `json:"objects"`
	Skipped    int64 `json:"skipped"` // of folders, by their names
	Gone       int64 `json:"gone"`    // objects that were taken away meanwhile
	Lines      int64 `json:"lines"`
	Unreadable int64 `json:"unreadable"` // lines, and rests of objects, that are not
	Bytes      int64 `json:"bytes"`      // unpacked
}

// report is what is to be said of them.
type report struct {
	at time.Time
	counts
	udm.Summary
	inputs    []string
	explained *explained
}

// explained is what every row did with an alert.
type explained struct {
	object string
	line   int64
	event  udm.Event
	steps  []udm.Step
}

// unreadable is the rule that shown counts lines under that are no alert.
const unreadable udm.Rule = "unreadable"

func newPreview(c *Command, s cli.Streams) *preview {
	p := &preview{Command: c, coverage: c.LogType.NewCoverage(0), findings: text.TerminalOf(s.Stderr, s.Lookup),
		shown: map[udm.Rule]int64{}}
	if c.Explain == "" && !c.Coverage && c.HTML == "" {
		p.out, p.visible = bufio.NewWriterSize(s.Stdout, ndjson.ReadBuffer), text.IsTerminal(s.Stdout)
	}
	return p
}

func (p *preview) report() report {
	return report{at: time.Now(), counts: p.counts, Summary: p.coverage.Summary(), inputs: p.Inputs,
		explained: p.explained}
}

// valid reports whether there is nothing to see to.
func (p *preview) valid() bool {
	return p.Unreadable == 0 && p.coverage.Summary().Invalid == 0 && (p.Explain == "" || p.explained != nil)
}

func (p *preview) flush() error {
	if p.out == nil {
		return nil
	}
	return p.out.Flush()
}

// object reads a source. Its error is that it could not.
func (p *preview) object(ctx context.Context, s ndjson.Source) error {
	if s.Listed && !ndjson.IsNDJSON(s.Object) {
		p.Skipped++
		return nil
	}
	c, err := s.Content(ctx)
	if err == nil {
		defer c.Close()
		if form := c.Form(); form != nil {
			p.Objects++
			p.refuse(s.Name, form.What+"; "+form.Do)
			return nil
		}
		err = p.lines(s, c)
	}
	broken := (*ndjson.Flaw)(nil)
	switch {
	case errors.Is(err, ndjson.ErrGone):
		p.Gone++
		return nil
	case errors.As(err, &broken):
		p.Objects++
		p.refuse(s.Name, broken.What)
		return nil
	case errors.Is(err, ndjson.ErrStop):
		p.Objects++
		return err
	case err != nil:
		return fmt.Errorf("read %s: %w", s.Name, err)
	}
	p.Objects++
	return nil
}

// lines makes an event of each line.
func (p *preview) lines(s ndjson.Source, c *ndjson.Content) error {
	all := ndjson.NewLines(c.Reader, alert.MaxLine)
	defer func() { p.Bytes += all.Bytes }()
	for {
		at, err := all.Read()
		if err == io.EOF {
			if f := c.Trailing(); f != nil {
				return f
			}
			return nil
		}
		if err != nil {
			return err
		}
		p.Lines++
		if at.Long {
			p.refuse(s.Place(at), fmt.Sprintf("the line has %s bytes, of %s at most", text.Number(at.Size),
				text.Number(alert.MaxLine)))
		} else if err := p.alert(s, at); err != nil {
			return err
		}
	}
}

// alert makes the event of a line, if it is an alert.
func (p *preview) alert(s ndjson.Source, at ndjson.Line) error {
	if at.Number == 1 && bytes.HasPrefix(at.Text, []byte(ndjson.BOM)) {
		p.refuse(s.Place(at), "it begins with a byte order mark; delete the first three bytes of the file")
		return nil
	}
	if bytes.Contains(at.Text, []byte(`"ok"`)) || bytes.Contains(at.Text, []byte(`"result"`)) {
		if form := ndjson.AnswerOf(at.Text); form != nil {
			p.refuse(s.Place(at), form.What+"; "+form.Do)
			return nil
		}
	}
	event, err := p.LogType.Map(at.Text)
	if err != nil {
		p.refuse(s.Place(at), strings.TrimPrefix(err.Error(), "map alert: "))
		return nil
	}
	if p.Explain != "" && p.explained == nil && event.ID() == p.Explain {
		steps, err := p.LogType.Explain(at.Text)
		if err != nil {
			return err
		}
		p.explained = &explained{object: s.Name, line: at.Number, event: event, steps: steps}
		if !p.Coverage && p.HTML == "" {
			p.coverage.Add(event)
			return ndjson.ErrStop
		}
	}
	if p.Explain != "" && !p.Coverage && p.HTML == "" {
		return nil // of the others nothing is asked
	}
	p.coverage.Add(event)
	if p.out == nil {
		return nil
	}
	for _, f := range event.Findings() {
		if p.shown[f.Rule]++; p.shown[f.Rule] <= int64(p.Findings) {
			id := f.Alert
			if id == "" {
				id = "no _id"
			}
			fmt.Fprintf(p.findings, "%s: %s: %s\n", text.Clean(s.Place(at)), text.Clean(id),
				text.Clean(strings.TrimPrefix(f.String(), f.Alert+": ")))
		}
	}
	p.event = append(event.AppendJSON(p.event[:0]), '\n')
	if p.visible {
		p.event = text.Visible(p.event)
	}
	_, err = p.out.Write(p.event)
	return err
}

// refuse says that something is no alert.
func (p *preview) refuse(place, why string) {
	p.Unreadable++
	if p.shown[unreadable]++; p.shown[unreadable] <= int64(p.Findings) {
		fmt.Fprintf(p.findings, "%s: not readable: %s\n", text.Clean(place), text.Clean(why))
	}
}

// verdict says how the events are, in a word and a sentence.
func (r report) verdict() (text.Verdict, string) {
	events := int64(r.Events)
	switch sentence := text.Count(events, "record became a UDM event", "records became UDM events"); {
	case r.Unreadable > 0 && events == 0:
		return text.Fail, "No line is an alert or event."
	case r.Invalid > 0:
		return text.Fail, fmt.Sprintf("%s; Google would refuse %s of them.", sentence, text.Number(int64(r.Invalid)))
	case r.Unreadable > 0:
		return text.Fail, fmt.Sprintf("%s; %s not readable.", sentence,
			text.Count(r.Unreadable, "line is", "lines are"))
	case r.Dropped+r.Demoted+r.Kept > 0:
		return text.Warn, sentence + ", all valid, but " + r.flaws() + "."
	default:
		return text.Pass, sentence + ", all valid and nothing lost."
	}
}

// flaws says how many of the events are valid, but not as they were meant.
func (r report) flaws() string {
	var flaws []string
	add := func(n uint64, one, more string) {
		if n > 0 {
			flaws = append(flaws, text.Count(int64(n), one, more))
		}
	}
	add(r.Dropped, "lost a value", "lost a value")
	add(r.Demoted, "is of a weaker type than a row asks for", "are of a weaker type than a row asks for")
	add(r.Kept, "has a value that looks wrong, or no id", "have a value that looks wrong, or no id")
	if last := len(flaws) - 1; last > 0 {
		return strings.Join(flaws[:last], ", ") + " and " + flaws[last]
	}
	return strings.Join(flaws, "")
}

// remedy is what to do about the verdict.
func (r report) remedy() text.Remedy {
	switch {
	case r.Unreadable > 0:
		return text.Remedy{Text: "What is wrong with each line, and what to do about it, says:",
			Command: "netskope-alerts lint " + strings.Join(r.inputs, " ")}
	case r.Invalid+r.Demoted+r.Dropped+r.Kept > 0:
		return text.Remedy{Text: "The findings name the fields. Which alerts have them is printed with the events; " +
			"what the rows did with one of them says:",
			Command: "netskope-alerts udm --explain ID " + strings.Join(r.inputs, " ")}
	}
	return text.Remedy{}
}

// usedRows are the table's rows that contributed to an event, and those that did not.
func (r report) usedRows() (used, idle []udm.RowCount) {
	for _, row := range r.Rows {
		if row.Hits > 0 {
			used = append(used, row)
		} else {
			idle = append(idle, row)
		}
	}
	return used, idle
}

// provenance says whose the rows of a table are.
func provenance(rows []udm.Row) string {
	var runs []string
	first := 0
	for i, row := range rows {
		if i+1 < len(rows) && sourceOf(rows[i+1]) == sourceOf(row) {
			continue
		}
		runs = append(runs, fmt.Sprintf("%s to %s %s", rows[first].Name, row.Name, sourceOf(row)))
		first = i + 1
	}
	return "Rows: " + strings.Join(runs, ", ") + "."
}

// sourceOf says whose a row is.
func sourceOf(row udm.Row) string {
	switch row.Source {
	case "page":
		return "of Google's page"
	case "predecessor of the page":
		return "of the page before it"
	case "chosen here":
		return "chosen here"
	}
	return "of the parser's change log"
}

// fieldsBeyond says what it means that no row reads a field.
func fieldsBeyond(of udm.LogType) string {
	const remedy = "They are in the raw log: search there, or map them with a parser extension."
	if of == udm.NetskopeAlert {
		return "Google's table has no row for them. " + remedy
	}
	return "Google publishes no row for them; its parser may read some. " + remedy
}

// topValues are the most frequent values of a finding.
func topValues(f udm.FindingCount) string {
	const most = 5
	var values []string
	rest, kinds := f.OtherValues, 0
	for i, v := range f.Values {
		if i < most {
			values = append(values, text.Clean(v.Value)+": "+text.Number(int64(v.Count)))
			continue
		}
		rest, kinds = rest+v.Count, kinds+1
	}
	if rest > 0 {
		others := "others"
		if f.OtherValues == 0 {
			others = text.Count(kinds, "other", "others")
		}
		values = append(values, others+": "+text.Number(int64(rest)))
	}
	return strings.Join(values, ", ")
}

// typeRows are the events' types, to be drawn as bars.
func (r report) typeRows() []text.BarRow {
	rows := make([]text.BarRow, len(r.Types))
	for i, t := range r.Types {
		rows[i] = text.BarRow{Label: t.Type, N: int64(t.Count)}
	}
	return rows
}

// target is the row's UDM path with its key.
func target(row udm.Row) string {
	if row.Key == "" {
		return row.Path
	}
	return row.Path + "[" + row.Key + "]"
}

// readFrom names what the row reads.
func readFrom(row udm.Row) string {
	if len(row.From) == 0 {
		return "(" + row.How + ")"
	}
	return strings.Join(slices.Compact(slices.Clone(row.From)), ", ")
}
