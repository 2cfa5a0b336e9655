package protocol_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/contribution"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

const (
	item          = "/v1/notes/1"
	contributions = item + "/_contributions"
)

// contributed are rules of documents that take contributions, direct writes being
// sure of what they say as far as confidence tells. No precondition is asked for.
func contributed(t *testing.T, confidence string, fields ...merge.Field) engine.Rules {
	t.Helper()
	rules, err := contribution.Compile(merge.Rules{Fields: fields})
	if err != nil {
		t.Fatal(err)
	}
	sure, err := jsonvalue.Number(confidence)
	if err != nil {
		t.Fatal(err)
	}
	d := ifmatch.Dialect{BodyVersion: ifmatch.BodyVersionInclude}
	r := engine.Rules{Contract: optional, Contributions: &engine.Contributions{Rules: rules, Confidence: sure}}
	if r.Members, err = engine.NewMembers(d, engine.Added{Meta: true, Provenance: true}); err != nil {
		t.Fatal(err)
	}
	if r.Merge, err = merge.Compile(contribution.ForMerges(merge.Rules{Fields: fields})); err != nil {
		t.Fatal(err)
	}
	return r
}

// says is a contribution. Minutes count from noon of 2024-05-01.
func says(source, confidence string, minute int, data string) string {
	return fmt.Sprintf(`{"source":%q,"confidence":%s,"observedAt":%q,"data":%s}`, source, confidence, observed(minute), data)
}

func observed(minute int) string {
	return noon.Add(time.Duration(minute) * time.Minute).Format(time.RFC3339)
}

// made is what a POST of a contribution answers.
type made struct {
	ID, Etag string
	Version  int64
}

// contribute makes a contribution to the document.
func (a *api) contribute(body string, headers ...string) made {
	a.t.Helper()
	got := a.must(201, "POST", contributions, body, headers...)
	var m made
	if err := json.Unmarshal([]byte(got.body), &m); err != nil {
		a.t.Fatal(err)
	}
	a.header(got, "Location", contributions+"/"+m.ID)
	a.header(got, "Ifmatch-Outcome", "contributed")
	a.header(got, "Ifmatch-ETag", m.Etag)
	a.header(got, "ETag", "") // which would be the contribution's
	a.header(got, "Cache-Control", "no-store")
	if want := fmt.Sprintf(`"%d"`, m.Version); m.Etag != want || m.ID == "" {
		a.t.Errorf("it says %s", got.body)
	}
	return m
}

// contributor is one item of a list of contributions.
type contributor struct {
	ID, Source, ObservedAt, At, By string
	Confidence                     json.Number
	Data                           json.RawMessage
}

func (a *api) contributors(query string) (all []contributor, next string) {
	a.t.Helper()
	var page struct {
		Items []contributor
		Next  string
	}
	got := a.must(200, "GET", contributions+query, "")
	a.header(got, "Cache-Control", "no-store")
	if err := json.Unmarshal([]byte(got.body), &page); err != nil {
		a.t.Fatal(err)
	}
	return page.Items, page.Next
}

// contributes checks what the document is made of: a line of source and data each.
func (a *api) contributes(want ...string) {
	a.t.Helper()
	all, _ := a.contributors("")
	var got []string
	for _, c := range all {
		got = append(got, c.Source+" "+string(c.Data))
	}
	if !slices.Equal(got, want) {
		a.t.Errorf("it is made of %q, want %q", got, want)
	}
}

// is checks the document: its version, its content and that everything that is
// stored of it agrees.
func (a *api) is(version int64, body string) {
	a.t.Helper()
	got := a.must(200, "GET", item, "")
	a.body(got, body)
	a.header(got, "ETag", fmt.Sprintf(`"%d"`, version))
	a.verify()
}

