package protocol_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
	"github.com/ifmatch/ifmatch/merge"
)

// TestConflictsPages: all that are open, once each and the oldest first, also where
// some are decided between two pages.
func TestConflictsPages(t *testing.T) {
	c := &clock{}
	c.set(noon)
	onEveryStoreAlone(t, setup{rules: parking(t, merge.Rules{}), now: c.Now, maxPage: 50}, func(t *testing.T, a *api) {
		a.twoVersions(`{"n":0}`, `{"n":-1}`)
		const all = item + "/_conflicts"
		a.body(a.must(200, "GET", all, ""), `{"items":[]}`)
		var want []string
		for i := range 7 {
			c.set(noon.Add(time.Duration(i/2) * time.Second)) // two at a time
			want = append(want, a.parked(fmt.Sprintf(`{"n":%d}`, i+1)))
		}
		a.header(a.must(200, "GET", all, ""), "Ifmatch-ETag", `"2"`)
		for i := 0; i+1 < len(want); i += 2 {
			slices.Sort(want[i : i+2])
		}
		for _, limit := range []int{1, 2, 3, 7, 8} {
			var seen []string
			for at := fmt.Sprintf("%s?limit=%d", all, limit); at != ""; {
				page := a.conflicts(at)
				if len(page.Items) > limit {
					t.Fatalf("%d items on a page of %d", len(page.Items), limit)
				}
				for _, item := range page.Items {
					seen = append(seen, all+"/"+item.ID)
				}
				at = ""
				if page.Next != "" {
					at = fmt.Sprintf("%s?limit=%d&cursor=%s", all, limit, page.Next)
				}
			}
			if !slices.Equal(seen, want) {
				t.Errorf("limit %d: %s, want %s", limit, seen, want)
			}
		}
		first := a.conflicts(all + "?limit=3")
		a.must(204, "DELETE", want[2], "") // the last of the page
		a.must(204, "DELETE", want[3], "")
		if rest := a.conflicts(all + "?cursor=" + first.Next); len(rest.Items) != 3 || all+"/"+rest.Items[0].ID != want[4] {
			t.Errorf("behind %s come %+v", want[2], rest.Items)
		}
		history := a.history(item + "?limit=1").Next
		for _, query := range []string{"?page=2", "?limit=0", "?limit=51", "?cursor=", "?cursor=x", "?cursor=" + history, "?cursor=" + first.Next + "&cursor=" + first.Next, "?sort=at"} {
			a.refused(400, "malformed", "GET", all+query, "")
		}
		head := a.must(200, "HEAD", all, "")
		a.body(head, "")
		a.verify()
	})
}

// TestDiscard throws a parked write away, and says in the history which and who.
func TestDiscard(t *testing.T) {
	onEveryStore(t, setup{rules: parking(t, merge.Rules{}), actor: writerName}, func(t *testing.T, a *api) {
		a.twoVersions(`{"n":0}`, `{"n":-1}`)
		at, other := a.parked(`{"n":1}`), a.parked(`{"n":2}`)
		a.refused(412, "stale", "DELETE", at, "", "If-Match", `"1"`)
		a.refused(400, "malformed", "DELETE", at, "", "If-Match", "2")
		before := a.dump()
		a.header(a.must(204, "DELETE", at+"?dryRun=true", ""), "Ifmatch-Dry-Run", "true")
		if a.dump() != before {
			t.Error("a dry run has written something")
		}
		got := a.must(204, "DELETE", at, "", "If-Match", `"2"`, "X-Writer", "cy")
		a.header(got, "Ifmatch-Outcome", "deleted")
		a.header(got, "ETag", "")
		a.header(got, "Content-Type", "")
		a.header(got, "Cache-Control", "no-store")
		if e := a.newest(item); e.Outcome != "discarded" || e.Action != "touch" || e.By != "cy" || e.Version != 2 || !strings.HasSuffix(at, "/"+e.Conflict) {
			t.Errorf("the history says %+v", e)
		}
		a.refused(404, "not-found", "DELETE", at, "")
		a.refused(404, "not-found", "GET", at, "")
		a.header(a.must(200, "GET", item, ""), "ETag", `"2"`)
		a.must(200, "GET", other, "")
		a.verify()
	})
}

