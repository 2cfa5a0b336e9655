package storetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ifmatch/ifmatch/internal/store"
)

// What tests name their rows, keys and claims, so that a dump finds them.
const (
	kindNote   = "note"
	kindTicket = "ticket"
	scope      = "ada/things"
	index      = "color"
)

var (
	keyNames   = []string{"k1", "k2"}
	claimNames = []string{"red", "blue"}
)

// compareRefs orders by collection, parameters and id.
func compareRefs(a, b store.Ref) int {
	return cmp.Or(
		strings.Compare(a.Part.Collection, b.Part.Collection),
		strings.Compare(a.Part.Params, b.Part.Params),
		strings.Compare(a.ID, b.ID),
	)
}

// touched returns the references that the test has written or tried to.
func (r *rig) touched() []store.Ref {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.SortedFunc(maps.Keys(r.refs), compareRefs)
}

// scan returns everything that the store's Scanner yields, or what can be seen
// of it without one.
func (r *rig) scan() ([]*store.Document, []*store.Entry) {
	r.Helper()
	var docs []*store.Document
	var log []*store.Entry
	sc, ok := r.s.(store.Scanner)
	if !ok {
		for _, ref := range r.touched() {
			if d := r.get(ref); d.Rev != 0 {
				docs = append(docs, d)
			}
			for _, e := range r.history(ref, 0, 1<<20) {
				log = append(log, &e)
			}
		}
		slices.SortStableFunc(log, func(a, b *store.Entry) int { return cmp.Compare(a.Position, b.Position) })
		return docs, log
	}
	err := sc.ScanDocuments(ctx, func(d *store.Document) error { docs = append(docs, d); return nil })
	if err != nil {
		r.Fatalf("ScanDocuments: %v", err)
	}
	err = sc.ScanLog(ctx, func(e *store.Entry) error { log = append(log, e); return nil })
	if err != nil {
		r.Fatalf("ScanLog: %v", err)
	}
	return docs, log
}

// scanIndexes returns every row of every index, nothing where the driver keeps
// none.
func (r *rig) scanIndexes() []*store.IndexRow {
	r.Helper()
	x, ok := r.s.(store.Indexer)
	if !ok {
		return nil
	}
	var rows []*store.IndexRow
	if err := x.ScanIndexes(ctx, func(row *store.IndexRow) error { rows = append(rows, row); return nil }); err != nil {
		r.Fatalf("ScanIndexes: %v", err)
	}
	return rows
}

// dump prints all that the store shows, in every way that it can be asked.
func (r *rig) dump() string {
	r.Helper()
	var b strings.Builder
	b.WriteString(r.view())
	for _, p := range r.touchedParts() {
		for _, v := range claimNames {
			fmt.Fprintf(&b, "claim %v %s of %s\n", p, v, r.holder(p, v))
		}
	}
	return b.String()
}

func (r *rig) touchedParts() []store.Part {
	var parts []store.Part
	for _, ref := range r.touched() {
		if len(parts) == 0 || parts[len(parts)-1] != ref.Part {
			parts = append(parts, ref.Part)
		}
	}
	return parts
}

