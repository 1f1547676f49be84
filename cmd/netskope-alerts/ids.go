package main

import "hash/maphash"

// idSet remembers ids, as 64 bits of a keyed hash each, up to limit of them. Two of four
// million ids share a hash with a probability below 10^-6.
type idSet struct {
	limit int
	seed  maphash.Seed
	slots []uint64 // open addressing; 0 is empty; a power of two, half full at most
	n     int
	over  int64 // ids that were looked up, but not remembered
}

// maxIDs keeps the set below 100 MB, also while it grows.
const maxIDs = 4 << 20

// idsKept is the number of slots that is kept for the next object.
const idsKept = 1 << 16

func newIDSet(limit int) *idSet { return &idSet{limit: limit, seed: maphash.MakeSeed()} }

// reset forgets all ids.
func (s *idSet) reset() {
	if len(s.slots) > idsKept {
		s.slots = nil
	}
	clear(s.slots)
	s.n, s.over = 0, 0
}

// seen reports whether the id was there before, and adds it.
func (s *idSet) seen(id []byte) bool {
	if 2*(s.n+1) > len(s.slots) && s.n < s.limit {
		old := s.slots
		s.slots = make([]uint64, max(2*len(old), 1<<10))
		for _, hash := range old {
			if hash != 0 {
				s.slots[s.slot(hash)] = hash
			}
		}
	}
	hash := max(maphash.Bytes(s.seed, id), 1)
	i := s.slot(hash)
	switch {
	case s.slots[i] == hash:
		return true
	case s.n >= s.limit:
		s.over++
	default:
		s.slots[i] = hash
		s.n++
	}
	return false
}

// slot is where the hash is, or would be.
func (s *idSet) slot(hash uint64) int {
	mask := uint64(len(s.slots) - 1)
	i := hash & mask
	for s.slots[i] != 0 && s.slots[i] != hash {
		i = (i + 1) & mask
	}
	return int(i)
}
