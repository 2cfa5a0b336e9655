package ifmatch_test

import (
	"net/http"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/ifmatch/ifmatch"
)

func TestWithCoding(t *testing.T) {
	for in, want := range map[string]string{`"5"`: `"5;gzip"`, `W/"5"`: `W/"5"`, `""`: `";gzip"`} {
		tag, err := ifmatch.ParseETag(in)
		if err != nil {
			t.Fatal(err)
		}
		if have := tag.WithCoding("gzip").String(); have != want {
			t.Errorf("%s: %s, want %s", in, have, want)
		}
	}
	if have := (ifmatch.ETag{}).WithCoding("gzip"); !have.IsZero() {
		t.Errorf("no tag became %s", have)
	}
}

// The tag that is published for a coding is accepted, whatever the token, and
// named for what it was once it is stale.
func TestCodedTagsAreAccepted(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		contract := ifmatch.Contract{Token: ifmatch.Token(rapid.IntRange(0, 2).Draw(rt, "token")), Weak: rapid.Bool().Draw(rt, "weak"), Signer: newSigner(rt, "", 1, firstKey)}
		coding := rapid.SampledFrom([]string{"gzip", "br", "zstd"}).Draw(rt, "coding")
		digests := rapid.SliceOfN(rapid.Byte(), 64, 64).Draw(rt, "digests")
		tagOf := func(version int64) ifmatch.ETag {
			return contract.ETag(&ifmatch.Subject{}, version, 1, (*[32]byte)(digests[32*(version-1):]))
		}
		earlier := func(tag ifmatch.ETag) int64 {
			if tag.WeakMatch(tagOf(1)) {
				return 1
			}
			return 0
		}
		state := ifmatch.State{Exists: true, ETag: tagOf(2), Version: 2, Earlier: earlier, Verify: contract.Verifier(ifmatch.Subject{}, 2)}
		judge := func(method, field string, version int64) ifmatch.Result {
			published := tagOf(version).WithCoding(coding).String()
			return ifmatch.Evaluate(method, ifmatch.ParseConditions(http.Header{field: {published}}), state, contract)
		}
		if res := judge("PUT", "If-Match", 2); res.Verdict != ifmatch.Fresh || res.Blind {
			rt.Errorf("If-Match: %+v", res)
		}
		if res := judge("GET", "If-None-Match", 2); res.Verdict != ifmatch.NotModified {
			rt.Errorf("If-None-Match: %+v", res)
		}
		same := tagOf(1) == tagOf(2)
		if res := judge("PUT", "If-Match", 1); !same && (res.Verdict != ifmatch.Stale || res.Base != 1) {
			rt.Errorf("stale If-Match: %+v", res)
		}
	})
}

func BenchmarkEvaluateCoded(b *testing.B) {
	c := ifmatch.ParseConditions(http.Header{"If-Match": {strconv.Quote("5;gzip")}})
	s := ifmatch.State{Exists: true, ETag: ifmatch.VersionTag(5)}
	for b.Loop() {
		if !ifmatch.Evaluate("PUT", c, s, ifmatch.Contract{}).Fresh() {
			b.Fatal("not fresh")
		}
	}
}
