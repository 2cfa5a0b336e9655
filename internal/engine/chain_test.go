package engine

import (
	"bytes"
	"context"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/audit"
	"github.com/ifmatch/ifmatch/internal/store"
)

// scan is a store's contents, for tests to falsify.
type scan struct {
	documents []*store.Document
	rows      []*store.Entry
	broken    error
}

func (s *scan) ScanDocuments(_ context.Context, yield func(*store.Document) error) error {
	for _, d := range s.documents {
		if err := yield(d); err != nil {
			return err
		}
	}
	return nil
}

func (s *scan) ScanLog(_ context.Context, yield func(*store.Entry) error) error {
	for _, e := range s.rows {
		if err := yield(e); err != nil {
			return err
		}
	}
	return nil
}

func (s *scan) CheckIntegrity(context.Context) error { return s.broken }

// scanned returns a deep copy of what the rig's store holds.
func (r *rig) scanned() *scan {
	r.t.Helper()
	s := &scan{}
	ctx := context.Background()
	err := r.memory.ScanDocuments(ctx, func(d *store.Document) error {
		c := *d
		c.Link, c.Body = bytes.Clone(d.Link), bytes.Clone(d.Body)
		s.documents = append(s.documents, &c)
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, e := range r.log() {
		e.Link, e.Body, e.Decisions = bytes.Clone(e.Link), bytes.Clone(e.Body), bytes.Clone(e.Decisions)
		e.Actor.Roles = slices.Clone(e.Actor.Roles)
		s.rows = append(s.rows, &e)
	}
	return s
}

func (s *scan) verify(t testing.TB, chain *audit.Chain) *audit.Report {
	t.Helper()
	report, err := audit.Verify(context.Background(), s, chain)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// story returns a store in which every kind of row stands: two documents, one
// of which was deleted and made anew.
func story(t *testing.T) *rig {
	rules := optional
	rules.Allow = []Strategy{StrategyOverwrite}
	tick := 0
	r := newRig(t, rules, Config{Now: func() time.Time { tick++; return noon.Add(time.Duration(tick) * time.Second) }})
	write := func(id string, op Op, body string, headers ...string) {
		in := r.intent(op, body, headers...)
		in.Ref.ID, in.Actor.Roles, in.Correlation = id, []string{"editor", "writer"}, "c-"+id
		if _, refusal := r.do(in); refusal != nil {
			t.Fatal(refusal)
		}
	}
	write("1", OpPut, `{"n":0}`, "Writer", "ann")
	write("2", OpPut, `{"m":0}`, "Writer", "bob")
	write("1", OpMergePatch, `{"n":1}`, "Writer", "bob", "If-Match", `"1"`)
	write("1", OpPut, `{"n":2}`, "Writer", "ann", "If-Match", `"1"`, "Prefer", "overwrite")
	write("2", OpJSONPatch, `[{"op":"add","path":"/k","value":null}]`, "Writer", "eve", "If-Match", `*`)
	write("1", OpDelete, "", "Writer", "ann")
	write("1", OpPut, `{"n":3}`, "Writer", "ann", "If-None-Match", "*")
	write("2", OpMergePatch, `{"k":7}`, "Writer", "bob")
	write("2", OpDelete, "", "Writer", "bob")
	return r
}

func TestChainHolds(t *testing.T) {
	r := story(t)
	report := r.scanned().verify(t, r.chain)
	if !report.OK() || report.Rows != 9 || report.Sealed != 9 || report.Documents != 1 || report.Tombstones != 1 {
		t.Errorf("%+v", report)
	}
	if report := r.scanned().verify(t, nil); !report.OK() || report.Sealed != 0 {
		t.Errorf("without the key: %+v", report)
	}
}

// TestChainVouchesForEveryField changes each field of each row in turn. It walks
// the type, so that a field that is added later is held to it too.
func TestChainVouchesForEveryField(t *testing.T) {
	// Lane and position are the store's to assign; verification holds them by their
	// order, which TestVerifyFinds covers.
	unsealed := []string{".Lane", ".Position"}
	r := story(t)
	for i := range r.log() {
		for _, field := range leaves(reflect.TypeFor[store.Entry](), "") {
			if slices.Contains(unsealed, field) {
				continue
			}
			s := r.scanned()
			row := s.rows[i]
			if field == ".Body" && row.Body == nil {
				continue // there is none to falsify, and adding one to a deletion changes nothing that is read
			}
			falsify(t, reflect.ValueOf(row).Elem(), field)
			if s.verify(t, r.chain).OK() {
				t.Errorf("row %d: a change of %s is not found", i, field)
			}
		}
	}
}

// leaves names the fields of a struct type, those of its structs included.
func leaves(typ reflect.Type, path string) []string {
	if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[time.Time]() {
		return []string{path}
	}
	var names []string
	for f := range typ.Fields() {
		names = append(names, leaves(f.Type, path+"."+f.Name)...)
	}
	return names
}

// falsify changes the field of v that path names, as little as its type allows.
func falsify(t *testing.T, v reflect.Value, path string) {
	t.Helper()
	for name := range bytes.SplitSeq([]byte(path[1:]), []byte(".")) {
		v = v.FieldByName(string(name))
	}
	switch x := v.Addr().Interface().(type) {
	case *string:
		*x += "x"
	case *store.Action:
		*x = map[bool]store.Action{true: store.ActionPatch, false: store.ActionPut}[*x == store.ActionPut]
	case *int64:
		*x++
	case *bool:
		*x = !*x
	case *time.Time:
		*x = x.Add(time.Microsecond)
	case *[]string:
		*x = append((*x)[:len(*x)-1:len(*x)-1], "admin")
	case *[]byte:
		if len(*x) == 0 {
			*x = []byte("{}")
		} else {
			(*x)[len(*x)-1] ^= 1
		}
	case *store.ID:
		x[15] ^= 1
	case *[32]byte:
		x[31] ^= 1
	default:
		t.Fatalf("no way to falsify %s of type %s", path, v.Type())
	}
}

// TestChainVouchesForTheOrder drops and swaps whole rows. Only within a document
// have rows an order that is sealed.
func TestChainVouchesForTheOrder(t *testing.T) {
	r := story(t)
	n := len(r.log())
	for i := range n {
		s := r.scanned()
		s.rows = slices.Delete(s.rows, i, i+1)
		if s.verify(t, r.chain).OK() {
			t.Errorf("nobody misses row %d", i)
		}
		for j := range i {
			s := r.scanned()
			a, b := s.rows[i], s.rows[j]
			s.rows[i], s.rows[j] = b, a
			a.Position, b.Position = b.Position, a.Position
			if a.Ref == b.Ref && s.verify(t, r.chain).OK() {
				t.Errorf("rows %d and %d changed places unseen", j, i)
			}
			a.Ref, b.Ref = b.Ref, a.Ref
			a.Rev, b.Rev = b.Rev, a.Rev
			a.Version, b.Version = b.Version, a.Version
			a.Link, b.Link = b.Link, a.Link
			if s.verify(t, r.chain).OK() {
				t.Errorf("rows %d and %d exchanged what they say unseen", j, i)
			}
		}
	}
}

func TestChainNeedsItsKey(t *testing.T) {
	r := story(t)
	other, err := audit.NewChain([]byte("another key of 32 bytes, for test"))
	if err != nil {
		t.Fatal(err)
	}
	if report := r.scanned().verify(t, other); len(report.Findings) != report.Rows || report.Sealed != 0 {
		t.Errorf("under another key %d of %d rows break", len(report.Findings), report.Rows)
	}
	if _, err := audit.NewChain(make([]byte, ifmatch.MinSigningKey-1)); err == nil {
		t.Error("a short key was taken")
	}
}

// TestErasedBodiesStillVerify checks what retention will rely on.
func TestErasedBodiesStillVerify(t *testing.T) {
	r := story(t)
	s := r.scanned()
	for _, row := range s.rows {
		row.Body = nil
	}
	if report := s.verify(t, r.chain); !report.OK() || report.Sealed != report.Rows {
		t.Errorf("%+v", report)
	}
}
