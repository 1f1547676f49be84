package netskopetest

import (
	"encoding/base64"
	"encoding/binary"
)

// keptQueries is how many queries have living cursors: enough for every
// collector that runs side by side, and few enough for simulations of weeks.
const keptQueries = 64

// listing is one query of the Cursor dialect: the result set its first
// request saw, and the terms it was asked under.
type listing struct {
	number     uint64
	span       span
	start, end int64
	limit      int
	alerts     []Alert
	order      []int32
	operations []string
}

// cursor is what one operation string stands for.
type cursor struct {
	operation string
	of        *listing
	position  int
	detours   int // empty pages served at this position
	used      bool
}

type cursors struct {
	byOperation map[string]*cursor
	listings    []*listing // oldest first
	opened      uint64
}

func (c *cursors) open(l *listing) {
	c.opened++
	l.number = c.opened
	c.listings = append(c.listings, l)
	if len(c.listings) > keptQueries {
		c.drop(c.listings[0])
	}
}

// at returns the operation for a position; for the same arguments always the
// same one, so that a page asked for twice leads on to the same place.
func (c *cursors) at(seed uint64, l *listing, position, detours int) string {
	operation := opaque(seed, l.number, position, detours)
	if c.byOperation[operation] == nil {
		if c.byOperation == nil {
			c.byOperation = make(map[string]*cursor)
		}
		c.byOperation[operation] = &cursor{operation: operation, of: l, position: position, detours: detours}
		l.operations = append(l.operations, operation)
	}
	return operation
}

func (c *cursors) drop(l *listing) {
	for _, operation := range l.operations {
		delete(c.byOperation, operation)
	}
	for i, kept := range c.listings {
		if kept == l {
			c.listings = append(c.listings[:i], c.listings[i+1:]...)
			break
		}
	}
}

// opaque makes a string that only survives a URL when it is encoded, once.
func opaque(seed, number uint64, position, detours int) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], scramble(seed, number))
	binary.BigEndian.PutUint64(b[8:], scramble(seed^number, uint64(position)<<16|uint64(detours)))
	text := base64.StdEncoding.EncodeToString(b[:])
	return text[:8] + "+/ &limit=1%2B" + text[8:]
}

// find returns the living cursor of an operation, or nil.
func (s *Server) find(operation string) *cursor {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.cursors.byOperation[operation]
	if c == nil || s.CursorOnce && c.used {
		return nil
	}
	return c
}

// expire ends all cursors of the query that c belongs to.
func (s *Server) expire(c *cursor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cursors.drop(c.of)
	s.tally.Faulted++
}
