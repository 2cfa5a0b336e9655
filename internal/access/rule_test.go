package access_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ifmatch/ifmatch/internal/access"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

func document(tb testing.TB, text string) jsonvalue.Value {
	tb.Helper()
	v, err := jsonvalue.Parse([]byte(text), jsonvalue.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func compile(tb testing.TB, text string, params ...string) *access.Rule {
	tb.Helper()
	r, err := access.CompileRule(text, params...)
	if err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	return r
}

const stored = `{"owner":"ann","title":"Ä\"1\"","n":1,"f":0.5,"open":true,"gone":null,"tags":["a","b",3,{"k":1}],"deep":{"a":{"b":[1,2]}},"":"empty","big":9007199254740993}`

func ask(tb testing.TB) *access.Question {
	return &access.Question{
		Principal: &access.Principal{Name: "ann", Roles: []string{"editor", "admin"}, Claims: map[string]any{"org": "acme", "level": int64(3), "staff": true, "teams": []any{"red", int64(7)}, "name": "claimed"}},
		Params:    []string{"acme", "42"},
		Resource:  document(tb, stored),
		Method:    "PUT", Path: "/v1/orgs/acme/users/42",
	}
}

func TestRule(t *testing.T) {
	q := ask(t)
	for text, want := range map[string]bool{
		`true`:                        true,
		`false`:                       false,
		`"admin" in principal.roles`:  true,
		`"viewer" in principal.roles`: false,
		`"viewer" in principal.roles || "editor" in principal.roles`:                     true,
		`principal.roles == ["editor", "admin"]`:                                         true,
		`principal.roles.exists(r, r.startsWith("adm"))`:                                 true,
		`principal.roles.all(r, r.matches("^[a-z]+$"))`:                                  true,
		`principal.roles.exists_one(r, r == "admin")`:                                    true,
		`size(principal.roles) == 2 && principal.roles[1] == "admin"`:                    true,
		`principal.name == resource.owner`:                                               true,
		`principal.org == params.orgId`:                                                  true,
		`principal.claims.org == "acme" && principal.claims["level"] == 3`:               true,
		`principal.claims.name == "claimed" && principal.name == "ann"`:                  true,
		`has(principal.org) && !has(principal.team) && has(principal.roles)`:             true,
		`principal.level >= 3 && principal.staff == true`:                                true,
		`"red" in principal.teams && 7 in principal.teams`:                               true,
		`params.userId == "42" && int(params.userId) == 42`:                              true,
		`request.method == "PUT" && request.path.endsWith("/users/42")`:                  true,
		`request.method in ["PATCH", "DELETE"]`:                                          false,
		`resource.title == "Ä\"1\""`:                                                     true,
		`resource.n == 1 && resource.n == 1.0 && resource.n < 2`:                         true,
		`resource.f == 0.5 && resource.f < 1 && resource.f > 0`:                          true,
		`resource.open == true`:                                                          true,
		`resource.gone == null && has(resource.gone) && !has(resource.no)`:               true,
		`"a" in resource.tags && 3 in resource.tags && !("c" in resource.tags)`:          true,
		`{"k": 1} in resource.tags`:                                                      true,
		`resource.tags[2] == 3 && resource.tags[3].k == 1`:                               true,
		`size(resource.tags) == 4 && size(resource.deep) == 1`:                           true,
		`resource.tags + [1] == ["a", "b", 3, {"k": 1}, 1]`:                              true,
		`[1] + resource.tags == [1, "a", "b", 3, {"k": 1}]`:                              true,
		`resource.tags + resource.deep.a.b == ["a", "b", 3, {"k": 1}, 1, 2]`:             true,
		`resource.deep == {"a": {"b": [1, 2]}} && {"a": {"b": [1, 2]}} == resource.deep`: true,
		`resource.deep.a.b == [1, 2] && [1, 2] == resource.deep.a.b`:                     true,
		`resource.deep.a.b == [2, 1] || resource.deep == resource.deep.a`:                false,
		`resource.deep != resource.deep.a && resource.deep == resource.deep`:             true,
		`resource.deep.all(k, k == "a") && "a" in resource.deep`:                         true,
		`resource.deep.a.b.all(n, n > 0) && resource.deep["a"]["b"][1] == 2`:             true,
		`resource[""] == "empty" && resource["owner"] == "ann"`:                          true,
		`type(resource.tags) == list && type(resource.deep) == map`:                      true,
		`type(resource.n) == int && type(resource.f) == double`:                          true,
		`timestamp("2026-01-01T00:00:00Z") < timestamp("2026-01-02T00:00:00Z")`:          true,
		`resource.missing == 1 || true`:                                                  true, // what is true whatever the rest is
		"principal.name == \"ann\" // who wrote it\n && true":                            true,
	} {
		ok, err := compile(t, text, "orgId", "userId").Allows(q)
		if err != nil || ok != want {
			t.Errorf("%s: %t, %v; want %t", text, ok, err, want)
		}
	}
}

// Whoever did not have to say who they are is nobody.
func TestNobody(t *testing.T) {
	for text, want := range map[string]bool{
		`principal.name == ""`: true,
		`size(principal.roles) == 0 && size(principal.claims) == 0`:                true,
		`"admin" in principal.roles`:                                               false,
		`has(principal.org)`:                                                       false,
		`request.method == "" && request.path == "" && !("a" in principal.claims)`: true,
	} {
		if ok, err := compile(t, text).Allows(new(access.Question)); err != nil || ok != want {
			t.Errorf("%s: %t, %v", text, ok, err)
		}
	}
}

// A rule that cannot be answered allows nothing, whichever way round it asks.
func TestNoAnswer(t *testing.T) {
	q := ask(t)
	none := *q
	none.Resource = jsonvalue.Value{}
	for text, part := range map[string]string{
		`resource.missing == 1`:                     "no such key: missing",
		`!(resource.missing == 1)`:                  "no such key: missing",
		`resource.owner.name != "bob"`:              "no such key: name",
		`resource.tags[9] != 1`:                     "9",
		`resource.tags.a != 1`:                      "unsupported index type",
		`resource.deep[1] != 1`:                     "1",
		`resource.owner > 1`:                        "no such overload",
		`resource.n + resource.f != 0`:              "no such overload",
		`[] != resource.tags + resource.n`:          "no such overload",
		`resource.open && false || resource.n`:      "no such overload",
		`principal.team != "blue"`:                  `no claim "team"`,
		`principal.claims.team != "blue"`:           "no such key: team",
		`1 / (resource.n - 1) != 0`:                 "division by zero",
		`resource.big * resource.big != 0`:          "overflow",
		`int(resource.owner) != 0`:                  "type conversion error",
		`timestamp(resource.owner) != timestamp(0)`: "ann",
		`dyn(principal) != 1`:                       "unsupported",
		`string(resource.deep) != ""`:               "no such overload",
	} {
		if ok, err := compile(t, text).Allows(q); ok || err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %t, %v; want %s", text, ok, err, part)
		}
	}
	for _, text := range []string{`resource.owner != "bob"`, `has(resource.owner)`, `!has(resource.owner)`, `!("owner" in resource)`, `resource != {}`} {
		if ok, err := compile(t, text).Allows(&none); ok || err == nil {
			t.Errorf("without a document: %s: %t, %v", text, ok, err)
		}
	}
	if ok, err := compile(t, `principal.name == "ann"`).Allows(&none); !ok || err != nil {
		t.Errorf("a rule that needs no document: %t, %v", ok, err)
	}
}

func TestRuleRoles(t *testing.T) {
	for text, want := range map[string][]string{
		`"admin" in principal.roles`: {"admin"},
		`("editor" in principal.roles || "admin" in principal.roles) || "admin" in principal.roles`: {"admin", "editor"},
		`"admin" in principal.roles && true`:                         nil,
		`!("admin" in principal.roles)`:                              nil,
		`"admin" in principal.roles || principal.name == "ann"`:      nil,
		`"admin" in principal.teams`:                                 nil,
		`"admin" in resource.roles`:                                  nil,
		`principal.name in principal.roles`:                          nil,
		`"admin" in ["admin"]`:                                       nil,
		`has(principal.roles)`:                                       nil,
		`true`:                                                       nil,
		`principal.roles.exists(principal, "a" in ["b", principal])`: nil,
	} {
		if got := compile(t, text).Roles(); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	r := compile(t, `"admin" in principal.roles`)
	r.Roles()[0] = "anybody"
	if got := r.Roles(); got[0] != "admin" {
		t.Errorf("a rule was changed to %q", got)
	}
}

func TestRuleThatCannotBe(t *testing.T) {
	const example = `; a rule is an expression in CEL, as in "editor" in principal.roles`
	for _, tt := range []struct {
		text         string
		line, column int
		message      string
	}{
		{`user.name == "ann"`, 1, 1, "there is no user; a rule is about principal, params, resource and request"},
		{"true &&\n  user == 1", 2, 3, "there is no user; a rule is about principal, params, resource and request"},
		{`"Ä" == "Ä" && x`, 1, 15, "there is no x; a rule is about principal, params, resource and request"},
		{`params.orgid == "a"`, 1, 7, "there is no params.orgid; the path has orgId, id"},
		{`request.body == ""`, 1, 8, "there is no request.body; it has method and path"},
		{`now() > timestamp("2026-01-01T00:00:00Z")`, 1, 4, "there is no function now; rules have those of the standard of CEL, such as startsWith, matches and size"},
		{`resource.a.reverse() == "b"`, 1, 19, "there is no function reverse; rules have those of the standard of CEL, such as startsWith, matches and size"},
		{`resource.a.map(x, x) == []`, 1, 15, "map is not for rules, as what it costs cannot be bounded; use exists, exists_one or all"},
		{`resource.a.filter(x, true) == []`, 1, 18, "filter is not for rules, as what it costs cannot be bounded; use exists, exists_one or all"},
		{`principal.name == 1`, 1, 16, "found no matching overload for '_==_' applied to '(string, int)'; compare and combine values of one kind, which int(), double() and string() convert to"},
		{`principal.name.first == ""`, 1, 15, "type 'string' does not support field selection"},
		{`principal.name`, 1, 1, "the result is string and must be true or false; compare it with something"},
		{`resource.open`, 1, 1, "the result is dyn and must be true or false; its kind is only known when it is there, so compare it, as in == true"},
		{`principal.staff`, 1, 1, "the result is dyn and must be true or false; its kind is only known when it is there, so compare it, as in == true"},
		{`"a" in principal.roles &&`, 1, 26, "mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}" + example},
		{``, 1, 1, "mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}" + example},
		{`principal.name = "ann"`, 1, 16, "token recognition error at: '= '" + example},
		{`resource.a.matches("(")`, 1, 19, "the pattern of matches cannot be used, error parsing regexp: missing closing ): `(`; it has the syntax of RE2"},
		{`resource.a.matches(resource.b)`, 1, 19, `the pattern of matches must stand in the rule, as in matches("^a+$")`},
		{`matches("a", principal.name)`, 1, 8, `the pattern of matches must stand in the rule, as in matches("^a+$")`},
		{`resource.n > 9007199254740993.0`, 1, 14, "9.007199254740992e+15 may not be exactly what is meant; write a whole number without a point or an exponent"},
		{`timestamp("yesterday") < timestamp("2026-01-01T00:00:00Z")`, 1, 11, "invalid timestamp argument"},
		{`true` + strings.Repeat(` `, 5000), 1, 1, "expression code point size exceeds limit: size: 5004, limit 4096" + example},
		{strings.Repeat(`(`, 200) + `true` + strings.Repeat(`)`, 200), 1, 0, ""},
		{`1 in [` + strings.Repeat(`1,`, 1500) + `1]`, 1, 0, ""},
		{`resource.a.matches("(a{1000}){100}")`, 1, 0, ""},
		{"principal{name: \"ann\"} == principal", 1, 0, ""},
		{expensive, 1, 1, "costs more than a rule may, whatever it is asked; go through less"},
	} {
		r, err := access.CompileRule(tt.text, "orgId", "id")
		bad, ok := errors.AsType[*access.RuleError](err)
		if !ok || r != nil {
			t.Errorf("%.60q is %v, %v", tt.text, r, err)
			continue
		}
		if tt.message == "" { // in the words of the library
			continue
		}
		if bad.Line != tt.line || bad.Column != tt.column || bad.Message() != tt.message {
			t.Errorf("%.60q\ngot  %d:%d %s\nwant %d:%d %s", tt.text, bad.Line, bad.Column, bad.Message(), tt.line, tt.column, tt.message)
		}
	}
	if _, err := access.CompileRule(`params.id == "1"`); err == nil || !strings.Contains(err.Error(), "line 1, column 7: there is no params.id; the path has no parameters") {
		t.Errorf("without parameters: %v", err)
	}
}

// expensive goes through a million elements whatever it is asked.
var expensive = func() string {
	text := "true"
	for range 6 {
		text = `[1,2,3,4,5,6,7,8,9,10].exists_one(x, ` + text + `)`
	}
	return text
}()

// A document cannot make a rule cost more than its bound, in whatever it hides the
// cost.
func TestCostIsBounded(t *testing.T) {
	list := func(element string, n int) string {
		return "[" + strings.TrimSuffix(strings.Repeat(element+",", n), ",") + "]"
	}
	long := `"` + strings.Repeat("x", 1<<20) + `"`
	for _, tt := range []struct{ rule, document string }{
		{`resource.a.all(x, resource.a.all(y, x == y))`, `{"a":` + list("1", 1000) + `}`},
		{`resource.a.all(x, x in resource.a)`, `{"a":` + list("1", 1000) + `}`},
		{`resource.a.all(x, resource.b == resource.b)`, `{"a":` + list("1", 100) + `,"b":` + list("[[1]]", 5000) + `}`},
		{`resource.a.all(x, !(resource.b in resource.c))`, `{"a":` + list("1", 100) + `,"b":[[1]],"c":` + list("[[2,2]]", 5000) + `}`},
		{`resource.a.all(x, [resource.b] != [resource.b, resource.b] && {"x": resource.b} == {"x": resource.b})`, `{"a":` + list("1", 100) + `,"b":` + list("[1]", 5000) + `}`},
		{`resource.a.all(x, size(resource.s) > 0)`, `{"a":` + list("1", 100) + `,"s":` + long + `}`},
		{`resource.a.all(x, resource.s == resource.s)`, `{"a":` + list("1", 100) + `,"s":` + long + `}`},
		{`resource.a.all(x, resource.s.contains(resource.s))`, `{"a":` + list("1", 100) + `,"s":` + long + `}`},
		{`resource.a.all(x, resource.s <= resource.s)`, `{"a":` + list("1", 100) + `,"s":` + long + `}`},
		{`resource.s + resource.s != ""`, `{"s":` + long + `}`},
		{`resource.a.all(x, resource.a + resource.a != [])`, `{"a":` + list("1", 1000) + `}`},
		{`resource.s.matches("x*")`, `{"s":` + long + `}`},
	} {
		r := compile(t, tt.rule)
		if ok, err := r.Allows(&access.Question{Resource: document(t, tt.document)}); ok || err == nil || !strings.Contains(err.Error(), "cost limit") {
			t.Errorf("%s: %t, %v", tt.rule, ok, err)
		}
		if strings.HasPrefix(tt.rule, "resource.a.all") {
			if ok, err := r.Allows(&access.Question{Resource: document(t, `{"a":[],"b":[],"c":[],"s":""}`)}); !ok || err != nil {
				t.Errorf("%s of a small document: %t, %v", tt.rule, ok, err)
			}
		}
	}
	if ok, err := compile(t, `resource.a.exists(x, x == 2)`).Allows(&access.Question{Resource: document(t, `{"a":`+list("1", 5000)+`}`)}); ok || err != nil {
		t.Errorf("5,000 elements: %t, %v", ok, err)
	}
}

func TestRuleIsSafeForConcurrentUse(t *testing.T) {
	r := compile(t, `principal.roles.exists(r, r in resource.tags) && resource.owner.matches("^a") && params.id == "1"`, "id")
	text := document(t, `{"owner":"ann","tags":["x","y"]}`)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			role, want := "y", true
			if i%2 == 0 {
				role, want = "z", false
			}
			q := &access.Question{Principal: &access.Principal{Roles: []string{role}}, Resource: text, Params: []string{"1"}}
			for range 200 {
				if ok, err := r.Allows(q); ok != want || err != nil {
					t.Errorf("%s: %t, %v", role, ok, err)
					return
				}
			}
		})
	}
	all.Wait()
}

