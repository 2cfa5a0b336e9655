package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// parkingRules park what is disputed, unless a caller asks for something else.
var parkingRules = Rules{OnStale: StrategyPark}

// parked parks a write of ann's on the first version, and returns its id.
func (r *rig) parked(body string) string {
	r.t.Helper()
	out := r.must(OpMergePatch, body, "If-Match", `"1"`, "Prefer", "park", "Writer", "ann")
	if out.Result != Parked || out.Parked == "" {
		r.t.Fatalf("%s is %s", body, out.Result)
	}
	return out.Parked
}

// resolve decides about a parked write as cy, on a version.
func (r *rig) resolve(id string, version int64, content string) (*Outcome, *Refusal) {
	r.t.Helper()
	in := r.intent(OpResolve, content, "If-Match", fmt.Sprintf(`"%d"`, version), "Writer", "cy")
	return r.settled(r.engine.Resolve(context.Background(), in, id))
}

func (r *rig) discard(id string) (*Outcome, *Refusal) {
	r.t.Helper()
	return r.settled(r.engine.Discard(context.Background(), r.intent(OpDiscard, "", "Writer", "cy"), id))
}

func (r *rig) settled(out *Outcome, err error) (*Outcome, *Refusal) {
	r.t.Helper()
	if err == nil {
		return out, nil
	}
	refusal, ok := errors.AsType[*Refusal](err)
	if !ok || out != nil {
		r.t.Fatalf("got %+v and an error that is no refusal: %v", out, err)
	}
	return nil, refusal
}

// open are the parked writes of the document.
func (r *rig) open() *OpenConflicts {
	r.t.Helper()
	page, err := r.engine.OpenConflicts(context.Background(), ref, &r.rules, nil, nil, MaxParked)
	if err != nil {
		r.t.Fatal(err)
	}
	return page
}

// TestParkedInTheLog: one row each for what is parked, thrown away and decided,
// which names it and says who chose what.
func TestParkedInTheLog(t *testing.T) {
	r := newRig(t, parkingRules, Config{})
	r.rules.Merge = mustCompile(t, merge.Rules{Fields: []merge.Field{{Path: "/c", OnConflict: merge.OnConflict{Rule: merge.RuleMine}}}})
	r.must(OpPut, `{"a":1,"b":1,"c":1}`)
	r.must(OpPut, `{"a":2,"b":2,"c":2}`, "If-Match", `"1"`)
	one, two := r.parked(`{"a":3,"b":3,"c":3}`), r.parked(`{"a":4}`)
	if _, refusal := r.discard(two); refusal != nil {
		t.Fatal(refusal)
	}
	out, refusal := r.resolve(one, 2, `{"choices":{"/a":"theirs","/b":{"value":0}}}`)
	if refusal != nil || out.Result != Merged || !out.Combined {
		t.Fatalf("got %+v, %v", out, refusal)
	}
	third := r.parked(`{"a":5}`)
	if out, refusal := r.resolve(third, 3, `{"document":{"a":2,"b":0,"c":3}}`); refusal != nil || out.Result != Unchanged {
		t.Fatalf("got %+v, %v", out, refusal)
	}
	want := []string{
		"touch parked v2 base 1 by ann, merged from 0: " + `[{"conflict":"` + one + `"}]`,
		"touch parked v2 base 1 by ann, merged from 0: " + `[{"conflict":"` + two + `"}]`,
		"touch discarded v2 base 0 by cy, merged from 0: " + `[{"conflict":"` + two + `","by":"ann"}]`,
		"put merged v3 base 2 by cy, merged from 1: " + `[{"conflict":"` + one + `","by":"ann"},{"path":"/a","winner":"theirs","rule":"chosen","by":"cy"},` +
			`{"path":"/b","winner":"value","rule":"chosen","by":"cy"},{"path":"/c","winner":"mine","rule":"mine"}]`,
		"touch parked v3 base 1 by ann, merged from 0: " + `[{"conflict":"` + third + `"}]`,
		"touch merged v3 base 3 by cy, merged from 1: " + `[{"conflict":"` + third + `","by":"ann"},{"path":"","winner":"value","rule":"chosen","by":"cy"}]`,
	}
	var got []string
	for _, e := range r.log()[2:] {
		got = append(got, fmt.Sprintf("%s %s v%d base %d by %s, merged from %d: %s", e.Action, e.Outcome, e.Version, e.Base, e.Actor.Name, e.MergedFrom, e.Decisions))
		if (e.Action == store.ActionTouch) != (e.Body == nil) {
			t.Errorf("a %s has the body %s", e.Action, e.Body)
		}
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the log says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	r.holds(3, `{"a":2,"b":0,"c":3}`)
	r.verified()
	r.noQueues()
}

func mustCompile(t *testing.T, rules merge.Rules) *merge.Policy {
	t.Helper()
	p, err := merge.Compile(rules)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestParkAfterALostRace: only what is disputed on the state that won is parked.
func TestParkAfterALostRace(t *testing.T) {
	for _, tt := range []struct {
		name, rival string
		result      Result
		version     int64
		stored      string
		disputed    int
	}{
		{"still disputed", `{"a":7}`, Parked, 3, `{"a":7,"b":1}`, 1},
		{"disputed in more", `{"b":7}`, Parked, 3, `{"a":2,"b":7}`, 2},
		{"no longer disputed", `{"a":1}`, Merged, 4, `{"a":3,"b":3}`, 0},
		{"what was wanted", `{"a":3,"b":3}`, Unchanged, 3, `{"a":3,"b":3}`, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, parkingRules, Config{})
			r.must(OpPut, `{"a":1,"b":1}`)
			r.byRival(OpMergePatch, `{"a":2}`, "bob")
			r.loseOnce(func() { r.byRival(OpMergePatch, tt.rival, "rival") })
			out := r.must(OpMergePatch, `{"a":3,"b":3}`, "If-Match", `"1"`, "Prefer", "park")
			if out.Result != tt.result || out.Rounds != 2 || out.Document.Version != tt.version {
				t.Errorf("%s at version %d after %d rounds", out.Result, out.Document.Version, out.Rounds)
			}
			r.holds(tt.version, tt.stored)
			if items := r.open().Items; len(items) != min(tt.disputed, 1) || tt.disputed > 0 && len(items[0].Disputes) != tt.disputed {
				t.Errorf("open is %+v", items)
			}
			r.verified()
			r.noQueues()
		})
	}
}

