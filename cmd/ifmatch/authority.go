package main

import (
	"github.com/ifmatch/ifmatch/internal/access"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
	"github.com/ifmatch/ifmatch/internal/view"
	"github.com/ifmatch/ifmatch/merge"
	"github.com/ifmatch/ifmatch/policy"
)

// governed returns the rules of a collection, and who may do what they reserve.
func governed(c *policy.Collection) (*engine.Rules, *httpapi.Authority, error) {
	r, err := rules(c)
	if err != nil {
		return nil, nil, err
	}
	a, err := authority(c)
	if err != nil {
		return nil, nil, err
	}
	r.Reserved = a.Reserved()
	r.Readers, err = readers(c)
	return r, a, err
}

// readers are the places that a policy keeps from some, nil for none.
func readers(c *policy.Collection) (*view.Fields, error) {
	var paths []string
	var lists []view.List
	for i, f := range c.Merge.Fields {
		if len(c.Read) > 0 && c.Read[i] != "" {
			paths = append(paths, f.Path)
		}
		if f.Type == merge.List {
			lists = append(lists, view.List{Path: f.Path, Key: f.Key})
		}
	}
	if paths == nil {
		return nil, nil
	}
	return view.Compile(paths, lists)
}

// authority is what a policy says about who may overwrite and resolve, and who sees
// what, nil where that is everybody.
func authority(c *policy.Collection) (*httpapi.Authority, error) {
	var err error
	compile := func(text string) *access.Rule {
		if text == "" || err != nil {
			return nil
		}
		var rule *access.Rule
		rule, err = access.CompileRule(text, c.Parameters()...)
		return rule
	}
	a := &httpapi.Authority{Access: accessOf(&c.Access, compile), Overwrite: compile(c.OnStale.Overwrite)}
	for _, text := range c.MayResolve {
		a.Resolve = append(a.Resolve, compile(text))
	}
	for _, text := range c.Read {
		if text != "" {
			a.Read = append(a.Read, compile(text))
		}
	}
	if err == nil && a.Access == nil && a.Overwrite == nil && a.Resolve == nil && a.Read == nil {
		return nil, nil
	}
	return a, err
}

// accessOf returns who may do what to documents, nil where everybody may do everything.
func accessOf(a *policy.Access, compile func(string) *access.Rule) *httpapi.Access {
	rules := &httpapi.Access{
		engine.ActRead: compile(a.Read), engine.ActCreate: compile(a.Create), engine.ActWrite: compile(a.Write),
		engine.ActDelete: compile(a.Delete), engine.ActHistory: compile(a.History), engine.ActResolve: compile(a.Resolve), engine.ActAudit: compile(a.Audit),
	}
	for _, rule := range rules {
		if rule != nil && !rule.Always() {
			return rules
		}
	}
	return nil
}
