package bearer

import (
	"context"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/ifmatch/ifmatch/internal/access"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Leeway is how much the clocks of an issuer and of this machine may differ where
// nbf and iat are judged. There is none for exp: a token ends when it says.
const Leeway = 30 * time.Second

// Rules say which tokens of one issuer are accepted, and whom they name.
type Rules struct {
	Keys Keys
	// Audience must be one of the token's aud.
	Audience string
	// Issuer must be the token's iss; "" accepts any, and none.
	Issuer string
	// Prefix stands before every name, so that no token names the holder of a key, nor
	// somebody of another issuer.
	Prefix string
	// Name points to the claim that names the principal.
	Name jsonvalue.Pointer
	// Roles points to the claim with its roles; empty gives none.
	Roles jsonvalue.Pointer
}

// Identity is who a token is of, and until when.
type Identity struct {
	*access.Principal
	Expires time.Time
}

// Verifier verifies tokens. It is safe for concurrent use.
type Verifier struct {
	issuers  []Rules
	now      func() time.Time
	verified verified
}

// NewVerifier returns a verifier of tokens. A token is judged by the first rules
// that are for its iss, and by no others.
func NewVerifier(issuers ...Rules) *Verifier {
	return &Verifier{issuers: issuers, now: time.Now, verified: newVerified()}
}

// Verify returns whose token this is. It fails with [ErrUnavailable] where that
// cannot be told now, and else where the token is not valid. The error is for the
// log: callers are told nothing of what is wrong with a token.
func (v *Verifier) Verify(ctx context.Context, raw string) (*Identity, error) {
	t, err := decode(raw)
	if err != nil {
		return nil, err
	}
	rules, err := v.rules(t)
	if err != nil {
		return nil, err
	}
	keys, err := rules.Keys.Find(ctx, t.id, t.algorithm)
	if err != nil {
		return nil, err
	}
	if err := v.signature(t, keys); err != nil {
		return nil, err
	}
	return rules.judge(claims{t.claims}, v.now())
}

// rules returns those for the token's issuer. What it says of it is not verified
// yet: it decides only whose keys are asked.
func (v *Verifier) rules(t *token) (*Rules, error) {
	issuer, err := claims{t.claims}.text("iss")
	if err != nil {
		return nil, err
	}
	for i := range v.issuers {
		if r := &v.issuers[i]; r.Issuer == "" || r.Issuer == issuer {
			return r, nil
		}
	}
	return nil, fmt.Errorf("the token's issuer %s is none that is accepted", quoted(issuer))
}

// signature verifies a token's signature with the first key that it is of. The method
// is the key's own, never the token's.
func (v *Verifier) signature(t *token, keys []Key) error {
	var err error
	for i := range keys {
		k := &keys[i]
		fact, lasting := t.fact(k)
		if lasting && v.verified.has(fact) {
			return nil
		}
		if err = k.method.Verify(t.signed, t.signature, k.material); err == nil {
			if lasting {
				v.verified.add(fact)
			}
			return nil
		}
	}
	return fmt.Errorf("the signature does not verify: %w", err)
}

// judge decides about the claims of a token whose signature is good.
func (r *Rules) judge(c claims, now time.Time) (*Identity, error) {
	options := []jwt.ParserOption{
		jwt.WithTimeFunc(func() time.Time { return now }), jwt.WithLeeway(Leeway),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithAudience(r.Audience),
	}
	if r.Issuer != "" {
		options = append(options, jwt.WithIssuer(r.Issuer))
	}
	if err := jwt.NewValidator(options...).Validate(c); err != nil {
		return nil, err
	}
	expires, err := c.GetExpirationTime()
	if err != nil {
		return nil, err
	}
	if !now.Before(expires.Time) { // which the validator's leeway has let pass
		return nil, jwt.ErrTokenExpired
	}
	p, err := r.principal(c)
	if err != nil {
		return nil, err
	}
	return &Identity{Principal: p, Expires: expires.Time}, nil
}
