package policy

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func TestIndexes(t *testing.T) {
	for _, tt := range []struct {
		name, file string
		want       []Index
	}{
		{"texts and blocks", "collections: [{name: notes, indexes: [/status, {path: /age, type: number}, {path: /title}]}]",
			[]Index{{"/status", IndexString}, {"/age", IndexNumber}, {"/title", IndexString}}},
		{"every type, on lines", "collections:\n  - name: notes\n    indexes:\n      - path: /a\n        type: string\n      - {path: /b, type: number}\n      - {path: /c, type: boolean}\n      - {path: /d, type: time}\n",
			[]Index{{"/a", IndexString}, {"/b", IndexNumber}, {"/c", IndexBoolean}, {"/d", IndexTime}}},
		{"nested and escaped", `collections: [{name: notes, indexes: [/address/city, /a~1b, /a.b, "/tags/0"]}]`,
			[]Index{{"/address/city", IndexString}, {"/a~1b", IndexString}, {"/a.b", IndexString}, {"/tags/0", IndexString}}},
		{"a part of another's name", "collections: [{name: notes, indexes: [/a, /a/b, /gt, /limit/x, /a/gtx]}]",
			[]Index{{"/a", IndexString}, {"/a/b", IndexString}, {"/gt", IndexString}, {"/limit/x", IndexString}, {"/a/gtx", IndexString}}},
		{"beside what the contract adds", "collections: [{name: notes, contract: {body_version: always}, indexes: [/versions, /meta/version]}]",
			[]Index{{"/versions", IndexString}, {"/meta/version", IndexString}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse("p.yaml", []byte(tt.file))
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Collections[0].Indexes; !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			var printed bytes.Buffer
			if err := p.Print(&printed); err != nil {
				t.Fatal(err)
			}
			again, err := Parse("printed", printed.Bytes())
			if err != nil || !reflect.DeepEqual(again, p) {
				t.Errorf("what is printed reads as %+v, %v:\n%s", again, err, printed.String())
			}
		})
	}
	p, err := Parse("p.yaml", []byte("default: {indexes: [{path: /at, type: time}]}"))
	if err != nil || !reflect.DeepEqual(p.Default.Indexes, []Index{{"/at", IndexTime}}) {
		t.Errorf("of the default: %+v, %v", p, err)
	}
}

func TestIndexesRefused(t *testing.T) {
	const one = "collections:\n  - name: notes\n    " // the next key stands in 3:5
	const at = "3:15: collections[0].indexes[0]"
	for _, tt := range []struct {
		name, file string
		want       []string
	}{
		{"no list", one + "indexes: /status", []string{"3:14: collections[0].indexes: must be a list, as in [/status, {path: /age, type: number}]"}},
		{"empty list", one + "indexes: []", []string{"3:14: collections[0].indexes: must not be empty; remove the key to have the default"}},
		{"no value", one + "indexes:", []string{"3:5: collections[0].indexes: has no value; give it one, or remove the key to have the default"}},
		{"no pointer", one + "indexes: [status]", []string{at + `: "status" is not a JSON Pointer to a member; it begins with /, as in /email, and holds ~ as ~0 and / as ~1`}},
		{"no text", one + "indexes: [7]", []string{at + `: must be a text; write "7" in quotes`}},
		{"nothing", one + "indexes: [~]", []string{at + ": has no value; give it one, or remove the key to have the default"}},
		{"a list in the list", one + "indexes: [[/a]]", []string{at + ": must be a text"}},
		{"empty text", one + "indexes: ['']", []string{at + ": must not be empty"}},
		{"no path", one + "indexes: [{type: number}]", []string{"3:15: collections[0].indexes[0].path: is missing"}},
		{"unknown key", one + "indexes: [{path: /a, typ: number}]", []string{"3:26: collections[0].indexes[0].typ: unknown key, did you mean type?; valid keys are path, type"}},
		{"unknown type", one + "indexes: [{path: /a, type: text}]", []string{`3:32: collections[0].indexes[0].type: "text" is not known here; valid are string, number, boolean, time`}},
		{"a bad escape", one + "indexes: [{path: /a~}]", []string{`3:22: collections[0].indexes[0].path: "/a~" is not a JSON Pointer to a member; it begins with /, as in /email, and holds ~ as ~0 and / as ~1`}},
		{"reserved", one + "indexes: [/limit, /cursor, /sort, /fields, {path: /include}]", []string{
			at + `: /limit is called "limit" in queries, as a parameter of every list is; choose a member of another name than limit, cursor, sort, fields, include`,
			`3:23: collections[0].indexes[1]: /cursor is called "cursor" in queries, as a parameter of every list is; choose a member of another name than limit, cursor, sort, fields, include`,
			`3:32: collections[0].indexes[2]: /sort is called "sort" in queries, as a parameter of every list is; choose a member of another name than limit, cursor, sort, fields, include`,
			`3:39: collections[0].indexes[3]: /fields is called "fields" in queries, as a parameter of every list is; choose a member of another name than limit, cursor, sort, fields, include`,
			`3:55: collections[0].indexes[4].path: /include is called "include" in queries, as a parameter of every list is; choose a member of another name than limit, cursor, sort, fields, include`}},
		{"no name", one + "indexes: [/]", []string{at + `: / is called "" in queries; choose a member that has a name`}},
		{"descending", one + "indexes: [/-age]", []string{at + `: /-age is called "-age" in queries, and sort takes the - for descending; choose a member whose name begins with something else`}},
		{"twice", one + "indexes:\n      - /age\n      - {path: /age, type: number}", []string{"5:16: collections[0].indexes[1].path: /age stands twice; the first is on line 4"}},
		{"one name for two", one + "indexes:\n      - /a/b\n      - /a.b", []string{`5:9: collections[0].indexes[1]: /a.b is called "a.b" in queries, and so is /a/b on line 4; give each index a name of its own`}},
		{"an operator of another", one + "indexes:\n      - /age/gte\n      - /age\n", []string{
			`4:9: collections[0].indexes[0]: /age/gte is called "age.gte" in queries, and that filters by /age on line 5; the name of an index must not be that of another with .gt, .gte, .lt, .lte or .in behind it`}},
		{"what the contract adds", one + "contract: {body_version: always, version_field: /meta/v}\n    indexes: [/meta/v]", []string{
			"4:15: collections[0].indexes[0]: /meta/v is a member that the contract adds, or lies around it; choose one that writers send"}},
		{"singleton", one + "singleton: true\n    indexes: [/a]", []string{"4:14: collections[0].indexes: a singleton has no list; remove indexes or singleton"}},
		{"too many", one + "indexes: [" + strings.Repeat("/a, ", 32) + "/b]", []string{"3:14: collections[0].indexes: must not have more than 32 indexes; each costs every write"}},
		{"in default", "default: {indexes: [a]}", []string{`1:21: default.indexes[0]: "a" is not a JSON Pointer to a member; it begins with /, as in /email, and holds ~ as ~0 and / as ~1`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("p.yaml", []byte(tt.file))
			want := "p.yaml:" + strings.Join(tt.want, "\np.yaml:")
			if err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}
