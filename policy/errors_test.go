package policy

import (
	"errors"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/merge"
)

func TestErrors(t *testing.T) {
	const one = "collections:\n  - name: notes\n    " // the next key stands in 4:5
	rootKeys := "valid keys are " + keysOf(rootKey.keys)
	contractList := "valid keys are " + keysOf(contractKeys)
	namedKeys := keysOf(nameKeys) + ", " + keysOf(collectionKeys)
	tests := []struct {
		name, file string
		want       []string // without the file's name
	}{
		{"unknown key", "stroe: x\n", []string{"1:1: stroe: unknown key, did you mean store?; " + rootKeys}},
		{"unknown key, nothing near", "frobnicate: x\n", []string{"1:1: frobnicate: unknown key; " + rootKeys}},
		{"unknown key, wrong case", "Listen: x\n", []string{"1:1: Listen: unknown key, did you mean listen?; " + rootKeys}},
		{"unknown key deep inside", one + "contract: {tokn: hash}", []string{"3:16: collections[0].contract.tokn: unknown key, did you mean token?; " + contractList}},
		{"key that is no text", "1: x\n? true\n: y\n", []string{"1:1: 1: unknown key; " + rootKeys, "2:3: true: unknown key; " + rootKeys}},
		{"merge key", one + "<<: {}", []string{"3:5: collections[0].<<: unknown key; valid keys are " + namedKeys}},
		{"twice", "store: 'memory:'\nlisten: a:1\nstore: 'memory:'\n", []string{"3:1: store: stands twice; the first is on line 1"}},
		{"later key", "admin_listen: x\n", []string{"1:1: admin_listen: not supported by this version"}},
		{"later key inside", one + "redact: []", []string{"3:5: collections[0].redact: not supported by this version"}},
		{"unknown token", one + "contract: {token: sigend}", []string{`3:23: collections[0].contract.token: "sigend" is not known here, did you mean signed?; valid are version, hash, signed`}},
		{"store in PostgreSQL", "store: postgres:u:secret@h/d", []string{"1:8: store: postgres: needs a host and a database; valid are memory:, sqlite:PATH, postgres://HOST/DATABASE and etcd://HOST,…/PREFIX"}},
		{"unknown word", one + "contract: {already_applied: acept}", []string{`3:33: collections[0].contract.already_applied: "acept" is not known here, did you mean accept?; valid are reject, accept`}},
		{"unknown word of a choice", one + "contract: {precondition: never}", []string{`3:30: collections[0].contract.precondition: "never" is not known here; valid are required, optional, tag, observe, warn, or a block of put, patch, delete`}},
		{"no value", "store:\nlisten: ~\ncollections:\n", []string{
			"1:1: store: has no value; give it one, or remove the key to have the default",
			"2:1: listen: has no value; give it one, or remove the key to have the default",
			"3:1: collections: has no value; give it one, or remove the key to have the default"}},
		{"number for a text", "collections: [{name: 2026}]", []string{`1:22: collections[0].name: must be a text; write "2026" in quotes`}},
		{"list for a text", "store: [a]", []string{"1:8: store: must be a text"}},
		{"text for a block", "limits: big", []string{"1:9: limits: must be a block with the keys " + keysOf(limitKeys)}},
		{"block for a list", "collections:\n  name: notes\n", []string{"2:3: collections: must be a list of blocks, each of them after a dash"}},
		{"text in a list of blocks", "collections: [notes]", []string{"1:15: collections[0]: must be a block with the keys " + namedKeys}},
		{"nothing in a list of blocks", "collections:\n  -\n", []string{"2:5: collections[0]: has no value; give it one, or remove the key to have the default"}},
		{"text for a list", one + "on_stale: {allow: reject}", []string{"3:23: collections[0].on_stale.allow: must be a list, as in [reject, overwrite, merge, park]"}},
		{"empty list", "collections: []", []string{"1:14: collections: must not be empty; remove the key to have the default"}},
		{"list for a choice", one + "history: [off]", []string{"3:14: collections[0].history: must be one of off, or a block of keep, for"}},
		{"list for a word", one + "on_stale: {default: [reject]}", []string{"3:25: collections[0].on_stale.default: must be one of reject, overwrite, merge, park"}},
		{"root is a list", "- a\n", []string{"1:1: must be a block with the keys " + keysOf(rootKey.keys)}},
		{"bool", one + "contract: {weak: yes}", []string{"3:22: collections[0].contract.weak: must be true or false"}},
		{"bool in quotes", one + "contract: {weak: 'true'}", []string{"3:22: collections[0].contract.weak: must be true or false"}},
		{"block for a bool", one + "contract: {weak: {}}", []string{"3:22: collections[0].contract.weak: must be true or false"}},
		{"counts", "limits: {depth: 0x10, page: 0, tags: '5', patch_ops: [1]}", []string{
			"1:17: limits.depth: must be a whole number in plain digits",
			"1:29: limits.page: must be between 1 and 100000",
			"1:38: limits.tags: must be a whole number, without quotes",
			"1:54: limits.patch_ops: must be a whole number in plain digits"}},
		{"octal", "limits: {depth: 010}", []string{"1:17: limits.depth: must be a whole number in plain digits"}},
		{"sizes", "limits: {body: 1MB, url: 1}", []string{
			"1:16: limits.body: must be a size such as 65536, 64KiB or 1MiB", "1:26: limits.url: must be between 256 and 1MiB"}},
		{"URL larger than the header", "limits: {header: 20KiB, url: 20KiB}", []string{
			"1:30: limits.url: must be less than header, which is 20KiB and includes the URL"}},
		{"URL larger than the header's default", "limits: {url: 17KiB}", []string{
			"1:15: limits.url: must be less than header, which is 16KiB and includes the URL"}},
		{"header smaller than the URL's default", "limits: {header: 8KiB}", []string{
			"1:18: limits.header: must be more than url, which is 8KiB and counts towards it"}},
		{"header too small", "limits: {header: 8191}", []string{"1:18: limits.header: must be between 8KiB and 2MiB"}},
		{"size too large", "limits: {body: 2048MiB, url: {}}", []string{
			"1:16: limits.body: must be between 1 and 1024MiB", "1:30: limits.url: must be a size such as 65536, 64KiB or 1MiB"}},
		{"history", one + "history: {keep: 0, for: soon}", []string{
			"3:21: collections[0].history.keep: must be between 1 and 2147483647",
			"3:29: collections[0].history.for: must be a time such as 90d, 12h or 1h30m"}},
		{"answers for nothing", "idempotency: {keep: 0h}", []string{"1:21: idempotency.keep: must be more than 0"}},
		{"answers for a number", "idempotency:\n  keep: 24\n", []string{"2:9: idempotency.keep: must be a time such as 90d, 12h or 1h30m"}},
		{"history for nothing", one + "history: {for: 0s}", []string{"3:20: collections[0].history.for: must be more than 0"}},
		{"history for a list", one + "history: {for: [1d]}", []string{"3:20: collections[0].history.for: must be a time such as 90d, 12h or 1h30m"}},
		{"history is false", one + "history: false", []string{`3:14: collections[0].history: "false" is not known here; valid is off, or a block of keep, for`}},
		{"weak and reject", one + "contract: {weak: true, weak_if_match: reject}", []string{
			"3:43: collections[0].contract.weak_if_match: must be accept where weak is true: If-Match would never match a weak tag"}},
		{"listen", "listen: localhost", []string{`1:9: listen: "localhost" is not an address; write host:port, as in 127.0.0.1:8080`}},
		{"port", "listen: ':http'", []string{`1:9: listen: the port is a number from 0 to 65535, not "http"; write host:port, as in 127.0.0.1:8080`}},
		{"port too large", "listen: ':65536'", []string{`1:9: listen: the port is a number from 0 to 65535, not "65536"; write host:port, as in 127.0.0.1:8080`}},
		{"store without colon", "store: memory", []string{"1:8: store: a store begins with its kind and a colon; valid are memory:, sqlite:PATH, postgres://HOST/DATABASE and etcd://HOST,…/PREFIX"}},
		{"store unknown", "store: mysql://secret", []string{"1:8: store: this kind of store is not known; valid are memory:, sqlite:PATH, postgres://HOST/DATABASE and etcd://HOST,…/PREFIX"}},
		{"store in etcd", "store: etcd://u:secret@h", []string{"1:8: store: etcd: needs hosts and a prefix for its keys; valid are memory:, sqlite:PATH, postgres://HOST/DATABASE and etcd://HOST,…/PREFIX"}},
		{"store memory", "store: memory:x", []string{"1:8: store: memory: stands alone; valid are memory:, sqlite:PATH, postgres://HOST/DATABASE and etcd://HOST,…/PREFIX"}},
		{"store sqlite", "store: 'sqlite:'", []string{"1:8: store: sqlite: needs the path of a file; valid are memory:, sqlite:PATH, postgres://HOST/DATABASE and etcd://HOST,…/PREFIX"}},
		{"empty text", "store: ''", []string{"1:8: store: must not be empty"}},
		{"name missing", "collections: [{path: /a}]", []string{"1:15: collections[0].name: is missing"}},
		{"name reserved", "collections: [{name: _a}]", []string{"1:22: collections[0].name: names that begin with _ are reserved"}},
		{"name", "collections: [{name: .a}, {name: a/b}]", []string{
			`1:22: collections[0].name: ".a" is not a name; a name matches [A-Za-z0-9~-][A-Za-z0-9._~-]{0,127}`,
			`1:34: collections[1].name: "a/b" is not a name; a name matches [A-Za-z0-9~-][A-Za-z0-9._~-]{0,127}`}},
		{"name in default", "default: {name: a}", []string{"1:11: default.name: unknown key; valid keys are " + keysOf(collectionKeys)}},
		{"same name", "collections:\n  - name: a\n  - name: a\n", []string{`3:11: collections[1].name: "a" is taken by the collection on line 2`}},
		{"same path", "collections:\n  - name: a\n  - name: b\n    path: /v1/a\n", []string{"4:11: collections[1].path: /v1/a is taken by the collection on line 2"}},
		{"same path by default", "collections:\n  - name: a\n    path: /v1/b\n  - name: b\n", []string{"4:11: collections[1].name: /v1/b is taken by the collection on line 3"}},
		{"path of a document", "collections:\n  - name: a\n    path: /v1/b/c\n  - name: b\n", []string{
			"3:11: collections[0].path: /v1/b/c is the path of a document in the collection on line 4; choose another one"}},
		{"path of a document of the default", "default: {}\ncollections:\n  - name: a\n    path: /v1/b/c\n", []string{
			"4:11: collections[0].path: /v1/b/c overlaps what default serves, /v1/{collection}/{id}; choose another one"}},
		{"path above the default", "default: {}\ncollections:\n  - name: a\n    path: /v1\n", []string{
			"4:11: collections[0].path: /v1 overlaps what default serves, /v1/{collection}/{id}; choose another one"}},
		{"path reserved", one + "path: /v1/_batch", []string{"3:11: collections[0].path: segments that begin with _ are reserved, as _batch is; choose another one"}},
		{"path of the server itself", one + "path: /healthz", []string{"3:11: collections[0].path: /healthz is reserved; choose another path"}},
		{"path without slash", one + "path: v1/notes", []string{
			`3:11: collections[0].path: "v1/notes" is not a path of a collection; it begins with / and has at least one segment, as in /v1/notes`}},
		{"path is the root", one + "path: /", []string{
			`3:11: collections[0].path: "/" is not a path of a collection; it begins with / and has at least one segment, as in /v1/notes`}},
		{"path with a slash at the end", one + "path: /v1/notes/", []string{
			`3:11: collections[0].path: segment "" is not valid; each segment matches [A-Za-z0-9~-][A-Za-z0-9._~-]{0,127}, or is a {parameter}`}},
		{"path with dots", one + "path: /v1/../notes", []string{
			`3:11: collections[0].path: segment ".." is not valid; each segment matches [A-Za-z0-9~-][A-Za-z0-9._~-]{0,127}, or is a {parameter}`}},
		{"alias", "store: &s 'memory:'\nlisten: *s\n", []string{
			"1:8: store: anchors and aliases are not supported; write the value out",
			"2:9: listen: anchors and aliases are not supported; write the value out"}},
		{"tag", "store: !!str memory", []string{"1:8: store: YAML tags are not supported; write the value alone"}},
		{"not YAML", "a: [1,\n", []string{"1:4: not valid YAML: sequence end token ']' not found"}},
		{"tab", "limits:\n\tbody: 1\n", []string{"2:1: not valid YAML: found character '\t' that cannot start any token"}},
		{"two documents", "store: 'memory:'\n---\nlisten: a:1\n", []string{"3:1: a policy is one YAML document; remove the --- and what follows"}},
		{"too large", strings.Repeat("#", maxFile+1), []string{"1:1: the file is larger than 1MiB"}},
		{"all at once, in the order of the file", "a: 1\ncollections:\n  - name: x\n    history: {keep: 0}\n  - name: x\n    b: 2\n", []string{
			"1:1: a: unknown key; " + rootKeys,
			"4:21: collections[0].history.keep: must be between 1 and 2147483647",
			`5:11: collections[1].name: "x" is taken by the collection on line 3`,
			"6:5: collections[1].b: unknown key; valid keys are " + namedKeys}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse("p.yaml", []byte(tt.file))
			all, ok := errors.AsType[Errors](err)
			if !ok || p != nil {
				t.Fatalf("%+v, %v", p, err)
			}
			want := "p.yaml:" + strings.Join(tt.want, "\np.yaml:")
			if all.Error() != want {
				t.Errorf("got\n%s\nwant\n%s", all, want)
			}
			if len(all.Unwrap()) != len(tt.want) {
				t.Errorf("%d errors unwrapped, want %d", len(all.Unwrap()), len(tt.want))
			}
		})
	}
}

