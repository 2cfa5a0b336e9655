package bearer_test

import (
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"crypto/ecdsa"

	"github.com/ifmatch/ifmatch/internal/bearer"
)

// TestEveryAlgorithm: a key in each form verifies what was signed with it, and under
// no other algorithm.
func TestEveryAlgorithm(t *testing.T) {
	const claims = `{"aud":"a","sub":"ann","exp":4102444800}`
	for _, algorithm := range bearer.Algorithms() {
		t.Run(algorithm, func(t *testing.T) {
			private, public := material(t, algorithm)
			jwk := inJWK(t, public, "k", algorithm, "sig")
			for form, text := range map[string]string{"PEM": inPEM(t, public), "JWK": jwk, "JWK Set": `{"keys":[` + jwk + `]}`} {
				keys, err := bearer.ParseKeys([]byte(text), "k", algorithm)
				if err != nil || len(keys) != 1 || keys[0].ID != "k" || keys[0].Algorithm != algorithm {
					t.Fatalf("%s: %+v, %v", form, keys, err)
				}
				v := bearer.NewVerifier(bearer.Rules{Keys: bearer.Set(keys), Audience: "a", Name: []string{"sub"}})
				for _, said := range append(bearer.Algorithms(), "none", "") {
					id, err := v.Verify(t.Context(), sign(t, private, algorithm, `{"alg":"`+said+`","kid":"k"}`, claims))
					if good := said == algorithm; good != (err == nil) || good && id.Name != "ann" {
						t.Errorf("%s: a token that says %q: %+v, %v", form, said, id, err)
					}
				}
			}
		})
	}
}

