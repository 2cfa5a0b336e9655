package storetest

import (
	"errors"
	"strings"

	"github.com/ifmatch/ifmatch/internal/store"
)

func indexInvalid(r *rig) {
	r.indexer()
	r.stand(ref("a"), "1", "x")
	h := r.get(ref("a")).Head
	for what, list := range map[string][]store.IndexKey{
		"none":          nil,
		"one of two":    {{Index: byAge, Key: []byte("1")}},
		"one more":      {{Index: byAge}, {Index: byName}, {Index: "other"}},
		"another":       {{Index: byAge}, {Index: "other"}},
		"twice":         {{Index: byAge}, {Index: byAge}},
		"another order": {{Index: byName}, {Index: byAge}},
		"no name":       {{Index: ""}, {Index: byAge}},
		"too long":      {{Index: byAge, Key: make([]byte, store.MaxIndexKey+1)}, {Index: byName}},
	} {
		for _, head := range []store.Head{h, r.get(ref("new")).Head, r.get(in(store.Part{Collection: "things", Params: "p"}, "new")).Head} {
			w := r.put(head, "x")
			w.Keys = list
			c := r.commit(r.with(r.get(ref("b")).Head, "2", "y"), w)
			r.unchanged("keys of "+what, func() {
				if _, err := r.s.Commit(ctx, c); !errors.Is(err, store.ErrInvalid) {
					r.Errorf("keys of %s: error is %v, want ErrInvalid", what, err)
				}
			})
		}
	}
	for _, w := range []store.Write{r.touch(h), r.remove(h)} {
		w.Keys = []store.IndexKey{{Index: byAge}, {Index: byName}}
		c := r.commit(w)
		r.unchanged("keys without a body", func() {
			if _, err := r.s.Commit(ctx, c); !errors.Is(err, store.ErrInvalid) {
				r.Errorf("keys without a body: error is %v, want ErrInvalid", err)
			}
		})
	}
	r.save(in(part("others"), "a"), "no keys")
	c := r.commit(r.with(r.get(in(part("others"), "b")).Head, "1", "x"))
	r.unchanged("keys in a collection without indexes", func() {
		if _, err := r.s.Commit(ctx, c); !errors.Is(err, store.ErrInvalid) {
			r.Errorf("keys in a collection without indexes: error is %v, want ErrInvalid", err)
		}
	})
	long := r.with(r.get(ref("long")).Head, strings.Repeat("k", store.MaxIndexKey), "x")
	r.do(r.commit(long))
	r.wantWalk(store.ListQuery{Sort: byAge, Limit: 1}, "a long")
}

func indexInvalidQueries(r *rig) {
	r.indexer()
	r.stand(ref("a"), "1", "x")
	one := store.Condition{Index: byAge, In: keys("1")}
	for what, q := range map[string]store.ListQuery{
		"no limit":               {Sort: byAge},
		"an unknown order":       {Sort: "size", Limit: 1},
		"an unknown condition":   {Where: []store.Condition{one, {Index: "size", In: keys("1")}}, Limit: 1},
		"down without an order":  {Descending: true, Limit: 1},
		"a key without an order": {After: store.Place{Key: []byte("1"), ID: "a"}, Limit: 1},
		"one of nothing":         {Where: []store.Condition{{Index: byAge, In: [][]byte{}}}, Limit: 1},
		"one of a range":         {Where: []store.Condition{{Index: byAge, In: keys("1"), From: []byte("1")}}, Limit: 1},
		"no index":               {Where: []store.Condition{{In: keys("1")}}, Limit: 1},
	} {
		if page, err := r.s.List(ctx, part("things"), q); !errors.Is(err, store.ErrInvalid) {
			r.Errorf("%s: the page is %q, error %v, want ErrInvalid", what, ids(page), err)
		}
	}
	if page, err := r.s.List(ctx, part("never"), store.ListQuery{Sort: "size", Where: []store.Condition{one}, Limit: 1}); err != nil || len(page.Documents) != 0 || page.More {
		r.Errorf("a part without documents lists %q, error %v", ids(page), err)
	}
}
