package bearer_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/bearer"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// changing are keys that may change.
type changing struct{ bearer.Set }

// TestSignaturesAreRemembered: a token's cryptography is done once, and nothing else
// of it is taken for good because it was.
func TestSignaturesAreRemembered(t *testing.T) {
	private, public := material(t, "EdDSA")
	_, other := material(t, "EdDSA")
	verifications := 0
	set := func(public any) bearer.Set {
		keys, err := bearer.ParseKeys([]byte(inPEM(t, public)), "k", "EdDSA")
		if err != nil {
			t.Fatal(err)
		}
		return bearer.Set{bearer.Counted(keys[0], &verifications)}
	}
	keys := &changing{set(public)}
	v := bearer.NewVerifier(bearer.Rules{Keys: keys, Audience: "notes", Name: jsonvalue.Pointer{"sub"}}).At(time.Unix(now, 0))
	token := sign(t, private, "EdDSA", head, fmt.Sprintf(`{"aud":"notes","sub":"ann","exp":%d}`, now+10))
	want := func(token, fault string, count int) {
		t.Helper()
		_, err := v.Verify(t.Context(), token)
		if fault == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), fault) || verifications != count {
			t.Errorf("%v, want %q; %d verifications, want %d", err, fault, verifications, count)
		}
	}
	want(token, "", 1)
	want(token, "", 1)
	at := strings.LastIndexByte(token, '.')
	forged := token[:at] + ".AAAA"
	want(forged, "the signature does not verify", 2)
	want(forged, "the signature does not verify", 3) // bad ones are not remembered
	want(strings.Replace(token, ".", "A.", 1), "the token's header", 3)
	keys.Set = set(public) // read anew
	want(token, "", 3)
	keys.Set = set(other)
	want(token, "the signature does not verify", 4)
	keys.Set = bearer.Set{}
	want(token, "no key has the kid", 4)
	keys.Set = set(public)
	v.At(time.Unix(now+10, 0))
	want(token, "token is expired", 4)
}

// TestSecretsAreNotRemembered: what is signed with a secret is verified each time.
func TestSecretsAreNotRemembered(t *testing.T) {
	private, public := material(t, "HS256")
	keys, err := bearer.ParseKeys([]byte(inPEM(t, public)), "", "HS256")
	if err != nil {
		t.Fatal(err)
	}
	v := bearer.NewVerifier(bearer.Rules{Keys: bearer.Set(keys), Audience: "notes", Name: jsonvalue.Pointer{"sub"}})
	if _, err := v.Verify(t.Context(), sign(t, private, "HS256", `{"alg":"HS256"}`, `{"aud":"notes","sub":"ann","exp":4102444800}`)); err != nil || v.Remembered() != 0 {
		t.Errorf("%v, %d", err, v.Remembered())
	}
}

// TestRememberedAreBounded: many tokens make old ones forgotten, and those in use stay.
func TestRememberedAreBounded(t *testing.T) {
	fact := func(n int) [32]byte { return [32]byte{byte(n), byte(n >> 8), byte(n >> 16)} }
	v := bearer.NewVerified()
	const many = 10 * bearer.MaxVerified
	for n := range many {
		v.Add(fact(n))
		if !v.Has(fact(0)) || !v.Has(fact(n)) {
			t.Fatalf("after %d a fact that is in use is forgotten", n)
		}
	}
	if v.Has(fact(1)) || v.Has(fact(many)) {
		t.Error("what is not in use is never forgotten, or was never there")
	}
	if got := v.Len(); got > bearer.MaxVerified {
		t.Errorf("%d signatures are remembered", got)
	}
}
