package gcstest

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// store holds the objects.
type store struct {
	publish sync.Mutex // held while something changes, Server.Visible included

	mu      sync.Mutex
	buckets map[string]map[string]versions
	sorted  map[string][]string // a bucket's object names; dropped when they change
	last    int64               // the last generation given out
	mirror  mirror
}

// versions are what there is under one name. Whoever holds store.publish makes
// new ones out of them and stores those; append never touches what others see.
type versions struct {
	live       *object
	noncurrent []*object // the oldest first; always empty without Server.Versioning
}

func (v versions) empty() bool { return v.live == nil && len(v.noncurrent) == 0 }

// all are the objects in the order of their generations.
func (v versions) all() []*object {
	if v.live == nil {
		return v.noncurrent
	}
	return append(slices.Clip(v.noncurrent), v.live)
}

// find returns the live object if the generation is 0, else the one of that
// generation. It returns nil if there is none.
func (v versions) find(generation int64) *object {
	if generation == 0 || v.live != nil && v.live.Generation == generation {
		return v.live
	}
	for _, o := range v.noncurrent {
		if o.Generation == generation {
			return o
		}
	}
	return nil
}

// retire has nothing live any more. What was is kept as noncurrent if so asked.
func (v versions) retire(keep bool, at time.Time) versions {
	if v.live != nil && keep {
		old := *v.live
		old.deleted = at
		v.noncurrent = append(v.noncurrent, &old)
	}
	v.live = nil
	return v
}

// change has another object, or with nil none, in the place of old.
func (v versions) change(old, o *object) versions {
	if v.live == old {
		v.live = o
		return v
	}
	at := slices.Index(v.noncurrent, old)
	kept := slices.Clone(v.noncurrent[:at])
	if o != nil {
		kept = append(kept, o)
	}
	v.noncurrent = append(kept, v.noncurrent[at+1:]...)
	return v
}

// versions returns what there is under a name.
func (s *store) versions(bucket, name string) versions {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buckets[bucket][name]
}

// lookup finds an object: the live one if the generation is 0. It returns nil if
// there is none.
func (s *store) lookup(bucket, name string, generation int64) *object {
	return s.versions(bucket, name).find(generation)
}

// put stores what there is under some names from now on, in one step.
func (s *store) put(bucket string, changed map[string]versions) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buckets == nil {
		s.buckets = make(map[string]map[string]versions)
		s.sorted = make(map[string][]string)
	}
	names := s.buckets[bucket]
	if names == nil {
		names = make(map[string]versions)
		s.buckets[bucket] = names
	}
	for name, v := range changed {
		if names[name].empty() != v.empty() {
			delete(s.sorted, bucket)
		}
		if v.empty() {
			delete(names, name)
		} else {
			names[name] = v
		}
	}
}

// from returns the bucket's objects whose names are at least first, in the order
// of their names' UTF-8 bytes, the live ones or all: then those of one name in
// the order of their generations.
func (s *store) from(bucket, first string, all bool) []*object {
	s.mu.Lock()
	defer s.mu.Unlock()
	names, ok := s.sorted[bucket]
	if !ok && s.buckets[bucket] != nil {
		names = slices.Sorted(maps.Keys(s.buckets[bucket]))
		s.sorted[bucket] = names
	}
	at, _ := slices.BinarySearch(names, first)
	objects := make([]*object, 0, len(names)-at)
	for _, name := range names[at:] {
		v := s.buckets[bucket][name]
		if all {
			objects = append(objects, v.noncurrent...)
		}
		if v.live != nil {
			objects = append(objects, v.live)
		}
	}
	return objects
}
