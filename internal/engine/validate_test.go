package engine

import (
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// withoutBad refuses documents that have a member "bad".
func withoutBad(v jsonvalue.Value) []Fault {
	if v.Lookup("bad").IsAbsent() {
		return nil
	}
	return []Fault{{Pointer: "/bad", Detail: "Must not be here."}}
}

func TestWhateverBuiltItIsValidated(t *testing.T) {
	rules := optional
	rules.Validate = withoutBad
	rules.Allow = []Strategy{StrategyOverwrite}
	for name, c := range map[string]struct {
		op      Op
		body    string
		headers []string
	}{
		"put":         {OpPut, `{"bad":1}`, nil},
		"merge patch": {OpMergePatch, `{"bad":1}`, nil},
		"json patch":  {OpJSONPatch, `[{"op":"add","path":"/bad","value":1}]`, nil},
		"overwrite":   {OpPut, `{"bad":1}`, []string{"If-Match", `"1"`, "Prefer", "overwrite"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, rules, Config{})
			r.must(OpPut, `{"a":1}`)
			r.must(OpPut, `{"a":2}`)
			refusal := r.refused(ReasonInvalid, r.intent(c.op, c.body, c.headers...))
			if len(refusal.Faults) != 1 || refusal.Faults[0].Pointer != "/bad" {
				t.Errorf("%+v", refusal.Faults)
			}
			dry := r.intent(c.op, c.body, c.headers...)
			dry.Dry = true
			r.refused(ReasonInvalid, dry)
			r.must(OpDelete, "")
		})
	}
	t.Run("create", func(t *testing.T) {
		r := newRig(t, rules, Config{})
		r.refused(ReasonInvalid, r.intent(OpPut, `{"bad":1}`))
	})
	t.Run("what is there already may stay", func(t *testing.T) {
		r := newRig(t, optional, Config{})
		r.must(OpPut, `{"bad":1}`)
		r.rules = rules
		if out := r.must(OpPut, `{"bad":1}`); out.Result != Unchanged {
			t.Errorf("%+v", out)
		}
		r.refused(ReasonInvalid, r.intent(OpMergePatch, `{"a":1}`))
		r.must(OpPut, `{"a":1}`)
	})
}

func immutable(t *testing.T, path string) *merge.Policy {
	t.Helper()
	p, err := merge.Compile(merge.Rules{Fields: []merge.Field{{Path: path, Type: merge.Immutable}}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestImmutable(t *testing.T) {
	const was = `{"id":1,"o":{"k":"v"},"l":[{"id":1},{"id":2}],"null":null}`
	tests := []struct {
		name, path, now string
		want            string // pointers of the faults
	}{
		{"unchanged", "/id", `{"id":1}`, ""},
		{"another spelling", "/id", `{"id":1.0}`, ""},
		{"changed", "/id", `{"id":2}`, "/id"},
		{"removed", "/id", `{}`, "/id"},
		{"made null", "/id", `{"id":null}`, "/id"},
		{"null is a value", "/null", `{"null":1}`, "/null"},
		{"set for the first time", "/new", `{"new":1}`, ""},
		{"nested", "/o/k", `{"o":{"k":"w"}}`, "/o/k"},
		{"its parent removed", "/o/k", `{}`, "/o/k"},
		{"a subtree", "/o", `{"o":{"k":"v","m":1}}`, "/o"},
		{"beside it", "/o/k", `{"o":{"k":"v","m":1}}`, ""},
		{"an element", "/l/*", `{"l":[{"id":1},{"id":3}]}`, "/l/1"},
		{"of every element", "/l/*/id", `{"l":[{"id":3},{"id":4}]}`, "/l/0/id /l/1/id"},
		{"of an element that is gone", "/l/*/id", `{"l":[{"id":1}]}`, "/l/1/id"},
		{"of an element that is new", "/l/*/id", `{"l":[{"id":1},{"id":2},{"id":3}]}`, ""},
		{"of every member", "/*/k", `{"o":{"k":1}}`, "/o/k"},
		{"kind changed", "/l/*/id", `{"l":{}}`, "/l/0/id /l/1/id"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			rules := optional
			rules.Merge = immutable(t, c.path)
			r := newRig(t, rules, Config{})
			r.must(OpPut, was)
			if c.want == "" {
				r.must(OpPut, c.now)
				return
			}
			var have []string
			for _, f := range r.refused(ReasonInvalid, r.intent(OpPut, c.now)).Faults {
				have = append(have, f.Pointer)
			}
			if strings.Join(have, " ") != c.want {
				t.Errorf("faults at %q, want %q", have, c.want)
			}
			r.must(OpDelete, "")
			r.must(OpPut, c.now) // another life, another document
		})
	}
}

// A field that a rival sets while a write is on its way is set for that write.
func TestImmutableIsJudgedOnWhatIsThere(t *testing.T) {
	rules := optional
	rules.Merge = immutable(t, "/x")
	r := newRig(t, rules, Config{})
	r.must(OpPut, `{}`)
	r.store.onCommit(func(_ *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
		r.store.onCommit(nil)
		r.byRival(OpPut, `{"x":1}`, "rival")
		return next()
	})
	_, refusal := r.do(r.intent(OpPut, `{"x":2}`))
	if refusal == nil || refusal.Reason != ReasonInvalid {
		t.Errorf("not refused as invalid: %v", refusal)
	}
	r.holds(2, `{"x":1}`)
}
