package ifmatch_test

import (
	"testing"
	"time"

	"github.com/ifmatch/ifmatch"
)

// TestEvaluateBodyVersion: a version in the content is one more condition.
func TestEvaluateBodyVersion(t *testing.T) {
	// Version 7 is current, 3 to 6 are known; under hash tags version n has the
	// tag of the digest {n}, and version 4 has the content of version 6.
	digest := func(version int64) *[32]byte {
		if version == 4 {
			version = 6
		}
		return &[32]byte{byte(version)}
	}
	state := func(k *ifmatch.Contract) ifmatch.State {
		tag := func(v int64) ifmatch.ETag { return k.ETag(&ifmatch.Subject{}, v, 1, digest(v)) }
		return ifmatch.State{
			Exists: true, Version: 7, ETag: tag(7), LastModified: time.Unix(1e9, 0),
			Earlier: func(have ifmatch.ETag) int64 {
				for v := int64(6); v >= 3; v-- {
					if tag(v).WeakMatch(have) {
						return v
					}
				}
				return 0
			},
			TagOf: func(v int64) (ifmatch.ETag, bool) { return tag(v), v >= 3 && v < 7 },
		}
	}
	hash := ifmatch.Contract{Token: ifmatch.TokenHash}
	tagOnly := ifmatch.Contract{Precondition: ifmatch.MethodPreconditions{Put: ifmatch.PreconditionTag}}
	tag := func(v int64) string { return hash.ETag(&ifmatch.Subject{}, v, 1, digest(v)).String() }
	fresh := ifmatch.Result{Verdict: ifmatch.Fresh}
	contradicted := ifmatch.Result{Verdict: ifmatch.Malformed, By: ifmatch.FieldVersion}
	failed := ifmatch.Result{Verdict: ifmatch.Failed, By: ifmatch.FieldVersion}
	stale := func(base int64) ifmatch.Result {
		return ifmatch.Result{Verdict: ifmatch.Stale, By: ifmatch.FieldVersion, Base: base}
	}
	tests := []struct {
		name, method string
		version      int64
		headers      map[string][]string
		contract     ifmatch.Contract
		absent       bool
		want         ifmatch.Result
	}{
		{"current", "PUT", 7, nil, ifmatch.Contract{}, false, fresh},
		{"current, where only tags will do", "PUT", 7, nil, tagOnly, false, fresh},
		{"earlier", "PUT", 5, nil, ifmatch.Contract{}, false, stale(5)},
		{"earlier, patch", "PATCH", 5, nil, ifmatch.Contract{}, false, stale(5)},
		{"no longer known", "PUT", 2, nil, ifmatch.Contract{}, false, failed},
		{"from the future", "PUT", 8, nil, ifmatch.Contract{}, false, failed},
		{"none", "PUT", 0, nil, ifmatch.Contract{}, false, ifmatch.Result{Verdict: ifmatch.Required}},
		{"nothing there", "PUT", 1, nil, ifmatch.Contract{}, true, failed},
		{"nothing there to patch", "PATCH", 1, nil, ifmatch.Contract{}, true, ifmatch.Result{Verdict: ifmatch.Missing}},
		{"none needed to create", "PUT", 0, nil, ifmatch.Contract{}, true, fresh},
		{"of a read counts for nothing", "GET", 5, h("If-Match", `"7"`), ifmatch.Contract{}, false, fresh},

		{"with its tag", "PUT", 7, h("If-Match", `"7"`), ifmatch.Contract{}, false, fresh},
		{"with the tag of a coding", "PUT", 7, h("If-Match", `"7;gzip"`), ifmatch.Contract{}, false, fresh},
		{"with a star", "PUT", 7, h("If-Match", `*`), ifmatch.Contract{}, false, fresh},
		{"stale with a star", "PUT", 5, h("If-Match", `*`), ifmatch.Contract{}, false, stale(5)},
		{"with a list that holds it", "PUT", 5, h("If-Match", `"5", "7"`), ifmatch.Contract{}, false, stale(5)},
		{"both stale", "PUT", 5, h("If-Match", `"5"`), ifmatch.Contract{}, false, ifmatch.Result{Verdict: ifmatch.Stale, By: ifmatch.FieldIfMatch, Base: 5}},
		{"weakened tag", "PUT", 7, h("If-Match", `W/"7"`), ifmatch.Contract{}, false, ifmatch.Result{Verdict: ifmatch.Failed, By: ifmatch.FieldIfMatch, WeakOnly: true}},
		{"the tag is newer", "PUT", 5, h("If-Match", `"7"`), ifmatch.Contract{}, false, contradicted},
		{"the tag is older", "PUT", 7, h("If-Match", `"5"`), ifmatch.Contract{}, false, contradicted},
		{"both stale, and not alike", "PUT", 5, h("If-Match", `"6"`), ifmatch.Contract{}, false, contradicted},
		{"unlike, with nothing there", "PUT", 5, h("If-Match", `"6"`), ifmatch.Contract{}, true, contradicted},
		{"If-Match without members is false", "PUT", 7, h("If-Match", ``), ifmatch.Contract{}, false, ifmatch.Result{Verdict: ifmatch.Failed, By: ifmatch.FieldIfMatch}},

		{"hash: with its tag", "PUT", 7, h("If-Match", tag(7)), hash, false, fresh},
		{"hash: both stale", "PUT", 5, h("If-Match", tag(5)), hash, false, ifmatch.Result{Verdict: ifmatch.Stale, By: ifmatch.FieldIfMatch, Base: 5}},
		{"hash: a content that came again", "PUT", 4, h("If-Match", tag(6)), hash, false, ifmatch.Result{Verdict: ifmatch.Stale, By: ifmatch.FieldIfMatch, Base: 6}},
		{"hash: the tag is newer", "PUT", 5, h("If-Match", tag(7)), hash, false, contradicted},
		{"hash: the tag is older", "PUT", 7, h("If-Match", tag(5)), hash, false, contradicted},
		{"hash: a version that nobody knows", "PUT", 2, h("If-Match", tag(7)), hash, false, failed},

		{"after a date that holds", "PUT", 5, h("If-Unmodified-Since", "Sun, 09 Sep 2001 01:46:40 GMT"), ifmatch.Contract{}, false, stale(5)},
		{"before a date that does not", "PUT", 7, h("If-Unmodified-Since", "Sun, 09 Sep 2001 01:46:39 GMT"), ifmatch.Contract{}, false,
			ifmatch.Result{Verdict: ifmatch.Failed, By: ifmatch.FieldIfUnmodifiedSince}},
		{"create only", "PUT", 7, h("If-None-Match", `*`), ifmatch.Contract{}, false,
			ifmatch.Result{Verdict: ifmatch.Failed, By: ifmatch.FieldIfNoneMatch, AnyTag: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := ifmatch.ParseConditions(tt.headers)
			c.Version = tt.version
			s := ifmatch.State{}
			if !tt.absent {
				s = state(&tt.contract)
			}
			if got := ifmatch.Evaluate(tt.method, c, s, tt.contract); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}
