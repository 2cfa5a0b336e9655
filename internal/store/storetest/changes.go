package storetest

import (
	"cmp"
	"errors"
	"slices"

	"github.com/ifmatch/ifmatch/internal/store"
)

var changeTests = []test{
	{name: "every change once, by position", run: changesInOrder},
	{name: "a page of nothing is invalid", run: changesInvalid},
	{name: "bodies come where they are asked for", run: changesBodies},
	{name: "many positions of others are passed over", run: changesPassOthers},
	{name: "touches come where they are asked for", run: changesTouches},
	{name: "a commit is shown when it is durable", run: changesDurable},
	{name: "what was purged is told", run: changesPurged},
}

// feed returns the store as a feed, and skips the test where it is none.
func (r *rig) feed() store.Feed {
	r.Helper()
	f, ok := r.s.(store.Feed)
	if !ok {
		r.Skip("SKIPPED, NOT CHECKED: the driver is no store.Feed")
	}
	return f
}

// changes reads a feed to its end, in pages, and checks what holds of every page.
func (r *rig) changes(q store.ChangeQuery) []store.Entry {
	r.Helper()
	f := r.feed()
	var all []store.Entry
	for {
		page, err := f.Changes(ctx, q)
		if err != nil {
			r.Fatalf("Changes(%+v): %v", q, err)
		}
		at := q.After
		for i := range page.Entries {
			e := &page.Entries[i]
			if e.Position <= at.At(e.Lane) || e.Position > page.Last.At(e.Lane) || e.Action == store.ActionTouch && !q.Touches || e.Body != nil && !q.Bodies {
				r.Fatalf("Changes(%+v) up to %v shows after %v: %s", q, page.Last, at, entryLine(e))
			}
			at = at.With(e.Lane, e.Position)
		}
		if !page.Last.Covers(q.After) || len(page.Entries) > q.Limit || q.After.Covers(page.Last) && !page.Last.Covers(page.Newest) || !q.After.Join(page.Newest).Covers(page.Last) {
			r.Fatalf("Changes(%+v) has %d entries and ends at %v of %v", q, len(page.Entries), page.Last, page.Newest)
		}
		all = append(all, page.Entries...)
		if q.After = page.Last; q.After.Covers(page.Newest) {
			return all
		}
	}
}

// changesOf returns the changes that the log has in a scope.
func (r *rig) changesOf(scope store.Scope) []store.Entry {
	r.Helper()
	return slices.DeleteFunc(r.rowsOf(scope), func(e store.Entry) bool { return e.Action == store.ActionTouch })
}

// lane returns the lane of a document that has a log row.
func (r *rig) lane(ref store.Ref) int {
	r.Helper()
	rows := r.rowsOf(store.Scope{Part: ref.Part, ID: ref.ID, One: true})
	if len(rows) == 0 {
		r.Fatalf("%s has no log row", refLine(ref))
	}
	return rows[0].Lane
}

// rowsOf returns all rows that the log has in a scope.
func (r *rig) rowsOf(scope store.Scope) []store.Entry {
	r.Helper()
	var want []store.Entry
	_, log := r.scan()
	for _, e := range log {
		if scope.Part.Collection == "" || scope.Part == e.Ref.Part && (!scope.One || scope.ID == e.Ref.ID) {
			want = append(want, *e)
		}
	}
	return want
}

func (r *rig) sameEntries(what string, got, want []store.Entry) {
	r.Helper()
	got, want = byLane(got), byLane(want)
	if len(got) != len(want) {
		r.Errorf("%s has %d changes, want %d", what, len(got), len(want))
		return
	}
	for i := range got {
		r.same(what, entryLine(&got[i]), entryLine(&want[i]))
	}
}

// byLane returns entries with those of each lane in the order in which they came. There
// is no order between lanes.
func byLane(entries []store.Entry) []store.Entry {
	return slices.SortedStableFunc(slices.Values(entries), func(a, b store.Entry) int { return cmp.Compare(a.Lane, b.Lane) })
}

