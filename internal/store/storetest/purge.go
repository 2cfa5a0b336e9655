package storetest

import (
	"errors"

	"github.com/ifmatch/ifmatch/internal/store"
)

var purgeTests = []test{
	{name: "nothing is left but the floor", run: purgeForgets},
	{name: "only tombstones", run: purgeOnlyTombstones},
	{name: "the floor holds for the whole part", run: purgeFloor},
	{name: "a write from before the purge is stale", run: purgeThenOldWrite},
	{name: "the floor never falls", run: floorNeverFalls},
}

func purgeForgets(r *rig) {
	r.purger()
	a := ref("a")
	c := r.commit(r.put(r.get(a).Head, "1"))
	c.Rows = []store.RowChange{putRow(a, kindNote, "1", "x")}
	r.do(c)
	r.save(a, "2")
	r.save(ref("b"), "b")
	head := r.drop(a)
	if _, err := r.s.Entry(ctx, a, 1); err != nil {
		r.Errorf("version 1 before the purge: %v", err)
	}
	r.purge(a)
	check := func() {
		r.Helper()
		r.same("the purged document", documentLine(r.get(a)), documentLine(&store.Document{Head: store.Head{Ref: a, Next: head.Version + 1}}))
		if page := r.history(a, 0, 10); len(page) != 0 {
			r.Errorf("history still has %d rows", len(page))
		}
		if e, err := r.s.Entry(ctx, a, 1); !errors.Is(err, store.ErrNoEntry) {
			r.Errorf("version 1 is %+v, error %v, want ErrNoEntry", e, err)
		}
		r.wantRows(a, kindNote)
		docs, log := r.scan()
		if len(docs) != 1 || docs[0].Ref != ref("b") || len(log) != 1 || log[0].Ref != ref("b") {
			r.Errorf("scans yield %d documents and %d log rows, want those of b only", len(docs), len(log))
		}
	}
	check()
	if r.reopen() {
		check()
	}
	if got := r.save(a, "again"); got.Rev != 1 || got.Version != 4 || got.Life != 1 || got.Entries != 1 || got.SameSecond {
		r.Errorf("the document created after the purge is %s, want rev 1, version 4, life 1, one entry", headLine(got))
	}
}

func purgeOnlyTombstones(r *rig) {
	p := r.purger()
	r.save(ref("live"), "1")
	r.save(ref("again"), "1")
	r.drop(ref("again"))
	r.save(ref("again"), "2")
	for _, id := range []string{"live", "again", "never"} {
		r.unchanged("a refused purge", func() {
			if err := p.Purge(ctx, ref(id)); !errors.Is(err, store.ErrNoEntry) {
				r.Errorf("Purge of %s: error is %v, want ErrNoEntry", id, err)
			}
		})
	}
	r.drop(ref("live"))
	r.purge(ref("live"))
	if err := p.Purge(ctx, ref("live")); !errors.Is(err, store.ErrNoEntry) {
		r.Errorf("the second Purge: error is %v, want ErrNoEntry", err)
	}
}

func purgeFloor(r *rig) {
	r.purger()
	a, b, never, other := ref("a"), ref("b"), ref("never"), in(part("others"), "a")
	for range 4 {
		r.save(a, "x")
	}
	r.save(b, "1")
	early := r.get(never).Head // read while the floor was low
	r.drop(a)                  // version 5
	r.purge(a)
	for _, ref := range []store.Ref{a, b, never} {
		if next := r.get(ref).Next; next != 6 {
			r.Errorf("Next of %s is %d, want 6", refLine(ref), next)
		}
	}
	if next := r.get(other).Next; next != 1 {
		r.Errorf("Next in another part is %d, want 1", next)
	}
	for _, d := range r.list(part("things"), "", 10).Documents {
		if d.Next != 6 {
			r.Errorf("Next of the listed %s is %d, want 6", d.Ref.ID, d.Next)
		}
	}
	c := r.commit(r.put(early, "x"))
	r.unchanged("a create below the floor", func() {
		_, err := r.s.Commit(ctx, c)
		r.stale(err, never)
	})
	if h := r.save(never, "x"); h.Version != 6 || h.Next != 7 {
		r.Errorf("the create at the floor has version %d, next %d", h.Version, h.Next)
	}
	if h := r.brush(b); h.Version != 1 || h.Next != 6 {
		r.Errorf("the touch under the floor left version %d, next %d", h.Version, h.Next)
	}
	if h := r.save(b, "2"); h.Version != 6 || h.Next != 7 {
		r.Errorf("the write under the floor has version %d, next %d", h.Version, h.Next)
	}
}

// purgeThenOldWrite has the document stand at the same rev as it did for the
// writer that read it before. Only the version tells the two apart.
func purgeThenOldWrite(r *rig) {
	r.purger()
	a := ref("a")
	old := r.save(a, "1")
	r.drop(a)
	r.purge(a)
	now := r.save(a, "another document")
	if now.Rev != old.Rev {
		r.Logf("rev went on from %d to %d over the purge", old.Rev, now.Rev)
	}
	for _, w := range []store.Write{r.put(old, "x"), r.remove(old), r.touch(old)} {
		c := r.commit(w)
		r.unchanged("a write from before the purge", func() {
			_, err := r.s.Commit(ctx, c)
			r.stale(err, a)
		})
	}
}

func floorNeverFalls(r *rig) {
	r.purger()
	for range 6 {
		r.save(ref("a"), "x")
	}
	r.drop(ref("a")) // version 7
	r.save(ref("b"), "x")
	r.drop(ref("b")) // version 2
	r.purge(ref("a"))
	r.purge(ref("b"))
	if next := r.get(ref("c")).Next; next != 8 {
		r.Errorf("Next is %d, want 8", next)
	}
	if r.reopen() {
		if next := r.get(ref("c")).Next; next != 8 {
			r.Errorf("Next after reopening is %d, want 8", next)
		}
	}
}
