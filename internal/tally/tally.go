// Package tally counts alerts by hour, type and lateness, in so little room that the counts
// fit into the metadata of an object. Nothing is decided by them.
package tally

import (
	"encoding/json"
	"slices"
	"strings"

	"netskope-alerts.internal/collector/internal/page"
)

// Tally is what was counted.
type Tally struct {
	// Hours counts the alerts by the hour of their time and their type: the hour's start
	// in epoch seconds, the type as the alert has it, "" for none.
	Hours    map[int64]map[string]int64 `json:"hours,omitempty"`
	Lateness map[int]int64              `json:"lateness,omitempty"` // by bucket, as [Lateness] numbers them
	Latest   int64                      `json:"latest,omitempty"`   // most seconds
}

const (
	secondsPerHour = 3600
	// maxTypes bounds the types that an hour is counted by. Netskope documents about
	// a dozen; the rest is counted together.
	maxTypes = 24
	maxType  = 40 // bytes of a type's name
	// Others is what the rarest types are counted as, together.
	Others = "(other)"
)

// Counter counts alerts one by one. Alerts of one page are mostly of one hour and few
// types, so the hour's map is kept at hand.
type Counter struct {
	hours map[int64]map[string]int64
	at    int64
	hour  map[string]int64
	late  Lateness
}

// Add counts the alert in the hour of its second, counted from the epoch.
func (c *Counter) Add(a *page.Alert, second int64) {
	if start := second - second%secondsPerHour; c.hour == nil || start != c.at {
		if c.hours == nil {
			c.hours = map[int64]map[string]int64{}
		}
		if c.hours[start] == nil {
			c.hours[start] = map[string]int64{}
		}
		c.at, c.hour = start, c.hours[start]
	}
	raw := a.Type
	if len(raw) >= 2 && raw[0] == '"' {
		raw = raw[1 : len(raw)-1]
	}
	if n, ok := c.hour[string(raw)]; ok {
		c.hour[string(raw)] = n + 1
		return
	}
	c.hour[c.typeName(a.Type)]++
}

// typeName is the text of a type as a key that an hour has, or may have.
func (c *Counter) typeName(raw []byte) string {
	var name string
	if raw != nil && json.Unmarshal(raw, &name) != nil {
		name = string(raw)
	}
	name = strings.ToValidUTF8(name, "?")
	if len(name) > maxType {
		name = strings.ToValidUTF8(name[:maxType], "") + "…"
	}
	if _, ok := c.hour[name]; !ok && len(c.hour) >= maxTypes {
		return Others
	}
	return name
}

// Late counts how many seconds after its timestamp an alert was stored.
func (c *Counter) Late(seconds int64) { c.late.add(seconds) }

// Tally is what was counted so far.
func (c *Counter) Tally() Tally {
	t := Tally{Hours: c.hours, Latest: c.late.max}
	for bucket, n := range c.late.counts {
		if n > 0 {
			if t.Lateness == nil {
				t.Lateness = map[int]int64{}
			}
			t.Lateness[bucket] = n
		}
	}
	return t
}

// Late is how late the counted alerts were.
func (t *Tally) Late() *Lateness {
	l := &Lateness{max: t.Latest}
	for bucket, n := range t.Lateness {
		if bucket >= 0 && bucket < len(l.counts) && n > 0 {
			l.counts[bucket] += n
			l.total += n
		}
	}
	return l
}

// Add adds another's counts.
func (t *Tally) Add(other Tally) {
	if t.Hours == nil && len(other.Hours) > 0 {
		t.Hours = map[int64]map[string]int64{}
	}
	for start, types := range other.Hours {
		if t.Hours[start] == nil {
			t.Hours[start] = map[string]int64{}
		}
		for name, n := range types {
			t.Hours[start][name] += n
		}
	}
	if t.Lateness == nil && len(other.Lateness) > 0 {
		t.Lateness = map[int]int64{}
	}
	for bucket, n := range other.Lateness {
		t.Lateness[bucket] += n
	}
	t.Latest = max(t.Latest, other.Latest)
}

// FoldTypes keeps the most frequent types of every hour.
func (t *Tally) FoldTypes() {
	const kept = 4
	for start, hour := range t.Hours {
		names := make([]string, 0, len(hour))
		for name := range hour {
			names = append(names, name)
		}
		slices.SortFunc(names, func(a, b string) int {
			if hour[a] != hour[b] {
				return int(hour[b] - hour[a])
			}
			return strings.Compare(a, b)
		})
		folded := map[string]int64{}
		for i, name := range names {
			if i < kept {
				folded[name] += hour[name]
			} else {
				folded[Others] += hour[name]
			}
		}
		t.Hours[start] = folded
	}
}
