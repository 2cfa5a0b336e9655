package bearer_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/bearer"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

const now = 1_800_000_000

// issuer makes tokens, and a verifier that accepts them.
type issuer struct {
	testing.TB
	private  any
	verifier *bearer.Verifier
}

func newIssuer(tb testing.TB, change func(*bearer.Rules)) *issuer {
	tb.Helper()
	private, public := material(tb, "EdDSA")
	keys, err := bearer.ParseKeys([]byte(inPEM(tb, public)), "k", "EdDSA")
	if err != nil {
		tb.Fatal(err)
	}
	rules := bearer.Rules{Keys: bearer.Set(keys), Audience: "notes", Prefix: "jwt:", Name: jsonvalue.Pointer{"sub"}}
	if change != nil {
		change(&rules)
	}
	return &issuer{tb, private, bearer.NewVerifier(rules).At(time.Unix(now, 0))}
}

func (i *issuer) verify(header, claims string) (*bearer.Identity, error) {
	i.Helper()
	return i.verifier.Verify(i.Context(), sign(i, i.private, "EdDSA", header, claims))
}

const head = `{"alg":"EdDSA","kid":"k"}`

// TestDates: a token ends when it says, and begins a little before.
func TestDates(t *testing.T) {
	i := newIssuer(t, nil)
	for dates, fault := range map[string]string{
		fmt.Sprintf(`"exp":%d`, now+1):                  "",
		fmt.Sprintf(`"exp":%d`, now):                    "token is expired",
		fmt.Sprintf(`"exp":%d.5`, now):                  "",
		fmt.Sprintf(`"exp":%d`, now-1):                  "token is expired",
		fmt.Sprintf(`"exp":%d`, now-60):                 "token is expired",
		`"exp":1.8000001e9`:                             "",
		`"exp":4398046511104`:                           "",
		`"exp":4398046511105`:                           "exp is no date",
		`"exp":null`:                                    "exp is no date",
		`"exp":true`:                                    "exp is no date",
		`"exp":[4102444800]`:                            "exp is no date",
		fmt.Sprintf(`"exp":%d,"nbf":%d`, now+1, now+30): "",
		fmt.Sprintf(`"exp":%d,"nbf":%d`, now+1, now+31): "token is not valid yet",
		fmt.Sprintf(`"exp":%d,"iat":%d`, now+1, now+30): "",
		fmt.Sprintf(`"exp":%d,"iat":%d`, now+1, now+31): "token used before issued",
		fmt.Sprintf(`"exp":%d,"iat":"x"`, now+1):        "iat is no date",
	} {
		id, err := i.verify(head, `{"aud":"notes","sub":"ann",`+dates+`}`)
		if fault == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), fault) {
			t.Errorf("%s: %+v, %v, want %q", dates, id, err, fault)
		}
	}
	id, err := i.verify(head, fmt.Sprintf(`{"aud":"notes","sub":"ann","exp":%d.25}`, now+7))
	if err != nil || !id.Expires.Equal(time.Unix(now+7, 250_000_000)) {
		t.Errorf("%+v, %v", id, err)
	}
}

