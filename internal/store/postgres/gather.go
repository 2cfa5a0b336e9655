package postgres

import (
	"github.com/ifmatch/ifmatch/internal/store"
)

// member is one commit that waits for its outcome.
type member struct {
	commit  *store.Commit
	needs   []need
	size    int
	at      place // in the statement that carries it
	receipt store.Receipt
	err     error
	done    chan struct{}
}

// need is something that a commit locks: a document, a claim or an idempotency key.
// Commits that only check one may share a statement.
type need struct {
	what   any
	shared bool
}

type claimNeed struct {
	part        store.Part
	name, value string
}

type keyNeed struct{ scope, key string }

func newMember(c *store.Commit) *member {
	m := &member{commit: c, done: make(chan struct{})}
	for i := range c.Checks {
		m.needs = append(m.needs, need{c.Checks[i].Ref, true})
	}
	for i := range c.Writes {
		m.needs = append(m.needs, need{c.Writes[i].Ref, false})
		m.size += len(c.Writes[i].Body) + overhead
	}
	for i := range c.Claims {
		cl := &c.Claims[i]
		m.needs = append(m.needs, need{claimNeed{cl.Part, cl.Index, cl.Value}, false})
	}
	for i := range c.Rows {
		m.size += len(c.Rows[i].Value)
	}
	if c.Key != nil {
		m.needs = append(m.needs, need{keyNeed{c.Key.Scope, c.Key.Key}, false})
		m.size += len(c.Key.Content)
	}
	return m
}

// locks are needs that are taken, -1 for one that is not shared, else by how many.
type locks map[any]int

// free tells whether m could take what it needs. What it needs twice it has once.
func (l locks) free(m *member) bool {
	for _, n := range m.needs {
		if held := l[n.what]; held < 0 || held > 0 && !n.shared {
			return false
		}
	}
	return true
}

func (l locks) take(m *member) {
	exclusive := make(map[any]bool, len(m.needs))
	for _, n := range m.needs {
		exclusive[n.what] = exclusive[n.what] || !n.shared
	}
	for what, alone := range exclusive {
		if alone {
			l[what] = -1
		} else {
			l[what]++
		}
	}
}

func (l locks) release(m *member) {
	seen := make(map[any]bool, len(m.needs))
	for _, n := range m.needs {
		if seen[n.what] {
			continue
		}
		seen[n.what] = true
		if l[n.what] <= 1 {
			delete(l, n.what)
		} else {
			l[n.what]--
		}
	}
}

// gatherBytes bounds what one statement carries for several commits.
const gatherBytes = 4 << 20

// gather takes from the queue what can share a statement and waits for nothing that is
// under way at this node, in the order in which it came. Whoever needs what one before
// him in the queue needs stays behind him.
func (w *writer) gather() []*member {
	var group, left []*member
	behind := make(locks)
	size := 0
	for i, m := range w.waiting {
		if len(group) == w.store.opts.MaxGather {
			left = append(left, w.waiting[i:]...)
			break
		}
		alike := len(group) == 0 || group[0].commit.Dry == m.commit.Dry && size+m.size <= gatherBytes
		if !alike || !w.busy.free(m) || !behind.free(m) {
			behind.take(m)
			left = append(left, m)
			continue
		}
		w.busy.take(m)
		group, size = append(group, m), size+m.size
	}
	w.waiting = left
	return group
}
