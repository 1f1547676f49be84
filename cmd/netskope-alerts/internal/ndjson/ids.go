package ndjson

import "hash/maphash"

// IDSet remembers ids, as 64 bits of a keyed hash each, up to limit of them. Two of four
// million ids share a hash with a probability below 10^-6.
type IDSet struct {
	limit int
	seed  maphash.Seed
	slots []uint64 // open addressing; 0 is empty; a power of two, half full at most
	n     int
	Over  int64 // ids that were looked up, but not remembered
}

// MaxIDs keeps the set below 100 MB, also while it grows.
const MaxIDs = 4 << 20

// idsKept is the number of slots that is kept for the next object.
const idsKept = 1 << 16

// NewIDSet makes a set that is empty. It takes memory as it grows.
func NewIDSet(limit int) *IDSet { return &IDSet{limit: limit, seed: maphash.MakeSeed()} }

// Reset forgets all ids.
func (s *IDSet) Reset() {
	if len(s.slots) > idsKept {
		s.slots = nil
	}
	clear(s.slots)
	s.n, s.Over = 0, 0
}

// Seen reports whether the id was there before, and adds it.
func (s *IDSet) Seen(id []byte) bool {
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
		s.Over++
	default:
		s.slots[i] = hash
		s.n++
	}
	return false
}

// slot is where the hash is, or would be.
func (s *IDSet) slot(hash uint64) int {
	mask := uint64(len(s.slots) - 1)
	i := hash & mask
	for s.slots[i] != 0 && s.slots[i] != hash {
		i = (i + 1) & mask
	}
	return int(i)
}