// TestBefore: what a rule says before there is a document it says about every one.
func TestBefore(t *testing.T) {
	for text, want := range map[string]struct{ allowed, known bool }{
		`true`:                        {true, true},
		`false`:                       {false, true},
		`"admin" in principal.roles`:  {true, true},
		`"viewer" in principal.roles`: {false, true},
		`"admin" in principal.roles || resource.owner == "bob"`:    {true, true},
		`resource.owner == "bob" || "admin" in principal.roles`:    {true, true},
		`"viewer" in principal.roles && resource.owner == "ann"`:   {false, true},
		`resource.owner == "ann" && "viewer" in principal.roles`:   {false, true},
		`"viewer" in principal.roles || resource.owner == "bob"`:   {false, false},
		`!(resource.owner == "bob")`:                               {false, false},
		`has(resource.owner)`:                                      {false, false},
		`!has(resource.owner)`:                                     {false, false},
		`resource == {}`:                                           {false, false},
		`resource.owner == "ann" ? true : false`:                   {false, false},
		`principal.roles.exists(r, resource.owner == r)`:           {false, false},
		`"admin" in principal.roles ? true : resource.owner == ""`: {true, true},
	} {
		r, q := compile(t, text), ask(t)
		allowed, known, err := r.Before(q)
		if allowed != want.allowed || known != want.known || err != nil {
			t.Errorf("%s: %t, %t, %v", text, allowed, known, err)
		}
		if q.Resource.IsAbsent() {
			t.Fatalf("%s has changed what it was asked", text)
		}
		if known {
			for _, other := range []string{stored, `{}`, `{"owner":7}`} {
				q.Resource = document(t, other)
				if again, _ := r.Allows(q); again != allowed {
					t.Errorf("%s: %t before, and %t of %s", text, allowed, again, other)
				}
			}
		}
		if looks := strings.Contains(text, "resource"); r.LooksAtResource() != looks || r.Always() != (text == "true") {
			t.Errorf("%s: looks %t, always %t", text, r.LooksAtResource(), r.Always())
		}
	}
	if allowed, known, err := compile(t, `principal.team == "blue"`).Before(ask(t)); allowed || !known || err == nil {
		t.Errorf("without an answer: %t, %t, %v", allowed, known, err)
	}
}
