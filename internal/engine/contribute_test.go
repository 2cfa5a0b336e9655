package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/contribution"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/memory"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// contributedRules are the rules of documents that take contributions.
func contributedRules(t testing.TB, fields ...merge.Field) Rules {
	t.Helper()
	compiled, err := contribution.Compile(merge.Rules{Fields: fields})
	if err != nil {
		t.Fatal(err)
	}
	sure, err := jsonvalue.Number("0.5")
	if err != nil {
		t.Fatal(err)
	}
	rules := optional
	rules.Contributions = &Contributions{Rules: compiled, Confidence: sure}
	return rules
}

// says is the content of a contribution that was observed minutes after noon.
func says(source, confidence string, minute int, data string) string {
	return fmt.Sprintf(`{"source":%q,"confidence":%s,"observedAt":%q,"data":%s}`, source, confidence, noon.Add(time.Duration(minute)*time.Minute).Format(time.RFC3339), data)
}

// contributions are what the document is made of.
func (r *rig) contributions() []contribution.Contribution {
	r.t.Helper()
	all, err := r.rival.Contributions(context.Background(), ref, &r.rules, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return all
}

func (r *rig) withdraw(id string) *Intent {
	in := r.intent(OpWithdraw, "")
	in.Contribution = id
	return in
}

// TestTouches: what leaves the content alone leaves version, date and body, and is
// a log row all the same.
func TestTouches(t *testing.T) {
	now := noon
	r := newRig(t, contributedRules(t), Config{Now: func() time.Time { return now }})
	r.must(OpContribute, says("crm", "0.8", 0, `{"a":1}`))
	before := r.current()
	now = noon.Add(10 * time.Minute)
	out := r.must(OpContribute, says("erp", "0.2", 1, `{"a":2}`))
	after := r.current()
	if out.Result != Contributed || string(out.Document.Body) != `{"a":1}` || out.Document.Version != 1 || out.Contribution.Source != "erp" {
		t.Errorf("the outcome is %+v", out)
	}
	if after.Rev != before.Rev+1 || after.Version != 1 || after.Digest != before.Digest || !after.At.Equal(before.At) || string(after.Body) != `{"a":1}` {
		t.Errorf("it stands at %+v, after %+v", after.Head, before.Head)
	}
	rows := r.log()
	if last := rows[len(rows)-1]; last.Action != store.ActionTouch || last.Outcome != "contributed" || last.Digest != before.Digest || !last.At.Equal(now) {
		t.Errorf("the log says %+v", last)
	}
	now = noon.Add(5 * time.Minute) // the clock was set back below the touch
	r.must(OpContribute, says("erp", "0.9", 2, `{"a":3}`))
	r.holds(2, `{"a":3}`)
	r.verified()
}

// TestContributionsAreReadAtOneTime: what is decided on rows is decided on the
// document that they belong to.
func TestContributionsAreReadAtOneTime(t *testing.T) {
	r := newRig(t, contributedRules(t), Config{})
	first := r.must(OpContribute, says("crm", "0.8", 0, `{"a":1}`)).Contribution
	second := r.must(OpContribute, says("crm", "0.8", 1, `{"b":1}`)).Contribution
	minute := 10
	meanwhile := func(times int) {
		r.store.rows = func() error {
			if times--; times >= 0 {
				minute++
				if _, refusal := r.on(r.rival, r.intent(OpContribute, says("erp", "0.9", minute, fmt.Sprintf(`{"a":%d}`, minute)))); refusal != nil {
					t.Error(refusal)
				}
			}
			return nil
		}
	}
	meanwhile(1)
	if out, refusal := r.do(r.withdraw(first.ID)); refusal != nil || out.Rounds != 2 {
		t.Errorf("withdrawn between a document and its rows: %+v, %v", out, refusal)
	}
	meanwhile(1)
	if c, err := r.engine.Contribution(context.Background(), ref, &r.rules, nil, second.ID); err != nil || c.ID != second.ID {
		t.Errorf("read between them: %v, %v", c, err)
	}
	meanwhile(1)
	if reading, provenance, err := r.engine.ReadTraced(context.Background(), ref, &r.rules, nil, ifmatch.Conditions{}); err != nil ||
		!strings.Contains(string(provenance), `"/a":{"source":"erp"`) || !strings.Contains(string(reading.Document.Body), fmt.Sprint(minute)) {
		t.Errorf("traced between them: %s, %v", provenance, err)
	}
	meanwhile(1000)
	_, err := r.engine.Contributions(context.Background(), ref, &r.rules, nil)
	if refusal, ok := errors.AsType[*Refusal](err); !ok || refusal.Reason != ReasonContended {
		t.Errorf("read where it never stands still: %v", err)
	}
	r.store.rows = nil
	r.verified()
}

// TestContributionsNeedRows: what cannot be kept is not taken.
func TestContributionsNeedRows(t *testing.T) {
	rules := contributedRules(t)
	e := New(struct{ store.Store }{memory.Open(memory.Options{})}, Config{})
	for _, in := range []*Intent{{Op: OpContribute, Body: []byte(says("crm", "0.8", 0, `{}`))}, {Op: OpPut, Body: []byte(`{}`)}} {
		in.Ref, in.Rules = ref, &rules
		_, err := e.Do(context.Background(), in)
		if refusal, ok := errors.AsType[*Refusal](err); !ok || refusal.Reason != ReasonInternal || !errors.Is(err, errNoRows) {
			t.Errorf("%v", err)
		}
	}
	r := newRig(t, rules, Config{})
	r.must(OpContribute, says("crm", "0.8", 0, `{"a":1}`))
	r.store.rows = func() error { return store.ErrClosed }
	r.refused(ReasonReadOnly, r.intent(OpContribute, says("crm", "0.8", 1, `{"a":2}`)))
	r.refused(ReasonReadOnly, r.intent(OpPut, `{"a":2}`))
	if _, _, err := r.engine.ReadTraced(context.Background(), ref, &rules, nil, ifmatch.Conditions{}); !errors.Is(err, store.ErrClosed) {
		t.Errorf("%v", err)
	}
}

// TestUnknownContributions: a contribution whose commit may have happened is run
// again, and stands once.
func TestUnknownContributions(t *testing.T) {
	r := newRig(t, contributedRules(t, merge.Field{Path: "/n", Type: merge.Counter}), Config{})
	r.must(OpContribute, says("crm", "0.8", 0, `{"n":1}`))
	unknown := 1
	r.store.onCommit(func(_ *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
		receipt, err := next()
		if unknown--; unknown >= 0 {
			return store.Receipt{}, store.ErrOutcomeUnknown
		}
		return receipt, err
	})
	r.must(OpContribute, says("crm", "0.8", 1, `{"n":1}`))
	r.holds(2, `{"n":2}`)
	if all := r.contributions(); len(all) != 2 {
		t.Errorf("there are %d", len(all))
	}
	r.verified()
}

// TestProvenanceUnderOtherRules: what the rules of today would make of it is not
// what the document of yesterday comes of.
func TestProvenanceUnderOtherRules(t *testing.T) {
	r := newRig(t, contributedRules(t), Config{})
	r.must(OpContribute, says("crm", "0.8", 0, `{"a":1,"b":1}`))
	r.must(OpContribute, says("erp", "0.2", 1, `{"a":2,"b":1}`))
	other := contributedRules(t, merge.Field{Path: "/*", OnConflict: merge.OnConflict{Rule: merge.RuleNewest, By: contribution.ByObservedAt}})
	for i, rules := range []*Rules{&r.rules, &other} {
		_, got, err := r.engine.ReadTraced(context.Background(), ref, rules, nil, ifmatch.Conditions{})
		if err != nil {
			t.Fatal(err)
		}
		crm, erp := `{"source":"crm","confidence":0.8,"observedAt":"2024-05-01T12:00:00Z"}`, `{"source":"erp","confidence":0.2,"observedAt":"2024-05-01T12:01:00Z"}`
		if want := []string{`{"/a":` + crm + `,"/b":` + crm + `}`, `{"/b":` + erp + `}`}[i]; string(got) != want {
			t.Errorf("it comes of %s, want %s", got, want)
		}
	}
	r.rules = other
	r.must(OpMergePatch, `{"b":3}`)
	r.holds(2, `{"a":2,"b":3}`)
}

// TestContributedDocumentsAddUp: after any writes, in whatever order, the document
// is what its contributions make, and the store contradicts itself nowhere.
func TestContributedDocumentsAddUp(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t, contributedRules(t, merge.Field{Path: "/s", Type: merge.Set}, merge.Field{Path: "/n", Type: merge.Counter},
			merge.Field{Path: "/b", OnConflict: merge.OnConflict{Rule: merge.RuleNewest, By: contribution.ByObservedAt}}), Config{Now: func() time.Time { return noon.Add(time.Hour) }})
		body := rapid.SampledFrom([]string{`{"a":1}`, `{"a":2,"b":{"c":1}}`, `{"s":["x"],"n":1}`, `{"s":["y","x"],"n":2,"b":{"d":2}}`, `{"b":3}`, `{}`})
		for minute := range rapid.IntRange(1, 12).Draw(rt, "writes") {
			in := r.intent(OpPut, body.Draw(rt, "content"))
			switch rapid.IntRange(0, 9).Draw(rt, "write") {
			case 0:
				in.Op = OpDelete
			case 1, 2:
				in.Op = OpMergePatch
			case 3:
				in.Lenient = true
			case 4:
				if r.current().Exists() {
					if all := r.contributions(); len(all) > 0 {
						in = r.withdraw(rapid.SampledFrom(all).Draw(rt, "of").ID)
					}
				}
			case 5, 6, 7, 8:
				in = r.intent(OpContribute, says(rapid.SampledFrom([]string{"crm", "erp"}).Draw(rt, "source"), rapid.SampledFrom([]string{"0.2", "0.5", "0.8"}).Draw(rt, "confidence"), minute, body.Draw(rt, "data")), "If-None-Match", `"0"`)
			}
			before := r.dump()
			out, refusal := r.do(in)
			if refusal != nil && r.dump() != before {
				rt.Fatalf("refused as %v, and something is left", refusal)
			}
			if refusal != nil && !slices.Contains([]Reason{ReasonOutranked, ReasonNotFound}, refusal.Reason) {
				rt.Fatalf("refused as %v", refusal)
			}
			doc := r.current()
			if !doc.Exists() {
				if rows, err := r.memory.Rows(context.Background(), ref, kindContribution); err != nil || len(rows) > 0 {
					rt.Fatalf("nothing is there, and %d rows, %v", len(rows), err)
				}
				continue
			}
			value := r.rules.Contributions.Rules.Materialise(r.contributions())
			stored, err := r.engine.parseStored(doc.Body)
			if err != nil || !jsonvalue.Identical(value, stored) || value.Digest() != doc.Digest {
				rt.Fatalf("after %+v stored is %s, and its contributions make %s", out, doc.Body, value.Append(nil))
			}
		}
		r.verified()
	})
}
