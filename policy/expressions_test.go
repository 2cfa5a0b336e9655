package policy

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
)

func TestExpressions(t *testing.T) {
	const reject, merge, overwrite = ifmatch.StrategyReject, ifmatch.StrategyMerge, ifmatch.StrategyOverwrite
	for _, tt := range []struct {
		name, file string
		stale      ifmatch.OnStale
		resolve    []string
	}{
		{"none", "default: {fields: [{path: /a}]}", ifmatch.OnStale{Default: reject, Allow: []ifmatch.Strategy{reject}}, nil},
		{"overwrite alone", `default: {on_stale: {overwrite: '"admin" in principal.roles'}}`,
			ifmatch.OnStale{Default: reject, Allow: []ifmatch.Strategy{reject, overwrite}, Overwrite: `"admin" in principal.roles`}, nil},
		{"beside what is allowed", `default: {on_stale: {default: merge, allow: [reject, merge], overwrite: 'principal.org == params.collection'}}`,
			ifmatch.OnStale{Default: merge, Allow: []ifmatch.Strategy{reject, merge, overwrite}, Overwrite: "principal.org == params.collection"}, nil},
		{"of what is allowed", `default: {on_stale: {default: overwrite, overwrite: 'params.id == "1"'}}`,
			ifmatch.OnStale{Default: overwrite, Allow: []ifmatch.Strategy{reject, overwrite}, Overwrite: `params.id == "1"`}, nil},
		{"in double quotes, and on lines", "default:\n  on_stale:\n    allow: [overwrite]\n    overwrite: |\n      \"admin\" in principal.roles ||\n        resource.owner == principal.name // whose it is\n",
			ifmatch.OnStale{Default: reject, Allow: []ifmatch.Strategy{reject, overwrite}, Overwrite: "\"admin\" in principal.roles ||\n  resource.owner == principal.name // whose it is\n"}, nil},
		{"fields", `default: {fields: [{path: /a, may_resolve: '"a" in principal.roles'}, {path: /b}, {path: '/c/*', type: set, may_resolve: "resource.owner == principal.name"}]}`,
			ifmatch.OnStale{Default: reject, Allow: []ifmatch.Strategy{reject}}, []string{`"a" in principal.roles`, "", "resource.owner == principal.name"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse("p.yaml", []byte(tt.file))
			if err != nil {
				t.Fatal(err)
			}
			if c := p.Default; !reflect.DeepEqual(c.OnStale, tt.stale) || !slices.Equal(c.MayResolve, tt.resolve) {
				t.Errorf("got  %+v, %q\nwant %+v, %q", c.OnStale, c.MayResolve, tt.stale, tt.resolve)
			}
			text, err := p.MarshalYAML()
			if err != nil {
				t.Fatal(err)
			}
			if again, err := Parse("printed", text); err != nil || !reflect.DeepEqual(again, p) {
				t.Errorf("what is printed reads as %+v, %v:\n%s", again, err, text)
			}
		})
	}
}

