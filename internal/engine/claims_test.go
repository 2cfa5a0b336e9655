package engine

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// keyed are rules under which email is a natural key and nothing is required.
func keyed(t testing.TB, pointers ...string) Rules {
	t.Helper()
	key, err := NewNaturalKey(pointers...)
	if err != nil {
		t.Fatal(err)
	}
	rules := optional
	rules.Key = key
	return rules
}

// at makes an intent about another document of the part.
func (r *rig) at(id string, op Op, body string) *Intent {
	in := r.intent(op, body)
	in.Ref.ID = id
	return in
}

// unruled writes a document past the natural key, as under an earlier policy.
func (r *rig) unruled(id, body string) {
	r.t.Helper()
	in := r.at(id, OpPut, body)
	in.Rules = &optional
	if _, refusal := r.on(r.rival, in); refusal != nil {
		r.t.Fatal(refusal)
	}
}

func TestNaturalKeyID(t *testing.T) {
	long := strings.Repeat("l", 128)
	for document, want := range map[string]string{
		`{"a":"ann"}`:                 "ann",
		`{"a":"Ann.B_c-1"}`:           "Ann.B_c-1",
		`{"a":".ann"}`:                "~2Eann",
		`{"a":"_ann"}`:                "~5Fann",
		`{"a":"..."}`:                 "~2E..",
		`{"a":"-"}`:                   "-",
		`{"a":"~"}`:                   "~7E",
		`{"a":"ann@example.org"}`:     "ann~40example.org",
		`{"a":"é/\u0000"}`:            "~C3~A9~2F~00",
		`{"a":7}`:                     "~n7",
		`{"a":-7.50}`:                 "~n-7.5",
		`{"a":1e30}`:                  "~n1e~2B30",
		`{"a":"7"}`:                   "7",
		`{"a":"n7"}`:                  "n7",
		`{"a":"` + long + `"}`:        long,
		`{"a":"` + long + `l"}`:       "~hT622RgI29ARpGc7X8p2e-2U851dmxltxYgK6Br3ysIg",
		`{"a":"` + long[:124] + `@"}`: long[:124] + "~40",
	} {
		v := parsed(t, document)
		got := keyed(t, "/a").Key.id(v)
		if got != want {
			t.Errorf("%s has the id %s, want %s", document, got, want)
		}
	}
	if got := keyed(t, "/a", "/b").Key.id(parsed(t, `{"a":"x","b":2}`)); got != "x~.~n2" {
		t.Errorf("two values have the id %s", got)
	}
	if _, err := NewNaturalKey("a"); err == nil {
		t.Error("a is a pointer")
	}
}

