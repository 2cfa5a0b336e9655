package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/ifmatch/ifmatch/internal/bearer"
)

// JWTKey is an entry of keys, each of which is for one algorithm.
type JWTKey struct {
	// Algorithm is alg, and ID is kid; "" leaves them to the JWKs of File.
	Algorithm, ID string
	// File is the name of a file as the policy file has it, and Public a public key in
	// PEM. One of the two is set.
	File, Public string

	content []byte
	path    string
}

// Path returns where File is, "" for a public key that stands in the policy file.
func (k *JWTKey) Path() string { return k.path }

// Content returns what the keys are made of: that of the file, or Public. It may be
// secret.
func (k *JWTKey) Content() []byte { return slices.Clone(k.content) }

var jwtKeyKeys = []*key{
	{name: "alg", kind: kindText, optional: true, defDoc: "that of each JWK", check: checkAlgorithm, doc: "The one algorithm that the key is for (RFC 7518 §3.1): `" + strings.Join(bearer.Algorithms(), "`, `") + "`. For `HS…` the key is a secret, and whoever has it can make tokens."},
	{name: "kid", kind: kindText, optional: true, defDoc: "that of each JWK, or none", check: checkPrincipal, doc: "What the header of a token calls the key."},
	{name: "file", kind: kindText, optional: true, defDoc: "`public`", doc: "A file whose name is relative to this one: a public key in PEM, a JWK, or a JWK Set (RFC 7517). With `HS…` also the secret as it is, of 32, 48 or 64 bytes at least. It is read at start-up."},
	{name: "public", kind: kindText, optional: true, defDoc: "`file`", doc: "A public key in PEM, in place of a file. Secrets never stand in the policy file."},
}

// jwtKey makes a key of its block.
func (d *decoder) jwtKey(v *value) (JWTKey, []bearer.Key) {
	file, public := v.get("file"), v.get("public")
	k := JWTKey{Algorithm: v.get("alg").text, ID: v.get("kid").text, File: file.text, Public: public.text}
	from := file
	switch {
	case file.set && public.set:
		d.fail(public.at, public.path, "stands beside file; remove one of the two")
		return k, nil
	case !file.set && !public.set:
		d.fail(v.at, v.path, "has no key: it needs file, or public")
		return k, nil
	case public.set:
		from, k.content = public, []byte(k.Public)
		if bearer.IsSecret(k.Algorithm) {
			d.fail(public.at, public.path, fault("cannot be a secret, as "+k.Algorithm+" needs one; write that into a file, and its name under file"))
			return k, nil
		}
	case file.text != "":
		var bad fault
		k.path = d.beside(file.text)
		if k.content, bad = readFile(k.path); bad != "" {
			d.fail(file.at, file.path, bad)
			return k, nil
		}
	}
	if from.text == "" || v.get("alg").set && checkAlgorithm(k.Algorithm) != "" {
		return k, nil // which was reported
	}
	if k.Algorithm == "" && strings.Contains(string(k.content), "-----BEGIN ") {
		d.fail(v.at, join(v.path, "alg"), "is missing: a key in PEM does not say which algorithm it is for")
		return k, nil
	}
	parsed, err := bearer.ParseKeys(k.content, k.ID, k.Algorithm)
	if err != nil {
		d.fail(from.at, from.path, fault(err.Error()))
	}
	return k, parsed
}

func checkAlgorithm(s string) fault {
	if !slices.Contains(bearer.Algorithms(), s) {
		return fault(fmt.Sprintf("%.20q is not known here; valid are %s", s, strings.Join(bearer.Algorithms(), ", ")))
	}
	return ""
}

func (j *JWT) members() yaml.MapSlice {
	list := make([]yaml.MapSlice, len(j.Keys))
	for i, k := range j.Keys {
		list[i] = stated(yaml.MapSlice{{Key: "alg", Value: k.Algorithm}, {Key: "kid", Value: k.ID}, {Key: "file", Value: k.File}, {Key: "public", Value: k.Public}})
	}
	return append(yaml.MapSlice{{Key: "keys", Value: list}}, j.TokenRules.members()...)
}
