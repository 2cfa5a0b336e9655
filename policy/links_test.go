package policy

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

const (
	brandLine = "name: brand, path: '/v1/orgs/{orgId}/brand', singleton: true"
	usersLine = "name: users, path: '/v1/orgs/{orgId}/users', id: {param: userId}"
)

func TestLinks(t *testing.T) {
	linked := func(links string, lines ...string) string {
		return collections(append(lines, "name: orgs, id: {param: orgId}, links: ["+links+"]", brandLine, usersLine)...)
	}
	for _, tt := range []struct {
		name, file string
		want       []Link
	}{
		{"to a singleton", linked("{rel: brand, path: '/v1/orgs/{orgId}/brand'}"), []Link{{"brand", "/v1/orgs/{orgId}/brand"}}},
		{"to a list and to documents", linked("{rel: users, path: '/v1/orgs/{orgId}/users'}, {rel: admin, path: '/v1/orgs/{orgId}/users/admin'}, {rel: b.1, path: /v1/orgs/acme/brand}"),
			[]Link{{"users", "/v1/orgs/{orgId}/users"}, {"admin", "/v1/orgs/{orgId}/users/admin"}, {"b.1", "/v1/orgs/acme/brand"}}},
		{"to itself, and to its list", linked("{rel: self, path: '/v1/orgs/{orgId}'}, {rel: list, path: /v1/orgs}"), []Link{{"self", "/v1/orgs/{orgId}"}, {"list", "/v1/orgs"}}},
		{"of a singleton", collections("name: brand, path: '/v1/orgs/{orgId}/brand', singleton: true, links: [{rel: org, path: '/v1/orgs/{orgId}'}]", "name: orgs"),
			[]Link{{"org", "/v1/orgs/{orgId}"}}},
		{"by path and id", collections("name: users, path: '/v1/orgs/{orgId}/users', links: [{rel: twice, path: '/v1/orgs/{id}/users/{orgId}'}]"),
			[]Link{{"twice", "/v1/orgs/{id}/users/{orgId}"}}},
		{"to what default serves", "default: {}\n" + collections("name: orgs, links: [{rel: notes, path: '/v1/notes/{id}'}, {rel: all, path: /v1/notes}]"),
			[]Link{{"notes", "/v1/notes/{id}"}, {"all", "/v1/notes"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse("p.yaml", []byte(tt.file))
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Collections[0].Links; !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
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
	p, err := Parse("p.yaml", []byte("default: {id: {param: key}, links: [{rel: list, path: '/v1/{collection}'}, {rel: meta, path: '/v1/about/{key}'}]}"))
	if want := []Link{{"list", "/v1/{collection}"}, {"meta", "/v1/about/{key}"}}; err != nil || !reflect.DeepEqual(p.Default.Links, want) {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestLinkErrors(t *testing.T) {
	const orgs = "name: orgs, id: {param: orgId}, links: ["
	many := make([]string, maxLinks+1)
	for i := range many {
		many[i] = fmt.Sprintf("{rel: r%d, path: /v1/orgs}", i)
	}
	served := "served are /v1/orgs, /v1/orgs/{orgId}, /v1/orgs/{orgId}/brand, /v1/orgs/{orgId}/users, /v1/orgs/{orgId}/users/{userId}"
	for _, tt := range []struct{ name, file, want string }{
		{"none", collections("name: a, links: []"), "2:22: collections[0].links: must not be empty; remove the key to have the default"},
		{"no list", collections("name: a, links: brand"), "2:22: collections[0].links: must be a list of blocks, each of them after a dash"},
		{"no block", collections("name: a, links: [brand]"), "2:23: collections[0].links[0]: must be a block with the keys rel, path"},
		{"no rel", collections("name: a, links: [{path: /v1/a}]"), "2:23: collections[0].links[0].rel: is missing"},
		{"no path", collections("name: a, links: [{rel: x}]"), "2:23: collections[0].links[0].path: is missing"},
		{"unknown key", collections("name: a, links: [{rel: x, href: /v1/a, path: /v1/a}]"), "2:32: collections[0].links[0].href: unknown key; valid keys are rel, path"},
		{"rel is no name", collections("name: a, links: [{rel: 'next page', path: /v1/a}]"),
			`2:29: collections[0].links[0].rel: "next page" is not a name; a name matches [A-Za-z0-9~-][A-Za-z0-9._~-]{0,127}`},
		{"rel stands twice", collections("name: a, links: [{rel: x, path: /v1/a}, {rel: x, path: /v1/a/1}]"), "2:52: collections[0].links[1].rel: x stands twice; the first is on line 2"},
		{"too many", collections("name: orgs, links: [" + strings.Join(many, ", ") + "]"), "2:25: collections[0].links: has 17 links, and at most 16 are allowed"},
		{"a URL", collections("name: a, links: [{rel: x, path: 'https://a.example/'}]"),
			`2:38: collections[0].links[0].path: "https://a.example/" is not a path; it begins with /, as in /v1/orgs/{orgId}/brand`},
		{"reserved names", collections("name: a, links: [{rel: x, path: '/v1/a/{id}/_history'}]"),
			`2:38: collections[0].links[0].path: segment "_history" is not valid; each segment matches [A-Za-z0-9~-][A-Za-z0-9._~-]{0,127}, or is a {parameter}`},
		{"a name that cannot be", collections("name: a, links: [{rel: x, path: '/v1/{a-b}'}]"),
			`2:38: collections[0].links[0].path: segment "{a-b}" is not valid; the name of a parameter matches [A-Za-z][A-Za-z0-9_]{0,63}`},
		{"unknown parameter", collections(orgs+"{rel: x, path: '/v1/orgs/{orgid}/brand'}]", brandLine, usersLine),
			"2:61: collections[0].links[0].path: {orgid} is no parameter of this collection, did you mean orgId?; valid are {orgId}"},
		{"a parameter of the other collection", collections("name: users, path: '/v1/orgs/{orgId}/users', links: [{rel: x, path: '/v1/orgs/{userId}'}]", "name: orgs"),
			"2:74: collections[0].links[0].path: {userId} is no parameter of this collection; valid are {orgId}, {id}"},
		{"a parameter where there is none", collections("name: site, singleton: true, links: [{rel: x, path: '/v1/{id}'}]"),
			"2:58: collections[0].links[0].path: {id} is no parameter of this collection; the path of its document has none\n" +
				"p.yaml:2:58: collections[0].links[0].path: no collection serves /v1/{id}; served are /v1/site"},
		{"nothing serves it", collections(orgs+"{rel: x, path: '/v1/orgs/{orgId}/brnd'}]", brandLine, usersLine),
			"2:61: collections[0].links[0].path: no collection serves /v1/orgs/{orgId}/brnd; " + served},
		{"below a singleton", collections(orgs+"{rel: x, path: '/v1/orgs/{orgId}/brand/1'}]", brandLine, usersLine),
			"2:61: collections[0].links[0].path: no collection serves /v1/orgs/{orgId}/brand/1; " + served},
		{"served for some values alone", collections("name: a, links: [{rel: x, path: '/v1/{id}'}]"),
			"2:38: collections[0].links[0].path: no collection serves /v1/{id}; served are /v1/a, /v1/a/{id}"},
		{"many are served", collections("name: a, links: [{rel: x, path: /x}]", "name: b", "name: c", "name: d", "name: e", "name: f"),
			"2:38: collections[0].links[0].path: no collection serves /x; served are /v1/a, /v1/a/{id}, /v1/b, /v1/b/{id}, /v1/c, /v1/c/{id}, /v1/d, /v1/d/{id}, /v1/e, /v1/e/{id}, others"},
		{"default serves no such path", "default: {links: [{rel: x, path: '/v2/{collection}'}]}",
			"1:34: default.links[0].path: no collection serves /v2/{collection}; served are /v1/{collection}, /v1/{collection}/{id}"},
		{"default does not serve what is named", "default: {}\n" + collections("name: a, path: /a, links: [{rel: x, path: /v1/a/1}]"),
			"3:48: collections[0].links[0].path: no collection serves /v1/a/1; served are /a, /a/{id}, /v1/{collection}, /v1/{collection}/{id}"},
		{"default has parameters of its own", "default: {links: [{rel: x, path: '/v1/{collection}/{x}'}]}",
			"1:34: default.links[0].path: {x} is no parameter of this collection; valid are {collection}, {id}"},
		{"a wrong path elsewhere is said once", collections("name: a, links: [{rel: x, path: /b}]", "name: b, path: b"),
			`3:21: collections[1].path: "b" is not a path of a collection; it begins with / and has at least one segment, as in /v1/notes`},
		{"version in its place", collections("name: a, contract: {preset: version-body, version_field: _meta}"),
			"2:63: collections[0].contract.version_field: cannot stand in _meta, which ?include=meta shows; choose another place"},
		{"digest in its place", collections("name: a, contract: {digest_field: /_links/sha256}, links: [{rel: x, path: /v1/a}]"),
			"2:40: collections[0].contract.digest_field: cannot stand in _links, which ?include=links shows; choose another place"},
		{"a key that is never stored", collections("name: a, id: {natural_key: [/_meta/by]}"),
			"2:34: collections[0].id.natural_key[0]: /_meta/by is a member that the contract adds, or lies around it; choose one that writers send"},
		{"a key that is a link", collections("name: a, id: {natural_key: [/_links/x/href]}, links: [{rel: x, path: /v1/a}]"),
			"2:34: collections[0].id.natural_key[0]: /_links/x/href is a member that the contract adds, or lies around it; choose one that writers send"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse("p.yaml", []byte(tt.file))
			if want := "p.yaml:" + tt.want; err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s\n%+v", err, want, p)
			}
		})
	}
	for _, file := range []string{ // where nothing is in the way
		collections("name: a, contract: {digest_field: _links}"),
		collections("name: a, contract: {version_field: _meta}"), // which is not shown
		collections("name: a, id: {natural_key: [/_links/x]}"),
	} {
		if _, err := Parse("p.yaml", []byte(file)); err != nil {
			t.Error(err)
		}
	}
}