func parsed(t testing.TB, text string) jsonvalue.Value {
	t.Helper()
	v, err := jsonvalue.Parse([]byte(text), jsonvalue.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// FuzzNaturalKeyID checks that an id tells its values, and is one that paths can
// have.
func FuzzNaturalKeyID(f *testing.F) {
	f.Add("ann@example.org", "x")
	f.Add(".", "_")
	f.Add("~n1", "~.")
	f.Add("é", "\x00")
	f.Fuzz(func(t *testing.T, a, b string) {
		key := keyed(t, "/a", "/b").Key
		document, err := jsonvalue.Object(jsonvalue.Member{Name: "a", Value: jsonvalue.String(a)}, jsonvalue.Member{Name: "b", Value: jsonvalue.String(b)})
		if err != nil {
			t.Fatal(err)
		}
		id := key.id(document)
		if id == "" || len(id) > ifmatch.MaxName || strings.HasPrefix(id, ".") || strings.HasPrefix(id, "_") ||
			strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~-") != "" {
			t.Fatalf("%q and %q have the id %q", a, b, id)
		}
		if strings.HasPrefix(id, hashedID) {
			return
		}
		values := strings.Split(id, "~.")
		if len(values) != 2 || unescaped(t, values[0]) != text(document, "a") || unescaped(t, values[1]) != text(document, "b") {
			t.Fatalf("%q does not tell %q and %q", id, a, b)
		}
	})
}

func text(document jsonvalue.Value, name string) string { return document.Lookup(name).Text() }

func unescaped(t *testing.T, s string) string {
	t.Helper()
	var b strings.Builder
	for {
		plain, rest, more := strings.Cut(s, "~")
		b.WriteString(plain)
		if !more {
			return b.String()
		}
		raw, err := hex.DecodeString(rest[:2])
		if err != nil || strings.ToUpper(rest[:2]) != rest[:2] {
			t.Fatalf("%q: %v", s, err)
		}
		b.Write(raw)
		s = rest[2:]
	}
}

// TestKeyLetGo: a key is let go in the commit that changes or deletes its
// document, so that whoever takes it next is not in anybody's way; also over a
// store that reads heads for less.
func TestKeyLetGo(t *testing.T) {
	r := newRig(t, keyed(t, "/email"), Config{})
	r.must(OpPut, `{"email":"ann"}`)
	r.must(OpPut, `{"email":"bob"}`)
	if out, refusal := r.do(r.at("2", OpPut, `{"email":"ann"}`)); refusal != nil || out.Rounds != 1 {
		t.Errorf("%+v, %v", out, refusal)
	}
	r.must(OpDelete, "")
	if out, refusal := r.do(r.at("3", OpPut, `{"email":"bob"}`)); refusal != nil || out.Rounds != 1 {
		t.Errorf("%+v, %v", out, refusal)
	}
	r.verified()
}

// TestKeyFreedMeanwhile: who finds a key taken by a document that is gone by the
// time it is looked at goes round.
func TestKeyFreedMeanwhile(t *testing.T) {
	r := newRig(t, keyed(t, "/email"), Config{})
	if _, refusal := r.do(r.at("2", OpPut, `{"email":"ann"}`)); refusal != nil {
		t.Fatal(refusal)
	}
	r.store.onCommit(func(_ *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
		receipt, err := next()
		if _, taken := errors.AsType[*store.TakenError](err); taken {
			r.store.onCommit(nil)
			if _, refusal := r.on(r.rival, r.at("2", OpDelete, "")); refusal != nil {
				t.Error(refusal)
			}
		}
		return receipt, err
	})
	if out := r.must(OpPut, `{"email":"ann"}`); out.Result != Created || out.Rounds != 2 {
		t.Errorf("%s after %d rounds", out.Result, out.Rounds)
	}
	r.verified()
	r.noQueues()
}

// TestKeyLeftOver: a claim whose document has lost the key while no rule said so
// does not keep others from it, unless the document has it again by then.
func TestKeyLeftOver(t *testing.T) {
	for _, tt := range []struct {
		name  string
		again bool
		want  Reason
	}{{"it does not have it", false, ""}, {"it has it again", true, ReasonDuplicate}} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, keyed(t, "/email"), Config{})
			if _, refusal := r.do(r.at("2", OpPut, `{"email":"ann"}`)); refusal != nil {
				t.Fatal(refusal)
			}
			r.unruled("2", `{"email":"bob"}`)
			commits := 0
			r.store.onCommit(func(_ *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
				if commits++; commits == 2 && tt.again {
					r.unruled("2", `{"email":"ann"}`)
				}
				return next()
			})
			out, refusal := r.do(r.intent(OpPut, `{"email":"ann"}`))
			if tt.want == "" && (refusal != nil || out.Rounds != 2) {
				t.Errorf("%+v, %v", out, refusal)
			}
			if tt.want != "" && (refusal == nil || refusal.Reason != tt.want || refusal.Holder.Ref.ID != "2") {
				t.Errorf("%+v, %v", out, refusal)
			}
			r.verified()
			r.noQueues()
		})
	}
}

// TestKeyOlderThanTheRule: a document from before the rule takes its key when it
// is written again, and lets nothing go that it never had.
func TestKeyOlderThanTheRule(t *testing.T) {
	r := newRig(t, keyed(t, "/email"), Config{})
	r.unruled("1", `{"n":1}`)
	r.must(OpPut, `{"email":"ann"}`)
	in := r.at("2", OpPut, `{"email":"ann"}`)
	if refusal := r.refused(ReasonDuplicate, in); refusal.Holder.Ref.ID != "1" {
		t.Errorf("held by %q", refusal.Holder.Ref.ID)
	}
	r.unruled("ann", `{"email":"eve"}`)
	r.unruled("eve", `{"email":"eve"}`)
	in = r.at("", OpPut, `{"email":"eve"}`)
	if out, err := r.engine.Create(t.Context(), in); err != nil || out.Result != Unchanged || out.Document.Ref.ID != "eve" {
		t.Errorf("%+v, %v", out, err)
	}
}

// TestTakenSettles: a commit of unknown outcome that is refused for its key when
// it is run again did not happen.
func TestTakenSettles(t *testing.T) {
	r := newRig(t, keyed(t, "/email"), Config{})
	lost := true
	r.store.onCommit(func(_ *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
		if lost {
			lost = false
			if _, refusal := r.on(r.rival, r.at("2", OpPut, `{"email":"ann"}`)); refusal != nil {
				t.Error(refusal)
			}
			return store.Receipt{}, store.ErrOutcomeUnknown
		}
		return next()
	})
	if _, refusal := r.do(r.intent(OpPut, `{"email":"ann"}`)); refusal == nil || refusal.Reason != ReasonDuplicate {
		t.Errorf("%v", refusal)
	}
	r.verified()
}
