package storetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ifmatch/ifmatch/internal/store"
)

// wantIndexes fails unless a collection is under exactly these indexes.
func (r *rig) wantIndexes(collection string, want ...string) {
	r.Helper()
	got, whole, err := r.indexer().Indexes(ctx, collection)
	if err != nil || !whole || !slices.Equal(got, want) {
		r.Errorf("%s is under %q, whole %t, error %v, want %q", collection, got, whole, err, want)
	}
}

// byBody makes keys of what bodyf prints.
func byBody(names ...string) func(*store.Document) ([]store.IndexKey, error) {
	return func(d *store.Document) ([]store.IndexKey, error) {
		var list []store.IndexKey
		for _, name := range names {
			k := store.IndexKey{Index: name}
			if body := string(d.Body); name == "backwards" {
				k.Key = slices.Clone(d.Body)
				slices.Reverse(k.Key)
			} else if name != "nothing" {
				k.Key = []byte(body)
			}
			list = append(list, k)
		}
		return list, nil
	}
}

func (r *rig) reindexed(collection string, want int64, names ...string) {
	r.Helper()
	got, err := r.indexer().Reindex(ctx, collection, names, byBody(names...))
	if err != nil || got != want {
		r.Fatalf("Reindex(%s, %q) read %d documents, error %v, want %d", collection, names, got, err, want)
	}
	r.wantIndexes(collection, names...)
}

func reindex(r *rig) {
	r.indexer()
	for _, id := range []string{"c", "a", "b"} {
		r.save(ref(id), bodyf("%s", id))
	}
	r.save(ref("gone"), "x")
	r.drop(ref("gone"))
	far := in(store.Part{Collection: "things", Params: "far"}, "z")
	r.save(far, bodyf("z"))
	r.save(in(part("others"), "o"), "x")
	r.wantIndexes("things")
	byText := store.ListQuery{Sort: "text", Descending: true, Limit: 2}
	docs := func() string {
		text := ""
		for _, id := range []string{"a", "b", "c", "gone"} {
			text += documentLine(r.get(ref(id))) + "\n"
		}
		return text
	}
	before := docs()

	r.reindexed("things", 4, "nothing", "text")
	r.wantWalk(byText, "c b a")
	r.wantWalk(store.ListQuery{Sort: "nothing", Limit: 2}, "a b c")
	if got := r.walk(far.Part, byText); !slices.Equal(got, []string{"z"}) {
		r.Errorf("the other part lists %q", got)
	}
	r.wantIndexes("others")

	r.reindexed("things", 4, "text") // one less
	r.wantWalk(byText, "c b a")
	if _, err := r.s.List(ctx, part("things"), store.ListQuery{Sort: "nothing", Limit: 1}); !errors.Is(err, store.ErrInvalid) {
		r.Errorf("a list by an index that was dropped: error %v, want ErrInvalid", err)
	}
	r.reindexed("things", 4, "backwards", "text") // one more
	r.wantWalk(store.ListQuery{Sort: "backwards", Limit: 1}, "a b c")
	r.reindexed("things", 4, "backwards", "text") // the same again
	if r.reopen() {
		r.wantIndexes("things", "backwards", "text")
		r.wantWalk(byText, "c b a")
	}
	r.same("the documents after reindexing", docs(), before)

	w := r.put(r.get(ref("a")).Head, bodyf("zz"))
	w.Keys = []store.IndexKey{{Index: "backwards", Key: []byte("1")}, {Index: "text", Key: w.Body}}
	r.do(r.commit(w))
	r.wantWalk(byText, "a c b")
	r.drop(ref("c"))
	r.wantWalk(byText, "a b")

	r.reindexed("things", 3) // none at all
	r.save(ref("a"), "no keys any more")
	r.save(ref("new"), "none")
	r.reindexed("never", 0, "text")
	w = r.put(r.get(in(part("never"), "a")).Head, "x")
	w.Keys = []store.IndexKey{{Index: "text", Key: []byte("x")}}
	r.do(r.commit(w))
}

// reindexLater puts documents under indexes that were written under others.
func reindexLater(r *rig) {
	r.indexer()
	for i := range 5 {
		r.stand(ref(fmt.Sprint(i)), fmt.Sprint(9-i), "x")
	}
	r.wantIndexes("things", byAge, byName)
	r.reindexed("things", 5, "text")
	r.wantWalk(store.ListQuery{Sort: "text", Limit: 2}, "4 3 2 1 0")
	c := r.commit(r.with(r.get(ref("0")).Head, "1", "x"))
	r.unchanged("keys in the indexes of before", func() {
		if _, err := r.s.Commit(ctx, c); !errors.Is(err, store.ErrInvalid) {
			r.Errorf("keys in the indexes of before: error %v, want ErrInvalid", err)
		}
	})
}