// TestPrincipal: whom claims name, and with which roles.
func TestPrincipal(t *testing.T) {
	for name, tt := range map[string]struct {
		claims      string
		name, roles string // paths
		want, fault string
		has         []string
	}{
		"sub":                   {`"sub":"ann"`, "sub", "", "jwt:ann", "", nil},
		"another claim":         {`"sub":"1","email":"ann@example.com"`, "email", "", "jwt:ann@example.com", "", nil},
		"a nested claim":        {`"user":{"a.b":"ann"}`, "/user/a.b", "", "jwt:ann", "", nil},
		"no roles asked for":    {`"sub":"ann","roles":["admin"]`, "sub", "", "jwt:ann", "", nil},
		"a list":                {`"sub":"ann","roles":["admin","a b"]`, "sub", "roles", "jwt:ann", "", []string{"admin", "a b"}},
		"a text":                {`"sub":"ann","scope":" read  write "`, "sub", "scope", "jwt:ann", "", []string{"read", "write"}},
		"an empty text":         {`"sub":"ann","scope":""`, "sub", "scope", "jwt:ann", "", []string{}},
		"nested":                {`"sub":"ann","realm_access":{"roles":["admin"]}`, "sub", "realm_access.roles", "jwt:ann", "", []string{"admin"}},
		"a pointer":             {`"sub":"ann","https://x/roles":["admin"]`, "sub", "/https:~1~1x~1roles", "jwt:ann", "", []string{"admin"}},
		"not there":             {`"sub":"ann","realm_access":{}`, "sub", "realm_access.roles", "jwt:ann", "", nil},
		"the way is a text":     {`"sub":"ann","realm_access":"roles"`, "sub", "realm_access.roles", "jwt:ann", "", nil},
		"an empty list":         {`"sub":"ann","roles":[]`, "sub", "roles", "jwt:ann", "", []string{}},
		"null":                  {`"sub":"ann","roles":null`, "sub", "roles", "", "/roles is neither a text nor a list of texts", nil},
		"an object":             {`"sub":"ann","roles":{"admin":true}`, "sub", "roles", "", "/roles is neither a text", nil},
		"a role that is empty":  {`"sub":"ann","roles":["a",""]`, "sub", "roles", "", "/roles holds a role that is no printable text", nil},
		"a role with a line":    {`"sub":"ann","roles":["a\nb"]`, "sub", "roles", "", "/roles holds a role that is no printable text", nil},
		"a role that is long":   {`"sub":"ann","roles":["` + strings.Repeat("r", 257) + `"]`, "sub", "roles", "", "/roles holds a role", nil},
		"as many as there may":  {`"sub":"ann","roles":"` + strings.Repeat("r ", 100) + `"`, "sub", "roles", "jwt:ann", "", strings.Fields(strings.Repeat("r ", 100))},
		"more":                  {`"sub":"ann","roles":"` + strings.Repeat("r ", 101) + `"`, "sub", "roles", "", "holds more than 100 roles", nil},
		"name of 252 bytes":     {`"sub":"` + strings.Repeat("n", 252) + `"`, "sub", "", "jwt:" + strings.Repeat("n", 252), "", nil},
		"name of 253 bytes":     {`"sub":"` + strings.Repeat("n", 253) + `"`, "sub", "", "", "/sub names nobody", nil},
		"name with a space":     {`"sub":"ann "`, "sub", "", "", "/sub names nobody", nil},
		"name turned around":    {`"sub":"ann\u202ebob"`, "sub", "", "", "/sub names nobody", nil},
		"name in its own words": {`"sub":"Änn Ø"`, "sub", "", "jwt:Änn Ø", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t, func(r *bearer.Rules) {
				r.Name = path(t, tt.name)
				if tt.roles != "" {
					r.Roles = path(t, tt.roles)
				}
			})
			id, err := i.verify(head, `{"aud":"notes","exp":1900000000,"n":9007199254740993,`+tt.claims+`}`)
			if tt.fault != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fault) {
					t.Errorf("%+v, %v, want %s", id, err, tt.fault)
				}
				return
			}
			if err != nil || id.Name != tt.want || !reflect.DeepEqual(id.Roles, tt.has) {
				t.Fatalf("%+v, %v", id, err)
			}
			if n, ok := id.Claims["n"].(jsonvalue.Value); !ok || n.Text() != "9007199254740993" {
				t.Errorf("claims %v", id.Claims)
			}
		})
	}
}