// TestParkedOutlivesItsBase: what a decision takes is kept beside the history.
func TestParkedOutlivesItsBase(t *testing.T) {
	rules := parking(t, merge.Rules{})
	rules.Keep = 2
	onEveryStore(t, setup{rules: rules}, func(t *testing.T, a *api) {
		a.twoVersions(`{"n":0,"m":0}`, `{"n":-1,"m":0}`)
		at := a.parked(`{"n":1}`)
		for i := range 20 {
			a.must(200, "PATCH", item, fmt.Sprintf(`{"m":%d}`, i+1), "If-Match", fmt.Sprintf(`"%d"`, i+2))
		}
		a.refused(404, "not-found", "GET", item+"/_history/1", "")
		got := a.must(200, "POST", at+"/resolve", `{"choices":{"/n":"yours"}}`, "If-Match", `"22"`)
		a.body(got, `{"n":1,"m":20}`)
		a.verify()
	})
}

// TestParkedKeepsItsAuthority: the merge is made again in the roles that the writer
// had, whoever decides.
func TestParkedKeepsItsAuthority(t *testing.T) {
	rules := parking(t, merge.Rules{Fields: []merge.Field{{Path: "/rank", OnConflict: merge.OnConflict{Rule: merge.RuleAuthority, Authority: []string{"admin", "editor"}}}}})
	onEveryStore(t, setup{rules: rules, actor: writerRole}, func(t *testing.T, a *api) {
		a.must(201, "PUT", item, `{"rank":0,"n":0}`, "X-Role", "bot")
		a.must(200, "PUT", item, `{"rank":1,"n":1}`, "If-Match", `"1"`, "X-Role", "editor")
		at := a.parked(`{"rank":2,"n":2}`, "X-Role", "admin")
		if c := a.openConflict(a.must(200, "GET", at, "")); listed(c.Conflicts) != "/n reject" {
			t.Errorf("in dispute are %+v", c.Conflicts)
		}
		got := a.must(200, "POST", at+"/resolve", `{"choices":{"/n":"theirs"}}`, "If-Match", `"2"`, "X-Role", "bot")
		a.body(got, `{"rank":2,"n":1}`)
		a.verify()
	})
}

// TestParkedInItsContract: members that the contract adds are in no parked write,
// and refusals have the contract's status.
func TestParkedInItsContract(t *testing.T) {
	rules := parkingByDefault(t, merge.Rules{})
	rules.Summary = true
	var err error
	if rules.Members, err = engine.NewMembers(ifmatch.Dialect{BodyVersion: ifmatch.BodyVersionAlways, VersionField: "version"}, engine.Added{}); err != nil {
		t.Fatal(err)
	}
	onEveryStore(t, setup{rules: rules, dialect: ifmatch.Dialect{StaleStatus: 409}}, func(t *testing.T, a *api) {
		a.must(201, "PUT", item, `{"n":0}`)
		a.must(200, "PUT", item, `{"n":-1,"version":1}`)
		got := a.must(409, "PUT", item, `{"n":1,"version":1}`)
		a.header(got, "Ifmatch-Outcome", "parked")
		a.header(got, "ETag", "")
		at := got.header.Get("Location")
		c := a.openConflict(a.must(200, "GET", at, ""))
		if string(c.Yours) != `{"n":1}` || string(c.Base) != `{"n":0}` || listed(c.Conflicts) != "/n reject" || c.Conflicts[0].Yours != nil {
			t.Errorf("kept is %+v", c)
		}
		p := a.isProblem(a.do("POST", at+"/resolve", `{"choices":{}}`, "If-Match", `"2"`), 409, "merge-conflict", "POST", at+"/resolve")
		if p.CurrentEtag != `"2"` {
			t.Errorf("told %+v", p)
		}
		a.refused(428, "precondition-required", "POST", at+"/resolve", `{"document":{"n":7,"version":2}}`)
		got = a.must(200, "POST", at+"/resolve", `{"document":{"n":7,"version":1}}`, "If-Match", `"2"`)
		a.body(got, `{"n":7,"version":3}`)
		a.verify()
	})
}

