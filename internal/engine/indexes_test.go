package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/audit"
	"github.com/ifmatch/ifmatch/internal/index"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/memory"
)

func indexesOf(t testing.TB, ids ...string) []*index.Index {
	t.Helper()
	var all []*index.Index
	for _, id := range ids {
		x, err := index.Parse(id)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, x)
	}
	return index.Sorted(all)
}

// under returns rules with these indexes, of writers who ask for nothing.
func under(t testing.TB, ids ...string) Rules {
	rules := optional
	rules.Indexes = indexesOf(t, ids...)
	return rules
}

// listed returns the ids of the list in the order of an index.
func (r *rig) listed(x *index.Index) string {
	r.t.Helper()
	page, err := r.engine.List(context.Background(), ref.Part, &r.rules, nil, store.ListQuery{Sort: x.ID(), Limit: 100})
	if err != nil {
		r.t.Fatal(err)
	}
	var ids []string
	for _, d := range page.Documents {
		ids = append(ids, d.Ref.ID)
	}
	return strings.Join(ids, " ")
}

// TestKeysFollowEveryWrite: whatever a write does to a document, it leaves it
// under the keys of what it is then.
func TestKeysFollowEveryWrite(t *testing.T) {
	r := newRig(t, under(t, "number /age", "string /address/city"), Config{})
	age, city := r.rules.Indexes[0], r.rules.Indexes[1]
	for _, step := range []struct {
		op         Op
		body       string
		headers    []string
		age, place string // of the document then, as values in a query; "-" for none
	}{
		{OpPut, `{"age":7,"address":{"city":"Ulm"}}`, nil, "7", "Ulm"},
		{OpPut, `{"age":10}`, nil, "10", "-"},
		{OpMergePatch, `{"address":{"city":""}}`, nil, "10", ""},
		{OpJSONPatch, `[{"op":"replace","path":"/age","value":"old"}]`, nil, "-", ""},
		{OpPut, `{"age":1.0}`, []string{"If-Match", `"2"`, "Prefer", "overwrite"}, "1", "-"},
		{OpDelete, "", nil, "", ""},
		{OpPut, `{"age":2}`, nil, "2", "-"},
	} {
		r.rules.Allow = []Strategy{StrategyOverwrite}
		r.must(step.op, step.body, step.headers...)
		var got []string
		err := r.memory.ScanIndexes(t.Context(), func(row *store.IndexRow) error {
			got = append(got, fmt.Sprintf("%s %x", row.Index, row.Key))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		if step.op != OpDelete {
			for x, value := range map[*index.Index]string{age: step.age, city: step.place} {
				key := []byte{}
				if value != "-" {
					if key, err = x.KeyOf(value); err != nil {
						t.Fatal(err)
					}
				}
				want = append(want, fmt.Sprintf("%s %x", x.ID(), key))
			}
		}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("op %d %s: the rows are %q, want %q", step.op, step.body, got, want)
		}
	}
	dry := r.intent(OpPut, `{"age":99}`)
	dry.Dry = true
	if _, refusal := r.do(dry); refusal != nil {
		t.Errorf("a dry run: %v", refusal)
	}
	r.refused(ReasonStale, r.intent(OpPut, `{"age":98}`, "If-Match", `"1"`))
	r.verified()
}

// TestReindex: documents that are older than a declaration are listed by it, and
// nothing is read twice for nothing.
func TestReindex(t *testing.T) {
	r := newRig(t, optional, Config{})
	for i, body := range []string{`{"age":10}`, `{"age":9.99}`, `{"age":"x"}`, `{}`, `{"age":1e1,"at":"2026-11-21T15:04:05Z"}`} {
		in := r.intent(OpPut, body)
		in.Ref.ID = fmt.Sprint(i)
		if _, refusal := r.do(in); refusal != nil {
			t.Fatal(refusal)
		}
	}
	for _, step := range []struct {
		name    string
		indexes []string
		sort    string // the index to list by
		want    string
	}{
		{"one", []string{"number /age"}, "number /age", "2 3 1 0 4"},
		{"another type", []string{"string /age"}, "string /age", "0 1 3 4 2"},
		{"two", []string{"number /age", "time /at"}, "time /at", "0 1 2 3 4"},
		{"none", nil, "", ""},
		{"one again", []string{"number /age"}, "number /age", "2 3 1 0 4"},
	} {
		t.Run(step.name, func(t *testing.T) {
			declared := indexesOf(t, step.indexes...)
			if yes, _, err := Indexed(t.Context(), r.memory, "notes", declared); yes || err != nil {
				t.Fatalf("indexed before: %t, %v", yes, err)
			}
			if n, err := Reindex(t.Context(), r.memory, "notes", declared); n != 5 || err != nil {
				t.Fatalf("%d documents, %v", n, err)
			}
			if yes, are, err := Indexed(t.Context(), r.memory, "notes", declared); !yes || err != nil || !slices.Equal(are, idsOf(declared)) {
				t.Errorf("indexed after: %t, %q, %v", yes, are, err)
			}
			if step.sort != "" {
				if got := r.listed(indexesOf(t, step.sort)[0]); got != step.want {
					t.Errorf("the list is %s, want %s", got, step.want)
				}
			}
			r.verified()
		})
	}
}

// without is a store that keeps no indexes.
type without struct{ store.Store }

func TestReindexWithoutIndexes(t *testing.T) {
	s := without{memory.Open(memory.Options{})}
	if yes, are, err := Indexed(t.Context(), s, "notes", nil); !yes || are != nil || err != nil {
		t.Errorf("no indexes: %t, %q, %v", yes, are, err)
	}
	declared := indexesOf(t, "string /a")
	if yes, _, err := Indexed(t.Context(), s, "notes", declared); yes || !errors.Is(err, ErrNoIndexes) {
		t.Errorf("one index: %t, %v", yes, err)
	}
	if _, err := Reindex(t.Context(), s, "notes", declared); !errors.Is(err, ErrNoIndexes) {
		t.Errorf("reindexing: %v", err)
	}
}

// indexed is a scan with indexes, for tests to falsify.
type indexed struct {
	*scan
	store.Indexer // for what is not asked for
	names         []string
	half          bool
	lines         []*store.IndexRow
}

func (s *indexed) Indexes(context.Context, string) ([]string, bool, error) {
	return s.names, !s.half, nil
}

func (s *indexed) ScanIndexes(_ context.Context, yield func(*store.IndexRow) error) error {
	for _, row := range s.lines {
		if err := yield(row); err != nil {
			return err
		}
	}
	return nil
}

// TestVerifyFindsInIndexes falsifies one thing at a time. Rows are those of /a, by
// key, and then those of /n.
func TestVerifyFindsInIndexes(t *testing.T) {
	r := newRig(t, under(t, "string /a", "number /n"), Config{})
	for i, body := range []string{`{"n":1,"a":"x"}`, `{"n":2}`, `{"a":"y"}`} {
		in := r.intent(OpPut, body)
		in.Ref.ID = fmt.Sprintf("d%d", i)
		if _, refusal := r.do(in); refusal != nil {
			t.Fatal(refusal)
		}
	}
	r.must(OpPut, `{"n":1}`)
	r.must(OpDelete, "")
	for _, tt := range []struct {
		name    string
		falsify func(*indexed)
		want    []string // id: message
	}{
		{"nothing", func(*indexed) {}, nil},
		{"a row is gone", func(s *indexed) { s.lines = s.lines[1:] }, []string{`d2: has no row in the index "number /n"`}},
		{"a row too many", func(s *indexed) {
			row := *s.lines[0]
			row.Ref.ID = "new"
			s.lines = append(s.lines, &row)
		}, []string{`new: has a row in the index "number /n" that its body does not have`}},
		{"a row twice", func(s *indexed) { s.lines = append(s.lines, s.lines[0]) }, []string{`: has a row in the index "number /n" that its body does not have`}},
		{"another key in a row", func(s *indexed) { s.lines[5].Key = []byte("sz") }, []string{
			`d2: has a row in the index "string /a" that its body does not have`, `d2: has no row in the index "string /a"`}},
		{"another body", func(s *indexed) { s.documents[2].Body = []byte(`{"n":3}`) }, []string{"d1: has a row", "d1: has no row"}},
		{"keys of a tombstone", func(s *indexed) {
			s.documents[3].Deleted, s.documents[3].Body = true, nil
		}, []string{`d2: has a row in the index "number /n"`, `d2: has a row in the index "string /a"`}},
		{"an index of the future", func(s *indexed) { s.names = append(s.names, "vector /v") }, []string{`: is under an index of another version, "vector /v", which is not checked`}},
		{"half indexed", func(s *indexed) { s.half, s.lines = true, s.lines[1:] }, nil},
		{"no indexes", func(s *indexed) { s.names = nil }, []string{"d0: has a row"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &indexed{scan: r.scanned(), names: []string{"number /n", "string /a"}}
			err := r.memory.ScanIndexes(t.Context(), func(row *store.IndexRow) error {
				c := *row
				s.lines = append(s.lines, &c)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			rows := len(s.lines)
			if tt.falsify(s); rows != 6 {
				t.Fatalf("%d rows", rows)
			}
			report, err := audit.Verify(t.Context(), s, nil)
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, f := range report.Findings {
				all = append(all, f.Ref.ID+": "+f.Message)
			}
			found := strings.Join(all, "\n")
			for _, want := range tt.want {
				if !strings.Contains(found, want) {
					t.Errorf("found %q, want %q", found, want)
				}
			}
			if (tt.want == nil) != report.OK() || report.IndexRows != len(s.lines) {
				t.Errorf("found %q in %d rows", found, report.IndexRows)
			}
		})
	}
}
