package audit

import (
	"cmp"
	"maps"
	"slices"

	"netskope-alerts.internal/collector/internal/alert"
	"netskope-alerts.internal/collector/internal/page"
)

// listing holds what the tenant lists against what cells deliver.
//
// An alert with the _id of a delivered one and other bytes may be that one, which the tenant has
// amended since, or another one. So they are counted: of so many as are listed of one _id, as
// many as were delivered are these, first of all those with the same bytes. The rest is missing.
type listing struct {
	a        *Auditor
	cells    []*compared
	unseen   int                 // sum of unlisted
	unlisted map[alert.ID]int32  // of an _id, delivered alerts for which none is listed yet
	others   map[alert.Key]other // with the _id of a delivered one, and other bytes
	asunder  bool                // see errAsunder
}

type other struct {
	in       *compared // nil if its time does not say that
	identity string
	at       int // its place among them, in the tenant's order
}

// take notes an alert of the tenant's list. A cut may have to be asked for again, so it may come
// again.
func (l *listing) take(raw *page.Alert, key alert.Key, _ string) error {
	at, dated := alert.Time(raw, l.a.TimeField)
	var in *compared
	known := false // by the _id
	for _, c := range l.cells {
		if listed, ok := c.known[key]; ok {
			if !listed {
				c.known[key] = true
				l.see(key)
			}
			l.a.folder.list(key)
			return nil
		}
		if c.missing[key] {
			return nil
		}
		known = known || c.ids[key.ID()]
		if dated && c.entry.Cell.Contains(at) {
			in = c
		}
	}
	if in == nil && len(l.cells) == 1 {
		in = l.cells[0]
	}
	foreign := l.a.folder.list(key)
	switch _, again := l.others[key]; {
	case known && !again:
		l.others[key] = other{in, string(alert.Identity(raw)), len(l.others)}
		l.see(key)
	case known, foreign:
	default:
		l.miss(in, key, string(alert.Identity(raw)))
	}
	return nil
}

// see notes that one more alert with the key's _id is listed.
func (l *listing) see(key alert.Key) {
	if l.unlisted[key.ID()] > 0 {
		l.unlisted[key.ID()]--
		l.unseen--
	}
}

func (l *listing) miss(in *compared, key alert.Key, identity string) {
	if in == nil {
		l.asunder = true
		return
	}
	in.missing[key] = true
	in.miss(identity)
}

// settle says, once all is listed, what of an _id is missing, and what is not listed any more.
func (l *listing) settle() {
	amended := map[alert.ID]int{} // delivered, and not listed with the same bytes
	for _, c := range l.cells {
		for key, listed := range c.known {
			if listed {
				continue
			}
			amended[key.ID()]++
			if l.unlisted[key.ID()] > 0 {
				l.unlisted[key.ID()]--
				c.Unknown++
			}
		}
	}
	inOrder := func(a, b alert.Key) int { return cmp.Compare(l.others[a].at, l.others[b].at) }
	for _, key := range slices.SortedFunc(maps.Keys(l.others), inOrder) {
		if amended[key.ID()] > 0 {
			amended[key.ID()]--
			continue
		}
		l.miss(l.others[key].in, key, l.others[key].identity)
	}
}
