package udm

import (
	"slices"
	"strings"
	"sync"
)

// Outcome is what a row did with an alert.
type Outcome uint8

const (
	// Absent: the alert has no value in the row's fields. Null, "", [] and {} are none.
	Absent Outcome = iota
	// Unmet: there is a value, but the row's condition does not hold.
	Unmet
	// Skipped: the value is one that the row does not take, such as a user that is no
	// e-mail address.
	Skipped
	// LeftOut: the value cannot be of the UDM field's type. There is a finding.
	LeftOut
	// Shadowed: another row of the same path went first.
	Shadowed
	// Same: another row of the same path had put the same value there.
	Same
	// Set: the value is in the event.
	Set
	// Withheld: Google's parser would set a field that the published schema reserves.
	Withheld

	outcomes = iota
)

func (o Outcome) String() string {
	return [...]string{"absent", "unmet", "skipped", "left out", "shadowed", "same", "set", "withheld"}[o]
}

// Hit reports whether the row contributed: Set, Same or Withheld.
func (o Outcome) Hit() bool { return o >= Same }

// shortList is how many values are compared one by one.
const shortList = 32

// verdict is an outcome, and why it is none of the good ones.
type verdict struct {
	outcome Outcome
	why     string
}

// mapping is an alert on its way to its event.
type mapping struct {
	table  *table
	values [128]value // by fieldIndex
	event  Event

	at                 int // index of the row that is being evaluated
	r                  *row
	src                int   // index in r.from of the field whose value is v
	v                  value // its value
	buffer             [4]string
	listSlot, listFrom int             // the field that was put last, and its first entry
	seen               map[string]bool // its values, if there are many

	result []string // what the row has put, if steps
	steps  []Step   // by the index of a row, nil if nobody asks
}

// mappings are used again: two thirds of a mapping's memory is the room for its values.
var mappings = sync.Pool{New: func() any { return &mapping{} }}

// release gives m back. Its event is its taker's.
func (m *mapping) release() {
	*m = mapping{}
	mappings.Put(m)
}

// read takes an alert apart.
func (t LogType) read(alert []byte) (*mapping, error) {
	if err := check(alert); err != nil {
		return nil, err
	}
	m := mappings.Get().(*mapping)
	m.table, m.event.logType = t.table(), t
	m.event.alert = string(alert)
	members(m.event.alert, func(key, raw string) {
		if i, ok := m.table.fieldIndex[key]; ok {
			m.values[i] = valueOf(raw)
		} else if m.table.parents[key] && raw[0] == '{' {
			members(raw, func(member, raw string) {
				if i, ok := m.table.fieldIndex[key+"."+member]; ok {
					m.values[i] = valueOf(raw)
				}
			})
		}
	})
	return m, nil
}

// get returns the value of a field that the table reads; of any other, nothing.
func (m *mapping) get(name string) value {
	if i, ok := m.table.fieldIndex[name]; ok {
		return m.values[i]
	}
	return value{}
}

// run evaluates the table.
func (m *mapping) run() {
	e := &m.event
	e.outcomes = make([]Outcome, len(m.table.rows))
	e.entries = make([]entry, 1, 64) // the first is the event type, decided last
	for _, name := range of("_id", "Id") {
		if v := m.get(name); e.id == "" && v.kind != absent {
			e.id = v.scalar()
		}
	}
	for _, i := range m.table.plan {
		m.begin(i)
		m.end(m.evaluate())
	}
	m.group()
	m.decide()
	m.validate()
}

func (m *mapping) begin(i int) {
	m.at, m.r, m.src, m.v = i, &m.table.rows[i], 0, value{}
	m.result = m.buffer[:0]
	for k, f := range m.r.fields {
		if m.values[f].kind != absent {
			m.src, m.v = k, m.values[f]
			return
		}
	}
}

func (m *mapping) evaluate() verdict {
	r := m.r
	if len(r.fields) > 0 && m.v.kind == absent {
		return verdict{Absent, "not in the alert"}
	}
	if r.when != nil && !r.when.ok(m) {
		return verdict{Unmet, "only when " + r.when.text}
	}
	if r.skip != nil && m.v.kind == text && slices.ContainsFunc(r.skip,
		func(s string) bool { return strings.EqualFold(s, m.v.scalar()) }) {
		return verdict{Skipped, "it says that there is none"}
	}
	return r.how.do(m, r, m.v)
}

// end notes what became of the row.
func (m *mapping) end(v verdict) {
	m.event.outcomes[m.at] = v.outcome
	if m.steps != nil {
		s := Step{Row: m.table.publicRow(m.at), Outcome: v.outcome, Why: v.why, Result: slices.Clone(m.result)}
		if m.v.kind != absent {
			s.Field, s.Value = m.r.from[m.src], m.v.show()
		}
		m.steps[m.at] = s
	}
}

// taken reports whether the row's UDM field has a value already. Rows come in the
// order of the schema, so that it would be the last one.
func (m *mapping) taken() bool {
	last := m.event.entries[len(m.event.entries)-1]
	return m.r.slot > 0 && int(last.slot) == m.r.slot && !schema[m.r.slot].repeated
}

// put writes a value to the row's UDM field.
func (m *mapping) put(s string) verdict {
	if s == "" {
		return verdict{Skipped, "nothing is left of it"}
	}
	e := &m.event
	if f := &schema[m.r.slot]; f.form != formLabel && f.form != formMember {
		if m.repeats(s) {
			return verdict{Same, "another row put the same value there"}
		}
		if m.taken() {
			return verdict{Shadowed, "another row of this path went first"}
		}
	}
	e.entries = append(e.entries, entry{slot: uint8(m.r.slot), row: uint8(m.at), src: uint8(m.src), text: s})
	m.result = append(m.result, s)
	return verdict{outcome: Set}
}

// repeats reports whether the row's UDM field has the value s already. Of long lists it
// keeps a set: an alert may bring a hundred thousand addresses.
func (m *mapping) repeats(s string) bool {
	entries := m.event.entries
	if m.listSlot != m.r.slot {
		m.listSlot, m.listFrom, m.seen = m.r.slot, len(entries), nil
	}
	values := entries[m.listFrom:]
	if len(values) <= shortList {
		return slices.ContainsFunc(values, func(en entry) bool { return en.text == s })
	}
	if m.seen == nil {
		m.seen = make(map[string]bool, 2*len(values))
		for _, en := range values {
			m.seen[en.text] = true
		}
	}
	seen := m.seen[s]
	m.seen[s] = true
	return seen
}

// leaveOut says that the row's value is not what its UDM field needs.
func (m *mapping) leaveOut(rule Rule, why string) verdict {
	if m.taken() {
		return verdict{Shadowed, "another row of this path went first"}
	}
	m.find(Finding{Path: m.r.target(), Field: m.r.from[m.src], Rule: rule, Effect: Dropped, Why: why,
		Value: m.v.show()})
	return verdict{LeftOut, why}
}

func (m *mapping) find(f Finding) {
	f.Alert = m.event.id
	m.event.findings = append(m.event.findings, f)
}

// group gives the rows whose object is made of parts the outcome of the parts.
func (m *mapping) group() {
	outcome := Absent
	for i := range m.table.rows {
		if r := &m.table.rows[i]; r.n == 74 && r.part > 0 && m.event.outcomes[i].Hit() {
			outcome = Set
		}
	}
	for _, i := range m.table.groupRows {
		m.begin(i)
		v := verdict{outcome, "its parts follow as rows 74.1 and so on"}
		m.end(v)
	}
}
