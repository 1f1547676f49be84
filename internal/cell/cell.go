// Package cell is the grid that time is cut by: a tree of aligned cells, from six hours down
// to a second. The grid is fixed; nothing configures it.
package cell

import (
	"fmt"
	"time"
)

// lengths are those of the levels, in seconds; each divides the one before.
var lengths = [...]int64{6 * 3600, 3600, 15 * 60, 5 * 60, 60, 10, 1}

var names = [...]string{"6h", "1h", "15m", "5m", "1m", "10s", "1s"}

// shift aligns the grid to five minutes before the full hour, in seconds: a run on the hour
// that leaves the last five minutes alone finds one whole hour.
const shift = 5 * 60

// The levels: Top is the longest cell's, Last the shortest's. Hour and Minutes are those of
// an hour and of five minutes.
const (
	Top     Level = 0
	Hour    Level = 1
	Minutes Level = 3
	Last    Level = Level(len(lengths) - 1)
)

// Level numbers the lengths of cells from the longest on.
type Level int

// Length is that of the level's cells.
func (l Level) Length() time.Duration { return time.Duration(lengths[l]) * time.Second }

func (l Level) String() string { return names[l] }

// ParseLevel reads what [Level.String] writes.
func ParseLevel(name string) (Level, bool) {
	for l, n := range names {
		if n == name {
			return Level(l), true
		}
	}
	return 0, false
}

// Cell is an aligned span at one level, half-open, UTC. Two cells lie apart, or one lies in
// the other. Cells can be compared, and be keys of a map.
type Cell struct {
	level Level
	index int64 // of the level's cells, counted from the epoch
}

// At is the level's cell that holds the moment.
func At(l Level, moment time.Time) Cell {
	return Cell{l, floor(moment.Unix()+shift, lengths[l])}
}

func floor(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// New is the level's cell that begins at the moment, if one does.
func New(l Level, from time.Time) (Cell, bool) {
	c := At(l, from)
	return c, c.From().Equal(from)
}

// Level is the cell's.
func (c Cell) Level() Level { return c.level }

// From is the cell's first moment, UTC.
func (c Cell) From() time.Time { return time.Unix(c.index*lengths[c.level]-shift, 0).UTC() }

// To is the end of the cell, which does not belong to it, UTC.
func (c Cell) To() time.Time { return time.Unix((c.index+1)*lengths[c.level]-shift, 0).UTC() }

// Length is the cell's.
func (c Cell) Length() time.Duration { return c.level.Length() }

// Contains reports whether the second, counted from the epoch, lies in the cell.
func (c Cell) Contains(second int64) bool { return floor(second+shift, lengths[c.level]) == c.index }

// Holds reports whether the other cell lies in this one, or is it.
func (c Cell) Holds(other Cell) bool {
	return other.level >= c.level && c.Contains(other.From().Unix())
}

// Ancestors are the cells that hold this one, the longest first.
func (c Cell) Ancestors() []Cell {
	all := make([]Cell, c.level)
	for l := range all {
		all[l] = At(Level(l), c.From())
	}
	return all
}

// Children tile the cell at the level below, the earliest first. A cell of the last level
// has none.
func (c Cell) Children() []Cell {
	if c.level == Last {
		return nil
	}
	n := lengths[c.level] / lengths[c.level+1]
	all := make([]Cell, n)
	for i := range all {
		all[i] = Cell{c.level + 1, c.index*n + int64(i)}
	}
	return all
}

func (c Cell) String() string {
	return fmt.Sprintf("%s/%s", c.From().Format(time.RFC3339), c.level)
}

// Largest is the largest cell that begins at from, ends at or before to, and is of the level
// most or a lower one. There is none if from is not before to, or has a fraction of a
// second.
func Largest(from, to time.Time, most Level) (Cell, bool) {
	for l := most; l <= Last; l++ {
		if c, ok := New(l, from); ok && !c.To().After(to) {
			return c, true
		}
	}
	return Cell{}, false
}

// Tile are the largest cells that tile the span, none of a level above most.
func Tile(from, to time.Time, most Level) []Cell {
	var all []Cell
	for {
		c, ok := Largest(from, to, most)
		if !ok {
			return all
		}
		all = append(all, c)
		from = c.To()
	}
}
