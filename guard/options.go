package guard

import (
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/view"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// checkContract panics where a handler cannot keep a contract.
func checkContract(c *ifmatch.Contract) {
	switch {
	case c.Token == ifmatch.TokenSigned && c.Signer == nil:
		panic("guard: Options.Contract has signed tags; give it the Signer that makes them")
	case c.Precondition.Observes():
		panic("guard: Options.Contract.Precondition observes, which takes the server: it remembers what each caller has read. Use PreconditionOptional")
	}
}

func (o *Options) actor(r *http.Request) store.Actor {
	var a store.Actor
	if o.Actor != nil {
		a.Name = o.Actor(r)
	}
	if o.Roles != nil {
		a.Roles = o.Roles(r)
	}
	return a
}

// rules are what the engine obeys.
func (o *Options) rules() *engine.Rules {
	members, err := engine.NewMembers(o.Dialect, engine.Added{})
	if err != nil {
		panic(fmt.Sprintf("guard: Options.Dialect: %v", err))
	}
	r := &engine.Rules{
		Contract: o.Contract, Members: members,
		OnStale: strategy(o.OnStale.Default), Merge: o.Merge,
	}
	if r.Reserved.Overwriting = o.MayOverwrite != nil; !r.Reserved.Overwriting && o.OnStale.Overwrite != "" {
		panic("guard: Options.OnStale.Overwrite says who may overwrite; set Options.MayOverwrite, which is asked instead")
	}
	r.Readers = o.readers()
	for _, s := range o.OnStale.Allow {
		r.Allow = append(r.Allow, strategy(s))
	}
	if o.Validate != nil {
		r.Validate = func(v jsonvalue.Value) []engine.Fault {
			var faults []engine.Fault
			said := o.Validate(v.Append(nil))
			for _, pointer := range slices.Sorted(maps.Keys(said)) {
				faults = append(faults, engine.Fault{Pointer: pointer, Detail: said[pointer]})
			}
			return faults
		}
	}
	return r
}

// readers are the fields that not everybody sees, nil for none.
func (o *Options) readers() *view.Fields {
	switch {
	case (len(o.Hide) > 0) != (o.MayRead != nil):
		panic("guard: Options.Hide says what not everybody sees, and Options.MayRead who does; set both or none")
	case len(o.Hide) == 0:
		return nil
	case o.Contract.Token == ifmatch.TokenHash:
		panic("guard: Options.Hide does not go with tokens that are hashes: these tell whether a value that somebody guesses is there")
	}
	f, err := view.Compile(o.Hide, nil)
	if err != nil {
		panic(fmt.Sprintf("guard: Options.Hide: %v", err))
	}
	return f
}

func strategy(s ifmatch.Strategy) engine.Strategy {
	switch s {
	case "", ifmatch.StrategyReject, ifmatch.StrategyMerge, ifmatch.StrategyOverwrite:
		return engine.Strategy(s)
	}
	panic(fmt.Sprintf("guard: Options.OnStale: %q is none of reject, merge and overwrite", string(s)))
}
