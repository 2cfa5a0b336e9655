package engine

import (
	"context"
	"fmt"
	"testing"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// owners is an authority by documents: who owns one may do everything to it.
type owners struct{ asked }

func (*owners) May(_ Action, document jsonvalue.Value) Answer {
	switch owner := document.Lookup("owner"); {
	case document.IsAbsent():
		return Depends
	case owner.Text() == "ann":
		return Yes
	}
	return No
}

// governed are rules under which everything is asked about documents.
func governed() Rules {
	rules := optional
	rules.Reserved = Reserved{Access: true, Documents: true}
	return rules
}

// TestAccessOnEveryTurn: a write that loses a race is judged on what won, whatever it
// was judged on before.
func TestAccessOnEveryTurn(t *testing.T) {
	const hers, his = `{"owner":"ann","n":1}`, `{"owner":"bob","n":1}`
	for _, tt := range []struct {
		name          string
		before, rival string // "" for no document
		op            Op
		body          string
		reason        Reason // "" for a success
	}{
		{"a patch of what was hers", hers, his, OpMergePatch, `{"n":2}`, ReasonNotFound},
		{"a replacement of what was hers", hers, his, OpPut, `{"owner":"ann","n":2}`, ReasonForbidden},
		{"a deletion of what was hers", hers, his, OpDelete, "", ReasonNotFound},
		{"a creation where somebody else was first", "", his, OpPut, hers, ReasonForbidden},
		{"a replacement where it is gone", hers, "", OpPut, `{"owner":"ann","n":2}`, ""},
		{"a patch of what is still hers", hers, `{"owner":"ann","n":7}`, OpMergePatch, `{"m":2}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, governed(), Config{})
			r.authority = new(owners)
			if tt.before != "" {
				r.byRival(OpPut, tt.before, "somebody")
			}
			r.loseOnce(func() {
				if tt.rival == "" {
					r.byRival(OpDelete, "", "rival")
				} else {
					r.byRival(OpPut, tt.rival, "rival")
				}
			})
			_, refusal := r.do(r.intent(tt.op, tt.body))
			if tt.reason == "" {
				if refusal != nil {
					t.Errorf("refused: %v", refusal)
				}
			} else if refusal == nil || refusal.Reason != tt.reason || refusal.Current != nil || refusal.Conflict != nil {
				t.Errorf("got %+v, want %s and nothing of the document", refusal, tt.reason)
			} else if doc := r.current(); string(doc.Body) != tt.rival {
				t.Errorf("stored is %s", doc.Body)
			}
			r.verified()
			r.noQueues()
		})
	}
}

// TestAccessToWhatWouldBe: a rule about documents is asked about the outcome of each
// kind of write too, and about a document that is made.
func TestAccessToWhatWouldBe(t *testing.T) {
	r := newRig(t, governed(), Config{})
	r.authority = new(owners)
	r.refused(ReasonForbidden, r.intent(OpPut, `{"owner":"bob"}`))
	r.refused(ReasonForbidden, r.intent(OpPut, `{}`))
	r.must(OpPut, `{"owner":"ann","n":1}`)
	r.refused(ReasonForbidden, r.intent(OpPut, `{"owner":"bob"}`))
	r.refused(ReasonForbidden, r.intent(OpMergePatch, `{"owner":null}`))
	r.refused(ReasonForbidden, r.intent(OpJSONPatch, `[{"op":"replace","path":"/owner","value":"bob"}]`))
	dry := r.intent(OpMergePatch, `{"owner":"bob"}`)
	dry.Dry = true
	r.refused(ReasonForbidden, dry)
	r.must(OpMergePatch, `{"n":2}`)
	r.holds(2, `{"owner":"ann","n":2}`)
	r.authority = nil // who is nobody may do nothing
	r.refused(ReasonForbidden, r.intent(OpMergePatch, `{"n":3}`))
	r.verified()
}

// TestListsAreSifted: a list shows what may be read, and a page of it is looked for no
// longer than its bound.
func TestListsAreSifted(t *testing.T) {
	r := newRig(t, governed(), Config{})
	const hidden = maxSifted + 300
	for i := range hidden + 2 {
		body := `{"owner":"bob"}`
		if i == 0 || i == hidden+1 {
			body = `{"owner":"ann"}`
		}
		in := r.intent(OpPut, body)
		in.Ref.ID, in.Rules = fmt.Sprintf("%05d", i), &optional
		if _, refusal := r.on(r.rival, in); refusal != nil {
			t.Fatal(refusal)
		}
	}
	var ids []string
	q := store.ListQuery{Limit: 10}
	for pages := 1; ; pages++ {
		page, err := r.engine.List(context.Background(), ref.Part, &r.rules, new(owners), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page.Documents {
			ids = append(ids, d.Ref.ID)
		}
		if !page.More {
			if pages != 2 {
				t.Errorf("%d pages, want 2", pages)
			}
			break
		}
		q.After = page.Last
	}
	if fmt.Sprint(ids) != fmt.Sprintf("[00000 %05d]", hidden+1) {
		t.Errorf("%v", ids)
	}
}