// TestParkedTwiceAtOnce: the second of two that are the same finds the first one
// there.
func TestParkedTwiceAtOnce(t *testing.T) {
	r := newRig(t, parkingRules, Config{})
	r.must(OpPut, `{"a":1}`)
	r.byRival(OpPut, `{"a":2}`, "bob")
	var first *Outcome
	r.loseOnce(func() {
		in := r.intent(OpPut, `{"a":3}`, "If-Match", `"1"`, "Prefer", "park", "Writer", "ann")
		var refusal *Refusal
		if first, refusal = r.on(r.rival, in); refusal != nil {
			t.Error(refusal)
		}
	})
	out := r.must(OpPut, `{"a":3}`, "If-Match", `"1"`, "Prefer", "park", "Writer", "ann")
	if out.Parked != first.Parked || out.Rounds != 2 || len(r.log()) != 3 || len(r.open().Items) != 1 {
		t.Errorf("parked as %s and as %s, after %d rounds, with %d rows in the log", out.Parked, first.Parked, out.Rounds, len(r.log()))
	}
	r.verified()
}

// TestParkBeforeTheClock: a row that changes no content may be later than the
// change that follows it, where the clock was set back.
func TestParkBeforeTheClock(t *testing.T) {
	now := noon
	r := newRig(t, parkingRules, Config{Now: func() time.Time { return now }})
	r.must(OpPut, `{"a":1}`)
	r.must(OpPut, `{"a":2}`, "If-Match", `"1"`)
	now = noon.Add(time.Hour)
	id := r.parked(`{"a":3}`)
	now = noon.Add(-time.Hour)
	if _, refusal := r.resolve(id, 2, `{"choices":{"/a":"yours"}}`); refusal != nil {
		t.Fatal(refusal)
	}
	if log := r.log(); !log[2].At.Equal(noon.Add(time.Hour)) || !log[3].At.Equal(noon) {
		t.Errorf("written at %s and at %s", log[2].At, log[3].At)
	}
	r.verified()
}

// asked is an authority that lets nobody overwrite, notes what it is asked about,
// and lets somebody decide about these fields.
type asked struct {
	fields []int
	may    []int
}

func (a *asked) MayOverwrite(jsonvalue.Value) bool { return false }

func (a *asked) May(Action, jsonvalue.Value) Answer { return Yes }

func (a *asked) MayRead(int, jsonvalue.Value) bool { return false }

func (a *asked) MayResolve(field int, _ jsonvalue.Value) bool {
	a.fields = append(a.fields, field)
	return slices.Contains(a.may, field)
}

