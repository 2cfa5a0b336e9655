package storetest

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/memory"
)

var copyTests = []test{
	{name: "everything comes along", run: copyHasAll},
	{name: "to another kind and back", run: copyThroughMemory},
	{name: "goes on where it was", run: copyGoesOn},
	{name: "only into an empty store", run: copyIntoEmpty},
	{name: "the copy goes on by itself", run: copyLives},
}

// filled brings everything into a store that a copy has to bring along: tombstones,
// floors, bodies that are gone, touches, rows, claims, answers, fences and leases.
func (r *rig) filled() (from store.Exporter) {
	r.Helper()
	from, out := r.s.(store.Exporter)
	_, in := r.s.(store.Importer)
	if !out || !in {
		r.Skip("the store cannot be copied")
	}
	r.furnish()
	r.do(r.laden())
	r.drop(ref("c"))
	for i := range 40 { // past several milestones, and past what keeps bodies
		w := r.put(r.get(ref("long")).Head, bodyf("%d", i))
		w.Keep = 5
		r.do(r.commit(w))
	}
	r.brush(ref("long"))
	r.grant(ref("long"), "l1", time.Hour)
	r.do(r.leased(r.touch(r.get(ref("long")).Head), store.LeaseRelease, "l1", 0))
	r.save(in2("x"), "1")
	r.grant(in2("x"), "l2", time.Hour)
	if p, ok := r.s.(store.Purger); ok {
		r.save(ref("gone"), "1")
		r.drop(ref("gone"))
		r.purged = true
		if err := p.Purge(ctx, ref("gone")); err != nil {
			r.Fatalf("Purge: %v", err)
		}
	}
	if s, ok := r.s.(store.Restorer); ok {
		if _, err := s.Restored(ctx, margin); err != nil {
			r.Fatalf("Restored: %v", err)
		}
	}
	return from
}

func in2(id string) store.Ref { return in(store.Part{Collection: "others", Params: "acme"}, id) }

// pieces are what a store exports, each in a line; without positions where those differ
// from store to store.
func (r *rig) pieces(s store.Exporter, positions bool) []string {
	r.Helper()
	var all []string
	if err := s.Export(ctx, func(p store.Piece) error {
		all = append(all, r.pieceLine(p, positions))
		return nil
	}); err != nil {
		r.Fatalf("Export: %v", err)
	}
	slices.Sort(all)
	return all
}

func (r *rig) pieceLine(p store.Piece, positions bool) string {
	if p.Whole != nil {
		whole := *p.Whole
		whole.Lanes, whole.About = 0, 0
		p.Whole = &whole
	}
	if !positions {
		if p.Whole != nil {
			p.Whole.Newest, p.Whole.Pruned = nil, nil
		}
		if p.Part != nil {
			part := *p.Part
			part.Pruned = nil
			p.Part = &part
		}
		if p.Document != nil {
			d := *p.Document
			d.Position = 0
			p.Document = &d
		}
		if p.Entry != nil {
			e := *p.Entry
			e.Position, e.Lane = 0, 0
			p.Entry = &e
		}
	}
	line, err := json.Marshal(p)
	if err != nil {
		r.Fatal(err)
	}
	return string(line)
}

// copyStore copies a store into an empty one, some pieces at a time.
func (r *rig) copyStore(from store.Exporter, to store.Importer, id string, epoch int64) {
	r.Helper()
	var batch []store.Piece
	step := func(done bool) error {
		err := to.Import(ctx, &store.Import{State: []byte("on its way"), Pieces: batch, Done: done, ID: id, Epoch: epoch})
		batch = nil
		return err
	}
	err := from.Export(ctx, func(p store.Piece) error {
		if batch = append(batch, p); len(batch) < 7 {
			return nil
		}
		return step(false)
	})
	if err == nil {
		err = step(true)
	}
	if err != nil {
		r.Fatalf("the copy fails: %v", err)
	}
}

// other is another store of the same driver, in a rig of its own.
func (r *rig) other() *rig {
	r.Helper()
	o := r.h.start(r.T, 0)
	o.purged, o.indexed = true, r.indexed
	for name := range r.refs {
		o.refs[name] = true
	}
	return o
}

// lanes is how many lanes the feed of an export has.
func (r *rig) lanes(from store.Exporter) (lanes int) {
	enough := errors.New("enough")
	if err := from.Export(ctx, func(p store.Piece) error {
		lanes = p.Whole.Lanes
		return enough
	}); !errors.Is(err, enough) {
		r.Fatalf("Export goes on after an error: %v", err)
	}
	return lanes
}

