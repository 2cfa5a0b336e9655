package sqlite

import (
	"sync"

	"github.com/ifmatch/ifmatch/internal/store"
)

// heads tells how far each part has come in the feed. It is not stored: one
// process serves the file, and any number at or above the true one says the same,
// as long as the next commit's is greater. Keeping it in the file would cost every
// group a page.
type heads struct {
	atLeast int64 // of every part; set before use

	mu     sync.Mutex
	byPart map[store.Part]*partHead
}

// partHead is one part's place, and whether a reader can rely on it.
type partHead struct {
	published  int64
	committing int    // groups of which a reader may or may not see the change
	seq        uint64 // raised whenever committing changes
}

// look returns a part's place as it is now.
func (h *heads) look(p store.Part) partHead {
	h.mu.Lock()
	defer h.mu.Unlock()
	var now partHead
	if have := h.byPart[p]; have != nil {
		now = *have
	}
	now.published = max(now.published, h.atLeast)
	return now
}

// settled tells whether nothing of the part was committed between two looks.
func (before partHead) settled(after partHead) bool {
	return before.committing == 0 && before.seq == after.seq
}

func (h *heads) change(p store.Part, by int, position int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.byPart == nil {
		h.byPart = make(map[store.Part]*partHead)
	}
	head := h.byPart[p]
	if head == nil {
		head = new(partHead)
		h.byPart[p] = head
	}
	if by != 0 {
		head.committing += by
		head.seq++
	}
	head.published = max(head.published, position)
}

// hold says that a change of p is about to become visible.
func (h *heads) hold(p store.Part) { h.change(p, 1, 0) }

// release ends a hold, with the position of what was committed, 0 for nothing.
func (h *heads) release(p store.Part, position int64) { h.change(p, -1, position) }

// raise says that a reader has been told of a position, so that no later one is
// told of a lesser.
func (h *heads) raise(p store.Part, position int64) { h.change(p, 0, position) }
