package policy

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/bearer"
)

// keyFiles returns the folder of a policy, with keys in it.
func keyFiles(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	public := func(key any) string {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ed, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write("ec.pem", public(ec.Public()))
	write("ed.pem", public(ed))
	write("private.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	write("secret", strings.Repeat("s3cr3t", 8)+"\n")
	write("short", "s3cr3t")
	write("set.json", `{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"b","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`)
	write("twice.json", `{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`)
	write("bare.json", `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`)
	return dir
}

const inlineKey = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n"

func TestTokens(t *testing.T) {
	dir := keyFiles(t)
	inline := "|\n          " + strings.ReplaceAll(strings.TrimSpace(inlineKey), "\n", "\n          ") + "\n"
	for _, tt := range []struct {
		name, file string
		want       *Auth
	}{
		{"oidc", "auth: {oidc: {issuer: 'https://login.example.com/realms/main', audience: notes}}", &Auth{
			Mode: AuthBearer, OIDC: &TokenRules{Issuer: "https://login.example.com/realms/main", Audience: "notes", NameClaim: "sub", Prefix: "oidc:"}}},
		{"oidc in full", "auth: {oidc: {issuer: 'http://[::1]:8081', audience: notes, roles_claim: realm_access.roles, name_claim: /user~1name, prefix: 'staff/'}}", &Auth{
			Mode: AuthBearer, OIDC: &TokenRules{Issuer: "http://[::1]:8081", Audience: "notes", RolesClaim: "realm_access.roles", NameClaim: "/user~1name", Prefix: "staff/"}}},
		{"jwt", "auth: {jwt: {audience: notes, keys: [{alg: ES256, file: ec.pem}, {kid: h, alg: HS256, file: secret}, {file: set.json}]}}", &Auth{
			Mode: AuthBearer, JWT: &JWT{TokenRules: TokenRules{Audience: "notes", NameClaim: "sub", Prefix: "jwt:"}, Keys: []JWTKey{
				{Algorithm: "ES256", File: "ec.pem"}, {Algorithm: "HS256", ID: "h", File: "secret"}, {File: "set.json"}}}}},
		{"inline", "auth:\n  jwt:\n    audience: notes\n    issuer: anybody\n    keys:\n      - alg: EdDSA\n        public: " + inline, &Auth{
			Mode: AuthBearer, JWT: &JWT{TokenRules: TokenRules{Issuer: "anybody", Audience: "notes", NameClaim: "sub", Prefix: "jwt:"}, Keys: []JWTKey{{Algorithm: "EdDSA", Public: inlineKey}}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse(filepath.Join(dir, "p.yaml"), []byte(tt.file))
			if err != nil {
				t.Fatal(err)
			}
			var printed bytes.Buffer
			if err := p.Print(&printed); err != nil {
				t.Fatal(err)
			}
			again, err := Parse(filepath.Join(dir, "printed"), printed.Bytes())
			if err != nil || !reflect.DeepEqual(again, p) {
				t.Errorf("what is printed reads as %+v, %v:\n%s", again, err, printed.String())
			}
			if strings.Contains(printed.String(), "s3cr3t") {
				t.Errorf("a secret is printed: %s", printed.String())
			}
			for i := 0; p.Auth.JWT != nil && i < len(p.Auth.JWT.Keys); i++ {
				k := &p.Auth.JWT.Keys[i]
				if keys, err := bearer.ParseKeys(k.Content(), k.ID, k.Algorithm); err != nil || len(keys) == 0 {
					t.Errorf("%+v, %v", keys, err)
				}
				if want := filepath.Join(dir, k.File); k.File != "" && k.Path() != want || k.File == "" && k.Path() != "" {
					t.Errorf("%s is at %q", k.File, k.Path())
				}
				k.content, k.path = nil, ""
			}
			if !reflect.DeepEqual(p.Auth, tt.want) {
				t.Errorf("got  %+v\nwant %+v", p.Auth, tt.want)
			}
		})
	}
}

func TestTokenErrors(t *testing.T) {
	dir := keyFiles(t)
	const (
		oidc  = "auth: {oidc: {audience: a, issuer: "
		jwt   = "auth: {jwt: {audience: a, keys: [{"
		url   = "must be an https URL, or an http URL of a loopback address"
		query = "must be a URL without query and fragment, as in https://login.example.com/realms/main"
		form  = " is no path of a claim; write names with points between them, as in realm_access.roles, or a JSON Pointer"
		good  = "{alg: ES256, kid: k, file: ec.pem}"
	)
	algorithms := strings.Join(bearer.Algorithms(), ", ")
	for _, tt := range []struct {
		name, file string
		want       []string
	}{
		{"no audience", "auth: {oidc: {issuer: 'https://x'}}", []string{"1:14: auth.oidc.audience: is missing"}},
		{"no audience for keys", "auth: {jwt: {keys: [" + good + "]}}", []string{"1:13: auth.jwt.audience: is missing"}},
		{"nothing", "auth: {oidc: {}, jwt: {}}", []string{"1:14: auth.oidc.issuer: is missing", "1:14: auth.oidc.audience: is missing", "1:23: auth.jwt.keys: is missing", "1:23: auth.jwt.audience: is missing"}},
		{"no keys", "auth: {jwt: {audience: a, keys: []}}", []string{"1:33: auth.jwt.keys: must not be empty; remove the key to have the default"}},
		{"plain HTTP", oidc + "'http://login.example.com'}}", []string{"1:36: auth.oidc.issuer: " + url}},
		{"HTTP that looks local", oidc + "'http://localhost.example.com'}}", []string{"1:36: auth.oidc.issuer: " + url}},
		{"no URL", oidc + "login.example.com}}", []string{"1:36: auth.oidc.issuer: " + url}},
		{"a password", oidc + "'https://a:b@x'}}", []string{"1:36: auth.oidc.issuer: " + url}},
		{"a query", oidc + "'https://x/?a'}}", []string{"1:36: auth.oidc.issuer: " + query}},
		{"a fragment", oidc + "'https://x/#'}}", []string{"1:36: auth.oidc.issuer: " + query}},
		{"an empty audience", "auth: {oidc: {issuer: 'https://x', audience: ''}}", []string{"1:46: auth.oidc.audience: must not be empty"}},
		{"two audiences", "auth: {oidc: {issuer: 'https://x', audience: [a, b]}}", []string{"1:46: auth.oidc.audience: must be a text"}},
		{"unknown key", oidc + "'https://x', role_claim: a}}", []string{"1:49: auth.oidc.role_claim: unknown key, did you mean roles_claim?; valid keys are issuer, audience, roles_claim, name_claim, prefix"}},
		{"roles_claim", oidc + "'https://x', roles_claim: a..b}}", []string{`1:62: auth.oidc.roles_claim: "a..b"` + form}},
		{"name_claim", oidc + "'https://x', name_claim: .}}", []string{`1:61: auth.oidc.name_claim: "."` + form}},
		{"no prefix", oidc + "'https://x', prefix: ''}}", []string{"1:57: auth.oidc.prefix: must not be empty"}},
		{"long prefix", oidc + "'https://x', prefix: " + strings.Repeat("x", 65) + "}}", []string{"1:57: auth.oidc.prefix: is longer than 64 bytes"}},
		{"no file", jwt + "alg: ES256}]}}", []string{"1:34: auth.jwt.keys[0]: has no key: it needs file, or public"}},
		{"both", jwt + "alg: ES256, file: ec.pem, public: x}]}}", []string{"1:69: auth.jwt.keys[0].public: stands beside file; remove one of the two"}},
		{"unknown alg", jwt + "alg: none, file: ec.pem}]}}", []string{`1:40: auth.jwt.keys[0].alg: "none" is not known here; valid are ` + algorithms}},
		{"no alg", jwt + "kid: k, file: ec.pem}]}}", []string{"1:34: auth.jwt.keys[0].alg: is missing: a key in PEM does not say which algorithm it is for"}},
		{"no alg in a JWK", jwt + "file: bare.json}]}}", []string{"1:41: auth.jwt.keys[0].file: has no alg; write it beside the key"}},
		{"missing file", jwt + "alg: ES256, file: none.pem}]}}", []string{"1:53: auth.jwt.keys[0].file: cannot be read: stat " + filepath.Join(dir, "none.pem") + ": no such file or directory"}},
		{"a folder", jwt + "alg: ES256, file: .}]}}", []string{"1:53: auth.jwt.keys[0].file: " + dir + " is not a file"}},
		{"wrong alg", jwt + "alg: RS256, file: ec.pem}]}}", []string{"1:53: auth.jwt.keys[0].file: an EC key on P-256 cannot be used for RS256, which needs an RSA key"}},
		{"confusion", jwt + "alg: HS256, file: ec.pem}]}}", []string{"1:53: auth.jwt.keys[0].file: an EC key on P-256 cannot be used for HS256, which needs a secret"}},
		{"private key", jwt + "alg: EdDSA, file: private.pem}]}}", []string{"1:53: auth.jwt.keys[0].file: is a private key, which belongs to the issuer alone; write the public one, as openssl pkey -pubout prints it"}},
		{"secret in the file", jwt + "alg: HS256, public: s3cr3ts3cr3ts3cr3ts3cr3ts3cr3ts3cr3t}]}}", []string{"1:55: auth.jwt.keys[0].public: cannot be a secret, as HS256 needs one; write that into a file, and its name under file"}},
		{"a secret for a public key", jwt + "alg: ES256, file: secret}]}}", []string{"1:53: auth.jwt.keys[0].file: must be a public key in PEM (-----BEGIN PUBLIC KEY-----), a JWK or a JWK Set"}},
		{"short secret", jwt + "alg: HS256, file: short}]}}", []string{"1:53: auth.jwt.keys[0].file: a secret for HS256 must have 32 bytes or more, this one has 6"}},
		{"same kid", jwt + "alg: ES256, kid: k, file: ec.pem}, {alg: EdDSA, kid: k, file: ed.pem}]}}", []string{`1:70: auth.jwt.keys[1]: holds a second key with the kid "k"; each has a kid of its own`}},
		{"two without kid", jwt + "alg: ES256, file: ec.pem}, {alg: EdDSA, file: ed.pem}, {alg: ES256, file: ec.pem}]}}", []string{"1:90: auth.jwt.keys[2]: holds a second key for ES256 without a kid; each has a kid of its own"}},
		{"same kid in a set", jwt + "file: set.json}, {alg: ES256, kid: b, file: ec.pem}]}}", []string{`1:52: auth.jwt.keys[1]: holds a second key with the kid "b"; each has a kid of its own`}},
		{"same kid within a set", jwt + "file: twice.json}]}}", []string{`1:34: auth.jwt.keys[0]: holds a second key with the kid "a"; each has a kid of its own`}},
		{"behind a proxy", "auth: {mode: upstream, trusted: {header: X, from: [10.0.0.0/8]}, oidc: {issuer: 'https://x', audience: a}}", []string{
			"1:72: auth.oidc: cannot stand beside mode: upstream, where the proxy in front has authenticated callers; remove one of the two"}},
		{"one issuer twice", "auth: {oidc: {issuer: 'https://x', audience: a}, jwt: {issuer: 'https://x', audience: a, keys: [" + good + "]}}", []string{
			"1:64: auth.jwt.issuer: is that of oidc, whose tokens are verified with its own keys; remove one of the two"}},
		{"one prefix twice", "auth: {oidc: {issuer: 'https://x', audience: a, prefix: 'a:'}, jwt: {audience: a, prefix: 'a:b', keys: [" + good + "]}}", []string{
			`1:91: auth.jwt.prefix: is "a:b", and that of oidc "a:"; none may begin with the other, or two people could have one name`}},
		{"a key with a token's name", "auth: {keys: [{name: 'jwt:ann', sha256: " + hexA + "}], jwt: {audience: a, keys: [" + good + "]}}", []string{
			`1:22: auth.keys[0].name: begins with "jwt:", as the names of those do who bring a token; choose another name`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(dir, "p.yaml")
			p, err := Parse(file, []byte(tt.file))
			if all, ok := errors.AsType[Errors](err); !ok || p != nil || all.Error() != file+":"+strings.Join(tt.want, "\n"+file+":") {
				t.Errorf("got\n%v\nwant\n%s", err, strings.Join(tt.want, "\n"))
			}
			if err != nil && strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("a secret is shown: %v", err)
			}
		})
	}
}

// TestAddKeysBesideTokens: nor do keys of the environment have the names of tokens.
func TestAddKeysBesideTokens(t *testing.T) {
	p, err := Parse("p", []byte("auth: {oidc: {issuer: 'https://x', audience: a}}"))
	if err != nil {
		t.Fatal(err)
	}
	err = p.AddKeys("E", []byte("[{name: 'oidc:ann', sha256: "+hexA+"}]"))
	if err == nil || !strings.HasPrefix(err.Error(), `E:1:9: [0].name: begins with "oidc:"`) || len(p.Auth.Keys) != 0 {
		t.Errorf("%v, %+v", err, p.Auth)
	}
	if err := p.AddKeys("E", []byte("[{name: ann, sha256: "+hexA+"}]")); err != nil || len(p.Auth.Keys) != 1 || p.Auth.OIDC == nil {
		t.Errorf("%v, %+v", err, p.Auth)
	}
}
