package policy

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
)

// Auth says how callers prove who they are. What they may do then is said by the
// Access of each collection.
type Auth struct {
	Mode AuthMode
	// Keys are the API keys of AuthBearer, in the order of the file. Names and
	// digests are unique. Without any, and without JWT and OIDC, nobody is let in.
	Keys []APIKey
	// JWT and OIDC say which tokens AuthBearer accepts beside keys; nil accepts none.
	JWT  *JWT
	OIDC *TokenRules
	// Trusted are the proxies of AuthUpstream.
	Trusted Trusted
}

// AuthMode says who authenticates callers.
type AuthMode string

// The modes.
const (
	// AuthBearer lets the server do it, by what stands in Authorization: Bearer.
	AuthBearer AuthMode = "bearer"
	// AuthUpstream believes a proxy in front, which has done it.
	AuthUpstream AuthMode = "upstream"
)

// APIKey is one API key. The key itself is known to its holder alone.
type APIKey struct {
	Name   string // of the principal
	SHA256 [32]byte
	Roles  []string
	// Claims are what else is known of the principal: texts, int64 numbers, bools,
	// and []any of these.
	Claims map[string]any
}

// Trusted says which proxies are believed, and where they name the caller.
type Trusted struct {
	Header string
	From   []netip.Prefix // masked, and IPv4 where they are IPv4
}

const bearerMode, upstreamMode = string(AuthBearer), string(AuthUpstream)

var authKeys = []*key{
	{name: "mode", kind: kindWord, def: bearerMode, words: []word{
		{name: bearerMode, doc: "each request brings one of `keys`, or a token that `jwt` or `oidc` accepts, as in `Authorization: Bearer KEY`"},
		{name: upstreamMode, doc: "a proxy in front has authenticated the caller, and names it in a header; see `trusted`"},
	}, doc: "Who authenticates callers."},
	{name: "keys", kind: kindBlocks, keys: apiKeyKeys, optional: true, defDoc: "none", doc: "API keys. `ifmatch key new` makes one. More can stand in the environment, as the same list in `IFMATCH_KEYS`. Without any, and without `jwt` and `oidc`, the server does not start."},
	{name: "jwt", kind: kindBlock, keys: jwtKeys, optional: true, defDoc: "off", doc: "Accepts JWTs (RFC 7519) that are signed with keys which stand here. A token needs `exp`; `nbf` and `iat` are judged with 30 seconds of leeway."},
	{name: "oidc", kind: kindBlock, keys: oidcKeys, optional: true, defDoc: "off", doc: "Accepts the JWTs of an OpenID provider. Its keys are fetched from where its `/.well-known/openid-configuration` says, and again when they change. While they cannot be had, its tokens are answered `503`, and everybody else is served."},
	{name: "trusted", kind: kindBlock, keys: trustedKeys, optional: true, defDoc: "none", doc: "With `mode: upstream`: whose word is taken for who a caller is. Everybody else is refused, whatever the header says."},
}

var apiKeyKeys = []*key{
	{name: "name", kind: kindText, required: true, check: checkPrincipal, doc: "Names the principal in the history and in conflict documents. Up to 256 bytes of printable text."},
	{name: "sha256", kind: kindText, required: true, check: checkDigest, doc: "SHA-256 of the key in lower-case hex. The key itself stands nowhere. It has 22 to 256 characters and at least 128 random bits: that is why a fast hash will do."},
	{name: "roles", kind: kindTexts, optional: true, defDoc: "none", check: checkPrincipal, doc: "Roles of the principal, kept in the log with every write."},
	{name: "claims", kind: kindClaims, optional: true, defDoc: "none", doc: "What else is known of the principal. A claim is a text, a whole number, `true` or `false`, or a list of these."},
}

var trustedKeys = []*key{
	{name: "header", kind: kindText, required: true, check: checkHeader, doc: "The header field in which the proxy names the caller. The proxy must set it on every request, and drop what the client sent under that name."},
	{name: "from", kind: kindTexts, required: true, check: checkPrefix, doc: "Addresses of the proxies, as in `[10.0.0.0/8, '::1/128']`. The peer of the connection counts, no header about forwarding does."},
}

