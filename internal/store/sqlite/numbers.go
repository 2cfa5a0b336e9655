package sqlite

import (
	"sync"

	"github.com/ifmatch/ifmatch/internal/store"
)

// numbers are the keys of the parts that are durable, by name. They never
// change, and save a reader a look-up by text. A part that is not here may be
// durable all the same, since a moment ago.
type numbers struct {
	mu     sync.RWMutex
	byPart map[store.Part]int64
}

func (n *numbers) get(p store.Part) (int64, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	number, ok := n.byPart[p]
	return number, ok
}

func (n *numbers) set(p store.Part, number int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.byPart == nil {
		n.byPart = make(map[store.Part]int64)
	}
	n.byPart[p] = number
}
