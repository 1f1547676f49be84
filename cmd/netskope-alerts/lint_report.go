package main

import (
	"bufio"
	"fmt"
	"strings"
)

// lintReport prints findings as they come, and their sum.
type lintReport struct {
	*lintCommand
	terminal
	out    *bufio.Writer
	counts map[rule]int64
	err    error
}

func newLintReport(c *lintCommand, s streams) *lintReport {
	t := terminalOf(s.stdout, s.lookup)
	r := &lintReport{lintCommand: c, out: bufio.NewWriter(t.Writer), counts: map[rule]int64{}}
	t.Writer = r.out
	r.terminal = t
	return r
}

// sum is the number of findings.
func (r *lintReport) sum() (n int64) {
	for _, count := range r.counts {
		n += count
	}
	return n
}

// add prints a finding, unless enough of its rule were.
func (r *lintReport) add(f finding) {
	if r.counts[f.Rule]++; r.counts[f.Rule] > int64(r.Findings) || r.err != nil {
		return
	}
	if r.JSON {
		r.err = writeLine(r.out, "finding", f)
	} else {
		place := clean(f.Object)
		if f.Line > 0 {
			place += fmt.Sprintf(":%d:%d", f.Line, f.Column)
		}
		_, r.err = fmt.Fprintf(r, "%s\n  %s  %s\n", place, r.painted(yellow, string(f.Rule)), wrapped(f.What, r.width, 4+len(f.Rule)))
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
func (r *lintReport) end(of lintSum) error {
	rules := []ruleSum{}
	for _, known := range remedies {
		if n := r.counts[known.rule]; n > 0 {
			rules = append(rules, ruleSum{known.rule, n, known.do})
		}
	}
	if r.err == nil && r.JSON {
		r.err = writeLine(r.out, "lint", struct {
			lintSum
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

func (r *lintReport) text(of lintSum, rules []ruleSum) {
	if len(rules) > 0 {
		rows := make([][]string, len(rules))
		for i, rule := range rules {
			rows[i] = []string{string(rule.Rule), number(rule.Findings), rule.Do}
		}
		if r.Findings > 0 {
			fmt.Fprintln(r)
		}
		fmt.Fprintln(r, r.table([]column{{head: "rule"}, {head: "findings", right: true}, {head: "what to do"}}, rows)+"\n")
	}
	is, text := pass, "Clean: "
	if len(rules) > 0 {
		is, text = fail, count(r.sum(), "finding", "findings")+" in "
	}
	text += fmt.Sprintf("%s, %s, %s", count(of.Objects, "object", "objects"), count(of.Lines, "line", "lines"), size(of.Bytes))
	if of.Stored != of.Bytes {
		text += fmt.Sprintf(" (%s stored)", size(of.Stored))
	}
	for _, note := range []struct {
		n    int64
		text string
	}{
		{of.Foreign, "of %s only the name was looked at"},
		{of.Gone, "%s gone meanwhile"},
	} {
		if note.n > 0 {
			text += "; " + fmt.Sprintf(note.text, count(note.n, "object", "objects"))
		}
	}
	text += "."
	if of.NotCompared > 0 {
		text += fmt.Sprintf(" %s of objects with more than %s were not compared with one another.", count(of.NotCompared, "_id", "_ids"), number(maxIDs))
	}
	if of.Objects == 0 {
		text = "Nothing is there to look at; is the name right?"
	}
	fmt.Fprintf(r, "%s  %s\n", r.word(is), strings.TrimSpace(wrapped(text, r.width, 6)))
}
