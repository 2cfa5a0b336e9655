package protocol_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/ifmatch/ifmatch/internal/contribution"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
	"github.com/ifmatch/ifmatch/internal/index"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// TestContributedContent: what comes of contributions is content like any other,
// for natural keys and for indexes.
func TestContributedContent(t *testing.T) {
	rules := contributed(t, "0.5")
	var err error
	if rules.Key, err = engine.NewNaturalKey("/mail"); err != nil {
		t.Fatal(err)
	}
	age, err := index.New("/age", index.Number)
	if err != nil {
		t.Fatal(err)
	}
	rules.Indexes = index.Sorted([]*index.Index{age})
	onEveryStore(t, setup{collections: []httpapi.Collection{{Name: "notes", Path: "/v1/notes", Rules: &rules}}}, func(t *testing.T, a *api) {
		if _, err := engine.Reindex(context.Background(), a.store, "notes", rules.Indexes); err != nil {
			t.Fatal(err)
		}
		a.refused(422, "invalid", "POST", contributions, says("crm", "0.5", 0, `{"age":1}`))
		a.contribute(says("crm", "0.5", 0, `{"mail":"a@x","age":7}`))
		a.must(201, "PUT", "/v1/notes/2", `{"mail":"b@x","age":9}`)
		got := a.do("POST", contributions, says("erp", "0.9", 1, `{"mail":"b@x"}`))
		if p := a.problem(got); got.status != 409 || p.Type != "urn:ifmatch:problem:duplicate" || got.header.Get("Location") != "/v1/notes/2" {
			t.Errorf("a key that is taken: %d, Location %q, %s", got.status, got.header.Get("Location"), got.body)
		}
		a.contribute(says("erp", "0.9", 1, `{"mail":"c@x","age":11}`)) // which lets go of the first
		a.must(201, "PUT", "/v1/notes/3", `{"mail":"a@x","age":1}`)
		for query, want := range map[string]string{"age.gte=10": `"id":"1"`, "age=7": `{"items":[]}`} {
			if list := a.must(200, "GET", "/v1/notes?"+query, ""); !strings.Contains(list.body, want) {
				t.Errorf("%s lists %s, want %s", query, list.body, want)
			}
		}
		crm, _ := a.contributors("")
		before := a.dump()
		if got := a.do("DELETE", contributions+"/"+crm[1].ID, ""); got.status != 409 || got.header.Get("Location") != "/v1/notes/3" || a.dump() != before {
			t.Errorf("withdrawn for a key that is taken: %d, Location %q, %s", got.status, got.header.Get("Location"), got.body)
		}
		a.verify()
	})
}

// TestContributionsToWhatWasThere: what was written while a collection took none
// counts as a direct write, and replaces what was contributed before.
func TestContributionsToWhatWasThere(t *testing.T) {
	onEveryStore(t, setup{rules: contributed(t, "0.5")}, func(t *testing.T, a *api) {
		off := a.serving(engine.Rules{Contract: optional})
		off.must(201, "PUT", item, `{"a":1,"b":1}`)
		a.contributes(`direct {"a":1,"b":1}`)
		first, _ := a.contributors("")
		again, _ := a.contributors("")
		if first[0].ID != again[0].ID || first[0].At == "" || first[0].ObservedAt == "" {
			t.Errorf("what was there is %v, then %v", first, again)
		}
		a.must(200, "GET", contributions+"/"+first[0].ID, "")
		a.contribute(says("crm", "0.4", 0, `{"a":2,"c":2}`))
		a.is(2, `{"a":1,"c":2,"b":1}`)
		a.contributes(`direct {"a":1,"b":1}`, `crm {"a":2,"c":2}`)
		a.must(204, "DELETE", contributions+"/"+first[0].ID, "")
		a.is(3, `{"a":2,"c":2}`)

		off.must(200, "PATCH", item, `{"a":3}`)
		a.contributes(`direct {"a":3,"c":2}`)
		a.contribute(says("crm", "0.4", 1, `{"d":4}`))
		a.contributes(`direct {"a":3,"c":2}`, `crm {"d":4}`)
		off.must(204, "DELETE", item, "")
		off.must(201, "PUT", item, `{"e":5}`)
		a.must(200, "PATCH", item, `{"f":6}`)
		a.contributes(`direct {"e":5}`, `direct {"f":6}`)
		a.is(8, `{"e":5,"f":6}`)
		other, _ := a.contributors("")
		off.must(200, "PATCH", item, `{"e":null,"f":null}`)
		a.refused(404, "not-found", "DELETE", contributions+"/"+other[0].ID, "")
		a.must(204, "DELETE", item, "")
		if rows := a.rows(); len(rows) > 0 {
			t.Errorf("a deletion has left %v", rows)
		}
	})
}

// serving serves a's store under other rules.
func (a *api) serving(rules engine.Rules) *api {
	a.t.Helper()
	b := newAPI(a.t, unclosed{a.store}, setup{rules: rules})
	b.chain = a.chain
	return b
}

// unclosed is a store that is another's to close.
type unclosed struct{ store.Store }

func (unclosed) Close() error { return nil }

