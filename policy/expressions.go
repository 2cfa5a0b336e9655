package policy

import (
	"errors"
	"slices"
	"strconv"

	"github.com/goccy/go-yaml"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/access"
	"github.com/ifmatch/ifmatch/internal/view"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// aboutRules is what the reference says of every expression.
const aboutRules = " An expression in [CEL](https://cel.dev) that is true or false, about `principal` (`name`, `roles`, and claims by their names or under `claims`), `params` (the parameters of the path and the id), `resource` (the document as it is stored) and `request` (`method` and `path`). Numbers are exact: what no 64-bit integer and no double holds is an error where it is looked at. What cannot be answered, as for a member that is not there, is no."

var overwriteKey = &key{name: "overwrite", kind: kindText, optional: true, defDoc: "whoever `default` and `allow` let", doc: "Who may overwrite, as in `'\"admin\" in principal.roles'`. These may ask for it, though `allow` may not name it; for all others it is as if the policy did not have it, as `default` too." + aboutRules}

var mayResolveKey = &key{name: "may_resolve", kind: kindText, optional: true, defDoc: "that of the field around it, else whoever may write", doc: "Who may settle a conflict over the field, and over all below it that has no `may_resolve` of its own. Nobody else settles it, nor overwrites a change of it that they have not read. A write that is based on the current version settles nothing. An expression like `on_stale.overwrite`."}

var readKey = &key{name: "read", kind: kindText, optional: true, defDoc: "that of the field around it, else whoever may read the document", doc: "Who sees the value of the field, and of all below it that has no `read` of its own: no answer shows it to anybody else, nor whether it is what they guess. They can set it, on the current version, and cannot take it away: where they write the document without it, it stays as it is. Not for members of `natural_key`, nor where `token` is `hash`. Of fields without `read` none counts: where several paths match, the most exact of those that have it holds. An expression like `on_stale.overwrite`, about the document as it is stored now."}

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

// rulesOf returns the rule that each field has under a key, nil where none has one.
func (d *decoder) rulesOf(fields *value, k *key, c *Collection) []string {
	rules, some := make([]string, len(fields.list)), false
	for i, f := range fields.list {
		rules[i] = d.rule(f.get(k.name), c)
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

// ruleAt returns the expression of a field, "" for none.
func ruleAt(rules []string, field int) string {
	if rules == nil {
		return ""
	}
	return rules[field]
}

// readers reports fields that are kept from some and told to all by something else.
func (d *decoder) readers(fields, token *value, naturalKey []*value) {
	for _, f := range fields.list {
		read, path := f.get(readKey.name), f.get("path").text
		if read.text == "" || checkPointer(path) != "" {
			continue
		}
		if token.text == ifmatch.TokenHash.String() {
			d.fail(read.at, read.path, "cannot stand where token is hash: entity tags would be made of the hidden value too, and tell whoever guesses it; use token: version, or signed")
			continue
		}
		hiding, err := view.Compile([]string{path}, nil)
		if err != nil {
			continue // reported by itself
		}
		for _, k := range naturalKey {
			member, err := jsonvalue.ParsePointer(k.text)
			if err == nil && hiding.View(func(int) bool { return false }).Hides(member) {
				d.fail(read.at, read.path, fault("cannot hide "+k.text+", which is part of natural_key on line "+strconv.Itoa(k.at.line)+": ids are made of it, and everybody sees these"))
			}
		}
	}
}
