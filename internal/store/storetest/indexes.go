package storetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/ifmatch/ifmatch/internal/store"
)

var indexTests = []test{
	{name: "order, ties and pages", run: indexOrder},
	{name: "conditions", run: indexConditions},
	{name: "a page passes over so many rows and no more", run: indexScan},
	{name: "keys follow the body", run: indexFollows},
	{name: "keys of other indexes", run: indexInvalid},
	{name: "queries that ask for nothing", run: indexInvalidQueries},
	{name: "parts do not mix", run: indexParts},
	{name: "a page is one state", run: indexSnapshot},
	{name: "every receipt shows at once", run: indexFresh},
	{name: "every receipt shows at once, through eviction", run: indexFresh, cache: smallCache},
	{name: "reindexing", run: reindex},
	{name: "reindexing what came before", run: reindexLater},
	{name: "reindexing that fails", run: reindexFails},
	{name: "reindexing many documents", run: reindexMany},
	{name: "the first document says which", run: indexAdopted},
}

// byAge and byName are the indexes of these tests, in the order of their names.
const byAge, byName = "age", "name"

// indexer skips the test where the driver keeps no indexes.
func (r *rig) indexer() store.Indexer {
	r.Helper()
	x, ok := r.s.(store.Indexer)
	if !ok {
		r.Skip("SKIPPED, NOT CHECKED: the driver is no store.Indexer")
	}
	return x
}

// with returns a write of a body with these keys.
func (r *rig) with(h store.Head, age, name string) store.Write {
	w := r.put(h, bodyf("%s %s", age, name))
	w.Keys = []store.IndexKey{{Index: byAge, Key: []byte(age)}, {Index: byName, Key: []byte(name)}}
	return w
}

// stand puts a document under these keys.
func (r *rig) stand(ref store.Ref, age, name string) store.Head {
	r.Helper()
	return r.do(r.commit(r.with(r.get(ref).Head, age, name))).Heads[0]
}

// walk returns the ids of a whole list, page by page.
func (r *rig) walk(p store.Part, q store.ListQuery) []string {
	r.Helper()
	var all []string
	for {
		page, err := r.s.List(ctx, p, q)
		if err != nil {
			r.Fatalf("List(%v, %+v): %v", p, q, err)
		}
		if len(page.Documents) > q.Limit || page.More && page.Last.ID == "" {
			r.Fatalf("List(%v, %+v) has %d documents, more %t, last %+v", p, q, len(page.Documents), page.More, page.Last)
		}
		for _, d := range page.Documents {
			all = append(all, d.Ref.ID)
			r.same("the listed document", documentLine(d), documentLine(r.get(d.Ref)))
		}
		if !page.More {
			return all
		}
		if page.Last.Compare(q.After) == 0 {
			r.Fatalf("List(%v, %+v) goes on where it began", p, q)
		}
		q.After = page.Last
	}
}

func (r *rig) wantWalk(q store.ListQuery, want string) {
	r.Helper()
	if got := strings.Join(r.walk(part("things"), q), " "); got != want {
		r.Errorf("the list of %+v is %q, want %q", q, got, want)
	}
}