// view is dump without the claims, which take a commit to find out.
func (r *rig) view() string {
	r.Helper()
	var b strings.Builder
	docs, log := r.scan()
	for _, d := range docs {
		fmt.Fprintf(&b, "scan %s\n", documentLine(d))
	}
	for _, row := range r.scanIndexes() {
		fmt.Fprintln(&b, indexLine(row))
	}
	for _, e := range log {
		fmt.Fprintf(&b, "log %s body %q\n", entryLine(e), e.Body)
	}
	if _, ok := r.s.(store.Feed); ok {
		for _, e := range r.changes(store.ChangeQuery{Limit: 50}) {
			fmt.Fprintf(&b, "change %s\n", entryLine(&e))
		}
	}
	for _, ref := range r.touched() {
		fmt.Fprintf(&b, "get %s\n", documentLine(r.get(ref)))
		for _, e := range r.history(ref, 0, 1<<20) {
			fmt.Fprintf(&b, "history %s\n", entryLine(&e))
		}
		for _, kind := range []string{kindNote, kindTicket} {
			for _, row := range r.rows(ref, kind) {
				fmt.Fprintln(&b, rowLine(row))
			}
		}
	}
	for _, p := range r.touchedParts() {
		page := r.list(p, "", 1<<20)
		fmt.Fprintf(&b, "list %v head %d more %t\n", p, page.Head, page.More)
		for _, d := range page.Documents {
			fmt.Fprintf(&b, "listed %s\n", documentLine(d))
		}
	}
	for _, k := range keyNames {
		a, err := r.s.Answer(ctx, scope, k)
		if err == nil {
			fmt.Fprintf(&b, "answer %s %.4x %q %s\n", k, a.Digest, a.Content, instant(a.Expires))
		} else if !errors.Is(err, store.ErrNoEntry) {
			r.Fatalf("Answer(%q): %v", k, err)
		}
	}
	return b.String()
}

// holder tells who holds a natural key: a dry commit that wants it finds out.
func (r *rig) holder(p store.Part, value string) string {
	r.Helper()
	c := r.commit()
	c.Dry = true
	c.Claims = []store.Claim{{Part: p, Index: index, Value: value, ID: "nobody in particular"}}
	_, err := r.s.Commit(ctx, c)
	var taken *store.TakenError
	switch {
	case err == nil:
		return "nobody"
	case errors.As(err, &taken):
		return fmt.Sprintf("%q", taken.By)
	}
	r.Fatalf("dry commit that claims %s: %v", value, err)
	return ""
}

// unchanged runs f and fails when anything that the store shows is another after it.
func (r *rig) unchanged(what string, f func()) {
	r.Helper()
	before := r.dump()
	f()
	r.same("the store after "+what, r.dump(), before)
}

func (r *rig) history(ref store.Ref, before int64, limit int) []store.Entry {
	r.Helper()
	page, err := r.s.History(ctx, ref, before, limit)
	if err != nil {
		r.Fatalf("History(%v, before %d): %v", ref, before, err)
	}
	return page
}

func (r *rig) list(p store.Part, after string, limit int) store.Page {
	r.Helper()
	page, err := r.s.List(ctx, p, store.ListQuery{After: store.Place{ID: after}, Limit: limit})
	if err != nil {
		r.Fatalf("List(%v, after %q): %v", p, after, err)
	}
	return page
}

// rows returns the side rows of ref, nothing where the driver cannot list them.
func (r *rig) rows(ref store.Ref, kind string) []store.Row {
	r.Helper()
	rr, ok := r.s.(store.RowReader)
	if !ok {
		return nil
	}
	rows, err := rr.Rows(ctx, ref, kind)
	if err != nil {
		r.Fatalf("Rows(%v, %q): %v", ref, kind, err)
	}
	return rows
}

// purge forgets the tombstone of ref, which must be one.
func (r *rig) purge(ref store.Ref) {
	r.Helper()
	r.purged = true
	if err := r.purger().Purge(ctx, ref); err != nil {
		r.Fatalf("Purge(%v): %v", ref, err)
	}
}

// purger skips the test where the driver cannot purge.
func (r *rig) purger() store.Purger {
	r.Helper()
	p, ok := r.s.(store.Purger)
	if !ok {
		r.Skip("SKIPPED, NOT CHECKED: the driver is no store.Purger")
	}
	r.purged = true
	return p
}

// header returns the store as a reader of heads: one that reads no head for less
// reads the document.
func (r *rig) header() store.HeadReader {
	if h, ok := r.s.(store.HeadReader); ok {
		return h
	}
	return documents{r.s}
}

// documents reads whole documents for heads.
type documents struct{ store.Store }

func (d documents) Head(ctx context.Context, ref store.Ref) (*store.Document, error) {
	return d.Get(ctx, ref)
}
