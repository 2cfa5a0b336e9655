package storetest

import (
	"errors"

	"github.com/ifmatch/ifmatch/internal/store"
)

var claimTests = []test{
	{name: "taken released and taken again", run: claimLife},
	{name: "a swap in one commit", run: claimSwap},
	{name: "releasing what another holds", run: claimForeignRelease},
	{name: "values indexes and parts are apart", run: claimSpaces},
	{name: "one value for two documents of one commit", run: claimTwice},
	{name: "of a singleton", run: claimSingleton},
}

func take(value, id string) store.Claim {
	return store.Claim{Part: part("things"), Index: index, Value: value, ID: id}
}

func release(value, id string) store.Claim {
	c := take(value, id)
	c.Release = true
	return c
}

// claiming returns a commit that writes id and makes claims.
func (r *rig) claiming(id string, claims ...store.Claim) *store.Commit {
	r.Helper()
	c := r.commit(r.put(r.get(ref(id)).Head, "body of "+id))
	c.Claims = claims
	return c
}

// held fails unless value is held by holder, "" for nobody.
func (r *rig) held(value, holder string) {
	r.Helper()
	want := "nobody"
	if holder != "" {
		want = `"` + holder + `"`
	}
	if got := r.holder(part("things"), value); got != want {
		r.Errorf("%s is held by %s, want %s", value, got, want)
	}
}

// taken fails unless c is refused, without a trace, because by holds value.
func (r *rig) taken(c *store.Commit, value, by string) {
	r.Helper()
	r.unchanged("a refused claim", func() {
		_, err := r.s.Commit(ctx, c)
		var taken *store.TakenError
		if !errors.As(err, &taken) {
			r.Errorf("Commit of %s: error is %v, want a TakenError", commitLine(c), err)
			return
		}
		if taken.By != by || taken.Claim.Value != value || taken.Claim.Index != index || taken.Claim.Part != part("things") {
			r.Errorf("TakenError is %+v, want value %s by %q", taken, value, by)
		}
	})
}

func claimLife(r *rig) {
	r.do(r.claiming("a", take("red", "a")))
	r.held("red", "a")
	r.taken(r.claiming("b", take("red", "b")), "red", "a")
	r.do(r.claiming("a", take("red", "a"))) // again by its own holder
	r.held("red", "a")
	r.do(r.claiming("a", release("red", "a")))
	r.held("red", "")
	r.do(r.claiming("b", take("red", "b")))
	r.held("red", "b")
	if r.reopen() {
		r.held("red", "b")
	}
}

// claimSwap lists the takes before the releases: those count first all the same.
func claimSwap(r *rig) {
	r.do(r.claiming("a", take("red", "a")))
	r.do(r.claiming("b", take("blue", "b")))
	c := r.commit(r.put(r.get(ref("a")).Head, "a2"), r.put(r.get(ref("b")).Head, "b2"))
	c.Claims = []store.Claim{take("blue", "a"), take("red", "b"), release("red", "a"), release("blue", "b")}
	r.do(c)
	r.held("red", "b")
	r.held("blue", "a")
	r.do(r.claiming("a", release("blue", "a"), take("blue", "a")))
	r.held("blue", "a")
}

func claimForeignRelease(r *rig) {
	r.do(r.claiming("a", take("red", "a")))
	r.do(r.claiming("b", release("red", "b"), release("blue", "b")))
	r.held("red", "a")
	r.held("blue", "")
	r.taken(r.claiming("b", release("red", "b"), take("red", "b")), "red", "a")
}

func claimSpaces(r *rig) {
	r.do(r.claiming("a", take("red", "a")))
	other := take("red", "b")
	other.Index = "shape"
	r.do(r.claiming("b", other, take("red ", "b"), take("Red", "b")))
	elsewhere := take("red", "z")
	elsewhere.Part = part("others")
	c := r.commit(r.put(r.get(in(part("others"), "z")).Head, "z"))
	c.Claims = []store.Claim{elsewhere}
	r.do(c)
	r.held("red", "a")
}

func claimTwice(r *rig) {
	c := r.commit(r.put(r.get(ref("a")).Head, "a"), r.put(r.get(ref("b")).Head, "b"))
	c.Claims = []store.Claim{take("red", "a"), take("red", "b")}
	r.unchanged("a commit that claims one value twice", func() {
		if _, err := r.s.Commit(ctx, c); err == nil {
			r.Error("one value went to two documents")
		}
	})
}

func claimSingleton(r *rig) {
	r.do(r.claiming("", take("red", "")))
	r.taken(r.claiming("b", take("red", "b")), "red", "")
	r.do(r.claiming("", release("red", "")))
	r.held("red", "")
}
