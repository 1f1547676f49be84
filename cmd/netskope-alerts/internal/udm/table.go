package udm

import (
	"cmp"
	"slices"
	"strings"
)

// table is a mapping table, ready to be evaluated.
type table struct {
	rows   []row
	notes  map[string]string // by the key that rows have
	claims []claim           // to an event type, the strongest first

	// fieldIndex numbers the fields that are read; a dot leads to a member of an object, which
	// is one of parents.
	fieldIndex map[string]int
	parents    map[string]bool
	// plan is the order in which rows are evaluated: that of schema, then by rank.
	// Rows that are decided from the others' results are not in it.
	plan []int
	// The rows that are decided: of metadata.event_type, by name, and the groups.
	typeRows  map[string]int
	groupRows []int
}

func newTable(rows []row, notes map[string]string, claims []claim) *table {
	t := &table{rows: rows, notes: notes, claims: claims, fieldIndex: map[string]int{},
		parents: map[string]bool{}, typeRows: map[string]int{}}
	for i := range t.rows {
		r := &t.rows[i]
		r.slot = slotOf(r.path)
		if r.from == nil && r.log != "N/A" {
			r.from = of(r.log)
		}
		for _, name := range r.from {
			r.fields = append(r.fields, t.index(name))
		}
		for _, name := range r.also {
			t.index(name)
		}
		switch r.how.name {
		case decided.name:
			t.typeRows[r.name()] = i
		case group.name:
			t.groupRows = append(t.groupRows, i)
		default:
			t.plan = append(t.plan, i)
		}
	}
	slices.SortStableFunc(t.plan, func(a, b int) int {
		return cmp.Or(cmp.Compare(rows[a].slot, rows[b].slot), cmp.Compare(rows[a].rank, rows[b].rank))
	})
	return t
}

func (t *table) index(name string) int {
	i, ok := t.fieldIndex[name]
	if !ok {
		i = len(t.fieldIndex)
		t.fieldIndex[name] = i
		if parent, _, member := strings.Cut(name, "."); member {
			t.parents[parent] = true
		}
	}
	return i
}

// sources names the alert's fields that may supply one of the paths, in the order in
// which they are read.
func (t *table) sources(paths ...string) string {
	var names []string
	for _, path := range paths {
		for _, i := range t.plan {
			if t.rows[i].path != path {
				continue
			}
			for _, name := range t.rows[i].from {
				if !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
	}
	return strings.Join(names, ", ")
}

// public are the rows for printing.
func (t *table) public() []Row {
	rows := make([]Row, len(t.rows))
	for i := range t.rows {
		rows[i] = t.publicRow(i)
	}
	return rows
}

func (t *table) publicRow(i int) Row {
	r := &t.rows[i]
	p := Row{Name: r.name(), Source: r.source(), Log: r.log, From: slices.Clone(r.from), How: r.how.name,
		Path: r.path, Key: r.key, Rank: r.rank, Skip: slices.Clone(r.skip)}
	if r.when != nil {
		p.When = r.when.text
	}
	switch r.how.name {
	case decided.name:
		p.How = t.claimed(p.Name)
	case group.name:
		p.How = "object, its parts follow as rows 74.1 and so on"
	}
	if r.note != "" {
		p.Note = r.note + " " + t.notes[r.note]
	}
	return p
}

// claimed is what a row of metadata.event_type does, in words.
func (t *table) claimed(row string) string {
	var ways []string
	for _, c := range t.claims {
		if c.row == row {
			ways = append(ways, c.eventType+" if "+c.when)
		}
	}
	return strings.Join(ways, "; ")
}
