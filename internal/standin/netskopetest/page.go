package netskopetest

import (
	"cmp"
	"slices"
)

// page is what one 200 answer holds.
type page struct {
	alerts    []Alert
	order     []int32 // positions in alerts
	operation string  // "": none, the Offset dialect or the last page
	waitTime  string
}

// turn produces the page a query asks for, as the fault distorts it, and moves
// the tenant on to the state after it.
func (s *Server) turn(q query, f Fault) page {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := s.PageCap
	if limit <= 0 {
		limit = 10000
	}
	if q.limit > 0 {
		limit = min(limit, q.limit)
	}
	if s.Dialect == Cursor {
		return s.turnCursor(q, f, limit)
	}
	rows, start := s.ties(s.results(q.span, s.now()).order), q.offset
	if shift := min(s.shift(q, f), len(rows)); shift > 0 {
		rows = slices.Concat(rows[:shift], rows)
	}
	p := page{alerts: s.store.alerts}
	p.order = cut(s.below(rows, &start, limit), start, limit, f)
	s.tally.served(len(p.order))
	return p
}

// ties returns the rows, with those of one second in an order of this answer's own if ties turn.
func (s *Server) ties(rows []int32) []int32 {
	if !s.TiesTurn || s.Order == Shuffled {
		return rows
	}
	s.turns++
	turned := slices.Clone(rows)
	second := func(row int32) int64 { return s.store.alerts[row].Event.Unix() }
	for start, end := 0, 0; start < len(turned); start = end {
		for end = start + 1; end < len(turned) && second(turned[end]) == second(turned[start]); end++ {
		}
		slices.SortFunc(turned[start:end], func(a, b int32) int {
			return cmp.Compare(scramble(s.Seed+s.turns, uint64(a)), scramble(s.Seed+s.turns, uint64(b)))
		})
	}
	return turned
}

// below returns the rows that a range has below the ceiling, and moves the start of a page
// behind them to where the tenant begins it.
func (s *Server) below(rows []int32, start *int, limit int) []int32 {
	if s.Ceiling <= 0 || len(rows) <= s.Ceiling {
		return rows
	}
	if *start >= s.Ceiling {
		switch s.Beyond {
		case BeyondLast:
			*start = (s.Ceiling - 1) / limit * limit
		case BeyondFirst:
			*start = 0
		}
	}
	return rows[:s.Ceiling]
}

// refusesOffset reports whether the page begins behind a ceiling that is refused.
func (s *Server) refusesOffset(q query) bool {
	return s.Ceiling > 0 && s.Beyond == BeyondRefused && q.offset+max(q.limit, 1) > s.Ceiling && q.offset > 0
}

// shift returns how many rows came to the head of a range's list. They push all
// others back, for everybody and for good; who starts over from offset 0 sees the
// first rows twice in their stead. Offsets that moved back again would make
// another reader miss rows.
func (s *Server) shift(q query, f Fault) int {
	if f.Kind == Shift && q.offset > 0 {
		if s.shifts == nil {
			s.shifts = make(map[span]int)
		}
		s.shifts[q.span] += max(f.Count, 1)
	}
	return s.shifts[q.span]
}

func (s *Server) turnCursor(q query, f Fault, limit int) page {
	position, detours := 0, 0
	var l *listing
	if c := q.cursor; c != nil {
		l, position, detours = c.of, c.position, c.detours
		c.used = true
	} else {
		l = &listing{
			span: q.span, start: q.start, end: q.end, limit: q.limit,
			alerts: s.store.alerts, order: s.results(q.span, s.now()).order,
		}
	}
	if f.Kind == Shift {
		position = max(0, position-max(f.Count, 1))
	}
	p := page{alerts: l.alerts, order: cut(l.order, position, limit, f)}
	next, more := position+len(p.order), 0
	if f.Kind == EmptyPage {
		more = detours + 1
	}
	if next < len(l.order) || f.Kind == EmptyPage {
		if q.cursor == nil {
			s.cursors.open(l)
		}
		p.operation = s.cursors.at(s.Seed, l, next, more)
		p.waitTime = s.WaitTime
		if p.waitTime == "" {
			p.waitTime = "0"
		}
	}
	s.tally.served(len(p.order))
	return p
}

// cut returns the rows of one page.
func cut(order []int32, start, limit int, f Fault) []int32 {
	start = min(start, len(order))
	n := min(limit, len(order)-start)
	switch {
	case f.Kind == EmptyPage:
		n = 0
	case f.Kind == ShortPage && n > 2:
		n = min(max(2, int(float64(n)*f.fraction())), n-1)
	}
	return order[start : start+n]
}
