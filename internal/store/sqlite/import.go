package sqlite

import (
	"context"
	"fmt"

	"github.com/ifmatch/ifmatch/internal/store"
)

var _ store.Importer = (*Store)(nil)

// KeepsPositions implements [store.Importer].
func (*Store) KeepsPositions(lanes int) bool { return lanes == 1 }

// Importing implements [store.Importer].
func (s *Store) Importing(ctx context.Context) (state []byte, err error) {
	err = s.read(ctx, false, func(r *reader) error {
		x := &export{c: r.conn}
		return x.each(importState, func(r row) error {
			state = r.blob(0)
			return nil
		})
	})
	return state, err
}

const importState = "SELECT value FROM meta WHERE key = 'import'"

// Import implements [store.Importer], in one transaction. What this process holds in
// memory of the store is left as it was; that is why it must be opened anew.
func (s *Store) Import(ctx context.Context, i *store.Import) error {
	return s.submit(ctx, &member{step: func(g *group) error { return g.importStep(i) }, writes: len(i.Pieces)})
}

func (g *group) importStep(i *store.Import) error {
	if g.w.importing == nil {
		in, err := newImporting(g)
		if err != nil {
			return err
		}
		g.w.importing = in
	}
	in := g.w.importing
	if err := in.begin(i.State); err != nil {
		return err
	}
	for n := range i.Pieces {
		if err := in.put(g, &i.Pieces[n]); err != nil {
			return err
		}
	}
	if !i.Done {
		return nil
	}
	for _, change := range []struct {
		s    *stmt
		args []any
	}{{in.setMeta, []any{"id", i.ID}}, {in.setMeta, []any{"epoch", i.Epoch}}, {in.end, nil}} {
		if _, err := in.c.exec(change.s, change.args...); err != nil {
			return err
		}
	}
	return nil
}

// importing is a store that takes another one over.
type importing struct {
	c     *conn
	keeps bool // positions stay as they come

	state, readKeeps, holdsAny, setMeta, end   *stmt
	part, insertPart, document                 *stmt
	insertIndexes, nextPosition, placeDocument *stmt
}

func newImporting(g *group) (*importing, error) {
	in := &importing{c: g.w.conn}
	return in, in.c.prepareAll(map[**stmt]string{
		&in.state:         importState,
		&in.readKeeps:     "SELECT value FROM meta WHERE key = 'import keeps'",
		&in.holdsAny:      "SELECT 1 FROM parts UNION ALL SELECT 1 FROM indexes UNION ALL SELECT 1 FROM answers UNION ALL SELECT 1 FROM meta WHERE key IN ('position', 'floor') AND value > 0 LIMIT 1",
		&in.setMeta:       "INSERT OR REPLACE INTO meta (key, value) VALUES (?,?)",
		&in.end:           "DELETE FROM meta WHERE key IN ('import', 'import keeps')",
		&in.part:          "SELECT part FROM parts WHERE collection = ? AND params = ?",
		&in.insertPart:    "INSERT INTO parts (collection, params, floor, pruned) VALUES (?,?,?,?)",
		&in.document:      "SELECT doc, position, body_at FROM documents WHERE part = ? AND id = ?",
		&in.insertIndexes: "INSERT INTO indexes (collection, name, whole) VALUES (?,?,1)",
		&in.nextPosition:  "SELECT coalesce(max(position), 0) + 1 FROM log",
		&in.placeDocument: "UPDATE documents SET position = ?, body_at = ? WHERE doc = ?",
	})
}

// begin notes how far the import has come. The first time it refuses a store that holds
// anything.
func (in *importing) begin(state []byte) error {
	begun, err := in.c.one(in.state, func(row) {})
	if err != nil {
		return err
	}
	if !begun {
		some, err := in.c.one(in.holdsAny, func(row) {})
		if err != nil {
			return err
		}
		if some {
			return store.ErrNotEmpty
		}
	}
	if _, err := in.c.exec(in.setMeta, "import", state); err != nil {
		return err
	}
	_, err = in.c.one(in.readKeeps, func(r row) { in.keeps = r.flag(0) })
	return err
}

