package sqlite

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/ifmatch/ifmatch/internal/store"
)

// group is one transaction: the members' view of the store on top of what is
// durable. Members apply in the order in which they came, each seeing those
// before it.
type group struct {
	w        *writer
	entries  map[store.Ref]*entry // as changed by members so far; nil: purged
	order    []store.Ref
	parts    map[store.Part]*part
	indexes  map[string]*indexSet // by collection, as changed by members; nil: under nothing any more
	position int64
	number   int64
	lastPart int64

	lastIndex int64
	floor     int64          // of parts that have no row yet, and of fences
	epoch     int64          // of the store
	changes   []store.Change // of content, by position
	purged    bool           // some member raised a floor
	sent      bool           // COMMIT was asked for
}

func newGroup(w *writer) *group {
	return &group{
		w: w, entries: make(map[store.Ref]*entry), parts: make(map[store.Part]*part),
		position: w.position, number: w.number, lastPart: w.lastPart, lastIndex: w.lastIndex,
		floor: w.store.floor.Load(), epoch: w.store.epoch.Load(),
	}
}

// apply runs every member. Its error is one of storage, and means that the
// transaction cannot go on; a member's refusal is the member's own.
func (g *group) apply(members []*member) error {
	for _, m := range members {
		err := g.applyOne(m)
		if err != nil && !isRefusal(err) {
			return err
		}
		m.err = err
	}
	return nil
}

func (g *group) applyOne(m *member) error {
	switch {
	case m.purge != nil:
		return g.purge(*m.purge)
	case m.step != nil:
		return m.step(g)
	}
	if m.after != nil && m.after.err != nil {
		return g.stale(m.commit)
	}
	receipt, err := g.commit(m.commit)
	m.receipt = receipt
	return err
}

// stale refuses a commit that was built on one which was not carried out.
func (g *group) stale(c *store.Commit) error {
	var stale store.StaleError
	for i := range c.Writes {
		e, err := g.entry(c.Writes[i].Ref)
		if err != nil {
			return err
		}
		stale.Heads = append(stale.Heads, g.headOf(c.Writes[i].Ref, e))
	}
	return &stale
}

// commit judges c and then writes it. Everything is read and judged before the
// first row is written, so that a refusal leaves nothing to undo, whatever the
// commit holds.
func (g *group) commit(c *store.Commit) (store.Receipt, error) {
	j, err := g.judge(c)
	if err != nil {
		switch err.(type) {
		case *store.StaleError, *store.ReplayedError:
			return g.settle(c, err)
		}
		return store.Receipt{}, err
	}
	if err := g.w.store.opts.Probe.At(store.PointChecked); err != nil {
		return store.Receipt{}, err
	}
	return g.write(c, j)
}

// entry returns where a document stands for the next member, nil where it never
// was. Its body may be missing.
func (g *group) entry(ref store.Ref) (*entry, error) {
	if e, changed := g.entries[ref]; changed {
		return e, nil
	}
	if e, ok := g.w.store.cache.get(ref); ok {
		return e, nil
	}
	p := g.part(ref.Part)
	if p == nil {
		return nil, nil
	}
	var e *entry
	_, err := g.w.conn.one(g.w.st.head, func(r row) { e = scanHead(r, ref, p.floor) }, p.number, ref.ID)
	return e, err
}

// part returns a part's row as members left it, nil where it never had a
// document.
func (g *group) part(name store.Part) *part {
	if p := g.parts[name]; p != nil {
		return p
	}
	return g.w.parts[name]
}

// touchPart returns the group's own copy of a part's row, made where there was
// none.
func (g *group) touchPart(name store.Part) (*part, error) {
	if p := g.parts[name]; p != nil {
		return p, nil
	}
	if durable := g.w.parts[name]; durable != nil {
		p := *durable
		g.parts[name] = &p
		return &p, nil
	}
	g.lastPart++
	p := &part{number: g.lastPart, floor: g.floor}
	if _, err := g.w.conn.exec(g.w.st.insertPart, p.number, name.Collection, name.Params, p.floor); err != nil {
		return nil, err
	}
	g.parts[name] = p
	return p, nil
}

func (g *group) set(ref store.Ref, e *entry) {
	if _, again := g.entries[ref]; !again {
		g.order = append(g.order, ref)
	}
	g.entries[ref] = e
}

// hold keeps the group's documents out of the cache while it is committed.
func (g *group) hold() {
	for name := range g.parts {
		g.w.store.heads.hold(name)
	}
	for _, ref := range g.order {
		g.w.store.cache.hold(ref)
	}
}

// release ends the hold of a group that was rolled back.
func (g *group) release() {
	for _, ref := range g.order {
		g.w.store.cache.release(ref)
	}
	for name := range g.parts {
		g.w.store.heads.release(name, 0)
	}
}

// publish makes the group's changes what is durable.
func (g *group) publish() {
	g.w.position, g.w.number, g.w.lastPart = g.position, g.number, g.lastPart
	g.w.store.floor.Store(g.floor)
	g.w.store.epoch.Store(g.epoch)
	g.publishIndexes()
	for name, p := range g.parts {
		if g.w.parts[name] == nil {
			g.w.store.numbers.set(name, p.number)
		}
		g.w.parts[name] = p
	}
	if g.purged {
		g.w.store.cache.forget()
	}
	for _, ref := range g.order {
		g.w.store.cache.publish(ref, g.entries[ref])
	}
	for name, p := range g.parts {
		g.w.store.heads.release(name, p.head)
	}
	g.w.store.tail.Publish(store.Mark{g.position}, g.changes)
}

// scanHead reads a row of the head statement.
func scanHead(r row, ref store.Ref, floor int64) *entry {
	h := store.Head{
		Ref: ref, Rev: r.int(1), Version: r.int(2), Life: r.int(3), Deleted: r.flag(4),
		At: r.time(5), SameSecond: r.flag(6), Digest: r.digest(7), Link: r.blob(8),
		Entries: r.int(1), Position: r.int(9),
	}
	h.Next = max(h.Version, floor) + 1
	if id := r.text(11); id != "" {
		h.Lease = &store.Lease{ID: id, Fence: r.int(12), Expires: r.time(13)}
	}
	return &entry{doc: store.Document{Head: h}, number: r.int(0), bodyAt: r.int(10), fence: r.int(12)}
}

// panicked stops the writer for good, and answers the members all the same: they,
// and all who come later, would wait for ever.
func (g *group) panicked(members []*member, v any) {
	cause := fmt.Errorf("sqlite: the writer panicked: %v\n%s", v, debug.Stack())
	if !g.sent {
		cause = errors.Join(cause, g.w.rollback())
		g.w.store.stop(cause, nil)
		fail(members, fmt.Errorf("%w: %w", store.ErrReadOnly, cause))
		return
	}
	g.w.store.stop(cause, g.order)
	fail(members, fmt.Errorf("%w: %w", store.ErrOutcomeUnknown, cause))
}
