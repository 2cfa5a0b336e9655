package policy

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

// collections makes a policy file of one line for each collection.
func collections(lines ...string) string {
	return "collections:\n  - {" + strings.Join(lines, "}\n  - {") + "}\n"
}

func TestPaths(t *testing.T) {
	for _, tt := range []struct{ name, file string }{
		{"nested", collections("name: orgs, id: {param: orgId}", "name: users, path: '/v1/orgs/{orgId}/users'", "name: keys, path: '/v1/orgs/{orgId}/users/{userId}/keys'")},
		{"singleton beside a collection", collections("name: orgs", "name: users, path: '/v1/orgs/{orgId}/users'", "name: brand, path: '/v1/orgs/{orgId}/brand', singleton: true")},
		{"singleton above a collection", collections("name: site, path: /v1/site, singleton: true", "name: pages, path: /v1/site/pages")},
		{"singleton where the default lists nothing", "default: {}\n" + collections("name: root, path: /v1, singleton: true", "name: site, singleton: true")},
		{"parameter first", collections("name: users, path: '/{tenant}/users'", "name: notes, path: /v1/x/notes")},
		{"a word and a parameter that part later", collections("name: a, path: '/v1/orgs/acme/brand'", "name: b, path: '/v1/orgs/{orgId}/users'")},
		{"template beside the default", "default: {}\n" + collections("name: b, path: '/v1/orgs/{orgId}/users'")},
		{"a key called as a version that is not shown", collections("name: a, id: {natural_key: [/version]}")},
		{"names that nothing compares", collections("name: a, path: '/v1/orgs/{org}/users'", "name: b, path: '/v1/orgs/{orgId}/brand'")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse("p", []byte(tt.file))
			if err != nil {
				t.Fatal(err)
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

func TestPathErrors(t *testing.T) {
	const users = "name: users, path: '/v1/orgs/{orgId}/users'"
	for _, tt := range []struct{ name, file, want string }{
		{"same shape", collections(users, "name: staff, path: '/v1/orgs/{org}/users'"),
			"3:25: collections[1].path: /v1/orgs/{org}/users is taken by the collection on line 2"},
		{"a word where the other has a parameter", collections(users, "name: acme, path: /v1/orgs/acme/users"),
			"3:24: collections[1].path: /v1/orgs/acme/users collides with /v1/orgs/{orgId}/users on line 2: /v1/orgs/acme/users would belong to both; choose another one"},
		{"the word first", collections("name: acme, path: /v1/orgs/acme/users", users),
			"3:25: collections[1].path: /v1/orgs/{orgId}/users collides with /v1/orgs/acme/users on line 2: /v1/orgs/acme/users would belong to both; choose another one"},
		{"two templates that cross", collections("name: a, path: '/x/{p}/b/c'", "name: b, path: '/x/a/{q}/c'"),
			"3:21: collections[1].path: /x/a/{q}/c collides with /x/{p}/b/c on line 2: /x/a/b/c would belong to both; choose another one"},
		{"two that cross on one line", "collections: [{name: a, path: '/x/{p}/b/c'}, {name: b, path: '/x/a/{q}/c'}]",
			"1:62: collections[1].path: /x/a/{q}/c collides with /x/{p}/b/c on line 1: /x/a/b/c would belong to both; choose another one"},
		{"a list at the documents of a template", collections(users, "name: ann, path: '/v1/orgs/{orgId}/users/ann'"),
			"3:23: collections[1].path: /v1/orgs/{orgId}/users/ann is the path of a document in the collection on line 2; choose another one"},
		{"a list at the documents of a template, in one part of it", collections(users, "name: ann, path: /v1/orgs/acme/users/ann"),
			"3:23: collections[1].path: /v1/orgs/acme/users/ann collides with /v1/orgs/{orgId}/users on line 2: /v1/orgs/acme/users/ann would belong to both; choose another one"},
		{"a singleton at a document", collections("name: users, path: /v1/users", "name: me, path: /v1/users/me, singleton: true"),
			"3:22: collections[1].path: /v1/users/me is the path of a document in the collection on line 2; choose another one"},
		{"a template that the default serves", "default: {}\n" + collections("name: a, path: '/{v}/notes'"),
			"3:21: collections[0].path: /{v}/notes overlaps what default serves, /v1/{collection}/{id}; choose another one"},
		{"a template over documents of the default", "default: {}\n" + collections("name: a, path: '/{v}/x/y'"),
			"3:21: collections[0].path: /{v}/x/y overlaps what default serves, /v1/{collection}/{id}; choose another one"},
		{"two names for one id", collections("name: orgs, id: {param: orgId}", "name: users, path: '/v1/orgs/{org}/users'"),
			"3:25: collections[1].path: {org} is called {orgId} by the collection on line 2; give it one name"},
		{"the id has a name of the path", collections("name: users, path: '/v1/orgs/{id}/users'"),
			"2:5: collections[0].id.param: {id} stands in the path already; give the id another name"},
		{"one name twice", collections("name: a, path: '/v1/{x}/{x}/a'"),
			"2:21: collections[0].path: {x} stands twice; give each parameter a name of its own"},
		{"ends with a parameter", collections("name: a, path: '/vtt/{segmentId}'"),
			"2:21: collections[0].path: ends with the parameter {segmentId}; a path ends with a word, and id: {param: …} names what follows it"},
		{"no name", collections("name: a, path: '/v1/{}/a'"),
			`2:21: collections[0].path: segment "{}" is not valid; the name of a parameter matches [A-Za-z][A-Za-z0-9_]{0,63}`},
		{"reserved name of a parameter", collections("name: a, path: '/v1/{_x}/a'"),
			`2:21: collections[0].path: segment "{_x}" is not valid; the name of a parameter matches [A-Za-z][A-Za-z0-9_]{0,63}`},
		{"half a segment", collections("name: a, path: '/v1/x{y}/a'"),
			`2:21: collections[0].path: segment "x{y}" is not valid; each segment matches [A-Za-z0-9~-][A-Za-z0-9._~-]{0,127}, or is a {parameter}`},
		{"open", collections("name: a, path: '/v1/{y/a'"),
			`2:21: collections[0].path: segment "{y" is not valid; each segment matches [A-Za-z0-9~-][A-Za-z0-9._~-]{0,127}, or is a {parameter}`},
		{"singleton with an id", collections("name: a, singleton: true, id: {param: x}"),
			"2:36: collections[0].id: a singleton has no id; remove id or singleton"},
		{"singleton is no word", collections("name: a, singleton: brand"), "2:26: collections[0].singleton: must be true or false"},
		{"singleton in default", "default: {singleton: true}", "1:11: default.singleton: unknown key; valid keys are " + keysOf(collectionKeys)},
		{"param", collections("name: a, id: {param: a-b}"),
			`2:27: collections[0].id.param: "a-b" is not the name of a parameter; it matches [A-Za-z][A-Za-z0-9_]{0,63}`},
		{"generate", collections("name: a, id: {generate: serial}"),
			`2:30: collections[0].id.generate: "serial" is not known here; valid is uuidv7`},
		{"natural key as a text", collections("name: a, id: {natural_key: /email}"),
			"2:33: collections[0].id.natural_key: must be a list of texts, as in [a, b]"},
		{"natural key without a slash", collections("name: a, id: {natural_key: [email]}"),
			`2:34: collections[0].id.natural_key[0]: "email" is not a JSON Pointer to a member; it begins with /, as in /email, and holds ~ as ~0 and / as ~1`},
		{"natural key with a bad escape", collections("name: a, id: {natural_key: [/a~b]}"),
			`2:34: collections[0].id.natural_key[0]: "/a~b" is not a JSON Pointer to a member; it begins with /, as in /email, and holds ~ as ~0 and / as ~1`},
		{"natural key of the version", collections("name: a, id: {natural_key: [/email, /version]}, contract: {preset: version-body}"),
			"2:42: collections[0].id.natural_key[1]: /version is a member that the contract adds, or lies around it; choose one that writers send"},
		{"natural key around the digest", collections("name: a, id: {natural_key: [/meta]}, contract: {digest_field: /meta/sum}"),
			"2:34: collections[0].id.natural_key[0]: /meta is a member that the contract adds, or lies around it; choose one that writers send"},
		{"natural key twice", collections("name: a, id: {natural_key: [/a, /a]}"),
			"2:38: collections[0].id.natural_key[1]: /a stands twice"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse("p.yaml", []byte(tt.file))
			all, ok := errors.AsType[Errors](err)
			if !ok || p != nil || all.Error() != "p.yaml:"+tt.want {
				t.Errorf("got\n%v\nwant\np.yaml:%s", err, tt.want)
			}
		})
	}
}

func TestID(t *testing.T) {
	p, err := Parse("p", []byte(collections("name: orgs, id: {param: orgId, natural_key: [/a~1b, /c]}", "name: brand, singleton: true", "name: plain")))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []ID{{Param: "orgId", Generate: UUIDv7, NaturalKey: []string{"/a~1b", "/c"}}, {}, {Param: "id", Generate: UUIDv7}} {
		if got := p.Collections[i].ID; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", p.Collections[i].Name, got, want)
		}
	}
	if !p.Collections[1].Singleton || p.Collections[0].Singleton {
		t.Errorf("%+v", p.Collections)
	}
}

func TestExample(t *testing.T) {
	for want, c := range map[string]Collection{
		"/v1/notes/1":            {Path: "/v1/notes"},
		"/v1/orgs/1/users/1":     {Path: "/v1/orgs/{orgId}/users"},
		"/v1/orgs/1/brand":       {Path: "/v1/orgs/{orgId}/brand", Singleton: true},
		"/1/orgs/1/users/keys/1": {Path: "/{tenant}/orgs/{orgId}/users/keys"},
	} {
		if got := c.Example(); got != want {
			t.Errorf("%s: %s, want %s", c.Path, got, want)
		}
	}
}
