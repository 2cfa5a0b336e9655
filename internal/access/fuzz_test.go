package access_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/access"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Whatever stands in a policy file and in a document, a rule compiles or says where
// it does not, and gives one answer to one question. No error comes with a yes,
// and what it says before there is a document it says about this one.
func FuzzRule(f *testing.F) {
	for _, rule := range []string{
		`"admin" in principal.roles`, `principal.org == params.id`, `resource.a.exists(x, x.b == resource.c)`, `resource.n > 1.5 && has(resource.gone)`,
		`resource == {"a": [1, null, "x"]}`, `resource.s.matches("^a+$") ? true : request.path.startsWith("/v1/")`, `timestamp(resource.at) < timestamp("2026-01-01T00:00:00Z")`,
	} {
		f.Add(rule, `{"a":[{"b":1}],"c":1,"n":2.5,"s":"aaa","at":"2025-01-01T00:00:00Z"}`)
	}
	f.Fuzz(func(t *testing.T, rule, document string) {
		r, err := access.CompileRule(rule, "id")
		if err != nil {
			bad, ok := errors.AsType[*access.RuleError](err)
			if !ok || bad.Line < 1 || bad.Line > 1+strings.Count(rule, "\n") || bad.Column < 1 || bad.Message() == "" {
				t.Fatalf("%q: %#v", rule, err)
			}
			return
		}
		v, err := jsonvalue.Parse([]byte(document), jsonvalue.Limits{Depth: 64})
		if err != nil {
			return
		}
		q := &access.Question{Principal: &access.Principal{Name: "ann", Roles: []string{"admin"}, Claims: map[string]any{"org": "1"}}, Params: []string{"1"}, Resource: v}
		ok, err := r.Allows(q)
		if ok && err != nil {
			t.Fatalf("%q allows, and fails with %v", rule, err)
		}
		again, failed := r.Allows(q)
		if again != ok || (failed == nil) != (err == nil) {
			t.Fatalf("%q: %t, %v and then %t, %v", rule, ok, err, again, failed)
		}
		if early, known, _ := r.Before(q); known && err == nil && early != ok {
			t.Fatalf("%q is %t before there is a document, and then %t", rule, early, ok)
		}
		if roles := r.Roles(); roles != nil && err == nil && ok != slices.Contains(roles, "admin") {
			t.Fatalf("%q is %t and asks for %q", rule, ok, roles)
		}
	})
}
