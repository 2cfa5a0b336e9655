package main

import (
	"log/slog"
	"slices"

	"github.com/ifmatch/ifmatch/internal/bearer"
	"github.com/ifmatch/ifmatch/internal/oidc"
	"github.com/ifmatch/ifmatch/policy"
)

// verifier returns what judges tokens, nil where none are taken. The provider comes
// first: what says that it is of its issuer is verified with its keys alone.
func verifier(a *policy.Auth, log *slog.Logger) (*bearer.Verifier, error) {
	if a == nil {
		return nil, nil
	}
	var issuers []bearer.Rules
	if a.OIDC != nil {
		provider := oidc.NewProvider(a.OIDC.Issuer, oidc.Options{Log: log})
		provider.Start()
		rules, err := tokenRules(a.OIDC, provider)
		if err != nil {
			return nil, err
		}
		issuers = append(issuers, rules)
	}
	if a.JWT != nil {
		var keys bearer.Set
		for i := range a.JWT.Keys {
			k := &a.JWT.Keys[i]
			parsed, err := bearer.ParseKeys(k.Content(), k.ID, k.Algorithm)
			if err != nil {
				return nil, err
			}
			if k.Path() != "" && slices.ContainsFunc(parsed, func(one bearer.Key) bool { return bearer.IsSecret(one.Algorithm) }) {
				warnExposed(log, k.Path(), "a secret with which tokens can be made")
			}
			keys = append(keys, parsed...)
		}
		rules, err := tokenRules(&a.JWT.TokenRules, keys)
		if err != nil {
			return nil, err
		}
		issuers = append(issuers, rules)
	}
	if issuers == nil {
		return nil, nil
	}
	return bearer.NewVerifier(issuers...), nil
}

func tokenRules(r *policy.TokenRules, keys bearer.Keys) (bearer.Rules, error) {
	rules := bearer.Rules{Keys: keys, Audience: r.Audience, Issuer: r.Issuer, Prefix: r.Prefix}
	var err error
	if rules.Name, err = bearer.ParsePath(r.NameClaim); err != nil {
		return rules, err
	}
	if r.RolesClaim != "" {
		rules.Roles, err = bearer.ParsePath(r.RolesClaim)
	}
	return rules, err
}