// scopes are those that the tests write in, and some that they do not.
func scopes() []store.Scope {
	all := []store.Scope{{}}
	for _, p := range []store.Part{part("things"), part("others"), {Collection: "things", Params: "x"}, part("none")} {
		all = append(all, store.Scope{Part: p})
		for _, id := range []string{"a", "b", "", "never"} {
			all = append(all, store.Scope{Part: p, ID: id, One: true})
		}
	}
	return all
}

// mixed writes in several parts: bodies, deletions, touches, and more than one of
// them in a commit.
func (r *rig) mixed() {
	r.Helper()
	for i := range 3 {
		for _, p := range []store.Part{part("things"), part("others"), {Collection: "things", Params: "x"}} {
			r.save(in(p, "a"), bodyf("%d", i))
			r.brush(in(p, "a"))
			r.save(in(p, ""), bodyf("%d", i))
		}
		r.do(r.commit(r.put(r.get(ref("b")).Head, bodyf("b%d", i)), r.touch(r.get(ref("a")).Head), r.put(r.get(in(part("others"), "b")).Head, bodyf("b%d", i))))
		r.drop(ref("b"))
	}
}

func changesInOrder(r *rig) {
	r.feed()
	r.mixed()
	for _, scope := range scopes() {
		want := r.changesOf(scope)
		for _, limit := range []int{1, 2, 7, 1000} {
			r.sameEntries("a walk", r.changes(store.ChangeQuery{Scope: scope, Limit: limit}), want)
		}
		for i := range want {
			behind := store.Mark(nil).Past(want[:i+1])
			r.sameEntries("the rest of a walk", r.changes(store.ChangeQuery{Scope: scope, Limit: 5, After: behind}), want[i+1:])
		}
	}
	if r.reopen() {
		r.sameEntries("a walk after reopening", r.changes(store.ChangeQuery{Limit: 5}), r.changesOf(store.Scope{}))
	}
}

func changesInvalid(r *rig) {
	f := r.feed()
	for _, q := range []store.ChangeQuery{{}, {Limit: -1}, {Limit: 1, After: store.Mark{-1}}, {Limit: 1, Scope: store.Scope{ID: "a", One: true}}} {
		if page, err := f.Changes(ctx, q); !errors.Is(err, store.ErrInvalid) {
			r.Errorf("Changes(%+v) = %+v, %v, want ErrInvalid", q, page, err)
		}
	}
}

func changesBodies(r *rig) {
	r.feed()
	r.rewrite(ref("a"), 40, 1, r.clock.Now())
	r.drop(ref("a"))
	for _, e := range r.changes(store.ChangeQuery{Limit: 9, Bodies: true}) {
		kept := string(e.Body) == bodyf("version %d", e.Version)
		if e.Action == store.ActionDelete && e.Body != nil || e.Body != nil && !kept || e.Version == 40 && !kept {
			r.Errorf("version %d, %s, has the body %q", e.Version, e.Action, e.Body)
		}
	}
}

func changesTouches(r *rig) {
	r.feed()
	r.mixed()
	for _, scope := range scopes() {
		want := r.rowsOf(scope)
		for _, limit := range []int{1, 3, 1000} {
			r.sameEntries("a walk with touches", r.changes(store.ChangeQuery{Scope: scope, Limit: limit, Touches: true}), want)
		}
	}
	r.brush(ref("a")) // and nothing else since
	for _, scope := range []store.Scope{{}, {Part: part("things")}, {Part: part("things"), ID: "a", One: true}} {
		want := r.rowsOf(scope)
		before := store.Mark(nil).Past(want[:len(want)-1]).With(want[len(want)-1].Lane, want[len(want)-1].Position-1)
		r.sameEntries("a touch by itself", r.changes(store.ChangeQuery{Scope: scope, Limit: 5, After: before, Touches: true}), want[len(want)-1:])
	}
}

