package protocol_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
	"github.com/ifmatch/ifmatch/internal/store"
)

// TestBatchDryRun: a dry run of a batch answers as it would, and writes nothing.
func TestBatchDryRun(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.must(201, "PUT", kept, `{"n":1}`)
		for _, form := range []func(...string) string{together, apart} {
			before := a.dump()
			got := a.do("POST", "/_batch?dryRun=true", form(oper("PUT", kept, `{"n":2}`, "If-Match", `"1"`), oper("POST", "/v1/notes", `{"n":3}`)))
			a.header(got, "Ifmatch-Dry-Run", "true")
			a.tells(got,
				`200 Content-Type: application/json ETag: "1" Ifmatch-Dry-Run: true Ifmatch-Outcome: replaced {"n":2}`,
				`201 Content-Type: application/json Ifmatch-Dry-Run: true Ifmatch-Outcome: created {"n":3}`,
			)
			if a.dump() != before {
				t.Error("a dry run has changed something")
			}
		}
	})
}

// TestBatchKeys: what one operation frees of a natural key another one takes, whichever
// comes first.
func TestBatchKeys(t *testing.T) {
	key, err := engine.NewNaturalKey("/email")
	if err != nil {
		t.Fatal(err)
	}
	rules := &engine.Rules{Key: key}
	onEveryStore(t, setup{collections: []httpapi.Collection{{Name: "users", Path: "/v1/users", Rules: rules}}}, func(t *testing.T, a *api) {
		a.must(201, "POST", "/v1/users", `{"email":"ann"}`)
		a.must(201, "POST", "/v1/users", `{"email":"bob"}`)
		// Two swap.
		got := a.results(a.do("POST", "/_batch", together(
			oper("PUT", "/v1/users/ann", `{"email":"bob"}`, "If-Match", `"1"`),
			oper("PUT", "/v1/users/bob", `{"email":"ann"}`, "If-Match", `"1"`),
		)))
		if got[0].Status != 200 || got[1].Status != 200 {
			t.Fatalf("%+v", got)
		}
		// A creation takes what a later operation frees, under another id than the key's.
		got = a.results(a.do("POST", "/_batch", together(
			oper("POST", "/v1/users", `{"email":"bob","n":2}`),
			oper("PUT", "/v1/users/ann", `{"email":"cid"}`, "If-Match", `"2"`),
			oper("POST", "/v1/users", `{"email":"ann","n":3}`),
			oper("DELETE", "/v1/users/bob", "", "If-Match", `"2"`),
		)))
		for i, status := range []int{201, 200, 201, 204} {
			if got[i].Status != status {
				t.Errorf("operation %d: %+v", i, got[i])
			}
		}
		a.body(a.must(200, "GET", got[0].Headers["Location"], ""), `{"email":"bob","n":2}`)
		a.body(a.must(200, "GET", got[2].Headers["Location"], ""), `{"email":"ann","n":3}`)
		// Whoever has the key with equal content is what was asked for: once found by the
		// id, once by the claim.
		before := a.dump()
		ann := got[2].Headers["Location"]
		got = a.results(a.do("POST", "/_batch", together(oper("POST", "/v1/users", `{"email":"ann","n":3}`), oper("POST", "/v1/users", `{"email":"cid"}`))))
		if got[0].Status != 200 || got[0].Headers["Location"] != ann || got[1].Status != 200 || got[1].Headers["Location"] != "/v1/users/ann" || got[1].Headers["Ifmatch-Outcome"] != "unchanged" {
			t.Errorf("%+v", got)
		}
		if a.dump() != before {
			t.Error("creations of what is there have changed something")
		}
		a.verify()
	})
}

// TestBatchMerges: a stale operation is merged in the commit of the batch, and what is
// disputed refuses all of it: nothing is parked.
func TestBatchMerges(t *testing.T) {
	rules := engine.Rules{OnStale: engine.StrategyMerge, Allow: []engine.Strategy{engine.StrategyPark, engine.StrategyOverwrite}}
	onEveryStore(t, setup{rules: rules}, func(t *testing.T, a *api) {
		a.must(201, "PUT", kept, `{"a":1,"b":1}`)
		a.must(200, "PUT", kept, `{"a":2,"b":1}`, "If-Match", `"1"`)
		for _, prefer := range []string{"", "conflict=park"} {
			p := a.refusedInBatch(412, "merge-conflict", together(fine, oper("PUT", kept, `{"a":3,"b":1}`, "If-Match", `"1"`, "Prefer", prefer)))
			if len(p.Conflicts) != 1 || p.Conflicts[0].Path != "/a" {
				t.Errorf("%+v", p)
			}
		}
		if got := a.must(200, "GET", kept+"/_conflicts", ""); got.body != `{"items":[]}` {
			t.Errorf("parked: %s", got.body)
		}
		got := a.do("POST", "/_batch", together(fine,
			oper("PUT", kept, `{"a":1,"b":2}`, "If-Match", `"1"`, "Prefer", "conflict=park, return=minimal"),
		))
		a.tells(got, `201 Content-Type: application/json ETag: "1" Ifmatch-Outcome: created {"n":1}`,
			`200 Content-Location: /v1/notes/kept Content-Type: application/json Ifmatch-ETag: "3" Ifmatch-Outcome: merged Preference-Applied: conflict=park {"a":2,"b":2}`)
		a.tells(a.do("POST", "/_batch", together(oper("DELETE", "/v1/notes/fine", "", "If-Match", "*"), oper("PUT", kept, `{"a":9}`, "If-Match", `"1"`, "Prefer", "conflict=overwrite"))),
			`204 Ifmatch-Outcome: deleted`,
			`200 Content-Type: application/json ETag: "4" Ifmatch-Outcome: overwritten Preference-Applied: conflict=overwrite {"a":9}`)
		// A CHECK is never merged.
		p := a.refusedInBatch(412, "stale", together(fine, oper("CHECK", kept, "", "If-Match", `"1"`)))
		if strings.Join(p.Strategies, " ") != "reject" {
			t.Errorf("strategies of a CHECK: %v", p.Strategies)
		}
		a.verify()
	})
}