// samePieces fails unless two stores hold the same.
func (r *rig) samePieces(what string, got, want store.Exporter, positions bool) {
	r.Helper()
	r.same(what, strings.Join(r.pieces(got, positions), "\n"), strings.Join(r.pieces(want, positions), "\n"))
}

func copyHasAll(r *rig) {
	from := r.filled()
	to := r.other()
	keeps := to.s.(store.Importer).KeepsPositions(r.lanes(from))
	r.copyStore(from, to.s.(store.Importer), r.s.Info().ID, 7)
	to.reopen()
	if info := to.s.Info(); info.ID != r.s.Info().ID || info.Epoch != 7 {
		r.Errorf("the copy is %+v", info)
	}
	if state, err := to.s.(store.Importer).Importing(ctx); state != nil || err != nil {
		r.Errorf("the copy has ended and stands at %q, %v", state, err)
	}
	r.samePieces("the copy", to.s.(store.Exporter), from, keeps)
	if keeps {
		r.same("what the copy shows", withoutHeads(to.dump()), withoutHeads(r.dump()))
	}
}

// withoutHeads leaves the heads of lists out of a dump, which may be any that are not
// below the last change.
func withoutHeads(dump string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(dump, "\n"), func(line string) bool {
		return strings.HasPrefix(line, "list ")
	}), "\n")
}

// copyThroughMemory goes through the driver that is written to be obviously right.
func copyThroughMemory(r *rig) {
	from := r.filled()
	middle := memory.Open(memory.Options{Clock: r.clock.Now})
	r.copyStore(from, middle, "id", 2)
	to := r.other()
	r.copyStore(middle, to.s.(store.Importer), r.s.Info().ID, r.s.Info().Epoch)
	to.reopen()
	r.samePieces("the copy", to.s.(store.Exporter), from, false)
	r.samePieces("what memory made of it", middle, from, false)
}

// copyGoesOn reopens the target after each step.
func copyGoesOn(r *rig) {
	from := r.filled()
	to := r.other()
	if to.h.Reopen == nil {
		r.Skip("not durable: there is nothing to reopen")
	}
	var all []store.Piece
	if err := from.Export(ctx, func(p store.Piece) error { all = append(all, p); return nil }); err != nil {
		r.Fatal(err)
	}
	for n := 0; len(all) > 0; n++ {
		size := min(20, len(all))
		state := []byte{byte(n + 1)}
		if err := to.s.(store.Importer).Import(ctx, &store.Import{State: state, Pieces: all[:size]}); err != nil {
			r.Fatalf("step %d: %v", n, err)
		}
		all = all[size:]
		to.reopen()
		if got, err := to.s.(store.Importer).Importing(ctx); string(got) != string(state) || err != nil {
			r.Fatalf("after step %d it stands at %v, %v", n, got, err)
		}
	}
	if err := to.s.(store.Importer).Import(ctx, &store.Import{State: []byte("end"), Done: true, ID: r.s.Info().ID, Epoch: 2}); err != nil {
		r.Fatal(err)
	}
	to.reopen()
	r.samePieces("the copy", to.s.(store.Exporter), from, false)
}

func copyIntoEmpty(r *rig) {
	from := r.filled()
	r.unchanged("a copy into a store that holds something", func() {
		err := from.Export(ctx, func(p store.Piece) error {
			return r.s.(store.Importer).Import(ctx, &store.Import{State: []byte("x"), Pieces: []store.Piece{p}})
		})
		if !errors.Is(err, store.ErrNotEmpty) {
			r.Errorf("Import into a store that holds something: %v, want ErrNotEmpty", err)
		}
	})
	if state, err := r.s.(store.Importer).Importing(ctx); state != nil || err != nil {
		r.Errorf("what was refused stands at %q, %v", state, err)
	}
}

// copyLives writes to a copy: what was true in the one is true in the other.
func copyLives(r *rig) {
	from := r.filled()
	to := r.other()
	r.copyStore(from, to.s.(store.Importer), r.s.Info().ID, r.s.Info().Epoch)
	to.reopen()
	for _, name := range []store.Ref{ref("a"), ref("c"), ref("long"), ref("gone"), ref("never"), in(part("new"), "x")} {
		if is, was := to.get(name), r.get(name); is.Next != was.Next {
			r.Errorf("%s would take version %d next, in the copy %d", refLine(name), was.Next, is.Next)
		}
		to.save(name, "after")
		to.save(name, "and again")
	}
	if is, was := to.grant(ref("long"), "l3", time.Minute).Fence, r.grant(ref("long"), "l3", time.Minute).Fence; is != was {
		r.Errorf("the next fence is %d, in the copy %d", was, is)
	}
	c := to.leased(to.touch(to.get(in2("x")).Head), store.LeaseHeld, "l2", 0)
	to.do(c)
}
