package protocol_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/memory"
	"github.com/ifmatch/ifmatch/internal/store/sqlite"
)

const leasePath = item + "/_lease"

// lease is what its holder is told of it.
type lease struct {
	Lease     string
	Fencing   int64
	ExpiresAt time.Time
}

// onEveryClock runs a test over each store, with a clock of its own that the engine
// goes by too.
func onEveryClock(t *testing.T, s setup, test func(*testing.T, *api, *clock)) {
	t.Helper()
	for name, open := range map[string]func(*testing.T, *clock) store.Store{
		"memory": func(_ *testing.T, c *clock) store.Store { return memory.Open(memory.Options{Clock: c.Now}) },
		"sqlite": func(t *testing.T, c *clock) store.Store {
			st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), sqlite.Options{Clock: c.Now})
			if err != nil {
				t.Fatal(err)
			}
			return st
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := &clock{now: noon}
			s := s
			s.now = c.Now
			test(t, newAPI(t, open(t, c), s), c)
		})
	}
}

func (a *api) leaseOf(got answer) lease {
	a.t.Helper()
	var l lease
	if err := json.Unmarshal([]byte(got.body), &l); err != nil {
		a.t.Fatalf("no lease: %v: %s", err, got.body)
	}
	return l
}

// take takes the lease on the document.
func (a *api) take(headers ...string) lease {
	a.t.Helper()
	return a.leaseOf(a.must(201, "POST", leasePath, `{"ttlMs":5000}`, headers...))
}

// TestLease walks through the life of a lease.
func TestLease(t *testing.T) {
	onEveryClock(t, setup{actor: writerName}, func(t *testing.T, a *api, c *clock) {
		a.must(201, "PUT", item, `{"n":1}`)
		got := a.must(201, "POST", leasePath, `{"ttlMs":5000}`, "X-Writer", "ann", "Prefer", "return=minimal, wait=5")
		a.header(got, "Ifmatch-Outcome", "leased")
		a.header(got, "Cache-Control", "no-store")
		a.header(got, "Content-Type", "application/json")
		a.header(got, "ETag", "") // it would be that of the lease
		a.header(got, "Ifmatch-ETag", `"1"`)
		a.header(got, "Preference-Applied", "")
		l := a.leaseOf(got)
		if len(l.Lease) != 22 || l.Fencing != 1 || !l.ExpiresAt.Equal(noon.Add(5*time.Second)) {
			t.Errorf("the lease is %s", got.body)
		}
		a.header(a.must(200, "GET", item, ""), "ETag", `"1"`)

		for _, bare := range [][]string{{"If-Match", `"1"`}, nil} {
			p := a.refused(423, "locked", "PUT", item, `{"n":2}`, bare...)
			if p.RetryAfterMs != 5000 || p.CurrentEtag != "" {
				t.Errorf("who is locked out is told %+v", p)
			}
		}
		a.refused(428, "precondition-required", "PUT", item, `{"n":2}`, "Ifmatch-Lease", l.Lease)
		a.refused(412, "stale", "PUT", item, `{"n":2}`, "Ifmatch-Lease", l.Lease, "If-Match", `"9"`)
		a.header(a.must(200, "PUT", item, `{"n":2}`, "Ifmatch-Lease", `"`+l.Lease+`"`, "If-Match", `"1"`), "ETag", `"2"`)

		c.set(noon.Add(2 * time.Second))
		got = a.must(200, "PUT", leasePath, `{"ttlMs":4000}`, "Ifmatch-Lease", l.Lease, "X-Writer", "ann")
		a.header(got, "Ifmatch-Outcome", "renewed")
		a.body(got, `{"fencing":1,"expiresAt":"2024-05-01T12:00:06.000Z"}`)
		got = a.must(204, "DELETE", leasePath, "", "Ifmatch-Lease", l.Lease, "X-Writer", "ann")
		a.header(got, "Ifmatch-Outcome", "released")
		a.header(got, "Ifmatch-ETag", `"2"`)
		a.body(got, "")

		for _, method := range []string{"PUT", "DELETE"} {
			a.refused(412, "lease-expired", method, leasePath, `{"ttlMs":4000}`, "Ifmatch-Lease", l.Lease)
		}
		p := a.refused(412, "lease-expired", "PUT", item, `{"n":3}`, "If-Match", `"2"`, "Ifmatch-Lease", l.Lease)
		if p.CurrentEtag != `"2"` {
			t.Errorf("%+v", p)
		}
		a.must(200, "PUT", item, `{"n":3}`, "If-Match", `"2"`)
		if l := a.take(); l.Fencing != 2 {
			t.Errorf("the second lease is %+v", l)
		}
		a.verify()
	})
}