// refusedInBatch sends a batch that is refused, and checks that nothing has changed.
func (a *api) refusedInBatch(status int, slug, body string, headers ...string) problem {
	a.t.Helper()
	before := a.dump()
	got := a.must(status, "POST", "/_batch", body, headers...)
	p := a.problem(got)
	if p.Type != "urn:ifmatch:problem:"+slug {
		a.t.Errorf("%s, want %s", p.Type, slug)
	}
	a.header(got, "ETag", "")
	if a.dump() != before {
		a.t.Error("a refused batch has changed something")
	}
	return p
}

// TestBatchOfDialects: versions in bodies, and one collection beside another.
func TestBatchOfDialects(t *testing.T) {
	dialect := ifmatch.Dialect{Envelope: true, StaleStatus: 409, BodyVersion: ifmatch.BodyVersionAlways}
	members, err := engine.NewMembers(dialect, engine.Added{})
	if err != nil {
		t.Fatal(err)
	}
	onEveryStore(t, setup{collections: []httpapi.Collection{
		{Name: "pages", Path: "/v1/pages", Rules: &engine.Rules{Members: members}, Dialect: dialect},
		{Name: "notes", Path: "/v1/notes", Rules: &engine.Rules{Contract: ifmatch.Contract{Token: ifmatch.TokenHash}}},
		{Name: "brand", Path: "/v1/orgs/{orgId}/brand", Singleton: true, Rules: &engine.Rules{}},
	}}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/pages/1", `{"n":1}`)
		tag := a.must(201, "PUT", kept, `{"n":1}`).header.Get("ETag")
		got := a.results(a.do("POST", "/_batch", together(
			oper("PUT", "/v1/pages/1", `{"n":2,"version":1}`),
			oper("PUT", kept, `{"n":2}`, "If-Match", tag),
			oper("PUT", "/v1/orgs/acme/brand", `{"n":1}`),
			oper("PUT", "/v1/orgs/else/brand", `{"n":1}`),
		)))
		for i, status := range []int{200, 200, 201, 201} {
			if got[i].Status != status {
				t.Errorf("operation %d: %+v", i, got[i])
			}
		}
		if string(got[0].Body) != `{"n":2,"version":2}` {
			t.Errorf("%s", got[0].Body)
		}
		before := a.dump()
		stale := a.must(409, "POST", "/_batch", together(oper("DELETE", "/v1/orgs/else/brand", "", "If-Match", "*"), oper("PUT", "/v1/pages/1", `{"n":3,"version":1}`)))
		if !strings.Contains(stale.body, `"failedIndex":1`) || a.dump() != before {
			t.Errorf("%s", stale.body)
		}
	})
}

// TestBatchUnderLeases: each operation of a batch writes under its own lease.
func TestBatchUnderLeases(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		a.must(201, "PUT", "/v1/notes/2", `{"n":1}`)
		var lease struct{ Lease string }
		if err := json.Unmarshal([]byte(a.must(201, "POST", "/v1/notes/2/_lease", `{"ttlMs":60000}`).body), &lease); err != nil {
			t.Fatal(err)
		}
		one := oper("PUT", "/v1/notes/1", `{"n":2}`, "If-Match", `"1"`)
		a.refusedInBatch(423, "locked", together(one, oper("PUT", "/v1/notes/2", `{"n":2}`, "If-Match", `"1"`)))
		a.refusedInBatch(423, "locked", together(one, oper("PUT", "/v1/notes/2", `{"n":1}`, "If-Match", `"1"`)))
		patient := oper("PUT", "/v1/notes/2", `{"n":2}`, "If-Match", `"1"`, "Prefer", "wait=20")
		a.refusedInBatch(423, "locked", together(one, patient))
		if got := a.results(a.do("POST", "/_batch", apart(patient))); got[0].Status != 423 || got[0].Headers["Preference-Applied"] != "" {
			t.Errorf("%+v", got)
		}
		a.refusedInBatch(412, "lease-expired", together(one, oper("PUT", "/v1/notes/2", `{"n":2}`, "If-Match", `"1"`, "Ifmatch-Lease", "none")))
		a.must(200, "POST", "/_batch", together(oper("PUT", "/v1/notes/1", `{"n":3}`, "If-Match", `"1"`), oper("CHECK", "/v1/notes/2", "", "If-Match", `"1"`)))
		a.must(200, "POST", "/_batch", together(oper("PUT", "/v1/notes/1", `{"n":4}`, "If-Match", `"2"`), oper("PUT", "/v1/notes/2", `{"n":2}`, "If-Match", `"1"`, "Ifmatch-Lease", lease.Lease)))
	})
}

