package guard_test

import (
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/guard"
	"github.com/ifmatch/ifmatch/merge"
)

const key = "8e03978e-40d5-43e8-bc93-6894a57f9324"

// TestKeysAreRefused: a key that could not be honoured is not taken in silence.
func TestKeysAreRefused(t *testing.T) {
	a := serve(t, newMapStore(), guard.Options{})
	a.must(201, "PUT", "1", `{"n":1}`)
	for _, method := range []string{"PUT", "PATCH", "DELETE"} {
		got := a.must(400, method, "1", `{"n":2}`, "If-Match", `"1"`, "Idempotency-Key", key)
		a.is(got, "malformed")
		if !strings.Contains(got.body, "Leave the header out") {
			t.Error(got.body)
		}
	}
	if got := a.must(200, "GET", "1", "", "Idempotency-Key", key); got.body != `{"n":1}` || got.header.Get("ETag") != `"1"` {
		t.Errorf("after refusals: %s %s", got.header.Get("ETag"), got.body)
	}
	a.must(200, "PUT", "1", `{"n":2}`, "If-Match", `"1"`)
}

// TestKeysAreIgnored: where something in front keeps answers, the header is none of
// the handler's business, and proves nothing to it.
func TestKeysAreIgnored(t *testing.T) {
	rules, err := merge.Compile(merge.Rules{Fields: []merge.Field{{Path: "/n", Type: merge.Counter}}})
	if err != nil {
		t.Fatal(err)
	}
	a := serve(t, newMapStore(), guard.Options{IgnoreIdempotencyKeys: true, Merge: rules, OnStale: ifmatch.OnStale{Default: ifmatch.StrategyMerge}})
	a.must(201, "PUT", "1", `{"n":1}`, "Idempotency-Key", key)
	got := a.must(200, "PUT", "1", `{"n":2}`, "If-Match", `"1"`, "Idempotency-Key", key)
	if got.header.Get("Idempotent-Replayed") != "" {
		t.Error("it was replayed")
	}
	a.is(a.must(412, "PUT", "1", `{"n":3}`, "If-Match", `"1"`, "Idempotency-Key", key), "stale")
}
