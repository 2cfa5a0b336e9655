package policy

import (
	"reflect"
	"testing"
)

const annsDigest = "ab00000000000000000000000000000000000000000000000000000000000000"

func TestAccess(t *testing.T) {
	const keys = "auth: {keys: [{name: ann, sha256: " + annsDigest + "}]}\n"
	const no, yes = "false", "true"
	for _, tt := range []struct {
		name, file string
		want       Access
	}{
		{"nothing is said", "", Access{}},
		{"nothing is said, and callers have keys", keys, Access{no, no, no, no, no, no, no}},
		{"one for all", keys + "access: true", Access{yes, yes, yes, yes, yes, yes, yes}},
		{"one for all, in quotes", `access: '"a" in principal.roles'`, Access{`"a" in principal.roles`, `"a" in principal.roles`, `"a" in principal.roles`, `"a" in principal.roles`, `"a" in principal.roles`, `"a" in principal.roles`, `"a" in principal.roles`}},
		{"one for each", keys + "access: {read: true, create: 'params.id == \"1\"', write: resource.a == 1, delete: false, history: true, resolve: 'false'}",
			Access{yes, `params.id == "1"`, "resource.a == 1", no, yes, no, no}},
		{"some", keys + "access: {read: true}", Access{yes, no, no, no, no, no, no}},
		{"some, and nobody has a key", "access: {read: true, write: false}", Access{Read: yes, Write: no}},
		{"its own", keys + "access: true\ndefault: {access: {read: true}}", Access{yes, no, no, no, no, no, no}},
		{"its own, for all", keys + "access: {read: true}\ndefault: {access: false}", Access{no, no, no, no, no, no, no}},
		{"upstream", "auth: {mode: upstream, trusted: {header: X-User, from: [10.0.0.0/8]}}", Access{no, no, no, no, no, no, no}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse("p.yaml", []byte(tt.file))
			if err != nil {
				t.Fatal(err)
			}
			if p.Default.Access != tt.want || p.Default.Access.Denied() != (tt.want == Access{no, no, no, no, no, no, no}) {
				t.Errorf("got %+v, denied %t", p.Default.Access, p.Default.Access.Denied())
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

// TestAddedKeysDeny: keys from elsewhere close what nothing is said about.
func TestAddedKeysDeny(t *testing.T) {
	p, err := Parse("p.yaml", []byte("collections: [{name: a}, {name: b, access: {read: true}}]\ndefault: {}"))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.AddKeys("KEYS", []byte("- {name: ann, sha256: "+annsDigest+"}")); err != nil {
		t.Fatal(err)
	}
	if a, b := p.Collections[0].Access, p.Collections[1].Access; !a.Denied() || !p.Default.Access.Denied() || b != (Access{"true", "false", "false", "false", "false", "false", "false"}) {
		t.Errorf("%+v, %+v, %+v", a, b, p.Default.Access)
	}
}

func TestAccessErrors(t *testing.T) {
	const names = "; valid keys are read, create, write, delete, history, resolve, audit"
	for _, tt := range []struct{ name, file, want string }{
		{"unknown action", "default: {access: {update: true}}", "1:20: default.access.update: unknown key" + names},
		{"nearly an action", "access: {reed: true}", "1:10: access.reed: unknown key, did you mean read?" + names},
		{"who may overwrite", "default: {access: {overwrite: true}}", "1:20: default.access.overwrite: unknown key" + names},
		{"unknown name", "default:\n  access:\n    write: user.name == 'a'", "3:12: default.access.write: line 1, column 1 of the expression: there is no user; a rule is about principal, params, resource and request"},
		{"unknown parameter", "collections: [{name: notes}]\naccess: 'params.orgId == \"1\"'", `2:9: access: line 1, column 7 of the expression: there is no params.orgId; the path has id`},
		{"a role alone", "access: {read: admin}", "1:16: access.read: line 1, column 1 of the expression: there is no admin; a rule is about principal, params, resource and request"},
		{"no truth", "access: {read: resource.open}", "1:16: access.read: line 1, column 1 of the expression: the result is dyn and must be true or false; its kind is only known when it is there, so compare it, as in == true"},
		{"a number", "access: {read: 1}", "1:16: access.read: line 1, column 1 of the expression: the result is int and must be true or false; compare it with something"},
		{"a list", "access: [admin]", "1:9: access: must be an expression, as in 'true', or a block of read, create, write, delete, history, resolve, audit"},
		{"a list of an action", "access: {read: [admin]}", `1:16: access.read: must be an expression, as in 'true' or '"editor" in principal.roles'`},
		{"nothing", "access:", "1:1: access: has no value; give it one, or remove the key to have the default"},
		{"empty", "access: {read: ''}", "1:16: access.read: must not be empty"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse("p.yaml", []byte(tt.file))
			if want := "p.yaml:" + tt.want; err == nil || err.Error() != want || p != nil {
				t.Errorf("got\n%v\nwant\n%s", err, want)
			}
		})
	}
}