// rows are what is stored beside the document.
func (a *api) rows() []store.Row {
	a.t.Helper()
	rows, err := a.store.(store.RowReader).Rows(context.Background(), store.Ref{Part: store.Part{Collection: "notes"}, ID: "1"}, "contribution")
	if err != nil {
		a.t.Fatal(err)
	}
	return rows
}

// TestContributionLimits: of contributions there is an end, of direct writes there
// is none.
func TestContributionLimits(t *testing.T) {
	onEveryStore(t, setup{rules: contributed(t, "1"), limits: engine.Limits{Contributions: 3, Body: 1000}}, func(t *testing.T, a *api) {
		for i := range 3 {
			a.contribute(says("crm", "0.5", i, `{"a":1}`))
		}
		p := a.refused(413, "too-large", "POST", contributions, says("crm", "0.5", 3, `{"a":1}`))
		if !strings.Contains(p.Detail, "3 contributions") || !strings.Contains(p.Detail, "Withdraw") {
			t.Errorf("it is told %q", p.Detail)
		}
		a.must(200, "POST", contributions, says("crm", "0.5", 2, `{"a":1}`)) // it is there
		for i := range 10 {
			a.must(200, "PATCH", item, fmt.Sprintf(`{"b%d":%d,"c":%d}`, i, i, i))
		}
		all, _ := a.contributors("")
		a.must(204, "DELETE", contributions+"/"+all[0].ID, "")
		a.contribute(says("crm", "0.5", 4, `{"a":1}`))

		long := func(name string) string { return fmt.Sprintf(`{%q:%q}`, name, strings.Repeat("x", 700)) }
		for i := range 3 {
			a.do("PATCH", item, long(fmt.Sprint("long", i)))
		}
		a.refused(413, "too-large", "PATCH", item, long("more"))
		a.verify()
	})
}

// contributorsAtOnce is how many write at the same time.
const contributorsAtOnce = 8

// TestContributorsAtOnce: of contributors who meet none is lost, and the document is
// what all of them make together.
func TestContributorsAtOnce(t *testing.T) {
	fields := []merge.Field{{Path: "/n", Type: merge.Counter}, {Path: "/all", Type: merge.Set}, {Path: "/last", OnConflict: merge.OnConflict{Rule: merge.RuleNewest, By: contribution.ByObservedAt}}}
	rules := contributed(t, "0.5", fields...)
	onEveryStoreAlone(t, setup{rules: rules, limits: engine.Limits{}}, func(t *testing.T, a *api) {
		const each = 12
		var clients sync.WaitGroup
		for w := range contributorsAtOnce {
			clients.Go(func() {
				for i := range each {
					minute := w + i*contributorsAtOnce
					data := fmt.Sprintf(`{"n":1,"all":[%d],"last":%d,"from":{"%d":%d}}`, minute, minute, w, i)
					got, err := a.send("POST", contributions, says(fmt.Sprint("s", w), "0."+strconv.Itoa(w+1), minute, data))
					if err != nil || got.status != 201 {
						t.Errorf("contributor %d: %d %s %v", w, got.status, got.body, err)
						return
					}
					if i%4 == 3 { // and some look, and take back
						id := strings.Split(got.body, `"`)[3]
						if got, err = a.send("DELETE", contributions+"/"+id, ""); err != nil || got.status != 204 {
							t.Errorf("contributor %d withdraws: %d %s %v", w, got.status, got.body, err)
						}
						if got, err = a.send("GET", item+"?include=provenance", ""); err != nil || got.status != 200 {
							t.Errorf("contributor %d reads: %d %s %v", w, got.status, got.body, err)
						}
					}
					if got, err = a.send("PATCH", item, fmt.Sprintf(`{"direct%d":%d}`, w, i)); err != nil || got.status != 200 {
						t.Errorf("writer %d: %d %s %v", w, got.status, got.body, err)
					}
				}
			})
		}
		clients.Wait()
		all, _ := a.contributors("?limit=1000")
		var made []contribution.Contribution
		mine := 0
		for i, c := range all {
			sure, err := jsonvalue.Number(string(c.Confidence))
			if err != nil {
				t.Fatal(err)
			}
			data, err := jsonvalue.Parse(c.Data, jsonvalue.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			at, _ := contribution.ParseTime(c.ObservedAt)
			made = append(made, contribution.Contribution{ID: c.ID, Source: c.Source, Confidence: sure, ObservedAt: at, Arrival: int64(i), Data: data})
			if c.Source == contribution.Direct {
				mine++
			}
		}
		if kept := contributorsAtOnce * each * 3 / 4; len(all)-mine != kept || mine != contributorsAtOnce {
			t.Errorf("%d contributions and %d direct ones are left, want %d and %d", len(all)-mine, mine, kept, contributorsAtOnce)
		}
		value := rules.Contributions.Rules.Materialise(made)
		a.body(a.must(200, "GET", item, ""), string(value.Append(nil)))
		if n := value.Lookup("n").Text(); n != strconv.Itoa(contributorsAtOnce*each*3/4) || value.Lookup("all").Len() != contributorsAtOnce*each*3/4 {
			t.Errorf("%s contributions were counted", n)
		}
		a.verify()
	})
}