// changesPassOthers has more between two changes than a page looks at.
func changesPassOthers(r *rig) {
	r.feed()
	r.save(ref("a"), "1")
	heads := make([]store.Head, r.atMost(500))
	for i := range heads {
		heads[i] = r.get(in(part("others"), bodyf("%d", i))).Head
	}
	for range store.MaxFeedScan/len(heads) + 1 {
		var many []store.Write
		for _, h := range heads {
			many = append(many, r.put(h, "x"))
		}
		heads = r.do(r.commit(many...)).Heads
	}
	r.save(ref("a"), "2")
	for _, scope := range []store.Scope{{Part: part("things")}, {Part: part("things"), ID: "a", One: true}} {
		r.sameEntries("a walk over others", r.changes(store.ChangeQuery{Scope: scope, Limit: 10}), r.changesOf(scope))
	}
}

// changesDurable holds a commit before it is durable: nobody is shown it, or woken.
func changesDurable(r *rig) {
	f := r.feed()
	first := r.save(ref("a"), "1")
	lane := r.lane(ref("a"))
	w := f.Watch(store.Scope{})
	defer w.Stop()
	g := r.probes.hold(r.T, store.PointBeforeCommit, 0)
	p := r.commitAsync(r.commit(r.put(first, "2")))
	r.reach(g, p)
	r.promptly("reading the feed while a commit is held", func() {
		if page, err := f.Changes(ctx, store.ChangeQuery{Limit: 10}); err != nil || len(page.Entries) != 1 || page.Newest.At(lane) != first.Position {
			r.Errorf("Changes shows %d of a commit that is not durable, up to %v: %v", len(page.Entries), page.Newest, err)
		}
	})
	select {
	case <-w.Changed():
		r.Error("a watch has ended with a commit that is not durable")
	default:
	}
	g.open(nil)
	if r.wait(p); p.err != nil {
		r.Fatal(p.err)
	}
	select {
	case <-w.Changed():
	default:
		r.Error("a commit is answered, and nobody was woken")
	}
	if page, err := f.Changes(ctx, store.ChangeQuery{Limit: 10, After: w.Quiet()}); err != nil || len(page.Entries) != 1 || page.Entries[0].Version != 2 {
		r.Errorf("behind where it was quiet there is %+v, %v", page, err)
	}
}

func changesPurged(r *rig) {
	r.purger()
	f := r.feed()
	r.save(ref("b"), "1")
	r.save(ref("a"), "1")
	r.save(in(part("others"), "a"), "1")
	gone := r.drop(ref("a"))
	gone = r.brush(gone.Ref)
	after := r.save(ref("b"), "2")
	lane := r.lane(ref("a"))
	pruned := func(want int64, scope store.Scope) {
		r.Helper()
		page, err := f.Changes(ctx, store.ChangeQuery{Scope: scope, Limit: 10})
		exactly := store.Mark(nil).With(lane, want)
		if err != nil || !page.Pruned.Covers(exactly) || !exactly.Covers(page.Pruned) {
			r.Errorf("in %+v rows are gone up to %v, want %d: %v", scope, page.Pruned, want, err)
		}
	}
	pruned(0, store.Scope{})
	r.purge(ref("a"))
	check := func() {
		r.Helper()
		pruned(gone.Position, store.Scope{})
		pruned(gone.Position, store.Scope{Part: part("things")})
		pruned(0, store.Scope{Part: part("others")})
		r.sameEntries("a walk after a purge", r.changes(store.ChangeQuery{Limit: 1}), r.changesOf(store.Scope{}))
		if page, err := f.Changes(ctx, store.ChangeQuery{Limit: 1, After: store.Mark{1}}); err != nil || page.Newest.At(r.lane(ref("b"))) < after.Position {
			r.Errorf("the feed ends at %v, before %d: %v", page.Newest, after.Position, err)
		}
	}
	check()
	if r.reopen() {
		f = r.feed()
		check()
	}
	r.save(ref("b"), "3")
	check()
}