// TestBatchOfContributions: contributions and withdrawals in a batch.
func TestBatchOfContributions(t *testing.T) {
	onEveryStore(t, setup{rules: contributed(t, "1")}, func(t *testing.T, a *api) {
		got := a.results(a.do("POST", "/_batch", together(
			oper("POST", "/v1/notes/1/_contributions", says("crm", "0.5", 0, `{"n":1}`)), oper("POST", "/v1/notes/2/_contributions", says("crm", "0.5", 0, `{"n":2}`)))))
		if got[0].Status != 201 || got[1].Status != 201 {
			t.Fatalf("%+v", got)
		}
		a.refusedInBatch(404, "not-found", together(oper("DELETE", got[0].Headers["Location"], ""), oper("DELETE", "/v1/notes/2/_contributions/none", "")))
		again := a.results(a.do("POST", "/_batch", together(oper("DELETE", got[0].Headers["Location"], ""), oper("POST", "/v1/notes/2/_contributions", says("erp", "0.5", 0, `{"n":2}`)))))
		if again[0].Status != 204 || again[1].Status != 201 {
			t.Errorf("%+v", again)
		}
		a.refusedInBatch(400, "malformed", together(oper("POST", "/v1/notes/1/_contributions", says("a", "0.5", 0, `{"n":1}`)), oper("POST", "/v1/notes/1/_contributions", says("b", "0.5", 0, `{"n":1}`))))
		a.verify()
	})
}

// TestBatchOfThousand: as many operations as a batch may have, each in a collection of its
// own.
func TestBatchOfThousand(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		ops := make([]string, 1000)
		for i := range ops {
			ops[i] = oper("PUT", fmt.Sprintf("/v1/c%d/1", i), `{}`)
		}
		got := a.results(a.do("POST", "/_batch", together(ops...)))
		for i := range got {
			if got[i].Status != 201 {
				t.Fatalf("operation %d: %+v", i, got[i])
			}
		}
		for i := range ops {
			ops[i] = oper("PUT", fmt.Sprintf("/v1/c%d/1", i), `{"n":2}`, "If-Match", `"1"`)
		}
		a.refusedInBatch(412, "exists", together(append(ops[:999:999], oper("CHECK", "/v1/c999/1", "", "If-None-Match", "*"))...))
	})
}

// TestBatchTooLarge: small patches of large documents come to more than a batch may take.
func TestBatchTooLarge(t *testing.T) {
	limits := engine.Limits{Body: 10_000}
	onEveryStore(t, setup{limits: limits}, func(t *testing.T, a *api) {
		large := `{"n":1,"text":"` + strings.Repeat("x", 9_000) + `"}`
		var ops []string
		for i := range 20 {
			path := fmt.Sprintf("/v1/notes/%d", i)
			a.must(201, "PUT", path, large)
			ops = append(ops, oper("PATCH", path, `{"n":2}`, "If-Match", `"1"`))
		}
		a.refusedInBatch(413, "too-large", together(ops...))
		a.must(200, "POST", "/_batch", together(ops[:17]...))
		var more []string
		for range 40 {
			more = append(more, oper("PATCH", "/v1/notes/19", `{"n":2}`, "If-Match", "*"))
		}
		got := a.results(a.do("POST", "/_batch", apart(more...)))
		if got[35].Status != 200 || got[36].Status != 413 || got[39].Status != 413 {
			t.Errorf("%d %d %d", got[35].Status, got[36].Status, got[39].Status)
		}
	})
}

// TestBatchTells: the log says of each write of a batch what it would say of one alone,
// and that they are one commit.
func TestBatchTells(t *testing.T) {
	ann := func(*http.Request) store.Actor { return store.Actor{Name: "ann", Roles: []string{"editor"}} }
	onEveryStore(t, setup{actor: ann}, func(t *testing.T, a *api) {
		a.must(200, "POST", "/_batch", together(oper("PUT", "/v1/notes/1", `{}`), oper("PUT", "/v1/notes/2", `{}`)), "X-Request-Id", bareKey)
		var rows []store.Entry
		if err := a.store.(store.Scanner).ScanLog(t.Context(), func(e *store.Entry) error { rows = append(rows, *e); return nil }); err != nil {
			t.Fatal(err)
		}
		if len(rows) != 2 || rows[0].CommitID != rows[1].CommitID || rows[0].Correlation != bareKey || rows[1].Actor.Name != "ann" || rows[0].At != rows[1].At {
			t.Errorf("%+v", rows)
		}
		a.verify()
	})
}
