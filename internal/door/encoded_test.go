package door

import (
	"bytes"
	"testing"
)

// A body is encoded once while it is the same memory, and again for another
// state, coding or document in its slot.
func TestEncodedOnce(t *testing.T) {
	calls := 0
	encode := func(prefix string) func(dst, src []byte) []byte {
		return func(dst, src []byte) []byte {
			calls++
			return append(append(dst, prefix...), src...)
		}
	}
	gzip, br := &Coding{Name: "gzip", Encode: encode("gzip:")}, &Coding{Name: "br", Encode: encode("br:")}
	first, second := []byte("same"), []byte("same")
	large := bytes.Repeat([]byte("x"), maxKept+1)
	for i, step := range []struct {
		coding *Coding
		path   string
		body   []byte
		calls  int // in all
	}{
		{gzip, "/a", first, 1},
		{gzip, "/a", first, 1},
		{gzip, "/a", second, 2},
		{gzip, "/a", second, 2},
		{br, "/a", second, 3},
		{br, "/a", second[:3], 4},
		{br, "/a", []byte{}, 5},
		{br, "/a", large, 6},
		{br, "/a", large, 7},
		{br, "/a", second[:3], 7},
	} {
		want := step.coding.Name + ":" + string(step.body)
		if have := step.coding.encoded(step.path, step.body); string(have) != want || calls != step.calls {
			t.Errorf("step %d: %.20q after %d calls, want %.20q after %d", i, have, calls, want, step.calls)
		}
	}
}
