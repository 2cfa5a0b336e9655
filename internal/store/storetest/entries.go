package storetest

import (
	"errors"
	"fmt"

	"github.com/ifmatch/ifmatch/internal/store"
)

var entryTests = []test{
	{name: "a row carries what its writer said", run: rowCarriesAll},
	{name: "500 versions by version and by page", run: deepHistory},
	{name: "history of a document that never was", run: noHistory},
	{name: "versions of several lives", run: versionsOverLives},
	{name: "a touch is history but no version", run: touchInHistory},
	{name: "histories do not mix", run: historiesDoNotMix},
}

func rowCarriesAll(r *rig) {
	h := r.save(ref("a"), "1")
	c := r.commit(r.put(h, "2"))
	w := &c.Writes[0]
	w.Log = store.Log{
		Action: store.ActionPatch, Outcome: "merged", Base: 1, Blind: true, MergedFrom: 1,
		Decisions: []byte(`[{"path":"/a"}]`), Link: []byte{9, 0, 8},
	}
	c.Actor = store.Actor{Name: "zoë", Roles: []string{"a b", "", "c,d"}}
	c.Correlation = "corr-77"
	head := r.do(c).Heads[0]
	want := store.Entry{
		Log: w.Log, Ref: ref("a"), Position: head.Position, CommitID: c.ID, Correlation: "corr-77", Actor: c.Actor,
		Rev: 2, Version: 2, Life: 1, At: w.At, Digest: digest("2"), Lane: r.lane(ref("a")),
	}
	e, err := r.s.Entry(ctx, ref("a"), 2)
	if err != nil {
		r.Fatalf("Entry: %v", err)
	}
	r.same("the entry", entryLine(e), entryLine(&want))
	if string(e.Body) != "2" {
		r.Errorf("body of the entry is %q, want \"2\"", e.Body)
	}
	page := r.history(ref("a"), 0, 1)
	if len(page) != 1 {
		r.Fatalf("History has %d rows, want 1", len(page))
	}
	r.same("the history row", entryLine(&page[0]), entryLine(&want))
	if page[0].Body != nil {
		r.Errorf("History carries a body: %q", page[0].Body)
	}
}

func deepHistory(r *rig) {
	const n = 500
	h := r.get(ref("deep")).Head
	for i := range n {
		h = r.do(r.commit(r.put(h, bodyf("%d", i+1)))).Heads[0]
	}
	for _, v := range []int64{1, 2, 250, 499, 500} {
		e, err := r.s.Entry(ctx, ref("deep"), v)
		if err != nil || e.Version != v || string(e.Body) != bodyf("%d", v) {
			r.Errorf("version %d came back as %+v, error %v", v, e, err)
		}
	}
	for _, v := range []int64{501, 100_000} {
		if _, err := r.s.Entry(ctx, ref("deep"), v); !errors.Is(err, store.ErrNoEntry) {
			r.Errorf("version %d: error is %v, want ErrNoEntry", v, err)
		}
	}
	for _, limit := range []int{1, 7, 100, 499, 500, 501} {
		next, before := int64(n), int64(0)
		for next > 0 {
			page := r.history(ref("deep"), before, limit)
			if want := min(int64(limit), next); int64(len(page)) != want {
				r.Fatalf("page of %d before %d has %d rows, want %d", limit, before, len(page), want)
			}
			for _, e := range page {
				if e.Rev != next || e.Version != next || e.Body != nil {
					r.Fatalf("page of %d before %d: row is %s, want rev %d without a body", limit, before, entryLine(&e), next)
				}
				next--
			}
			before = page[len(page)-1].Rev
			if limit == 1 && next < n-5 {
				break
			}
		}
	}
	if page := r.history(ref("deep"), 1, 10); len(page) != 0 {
		r.Errorf("history before rev 1 has %d rows", len(page))
	}
	if page := r.history(ref("deep"), 10_000, 2); len(page) != 2 || page[0].Rev != n {
		r.Errorf("history before a rev that is not yet: %v", page)
	}
}

func noHistory(r *rig) {
	if page := r.history(ref("never"), 0, 10); len(page) != 0 {
		r.Errorf("History has %d rows", len(page))
	}
	for _, version := range []int64{0, 1} {
		if e, err := r.s.Entry(ctx, ref("never"), version); !errors.Is(err, store.ErrNoEntry) {
			r.Errorf("Entry of version %d is %+v, error %v, want ErrNoEntry", version, e, err)
		}
	}
}

// versionsOverLives looks for each version after the document was deleted and
// created again.
func versionsOverLives(r *rig) {
	a := ref("a")
	for _, body := range []string{"x", "y"} { // versions 1 and 2
		r.save(a, body)
	}
	r.brush(a)
	r.drop(a)      // 3
	r.save(a, "z") // 4
	r.save(a, "x") // 5
	for _, want := range []struct {
		version, life int64
		action        store.Action
		body          string
		digest        [32]byte
	}{
		{1, 1, store.ActionPut, "x", digest("x")},
		{2, 1, store.ActionPut, "y", digest("y")},
		{3, 1, store.ActionDelete, "", [32]byte{}},
		{4, 2, store.ActionPut, "z", digest("z")},
		{5, 2, store.ActionPut, "x", digest("x")},
	} {
		e, err := r.s.Entry(ctx, a, want.version)
		if err != nil || e.Version != want.version || e.Life != want.life || e.Action != want.action || string(e.Body) != want.body || e.Digest != want.digest {
			r.Errorf("Entry of version %d is %+v, error %v, want %+v", want.version, e, err, want)
		}
	}
}

func touchInHistory(r *rig) {
	a := ref("a")
	r.save(a, "1")
	r.brush(a)
	r.brush(a)
	r.save(a, "2")
	var got string
	for _, e := range r.history(a, 0, 10) {
		got += fmt.Sprintf("rev %d version %d %s\n", e.Rev, e.Version, e.Action)
	}
	r.same("the history", got, "rev 4 version 2 put\nrev 3 version 1 touch\nrev 2 version 1 touch\nrev 1 version 1 put\n")
	e, err := r.s.Entry(ctx, a, 1)
	if err != nil || e.Rev != 1 || e.Action != store.ActionPut || string(e.Body) != "1" {
		r.Errorf("the row that wrote version 1 is %+v, error %v", e, err)
	}
}

func historiesDoNotMix(r *rig) {
	refs := []store.Ref{ref("a"), ref("b"), in(part("others"), "a"), in(store.Part{Collection: "things", Params: "o"}, "a")}
	for round := range 3 {
		for i, ref := range refs {
			r.save(ref, bodyf("%d/%d", i, round))
		}
	}
	for i, ref := range refs {
		page := r.history(ref, 0, 10)
		if len(page) != 3 {
			r.Errorf("history of %s has %d rows, want 3", refLine(ref), len(page))
		}
		for _, e := range page {
			if e.Ref != ref || e.Digest != digest(bodyf("%d/%d", i, e.Version-1)) {
				r.Errorf("history of %s has the row %s", refLine(ref), entryLine(&e))
			}
		}
	}
}
