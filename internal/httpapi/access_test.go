package httpapi

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/access"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store/memory"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// everyAction are all actions, in their order.
func everyAction() (all []engine.Action) {
	for a := range engine.Action(engine.Actions) {
		all = append(all, a)
	}
	return all
}

// serveRuled serves callers whose names say what is kept from them: "no write" may not
// change anything, "doc write" what the document does not allow, "all" is let.
func serveRuled(t *testing.T) (a *asked, as func(name string) []string) {
	t.Helper()
	a = &asked{T: t, store: memory.Open(memory.Options{})}
	var rules Access
	var keys []access.Key
	headers := map[string][]string{}
	add := func(name string) {
		key, digest := access.NewKey()
		keys = append(keys, access.Key{Principal: access.Principal{Name: name, Roles: []string{name}}, Digest: digest})
		headers[name] = []string{"Authorization", "Bearer " + key}
	}
	add("all")
	for _, action := range everyAction() {
		text := fmt.Sprintf(`!("no %[1]s" in principal.roles) && (!("doc %[1]s" in principal.roles) || resource.allows == true)`, action)
		rule, err := access.CompileRule(text, "collection", "id")
		if err != nil {
			t.Fatal(err)
		}
		rules[action] = rule
		add("no " + action.String())
		add("doc " + action.String())
	}
	known, err := access.NewKeys(keys)
	if err != nil {
		t.Fatal(err)
	}
	authority := &Authority{Access: &rules}
	a.server = New(Config{
		Door: &door.Door{Engine: engine.New(a.store, engine.Config{})}, Auth: Auth{Keys: known}, DefaultAuthority: authority,
		Default: &engine.Rules{Contributions: &engine.Contributions{Confidence: jsonvalue.Int(1)}, Reserved: authority.Reserved()},
	})
	listening := httptest.NewServer(a.server)
	t.Cleanup(listening.Close)
	a.url = listening.URL
	return a, func(name string) []string { return slices.Clone(headers[name]) }
}

// needed is what each method of each route takes where there is a document. It stands
// here once more, so that the table cannot be wrong by itself.
var needed = map[routeKind]map[string]string{
	routeCollection:    {"GET": "read", "POST": "create"},
	routeItem:          {"GET": "read", "PUT": "read write", "PATCH": "read write", "DELETE": "read delete"},
	routeHistory:       {"GET": "read history"},
	routeVersion:       {"GET": "read history"},
	routeDiff:          {"GET": "read history"},
	routeBlame:         {"GET": "read history"},
	routeContributions: {"GET": "read", "POST": "read write"},
	routeContribution:  {"GET": "read", "DELETE": "read write"},
	routeConflicts:     {"GET": "read resolve"},
	routeConflict:      {"GET": "read resolve", "DELETE": "read resolve"},
	routeResolve:       {"POST": "read resolve"},
	routeField:         {"GET": "read", "PUT": "read write", "PATCH": "read write", "DELETE": "read write"},
	routeLease:         {"POST": "read write", "PUT": "read write", "DELETE": "read write"},
	routeChanges:       {"GET": "read history"},
	routeAllChanges:    {"GET": "read history"},
	routeAudit:         {"GET": "audit"},
}

// actionsOf reads the names of actions.
func actionsOf(t *testing.T, names string) (actions []engine.Action) {
	t.Helper()
	for name := range strings.FieldsSeq(names) {
		i := slices.IndexFunc(everyAction(), func(a engine.Action) bool { return a.String() == name })
		if i < 0 {
			t.Fatalf("there is no action %q", name)
		}
		actions = append(actions, engine.Action(i))
	}
	return actions
}

