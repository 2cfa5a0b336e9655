package door

import (
	"hash/maphash"
	"sync/atomic"
)

// What is read often is encoded once. The table is direct-mapped by path: a slot
// holds what was last read there, so that it stays small whatever is read, some
// 10 MiB at most.
var encodedBodies [256]atomic.Pointer[encodedBody]

// maxKept is the size up to which a body is kept with what it was encoded as.
const maxKept = 32 << 10

// encodedBody is a body in a coding. The body is known again by its memory, which
// nobody writes to and, while it is here, nobody else gets: so what is found is
// never that of another state, whichever store or document it is from.
type encodedBody struct {
	body, bytes []byte
	coding      *Coding
}

var pathSeed = maphash.MakeSeed()

// encoded returns a body in the coding. The result must not be written to.
func (c *Coding) encoded(path string, body []byte) []byte {
	if len(body) == 0 || len(body) > maxKept {
		return c.Encode(nil, body)
	}
	slot := &encodedBodies[maphash.String(pathSeed, path)%uint64(len(encodedBodies))]
	if have := slot.Load(); have != nil && have.coding == c && len(have.body) == len(body) && &have.body[0] == &body[0] {
		return have.bytes
	}
	fresh := &encodedBody{body: body, bytes: c.Encode(nil, body), coding: c}
	slot.Store(fresh)
	return fresh.bytes
}
