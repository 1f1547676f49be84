package udm

import (
	"cmp"
	"slices"
)

// A Step says what one row of the table did with an alert.
type Step struct {
	Row Row
	// Field is the alert's field that the row read, empty if none of them is there or
	// the row is a constant. Value is what it holds, at most 80 bytes of it.
	Field, Value string
	// Result is what the row put at its path, or, if [Withheld], would have.
	Result []string
	// Outcome is what happened, Why the reason if it is not simply [Set].
	Outcome Outcome
	Why     string
}

// Explain maps an alert and says for every row of the table, in the order of
// [LogType.Rows], what it did. Its error is that of [LogType.Map].
func (t LogType) Explain(alert []byte) ([]Step, error) {
	m, err := t.read(alert)
	if err != nil {
		return nil, err
	}
	defer m.release()
	m.steps = make([]Step, len(m.table.rows))
	m.run()
	return m.steps, nil
}

// Unmapped are the fields of the event's alert that no row of the table reads, by name.
func (e Event) Unmapped() []Unmapped {
	c := e.logType.NewCoverage(0)
	c.Add(e)
	fields := c.Summary().Unmapped
	slices.SortFunc(fields, func(a, b Unmapped) int { return cmp.Compare(a.Path, b.Path) })
	return fields
}