// put takes over one piece.
func (in *importing) put(g *group, p *store.Piece) (err error) {
	switch {
	case p.Whole != nil:
		return in.whole(p.Whole)
	case p.Part != nil:
		_, err = in.c.exec(in.insertPart, p.Part.Part.Collection, p.Part.Part.Params, p.Part.Floor, in.place(p.Part.Pruned))
	case p.Indexes != nil:
		for _, name := range p.Indexes.Names {
			if _, err := in.c.exec(in.insertIndexes, p.Indexes.Collection, name); err != nil {
				return err
			}
		}
	case p.Document != nil:
		return in.putDocument(g, p.Document)
	case p.Row != nil:
		doc, _, _, err := in.locate(p.Row.Ref)
		if err != nil {
			return err
		}
		_, err = in.c.exec(g.w.st.putRow, doc, p.Row.Kind, p.Row.ID, p.Row.Value)
		return err
	case p.Claim != nil:
		part, err := in.partNumber(p.Claim.Part)
		if err != nil {
			return err
		}
		_, err = in.c.exec(g.w.st.putClaim, part, p.Claim.Index, p.Claim.Value, p.Claim.ID)
		return err
	case p.Entry != nil:
		return in.putEntry(g, p.Entry)
	case p.Answer != nil:
		a := p.Answer
		_, err = in.c.exec(g.w.st.putAnswer, a.Scope, a.Key, a.Digest[:], a.Content, a.Expires.UnixMicro())
	}
	return err
}

func (in *importing) whole(w *store.Whole) error {
	in.keeps = w.Lanes == 1
	for key, value := range map[string]int64{
		"import keeps": flag(in.keeps), "floor": w.Floor, "position": in.place(w.Newest), "pruned": in.place(w.Pruned),
	} {
		if _, err := in.c.exec(in.setMeta, key, value); err != nil {
			return err
		}
	}
	return nil
}

// place returns a position of the only lane, 0 where positions are not kept.
func (in *importing) place(m store.Mark) int64 {
	if !in.keeps {
		return 0
	}
	return m.At(0)
}

func (in *importing) partNumber(name store.Part) (number int64, err error) {
	found, err := in.c.one(in.part, func(r row) { number = r.int(0) }, name.Collection, name.Params)
	if err == nil && !found {
		err = fmt.Errorf("%w: a piece of part %s/%s, which has not come", store.ErrInvalid, name.Collection, name.Params)
	}
	return number, err
}

// locate returns a document's number, and where its newest row and its body lie so far.
func (in *importing) locate(ref store.Ref) (doc, position, bodyAt int64, err error) {
	part, err := in.partNumber(ref.Part)
	if err != nil {
		return 0, 0, 0, err
	}
	found, err := in.c.one(in.document, func(r row) { doc, position, bodyAt = r.int(0), r.int(1), r.int(2) }, part, ref.ID)
	if err == nil && !found {
		err = fmt.Errorf("%w: a piece of %s/%s, which has not come", store.ErrInvalid, ref.Part.Collection, ref.ID)
	}
	return doc, position, bodyAt, err
}

// putDocument puts a document in its place, but for its log, which comes later.
func (in *importing) putDocument(g *group, d *store.DocumentPiece) error {
	part, err := in.partNumber(d.Ref.Part)
	if err != nil {
		return err
	}
	var leaseID any
	var leaseUntil int64
	if d.Lease != nil {
		leaseID, leaseUntil = d.Lease.ID, d.Lease.Expires.UnixMicro()
	}
	if _, err := in.c.exec(g.w.st.insertDocument, d.Rev, d.Version, d.Life, d.At.UnixMicro(), flag(d.SameSecond), digest(&d.Digest), d.Link,
		int64(0), int64(0), leaseID, d.Fence, leaseUntil, flag(d.Deleted), nil, part, d.Ref.ID); err != nil {
		return err
	}
	if len(d.Keys) == 0 {
		return nil
	}
	doc := in.c.raw.LastInsertRowID()
	set, err := readIndexes(in.c, g.w.st.indexes, d.Ref.Part.Collection)
	switch {
	case err != nil:
		return err
	case set == nil:
		return fmt.Errorf("%w: keys of %s, whose indexes have not come", store.ErrInvalid, d.Ref.Part.Collection)
	}
	return g.writeKeys(part, doc, d.Ref.ID, set, d.Keys)
}

// putEntry appends a log row behind those of its document that have come.
func (in *importing) putEntry(g *group, from *store.Entry) error {
	doc, prev, bodyAt, err := in.locate(from.Ref)
	if err != nil {
		return err
	}
	e := *from
	if !in.keeps {
		if _, err := in.c.one(in.nextPosition, func(r row) { e.Position = r.int(0) }); err != nil {
			return err
		}
	}
	if err := g.insertLog(&e, doc, prev); err != nil {
		return err
	}
	switch e.Action {
	case store.ActionPut, store.ActionPatch:
		bodyAt = e.Position
	case store.ActionDelete:
		bodyAt = 0
	case store.ActionTouch:
	}
	if _, err := in.c.exec(in.placeDocument, e.Position, bodyAt, doc); err != nil {
		return err
	}
	if e.Rev%milestoneEvery != 0 {
		return nil
	}
	_, err = in.c.exec(g.w.st.insertMilestone, doc, e.Rev, e.Version, e.Position)
	return err
}