// auth makes an Auth of its block, nil where that is not there.
func (d *decoder) auth(v *value) *Auth {
	if !v.set {
		return nil
	}
	a := &Auth{Mode: AuthMode(v.get("mode").text)}
	keys, trusted := v.get("keys"), v.get("trusted")
	a.JWT, a.OIDC = d.jwt(v.get("jwt")), d.oidc(v.get("oidc"))
	d.tokensApart(v, a)
	a.Keys = d.apiKeys(keys, a)
	a.Trusted.Header = trusted.get("header").text
	for _, from := range trusted.get("from").list {
		// One that is not valid was reported before.
		prefix, _ := netip.ParsePrefix(from.text)
		a.Trusted.From = append(a.Trusted.From, prefix)
	}
	for _, own := range []*value{keys, v.get("jwt"), v.get("oidc")} {
		if a.Mode == AuthUpstream && own.set {
			d.fail(own.at, own.path, "cannot stand beside mode: upstream, where the proxy in front has authenticated callers; remove one of the two")
		}
	}
	switch {
	case a.Mode == AuthUpstream && !trusted.set:
		d.fail(trusted.at, trusted.path, "is missing: mode: upstream believes nobody without it")
	case trusted.get("from").set && len(a.Trusted.From) == 0:
		d.fail(trusted.get("from").at, trusted.get("from").path, "must not be empty: nobody would be believed")
	case a.Mode == AuthBearer && trusted.set:
		d.fail(trusted.at, trusted.path, "needs mode: upstream beside it")
	}
	return a
}

// apiKeys makes API keys of their list, none of which may be one of those that are
// known, nor have a name that a token gives.
func (d *decoder) apiKeys(v *value, known *Auth) []APIKey {
	names, digests := map[string]string{}, map[[32]byte]string{}
	for i := range known.Keys {
		names[known.Keys[i].Name], digests[known.Keys[i].SHA256] = "in the policy file", "in the policy file"
	}
	var keys []APIKey
	for _, one := range v.list {
		name, digest := one.get("name"), one.get("sha256")
		k := APIKey{Name: name.text, Claims: one.get("claims").claims}
		n, _ := hex.Decode(k.SHA256[:], []byte(digest.text)[:min(len(digest.text), 64)])
		for _, role := range one.get("roles").list {
			k.Roles = append(k.Roles, role.text)
		}
		if prefix := known.ofToken(k.Name); prefix != "" {
			d.fail(name.at, name.path, fault("begins with "+strconv.Quote(prefix)+", as the names of those do who bring a token; choose another name"))
		}
		if first := names[k.Name]; first != "" {
			d.fail(name.at, name.path, fault("is the name of the key "+first+"; each key has a name of its own"))
		} else if k.Name != "" {
			names[k.Name] = "on line " + strconv.Itoa(name.at.line)
		}
		if first := digests[k.SHA256]; first != "" {
			d.fail(digest.at, digest.path, fault("is that of the key "+first+"; each principal has a key of its own"))
		} else if n == len(k.SHA256) {
			digests[k.SHA256] = "on line " + strconv.Itoa(digest.at.line)
		}
		keys = append(keys, k)
	}
	return keys
}

// AddKeys adds API keys that do not come from the policy file: a list as it
// stands under auth.keys. Name stands for where they come from in errors. It
// fails with [Errors], and leaves the policy alone then.
func (p *Policy) AddKeys(name string, data []byte) error {
	d := &decoder{file: name}
	known := p.Auth
	if known == nil {
		known = new(Auth)
	}
	root := d.parse(data)
	var keys []APIKey
	switch {
	case len(d.errs) > 0:
	case p.Auth != nil && p.Auth.Mode == AuthUpstream:
		d.fail(position{1, 1}, "", "API keys cannot stand beside auth.mode: upstream; remove one of the two")
	case root == nil:
		d.fail(position{1, 1}, "", "must be a list of blocks, each of them after a dash")
	default:
		keys = d.apiKeys(d.value(root, &key{kind: kindBlocks, keys: apiKeyKeys}, "", position{1, 1}), known)
	}
	if len(d.errs) > 0 {
		return d.errs.sorted()
	}
	if p.Auth == nil {
		p.Auth = &Auth{Mode: AuthBearer}
		for i := range p.Collections {
			p.Collections[i].Access.deny()
		}
		if p.Default != nil {
			p.Default.Access.deny()
		}
	}
	p.Auth.Keys = append(p.Auth.Keys, keys...)
	return nil
}

var apiKeyForm = regexp.MustCompile("ifm_[A-Z2-7]{20,}")

