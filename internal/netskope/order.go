package netskope

import "math"

// order is how the alerts of a range, as they are met, follow each other in time.
type order struct {
	broken      bool // one has no time, or they go up and down
	first, last int64
	met         bool
	up          bool // else down; of all in one second, unknown, and taken for down
}

// follow notes the next alert.
func (o *order) follow(at int64, dated bool) {
	switch {
	case !dated:
		o.broken = true
	case !o.met:
		o.met, o.first = true, at
	case at == o.last:
	case o.first == o.last:
		o.up = at > o.last
	case o.up != (at > o.last):
		o.broken = true
	}
	o.last = at
}

// orderly is how many alerts that follow each other in time show that a list goes by it.
const orderly = 20

// outOfOrder is by how many seconds an alert may be listed too early or too late although those before it were
// in order: the tenant may list by another time than the one that is asked for.
const outOfOrder = 30

// tail is the part of the range in which all alerts lie that the list would go on with.
func (o *order) tail(r Range) Range {
	if o.up {
		r.From = max(r.From, o.last-outOfOrder)
	} else {
		r.To = min(r.To, o.last+outOfOrder)
	}
	return r
}

// estimate is how many alerts the range holds if all of it is as dense as what was met of it.
func (o *order) estimate(r Range, met int) int {
	covered := r.To - o.last
	if o.up {
		covered = o.last - r.From
	}
	return int(math.Ceil(float64(met) * float64(r.To-r.From) / float64(max(covered, 0)+1)))
}