func path(t *testing.T, text string) jsonvalue.Pointer {
	t.Helper()
	p, err := bearer.ParsePath(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestParsePath(t *testing.T) {
	for text, want := range map[string]jsonvalue.Pointer{
		"sub": {"sub"}, "a.b.c": {"a", "b", "c"}, "/a.b/c~1d": {"a.b", "c/d"}, "a/b": {"a/b"}, "/": {""},
		"": nil, ".": nil, "a..b": nil, "a.": nil, ".a": nil, "/~2": nil,
	} {
		if got, err := bearer.ParsePath(text); (err == nil) != (want != nil) || err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
}

// TestTokenSize: a token has up to 16 KiB, whatever a header may have.
func TestTokenSize(t *testing.T) {
	i := newIssuer(t, nil)
	for n, fault := range map[int]string{11 << 10: "", 13 << 10: "the token is larger than 16 KiB", 1 << 20: "the token is larger than 16 KiB"} {
		_, err := i.verify(head, `{"aud":"notes","exp":1900000000,"sub":"ann","x":"`+strings.Repeat("x", n)+`"}`)
		if fault == "" != (err == nil) || err != nil && err.Error() != fault {
			t.Errorf("%d: %v", n, err)
		}
	}
}

// TestIssuers: a token is judged by the rules for its issuer, and by no others, so
// that who has one issuer's key makes no tokens of another.
func TestIssuers(t *testing.T) {
	oneKey, onePublic := material(t, "EdDSA")
	twoKey, twoPublic := material(t, "EdDSA")
	set := func(public any) bearer.Set {
		keys, err := bearer.ParseKeys([]byte(inPEM(t, public)), "", "EdDSA")
		if err != nil {
			t.Fatal(err)
		}
		return keys
	}
	rules := func(issuer, prefix string, public any) bearer.Rules {
		return bearer.Rules{Keys: set(public), Issuer: issuer, Audience: "notes", Prefix: prefix, Name: jsonvalue.Pointer{"sub"}}
	}
	one, two := rules("https://one", "one:", onePublic), rules("https://two", "two:", twoPublic)
	open := two
	open.Issuer = ""
	token := func(key any, claims string) string {
		return sign(t, key, "EdDSA", `{"alg":"EdDSA"}`, `{"aud":"notes","exp":4102444800,"sub":"ann"`+claims+`}`)
	}
	for name, tt := range map[string]struct {
		rules []bearer.Rules
		token string
		want  string
	}{
		"the first":                       {[]bearer.Rules{one, two}, token(oneKey, `,"iss":"https://one"`), "one:ann"},
		"the second":                      {[]bearer.Rules{one, two}, token(twoKey, `,"iss":"https://two"`), "two:ann"},
		"the second in the first's name":  {[]bearer.Rules{one, two}, token(twoKey, `,"iss":"https://one"`), ""},
		"the first in the second's name":  {[]bearer.Rules{one, two}, token(oneKey, `,"iss":"https://two"`), ""},
		"no issuer":                       {[]bearer.Rules{one, two}, token(oneKey, ``), ""},
		"any issuer":                      {[]bearer.Rules{one, open}, token(twoKey, `,"iss":"https://three"`), "two:ann"},
		"any, and none":                   {[]bearer.Rules{one, open}, token(twoKey, ``), "two:ann"},
		"any, in the first's name":        {[]bearer.Rules{one, open}, token(twoKey, `,"iss":"https://one"`), ""},
		"the first's key, and any issuer": {[]bearer.Rules{one, open}, token(oneKey, `,"iss":"https://three"`), ""},
	} {
		id, err := bearer.NewVerifier(tt.rules...).Verify(t.Context(), tt.token)
		if (err == nil) != (tt.want != "") || err == nil && id.Name != tt.want {
			t.Errorf("%s: %+v, %v, want %q", name, id, err, tt.want)
		}
	}
}

// unavailable are keys that cannot be had.
type unavailable struct{}

func (unavailable) Find(context.Context, string, string) ([]bearer.Key, error) {
	return nil, fmt.Errorf("%w: down", bearer.ErrUnavailable)
}

// TestUnavailable: what cannot be judged is not taken for forged, and what is not
// readable is, whether keys are there or not.
func TestUnavailable(t *testing.T) {
	i := newIssuer(t, func(r *bearer.Rules) { r.Keys = unavailable{} })
	if _, err := i.verify(head, `{"aud":"notes","exp":1900000000,"sub":"ann"}`); !errors.Is(err, bearer.ErrUnavailable) {
		t.Error(err)
	}
	if _, err := i.verify(`{"alg":"EdDSA","crit":["x"]}`, `{}`); err == nil || errors.Is(err, bearer.ErrUnavailable) {
		t.Error(err)
	}
}

func TestIsShaped(t *testing.T) {
	for text, want := range map[string]bool{
		"a.b.c": true, "..": true, "a.b.": true, "A-_9.x.y": true,
		"": false, "a.b": false, "a.b.c.d": false, "a.b.c=": false, "a.b. c": false, "a.b.ç": false, "ifm_ABC": false, "a.b\n.c": false, "a.b/c.d": false,
	} {
		if got := bearer.IsShaped(text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

// FuzzVerify: whatever is sent as a token, nobody is let in but who has the key, and
// by what the key was used for.
func FuzzVerify(f *testing.F) {
	i := newIssuer(f, func(r *bearer.Rules) { r.Roles = jsonvalue.Pointer{"realm_access", "roles"} })
	const claims = `{"aud":["notes"],"exp":1900000000,"nbf":1.7e9,"iat":1700000000,"iss":"i","sub":"ann","realm_access":{"roles":["a"]}}`
	for _, seed := range []struct {
		header, claims, signature string
		sign                      bool
	}{
		{head, claims, "", true}, {head, claims, "AAAA", false}, {`{"alg":"none"}`, claims, "", false}, {`{"alg":"HS256","kid":"k"}`, claims, "AA", false},
		{`{"alg":"EdDSA","crit":[]}`, `{"aud":"notes","exp":1e10,"sub":"a"}`, "", true}, {`{"alg":"EdDSA","alg":"none"}`, `[]`, "", true},
		{`{"alg":"EdDSA","typ":"application/at+jwt"}`, `{"aud":"notes","exp":1900000000.25,"sub":"ann","realm_access":{"roles":"a b"}}`, "", true},
		{`{"alg":"EdDSA","jwk":{"kty":"OKP"},"jku":"https://x"}`, `{"aud":null,"exp":-1,"sub":1}`, "", true},
	} {
		f.Add(seed.header, seed.claims, seed.signature, seed.sign)
	}
	f.Fuzz(func(t *testing.T, header, claims, signature string, signed bool) {
		token := sign(t, i.private, "EdDSA", header, claims)
		if !signed {
			token = token[:strings.LastIndexByte(token, '.')+1] + signature
		}
		id, err := i.verifier.Verify(t.Context(), token)
		if err != nil {
			if id != nil || errors.Is(err, bearer.ErrUnavailable) || len(err.Error()) > 1000 {
				t.Fatalf("%+v, %.2000v", id, err)
			}
			return
		}
		if !signed && token != sign(t, i.private, "EdDSA", header, claims) {
			t.Fatalf("a token is taken that nobody has signed: %s", token)
		}
		c, err := jsonvalue.Parse([]byte(claims), jsonvalue.Limits{})
		if err != nil {
			t.Fatalf("claims are taken that nobody can read: %v", err)
		}
		if id.Name != "jwt:"+c.Lookup("sub").Text() || !id.Expires.After(time.Unix(now, 0)) || !isFor(c.Lookup("aud"), "notes") {
			t.Fatalf("%q: %+v", claims, id)
		}
	})
}

func isFor(audience jsonvalue.Value, name string) bool {
	return audience.Text() == name || slices.ContainsFunc(audience.Elems(), func(one jsonvalue.Value) bool { return one.Text() == name })
}
