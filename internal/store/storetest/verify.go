package storetest

import (
	"bytes"
	"cmp"

	"github.com/ifmatch/ifmatch/internal/store"
)

// verify checks that all that the store holds agrees: documents with their log
// rows, the log with itself, lists and reads with both.
func (r *rig) verify() {
	r.Helper()
	docs, log := r.scan()
	r.verifyPositions(log)
	rows := make(map[store.Ref][]*store.Entry)
	var ends store.Mark
	for _, e := range log {
		ends = ends.Join(store.Mark(nil).With(e.Lane, e.Position))
		rows[e.Ref] = append(rows[e.Ref], e)
	}
	newest := int64(0) // of all lanes together
	for _, position := range ends {
		newest += position
	}
	heads := make(map[store.Part]int64)
	live := make(map[store.Part][]*store.Document)
	for i, d := range docs {
		if i > 0 && docs[i-1].Ref.Part == d.Ref.Part && docs[i-1].Ref.ID >= d.Ref.ID {
			r.Errorf("ScanDocuments yields %q after %q", d.Ref.ID, docs[i-1].Ref.ID)
		}
		r.verifyDocument(d, rows[d.Ref])
		r.same("Get against ScanDocuments of "+refLine(d.Ref), documentLine(r.get(d.Ref)), documentLine(d))
		delete(rows, d.Ref)
		heads[d.Ref.Part] = max(heads[d.Ref.Part], d.Position)
		if d.Exists() {
			live[d.Ref.Part] = append(live[d.Ref.Part], d)
		}
	}
	for ref, orphans := range rows {
		r.Errorf("%d log rows of %s, which is no document; the first: %s", len(orphans), refLine(ref), entryLine(orphans[0]))
	}
	for p, head := range heads {
		page := r.list(p, "", len(docs)+1)
		// A commit over several parts may show its last position in all of them.
		if page.Head < head || page.Head > newest && !r.purged {
			r.Errorf("List(%v).Head is %d, its newest log row has position %d and that of the store %d", p, page.Head, head, newest)
		}
		if got, want := len(page.Documents), len(live[p]); got != want || page.More {
			r.Errorf("List(%v) has %d documents (more: %t), ScanDocuments %d", p, got, page.More, want)
			continue
		}
		for i, d := range page.Documents {
			r.same("List against ScanDocuments", documentLine(d), documentLine(live[p][i]))
		}
	}
	r.verifyIndexes(docs)
	if _, ok := r.s.(store.Feed); ok {
		r.sameEntries("the feed against ScanLog", r.changes(store.ChangeQuery{Limit: 50}), r.changesOf(store.Scope{}))
	}
	if sc, ok := r.s.(store.Scanner); ok {
		if err := sc.CheckIntegrity(ctx); err != nil {
			r.Errorf("CheckIntegrity: %v", err)
		}
	}
}

// verifyIndexes checks that indexes have one row for each living document of their
// collection, in their order, and no other.
func (r *rig) verifyIndexes(docs []*store.Document) {
	r.Helper()
	x, ok := r.s.(store.Indexer)
	if !ok {
		return
	}
	want := make(map[string]bool)
	for _, d := range docs {
		names, whole, err := x.Indexes(ctx, d.Ref.Part.Collection)
		if err != nil || !whole {
			r.Errorf("the indexes of %s are %q, whole %t, error %v", d.Ref.Part.Collection, names, whole, err)
		}
		for _, name := range names {
			if d.Exists() {
				want[rowName(d.Ref, name)] = true
			}
		}
	}
	rows := r.scanIndexes()
	for i, row := range rows {
		name := rowName(row.Ref, row.Index)
		if !want[name] {
			r.Errorf("a row of nothing, or one that comes twice: %s", indexLine(row))
		}
		delete(want, name)
		if i > 0 && compareIndexRows(rows[i-1], row) >= 0 {
			r.Errorf("ScanIndexes yields %s after %s", indexLine(row), indexLine(rows[i-1]))
		}
		if d := r.get(row.Ref); r.indexed && !bytes.Equal(row.Key, store.KeyIn(keysOf(d.Body), row.Index)) {
			r.Errorf("%s is not what the body has: %s", indexLine(row), documentLine(d))
		}
	}
	for name := range want {
		r.Errorf("no row of %s", name)
	}
}

func rowName(ref store.Ref, index string) string { return refLine(ref) + " in " + index }

func compareIndexRows(a, b *store.IndexRow) int {
	return cmp.Or(
		compareRefs(in(a.Ref.Part, ""), in(b.Ref.Part, "")), cmp.Compare(a.Index, b.Index),
		bytes.Compare(a.Key, b.Key), cmp.Compare(a.Ref.ID, b.Ref.ID),
	)
}

// verifyPositions checks the order of the feed: in each lane positions ascend, and where
// they count rows there is none missing while every row is kept.
func (r *rig) verifyPositions(log []*store.Entry) {
	r.Helper()
	var last store.Mark
	counts := len(log) > 0 && log[0].Position == 1 && !r.purged
	for _, e := range log {
		if e.Lane < 0 || e.Lane >= r.s.Info().Capabilities.Lanes {
			r.Errorf("a log row is in lane %d of %d: %s", e.Lane, r.s.Info().Capabilities.Lanes, entryLine(e))
			return
		}
		if at := last.At(e.Lane); e.Position <= at || counts && e.Position != at+1 {
			r.Errorf("ScanLog yields position %d of lane %d after %d", e.Position, e.Lane, at)
		}
		last = last.With(e.Lane, e.Position)
	}
}

// verifyDocument checks d against its log rows, which come by position.
func (r *rig) verifyDocument(d *store.Document, log []*store.Entry) {
	r.Helper()
	name := refLine(d.Ref)
	if len(log) == 0 {
		r.Errorf("%s has no log row", name)
		return
	}
	if !r.purged && log[0].Rev != 1 {
		r.Errorf("the first log row of %s has rev %d, want 1", name, log[0].Rev)
	}
	var content *store.Entry
	for i, e := range log {
		if i > 0 {
			before := log[i-1]
			if e.Rev != before.Rev+1 || e.Position <= before.Position {
				r.Errorf("log rows of %s do not follow one another:\n  %s\n  %s", name, entryLine(before), entryLine(e))
			}
			step := e.Version - before.Version
			if e.Action == store.ActionTouch && step != 0 || e.Action != store.ActionTouch && (step < 1 || step > 1 && !r.purged) {
				r.Errorf("versions of %s do not ascend by one with each content change:\n  %s\n  %s", name, entryLine(before), entryLine(e))
			}
		}
		if e.Action != store.ActionTouch {
			content = e
		}
	}
	last := log[len(log)-1]
	if d.Rev != last.Rev || d.Version != last.Version || d.Life != last.Life || d.Position != last.Position ||
		d.Digest != last.Digest || string(d.Link) != string(last.Link) || d.Entries != int64(len(log)) {
		r.Errorf("%s and its %d log rows disagree:\n  head:       %s\n  newest row: %s", name, len(log), headLine(d.Head), entryLine(last))
	}
	if content == nil {
		r.Errorf("%s has no log row that wrote it", name)
		return
	}
	if d.Deleted != (content.Action == store.ActionDelete) || !d.At.Equal(content.At) {
		r.Errorf("%s and the row that wrote it disagree:\n  head: %s\n  row:  %s", name, headLine(d.Head), entryLine(content))
	}
	if _, ok := r.s.(store.Scanner); ok && string(content.Body) != string(d.Body) {
		r.Errorf("%s has body %q, the row that wrote it %q", name, d.Body, content.Body)
	}
}