func TestContributions(t *testing.T) {
	c := &clock{}
	c.set(noon.Add(time.Hour))
	onEveryStoreAlone(t, setup{rules: contributed(t, "1"), actor: writerName, now: c.Now}, func(t *testing.T, a *api) {
		a.must(404, "GET", contributions, "")
		crm := a.contribute(says("crm", "0.8", 1, `{"name":"Ann","city":"Ulm"}`), "X-Writer", "ann")
		a.is(1, `{"name":"Ann","city":"Ulm"}`)
		erp := a.contribute(says("erp", "0.90", 2, `{"name":"Anna"}`))
		a.is(2, `{"name":"Anna","city":"Ulm"}`)
		web := a.contribute(says("web", "0.5", 3, `{"name":"Ännchen"}`)) // which wins nothing
		a.is(2, `{"name":"Anna","city":"Ulm"}`)

		all, next := a.contributors("")
		if len(all) != 3 || next != "" {
			t.Fatalf("there are %v, next %q", all, next)
		}
		want := contributor{ID: crm.ID, Source: "crm", ObservedAt: observed(1), At: "2024-05-01T13:00:00.000Z", By: "ann", Confidence: "0.8", Data: []byte(`{"name":"Ann","city":"Ulm"}`)}
		if fmt.Sprint(all[0]) != fmt.Sprint(want) || all[1].ID != erp.ID || all[1].Confidence != "0.90" || all[2].ID != web.ID {
			t.Errorf("there are %v, the first is to be %v", all, want)
		}
		one := a.must(200, "GET", contributions+"/"+crm.ID, "")
		a.body(one, `{"id":"`+crm.ID+`","source":"crm","confidence":0.8,"observedAt":"`+observed(1)+`","at":"2024-05-01T13:00:00.000Z","by":"ann","data":{"name":"Ann","city":"Ulm"}}`)
		a.header(one, "Cache-Control", "no-store")
		if head := a.must(200, "HEAD", contributions+"/"+crm.ID, ""); head.body != "" {
			t.Errorf("HEAD has the body %s", head.body)
		}

		gone := a.must(204, "DELETE", contributions+"/"+erp.ID, "", "X-Writer", "bob")
		a.header(gone, "Ifmatch-Outcome", "withdrawn")
		a.header(gone, "Ifmatch-ETag", `"3"`)
		a.is(3, `{"name":"Ann","city":"Ulm"}`)
		a.refused(404, "not-found", "DELETE", contributions+"/"+erp.ID, "")
		a.refused(404, "not-found", "GET", contributions+"/"+erp.ID, "")
		a.must(204, "DELETE", contributions+"/"+web.ID, "")
		a.is(3, `{"name":"Ann","city":"Ulm"}`)
		a.must(204, "DELETE", contributions+"/"+crm.ID, "")
		a.is(4, `{}`)
		a.contributes()

		outcomes := []string{}
		for _, e := range a.history(item).Items {
			outcomes = append(outcomes, fmt.Sprint(e.Version, e.Action, e.Outcome, e.By, e.Sha256[:4]))
		}
		anna, ann := sha256Hex(`{"city":"Ulm","name":"Anna"}`)[:4], sha256Hex(`{"city":"Ulm","name":"Ann"}`)[:4]
		if want := []string{
			"4patchwithdrawn" + sha256Hex(`{}`)[:4], "3touchwithdrawn" + ann, "3patchwithdrawnbob" + ann,
			"2touchcontributed" + anna, "2patchcontributed" + anna, "1patchcontributedann" + ann,
		}; !slices.Equal(outcomes, want) {
			t.Errorf("the history is %q, want %q", outcomes, want)
		}
	})
}

// TestContributionRules: each field goes by its own rule.
func TestContributionRules(t *testing.T) {
	rules := contributed(t, "1",
		merge.Field{Path: "/sure", OnConflict: merge.OnConflict{Rule: merge.RuleHighest, By: contribution.ByConfidence}},
		merge.Field{Path: "/new", OnConflict: merge.OnConflict{Rule: merge.RuleNewest, By: contribution.ByObservedAt}},
		merge.Field{Path: "/who", OnConflict: merge.OnConflict{Rule: merge.RuleAuthority, Authority: []string{"erp", "crm"}}},
		merge.Field{Path: "/tags", Type: merge.Set}, merge.Field{Path: "/n", Type: merge.Counter})
	onEveryStore(t, setup{rules: rules}, func(t *testing.T, a *api) {
		a.contribute(says("crm", "0.9", 1, `{"sure":"crm","new":"crm","who":"crm","tags":["a"],"n":1,"o":{"x":1}}`))
		a.contribute(says("erp", "0.1", 3, `{"sure":"erp","new":"erp","who":"erp","tags":["b"],"n":2,"o":{"y":2}}`))
		a.contribute(says("web", "0.95", 2, `{"sure":"web","new":"web","who":"web","tags":["a","c"],"n":0.5,"o":{"x":3}}`))
		a.is(3, `{"sure":"web","new":"erp","who":"erp","tags":["a","c","b"],"n":3.5,"o":{"x":3,"y":2}}`)
	})
}

