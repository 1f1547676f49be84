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
)

// A Coverage adds up what became of many alerts. Its memory is bounded by the number
// of unmapped fields that it may keep, about 500 bytes each. It must not be used by
// several goroutines at once.
type Coverage struct {
	table    *table
	limit    int
	over     uint64
	events   uint64
	invalid  uint64
	demoted  uint64
	types    map[string]uint64
	rows     [][outcomes]uint64
	findings map[findingKey]uint64
	unmapped map[string]*Unmapped
	path     []byte // of the field that is being looked at
}

type findingKey struct {
	rule   Rule
	effect Effect
	path   string
}

// NewCoverage returns an empty Coverage for events of the log type, that keeps up to limit distinct unmapped
// fields; 1000 if limit is 0.
func (t LogType) NewCoverage(limit int) *Coverage {
	if limit <= 0 {
		limit = defaultUnmapped
	}
	return &Coverage{table: t.table(), limit: limit, types: map[string]uint64{},
		rows: make([][outcomes]uint64, len(t.table().rows)), findings: map[findingKey]uint64{},
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
	demoted, invalid := false, false
	for _, f := range event.findings {
		c.findings[findingKey{f.Rule, f.Effect, f.Path}]++
		demoted = demoted || f.Effect == Demoted
		invalid = invalid || f.Effect == Invalid
	}
	if demoted {
		c.demoted++
	}
	if invalid {
		c.invalid++
	}
	if event.alert != "" {
		c.path = c.path[:0]
		c.object(event.alert, 1)
	}
}

// object looks at the members of an object at the given depth.
func (c *Coverage) object(s string, depth int) {
	before := len(c.path)
	members(s, func(key, raw string) {
		if before > 0 {
			c.path = append(c.path, '.')
		}
		c.path = append(c.path, key...)
		_, mapped := c.table.fieldIndex[string(c.path)]
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
	// Events were added. Invalid ones Google would refuse; Demoted ones got a weaker
	// type than a row asked for.
	Events, Invalid, Demoted uint64
	// Types are the event types, the most frequent first.
	Types []TypeCount
	// Rows are the rows of the table, in the order of [Rows].
	Rows []RowCount
	// Findings are by rule, effect and UDM path, the most frequent first.
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
	Path   string
	Count  uint64
}

// Summary returns what was added so far. It shares nothing with the Coverage.
func (c *Coverage) Summary() Summary {
	s := Summary{Events: c.events, Invalid: c.invalid, Demoted: c.demoted,
		UnmappedLimit: c.limit, Full: c.over > 0, Uncounted: c.over}
	for name, count := range c.types {
		s.Types = append(s.Types, TypeCount{name, count})
	}
	for i, row := range c.table.public() {
		r := RowCount{Row: row, By: c.rows[i]}
		for outcome, count := range r.By {
			if Outcome(outcome).Hit() {
				r.Hits += count
			}
		}
		s.Rows = append(s.Rows, r)
	}
	for key, count := range c.findings {
		s.Findings = append(s.Findings, FindingCount{key.rule, key.effect, key.path, count})
	}
	for _, u := range c.unmapped {
		s.Unmapped = append(s.Unmapped, *u)
	}
	slices.SortFunc(s.Types, func(a, b TypeCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Type, b.Type))
	})
	slices.SortFunc(s.Findings, func(a, b FindingCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Path, b.Path),
			cmp.Compare(a.Effect, b.Effect))
	})
	slices.SortFunc(s.Unmapped, func(a, b Unmapped) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Path, b.Path))
	})
	return s
}
