package access_test

import (
	"testing"

	"github.com/ifmatch/ifmatch/internal/access"
)

// TestClaimsOfJSON: claims that are values of JSON are seen as documents are, each
// way that a rule can reach them, and no number is rounded.
func TestClaimsOfJSON(t *testing.T) {
	claims := document(t, `{"org":"acme","level":3,"half":0.5,"id":9007199254740993,"beyond":1e30,"staff":true,"no":null,
		"realm_access":{"roles":["a","b"]},"ids":[9007199254740993,1.5],"at":1700000000.0}`)
	p := &access.Principal{Name: "oidc:ann", Claims: map[string]any{}}
	for _, m := range claims.Members() {
		p.Claims[m.Name] = m.Value
	}
	q := &access.Question{Principal: p, Resource: document(t, `{"org":"acme","id":9007199254740993,"near":9007199254740992,"level":3.0,"beyond":1e30}`)}
	for text, want := range map[string]bool{
		`principal.org == resource.org && principal.claims.org == resource.org`:                       true,
		`principal.id == resource.id && principal.claims.id == 9007199254740993`:                      true,
		`principal.claims["id"] == resource.near || principal.id == resource.near`:                    false,
		`principal.claims.level == 3 && principal.level == resource.level && principal.half == 0.5`:   true,
		`principal.staff && principal.no == null`:                                                     true,
		`"b" in principal.realm_access.roles && "a" in principal.claims.realm_access.roles`:           true,
		`9007199254740993 in principal.claims.ids && !(9007199254740992 in principal.ids)`:            true,
		`has(principal.claims.org) && !has(principal.claims.none) && size(principal.claims) == 10`:    true,
		`principal.claims.exists(name, principal.claims[name] == 0.5)`:                                true,
		`principal.claims.at == 1700000000`:                                                           true,
		`principal.claims == {"org": "acme"}`:                                                         false,
		`principal.claims.ids == [9007199254740993, 1.5] && principal.ids != [9007199254740992, 1.5]`: true,
	} {
		if got, err := compile(t, text).Allows(q); got != want || err != nil {
			t.Errorf("%s: %t, %v, want %t", text, got, err, want)
		}
	}
	for _, text := range []string{`principal.beyond == resource.beyond`, `principal.claims.beyond > 1.0`, `principal.claims.none == 1`} {
		if got, err := compile(t, text).Allows(q); got || err == nil {
			t.Errorf("%s: %t, %v, want no answer", text, got, err)
		}
	}
}
