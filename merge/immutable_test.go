package merge_test

import (
	"testing"

	"github.com/ifmatch/ifmatch/merge"
)

// TestBreachesEndEarly: who wants no more than the first gets no more, wherever in
// the document it stands.
func TestBreachesEndEarly(t *testing.T) {
	policy, err := merge.Compile(merge.Rules{Fields: []merge.Field{{Path: "/**/id", Type: merge.Immutable}}})
	if err != nil {
		t.Fatal(err)
	}
	was := parse(t, `{"a":[{"id":1},{"id":2,"o":{"id":3}}],"id":4}`)
	now := parse(t, `{"a":[{"id":1},{"id":5,"o":{}}]}`)
	var all []string
	for b := range policy.Breaches(was, now) {
		all = append(all, b.Path.String())
	}
	if want := 3; len(all) != want {
		t.Fatalf("breaches at %v, want %d", all, want)
	}
	for stop := range all {
		n := 0
		for b := range policy.Breaches(was, now) {
			if b.Path.String() != all[n] {
				t.Errorf("breach %d at %s, want %s", n, b.Path, all[n])
			}
			if n == stop {
				break
			}
			n++
		}
	}
}

// TestNoBreaches: what no field holds, or nothing held before, is free.
func TestNoBreaches(t *testing.T) {
	fixed, err := merge.Compile(merge.Rules{Fields: []merge.Field{{Path: "/id", Type: merge.Immutable}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		policy   *merge.Policy
		was, now string
	}{
		{"no policy", nil, `{"id":1}`, `{"id":2}`},
		{"no rules", &merge.Policy{}, `{"id":1}`, `{"id":2}`},
		{"no document before", fixed, "", `{"id":2}`},
		{"no such field before", fixed, `{}`, `{"id":2}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			for b := range c.policy.Breaches(document(t, []byte(c.was)), document(t, []byte(c.now))) {
				t.Errorf("breach at %s", b.Path)
			}
		})
	}
}
