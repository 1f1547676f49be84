package preview

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/text"
	"netskope-alerts.internal/collector/cmd/netskope-alerts/internal/udm"
)

// report is what is to be said of them.
type report struct {
	at time.Time
	counts
	udm.Summary
	inputs    []string
	explained *explained
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
