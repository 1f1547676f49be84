package preview

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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
