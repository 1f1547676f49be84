package udm

import (
	"cmp"
	"slices"
	"strings"
)

const (
	// maxDepth is how deep objects within an alert are looked into; deeper ones count
	// as one value.
	maxDepth = 8
	// maxPath and maxExample are the most bytes that are kept of a path and an example.
	maxPath, maxExample = 200, 60
	// defaultUnmapped is how many distinct fields are kept by default.
	defaultUnmapped = 1000
	// maxValues is how many distinct values are told apart of each kind of finding.
	maxValues = 100
)

// A Coverage adds up what became of many alerts. Its memory is bounded by the number
// of unmapped fields that it may keep, about 500 bytes each, and by 100 values of each
// kind of finding. It must not be used by
// several goroutines at once.
type Coverage struct {
	logType  LogType
	limit    int
	over     uint64
	events   uint64
	effects  [effects]uint64 // events by what a finding means for them
	types    map[string]uint64
	rows     [][outcomes]uint64
	findings map[findingKey]*found
	unmapped map[string]*Unmapped
	path     []byte // of the field that is being looked at
}

type findingKey struct {
	rule   Rule
	effect Effect
	path   string
	field  string
}

// found is how often a finding was made, and of which values.
type found struct {
	count, others uint64
	values        map[string]*uint64 // pointers, because counting up would put another key in
}

// NewCoverage returns an empty Coverage for events of the log type, that keeps up to limit distinct unmapped
// fields; 1000 if limit is 0.
func (t LogType) NewCoverage(limit int) *Coverage {
	if limit <= 0 {
		limit = defaultUnmapped
	}
	return &Coverage{logType: t, limit: limit, types: map[string]uint64{},
		rows: make([][outcomes]uint64, len(t.table().rows)), findings: map[findingKey]*found{},
		unmapped: map[string]*Unmapped{}}
}

// Add counts an event of the coverage's log type, and the alert that it was made of.
// Neither is kept.
func (c *Coverage) Add(event Event) {
	c.events++
	c.types[event.Type()]++
	for i, outcome := range event.outcomes {
		c.rows[i][outcome]++
	}
	var has [effects]bool
	for _, f := range event.findings {
		c.find(f)
		has[f.Effect] = true
	}
	for effect, has := range has {
		if has {
			c.effects[effect]++
		}
	}
	if event.alert != "" {
		c.path = c.path[:0]
		c.object(event.alert, 1)
	}
}

func (c *Coverage) find(f Finding) {
	key := findingKey{f.Rule, f.Effect, f.Path, f.Field}
	kind := c.findings[key]
	if kind == nil {
		kind = &found{values: map[string]*uint64{}}
		c.findings[key] = kind
	}
	kind.count++
	if f.Value == "" {
		return
	}
	count := kind.values[f.Value]
	if count == nil {
		if len(kind.values) >= maxValues {
			kind.others++
			return
		}
		count = new(uint64)
		kind.values[strings.Clone(f.Value)] = count // a value must not hold on to its alert
	}
	*count++
}

// object looks at the members of an object at the given depth.
func (c *Coverage) object(s string, depth int) {
	before := len(c.path)
	members(s, func(key, raw string) {
		if before > 0 {
			c.path = append(c.path, '.')
		}
		c.path = append(c.path, key...)
		_, mapped := c.logType.table().fieldIndex[string(c.path)]
		if readable := depth == 1 || depth == 2 && before > 0; !mapped || !readable {
			c.value(raw, depth)
		}
		c.path = c.path[:before]
	})
}

// value looks at one value; a list's elements have the list's path.
func (c *Coverage) value(raw string, depth int) {
	v := valueOf(raw)
	switch {
	case v.kind == object && depth < maxDepth:
		c.object(raw, depth+1)
	case v.kind == list && depth < maxDepth:
		elements(raw, func(raw string) { c.value(raw, depth+1) })
	default:
		c.leaf(v, raw)
	}
}

func (c *Coverage) leaf(v value, raw string) {
	path := c.path
	if len(path) > maxPath {
		path = path[:maxPath]
	}
	if u := c.unmapped[string(path)]; u != nil {
		u.Count++
		if u.Example == "" {
			u.Example = example(v)
		}
		return
	}
	if len(c.unmapped) >= c.limit {
		c.over++
		return
	}
	// Clone: an example must not hold on to the alert that it is from.
	c.unmapped[string(path)] = &Unmapped{Path: strings.ToValidUTF8(string(path), "\uFFFD"), Count: 1,
		Example: example(v)}
}