// reindexFails has it stop half-way, in every way that a caller can bring about.
func reindexFails(r *rig) {
	x := r.indexer()
	const documents = 9
	for i := range documents {
		r.stand(ref(fmt.Sprint(i)), fmt.Sprint(9-i), "x")
	}
	half := func(names ...string) func(*store.Document) ([]store.IndexKey, error) {
		seen := 0
		return func(d *store.Document) ([]store.IndexKey, error) {
			if seen++; seen > documents/2 {
				return nil, errForced
			}
			return byBody(names...)(d)
		}
	}
	if _, err := x.Reindex(ctx, "things", []string{byAge, "text"}, half(byAge, "text")); !errors.Is(err, errForced) {
		r.Errorf("keys cannot be made: error %v", err)
	}
	if _, err := x.Reindex(ctx, "things", []string{"text"}, byBody("backwards")); !errors.Is(err, store.ErrInvalid) {
		r.Errorf("keys of another index: error %v, want ErrInvalid", err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := x.Reindex(ended, "things", []string{"text"}, byBody("text")); !errors.Is(err, context.Canceled) {
		r.Errorf("the context ended: error %v", err)
	}
	if r.reopen() {
		x = r.indexer()
	}
	if names, whole, err := x.Indexes(ctx, "things"); err != nil || whole && !slices.Equal(names, []string{byAge, byName}) {
		r.Errorf("things is under %q, whole %t, error %v", names, whole, err)
	}
	r.reindexed("things", documents, "backwards", "text")
	r.wantWalk(store.ListQuery{Sort: "text", Limit: 4}, "8 7 6 5 4 3 2 1 0")
	if _, err := r.s.List(ctx, part("things"), store.ListQuery{Sort: byName, Limit: 1}); !errors.Is(err, store.ErrInvalid) {
		r.Errorf("a list by an index of before: error %v, want ErrInvalid", err)
	}
}

// reindexMany has more documents than a driver may take at once, and is
// interrupted in the midst of them.
func reindexMany(r *rig) {
	x := r.indexer()
	const documents = 2500
	size := r.atMost(100)
	for i := 0; i < documents; i += size {
		var writes []store.Write
		for j := range min(size, documents-i) {
			writes = append(writes, r.put(r.get(ref(fmt.Sprintf("%04d", i+j))).Head, bodyf("%04d", documents-i-j)))
		}
		r.do(r.commit(writes...))
	}
	r.reindexed("things", documents, "backwards")
	seen := 0
	_, err := x.Reindex(ctx, "things", []string{"text"}, func(d *store.Document) ([]store.IndexKey, error) {
		if seen++; seen > 1700 {
			return nil, errForced
		}
		return byBody("text")(d)
	})
	if !errors.Is(err, errForced) {
		r.Fatalf("interrupted: error %v", err)
	}
	r.reopen()
	r.drop(ref("0007")) // deletions go on while it is not whole
	r.brush(ref("0008"))
	r.save(in(part("others"), "a"), "x")
	if _, whole, err := r.indexer().Indexes(ctx, "things"); err != nil {
		r.Fatal(err)
	} else if c := r.commit(r.put(r.get(ref("0009")).Head, "x")); !whole {
		if _, err := r.s.Commit(ctx, c); !errors.Is(err, store.ErrInvalid) {
			r.Errorf("a body without keys while the indexes are not whole: error %v, want ErrInvalid", err)
		}
		c.Writes[0].Keys, _ = byBody("text")(&store.Document{Body: c.Writes[0].Body})
		if _, err := r.s.Commit(ctx, c); !errors.Is(err, store.ErrInvalid) {
			r.Errorf("a body while the indexes are not whole: error %v, want ErrInvalid", err)
		}
		if _, err := r.s.List(ctx, part("things"), store.ListQuery{Sort: "text", Limit: 1}); !errors.Is(err, store.ErrInvalid) {
			r.Errorf("a list by an index that is not whole: error %v, want ErrInvalid", err)
		}
	}
	r.reindexed("things", documents-1, "text")
	got := r.walk(part("things"), store.ListQuery{Sort: "text", Limit: 700})
	if len(got) != documents-1 || !slices.IsSortedFunc(got, func(a, b string) int { return cmp.Compare(b, a) }) {
		r.Errorf("the list has %d documents, want %d in their order", len(got), documents-1)
	}
}

// indexAdopted: a collection goes under the indexes of its first document, even of
// one in the middle of a commit, and of none that came to nothing.
func indexAdopted(r *rig) {
	r.indexer()
	fresh := part("fresh")
	a := r.with(r.get(in(fresh, "a")).Head, "1", "x")
	other := r.put(r.get(in(fresh, "b")).Head, "x")
	other.Keys = []store.IndexKey{{Index: "other"}}
	dry, mixed := r.commit(a), r.commit(a, other)
	dry.Dry = true
	r.do(dry)
	r.unchanged("two sets of indexes", func() {
		if _, err := r.s.Commit(ctx, mixed); !errors.Is(err, store.ErrInvalid) {
			r.Errorf("two sets of indexes in a new collection: error %v, want ErrInvalid", err)
		}
	})
	r.wantIndexes("fresh")
	first := ""
	for i, p := range r.group(r.commit(other), r.commit(a)) { // a driver may take them in any order
		switch {
		case p.err == nil && first == "":
			first = []string{"b", "a"}[i]
		case !errors.Is(p.err, store.ErrInvalid):
			r.Errorf("%s: error %v, want ErrInvalid", p.what, p.err)
		}
	}
	names := map[string][]string{"a": {byAge, byName}, "b": {"other"}}[first]
	r.wantIndexes("fresh", names...)
	r.drop(in(fresh, first))
	r.wantIndexes("fresh", names...)
	if r.reopen() {
		r.wantIndexes("fresh", names...)
	}
}