// TestParkedUnderHashTokens: the base is named by the tag that its writer sent.
func TestParkedUnderHashTokens(t *testing.T) {
	rules := parkingByDefault(t, merge.Rules{})
	rules.Contract = hashTokens
	onEveryStore(t, setup{rules: rules}, func(t *testing.T, a *api) {
		first := a.must(201, "PUT", item, `{"n":0}`).header.Get("ETag")
		second := a.must(200, "PUT", item, `{"n":-1}`, "If-Match", first).header.Get("ETag")
		at := a.must(412, "PUT", item, `{"n":1}`, "If-Match", first).header.Get("Location")
		p := a.refused(412, "merge-conflict", "POST", at+"/resolve", `{"choices":{}}`, "If-Match", second)
		if p.YourEtag != second || p.CurrentEtag != second || p.YourVersion != 1 {
			t.Errorf("told %+v", p)
		}
		a.must(200, "POST", at+"/resolve", `{"choices":{"/n":"yours"}}`, "If-Match", second)
		a.body(a.must(200, "GET", item, ""), `{"n":1}`)
		a.verify()
	})
}

// TestParkedBesideContributions: what was decided is a direct write, and counts as
// one; where others outrank it, it stays parked.
func TestParkedBesideContributions(t *testing.T) {
	rules := contributed(t, "0.7")
	rules.Allow = []engine.Strategy{engine.StrategyPark}
	c := &clock{}
	c.set(noon.Add(time.Hour))
	onEveryStoreAlone(t, setup{rules: rules, now: c.Now, actor: writerName}, func(t *testing.T, a *api) {
		a.twoVersions(`{"name":"Ann","city":"Ulm"}`, `{"name":"Ann","city":"Bonn"}`)
		at, other := a.parked(`{"city":"Kiel"}`), a.parked(`{"city":"Jena"}`)
		a.contributes(`direct {"name":"Ann"}`, `direct {"city":"Bonn"}`)
		a.contribute(says("crm", "0.9", 1, `{"city":"Rome"}`))
		a.is(3, `{"city":"Rome","name":"Ann"}`)
		a.refused(409, "outranked", "POST", at+"/resolve", `{"choices":{"/city":"yours"}}`, "If-Match", `"3"`)
		a.must(200, "GET", at, "")
		all, _ := a.contributors("")
		a.must(204, "DELETE", contributions+"/"+all[len(all)-1].ID, "")
		a.is(4, `{"name":"Ann","city":"Bonn"}`)
		a.body(a.must(200, "POST", at+"/resolve", `{"choices":{"/city":"yours"}}`, "If-Match", `"4"`), `{"name":"Ann","city":"Kiel"}`)
		a.is(5, `{"name":"Ann","city":"Kiel"}`)
		a.contributes(`direct {"name":"Ann"}`, `direct {"city":"Kiel"}`)
		a.header(a.must(200, "POST", other+"/resolve", `{"choices":{"/city":"theirs"}}`, "If-Match", `"5"`), "Ifmatch-Outcome", "unchanged")
		a.contributes(`direct {"name":"Ann"}`, `direct {"city":"Kiel"}`)
		for _, gone := range []string{at, other} {
			a.refused(404, "not-found", "GET", gone, "")
		}
		a.verify()
	})
}

// TestParkedOfASingleton: beside a path with parameters and no id.
func TestParkedOfASingleton(t *testing.T) {
	rules := parking(t, merge.Rules{})
	brand := []httpapi.Collection{{Name: "brand", Path: "/v1/orgs/{orgId}/brand", Singleton: true, Rules: &rules}}
	onEveryStore(t, setup{collections: brand}, func(t *testing.T, a *api) {
		const path = "/v1/orgs/7/brand"
		a.must(201, "PUT", path, `{"n":0}`)
		a.must(200, "PUT", path, `{"n":-1}`, "If-Match", `"1"`)
		at := a.must(202, "PUT", path, `{"n":1}`, "If-Match", `"1"`, "Prefer", "conflict=park").header.Get("Location")
		if !strings.HasPrefix(at, path+"/_conflicts/") {
			t.Fatalf("parked at %s", at)
		}
		a.refused(404, "not-found", "GET", strings.Replace(at, "/7/", "/8/", 1), "")
		got := a.must(200, "POST", at+"/resolve", `{"choices":{"/n":"yours"}}`, "If-Match", `"2"`)
		a.header(got, "Content-Location", path)
		a.body(a.must(200, "GET", path, ""), `{"n":1}`)
	})
}