// hideKeys takes API keys out of what is said of a file: people put them in the
// wrong place.
func hideKeys(s string) string { return apiKeyForm.ReplaceAllString(s, "ifm_…") }

// maxPrincipal bounds names and roles in bytes.
const maxPrincipal = 256

// CheckPrincipal tells what is wrong with the name of a principal that does not
// come from a policy file, nil for nothing.
func CheckPrincipal(name string) error { return checkPrincipal(name).err() }

func checkPrincipal(s string) fault {
	switch {
	case len(s) > maxPrincipal:
		return "is longer than 256 bytes"
	case !utf8.ValidString(s) || strings.TrimSpace(s) != s || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "must be printable text without spaces around it"
	}
	return ""
}

// checkDigest shows nothing of what it refuses: it may be the key itself.
func checkDigest(s string) fault {
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) != 32 || strings.ToLower(s) != s {
		return "must be a SHA-256 as 64 lower-case hex digits; ifmatch key new prints a key and its line. Never write the key itself here"
	}
	return ""
}

// checkHeader takes a field name (RFC 9110 §5.1) that means nothing else here.
func checkHeader(s string) fault {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"(),/:;<=>?@[\\]{}", c) >= 0 {
			return fault(strconv.Quote(s) + " is not the name of a header field; write one such as X-Remote-User")
		}
	}
	if strings.EqualFold(s, "Host") { // which net/http keeps elsewhere
		return "Host names no caller; write a header such as X-Remote-User"
	}
	return ""
}

func checkPrefix(s string) fault {
	prefix, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return fault(strconv.Quote(s) + " is not a range of addresses; write it as in 10.0.0.0/8, or 10.1.2.3/32 for one address")
	case prefix.Bits() == 0:
		return fault(s + " would believe everybody; name the addresses of the proxy")
	case prefix.Addr().Is4In6():
		return fault(s + " is IPv4 in the form of IPv6; write the IPv4 range")
	case prefix.Masked() != prefix:
		return fault(s + " has bits beyond its length; write " + prefix.Masked().String() + ", or " + netip.PrefixFrom(prefix.Addr(), prefix.Addr().BitLen()).String() + " for the one address")
	}
	return ""
}

func (a *Auth) members() yaml.MapSlice {
	m := yaml.MapSlice{{Key: "mode", Value: string(a.Mode)}}
	if len(a.Keys) > 0 {
		list := make([]yaml.MapSlice, len(a.Keys))
		for i := range a.Keys {
			list[i] = a.Keys[i].members()
		}
		m = append(m, yaml.MapItem{Key: "keys", Value: list})
	}
	if a.JWT != nil {
		m = append(m, yaml.MapItem{Key: "jwt", Value: a.JWT.members()})
	}
	if a.OIDC != nil {
		m = append(m, yaml.MapItem{Key: "oidc", Value: a.OIDC.members()})
	}
	if a.Trusted.Header != "" {
		from := make([]string, len(a.Trusted.From))
		for i, p := range a.Trusted.From {
			from[i] = p.String()
		}
		m = append(m, yaml.MapItem{Key: "trusted", Value: yaml.MapSlice{{Key: "header", Value: a.Trusted.Header}, {Key: "from", Value: from}}})
	}
	return m
}

func (k *APIKey) members() yaml.MapSlice {
	m := yaml.MapSlice{{Key: "name", Value: k.Name}, {Key: "sha256", Value: hex.EncodeToString(k.SHA256[:])}}
	if len(k.Roles) > 0 {
		m = append(m, yaml.MapItem{Key: "roles", Value: k.Roles})
	}
	if len(k.Claims) > 0 {
		var claims yaml.MapSlice
		for name, claim := range k.Claims {
			claims = append(claims, yaml.MapItem{Key: name, Value: claim})
		}
		slices.SortFunc(claims, func(a, b yaml.MapItem) int { return cmp.Compare(fmt.Sprint(a.Key), fmt.Sprint(b.Key)) })
		m = append(m, yaml.MapItem{Key: "claims", Value: claims})
	}
	return m
}

// Line returns the key as it stands in a list of keys, on one line without its
// dash: {name: ann, sha256: …}.
func (k *APIKey) Line() (string, error) {
	text, err := yaml.MarshalWithOptions(k.members(), yaml.Flow(true))
	return strings.TrimSpace(string(text)), err
}
