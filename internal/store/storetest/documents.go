package storetest

import (
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

var documentTests = []test{
	{name: "a document that never was", run: neverWas},
	{name: "create replace touch delete recreate", run: lifeOfADocument},
	{name: "the receipt is the head", run: receiptIsHead},
	{name: "every head field comes back", run: headRoundTrip},
	{name: "bodies come back byte for byte", run: bodyRoundTrip},
	{name: "same second", run: sameSecond},
	{name: "a touch leaves the time of the version", run: touchLeavesAt},
	{name: "ids are bytes", run: idsAreBytes},
}

func neverWas(r *rig) {
	d := r.get(ref("a"))
	r.same("a document that never was", documentLine(d), documentLine(&store.Document{Head: store.Head{Ref: ref("a"), Next: 1}}))
	if d.Exists() {
		r.Error("it exists")
	}
}

// lifeOfADocument also checks that the numbers that the head counts do not start
// again with a new life.
func lifeOfADocument(r *rig) {
	a := ref("a")
	steps := []struct {
		name                     string
		write                    func(store.Head) store.Write
		rev, version, next, life int64
		deleted                  bool
		body                     string
	}{
		{"create", func(h store.Head) store.Write { return r.put(h, "one") }, 1, 1, 2, 1, false, "one"},
		{"replace", func(h store.Head) store.Write { return r.put(h, "two") }, 2, 2, 3, 1, false, "two"},
		{"touch", r.touch, 3, 2, 3, 1, false, "two"},
		{"delete", r.remove, 4, 3, 4, 1, true, ""},
		{"touch the tombstone", r.touch, 5, 3, 4, 1, true, ""},
		{"recreate", func(h store.Head) store.Write { return r.put(h, "two") }, 6, 4, 5, 2, false, "two"},
		{"replace again", func(h store.Head) store.Write { return r.put(h, "six") }, 7, 5, 6, 2, false, "six"},
	}
	for i, step := range steps {
		r.clock.advance(time.Minute)
		w := step.write(r.get(a).Head)
		receipt := r.do(r.commit(w))
		d := r.get(a)
		want := store.Document{Body: []byte(step.body), Head: store.Head{
			Ref: a, Rev: step.rev, Version: step.version, Next: step.next, Life: step.life, Deleted: step.deleted,
			At: d.At, Link: w.Log.Link, Entries: int64(i) + 1, Position: receipt.Heads[0].Position,
		}}
		if !step.deleted {
			want.Digest = digest(step.body)
		}
		r.same("the document after "+step.name, documentLine(d), documentLine(&want))
		if d.Exists() == step.deleted {
			r.Errorf("after %s Exists is %t", step.name, d.Exists())
		}
	}
}

func receiptIsHead(r *rig) {
	heads := r.do(r.commit(r.put(r.get(ref("b")).Head, "b"), r.put(r.get(ref("a")).Head, "a"))).Heads
	for i, id := range []string{"b", "a"} {
		r.same("the receipt's head of "+id, headLine(heads[i]), headLine(r.get(ref(id)).Head))
	}
}

func headRoundTrip(r *rig) {
	w := r.put(r.get(ref("a")).Head, "one")
	w.At = r.clock.Now().Add(123 * time.Millisecond).In(time.FixedZone("east", 2*3600))
	w.Life, w.Version = 4, 9
	w.Log.Link = []byte{0, 1, 255}
	w.Lease = store.LeaseChange{Op: store.LeaseGrant, ID: "l1", TTL: 90 * time.Second}
	receipt := r.do(r.commit(w))
	// Versions that skip are what a restored store has.
	r.purged = true
	h := receipt.Heads[0]
	want := store.Head{
		Ref: ref("a"), Rev: 1, Version: 9, Next: 10, Life: 4, At: w.At, Digest: digest("one"), Link: []byte{0, 1, 255},
		Entries: 1, Position: h.Position,
		Lease: &store.Lease{ID: "l1", Fence: receipt.Fence, Expires: r.clock.Now().Add(90 * time.Second)},
	}
	r.same("the receipt", headLine(h), headLine(want))
	r.same("the head read", headLine(r.get(ref("a")).Head), headLine(want))
	if h.Position < 1 || receipt.Fence < 1 {
		r.Errorf("position %d and fence %d, want both above 0", h.Position, receipt.Fence)
	}
	if r.reopen() {
		r.same("the head read after reopening", headLine(r.get(ref("a")).Head), headLine(want))
	}
}

func bodyRoundTrip(r *rig) {
	big := make([]byte, 200_000)
	for i := range big {
		big[i] = byte(i * 7)
	}
	for name, body := range map[string]string{"empty": "", "zero byte": "\x00", "not UTF-8": "\xff\xfe", "large": string(big)} {
		r.save(ref(name), body)
		if got := string(r.get(ref(name)).Body); got != body {
			r.Errorf("%s: %d bytes came back, want %d", name, len(got), len(body))
		}
	}
}

func sameSecond(r *rig) {
	a := ref("a")
	steps := []struct {
		name    string
		advance time.Duration
		write   func(store.Head) store.Write
		want    bool
	}{
		{"created", 0, func(h store.Head) store.Write { return r.put(h, "1") }, false},
		{"999 ms later", 999 * time.Millisecond, func(h store.Head) store.Write { return r.put(h, "2") }, true},
		{"1 ms later, in the next second", time.Millisecond, func(h store.Head) store.Write { return r.put(h, "3") }, false},
		{"deleted in that second", 0, r.remove, true},
		{"touched in the next", time.Second, r.touch, true},
		{"recreated in the next", 0, func(h store.Head) store.Write { return r.put(h, "4") }, false},
		{"at the same instant", 0, func(h store.Head) store.Write { return r.put(h, "5") }, true},
	}
	for _, step := range steps {
		r.clock.advance(step.advance)
		h := r.do(r.commit(step.write(r.get(a).Head))).Heads[0]
		if h.SameSecond != step.want {
			r.Errorf("%s: SameSecond is %t, want %t", step.name, h.SameSecond, step.want)
		}
	}
}

func touchLeavesAt(r *rig) {
	written := r.save(ref("a"), "one")
	r.clock.advance(time.Hour)
	touched := r.brush(ref("a"))
	if !touched.At.Equal(written.At) {
		r.Errorf("the touched head is of %s, want %s", instant(touched.At), instant(written.At))
	}
	if e := r.history(ref("a"), 0, 1)[0]; !e.At.Equal(r.clock.Now()) {
		r.Errorf("the touch's log row is of %s, want %s", instant(e.At), instant(r.clock.Now()))
	}
}

func idsAreBytes(r *rig) {
	refs := []store.Ref{
		ref(""), ref("a"), ref("A"), ref("a "), ref("a/b"), ref("a%2Fb"), ref("é"), ref("e\u0301"), ref("'; --"),
		in(store.Part{Collection: "things", Params: "o1"}, "a"),
		in(store.Part{Collection: "things", Params: "o1/p"}, "a"),
		in(store.Part{Collection: "thing", Params: "so1"}, "a"),
	}
	for i, ref := range refs {
		r.save(ref, bodyf("%d", i))
	}
	for i, ref := range refs {
		if d := r.get(ref); string(d.Body) != bodyf("%d", i) || d.Rev != 1 || d.Ref != ref {
			r.Errorf("%s came back as %s", refLine(ref), documentLine(d))
		}
	}
}
