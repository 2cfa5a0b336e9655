package main

import (
	"github.com/ifmatch/ifmatch/internal/contribution"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
	"github.com/ifmatch/ifmatch/policy"
)

// contentRules adds to rules what a collection's policy says about the content of
// documents.
func contentRules(c *policy.Collection, r *engine.Rules) error {
	if c.Schema != nil {
		r.Validate = func(document jsonvalue.Value) []engine.Fault {
			var faults []engine.Fault
			for _, f := range c.Schema.Validate(document) {
				faults = append(faults, engine.Fault{Pointer: f.Pointer, Detail: f.Detail})
			}
			return faults
		}
	}
	for i := range c.Merge.Fields {
		f := &c.Merge.Fields[i]
		path, err := jsonvalue.ParsePointer(f.Path)
		if err != nil {
			return err
		}
		if f.Type == merge.Immutable {
			r.Immutable = append(r.Immutable, path)
		}
	}
	return nil
}

// contributions are how a collection's documents are materialised, nil where they
// are not.
func contributions(c *policy.Contributions) (*engine.Contributions, error) {
	if c == nil {
		return nil, nil
	}
	compiled, err := contribution.Compile(c.Rules)
	if err != nil {
		return nil, err
	}
	confidence, err := jsonvalue.Number(c.DirectConfidence)
	return &engine.Contributions{Rules: compiled, Confidence: confidence}, err
}

// links are what a collection's documents are related to.
func links(c *policy.Collection) []httpapi.Link {
	all := make([]httpapi.Link, len(c.Links))
	for i, l := range c.Links {
		all[i] = httpapi.Link{Rel: l.Rel, Path: l.Path}
	}
	return all
}
