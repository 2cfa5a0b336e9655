package engine

import (
	"context"
	"fmt"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/patch"
)

// memberTest is a test of a JSON Patch on a member that the contract adds. The
// patch itself cannot judge it: it is applied to what is stored.
type memberTest struct {
	index int               // of the operation
	of    *member           // that the test is about
	path  jsonvalue.Pointer // of the member, or of something within
	below jsonvalue.Pointer // path within the member
	want  jsonvalue.Value
}

// memberWriteError says that a JSON Patch would write what the contract adds.
type memberWriteError struct {
	index int
	kind  string
	at    jsonvalue.Pointer
}

func (e *memberWriteError) Error() string {
	return fmt.Sprintf("operation %d: cannot %s %q: the server writes this member, a JSON Patch may only test it", e.index, e.kind, e.at.String())
}

// takeTests returns a JSON Patch less what it tests of the contract's members,
// and that by itself. It fails with a [*memberWriteError] where the patch does
// anything else to them.
func (m *Members) takeTests(p patch.JSONPatch) (patch.JSONPatch, []memberTest, error) {
	ops := p.Ops()
	var tests []memberTest
	for i := range ops {
		op := &ops[i]
		for _, one := range m.all() {
			if one.at == nil {
				continue
			}
			if op.Kind != patch.OpTest {
				if one.writtenBy(op) {
					return p, nil, &memberWriteError{index: i, kind: op.Kind, at: one.at}
				}
			} else if test, ok := one.takeFrom(op); ok {
				test.index, test.of = i, one
				tests = append(tests, test)
			}
		}
	}
	return p.WithOps(ops), tests, nil
}

// writtenBy tells whether an operation other than a test has to do with the
// member, or with something within.
func (one *member) writtenBy(op *patch.Op) bool {
	if op.Path.HasPrefix(one.at) || op.From.HasPrefix(one.at) {
		return true
	}
	return one.at.HasPrefix(op.Path) && !op.Value.At(one.at[len(op.Path):]).IsAbsent()
}

// takeFrom takes the member out of a test. What is left of the test holds for
// what is stored.
func (one *member) takeFrom(op *patch.Op) (memberTest, bool) {
	if op.Path.HasPrefix(one.at) {
		test := memberTest{path: op.Path, below: op.Path[len(one.at):], want: op.Value}
		*op = patch.Op{Kind: patch.OpMove} // of the whole document onto itself: nothing
		return test, true
	}
	if !one.at.HasPrefix(op.Path) {
		return memberTest{}, false
	}
	rest := one.at[len(op.Path):]
	value, was := op.Value.Without(rest)
	op.Value = one.openAt(value, rest)
	return memberTest{path: one.at, want: was}, !was.IsAbsent()
}

// open puts empty objects where every body shows some that hold nothing but the
// contract's members, so that a patch finds what its writer has seen.
func (m *Members) open(v jsonvalue.Value) jsonvalue.Value {
	if m == nil {
		return v
	}
	return m.digest.openAt(m.version.openAt(v, m.version.at), m.digest.at)
}

func (one *member) openAt(v jsonvalue.Value, at jsonvalue.Pointer) jsonvalue.Value {
	if !one.always || len(at) < 2 || !v.At(at[:len(at)-1]).IsAbsent() {
		return v
	}
	empty, _ := jsonvalue.Object()
	opened, _ := v.With(at[:len(at)-1], empty)
	return opened
}

// checkMembers judges a JSON Patch's tests on the members that a state of the
// document is shown with: v under at. It fails with a [*Refusal].
//
// Links are of other documents, which may change before the commit: of them a test
// says what stood there when it was judged, and nothing about later.
func (w *write) checkMembers(ctx context.Context, v jsonvalue.Value, at *store.Head) error {
	for i := range w.content.tests {
		t := &w.content.tests[i]
		member, err := w.memberValue(ctx, t.of, v, at)
		if err != nil {
			return w.failed(err)
		}
		if got := member.At(t.below); !jsonvalue.Equal(got, t.want) {
			return w.badPatch(&patch.TestFailedError{Index: t.index, Path: t.path, Want: t.want, Got: got})
		}
	}
	return nil
}

// memberValue returns the value that a member is shown with.
func (w *write) memberValue(ctx context.Context, of *member, v jsonvalue.Value, at *store.Head) (jsonvalue.Value, error) {
	m := w.intent.Rules.Members
	switch of {
	case &m.version:
		return m.versionValue(at), nil
	case &m.digest:
		if w.view != nil { // it is not shown
			return jsonvalue.Value{}, nil
		}
		digest := at.Digest
		if digest == [32]byte{} { // not every store keeps it
			digest = v.Digest()
		}
		return jsonvalue.String(fmt.Sprintf("%x", digest)), nil
	case &m.meta:
		row, err := w.engine.Row(ctx, at)
		if err != nil {
			return v, err
		}
		return w.engine.parseStored(w.intent.Rules.AppendEntry(nil, row, w.view == nil))
	case &m.provenance:
		return w.provenanceOf(ctx, v)
	}
	if w.intent.Links == nil {
		return jsonvalue.Value{}, nil
	}
	links, err := w.intent.Links(ctx)
	if err != nil {
		return v, err
	}
	return w.engine.parseStored(links)
}

func (m *Members) versionValue(h *store.Head) jsonvalue.Value {
	v := jsonvalue.Int(h.Version)
	if m.text {
		return jsonvalue.String(v.Text())
	}
	return v
}