// TestLeaseIsSeenByNobody: nothing that others can read tells what a lease is; that
// there was one, and whose, stands in the history.
func TestLeaseIsSeenByNobody(t *testing.T) {
	onEveryStore(t, setup{actor: writerName}, func(t *testing.T, a *api) {
		a.must(201, "PUT", item, `{"n":1}`)
		l := a.take("X-Writer", "ann")
		for _, path := range []string{item, item + "?include=meta", "/v1/notes", item + "/_history", item + "/_history/1", item + "/_conflicts"} {
			for _, method := range []string{"GET", "HEAD"} {
				got := a.must(200, method, path, "")
				for name, lines := range got.header {
					got.body += name + strings.Join(lines, " ")
				}
				if strings.Contains(got.body, l.Lease) || strings.Contains(got.body, "fencing") || strings.Contains(got.body, "xpires") {
					t.Errorf("%s %s shows %s", method, path, got.body)
				}
			}
		}
		if dump := a.dump(); strings.Contains(dump, l.Lease) {
			t.Errorf("the store has it: %s", dump)
		}
		a.must(204, "DELETE", leasePath, "", "Ifmatch-Lease", l.Lease, "X-Writer", "ann")
		history := a.must(200, "GET", item+"/_history", "").body
		for _, outcome := range []string{"released", "leased"} {
			row := `"action":"touch","outcome":"` + outcome + `"`
			if !strings.Contains(history, row) || strings.Count(history, `"by":"ann"`) != 2 {
				t.Errorf("the history says nothing of %s: %s", outcome, history)
			}
		}
		got := a.refused(405, "method-not-allowed", "GET", leasePath, "")
		if strings.Join(got.Allowed, " ") != "DELETE OPTIONS POST PUT" {
			t.Errorf("allowed are %q", got.Allowed)
		}
		a.header(a.must(204, "OPTIONS", leasePath, ""), "Allow", "DELETE, OPTIONS, POST, PUT")
	})
}

// TestEveryWriteNeedsTheLease: whichever way a write comes, it is locked out while
// somebody has a lease, and goes through under it.
func TestEveryWriteNeedsTheLease(t *testing.T) {
	rules := contributed(t, "1")
	rules.OnStale, rules.Allow = engine.StrategyReject, []engine.Strategy{engine.StrategyPark, engine.StrategyMerge, engine.StrategyOverwrite}
	type write struct {
		name, method, path, body string
		headers                  []string
		status                   int // under the lease
	}
	writes := []write{
		{"PUT", "PUT", "", `{"n":9,"m":1}`, nil, 200},
		{"PUT of what is there", "PUT", "", `{"n":2,"m":1}`, nil, 200},
		{"a dry run", "PUT", "?dryRun=true", `{"n":9,"m":1}`, nil, 200},
		{"merge patch", "PATCH", "", `{"n":9}`, nil, 200},
		{"JSON Patch", "PATCH", "", `[{"op":"add","path":"/n","value":9}]`, []string{"Content-Type", jsonPatch}, 200},
		{"DELETE", "DELETE", "", "", nil, 204},
		{"a field", "PUT", "/_fields/n", `9`, nil, 200},
		{"a field that goes", "DELETE", "/_fields/n", "", nil, 204},
		{"overwrite", "PUT", "", `{"n":9,"m":1}`, []string{"If-Match", `"1"`, "Prefer", "conflict=overwrite"}, 200},
		{"merge", "PUT", "", `{"n":1,"k":5}`, []string{"If-Match", `"1"`, "Prefer", "conflict=merge"}, 200},
		{"park", "PUT", "", `{"n":7}`, []string{"If-Match", `"1"`, "Prefer", "conflict=park"}, 202},
		{"park again", "PUT", "", `{"n":8}`, []string{"If-Match", `"1"`, "Prefer", "conflict=park"}, 202},
		{"resolve", "POST", "/_conflicts/PARKED/resolve", `{"choices":{"/n":"yours"}}`, []string{"If-Match", `"2"`}, 200},
		{"discard", "DELETE", "/_conflicts/PARKED", "", nil, 204},
		{"contribute", "POST", "/_contributions", says("crm", "0.5", 1, `{"k":1}`), nil, 201},
		{"contribute what is there", "POST", "/_contributions", says("erp", "0.5", 0, `{"m":1}`), nil, 200},
		{"withdraw", "DELETE", "/_contributions/MADE", "", nil, 204},
		{"a keyed write", "PUT", "", `{"n":9,"m":1}`, withKey(), 200},
	}
	for _, tt := range writes {
		t.Run(tt.name, func(t *testing.T) {
			onEveryStore(t, setup{rules: rules}, func(t *testing.T, a *api) {
				a.must(201, "PUT", item, `{"n":1}`)
				a.must(200, "PUT", item, `{"n":2}`)
				made := a.contribute(says("erp", "0.5", 0, `{"m":1}`)) // version 3
				parked := a.must(202, "PUT", item, `{"n":8}`, "If-Match", `"1"`, "Prefer", "conflict=park").header.Get("Location")
				path := item + strings.NewReplacer("PARKED", parked[strings.LastIndexByte(parked, '/')+1:], "MADE", made.ID).Replace(tt.path)
				headers := tt.headers
				if tt.name == "resolve" {
					headers = []string{"If-Match", made.Etag}
				}
				l := a.take()
				a.refused(423, "locked", tt.method, path, tt.body, headers...)
				other := append(headers[:len(headers):len(headers)], "Ifmatch-Lease", "another")
				a.refused(412, "lease-expired", tt.method, path, tt.body, other...)
				mine := append(headers[:len(headers):len(headers)], "Ifmatch-Lease", l.Lease)
				a.must(tt.status, tt.method, path, tt.body, mine...)
				a.verify()
			})
		})
	}
}