func indexOrder(r *rig) {
	r.indexer()
	for id, age := range map[string]string{"a": "5", "b": "", "c": "5", "d": "10", "e": "\x00", "f": "5\x00", "g": "\xff\xff", "h": "", "i": "5"} {
		r.stand(ref(id), age, "x"+id)
	}
	r.stand(ref("gone"), "5", "x")
	r.drop(ref("gone"))
	up := strings.Fields("b h e d a c i f g")
	down := slices.Clone(up)
	slices.Reverse(down)
	for limit := 1; limit <= len(up)+1; limit++ {
		r.wantWalk(store.ListQuery{Sort: byAge, Limit: limit}, strings.Join(up, " "))
		r.wantWalk(store.ListQuery{Sort: byAge, Descending: true, Limit: limit}, strings.Join(down, " "))
		r.wantWalk(store.ListQuery{Sort: byName, Limit: limit}, "a b c d e f g h i")
		r.wantWalk(store.ListQuery{Limit: limit}, "a b c d e f g h i")
	}
	// Places where nothing is, or nothing is any more.
	for _, at := range []struct {
		after    store.Place
		up, down string
	}{
		{store.Place{Key: []byte("5"), ID: "b"}, "c i f g", "a d e h b"},
		{store.Place{Key: []byte("4"), ID: "zz"}, "a c i f g", "d e h b"},
		{store.Place{ID: "c"}, "h e d a c i f g", "b"},
		{store.Place{Key: []byte("5"), ID: "gone"}, "i f g", "c a d e h b"},
		{store.Place{Key: []byte("\xff\xff\xff"), ID: "a"}, "", "g f i c a d e h b"},
	} {
		r.wantWalk(store.ListQuery{Sort: byAge, After: at.after, Limit: 2}, at.up)
		r.wantWalk(store.ListQuery{Sort: byAge, Descending: true, After: at.after, Limit: 2}, at.down)
	}
	if page, err := r.s.List(ctx, part("things"), store.ListQuery{Sort: byAge, Limit: len(up)}); err != nil || page.More || string(page.Last.Key) != "\xff\xff" || page.Last.ID != "g" {
		r.Errorf("a page that holds all ends at %+v, more %t, error %v", page.Last, page.More, err)
	}
}

func keys(texts ...string) [][]byte {
	var keys [][]byte
	for _, t := range texts {
		keys = append(keys, []byte(t))
	}
	return keys
}

func indexConditions(r *rig) {
	r.indexer()
	for id, k := range map[string][2]string{"a": {"1", "x"}, "b": {"2", "y"}, "c": {"3", "x"}, "d": {"", "x"}, "e": {"2", ""}, "f": {"2", "x"}, "g": {"", ""}, "h": {"3", "z"}, "i": {"20", "x"}} {
		r.stand(ref(id), k[0], k[1])
	}
	in := func(index string, values ...string) store.Condition {
		return store.Condition{Index: index, In: keys(values...)}
	}
	between := func(index, from, to string) store.Condition {
		c := store.Condition{Index: index, From: []byte(from)}
		if to != "" {
			c.To = []byte(to)
		}
		return c
	}
	for _, tt := range []struct {
		where             []store.Condition
		byID, byAge, back string
	}{
		{[]store.Condition{in(byAge, "2")}, "b e f", "b e f", "f e b"},
		{[]store.Condition{in(byName, "x")}, "a c d f i", "d a f i c", "c i f a d"},
		{[]store.Condition{in(byAge, "3", "1")}, "a c h", "a c h", "h c a"},
		{[]store.Condition{in(byAge, "2", "20", "2", "nothing")}, "b e f i", "b e f i", "i f e b"},
		{[]store.Condition{in(byAge, "nothing")}, "", "", ""},
		{[]store.Condition{in(byAge, "")}, "", "", ""},
		{[]store.Condition{in(byAge, "", "1")}, "a", "a", "a"},
		{[]store.Condition{between(byAge, "2", "")}, "b c e f h i", "b e f i c h", "h c i f e b"},
		{[]store.Condition{between(byAge, "", "2")}, "a", "a", "a"},
		{[]store.Condition{between(byAge, "", "")}, "a b c e f h i", "a b e f i c h", "h c i f e b a"},
		{[]store.Condition{between(byAge, "2", "3")}, "b e f i", "b e f i", "i f e b"},
		{[]store.Condition{between(byAge, "2\x00", "3\x00")}, "c h i", "i c h", "h c i"},
		{[]store.Condition{between(byAge, "3", "2")}, "", "", ""},
		{[]store.Condition{between(byAge, "2", ""), between(byAge, "", "3")}, "b e f i", "b e f i", "i f e b"},
		{[]store.Condition{in(byAge, "2"), in(byName, "x")}, "f", "f", "f"},
		{[]store.Condition{in(byAge, "2", "3"), between(byName, "y", "")}, "b h", "b h", "h b"},
		{[]store.Condition{in(byAge, "1", "3"), between(byAge, "2", "")}, "c h", "c h", "h c"},
		{[]store.Condition{between(byName, "x", "y"), between(byAge, "1", "2")}, "a", "a", "a"},
		{[]store.Condition{in(byAge, "1", "2", "3"), in(byAge, "2", "3"), in(byName, "x", "z")}, "c f h", "f c h", "h c f"},
	} {
		for _, limit := range []int{1, 2, 10} {
			r.wantWalk(store.ListQuery{Where: tt.where, Limit: limit}, tt.byID)
			r.wantWalk(store.ListQuery{Where: tt.where, Sort: byAge, Limit: limit}, tt.byAge)
			r.wantWalk(store.ListQuery{Where: tt.where, Sort: byAge, Descending: true, Limit: limit}, tt.back)
			r.wantWalk(store.ListQuery{Where: tt.where, Limit: limit, Scan: 1}, tt.byID)
			r.wantWalk(store.ListQuery{Where: tt.where, Sort: byAge, Limit: limit, Scan: 2}, tt.byAge)
		}
	}
	// A last page says that it is the last, although rows follow that do not fit.
	page, err := r.s.List(ctx, part("things"), store.ListQuery{Where: []store.Condition{between(byAge, "1", "2")}, Limit: 1})
	if err != nil || page.More || ids(page) != "a" {
		r.Errorf("a page with the only one that fits is %q, more %t, error %v", ids(page), page.More, err)
	}
}

