package policy

import (
	"fmt"
	"strings"
	"testing"
)

func TestMergeErrors(t *testing.T) {
	const one = "collections:\n  - name: notes\n    " // the next key stands in 3:5
	const field, group = "collections[0].fields[0]", "collections[0].together[0]"
	const pointer = "is not a JSON Pointer to a member; it begins with /, as in /email, and holds ~ as ~0 and / as ~1"
	const types = "valid are atomic, set, list, sequence, append, counter, text, immutable"
	const rules = "valid are reject, theirs, mine, newest, highest, lowest, or a block of authority"
	const number = "must be a number as JSON writes it, such as -5, 0.1 or 1e3"
	many := func(n int, form string) string {
		all := make([]string, n)
		for i := range all {
			all[i] = fmt.Sprintf(form, i)
		}
		return strings.Join(all, ", ")
	}
	for _, tt := range []struct {
		name, file string
		want       []string
	}{
		{"no path", one + "fields: [{type: set}]", []string{"3:14: " + field + ".path: is missing"}},
		{"path is no pointer", one + "fields: [{path: a}, {path: /a~}]", []string{
			"3:21: " + field + `.path: "a" ` + pointer, `3:32: collections[0].fields[1].path: "/a~" ` + pointer}},
		{"unknown type", one + "fields: [{path: /a, type: conter}]", []string{"3:31: " + field + `.type: "conter" is not known here, did you mean counter?; ` + types}},
		{"unknown rule", one + "fields: [{path: /a, on_conflict: mines}]", []string{"3:38: " + field + `.on_conflict: "mines" is not known here, did you mean mine?; ` + rules}},
		{"rule is a list", one + "fields: [{path: /a, on_conflict: [mine]}]", []string{"3:38: " + field + ".on_conflict: must be one of reject, theirs, mine, newest, highest, lowest, or a block of authority"}},
		{"unknown key", one + "fields: [{path: /a, typ: list}]", []string{"3:25: " + field + ".typ: unknown key, did you mean type?; valid keys are path, type, key, min, max, on_conflict, by, may_resolve, read"}},
		{"too many fields", one + "fields: [" + many(maxFields+1, "{path: /a%d}") + "]", []string{"3:13: collections[0].fields: must not have more than 1000 fields; each costs every merge"}},

		{"list without a key", one + "fields:\n      - path: /a\n        type: list\n", []string{"4:9: " + field + ".key: a list needs a key that tells its elements apart, such as key: /id"}},
		{"key without a list", one + "fields: [{path: /a, key: /id, type: set}]", []string{"3:30: " + field + ".key: only a list has a key; say type: list, or leave key out"}},
		{"key is no pointer", one + "fields: [{path: /a, type: list, key: id}]", []string{"3:42: " + field + `.key: "id" ` + pointer}},

		{"min above max", one + "fields: [{path: /a, type: counter, max: 0.1, min: 0.10000000000000000001}]", []string{
			"3:55: " + field + ".min: min 0.10000000000000000001 is above max 0.1, so that no value would do"}},
		{"bounds without a counter", one + "fields: [{path: /a, type: text, max: 0}, {path: /b, min: 1}]", []string{
			"3:42: " + field + ".max: only a counter has max; say type: counter, or leave it out",
			"3:62: collections[0].fields[1].min: only a counter has min; say type: counter, or leave it out"}},
		{"bounds that are no numbers", one + "fields: [{path: /a, type: counter, min: x, max: 0x10}, {path: /b, type: counter, min: 1_000, max: .5}, {path: /c, type: counter, min: '1', max: [1]}, {path: /d, type: counter, min: 01, max: .inf}]", []string{
			"3:45: " + field + ".min: " + number, "3:53: " + field + ".max: " + number,
			"3:91: collections[0].fields[1].min: " + number, "3:103: collections[0].fields[1].max: " + number,
			"3:139: collections[0].fields[2].min: must be a number, without quotes", "3:149: collections[0].fields[2].max: " + number,
			"3:186: collections[0].fields[3].min: " + number, "3:195: collections[0].fields[3].max: " + number}},
		{"a bound too large to compare", one + "fields: [{path: /a, type: counter, min: 1e10001}]", []string{"3:45: " + field + ".min: must not have an exponent beyond 10000"}},

		{"newest without by", one + "fields: [{path: /a, on_conflict: newest}]", []string{
			"3:14: " + field + ".by: newest needs by: a JSON Pointer to the time that it compares, such as /updatedAt"}},
		{"by without a comparison", one + "fields: [{path: /a, by: /at}, {path: /b, by: /at, on_conflict: mine}]", []string{
			"3:29: " + field + ".by: by says what newest, highest and lowest compare; set on_conflict to one of them, or leave by out",
			"3:50: collections[0].fields[1].by: by says what newest, highest and lowest compare; set on_conflict to one of them, or leave by out"}},
		{"by beside authority", one + "fields: [{path: /a, on_conflict: {authority: [a]}, by: /at}]", []string{
			"3:60: " + field + ".by: by says what newest, highest and lowest compare; set on_conflict to one of them, or leave by out"}},
		{"by is no pointer", one + "fields: [{path: /a, on_conflict: newest, by: at}]", []string{"3:50: " + field + `.by: "at" ` + pointer}},
		{"authority alone", one + "fields: [{path: /a, on_conflict: authority}]", []string{"3:38: " + field + `.on_conflict: "authority" is not known here; ` + rules}},
		{"no authority", one + "fields: [{path: /a, on_conflict: {}}]", []string{"3:38: " + field + ".on_conflict.authority: is missing"}},
		{"nobody has authority", one + "fields: [{path: /a, on_conflict: {authority: []}}]", []string{"3:50: " + field + ".on_conflict.authority: must name at least one role, as in [admin, editor]"}},
		{"authority of an empty role", one + "fields: [{path: /a, on_conflict: {authority: [a, '']}}]", []string{"3:54: " + field + ".on_conflict.authority[1]: must not be empty"}},
		{"authority twice", one + "fields: [{path: /a, on_conflict: {authority: [a, b, a]}}]", []string{"3:57: " + field + ".on_conflict.authority[2]: a stands twice"}},

		{"one path twice", one + "fields:\n      - {path: /a, type: set}\n      - {path: /a, type: text}\n", []string{"5:16: collections[0].fields[1].path: /a stands twice; the first is on line 4"}},
		{"one path in another spelling", one + "fields:\n      - {path: /a/**/*/b}\n      - {path: \"/\\u0061/*/**/b\"}\n      - {path: '/**'}\n      - {path: '/**/**'}\n", []string{
			"5:16: collections[0].fields[1].path: /a/*/**/b matches the same as /a/**/*/b on line 4; put the two into one field",
			"7:16: collections[0].fields[3].path: /**/** matches the same as /** on line 6; put the two into one field"}},

		{"a group of one", one + "together: [[/a], {fields: []}]", []string{
			"3:16: " + group + ": a group names at least two fields, such as [/startsAt, /endsAt]",
			"3:31: collections[0].together[1].fields: a group names at least two fields, such as [/startsAt, /endsAt]"}},
		{"no groups", one + "together: []", []string{"3:15: collections[0].together: must not be empty; remove the key to have the default"}},
		{"no list of groups", one + "together: /a", []string{"3:15: collections[0].together: must be a list, as in [[/startsAt, /endsAt]]"}},
		{"one list instead of two", one + "together: [/a, /b]", []string{
			"3:16: " + group + ": must be a list of texts, as in [a, b]", "3:20: collections[0].together[1]: must be a list of texts, as in [a, b]"}},
		{"a group without fields", one + "together: [{on_conflict: mine}]", []string{"3:16: " + group + ".fields: is missing"}},
		{"a group with another key", one + "together: [{fields: [/a, /b], type: set}]", []string{"3:35: " + group + ".type: unknown key; valid keys are fields, on_conflict, by"}},
		{"wildcards in a group", one + "together: [[/a, '/b/*'], {fields: ['/**', /c]}]", []string{
			"3:21: " + group + "[1]: /b/* cannot stand in a group; name each field by its full path, without wildcards",
			"3:40: collections[0].together[1].fields[0]: /** cannot stand in a group; name each field by its full path, without wildcards"}},
		{"no pointer in a group", one + "together: [[/a, b]]", []string{"3:21: " + group + `[1]: "b" ` + pointer}},
		{"a field twice in a group", one + "together: [[/a, /b, /a]]", []string{"3:25: " + group + "[2]: /a stands twice, first on line 3; a field belongs to one group, once"}},
		{"a field in another", one + "together: [{fields: [/a/b, /a]}]", []string{"3:32: " + group + ".fields[1]: /a and /a/b on line 3 lie one in the other; name each field once"}},
		{"a field in two groups", one + "together:\n      - [/a, /b]\n      - [/c, /b]\n", []string{"5:14: collections[0].together[1][1]: /b stands twice, first on line 4; a field belongs to one group, once"}},
		{"groups that overlap", one + "together:\n      - [/a/b, /c]\n      - [/d, /a]\n", []string{"5:14: collections[0].together[1][1]: /a and /a/b on line 4 lie one in the other; name each field once"}},
		{"a group by nothing", one + "together: [{fields: [/a, /b], on_conflict: newest}, {fields: [/c, /d], by: /at}]", []string{
			"3:16: " + group + ".by: newest needs by: a JSON Pointer to the time that it compares, such as /updatedAt",
			"3:80: collections[0].together[1].by: by says what newest, highest and lowest compare; set on_conflict to one of them, or leave by out"}},
		{"a group with an unknown rule", one + "together: [{fields: [/a, /b], on_conflict: newset}]", []string{"3:48: " + group + `.on_conflict: "newset" is not known here, did you mean newest?; ` + rules}},
		{"too many groups", one + "together: [" + many(maxGroups+1, "[/a%[1]d, /b%[1]d]") + "]", []string{"3:15: collections[0].together: must not have more than 64 groups; each costs every merge"}},
		{"too many in a group", one + "together: [[" + many(maxGrouped+1, "/a%d") + "]]", []string{"3:16: " + group + ": must not have more than 32 fields; each is compared with all others"}},

		{"detects what there is not", one + "detect: [values]", []string{`3:14: collections[0].detect[0]: "values" is not known here, did you mean value?; valid are value, structure`}},
		{"detect is a word", one + "detect: value", []string{"3:13: collections[0].detect: must be a list, as in [value, structure]"}},
		{"detect is nothing", one + "detect:", []string{"3:5: collections[0].detect: has no value; give it one, or remove the key to have the default"}},

		{"what the contract adds", one + "contract: {preset: version-body, version_field: /meta/v, digest_field: sum}\n    links: [{rel: x, path: /v1/notes}]\n" +
			"    fields: [{path: /meta/v}, {path: /sum, type: atomic}, {path: '/_meta/*'}, {path: /_links/x}]\n    together: [[/a, /sum]]", []string{
			"5:21: " + field + ".path: /meta/v is a member that the contract adds, or lies in it, and is never stored; choose one that writers send",
			"5:38: collections[0].fields[1].path: /sum is a member that the contract adds, or lies in it, and is never stored; choose one that writers send",
			"5:66: collections[0].fields[2].path: /_meta/* is a member that the contract adds, or lies in it, and is never stored; choose one that writers send",
			"5:86: collections[0].fields[3].path: /_links/x is a member that the contract adds, or lies in it, and is never stored; choose one that writers send",
			"6:21: " + group + "[1]: /sum is a member that the contract adds, or lies in it, and is never stored; choose one that writers send"}},
		{"by what the contract adds", one + "fields: [{path: /a, on_conflict: newest, by: /_meta/at}]\n    together: [{fields: [/b, /c], on_conflict: newest, by: /_meta/at}]", []string{
			"3:50: " + field + ".by: /_meta/at is a member that the contract adds, or lies in it, and is never stored; choose one that writers send",
			"4:60: " + group + ".by: /_meta/at is a member that the contract adds, or lies in it, and is never stored; choose one that writers send"}},

		{"merge without history", one + "history: off\n    on_stale: {default: merge, allow: [reject, merge]}", []string{
			"4:25: collections[0].on_stale.default: merge needs the version that the writer has read, and history keeps the current one alone; let it keep 2 or more",
			"4:48: collections[0].on_stale.allow[1]: merge needs the version that the writer has read, and history keeps the current one alone; let it keep 2 or more"}},
		{"park without history", one + "history: off\n    on_stale: {default: park}", []string{
			"4:25: collections[0].on_stale.default: park needs the version that the writer has read, and history keeps the current one alone; let it keep 2 or more"}},
		{"merge with a history of one", one + "history: {keep: 1}\n    on_stale: {allow: [merge]}", []string{
			"4:24: collections[0].on_stale.allow[0]: merge needs the version that the writer has read, and history keeps the current one alone; let it keep 2 or more"}},

		{"all at once, and nothing that follows from the rest", one + "detect: [x]\n    together: [[/a]]\n    fields:\n      - {path: /a, typ: list, key: /id}\n      - {path: /b, type: list}\n      - {path: /c, min: 1}\n      - {path: /c, max: 1}\n", []string{
			`3:14: collections[0].detect[0]: "x" is not known here; valid are value, structure`,
			"4:16: " + group + ": a group names at least two fields, such as [/startsAt, /endsAt]",
			"6:20: " + field + ".typ: unknown key, did you mean type?; valid keys are path, type, key, min, max, on_conflict, by, may_resolve, read",
			"7:9: collections[0].fields[1].key: a list needs a key that tells its elements apart, such as key: /id",
			"8:25: collections[0].fields[2].min: only a counter has min; say type: counter, or leave it out",
			"9:16: collections[0].fields[3].path: /c stands twice; the first is on line 8"}},
		{"in default", "default: {fields: [{path: /a, type: list}]}", []string{"1:20: default.fields[0].key: a list needs a key that tells its elements apart, such as key: /id"}},
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

func TestMergeFitsTheSchema(t *testing.T) {
	const file = `default:
  schema:
    $defs: {count: {type: integer}}
    properties:
      n: {type: integer}
      maybe: {type: [string, 'null', number]}
      s: {type: string}
      a: {type: array}
      o: {type: object, properties: {s: {type: string}, '*': {type: string}}}
      ref: {$ref: '#/$defs/count'}
      open: {minLength: 1}
  fields: [{path: PATH, TYPE}]`
	for _, tt := range []struct{ path, typ, want string }{
		{"/s", "type: counter", "counter is for a value of type number, and the schema says that /s is of type string; change one of the two"},
		{"/a", "type: counter", "counter is for a value of type number, and the schema says that /a is of type array; change one of the two"},
		{"/o/s", "type: counter", "counter is for a value of type number, and the schema says that /o/s is of type string; change one of the two"},
		{"/maybe", "type: set", "set is for a value of type array, and the schema says that /maybe is of type string or null or number; change one of the two"},
		{"/o", "type: list, key: /id", "list is for a value of type array, and the schema says that /o is of type object; change one of the two"},
		{"/s", "type: sequence", "sequence is for a value of type array, and the schema says that /s is of type string; change one of the two"},
		{"/n", "type: append", "append is for a value of type array, and the schema says that /n is of type integer; change one of the two"},
		{"/n", "type: text", "text is for a value of type string, and the schema says that /n is of type integer; change one of the two"},
		{"/n", "type: counter", ""}, {"/maybe", "type: counter", ""}, {"/maybe", "type: text", ""}, {"/s", "type: text", ""}, {"/a", "type: set", ""},
		{"/s", "type: atomic", ""}, {"/s", "type: immutable", ""}, {"/s", "on_conflict: highest", ""},
		{"/ref", "type: text", ""}, {"/open", "type: counter", ""}, {"/other", "type: counter", ""}, {"'/*'", "type: counter", ""}, {"'/o/*'", "type: counter", ""}, {"'/**/s'", "type: counter", ""},
	} {
		want := ""
		if tt.want != "" {
			want = fmt.Sprintf("p.yaml:12:%d: default.fields[0].type: %s", len("  fields: [{path: , type: ")+len(tt.path)+1, tt.want)
		}
		_, err := Parse("p.yaml", []byte(strings.NewReplacer("PATH", tt.path, "TYPE", tt.typ).Replace(file)))
		if err == nil && want != "" || err != nil && err.Error() != want {
			t.Errorf("%s, %s: got  %v\nwant %s", tt.path, tt.typ, err, want)
		}
	}
}
