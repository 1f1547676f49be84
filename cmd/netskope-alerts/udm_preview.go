package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/udm"
)

// preview makes events of the alerts of one source after the other.
type preview struct {
	*udmCommand
	udmCounts
	coverage  *udm.Coverage
	explained *explained
	out       *bufio.Writer // of events; nil if they are not wanted
	visible   bool          // a terminal must not act upon them
	findings  terminal
	shown     map[udm.Rule]int64
	event     []byte
}

// udmCounts are of what was read.
type udmCounts struct {
	Objects    int64 `json:"objects"`
	Skipped    int64 `json:"skipped"` // of folders, by their names
	Gone       int64 `json:"gone"`    // objects that were taken away meanwhile
	Lines      int64 `json:"lines"`
	Unreadable int64 `json:"unreadable"` // lines, and rests of objects, that are not
	Bytes      int64 `json:"bytes"`      // unpacked
}

// udmReport is what is to be said of them.
type udmReport struct {
	at time.Time
	udmCounts
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

func newPreview(c *udmCommand, s streams) *preview {
	p := &preview{udmCommand: c, coverage: udm.NewCoverage(0), findings: terminalOf(s.stderr, s.lookup), shown: map[udm.Rule]int64{}}
	if c.Explain == "" && !c.Coverage && c.HTML == "" {
		p.out, p.visible = bufio.NewWriterSize(s.stdout, readBuffer), isTerminal(s.stdout)
	}
	return p
}

func (p *preview) report() udmReport {
	return udmReport{at: time.Now(), udmCounts: p.udmCounts, Summary: p.coverage.Summary(), inputs: p.Inputs, explained: p.explained}
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
func (p *preview) object(ctx context.Context, s source) error {
	if s.listed && !isNDJSON(s.object) {
		p.Skipped++
		return nil
	}
	c, err := s.content(ctx)
	if err == nil {
		defer c.close()
		err = p.lines(s, c)
	}
	broken := (*flaw)(nil)
	switch {
	case errors.Is(err, errGone):
		p.Gone++
		return nil
	case errors.As(err, &broken):
		p.Objects++
		p.refuse(s.name, broken.what)
		return nil
	case errors.Is(err, errStop):
		p.Objects++
		return err
	case err != nil:
		return fmt.Errorf("read %s: %w", s.name, err)
	}
	p.Objects++
	return nil
}

// lines makes an event of each line.
func (p *preview) lines(s source, c *content) error {
	all := newLines(c.Reader, maxLine)
	defer func() { p.Bytes += all.bytes }()
	for {
		at, err := all.read()
		if err == io.EOF {
			if f := c.trailing(); f != nil {
				return f
			}
			return nil
		}
		if err != nil {
			return err
		}
		p.Lines++
		if at.long {
			p.refuse(s.place(at), fmt.Sprintf("the line has %s bytes, of %s at most", number(at.size), number(maxLine)))
		} else if err := p.alert(s, at); err != nil {
			return err
		}
	}
}

// alert makes the event of a line, if it is an alert.
func (p *preview) alert(s source, at line) error {
	event, err := udm.Map(at.text)
	if err != nil {
		p.refuse(s.place(at), strings.TrimPrefix(err.Error(), "map alert: "))
		return nil
	}
	if p.Explain != "" && p.explained == nil && event.ID() == p.Explain {
		steps, err := udm.Explain(at.text)
		if err != nil {
			return err
		}
		p.explained = &explained{object: s.name, line: at.number, event: event, steps: steps}
		if !p.Coverage && p.HTML == "" {
			p.coverage.Add(event)
			return errStop
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
			fmt.Fprintf(p.findings, "%s: %s: %s\n", clean(s.place(at)), clean(id), clean(strings.TrimPrefix(f.String(), f.Alert+": ")))
		}
	}
	p.event = append(event.AppendJSON(p.event[:0]), '\n')
	if p.visible {
		p.event = visible(p.event)
	}
	_, err = p.out.Write(p.event)
	return err
}

// refuse says that something is no alert.
func (p *preview) refuse(place, why string) {
	p.Unreadable++
	if p.shown[unreadable]++; p.shown[unreadable] <= int64(p.Findings) {
		fmt.Fprintf(p.findings, "%s: not readable: %s\n", clean(place), clean(why))
	}
}

// verdict says how the events are, in a word and a sentence.
func (r udmReport) verdict() (verdict, string) {
	events := int64(r.Events)
	switch sentence := count(events, "alert became an event", "alerts became events"); {
	case r.Unreadable > 0 && events == 0:
		return fail, "No line is an alert."
	case r.Invalid > 0:
		return fail, fmt.Sprintf("%s; Google would refuse %s of them.", sentence, number(int64(r.Invalid)))
	case r.Unreadable > 0:
		return fail, fmt.Sprintf("%s; %s not readable.", sentence, count(r.Unreadable, "line is", "lines are"))
	case r.Demoted > 0:
		return warn, fmt.Sprintf("%s; %s of a weaker type than a row asks for.", sentence, count(int64(r.Demoted), "is", "are"))
	default:
		return pass, sentence + ", all valid."
	}
}

// usedRows are the table's rows that contributed to an event, and those that did not.
func (r udmReport) usedRows() (used, idle []udm.RowCount) {
	for _, row := range r.Rows {
		if row.Hits > 0 {
			used = append(used, row)
		} else {
			idle = append(idle, row)
		}
	}
	return used, idle
}

// typeRows are the events' types, to be drawn as bars.
func (r udmReport) typeRows() []barRow {
	rows := make([]barRow, len(r.Types))
	for i, t := range r.Types {
		rows[i] = barRow{label: t.Type, n: int64(t.Count)}
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