func keysOf(keys []*key) string { return strings.Join(supported(keys), ", ") }

// Every key and word that this version does not support is refused by name.
func TestLaterKeys(t *testing.T) {
	var walk func(prefix, suffix string, keys []*key)
	seen := 0
	walk = func(prefix, suffix string, keys []*key) {
		for _, k := range keys {
			if !k.later {
				open, end := k.name+": {", "}"
				if k.kind == kindBlocks {
					open, end = k.name+": [{name: n, ", "}]"
				}
				walk(prefix+open, end+suffix, k.keys)
				continue
			}
			seen++
			_, err := Parse("p", []byte(prefix+k.name+": 1"+suffix))
			if err == nil || !strings.HasSuffix(err.Error(), k.name+": not supported by this version") {
				t.Errorf("%s: %v", k.name, err)
			}
		}
	}
	walk("{", "}", rootKey.keys)
	if seen == 0 {
		t.Errorf("only %d keys", seen)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "listen: a:1\nstore: 'memory:'\n", "collections: [{name: a, path: /x/y, history: off}]",
		"default: {contract: {precondition: {put: tag}, token: hash}, on_stale: {default: overwrite, allow: [reject]}}",
		"limits:\n  body: 4MiB\n  depth: 8 # less\ncollections:\n  - name: notes\n    history: {keep: 3, for: 1d2h}\n",
		"collections: [{name: a, path: '/{x}/a', id: {param: y, natural_key: [/k, /l~1m]}}, {name: b, path: '/{x}/a/{y}/b', singleton: true}]",
		"auth: {keys: [{name: a, sha256: " + hexA + ", roles: ['1', \"a, b\"], claims: {o: [1, -2, true, 'yes'], p: x}}]}",
		"auth: {mode: upstream, trusted: {header: X-User, from: [10.0.0.0/8, '::1/128']}}",
		"default: {on_stale: {default: merge}, detect: [], together: [[/a, /b~0], {fields: [/c/d, /e], on_conflict: newest, by: /at}], fields: [{path: '/**'," +
			" on_conflict: {authority: [a, 'b, c']}}, {path: /n, type: counter, min: -0.10, max: 1E+3}, {path: '/l/*', type: list, key: /id, on_conflict: highest, by: /v}]}",
		"a: &a [*a]\n<<: *a\n", "? {a: b}\n: |\n  text\n", "!!map {\"a\\u0000\": ~}\n---\n...\n", "- - - 1\n", "x: \"\xff\"",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse("p", data)
		if err != nil {
			all, ok := errors.AsType[Errors](err)
			if !ok || len(all) == 0 || p != nil {
				t.Fatalf("%+v, %T %v", p, err, err)
			}
			for _, one := range all {
				if one.Line < 1 || one.Column < 1 || one.Message == "" {
					t.Errorf("%#v", one)
				}
			}
			return
		}
		all := p.Collections
		if p.Default != nil {
			all = append(all, *p.Default)
		}
		for i := range all {
			c := &all[i]
			if _, err := merge.Compile(c.Merge); err != nil {
				t.Fatalf("%s was not refused: %v", c.Path, err)
			}
		}
		text, err := p.MarshalYAML()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse("printed", text)
		if err != nil {
			t.Fatalf("what is printed does not read: %v\n%s", err, text)
		}
		if second, err := again.MarshalYAML(); err != nil || string(second) != string(text) {
			t.Fatalf("printed %s\nthen %s, %v", text, second, err)
		}
	})
}
