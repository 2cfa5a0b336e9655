package main

import (
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/jsonvalue"
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
	for _, f := range c.Fields {
		path, err := jsonvalue.ParsePointer(f.Path)
		if err != nil {
			return err
		}
		if f.Type == policy.Immutable {
			r.Immutable = append(r.Immutable, path)
		}
	}
	return nil
}
