package policy

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/ifmatch/ifmatch/internal/bearer"
)

// TokenRules say which tokens of one issuer are accepted, and whom they name.
type TokenRules struct {
	// Issuer must be the token's iss. For an OpenID provider it is the URL under which
	// its configuration is found; for static keys "" accepts any, and none.
	Issuer string
	// Audience must be one of the token's aud.
	Audience string
	// NameClaim is the path of the claim that names the principal, RolesClaim of that
	// with the roles, "" for none: names with points between them, or a JSON Pointer.
	NameClaim, RolesClaim string
	// Prefix stands before every name that a token gives.
	Prefix string
}

// JWT says which tokens are accepted that are signed with keys of the file.
type JWT struct {
	TokenRules
	Keys []JWTKey // in the order of the file
}

func ruleKeys(prefix string) []*key {
	return []*key{
		{name: "audience", kind: kindText, required: true, check: checkPrincipal, doc: "What the token's `aud` must be or hold: the name that the issuer has for this API. Without it, tokens that were made out for others would be accepted."},
		{name: "roles_claim", kind: kindText, optional: true, defDoc: "none, and then tokens give no roles", check: checkClaimPath, doc: "Where in the token the roles are: names with points between them, as in `realm_access.roles`, or a JSON Pointer, as in `/https:~1~1example.com~1roles`. A list of texts, or one text with spaces between them, as `scope` has it."},
		{name: "name_claim", kind: kindText, def: "sub", check: checkClaimPath, doc: "Where in the token the name of the principal is. It should be one that the issuer never gives to somebody else, as `sub` is."},
		{name: "prefix", kind: kindText, def: prefix, check: checkNamePrefix, doc: "Stands before every name that a token gives, in the history as in rules, so that none is that of a key or of another issuer. Up to 64 bytes of printable text."},
	}
}

var jwtKeys = append([]*key{
	{name: "keys", kind: kindBlocks, keys: jwtKeyKeys, required: true, doc: "What tokens are verified with. A token that names a `kid` is verified with the key of that `kid` alone; one that names none, where one key alone is for its `alg`."},
	{name: "issuer", kind: kindText, optional: true, defDoc: "any", check: checkPrincipal, doc: "What the token's `iss` must be."},
}, ruleKeys("jwt:")...)

var oidcKeys = append([]*key{
	{name: "issuer", kind: kindText, required: true, check: checkIssuer, doc: "The issuer's URL, exactly as it stands in the `iss` of its tokens. It begins with `https://`, or is on a loopback address."},
}, ruleKeys("oidc:")...)

// jwt makes a JWT of its block, nil where that is not there.
func (d *decoder) jwt(v *value) *JWT {
	if !v.set {
		return nil
	}
	j := &JWT{TokenRules: tokenRules(v)}
	var all bearer.Set
	for _, one := range v.get("keys").list {
		k, parsed := d.jwtKey(one)
		j.Keys = append(j.Keys, k)
		for _, p := range parsed {
			if slices.ContainsFunc(all, func(known bearer.Key) bool { return known.ID == p.ID && (p.ID != "" || known.Algorithm == p.Algorithm) }) {
				d.fail(one.at, one.path, fault("holds a second key "+describeKey(p)+"; each has a kid of its own"))
				break
			}
			all = append(all, p)
		}
	}
	return j
}

func describeKey(k bearer.Key) string {
	if k.ID == "" {
		return "for " + k.Algorithm + " without a kid"
	}
	return fmt.Sprintf("with the kid %.64q", k.ID)
}

// oidc makes the rules of an OpenID provider, nil where there is none.
func (d *decoder) oidc(v *value) *TokenRules {
	if !v.set {
		return nil
	}
	rules := tokenRules(v)
	return &rules
}

func tokenRules(v *value) TokenRules {
	return TokenRules{
		Issuer: v.get("issuer").text, Audience: v.get("audience").text,
		NameClaim: v.get("name_claim").text, RolesClaim: v.get("roles_claim").text, Prefix: v.get("prefix").text,
	}
}

// tokensApart reports issuers whose tokens could not be told apart, and those whose
// names could be the same.
func (d *decoder) tokensApart(v *value, a *Auth) {
	if a.JWT == nil || a.OIDC == nil {
		return
	}
	issuer, prefix := v.get("jwt").get("issuer"), v.get("jwt").get("prefix")
	if a.JWT.Issuer != "" && a.JWT.Issuer == a.OIDC.Issuer {
		d.fail(issuer.at, issuer.path, "is that of oidc, whose tokens are verified with its own keys; remove one of the two")
	}
	if strings.HasPrefix(a.JWT.Prefix, a.OIDC.Prefix) || strings.HasPrefix(a.OIDC.Prefix, a.JWT.Prefix) {
		d.fail(prefix.at, prefix.path, fault("is "+strconv.Quote(a.JWT.Prefix)+", and that of oidc "+strconv.Quote(a.OIDC.Prefix)+"; none may begin with the other, or two people could have one name"))
	}
}

// ofToken returns the prefix of tokens that a name begins with, "" for none.
func (a *Auth) ofToken(name string) string {
	switch {
	case a.JWT != nil && a.JWT.Prefix != "" && strings.HasPrefix(name, a.JWT.Prefix):
		return a.JWT.Prefix
	case a.OIDC != nil && a.OIDC.Prefix != "" && strings.HasPrefix(name, a.OIDC.Prefix):
		return a.OIDC.Prefix
	}
	return ""
}

// maxPrefix bounds prefixes of names in bytes.
const maxPrefix = 64

func checkNamePrefix(s string) fault {
	if len(s) > maxPrefix {
		return "is longer than 64 bytes"
	}
	return checkPrincipal(s)
}

func checkIssuer(s string) fault {
	u, err := url.Parse(s)
	if err != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(s, "#") {
		return "must be a URL without query and fragment, as in https://login.example.com/realms/main"
	}
	if err := bearer.CheckURL(u); err != nil {
		return fault(err.Error())
	}
	return ""
}

func checkClaimPath(s string) fault {
	if _, err := bearer.ParsePath(s); err != nil {
		return fault(err.Error())
	}
	return ""
}

func (r *TokenRules) members() yaml.MapSlice {
	return stated(yaml.MapSlice{
		{Key: "issuer", Value: r.Issuer}, {Key: "audience", Value: r.Audience}, {Key: "roles_claim", Value: r.RolesClaim},
		{Key: "name_claim", Value: r.NameClaim}, {Key: "prefix", Value: r.Prefix},
	})
}

// stated leaves out what is empty.
func stated(m yaml.MapSlice) yaml.MapSlice {
	return slices.DeleteFunc(m, func(member yaml.MapItem) bool { return member.Value == "" })
}
