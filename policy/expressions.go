package policy

import (
	"errors"
	"slices"
	"strconv"

	"github.com/goccy/go-yaml"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/access"
)

// aboutRules is what the reference says of every expression.
const aboutRules = " An expression in [CEL](https://cel.dev) that is true or false, about `principal` (`name`, `roles`, and claims by their names or under `claims`), `params` (the parameters of the path and the id), `resource` (the document as it is stored) and `request` (`method` and `path`). Numbers are exact: what no 64-bit integer and no double holds is an error where it is looked at. What cannot be answered, as for a member that is not there, is no."

var overwriteKey = &key{name: "overwrite", kind: kindText, optional: true, defDoc: "whoever `default` and `allow` let", doc: "Who may overwrite, as in `'\"admin\" in principal.roles'`. These may ask for it, though `allow` may not name it; for all others it is as if the policy did not have it, as `default` too." + aboutRules}

var mayResolveKey = &key{name: "may_resolve", kind: kindText, optional: true, defDoc: "that of the field around it, else whoever may write", doc: "Who may settle a conflict over the field, and over all below it that has no `may_resolve` of its own. Nobody else settles it, nor overwrites a change of it that they have not read. A write that is based on the current version settles nothing. An expression like `on_stale.overwrite`."}

// rule returns an expression, and reports one that cannot be a rule.
func (d *decoder) rule(v *value, c *Collection) string {
	if v.text == "" { // also where it was reported
		return ""
	}
	_, err := access.CompileRule(v.text, c.Parameters()...)
	if bad, ok := errors.AsType[*access.RuleError](err); ok {
		d.fail(v.at, v.path, fault("line "+strconv.Itoa(bad.Line)+", column "+strconv.Itoa(bad.Column)+" of the expression: "+bad.Message()))
	} else if err != nil {
		d.fail(v.at, v.path, fault(err.Error()))
	}
	return v.text
}

// mayOverwrite adds to what happens to stale writes who may overwrite.
func (d *decoder) mayOverwrite(v *value, c *Collection) {
	s := &c.OnStale
	if s.Overwrite = d.rule(v.get("overwrite"), c); s.Overwrite != "" && !slices.Contains(s.Allow, ifmatch.StrategyOverwrite) {
		s.Allow = append(s.Allow, ifmatch.StrategyOverwrite)
	}
}

// mayResolve returns the rule of each field, nil where none has one.
func (d *decoder) mayResolve(fields *value, c *Collection) []string {
	rules, some := make([]string, len(fields.list)), false
	for i, f := range fields.list {
		rules[i] = d.rule(f.get(mayResolveKey.name), c)
		some = some || rules[i] != ""
	}
	if !some {
		return nil
	}
	return rules
}

// staleMembers returns what happens to stale writes as it stands in a policy file.
func staleMembers(s *ifmatch.OnStale) yaml.MapSlice {
	members := yaml.MapSlice{{Key: "default", Value: string(s.Default)}, {Key: "allow", Value: s.Allow}}
	if s.Overwrite != "" {
		members = append(members, yaml.MapItem{Key: "overwrite", Value: s.Overwrite})
	}
	return members
}

// mayResolve returns the expression of a field, "" for none.
func (c *Collection) mayResolve(field int) string {
	if c.MayResolve == nil {
		return ""
	}
	return c.MayResolve[field]
}