// TestMayResolve: somebody decides who may about every reserved field that is
// disputed. What they may not is named, with each field of a group.
func TestMayResolve(t *testing.T) {
	r := newRig(t, parkingRules, Config{})
	r.rules.Merge = mustCompile(t, merge.Rules{
		Fields:   []merge.Field{{Path: "/a"}, {Path: "/b"}, {Path: "/c"}, {Path: "/to"}, {Path: "/other"}},
		Together: []merge.Group{{Paths: []string{"/from", "/to"}}},
	})
	r.rules.Reserved.Fields = []Resolvers{{Only: true}, {Only: true, Roles: []string{"admin"}}, {}, {Only: true, Roles: []string{"boss", "admin"}}, {Only: true}}
	r.must(OpPut, `{"a":1,"b":1,"c":1,"from":1,"to":1}`)
	r.must(OpPut, `{"a":2,"b":2,"c":2,"from":2,"to":1}`, "If-Match", `"1"`)
	id := r.parked(`{"a":3,"b":3,"c":3,"to":3}`)
	const all = `{"choices":{"/a":"yours","/b":"yours","/c":"yours","/from":"yours"}}`
	told := ""
	for _, d := range r.open().Items[0].Disputes {
		told += fmt.Sprint(d.Path, d.MayResolve, " ")
	}
	if told != "/a [] /b [admin] /c [] /from [boss admin] " {
		t.Errorf("who may resolve: %s", told)
	}
	for _, tt := range []struct {
		may     []int
		refused string
	}{
		{nil, "/a /b /from /to"}, {[]int{0, 2, 3, 4}, "/b"}, {[]int{0, 1}, "/from /to"},
	} {
		who := &asked{may: tt.may}
		r.authority = who
		before := r.dump()
		_, refusal := r.resolve(id, 2, all)
		if refusal == nil || refusal.Reason != ReasonForbidden {
			t.Fatalf("got %v", refusal)
		}
		var named []string
		for _, f := range refusal.Faults {
			named = append(named, f.Pointer)
		}
		if strings.Join(named, " ") != tt.refused || !slices.Equal(who.fields, []int{0, 1, 3}) {
			t.Errorf("asked %v; refused are %q, want %s", who.fields, named, tt.refused)
		}
		if _, refusal := r.discard(id); refusal == nil || refusal.Reason != ReasonForbidden {
			t.Errorf("discarding: %v", refusal)
		}
		if r.dump() != before || len(r.open().Items) != 1 {
			t.Error("a refusal left something behind")
		}
	}
	r.authority = nil
	if _, refusal := r.resolve(id, 2, all); refusal == nil || refusal.Reason != ReasonForbidden {
		t.Errorf("somebody without authority: %v", refusal)
	}
	r.authority = &asked{may: []int{0, 1, 3}}
	if _, refusal := r.resolve(id, 2, all); refusal != nil {
		t.Error(refusal)
	}
	r.holds(3, `{"a":3,"b":3,"c":3,"from":1,"to":3}`)
	r.verified()
}

// TestParkNeedsSideRows: where the store keeps none, a disputed write is refused as
// under merge, and nobody is told that it was parked.
func TestParkNeedsSideRows(t *testing.T) {
	r := newRig(t, parkingRules, Config{})
	r.engine = New(struct{ store.Store }{r.memory}, Config{})
	r.must(OpPut, `{"a":1}`)
	r.must(OpPut, `{"a":2}`, "If-Match", `"1"`)
	for _, wish := range []string{"", "park"} {
		refusal := r.refused(ReasonMergeConflict, r.intent(OpPut, `{"a":3}`, "If-Match", `"1"`, "Prefer", wish))
		if refusal.Parked != "" || refusal.Granted != "" || refusal.Crowded || len(refusal.Conflict.Disputes) != 1 {
			t.Errorf("told %+v", refusal)
		}
	}
	if page := r.open(); len(page.Items) != 0 {
		t.Errorf("open is %+v", page.Items)
	}
	if _, refusal := r.resolve("none", 2, `{"choices":{}}`); refusal == nil || refusal.Reason != ReasonNotFound {
		t.Errorf("got %v", refusal)
	}
}

// TestParkedBeyondTheLimit: a parked write that would merge into more than may be
// is listed like any other, and can be decided with less.
func TestParkedBeyondTheLimit(t *testing.T) {
	r := newRig(t, parkingRules, Config{Limits: Limits{Body: 100}})
	r.must(OpPut, `{"a":1}`)
	r.must(OpPut, `{"a":2}`, "If-Match", `"1"`)
	id := r.parked(`{"a":3,"mine":"` + strings.Repeat("x", 80) + `"}`)
	for i := range 4 {
		r.must(OpMergePatch, fmt.Sprintf(`{"%d":%q}`, i, strings.Repeat("x", 80)), "If-Match", fmt.Sprintf(`"%d"`, i+2))
	}
	r.must(OpMergePatch, `{"a":3}`, "If-Match", `"6"`)
	page := r.open()
	if len(page.Items) != 1 || page.Items[0].ID != id || len(page.Items[0].Disputes)+len(page.Items[0].Faults) > 0 {
		t.Fatalf("open are %+v", page.Items)
	}
	before := r.dump()
	if _, refusal := r.resolve(id, 7, `{"choices":{}}`); refusal == nil || refusal.Reason != ReasonTooLarge || r.dump() != before {
		t.Errorf("decided with all of it: %v", refusal)
	}
	if _, refusal := r.resolve(id, 7, `{"document":{"a":3}}`); refusal != nil {
		t.Errorf("decided with less: %v", refusal)
	}
}