// indexScan has pages end on rows that no condition holds for.
func indexScan(r *rig) {
	r.indexer()
	for i := range 40 {
		name := "no"
		if i%20 == 15 {
			name = "yes"
		}
		r.stand(ref(fmt.Sprintf("%02d", i)), fmt.Sprintf("%02d", 39-i), name)
	}
	rare := []store.Condition{{Index: byName, From: []byte("yes")}}
	for _, tt := range []struct {
		q     store.ListQuery
		pages []string // the ids, then where each goes on
	}{
		{store.ListQuery{Where: rare, Limit: 5, Scan: 10}, []string{"@09", "15@20", "@30", "35@39"}},
		{store.ListQuery{Where: rare, Limit: 5, Scan: 39}, []string{"15|35@39"}},
		{store.ListQuery{Where: rare, Limit: 1, Scan: 25}, []string{"15@25", "35@39"}},
		{store.ListQuery{Where: rare, Limit: 1}, []string{"15@34", "35@39"}},
		{store.ListQuery{Where: rare, Sort: byAge, Limit: 5, Scan: 10}, []string{"35@29", "@19", "15@08", "@00"}},
		{store.ListQuery{Where: rare, Sort: byAge, Descending: true, Limit: 5, Scan: 30}, []string{"15@30", "35@39"}},
	} {
		for n, want := range tt.pages {
			page, err := r.s.List(ctx, part("things"), tt.q)
			if err != nil {
				r.Fatalf("List(%+v): %v", tt.q, err)
			}
			if got := ids(page) + "@" + page.Last.ID; got != want || page.More != (n < len(tt.pages)-1) {
				r.Errorf("page %d of %+v is %q, more %t, want %q", n, tt.q, got, page.More, want)
			}
			tt.q.After = page.Last
		}
	}
}

