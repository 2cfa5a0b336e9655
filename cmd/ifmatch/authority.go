package main

import (
	"github.com/ifmatch/ifmatch/internal/access"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
	"github.com/ifmatch/ifmatch/policy"
)

// governed returns the rules of a collection, and who may do what they reserve.
func governed(c *policy.Collection) (*engine.Rules, *httpapi.Authority, error) {
	r, err := rules(c)
	if err != nil {
		return nil, nil, err
	}
	a, err := authority(c)
	r.Reserved = a.Reserved()
	return r, a, err
}

// authority is what a policy says about who may overwrite and resolve, nil where
// that is whoever may write.
func authority(c *policy.Collection) (*httpapi.Authority, error) {
	if c.OnStale.Overwrite == "" && c.MayResolve == nil {
		return nil, nil
	}
	var err error
	compile := func(text string) *access.Rule {
		if text == "" || err != nil {
			return nil
		}
		var rule *access.Rule
		rule, err = access.CompileRule(text, c.Parameters()...)
		return rule
	}
	a := &httpapi.Authority{Overwrite: compile(c.OnStale.Overwrite)}
	for _, text := range c.MayResolve {
		a.Resolve = append(a.Resolve, compile(text))
	}
	return a, err
}
