package bearer

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/ifmatch/ifmatch/internal/access"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// claims shows a token's claims to the library's validator.
type claims struct{ jsonvalue.Value }

var _ jwt.Claims = claims{}

// GetExpirationTime implements jwt.Claims.
func (c claims) GetExpirationTime() (*jwt.NumericDate, error) { return c.date("exp") }

// GetIssuedAt implements jwt.Claims.
func (c claims) GetIssuedAt() (*jwt.NumericDate, error) { return c.date("iat") }

// GetNotBefore implements jwt.Claims.
func (c claims) GetNotBefore() (*jwt.NumericDate, error) { return c.date("nbf") }

// GetIssuer implements jwt.Claims.
func (c claims) GetIssuer() (string, error) { return c.text("iss") }

// GetSubject implements jwt.Claims.
func (c claims) GetSubject() (string, error) { return c.text("sub") }

// GetAudience implements jwt.Claims.
func (c claims) GetAudience() (jwt.ClaimStrings, error) {
	all, err := texts(c.Lookup("aud"))
	if err != nil {
		return nil, fmt.Errorf("aud %w", err)
	}
	return all, nil
}

// maxDate bounds dates, in seconds since 1970: far beyond what a calendar needs, and
// far below where numbers lose their seconds.
const maxDate = 1 << 42

// date returns a NumericDate (RFC 7519 §2), nil where there is none.
func (c claims) date(name string) (*jwt.NumericDate, error) {
	v := c.Lookup(name)
	if v.IsAbsent() {
		return nil, nil
	}
	seconds, err := strconv.ParseFloat(v.Text(), 64)
	if v.Kind() != jsonvalue.KindNumber || err != nil || seconds < 0 || seconds > maxDate {
		return nil, errors.New(name + " is no date, in seconds since 1970")
	}
	whole, fraction := math.Modf(seconds)
	return &jwt.NumericDate{Time: time.Unix(int64(whole), int64(fraction*1e9))}, nil
}

func (c claims) text(name string) (string, error) {
	v := c.Lookup(name)
	if v.IsAbsent() {
		return "", nil
	}
	if v.Kind() != jsonvalue.KindString {
		return "", errors.New(name + " is no text")
	}
	return v.Text(), nil
}

// texts reads a text, or a list of texts.
func texts(v jsonvalue.Value) ([]string, error) {
	switch v.Kind() {
	case jsonvalue.KindAbsent:
		return nil, nil
	case jsonvalue.KindString:
		return []string{v.Text()}, nil
	case jsonvalue.KindArray:
		all := make([]string, v.Len())
		for i, e := range v.Elems() {
			if e.Kind() != jsonvalue.KindString {
				return nil, errors.New("holds what is no text")
			}
			all[i] = e.Text()
		}
		return all, nil
	}
	return nil, errors.New("is neither a text nor a list of texts")
}

// maxRoles bounds the roles of one principal.
const maxRoles = 100

// principal makes a principal of the claims of a token that is valid.
func (r *Rules) principal(c claims) (*access.Principal, error) {
	name := c.At(r.Name)
	if name.Kind() != jsonvalue.KindString || name.Text() == "" || !access.ValidName(r.Prefix+name.Text()) {
		return nil, fmt.Errorf("%s names nobody: it must be printable text, with %q before it up to 256 bytes", r.Name, r.Prefix)
	}
	p := &access.Principal{Name: r.Prefix + name.Text(), Claims: make(map[string]any, c.Len())}
	for _, m := range c.Members() {
		p.Claims[m.Name] = m.Value
	}
	if len(r.Roles) == 0 {
		return p, nil
	}
	var err error
	if p.Roles, err = rolesOf(c.At(r.Roles)); err != nil {
		return nil, fmt.Errorf("%s %w", r.Roles, err)
	}
	return p, nil
}

// rolesOf reads roles: a list of texts, or one text with spaces between them, as
// scope has it (RFC 8693 §4.2).
func rolesOf(v jsonvalue.Value) ([]string, error) {
	roles, err := texts(v)
	if v.Kind() == jsonvalue.KindString {
		roles = strings.Fields(v.Text())
	}
	if err != nil {
		return nil, err
	}
	if len(roles) > maxRoles {
		return nil, fmt.Errorf("holds more than %d roles", maxRoles)
	}
	for _, role := range roles {
		if !access.ValidName(role) {
			return nil, errors.New("holds a role that is no printable text of 1 to 256 bytes")
		}
	}
	return roles, nil
}
