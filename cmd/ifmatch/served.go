package main

import (
	"github.com/ifmatch/ifmatch/internal/httpapi"
	"github.com/ifmatch/ifmatch/policy"
)

// served is what a policy has a server serve. It opens nothing: what serves it is
// added by the caller.
func served(p *policy.Policy) (httpapi.Config, error) {
	config := httpapi.Config{
		MaxPage:     p.Limits.Page,
		MaxBatch:    p.Limits.BatchOps,
		MaxURL:      int(p.Limits.URL),
		Origins:     p.CORS.Origins,
		APIVersions: p.APIVersions,
	}
	for i := range p.Collections {
		named := &p.Collections[i]
		r, a, err := governed(named)
		if err != nil {
			return config, err
		}
		config.Collections = append(config.Collections, httpapi.Collection{
			Name: named.Name, Path: named.Path, Singleton: named.Singleton, Param: named.ID.Param, Rules: r, Dialect: named.Contract.Dialect,
			Authority: a, Links: links(named), Schema: named.Schema.Value(),
		})
	}
	var err error
	if d := p.Default; d != nil {
		if config.Default, config.DefaultAuthority, err = governed(d); err != nil {
			return config, err
		}
		config.DefaultDialect, config.DefaultLinks, config.DefaultParam, config.DefaultSchema = d.Contract.Dialect, links(d), d.ID.Param, d.Schema.Value()
	}
	config.Auth, err = authentication(p.Auth)
	return config, err
}
