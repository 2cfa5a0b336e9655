package main

import (
	"github.com/ifmatch/ifmatch/internal/contribution"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/policy"
)

// validator says what is wrong with a document by a schema, nil for none.
func validator(s *policy.Schema) func(jsonvalue.Value) []engine.Fault {
	if s == nil {
		return nil
	}
	return func(document jsonvalue.Value) []engine.Fault {
		var faults []engine.Fault
		for _, f := range s.Validate(document) {
			faults = append(faults, engine.Fault{Pointer: f.Pointer, Detail: f.Detail})
		}
		return faults
	}
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
