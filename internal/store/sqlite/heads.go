package sqlite

import (
	"sync"

	"github.com/ifmatch/ifmatch/internal/store"
)

// heads tells how far each part has come in the feed. It is not stored: one
// process serves the file, and after a restart any number at or above the true
// one says the same, that a reader had better look.
type heads struct {
	atLeast int64 // of every part; set before use

	mu     sync.RWMutex
	byPart map[store.Part]int64
}

func (h *heads) of(p store.Part) int64 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return max(h.atLeast, h.byPart[p])
}

// raise says that a part has a durable commit at a position.
func (h *heads) raise(p store.Part, position int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.byPart == nil {
		h.byPart = make(map[store.Part]int64)
	}
	h.byPart[p] = max(h.byPart[p], position)
}
