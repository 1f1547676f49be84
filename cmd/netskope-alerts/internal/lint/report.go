package lint

import (
	"bufio"
	"fmt"
	"strings"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/ndjson"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
)

// report prints findings as they come, and their sum.
type report struct {
	*Command
	text.Terminal
	out    *bufio.Writer
	counts map[rule]int64
	err    error
}

func newReport(c *Command, s cli.Streams) *report {
	t := text.TerminalOf(s.Stdout, s.Lookup)
	r := &report{Command: c, out: bufio.NewWriter(t.Writer), counts: map[rule]int64{}}
	t.Writer = r.out
	r.Terminal = t
	return r
}

// sum is the number of findings.
func (r *report) sum() (n int64) {
	for _, count := range r.counts {
		n += count
	}
	return n
}

// add prints a finding, unless enough of its rule were.
func (r *report) add(f finding) {
	if r.counts[f.Rule]++; r.counts[f.Rule] > int64(r.Findings) || r.err != nil {
		return
	}
	if r.JSON {
		r.err = cli.WriteLine(r.out, "finding", f)
	} else {
		place := text.Clean(f.Object)
		if f.Line > 0 {
			place += fmt.Sprintf(":%d:%d", f.Line, f.Column)
		}
		_, r.err = fmt.Fprintf(r, "%s\n  %s  %s\n", place, r.Painted(text.Yellow, string(f.Rule)),
			text.Wrapped(f.What, r.Width, 4+len(f.Rule)))
	}
	if err := r.out.Flush(); r.err == nil { // who looks on sees them at once
		r.err = err
	}
}

// ruleSum is how many findings a rule has.
type ruleSum struct {
	Rule     rule   `json:"rule"`
	Findings int64  `json:"findings"`
	Do       string `json:"do"`
}

// end prints the sum.
func (r *report) end(of totals) error {
	rules := []ruleSum{}
	for _, known := range remedies {
		if n := r.counts[known.rule]; n > 0 {
			rules = append(rules, ruleSum{known.rule, n, known.do})
		}
	}
	if r.err == nil && r.JSON {
		r.err = cli.WriteLine(r.out, "lint", struct {
			totals
			Findings int64     `json:"findings"`
			Rules    []ruleSum `json:"rules"`
		}{of, r.sum(), rules})
	} else if r.err == nil {
		r.text(of, rules)
	}
	if err := r.out.Flush(); r.err == nil {
		r.err = err
	}
	return r.err
}

func (r *report) text(of totals, rules []ruleSum) {
	if len(rules) > 0 {
		rows := make([][]string, len(rules))
		for i, rule := range rules {
			rows[i] = []string{string(rule.Rule), text.Number(rule.Findings), rule.Do}
		}
		if r.Findings > 0 {
			fmt.Fprintln(r)
		}
		fmt.Fprintln(r, r.Table([]text.Column{{Head: "rule"}, {Head: "findings", Right: true}, {Head: "what to do"}},
			rows)+"\n")
	}
	is, sentence := text.Pass, "Clean: "
	if len(rules) > 0 {
		is, sentence = text.Fail, text.Count(r.sum(), "finding", "findings")+" in "
	}
	sentence += fmt.Sprintf("%s, %s, %s", text.Count(of.Objects, "object", "objects"),
		text.Count(of.Lines, "line", "lines"), text.Size(of.Bytes))
	if of.Stored != of.Bytes {
		sentence += fmt.Sprintf(" (%s stored)", text.Size(of.Stored))
	}
	for _, note := range []struct {
		n    int64
		text string
	}{
		{of.Foreign, "of %s only the name was looked at"},
		{of.Gone, "%s gone meanwhile"},
	} {
		if note.n > 0 {
			sentence += "; " + fmt.Sprintf(note.text, text.Count(note.n, "object", "objects"))
		}
	}
	sentence += "."
	if of.NotCompared > 0 {
		sentence += fmt.Sprintf(" %s of objects with more than %s were not compared with one another.",
			text.Count(of.NotCompared, "_id", "_ids"), text.Number(ndjson.MaxIDs))
	}
	if of.Objects == 0 {
		is, sentence = text.Fail, "Nothing is there to look at; is the name right?"
	}
	fmt.Fprintf(r, "%s  %s\n", r.Word(is), strings.TrimSpace(text.Wrapped(sentence, r.Width, 6)))
}