// TestLateHolder: a holder who was slower than the lease is refused when the write comes
// to its commit, whether somebody else has taken one meanwhile or not, and though
// everything before the commit was still in time.
func TestLateHolder(t *testing.T) {
	for name, taken := range map[string]bool{"nobody else": false, "somebody else": true} {
		t.Run(name, func(t *testing.T) {
			onEveryClock(t, setup{faulty: true}, func(t *testing.T, a *api, c *clock) {
				a.must(201, "PUT", item, `{"n":1}`)
				l := a.take()
				var before string
				var second lease
				a.faults.onCommit(func(_ *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
					a.faults.onCommit(nil)
					c.set(noon.Add(5 * time.Second))
					if taken {
						second = a.take()
					}
					before = a.dump()
					return next()
				})
				got := a.do("PUT", item, `{"n":2}`, "If-Match", `"1"`, "Ifmatch-Lease", l.Lease)
				a.isProblem(got, 412, "lease-expired", "PUT", item)
				if after := a.dump(); after != before {
					t.Errorf("a late write has left something behind:\n%s\nbefore:\n%s", after, before)
				}
				for _, method := range []string{"PUT", "DELETE"} {
					a.refused(412, "lease-expired", method, leasePath, `{"ttlMs":1000}`, "Ifmatch-Lease", l.Lease)
				}
				if taken {
					a.must(200, "PUT", item, `{"n":2}`, "If-Match", `"1"`, "Ifmatch-Lease", second.Lease)
				} else {
					a.must(200, "PUT", item, `{"n":2}`, "If-Match", `"1"`)
				}
				a.verify()
			})
		})
	}
}

// TestLeaseOfSomebodyElse: reads, other documents and the list are not held up.
func TestLeaseOfSomebodyElse(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.must(201, "PUT", item, `{"n":1}`)
		l := a.take()
		for _, method := range []string{"GET", "HEAD"} {
			a.must(304, method, item, "", "If-None-Match", `"1"`, "Ifmatch-Lease", "another")
		}
		a.must(201, "PUT", "/v1/notes/2", `{"n":1}`)
		a.must(201, "POST", "/v1/notes", `{"n":1}`)
		a.refused(412, "lease-expired", "PUT", "/v1/notes/2", `{"n":2}`, "If-Match", `"1"`, "Ifmatch-Lease", l.Lease)
		a.refused(412, "lease-expired", "PUT", "/v1/notes/3", `{"n":2}`, "Ifmatch-Lease", l.Lease)
		a.refused(412, "lease-expired", "POST", "/v1/notes", `{"n":2}`, "Ifmatch-Lease", l.Lease)
		a.must(200, "PUT", item, `{"n":2}`, "If-Match", `"1"`, "Ifmatch-Lease", l.Lease)
	})
}
