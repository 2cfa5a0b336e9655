package engine

import (
	"context"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/memory"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// fieldIntent is a write of one value of the rig's document.
func (r *rig) fieldIntent(op Op, at, body string, headers ...string) *Intent {
	r.t.Helper()
	in := r.intent(OpField, body, headers...)
	p, err := jsonvalue.ParsePointer(at)
	if err != nil {
		r.t.Fatal(err)
	}
	in.Field = &Field{At: p, Op: op}
	return in
}

// fieldTagNow is the tag that a GET of one value shows.
func (r *rig) fieldTagNow(at string) string {
	r.t.Helper()
	p, err := jsonvalue.ParsePointer(at)
	if err != nil {
		r.t.Fatal(err)
	}
	f, err := r.rival.ReadField(context.Background(), ref, &r.rules, nil, p, ifmatch.Conditions{})
	if err != nil {
		r.t.Fatal(err)
	}
	return f.ETag.String()
}

// TestFieldsGoRound: a race that is lost to a write of another value is run again on
// what that left; one that is lost to a write of the same value is refused for it.
func TestFieldsGoRound(t *testing.T) {
	tests := []struct {
		name, rival, want string
		op                Op
		at, body          string
		refused           Reason
	}{
		{"another value", `{"b":9}`, `{"a":2,"b":9,"o":{"p":1}}`, OpPut, "/a", `2`, ""},
		{"beside it", `{"o":{"q":9}}`, `{"a":1,"b":1,"o":{"p":2,"q":9}}`, OpPut, "/o/p", `2`, ""},
		{"a deletion and another value", `{"b":9}`, `{"b":9,"o":{"p":1}}`, OpDelete, "/a", ``, ""},
		{"the value", `{"a":9}`, `{"a":9,"b":1,"o":{"p":1}}`, OpPut, "/a", `2`, ReasonStale},
		{"within the value", `{"o":{"q":9}}`, `{"a":1,"b":1,"o":{"p":1,"q":9}}`, OpMergePatch, "/o", `{"p":2}`, ReasonStale},
		{"around the value", `{"o":1}`, `{"a":1,"b":1,"o":1}`, OpMergePatch, "/o/p", `2`, ReasonNotFound},
		{"the value, the same again", `{"a":2}`, `{"a":2,"b":1,"o":{"p":1}}`, OpPut, "/a", `2`, ReasonStale},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, Rules{}, Config{})
			r.must(OpPut, `{"a":1,"b":1,"o":{"p":1}}`)
			lost := 0
			in := r.fieldIntent(tt.op, tt.at, tt.body, "If-Match", r.fieldTagNow(tt.at))
			r.store.onCommit(func(_ *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
				if lost++; lost == 1 {
					r.byRival(OpMergePatch, tt.rival, "")
				}
				return next()
			})
			out, refusal := r.do(in)
			switch {
			case tt.refused == "" && (refusal != nil || out.Rounds != 2):
				t.Errorf("%+v %+v", out, refusal)
			case tt.refused != "" && (refusal == nil || refusal.Reason != tt.refused || refusal.Field == nil):
				t.Errorf("%+v %+v, want %s", out, refusal, tt.refused)
			case tt.refused == ReasonStale && refusal.Applied != (tt.rival == `{"a":2}`):
				t.Errorf("applied: %t", refusal.Applied)
			}
			doc, err := r.memory.Get(t.Context(), ref)
			if err != nil || string(doc.Body) != tt.want {
				t.Errorf("stored is %s, want %s: %v", doc.Body, tt.want, err)
			}
		})
	}
}

// paths yields where there are values in v, and where one could be put.
func paths(v jsonvalue.Value, at jsonvalue.Pointer) []jsonvalue.Pointer {
	var all []jsonvalue.Pointer
	below := func(token string, v jsonvalue.Value) {
		p := append(slices.Clone(at), token)
		all = append(append(all, p), paths(v, p)...)
	}
	for _, m := range v.Members() {
		below(m.Name, m.Value)
	}
	for i, e := range v.Elems() {
		below(strconv.Itoa(i), e)
	}
	switch v.Kind() {
	case jsonvalue.KindObject:
		all = append(all, append(slices.Clone(at), "new/~"))
	case jsonvalue.KindArray:
		all = append(all, append(slices.Clone(at), strconv.Itoa(v.Len())))
	}
	return all
}