func example(v value) string {
	if v.kind == absent {
		return ""
	}
	return strings.Clone(shorten(v.scalar(), maxExample))
}

// Unmapped is a field of alerts that no row reads.
type Unmapped struct {
	// Path is the field's name, with dots from member to member; lists are not shown.
	// It ends after 200 bytes.
	Path string
	// Count is how many values there were.
	Count uint64
	// Example is the first value that was not empty, at most 60 bytes of it.
	Example string
}

// Summary is what a [Coverage] has added up.
type Summary struct {
	// Events were added, of the log type.
	Events  uint64
	LogType LogType
	// Of the events, Google would refuse the Invalid ones. The Demoted ones got a weaker
	// type than a row asked for, the Dropped ones lost a value, and the Kept ones have one
	// that looks wrong, or lack their id. An event may be several of them.
	Invalid, Demoted, Dropped, Kept uint64
	// Types are the event types, the most frequent first.
	Types []TypeCount
	// Rows are the rows of the table, in the order of [Rows].
	Rows []RowCount
	// Findings are by rule, effect, UDM path and field, the most frequent first.
	Findings []FindingCount
	// Unmapped are the fields that no row reads, the most frequent first. Full says
	// that UnmappedLimit of them are kept and more were seen, with Uncounted values.
	Unmapped      []Unmapped
	UnmappedLimit int
	Full          bool
	Uncounted     uint64
}

// TypeCount is how many events are of a type.
type TypeCount struct {
	Type  string
	Count uint64
}

// RowCount is what a row did: to how many alerts it contributed, and, by [Outcome], how
// many ended how.
type RowCount struct {
	Row  Row
	Hits uint64
	By   [outcomes]uint64
}

// FindingCount is how many findings there were of a kind.
type FindingCount struct {
	Rule   Rule
	Effect Effect
	// Path is the UDM field, and Field the alert's, as in a [Finding].
	Path, Field string
	Count       uint64
	// Values are the values that Field had, as in a [Finding], the most frequent first.
	// The first 100 that are seen are told apart; OtherValues counts the rest.
	Values      []ValueCount
	OtherValues uint64
	// Remedy is what to do, as a sentence.
	Remedy string
}

// ValueCount is how many findings there were with a value.
type ValueCount struct {
	Value string
	Count uint64
}

// Summary returns what was added so far. It shares nothing with the Coverage.
func (c *Coverage) Summary() Summary {
	s := Summary{Events: c.events, LogType: c.logType, Invalid: c.effects[Invalid], Demoted: c.effects[Demoted],
		Dropped: c.effects[Dropped], Kept: c.effects[Kept],
		UnmappedLimit: c.limit, Full: c.over > 0, Uncounted: c.over}
	for name, count := range c.types {
		s.Types = append(s.Types, TypeCount{name, count})
	}
	for i, row := range c.logType.Rows() {
		r := RowCount{Row: row, By: c.rows[i]}
		for outcome, count := range r.By {
			if Outcome(outcome).Hit() {
				r.Hits += count
			}
		}
		s.Rows = append(s.Rows, r)
	}
	for key, kind := range c.findings {
		f := FindingCount{Rule: key.rule, Effect: key.effect, Path: key.path, Field: key.field, Count: kind.count,
			OtherValues: kind.others, Remedy: c.logType.table().remedy(key)}
		for value, count := range kind.values {
			f.Values = append(f.Values, ValueCount{value, *count})
		}
		slices.SortFunc(f.Values, func(a, b ValueCount) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value))
		})
		s.Findings = append(s.Findings, f)
	}
	for _, u := range c.unmapped {
		s.Unmapped = append(s.Unmapped, *u)
	}
	slices.SortFunc(s.Types, func(a, b TypeCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Type, b.Type))
	})
	slices.SortFunc(s.Findings, func(a, b FindingCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Path, b.Path),
			cmp.Compare(a.Effect, b.Effect), cmp.Compare(a.Field, b.Field))
	})
	slices.SortFunc(s.Unmapped, func(a, b Unmapped) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Path, b.Path))
	})
	return s
}