func indexFollows(r *rig) {
	r.indexer()
	byAge := store.ListQuery{Sort: byAge, Limit: 10}
	r.stand(ref("a"), "1", "x")
	r.stand(ref("b"), "2", "x")
	r.wantWalk(byAge, "a b")
	r.stand(ref("a"), "3", "x")
	r.wantWalk(byAge, "b a")
	r.brush(ref("a"))
	r.wantWalk(byAge, "b a")
	r.stand(ref("b"), "", "x")
	r.wantWalk(byAge, "b a")
	r.drop(ref("a"))
	r.wantWalk(byAge, "b")
	r.brush(ref("a"))
	r.wantWalk(byAge, "b")
	r.stand(ref("a"), "", "y")
	r.wantWalk(byAge, "a b")
	r.wantWalk(store.ListQuery{Where: []store.Condition{{Index: byName, In: keys("y")}}, Limit: 10}, "a")
	if !r.reopen() {
		return
	}
	r.wantWalk(byAge, "a b")
	r.stand(ref("a"), "7", "y")
	r.wantWalk(byAge, "b a")
	r.drop(ref("a"))
	if p, ok := r.s.(store.Purger); ok {
		r.purged = true
		if err := p.Purge(ctx, ref("a")); err != nil {
			r.Errorf("Purge: %v", err)
		}
	}
	r.stand(ref("a"), "8", "z")
	r.wantWalk(byAge, "b a")
}

func indexParts(r *rig) {
	r.indexer()
	parts := []store.Part{part("things"), part("thing"), {Collection: "things", Params: "o1"}, {Collection: "things", Params: "o1/u1"}}
	for i, p := range parts {
		r.stand(in(p, "same"), "1", bodyf("%d", i))
		r.stand(in(p, bodyf("%d", i)), "2", "x")
	}
	for i, p := range parts {
		for _, q := range []store.ListQuery{
			{Sort: byAge, Limit: 1},
			{Where: []store.Condition{{Index: byAge, In: keys("1", "2")}}, Sort: byAge, Limit: 1},
		} {
			if got := r.walk(p, q); !slices.Equal(got, []string{"same", bodyf("%d", i)}) {
				r.Errorf("part %v lists %q", p, got)
			}
		}
		if got := r.walk(p, store.ListQuery{Where: []store.Condition{{Index: byAge, In: keys("1")}}, Limit: 5}); !slices.Equal(got, []string{"same"}) {
			r.Errorf("part %v has %q under 1", p, got)
		}
	}
}

// indexSnapshot has two documents change places in one commit, over and over. A
// page that shows both keys on one document shows two states.
func indexSnapshot(r *rig) {
	r.indexer()
	r.stand(ref("a"), "1", "x")
	r.stand(ref("b"), "2", "x")
	var reading sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		reading.Go(func() {
			for !r.Failed() {
				for _, q := range []store.ListQuery{{Sort: byAge, Limit: 2}, {Sort: byAge, Descending: true, Limit: 2}, {Where: []store.Condition{{Index: byAge, In: keys("1", "2")}}, Limit: 2}} {
					page, err := r.s.List(ctx, part("things"), q)
					if err != nil || len(page.Documents) != 2 || page.More || string(page.Documents[0].Body) == string(page.Documents[1].Body) {
						r.Errorf("a page is %q, error %v", ids(page), err)
						return
					}
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for i := range 60 {
		ages := [][2]string{{"2", "1"}, {"1", "2"}}[i%2]
		r.do(r.commit(r.with(r.get(ref("a")).Head, ages[0], "x"), r.with(r.get(ref("b")).Head, ages[1], "x")))
	}
	close(done)
	reading.Wait()
}

func indexFresh(r *rig) {
	r.indexer()
	for i := range 60 {
		at := ref(fmt.Sprintf("%02d", i*7%20))
		want := ""
		if i%5 == 4 && r.get(at).Exists() {
			r.drop(at)
		} else {
			r.do(r.commit(r.with(r.get(at).Head, fmt.Sprintf("%03d", i), padding[:200])))
			want = at.ID
		}
		newest := store.ListQuery{Where: []store.Condition{{Index: byAge, In: keys(fmt.Sprintf("%03d", i))}}, Limit: 3}
		r.wantWalk(newest, want)
		if want != "" {
			page, err := r.s.List(ctx, part("things"), store.ListQuery{Sort: byAge, Descending: true, Limit: 1})
			if err != nil || ids(page) != want {
				r.Errorf("the list from the top begins with %q, error %v, want %q", ids(page), err, want)
			}
		}
	}
}
