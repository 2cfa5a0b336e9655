package jsonvalue

import "hash/maphash"

// nameSet finds names that occur twice. Its zero value is ready; it keeps its
// memory for the next object.
type nameSet struct {
	// slots is a hash table with open addressing: the index of a member plus one,
	// 0 where there is none. Its length is a power of two.
	slots []uint32
}

// nameSeed differs from process to process, so that nobody can choose names that
// meet in one slot.
var nameSeed = maphash.MakeSeed()

// Up to so many names are compared each with each, which costs less than hashing.
const fewNames = 8

// duplicate returns the position of the first member whose name an earlier one has,
// or -1.
func (s *nameSet) duplicate(members []Member) int {
	if len(members) <= fewNames {
		for i := range members {
			for j := range i {
				if members[i].Name == members[j].Name {
					return i
				}
			}
		}
		return -1
	}
	s.reset(len(members))
	mask := uint64(len(s.slots) - 1)
	for i := range members {
		name := members[i].Name
		slot := maphash.String(nameSeed, name) & mask
		for ; s.slots[slot] != 0; slot = (slot + 1) & mask {
			if members[s.slots[slot]-1].Name == name {
				return i
			}
		}
		s.slots[slot] = uint32(i + 1)
	}
	return -1
}

// reset makes room for n names, at most half of the slots.
func (s *nameSet) reset(n int) {
	size := 4 * fewNames
	for size < 2*n {
		size *= 2
	}
	if size > cap(s.slots) {
		s.slots = make([]uint32, size)
		return
	}
	s.slots = s.slots[:size]
	clear(s.slots)
}
