package storetest

import (
	"fmt"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

// Every fill test holds a reader after it has its rows and before it puts them
// into the cache, and lets a change pass meanwhile. The change must show ever
// after. A driver without a cache never comes to the point; there the change
// runs beside a plain read.
var fillTests = append(fills(getFill), fills(headFill)...)

// filler is a way to read that puts what it finds into the cache.
type filler struct {
	name string
	read func(r *rig, ref store.Ref) *pending
}

var (
	getFill  = filler{"", (*rig).getAsync}
	headFill = filler{" past a head", (*rig).headAsync}
)

func fills(by filler) []test {
	fill := func(name string, before, meanwhile func(r *rig)) test { return fill(by, name, before, meanwhile) }
	return []test{
		fill("replace", func(r *rig) { r.save(ref("a"), "1") }, func(r *rig) { r.save(ref("a"), "2") }),
		fill("replace twice", func(r *rig) { r.save(ref("a"), "1") }, func(r *rig) { r.save(ref("a"), "2"); r.save(ref("a"), "3") }),
		fill("touch", func(r *rig) { r.save(ref("a"), "1") }, func(r *rig) { r.brush(ref("a")) }),
		fill("delete", func(r *rig) { r.save(ref("a"), "1") }, func(r *rig) { r.drop(ref("a")) }),
		fill("create", func(r *rig) {}, func(r *rig) { r.save(ref("a"), "1") }),
		fill("create and delete", func(r *rig) {}, func(r *rig) { r.save(ref("a"), "1"); r.drop(ref("a")) }),
		fill("recreate", func(r *rig) { r.save(ref("a"), "1"); r.drop(ref("a")) }, func(r *rig) { r.save(ref("a"), "2") }),
		fill("in a batch", func(r *rig) { r.save(ref("a"), "1") }, func(r *rig) {
			r.do(r.commit(r.put(r.get(ref("b")).Head, "b"), r.put(r.get(ref("a")).Head, "2")))
		}),
		fill("purge", func(r *rig) { r.purger(); r.save(ref("a"), "1"); r.drop(ref("a")) }, func(r *rig) { r.purge(ref("a")) }),
		fill("purge and recreate", func(r *rig) { r.purger(); r.save(ref("a"), "1"); r.drop(ref("a")) },
			func(r *rig) { r.purge(ref("a")); r.save(ref("a"), "2") }),
		fill("the floor rises by a neighbour", func(r *rig) { r.purger(); r.save(ref("a"), "1"); r.save(ref("b"), "1"); r.drop(ref("b")) },
			func(r *rig) { r.purge(ref("b")) }),
		fill("the floor rises over nothing", func(r *rig) { r.purger(); r.save(ref("b"), "1"); r.drop(ref("b")) },
			func(r *rig) { r.purge(ref("b")) }),
	}
}

func fill(by filler, name string, before, meanwhile func(r *rig)) test {
	return test{name: name + by.name, cache: smallCache, run: func(r *rig) {
		before(r)
		r.chill()
		g := r.probes.hold(r.T, store.PointFill, 0)
		reader := by.read(r, ref("a"))
		select {
		case <-g.reached:
		case <-reader.done:
			r.Log("the read filled no cache")
		case <-time.After(patience):
			r.Fatal("the read neither returned nor came to PointFill")
		}
		r.releaseUnreached(g)
		meanwhile(r)
		// A reader that starts now must not be served by the one that is held.
		late := r.getAsync(ref("a"))
		g.open(nil)
		if r.wait(reader).err != nil {
			r.Errorf("the held read: %v", reader.err)
		}
		if r.wait(late).err != nil {
			r.Fatalf("the late read: %v", late.err)
		}
		var want string
		docs, _ := r.scan()
		for _, d := range docs {
			if d.Ref == ref("a") {
				want = documentLine(d)
			}
		}
		if want == "" {
			floor := r.get(ref("never read before")).Next - 1
			want = documentLine(&store.Document{Head: store.Head{Ref: ref("a"), Next: floor + 1}})
		}
		r.same("a read that began after the change", documentLine(late.doc), want)
		for range 3 {
			r.same("a read after the fill went on", documentLine(r.get(ref("a"))), want)
		}
	}}
}

// releaseUnreached disarms g where nothing has come to it, so that a later read
// is not stopped.
func (r *rig) releaseUnreached(g *gate) {
	if !g.fired() {
		g.open(nil)
		r.probes.releaseAll()
	}
}

// chill makes the cache forget: a reopened store has an empty one, and else
// others take the room of what is in it.
func (r *rig) chill() {
	r.Helper()
	if r.reopen() {
		return
	}
	for i := range 40 {
		r.save(in(part("fillers"), fmt.Sprint(i)), padding)
	}
}
