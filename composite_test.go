package ifmatch_test

import (
	"net/http"
	"testing"

	"pgregory.net/rapid"

	"github.com/ifmatch/ifmatch"
)

func TestComposite(t *testing.T) {
	five := ifmatch.VersionTag(5)
	if have, want := five.Composite([]byte("rest")).String(), `W/"5+LgnVIQ24QXdXsPh1wnbQyw"`; have != want {
		t.Errorf("%s, want %s", have, want)
	}
	if have := (ifmatch.ETag{}).Composite([]byte("rest")); !have.IsZero() {
		t.Errorf("no tag became %s", have)
	}
	for _, other := range []string{`"5"`, `W/"5"`, `"5+"`, `"+LgnVIQ24QXdXsPh1wnbQyw"`, `"x+LgnVIQ24QXdXsPh1wnbQyw"`, `"5+LgnVIQ24QXdXsPh1wnbQy"`,
		`"5+LgnVIQ24QXdXsPh1wnbQywg"`, `"5+_FhBGGjh0QgKF9jbHYlk+g"`, `"5;LgnVIQ24QXdXsPh1wnbQyw"`, `""`} {
		tag, err := ifmatch.ParseETag(other)
		if err != nil {
			t.Fatal(err)
		}
		if state, ok := tag.State(); ok {
			t.Errorf("%s is taken for a composite of %s", other, state)
		}
	}
}

// The tag of an answer that shows more changes with the state and with the rest,
// says which state it is of, and is nothing to If-Match, whatever the contract.
func TestCompositeOfAnyContract(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		contract := ifmatch.Contract{Token: ifmatch.Token(rapid.IntRange(0, 2).Draw(rt, "token")), Weak: rapid.Bool().Draw(rt, "weak"), AcceptWeak: rapid.Bool().Draw(rt, "accept"), Signer: newSigner(rt, "", 1, firstKey)}
		version := rapid.Int64Range(1, ifmatch.MaxVersion).Draw(rt, "version")
		state := contract.ETag(&ifmatch.Subject{}, version, 1, (*[32]byte)(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(rt, "digest")))
		rest, other := rapid.SliceOf(rapid.Byte()).Draw(rt, "rest"), rapid.SliceOf(rapid.Byte()).Draw(rt, "other")
		tag := state.Composite(rest)
		if of, ok := tag.State(); !ok || !of.WeakMatch(state) || !tag.IsWeak() || tag.WeakMatch(state) {
			rt.Errorf("%s of %s is of %s, %t", tag, state, of, ok)
		}
		if same := string(rest) == string(other); tag.WeakMatch(state.Composite(other)) != same {
			rt.Errorf("%s is also that of another rest", tag)
		}
		now := ifmatch.State{Exists: true, ETag: state, Verify: contract.Verifier(ifmatch.Subject{}, version)}
		for _, sent := range []string{tag.String(), `"` + tag.Opaque() + `"`, `W/"` + tag.Opaque() + `-gzip"`} {
			res := ifmatch.Evaluate("PUT", ifmatch.ParseConditions(http.Header{"If-Match": {sent}}), now, contract)
			if res != (ifmatch.Result{Verdict: ifmatch.Failed, By: ifmatch.FieldIfMatch, WeakOnly: true}) {
				rt.Errorf("If-Match: %s is judged %+v", sent, res)
			}
			polled := ifmatch.ParseConditions(http.Header{"If-None-Match": {sent}})
			if res := ifmatch.Evaluate("GET", polled, now, contract); res.Verdict != ifmatch.Fresh {
				rt.Errorf("If-None-Match: %s on the state alone is judged %+v", sent, res)
			}
			now := ifmatch.State{Exists: true, ETag: tag}
			if res := ifmatch.Evaluate("GET", polled, now, contract); res.Verdict != ifmatch.NotModified {
				rt.Errorf("If-None-Match: %s on all of it is judged %+v", sent, res)
			}
		}
	})
}