// fieldValue draws a value of few members and elements.
func fieldValue(t *rapid.T, depth int) jsonvalue.Value {
	switch rapid.IntRange(0, 1+min(depth, 2)).Draw(t, "kind") {
	case 2:
		elems := make([]jsonvalue.Value, rapid.IntRange(0, 2).Draw(t, "length"))
		for i := range elems {
			elems[i] = fieldValue(t, depth-1)
		}
		return jsonvalue.Array(elems...)
	case 3:
		return fieldObject(t, depth)
	}
	return jsonvalue.Int(rapid.Int64Range(0, 1).Draw(t, "n"))
}

func fieldObject(t *rapid.T, depth int) jsonvalue.Value {
	var members []jsonvalue.Member
	for _, name := range []string{"a", "", "x/y"} {
		if rapid.Bool().Draw(t, "has") {
			members = append(members, jsonvalue.Member{Name: name, Value: fieldValue(t, depth-1)})
		}
	}
	o, err := jsonvalue.Object(members...)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// What is put in a place is there then, under another tag unless it was there before,
// and every place that neither holds it nor lies within has what it had, and its tag.
func TestFieldLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := New(memory.Open(memory.Options{}), Config{})
		ctx := context.Background()
		document := fieldObject(t, 3)
		if _, err := e.Do(ctx, &Intent{Ref: ref, Rules: &optional, Op: OpPut, Body: document.Append(nil)}); err != nil {
			t.Fatal(err)
		}
		places := paths(document, nil)
		at := rapid.SampledFrom(places).Draw(t, "at")
		read := func(at jsonvalue.Pointer) FieldReading {
			f, err := e.ReadField(ctx, ref, &optional, nil, at, ifmatch.Conditions{})
			if err != nil && !document.At(at).IsAbsent() {
				t.Fatal(at, err)
			}
			return f
		}
		before := make([]FieldReading, len(places))
		for i, p := range places {
			before[i] = read(p)
		}
		was, value := document.At(at), fieldValue(t, 2)
		in := &Intent{Ref: ref, Rules: &optional, Op: OpField, Field: &Field{At: at, Op: OpPut}, Body: value.Append(nil)}
		if !was.IsAbsent() {
			in.Conditions.IfMatch = ifmatch.Tags(read(at).ETag)
		}
		out, err := e.Do(ctx, in)
		if err != nil {
			t.Fatalf("%s to %s: %v", at, value.Append(nil), err)
		}
		is := read(at)
		if !jsonvalue.Identical(is.Value, value) || out.Field.ETag != is.ETag || out.FieldBefore.Exists() == was.IsAbsent() {
			t.Fatalf("%s of %s is %s, and was told to be %s", at, out.Document.Body, is.Value.Append(nil), out.Field.Value.Append(nil))
		}
		if same := jsonvalue.Equal(was, value); same != (out.FieldBefore.ETag == is.ETag) {
			t.Fatalf("the value is the same: %t, under %v and %v", same, out.FieldBefore.ETag, is.ETag)
		}
		for i, p := range places {
			if p.HasPrefix(at) || at.HasPrefix(p) {
				continue
			}
			if now := read(p); now.ETag != before[i].ETag || !now.Value.IsAbsent() && !jsonvalue.Identical(now.Value, before[i].Value) {
				t.Fatalf("%s was changed by a write of %s", p, at)
			}
		}
		in.Field.Op, in.Conditions.IfMatch = OpDelete, ifmatch.Tags(is.ETag)
		if _, err := e.Do(ctx, in); err != nil {
			t.Fatal(err)
		}
	})
}
