package main

import (
	"fmt"
	"strings"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
	"github.com/ifmatch/ifmatch/policy"
)

// mergeRules are what files are merged by.
type mergeRules struct {
	limits jsonvalue.Limits
	merge  *merge.Policy
	schema engine.Rules // what holds of any document
}

// rules reads them from the policy file, where there is one.
func (c *mergeCmd) rules() (*mergeRules, error) {
	p := policy.Default()
	if c.Policy != "" {
		var err error
		if p, err = policy.Load(c.Policy); err != nil {
			return nil, err
		}
	}
	collection, err := c.collection(p)
	if err != nil {
		return nil, err
	}
	r := &mergeRules{limits: jsonvalue.Limits{Depth: p.Limits.Depth}, schema: engine.Rules{Validate: validator(collection.Schema)}}
	r.merge, err = merge.Compile(collection.Merge)
	return r, err
}

// collection finds the one that is meant, as a server would: what is not named
// has the rules of the default block.
func (c *mergeCmd) collection(p *policy.Policy) (*policy.Collection, error) {
	var names []string
	for i := range p.Collections {
		if p.Collections[i].Name == c.Collection {
			return &p.Collections[i], nil
		}
		names = append(names, p.Collections[i].Name)
	}
	switch {
	case p.Default != nil && (c.Collection != "" || len(names) == 0):
		return p.Default, nil
	case c.Collection == "" && len(names) == 1 && p.Default == nil:
		return &p.Collections[0], nil
	case c.Collection == "" && p.Default != nil:
		return nil, usageError(fmt.Sprintf("%s has rules for %s and a default block; choose with --collection", c.Policy, strings.Join(names, ", ")))
	case c.Collection == "":
		return nil, usageError(fmt.Sprintf("%s has several collections; choose one with --collection: %s", c.Policy, strings.Join(names, ", ")))
	}
	return nil, usageError(fmt.Sprintf("%s has no collection %q, and no default block; valid are %s", c.Policy, c.Collection, strings.Join(names, ", ")))
}

// merged is what came of a merge.
type merged struct {
	merge.Result
	// Faults say what the merge would break, each of them disputed at its place.
	Faults []engine.Fault
}

// ruleImmutable is the rule of a dispute about a field that does not change once
// it is there.
const ruleImmutable merge.Rule = "immutable"

// three merges. What the merge would break is disputed: fields that do not
// change, and the schema where both sides keep to it.
func (r *mergeRules) three(base, theirs, mine jsonvalue.Value, who merge.Writers) (*merged, error) {
	m := &merged{Result: merge.Three(base, theirs, mine, r.merge, who)}
	if !m.Clean() {
		return m, nil
	}
	dispute := func(rule merge.Rule, faults []engine.Fault) error {
		m.Faults = append(m.Faults, faults...)
		for _, f := range faults {
			at, err := jsonvalue.ParsePointer(f.Pointer)
			if err != nil {
				return err
			}
			m.Disputes = append(m.Disputes, merge.Dispute{
				Path: at, Base: base.At(at), Theirs: theirs.At(at), Mine: mine.At(at), Rule: rule, Reason: merge.ReasonChanged, Field: -1,
			})
		}
		return nil
	}
	fixed := engine.Rules{Merge: r.merge}
	if err := dispute(ruleImmutable, fixed.Faults(base, m.Value)); err != nil {
		return nil, err
	}
	if len(r.schema.Faults(base, theirs))+len(r.schema.Faults(base, mine)) > 0 {
		return m, nil
	}
	return m, dispute(engine.RuleSchema, r.schema.Faults(base, m.Value))
}
