package netskopetest

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

// store keeps the alerts in the order they were added, which is what makes a
// position in it a stable name for an alert.
type store struct {
	alerts     []Alert // append-only: a copy of the slice header is a snapshot
	byEvent    []row   // those not removed; ascending only after sort
	byInserted []row
	unsorted   bool
	removed    map[int32]bool // by position
	version    int            // counts the changes
}

// row is an alert's second on one time axis, and its position in the store.
type row struct {
	second   int64
	position int32
}

// resultSet is the answer to one span in its final order, kept because
// consecutive pages ask for it again.
type resultSet struct {
	span    span
	version int // of the store it was made from
	order   []int32
	// The set is the same for every now in [from, until).
	from, until time.Time
	forever     bool // until does not apply
}

const keptSets = 8

// Add makes alerts part of the tenant; each shows once its Visible time is
// reached. The Server keeps the JSON slices: do not change them afterwards.
func (s *Server) Add(alerts ...Alert) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.store
	for _, a := range alerts {
		position := int32(len(st.alerts))
		st.alerts = append(st.alerts, a)
		st.byEvent = append(st.byEvent, row{a.Event.Unix(), position})
		st.byInserted = append(st.byInserted, row{a.Inserted.Unix(), position})
	}
	st.unsorted = true
	st.version++
}

// Remove makes the tenant list the alerts with these IDs no more, and returns how
// many that are. Later offsets of a range that has begun then point beyond alerts
// that were never served, as they do in any list that shrinks. In the Cursor dialect
// queries that have begun still serve them.
func (s *Server) Remove(ids ...string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.store
	before := len(st.removed)
	for i, a := range st.alerts {
		if a.ID == "" || !slices.Contains(ids, a.ID) {
			continue
		}
		if st.removed == nil {
			st.removed = make(map[int32]bool)
		}
		st.removed[int32(i)] = true
	}
	gone := func(r row) bool { return st.removed[r.position] }
	st.byEvent = slices.DeleteFunc(st.byEvent, gone)
	st.byInserted = slices.DeleteFunc(st.byInserted, gone)
	st.version++
	return len(st.removed) - before
}

// Alerts returns all alerts added and not removed so far, visible or not, in the
// order they were added.
func (s *Server) Alerts() []Alert {
	s.mu.Lock()
	defer s.mu.Unlock()
	alerts := make([]Alert, 0, len(s.store.alerts)-len(s.store.removed))
	for i, a := range s.store.alerts {
		if !s.store.removed[int32(i)] {
			alerts = append(alerts, a)
		}
	}
	return alerts
}

// within returns the rows of a span, in ascending time.
func (st *store) within(sp span) []row {
	if st.unsorted {
		byTime := func(a, b row) int {
			return cmp.Or(cmp.Compare(a.second, b.second), cmp.Compare(a.position, b.position))
		}
		slices.SortFunc(st.byEvent, byTime)
		slices.SortFunc(st.byInserted, byTime)
		st.unsorted = false
	}
	rows := st.byEvent
	if sp.insertion {
		rows = st.byInserted
	}
	lo := sort.Search(len(rows), func(i int) bool { return rows[i].second >= sp.first })
	hi := sort.Search(len(rows), func(i int) bool { return rows[i].second > sp.last })
	return rows[lo:max(lo, hi)]
}

// results returns the ordered set of a span as visible at now. The caller
// holds s.mu.
func (s *Server) results(sp span, now time.Time) *resultSet {
	for i, set := range s.sets {
		if set.span == sp && set.version == s.store.version &&
			!now.Before(set.from) && (set.forever || now.Before(set.until)) {
			copy(s.sets[1:i+1], s.sets[:i])
			s.sets[0] = set
			return set
		}
	}
	set := s.build(sp, now)
	s.sets = slices.Insert(s.sets, 0, set)
	s.sets = s.sets[:min(len(s.sets), keptSets)]
	return set
}

func (s *Server) build(sp span, now time.Time) *resultSet {
	set := &resultSet{span: sp, version: s.store.version, forever: true}
	rows := s.store.within(sp)
	keys := make([]sortKey, 0, len(rows))
	for _, r := range rows {
		a := &s.store.alerts[r.position]
		if a.Visible.After(now) {
			if set.forever || a.Visible.Before(set.until) {
				set.until, set.forever = a.Visible, false
			}
			continue
		}
		if a.Visible.After(set.from) {
			set.from = a.Visible
		}
		keys = append(keys, s.sortKey(a.Event.Unix(), r.position))
	}
	slices.SortFunc(keys, func(a, b sortKey) int {
		return cmp.Or(cmp.Compare(a.major, b.major), cmp.Compare(a.minor, b.minor),
			cmp.Compare(a.position, b.position))
	})
	set.order = make([]int32, len(keys))
	for i, k := range keys {
		set.order[i] = k.position
	}
	return set
}

type sortKey struct {
	major    int64
	minor    uint64
	position int32
}

func (s *Server) sortKey(event int64, position int32) sortKey {
	k := sortKey{minor: scramble(s.Seed, uint64(position)), position: position}
	switch s.Order {
	case NewestFirst:
		k.major = -event
	case OldestFirst:
		k.major = event
	}
	return k
}

// scramble is a hash of two numbers, after the finalizer of SplitMix64.
func scramble(seed, n uint64) uint64 {
	x := seed + (n+1)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