// TestParseKeys: what is no key, or not one for its algorithm, is refused without
// anything of it.
func TestParseKeys(t *testing.T) {
	rsaKey, rsaPublic := material(t, "RS256")
	ecKey, ecPublic := material(t, "ES256")
	_, edPublic := material(t, "EdDSA")
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(rsaKey)
	if err != nil {
		t.Fatal(err)
	}
	secret := strings.Repeat("s3cr3t", 8)
	rsaJWK, ecJWK := inJWK(t, rsaPublic, "", "", ""), inJWK(t, ecPublic, "e", "ES256", "sig")
	for name, tt := range map[string]struct{ text, id, algorithm, fault string }{
		"nothing":                     {" \n", "", "RS256", "there is no key in it"},
		"no alg for PEM":              {inPEM(t, rsaPublic), "", "", `"" is not a known alg; valid are RS256, `},
		"none":                        {inPEM(t, rsaPublic), "", "none", `"none" is not a known alg`},
		"PEM as a secret":             {inPEM(t, rsaPublic), "", "HS256", "an RSA key cannot be used for HS256, which needs a secret"},
		"EC for RSA":                  {inPEM(t, ecPublic), "", "RS256", "an EC key on P-256 cannot be used for RS256, which needs an RSA key"},
		"RSA for EC":                  {inPEM(t, rsaPublic), "", "ES256", "an RSA key cannot be used for ES256, which needs an EC key on P-256"},
		"wrong curve":                 {inPEM(t, ecPublic), "", "ES384", "an EC key on P-256 cannot be used for ES384, which needs an EC key on P-384"},
		"curve of none":               {inPEM(t, curve.Public()), "", "ES256", "an EC key on P-224 cannot be used for ES256"},
		"Ed25519 for EC":              {inPEM(t, edPublic), "", "ES256", "an Ed25519 key cannot be used for ES256"},
		"RSA for Ed25519":             {inPEM(t, rsaPublic), "", "EdDSA", "an RSA key cannot be used for EdDSA, which needs an Ed25519 key"},
		"weak":                        {inPEM(t, weak.Public()), "", "RS256", "an RSA key must have 2048 to 8192 bits, this one has 1024"},
		"private key":                 {block("PRIVATE KEY", pkcs8), "", "RS256", "is a private key"},
		"private RSA key":             {block("RSA PRIVATE KEY", []byte{1}), "", "RS256", "is a private key"},
		"private key as a secret":     {block("PRIVATE KEY", pkcs8), "", "HS256", "is a private key"},
		"certificate":                 {block("CERTIFICATE", []byte{1}), "", "RS256", "is a CERTIFICATE, and not a PUBLIC KEY"},
		"two keys in PEM":             {inPEM(t, rsaPublic) + inPEM(t, ecPublic), "", "RS256", "holds more than one key"},
		"PEM with text before":        {"x\n" + inPEM(t, rsaPublic)[:60], "", "RS256", "the PEM cannot be read"},
		"not DER":                     {block("PUBLIC KEY", []byte("x")), "", "RS256", "the public key cannot be read"},
		"text for a public key":       {secret, "", "RS256", "must be a public key in PEM"},
		"secret that is short":        {"x" + secret[:30], "", "HS256", "a secret for HS256 must have 32 bytes or more, this one has 31"},
		"secret for HS512":            {secret, "", "HS512", "a secret for HS512 must have 64 bytes or more, this one has 48"},
		"oct for RS256":               {inJWK(t, []byte(secret), "", "", ""), "", "RS256", "a secret cannot be used for RS256"},
		"RSA JWK for HS256":           {rsaJWK, "", "HS256", "an RSA key cannot be used for HS256"},
		"JWK without alg":             {rsaJWK, "", "", "has no alg; write it beside the key"},
		"JWK for another alg":         {ecJWK, "", "RS256", `is for alg "ES256", and beside it stands RS256`},
		"JWK of another kid":          {ecJWK, "f", "ES256", `has the kid "e", and beside it stands another one`},
		"private JWK":                 {inJWK(t, ecKey, "", "ES256", ""), "", "", "is a private key"},
		"JWK for encryption":          {inJWK(t, rsaPublic, "", "RS256", "enc"), "", "", `is for use "enc", and not for signatures`},
		"JWK of a kind of the future": {`{"kty":"PQ","alg":"ES256"}`, "", "", "is not a JWK of kty RSA"},
		"JWK without members":         {`{"kty":"EC","crv":"P-256","alg":"ES256"}`, "", "", "is not a JWK of kty RSA"},
		"point that is not there":     {`{"kty":"EC","crv":"P-256","alg":"ES256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"}`, "", "", "is not a JWK of kty RSA"},
		"a member twice":              {`{"kty":"EC","kty":"RSA"}`, "", "ES256", "is not valid JSON: duplicate-name"},
		"not JSON":                    {`{"kty":` + secret, "", "HS256", "is not valid JSON: syntax"},
		"no keys":                     {`{"keys":[]}`, "", "RS256", "keys must be a list of 1 to 100 JWKs"},
		"keys is no list":             {`{"keys":{}}`, "", "RS256", "keys must be a list of 1 to 100 JWKs"},
		"too many":                    {`{"keys":[` + strings.Repeat(ecJWK+",", 100) + ecJWK + `]}`, "", "", "keys must be a list of 1 to 100 JWKs"},
		"one of a set":                {`{"keys":[` + ecJWK + `,` + rsaJWK + `]}`, "", "", "keys[1] has no alg"},
		"a kid for a set":             {`{"keys":[` + ecJWK + `,` + rsaJWK + `]}`, "k", "", "is a set of several keys"},
		"a long kid":                  {inPEM(t, rsaPublic), strings.Repeat("k", 257), "RS256", "kid is longer than 256 bytes"},
		"no object":                   {`{"keys":[1]}`, "", "RS256", "is not a JWK of kty RSA"},
	} {
		keys, err := bearer.ParseKeys([]byte(tt.text), tt.id, tt.algorithm)
		if err == nil || keys != nil || !strings.Contains(err.Error(), tt.fault) {
			t.Errorf("%s: %+v, %v, want %s", name, keys, err, tt.fault)
		}
		if err != nil && (strings.Contains(err.Error(), "s3cr3t") || strings.Contains(err.Error(), `"n"`)) {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
	}
}

// TestParseSet: of what a provider publishes, what verifies tokens is taken.
func TestParseSet(t *testing.T) {
	_, rsaPublic := material(t, "RS256")
	ecKey, ecPublic := material(t, "ES384")
	_, edPublic := material(t, "EdDSA")
	set := func(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }
	useless := []string{
		inJWK(t, rsaPublic, "enc", "RSA-OAEP", "enc"), inJWK(t, rsaPublic, "odd", "RSA-OAEP", ""), inJWK(t, []byte(strings.Repeat("s", 64)), "secret", "HS256", "sig"),
		inJWK(t, []byte(strings.Repeat("s", 64)), "plain", "", ""), inJWK(t, ecKey, "private", "ES384", ""), inJWK(t, rsaPublic, "confused", "HS256", ""), `{"kty":"PQ","kid":"future"}`, `1`,
	}
	keys, err := bearer.ParseSet([]byte(set(append(useless, inJWK(t, rsaPublic, "r", "", ""), inJWK(t, rsaPublic, "p", "PS512", ""), inJWK(t, ecPublic, "e", "", "sig"), inJWK(t, edPublic, "d", "", ""))...)))
	got := ""
	for _, k := range keys {
		got += k.ID + "=" + k.Algorithm + " "
	}
	if want := "r=RS256 p=PS512 e=ES384 d=EdDSA "; err != nil || got != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
	for text, fault := range map[string]string{
		`{}`: "is not a JWK Set", `[]`: "is not a JWK Set", `<html>`: "is not valid JSON", set(): "keys must be a list", set(useless...): "has no key that tokens can be verified with",
	} {
		if keys, err := bearer.ParseSet([]byte(text)); err == nil || keys != nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%.60s: %+v, %v, want %s", text, keys, err, fault)
		}
	}
}