func TestReaders(t *testing.T) {
	p, err := Parse("p.yaml", []byte(`default: {fields: [{path: /salary, read: '"hr" in principal.roles'}, {path: /n, type: counter}, {path: '/**/secret', may_resolve: "true", read: "resource.owner == principal.name"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{`"hr" in principal.roles`, "", "resource.owner == principal.name"}; !slices.Equal(p.Default.Read, want) || !slices.Equal(p.Default.MayResolve, []string{"", "", "true"}) {
		t.Errorf("got %q, %q", p.Default.Read, p.Default.MayResolve)
	}
	text, err := p.MarshalYAML()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Parse("printed", text); err != nil || !reflect.DeepEqual(again, p) {
		t.Errorf("what is printed reads as %+v, %v:\n%s", again, err, text)
	}
}

func TestExpressionErrors(t *testing.T) {
	const head = "collections:\n  - name: users\n    path: /v1/orgs/{orgId}/users\n    id: {param: userId}\n    "
	for _, tt := range []struct {
		name, file string
		want       []string
	}{
		{"unknown name", head + `on_stale: {overwrite: 'user.name == "ann"'}`, []string{
			"5:27: collections[0].on_stale.overwrite: line 1, column 1 of the expression: there is no user; a rule is about principal, params, resource and request"}},
		{"unknown parameter", head + `on_stale: {overwrite: 'principal.org == params.id'}`, []string{
			"5:27: collections[0].on_stale.overwrite: line 1, column 24 of the expression: there is no params.id; the path has orgId, userId"}},
		{"parameter of a singleton", "collections: [{name: s, singleton: true, on_stale: {overwrite: 'params.id == \"1\"'}}]", []string{
			"1:64: collections[0].on_stale.overwrite: line 1, column 7 of the expression: there is no params.id; the path has no parameters"}},
		{"on lines", "default:\n  on_stale:\n    overwrite: |\n      true &&\n      roles == []\n", []string{
			"3:16: default.on_stale.overwrite: line 2, column 1 of the expression: there is no roles; a rule is about principal, params, resource and request"}},
		{"syntax", head + `on_stale: {overwrite: 'principal.name = "ann"'}`, []string{
			`5:27: collections[0].on_stale.overwrite: line 1, column 16 of the expression: token recognition error at: '= '; a rule is an expression in CEL, as in "editor" in principal.roles`}},
		{"not true or false", head + `fields: [{path: /a, may_resolve: principal.roles}]`, []string{
			"5:38: collections[0].fields[0].may_resolve: line 1, column 1 of the expression: the result is list(string) and must be true or false; compare it with something"}},
		{"too much", head + `fields: [{path: /a}, {path: /b, may_resolve: 'resource.a.filter(x, x > 1) == []'}]`, []string{
			"5:50: collections[0].fields[1].may_resolve: line 1, column 18 of the expression: filter is not for rules, as what it costs cannot be bounded; use exists, exists_one or all"}},
		{"too long", head + `on_stale: {overwrite: '` + strings.Repeat("!", 5000) + `true'}`, []string{
			"5:27: collections[0].on_stale.overwrite: line 1, column 1 of the expression: expression code point size exceeds limit: size: 5004, limit 4096; a rule is an expression in CEL, as in \"editor\" in principal.roles"}},
		{"a boolean", head + `on_stale: {overwrite: true}`, []string{`5:27: collections[0].on_stale.overwrite: must be a text; write "true" in quotes`}},
		{"empty", head + `on_stale: {overwrite: ''}`, []string{"5:27: collections[0].on_stale.overwrite: must not be empty"}},
		{"a list", head + `fields: [{path: /a, may_resolve: [admin]}]`, []string{"5:38: collections[0].fields[0].may_resolve: must be a text"}},
		{"a mapping", head + `on_stale: {overwrite: {admin: true}}`, []string{"5:27: collections[0].on_stale.overwrite: must be a text"}},
		{"of a group", head + `together: [{fields: [/a, /b], may_resolve: 'true'}]`, []string{
			"5:35: collections[0].together[0].may_resolve: unknown key; valid keys are fields, on_conflict, by"}},
		{"a reader who is no one", head + `fields: [{path: /a, read: reader}]`, []string{
			"5:31: collections[0].fields[0].read: line 1, column 1 of the expression: there is no reader; a rule is about principal, params, resource and request"}},
		{"hidden, and in the tag", head + "contract: {token: hash}\n    fields: [{path: /a}, {path: /b, read: 'true'}]", []string{
			"6:43: collections[0].fields[1].read: cannot stand where token is hash: entity tags would be made of the hidden value too, and tell whoever guesses it; use token: version, or signed"}},
		{"hidden, and in the id", "collections:\n  - name: users\n    id: {natural_key: [/org, /user/email]}\n    fields: [{path: /user, read: 'true'}, {path: '/**/email', read: 'true'}, {path: /name, read: 'true'}]", []string{
			"4:34: collections[0].fields[0].read: cannot hide /user/email, which is part of natural_key on line 3: ids are made of it, and everybody sees these",
			"4:69: collections[0].fields[1].read: cannot hide /user/email, which is part of natural_key on line 3: ids are made of it, and everybody sees these"}},
		{"all at once", head + "on_stale: {overwrite: x}\n    fields: [{path: /a, may_resolve: y}, {path: /a, may_resolve: z}]", []string{
			"5:27: collections[0].on_stale.overwrite: line 1, column 1 of the expression: there is no x; a rule is about principal, params, resource and request",
			"6:38: collections[0].fields[0].may_resolve: line 1, column 1 of the expression: there is no y; a rule is about principal, params, resource and request",
			"6:49: collections[0].fields[1].path: /a stands twice; the first is on line 6",
			"6:66: collections[0].fields[1].may_resolve: line 1, column 1 of the expression: there is no z; a rule is about principal, params, resource and request"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse("p.yaml", []byte(tt.file))
			want := "p.yaml:" + strings.Join(tt.want, "\np.yaml:")
			if err == nil || err.Error() != want || p != nil {
				t.Errorf("got\n%v\nwant\n%s", err, want)
			}
		})
	}
}
