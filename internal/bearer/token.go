package bearer

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

const (
	// maxToken bounds a token in bytes.
	maxToken = 16 << 10
	// tokenDepth bounds the nesting of its header and of its claims.
	tokenDepth = 16
)

// IsShaped tells whether a credential has the shape of a JWT: three parts of
// base64url with points between them. Nothing else is told by it.
func IsShaped(credential string) bool {
	points := 0
	for i := range len(credential) {
		switch c := credential[i]; {
		case c == '.':
			points++
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return points == 2
}

// token is a JWT that can be read. Nobody has vouched for it yet.
type token struct {
	signed    string // header and claims, as they were signed
	signature []byte
	id        string // kid, "" for none
	algorithm string
	claims    jsonvalue.Value // an object
}

// decode reads a token. Names that stand twice are refused in header and claims
// (RFC 7519 §4): who signed and who verifies could take different ones. Of the
// header only alg, kid, typ and crit are looked at, so that no token brings along
// the key that it wants to be verified with (RFC 8725 §3.10).
func decode(raw string) (*token, error) {
	if len(raw) > maxToken {
		return nil, errors.New("the token is larger than 16 KiB")
	}
	if !IsShaped(raw) {
		return nil, errors.New("the token does not have three parts of base64url")
	}
	at := strings.LastIndexByte(raw, '.')
	t := &token{signed: raw[:at]}
	head, body, _ := strings.Cut(t.signed, ".")
	header, err := object(head)
	if err != nil {
		return nil, fmt.Errorf("the token's header %w", err)
	}
	if t.claims, err = object(body); err != nil {
		return nil, fmt.Errorf("the token's claims cannot be read: it %w", err)
	}
	if t.signature, err = unbase64(raw[at+1:]); err != nil {
		return nil, fmt.Errorf("the token's signature %w", err)
	}
	if err := t.judge(header); err != nil {
		return nil, err
	}
	return t, nil
}

// judge reads the header.
func (t *token) judge(header jsonvalue.Value) error {
	alg, kid, typ := header.Lookup("alg"), header.Lookup("kid"), header.Lookup("typ")
	switch {
	case !header.Lookup("crit").IsAbsent():
		return errors.New("the token's header has crit, and nothing that it may name is supported")
	case alg.Kind() != jsonvalue.KindString:
		return errors.New("the token's header has no alg")
	case !kid.IsAbsent() && (kid.Kind() != jsonvalue.KindString || kid.Text() == "" || len(kid.Text()) > maxID):
		return errors.New("the token's kid is no text of 1 to 256 bytes")
	case !typ.IsAbsent() && !(typ.Kind() == jsonvalue.KindString && isAccess(typ.Text())):
		return errors.New("the token's typ is that of another kind of token; valid are JWT and at+jwt")
	}
	t.algorithm = alg.Text()
	if !kid.IsAbsent() {
		t.id = kid.Text()
	}
	return nil
}

// isAccess tells of the types that tokens for access have (RFC 7519 §5.1, RFC 9068
// §2.1). An issuer's other tokens, such as those for logging out, are not taken for
// one (RFC 8725 §3.12).
func isAccess(typ string) bool {
	typ = strings.ToLower(typ)
	switch strings.TrimPrefix(typ, "application/") {
	case "jwt", "at+jwt":
		return true
	}
	return false
}

// object reads a part of a token that is an object.
func object(part string) (jsonvalue.Value, error) {
	text, err := unbase64(part)
	if err != nil {
		return jsonvalue.Value{}, err
	}
	v, err := jsonvalue.Parse(text, jsonvalue.Limits{Depth: tokenDepth})
	if bad, ok := errors.AsType[*jsonvalue.SyntaxError](err); ok {
		return v, fmt.Errorf("is not valid JSON: %s", bad.Reason)
	}
	if v.Kind() != jsonvalue.KindObject {
		return v, errors.New("is no object")
	}
	return v, err
}

func unbase64(part string) ([]byte, error) {
	text, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil {
		return nil, errors.New("is not valid base64url")
	}
	return text, nil
}
