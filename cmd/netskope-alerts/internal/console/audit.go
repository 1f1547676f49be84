package console

import (
	"cmp"
	"fmt"
	"time"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/cli"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/internal/audit"
)

// auditView is the last audit as the overview shows it.
type auditView struct {
	Verdict  text.Verdict
	Sentence string
	Lead     string
	Notices  []text.Notice
	Gaps     []gapRow
	More     string // how many gaps are not described
}

// gapRow is a cell that is not as it should be.
type gapRow struct {
	Span, Missing, Repaired, Duplicated, What string
}

func auditOf(read reading, bucket string) auditView {
	a := read.audit
	if read.audited.IsZero() {
		return auditView{Verdict: text.Warn, Sentence: "The function has not audited yet.",
			Notices: []text.Notice{{Verdict: text.Warn,
				Text: "Whether something is missing is not known.",
				Remedy: text.Remedy{Text: "Ask the function for an audit that repairs what is missing, every night or once:",
					Command: `gcloud pubsub topics publish netskope-alerts-trigger --message='{"verify":"48h","repair":true}'`}}}}
	}
	v := auditView{Verdict: text.Pass, Sentence: "Every alert of the span is delivered once."}
	v.Lead = fmt.Sprintf("Of %s to %s, saved at %s: %s delivered, %s missing, %s repaired, %s duplicated, in %s.",
		text.Stamp(a.From), text.OnDay(a.At, a.From), text.OnDay(read.audited, a.From), text.Number(a.Delivered),
		text.Number(a.Missing), text.Number(a.Repaired), text.Number(a.Duplicated), text.Count(a.Cells, "cell", "cells"))
	switch {
	case a.Gaps > 0:
		v.Verdict, v.Sentence = text.Gap, text.Count(a.Gaps, "cell is", "cells are")+" not as it should be."
		if a.Gaps > 1 {
			v.Sentence = text.Count(a.Gaps, "cell is", "cells are") + " not as they should be."
		}
	case !a.Complete:
		v.Verdict, v.Sentence = text.Warn, "It is not complete: it has come to "+text.Stamp(a.At)+"."
	case !a.Passed():
		v.Verdict, v.Sentence = text.Gap, "Not all is as it should be."
	}
	if !a.Complete {
		v.Notices = append(v.Notices, text.Notice{Verdict: text.Warn,
			Text: "The audit of " + text.Stamp(a.From) + " to " + text.Stamp(a.To) + " has come to " + text.Stamp(a.At) + ".",
			Remedy: text.Remedy{Text: "Its message is delivered again, and it goes on. If it does not, see why:",
				Command: "./deploy.sh status"}})
	}
	v.Notices = append(v.Notices, remediesOf(a, bucket, read.status.Stream)...)
	for _, g := range a.FirstGaps {
		v.Gaps = append(v.Gaps, gapRow{text.Stamp(g.From) + " to " + text.OnDay(g.To, g.From), text.Number(g.Missing),
			text.Number(g.Repaired), text.Number(g.Duplicated), whatIsWrong(g)})
	}
	if more := a.Gaps - len(a.FirstGaps); more > 0 && len(a.FirstGaps) > 0 {
		v.More = "And " + text.Count(more, "further cell", "further cells") + "."
	}
	return v
}

// remediesOf say of each kind of gap what mends it.
func remediesOf(a audit.Summary, bucket, of string) (all []text.Notice) {
	add := func(remedy, command, what string) {
		all = append(all, text.Notice{Verdict: text.Gap, Text: what, Remedy: text.Remedy{Text: remedy, Command: command}})
	}
	from, to := a.From, a.At
	if n := len(a.FirstGaps); n > 0 {
		from = a.FirstGaps[0].From
		if n == a.Gaps {
			to = a.FirstGaps[n-1].To
		}
	}
	repair := cli.CommandOf(of, "verify", "--since", from.UTC().Format(time.RFC3339), "--until",
		to.UTC().Format(time.RFC3339), "--repair")
	if left := a.Missing - a.Repaired; left > 0 {
		add("What is missing is delivered by:", repair, text.Count(left, "alert is", "alerts are")+" missing.")
	}
	if a.Pending > 0 {
		add("The next run moves them; at once does:", repair,
			text.Count(a.Pending, "object waits", "objects wait")+" to be moved to the feed's folder.")
	}
	if a.Duplicated > 0 {
		remedy, command := "Look for objects in the feed's folder that are not the collector's.", ""
		for _, o := range a.Foreign {
			if o.Duplicated > 0 {
				remedy = "The collector did not make this object. Move it out of the feed's folder:"
				command = "gcloud storage mv " + quoted("gs://"+bucket+"/"+o.Name) + " " +
					quoted("gs://"+bucket+"/aside/")
				break
			}
		}
		add(remedy, command, text.Count(a.Duplicated, "delivery", "deliveries")+" of an alert beyond its first.")
	}
	if a.Damaged > 0 {
		add("Somebody has replaced it. Its cell's line below has the span; a soft-deleted or older version may be there:",
			"gcloud storage ls --all-versions --soft-deleted "+quoted("gs://"+bucket+"/**"),
			text.Count(a.Damaged, "object is", "objects are")+" not what was delivered.")
	}
	return all
}

// whatIsWrong says in a word what kind of gap it is.
func whatIsWrong(g audit.Result) string {
	words := ""
	for _, kind := range []struct {
		is   bool
		word string
	}{
		{g.Uncovered && g.Missing > 0, "never collected"},
		{!g.Uncovered && g.Missing > g.Repaired, "missing"},
		{g.Duplicated > 0, "duplicated"},
		{g.Pending > 0, "not moved yet"},
		{g.Damaged > 0, "object replaced"},
	} {
		if kind.is {
			words += cmp.Or(map[bool]string{true: ", "}[words != ""], "") + kind.word
		}
	}
	return words
}