// TestEveryRouteAsksItsAction walks the routes that there are, with every method, as
// callers from whom one action is kept. A route asks for the actions that are needed and
// for no other, whatever the document is and by what it says; who is refused has
// changed nothing. A route or a method of which it is not said what it asks fails the
// test.
func TestEveryRouteAsksItsAction(t *testing.T) {
	resources := resourcesOf()
	if kinds := kindsOfRoutes(t); len(kinds) != len(resources) || len(kinds) != len(needed) {
		t.Fatalf("there are the routes %v, %d in the table of what they lead to, and %d in that of this test", kinds, len(resources), len(needed))
	}
	a, as := serveRuled(t)
	a.status(http.StatusCreated, "PUT", "/v1/notes/1", as("all")...)
	a.status(http.StatusOK, "PATCH", "/v1/notes/1", append(as("all"), "If-Match", `"1"`)...)
	a.park()
	before := a.dump()
	for kind, path := range routes {
		if all, rest, ok := strings.Cut(path, "/ID"); ok {
			path = all + "/" + a.firstID(all, as("all")...) + rest
		}
		for _, method := range allMethods {
			if method == http.MethodOptions {
				continue
			}
			declared := method
			if method == http.MethodHead {
				declared = http.MethodGet
			}
			names, ok := needed[kind][declared]
			if _, asked := resources[kind].of(declared); asked != ok {
				t.Errorf("%s %s: in the table %t, in the test %t", method, path, asked, ok)
			}
			if !ok {
				a.status(http.StatusMethodNotAllowed, method, path, as("all")...)
				continue
			}
			target, more := path, []string{"If-Match", `"99"`}
			switch {
			case declared == http.MethodGet:
				more = nil
			case kind == routeCollection:
				target, more = path+"?dryRun=true", nil
			case kind == routeLease && method != http.MethodPost:
				more = append(more, "Ifmatch-Lease", "none")
			}
			a.asksFor(actionsOf(t, names), method, target, as, more...)
		}
	}
	for _, of := range []struct{ method, path string }{
		{"PUT", "/v1/notes/none?dryRun=true"},
		{"POST", "/v1/notes/none/_contributions?dryRun=true"},
	} {
		a.asksFor([]engine.Action{engine.ActCreate}, of.method, of.path, as)
	}
	if after := a.dump(); after != before {
		t.Errorf("the walk has left something behind:\n%s\nbefore:\n%s", after, before)
	}
}

// asksFor shows that a request is refused to those from whom one of the actions is kept,
// and to nobody else.
func (a *asked) asksFor(needs []engine.Action, method, path string, as func(string) []string, header ...string) {
	a.Helper()
	for _, action := range everyAction() {
		for _, by := range []string{"no ", "doc "} {
			name := by + action.String()
			status, head, body := a.do(method, path, append(as(name), header...)...)
			refused := status == http.StatusForbidden || status == http.StatusNotFound
			want := http.StatusForbidden
			creating := method == http.MethodPut && !strings.Contains(path, "/_") || method == http.MethodPost && strings.Contains(path, "_contributions")
			if by == "doc " && action == engine.ActRead && !creating {
				want = http.StatusNotFound
			}
			switch {
			case !slices.Contains(needs, action):
				if refused {
					a.Errorf("%s %s as %q: %d, though it takes %v: %s", method, path, name, status, needs, body)
				}
			case path == routes[routeAudit]:
				if status != http.StatusOK || by == "no " && strings.Contains(body, "action") || strings.Contains(body, "created") {
					a.Errorf("%s %s as %q: %d %s", method, path, name, status, body)
				}
			case path == routes[routeAllChanges], by == "doc " && (path == routes[routeChanges] || path == routes[routeCollection]): // of what they may read
				if status != http.StatusOK || strings.Contains(body, `"id"`) {
					a.Errorf("%s %s as %q: %d %s", method, path, name, status, body)
				}
			case by == "doc " && action == engine.ActCreate && strings.Contains(path, "_contributions"):
				// The content is not a contribution, and refused before what it would make is known.
			case status != want:
				a.Errorf("%s %s as %q: %d, want %d: %s", method, path, name, status, want, body)
			case head.Get("ETag") != "" || head.Get("Ifmatch-ETag") != "" || strings.Contains(body, "etag") || strings.Contains(body, "currentVersion"):
				a.Errorf("%s %s as %q tells of what is there: %v %s", method, path, name, head, body)
			}
		}
	}
}
