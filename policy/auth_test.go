package policy

import (
	"bytes"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

const (
	hexA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	hexB = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	// someKey has the form of a key. Nothing that goes wrong may show it.
	someKey = "ifm_ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

func digest(b byte) (d [32]byte) {
	for i := range d {
		d[i] = b
	}
	return d
}

func TestAuth(t *testing.T) {
	for _, tt := range []struct {
		name, file string
		want       *Auth
	}{
		{"none", "", nil},
		{"on, with keys from elsewhere", "auth: {}", &Auth{Mode: AuthBearer}},
		{"keys", "auth: {keys: [{name: ann, sha256: " + hexA + "}, {name: 'b o: b', sha256: " + hexB + ", roles: [editor, '1']}]}", &Auth{
			Mode: AuthBearer, Keys: []APIKey{{Name: "ann", SHA256: digest(0xaa)}, {Name: "b o: b", SHA256: digest(0xbb), Roles: []string{"editor", "1"}}},
		}},
		{"claims", "auth: {keys: [{name: a, sha256: " + hexA + ", claims: {org: acme, level: -3, admin: true, no: 'true', '1': '', teams: [a, 1, false], none: []}}]}", &Auth{
			Mode: AuthBearer, Keys: []APIKey{{Name: "a", SHA256: digest(0xaa), Claims: map[string]any{
				"org": "acme", "level": int64(-3), "admin": true, "no": "true", "1": "", "teams": []any{"a", int64(1), false}, "none": []any{},
			}}},
		}},
		{"upstream", "auth: {mode: upstream, trusted: {header: X-Remote-User, from: [10.0.0.0/8, '::1/128']}}", &Auth{
			Mode: AuthUpstream, Trusted: Trusted{Header: "X-Remote-User", From: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse("p.yaml", []byte(tt.file))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(p.Auth, tt.want) {
				t.Errorf("got  %+v\nwant %+v", p.Auth, tt.want)
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
}

func TestAuthErrors(t *testing.T) {
	const (
		notHex = "must be a SHA-256 as 64 lower-case hex digits; ifmatch key new prints a key and its line. Never write the key itself here"
		one    = "auth:\n  keys:\n    - name: ann\n      sha256: " + hexA + "\n"
		up     = "auth:\n  mode: upstream\n  trusted: "
	)
	for _, tt := range []struct {
		name, file string
		want       []string
	}{
		{"unknown mode", "auth: {mode: none}", []string{`1:14: auth.mode: "none" is not known here; valid are bearer, upstream`}},
		{"nothing", "auth:", []string{"1:1: auth: has no value; give it one, or remove the key to have the default"}},
		{"no keys", "auth: {keys: []}", []string{"1:14: auth.keys: must not be empty; remove the key to have the default"}},
		{"a key without anything", "auth: {keys: [{}]}", []string{"1:15: auth.keys[0].name: is missing", "1:15: auth.keys[0].sha256: is missing"}},
		{"unknown member", one + "      role: a\n", []string{"5:7: auth.keys[0].role: unknown key, did you mean roles?; valid keys are name, sha256, roles, claims"}},
		{"same name", one + "    - name: ann\n      sha256: " + hexB, []string{"5:13: auth.keys[1].name: is the name of the key on line 3; each key has a name of its own"}},
		{"same key", one + "    - name: bob\n      sha256: " + hexA, []string{"6:15: auth.keys[1].sha256: is that of the key on line 4; each principal has a key of its own"}},
		{"the key itself", "auth: {keys: [{name: ann, sha256: " + someKey + "}]}", []string{"1:35: auth.keys[0].sha256: " + notHex}},
		{"two that are no digests", "auth: {keys: [{name: a, sha256: x}, {name: b, sha256: " + strings.ToUpper(hexA) + "}]}", []string{
			"1:33: auth.keys[0].sha256: " + notHex, "1:55: auth.keys[1].sha256: " + notHex}},
		{"name", "auth: {keys: [{name: \"a\\n\", sha256: " + hexA + "}]}", []string{"1:22: auth.keys[0].name: must be printable text without spaces around it"}},
		{"long name", "auth: {keys: [{name: " + strings.Repeat("x", 257) + ", sha256: " + hexA + "}]}", []string{"1:22: auth.keys[0].name: is longer than 256 bytes"}},
		{"roles", one + "      roles: editor", []string{"5:14: auth.keys[0].roles: must be a list of texts, as in [a, b]"}},
		{"role", one + "      roles: [1, ' a']", []string{`5:15: auth.keys[0].roles[0]: must be a text; write "1" in quotes`, "5:18: auth.keys[0].roles[1]: must be printable text without spaces around it"}},
		{"claims", one + "      claims: [a]", []string{"5:15: auth.keys[0].claims: must be a block of claims, as in {org: acme}"}},
		{"no claims", one + "      claims: {}", []string{"5:15: auth.keys[0].claims: must not be empty; remove the key to have none"}},
		{"claim", one + "      claims: {a: 1.5, b: {}, c: ~, d: [[]], e: 0x1, e: 1, '': 1, f: ' '}", []string{
			"5:19: auth.keys[0].claims.a: " + string(claimForm), "5:27: auth.keys[0].claims.b: " + string(claimForm),
			"5:31: auth.keys[0].claims.c: has no value; give it one, or remove the key to have the default",
			"5:41: auth.keys[0].claims.d[0]: " + string(claimForm), "5:49: auth.keys[0].claims.e: must be a whole number in plain digits",
			"5:54: auth.keys[0].claims.e: stands twice", "5:60: auth.keys[0].claims: the name of a claim is printable text of up to 256 bytes, without spaces around it",
			"5:70: auth.keys[0].claims.f: must be printable text without spaces around it"}},
		{"upstream without trusted", "auth: {mode: upstream}", []string{"1:7: auth.trusted: is missing: mode: upstream believes nobody without it"}},
		{"trusted without upstream", "auth: {trusted: {header: X-User, from: [10.0.0.0/8]}}", []string{"1:17: auth.trusted: needs mode: upstream beside it"}},
		{"both", one + "  mode: upstream\n  trusted: {header: X-User, from: [10.0.0.0/8]}", []string{
			"3:5: auth.keys: cannot stand beside mode: upstream, where the proxy in front has authenticated callers; remove one of the two"}},
		{"trusted is empty", up + "{}", []string{"3:12: auth.trusted.header: is missing", "3:12: auth.trusted.from: is missing"}},
		{"nobody is trusted", up + "{header: X-User, from: []}", []string{"3:35: auth.trusted.from: must not be empty: nobody would be believed"}},
		{"header", up + "{header: 'X User', from: [10.0.0.0/8]}", []string{`3:21: auth.trusted.header: "X User" is not the name of a header field; write one such as X-Remote-User`}},
		{"host", up + "{header: host, from: [10.0.0.0/8]}", []string{"3:21: auth.trusted.header: Host names no caller; write a header such as X-Remote-User"}},
		{"from", up + "{header: X-User, from: [10.1.2.3, 10.1.2.3/8, 0.0.0.0/0, '::ffff:10.0.0.0/104']}", []string{
			`3:36: auth.trusted.from[0]: "10.1.2.3" is not a range of addresses; write it as in 10.0.0.0/8, or 10.1.2.3/32 for one address`,
			"3:46: auth.trusted.from[1]: 10.1.2.3/8 has bits beyond its length; write 10.0.0.0/8, or 10.1.2.3/32 for the one address",
			"3:58: auth.trusted.from[2]: 0.0.0.0/0 would believe everybody; name the addresses of the proxy",
			"3:69: auth.trusted.from[3]: ::ffff:10.0.0.0/104 is IPv4 in the form of IPv6; write the IPv4 range"}},
	} {
		t.Run(tt.name, func(t *testing.T) { wantErrors(t, tt.file, tt.want) })
	}
}

// wantErrors reads a file, and compares all that is said of it.
func wantErrors(t *testing.T, file string, want []string) {
	t.Helper()
	p, err := Parse("p.yaml", []byte(file))
	if all, ok := errors.AsType[Errors](err); !ok || p != nil || all.Error() != "p.yaml:"+strings.Join(want, "\np.yaml:") {
		t.Errorf("got\n%v\nwant\n%s", err, strings.Join(want, "\n"))
	}
	if err != nil && strings.Contains(err.Error(), someKey) {
		t.Errorf("a key is shown: %v", err)
	}
}

// TestAddKeys: keys of the environment stand beside those of the file.
func TestAddKeys(t *testing.T) {
	const fromFile = "auth: {keys: [{name: ann, sha256: " + hexA + "}]}"
	ann, bob := APIKey{Name: "ann", SHA256: digest(0xaa)}, APIKey{Name: "bob", SHA256: digest(0xbb)}
	for _, tt := range []struct {
		name, file, more string
		want             []APIKey
		fault            string
	}{
		{"beside the file's", fromFile, "- {name: bob, sha256: " + hexB + "}", []APIKey{ann, bob}, ""},
		{"alone", "", "[{name: bob, sha256: " + hexB + "}]", []APIKey{bob}, ""},
		{"as JSON", "auth: {}", `[{"name": "bob", "sha256": "` + hexB + `"}]`, []APIKey{bob}, ""},
		{"same name", fromFile, "[{name: ann, sha256: " + hexB + "}]", []APIKey{ann}, "E:1:9: [0].name: is the name of the key in the policy file; each key has a name of its own"},
		{"same key", fromFile, "[{name: bob, sha256: " + hexA + "}]", []APIKey{ann}, "E:1:22: [0].sha256: is that of the key in the policy file; each principal has a key of its own"},
		{"a key itself", fromFile, someKey, []APIKey{ann}, "E:1:1: must be a list of blocks, each of them after a dash"},
		{"a key for a name", fromFile, "[{" + someKey + ": " + hexA + "}]", []APIKey{ann},
			"E:1:2: [0].name: is missing\nE:1:2: [0].sha256: is missing\nE:1:3: [0].ifm_…: unknown key; valid keys are name, sha256, roles, claims"},
		{"nothing", fromFile, "# none", []APIKey{ann}, "E:1:1: must be a list of blocks, each of them after a dash"},
		{"an empty list", fromFile, "[]", []APIKey{ann}, "E:1:1: must not be empty; remove the key to have the default"},
		{"not YAML", fromFile, "[" + someKey, []APIKey{ann}, "E:1:1: not valid YAML: sequence end token ']' not found"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse("p.yaml", []byte(tt.file))
			if err != nil {
				t.Fatal(err)
			}
			err = p.AddKeys("E", []byte(tt.more))
			if _, ok := errors.AsType[Errors](err); ok != (tt.fault != "") || ok && err.Error() != tt.fault {
				t.Errorf("got\n%v\nwant\n%s", err, tt.fault)
			}
			if !reflect.DeepEqual(p.Auth.Keys, tt.want) || p.Auth.Mode != AuthBearer {
				t.Errorf("got  %+v\nwant %+v", p.Auth, tt.want)
			}
		})
	}
	p, err := Parse("p", []byte("auth: {mode: upstream, trusted: {header: X-User, from: [10.0.0.0/8]}}"))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.AddKeys("E", []byte("[{name: bob, sha256: "+hexB+"}]")); err == nil || !strings.Contains(err.Error(), "auth.mode: upstream") || p.Auth.Keys != nil {
		t.Errorf("keys beside an upstream: %v, %+v", err, p.Auth)
	}
}

// TestKeyLine: a line that is printed can be put into a file as it is.
func TestKeyLine(t *testing.T) {
	for _, name := range []string{"ann", "a: b", "'", `"`, "true", "1", "- a", "{a}", "a, b", "#a", "ü €"} {
		k := APIKey{Name: name, SHA256: digest(0xaa), Roles: []string{"a, b"}}
		line, err := k.Line()
		if err != nil || strings.Contains(line, "\n") {
			t.Fatalf("%q, %v", line, err)
		}
		p := Default()
		if err := p.AddKeys("line", []byte("- "+line)); err != nil || !reflect.DeepEqual(p.Auth.Keys, []APIKey{k}) {
			t.Errorf("%s reads as %+v, %v", line, p.Auth, err)
		}
	}
}
