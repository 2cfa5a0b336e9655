package merge

import (
	"sync"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// scratch is what a walker writes on and the next one may have.
type scratch struct {
	members []jsonvalue.Member // a stack of what the objects above the walker have so far
	most    int                // members there have been at once
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// keptMembers bounds what is kept between documents.
const keptMembers = 4096

// pop takes what lies above first off the stack, and returns it. It is valid until
// something else is put there.
func (s *scratch) pop(first int) []jsonvalue.Member {
	s.most = max(s.most, len(s.members))
	top := s.members[first:]
	s.members = s.members[:first]
	return top
}

// release drops every reference to the documents and gives s back.
func (s *scratch) release() {
	if cap(s.members) > keptMembers {
		s.members = nil
	} else {
		clear(s.members[:s.most])
		s.members = s.members[:0]
	}
	s.most = 0
	scratches.Put(s)
}