// TestContributionAgain: what a source has said already changes nothing.
func TestContributionAgain(t *testing.T) {
	onEveryStore(t, setup{rules: contributed(t, "1")}, func(t *testing.T, a *api) {
		first := a.contribute(says("crm", "0.8", 1, `{"a":1,"b":[1]}`))
		before := a.dump()
		for _, again := range []string{
			says("crm", "0.8", 1, `{"b":[1],"a":1}`), says("crm", "0.2", 1, `{"a":1,"b":[1]}`),
			strings.Replace(says("crm", "0.8", 1, `{"a":1,"b":[1]}`), observed(1), "2024-05-01T14:01:00.00+02:00", 1),
		} {
			got := a.must(200, "POST", contributions, again)
			a.header(got, "Location", contributions+"/"+first.ID)
			a.header(got, "Ifmatch-Outcome", "unchanged")
			a.header(got, "Ifmatch-ETag", `"1"`)
			a.body(got, `{"id":"`+first.ID+`","etag":"\"1\"","version":1}`)
		}
		if a.dump() != before {
			t.Error("something was written")
		}
		for _, other := range []string{says("crm", "0.8", 2, `{"a":1,"b":[1]}`), says("erp", "0.8", 1, `{"a":1,"b":[1]}`), says("crm", "0.8", 1, `{"a":1.0,"b":[1]}`)} {
			if c := a.contribute(other); c.ID == first.ID {
				t.Errorf("%s was taken for another", other)
			}
		}
	})
}

// TestContributionsAreOff: without them nothing has such a path.
func TestContributionsAreOff(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.must(201, "PUT", item, `{"_provenance":1}`)
		for _, method := range []string{"GET", "POST", "DELETE"} {
			a.refused(404, "not-found", method, contributions, says("crm", "1", 0, `{}`))
			a.refused(404, "not-found", method, contributions+"/1", "")
		}
		a.body(a.must(200, "GET", item+"?include=provenance", ""), `{"_provenance":1}`)
	})
}

func TestDryContributions(t *testing.T) {
	onEveryStore(t, setup{rules: contributed(t, "0.5")}, func(t *testing.T, a *api) {
		before := a.dump()
		got := a.must(201, "POST", contributions+"?dryRun=true", says("crm", "0.8", 0, `{"a":1}`))
		a.header(got, "Location", "")
		a.header(got, "Ifmatch-Dry-Run", "true")
		a.header(got, "Ifmatch-ETag", "") // nothing is there
		a.body(got, `{"etag":"\"1\"","version":1}`)
		a.must(404, "GET", item, "")
		first := a.contribute(says("crm", "0.8", 0, `{"a":1}`))
		if before == a.dump() {
			t.Error("nothing was written")
		}
		before = a.dump()
		got = a.must(201, "POST", contributions+"?dryRun=true", says("crm", "0.9", 1, `{"a":2}`))
		a.header(got, "Ifmatch-ETag", `"1"`)
		a.body(got, `{"etag":"\"2\"","version":2}`)
		got = a.must(200, "POST", contributions+"?dryRun=true", says("crm", "0.8", 0, `{"a":1}`))
		a.body(got, `{"id":"`+first.ID+`","etag":"\"1\"","version":1}`)
		got = a.must(204, "DELETE", contributions+"/"+first.ID+"?dryRun=true", "")
		a.header(got, "Ifmatch-ETag", `"1"`)
		a.refused(409, "outranked", "PATCH", item+"?dryRun=true", `{"a":3}`)
		got = a.must(200, "PATCH", item+"?dryRun=true", `{"a":3,"b":1}`, "Prefer", "handling=lenient")
		a.body(got, `{"a":1,"b":1}`)
		a.header(got, "Ifmatch-ETag", `"1"`)
		if a.dump() != before {
			t.Error("a dry run has written something")
		}

		got = a.must(201, "POST", contributions, says("erp", "0.8", 1, `{"a":2}`), "Prefer", "return=minimal")
		a.body(got, "")
		a.header(got, "Preference-Applied", "return=minimal")
		a.header(got, "Ifmatch-ETag", `"2"`)
		got = a.must(204, "POST", contributions, says("erp", "0.8", 1, `{"a":2}`), "Prefer", "return=minimal")
		a.header(got, "Ifmatch-Outcome", "unchanged")
	})
}

func TestContributionPages(t *testing.T) {
	onEveryStore(t, setup{rules: contributed(t, "1"), maxPage: 7}, func(t *testing.T, a *api) {
		var want, got []string
		for i := range 17 {
			want = append(want, a.contribute(says("crm", "0.5", i, `{"a":1}`)).ID)
		}
		query := "?limit=5"
		for n := 0; ; n++ {
			page, next := a.contributors(query)
			for _, c := range page {
				got = append(got, c.ID)
			}
			if next == "" {
				break
			}
			if n == 0 { // what goes meanwhile is missed by nobody
				a.must(204, "DELETE", contributions+"/"+want[4], "")
			}
			query = "?limit=5&cursor=" + next
		}
		if !slices.Equal(got, want) {
			t.Errorf("the pages hold %q, want %q", got, want)
		}
		if page, next := a.contributors(""); len(page) != 7 || next == "" {
			t.Errorf("a page holds %d, next %q", len(page), next)
		}
	})
}
