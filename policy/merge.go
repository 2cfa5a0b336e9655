package policy

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/ifmatch/ifmatch/internal/contribution"
	"github.com/ifmatch/ifmatch/merge"
)

// The classes of differences that detect names.
const (
	detectValue     = "value"
	detectStructure = "structure"
)

var mergeKeys = []*key{
	{name: "fields", kind: kindBlocks, keys: fieldKeys, optional: true, defDoc: "none", doc: "What holds for single members: how two changes of one are merged, and what does not change at all. At most " + strconv.Itoa(maxFields) + "."},
	{name: "together", kind: kindBlocks, short: "fields", example: "[[/startsAt, /endsAt]]", keys: groupKeys, optional: true, defDoc: "none", doc: "Fields that mean something only jointly. Where a merge would make of a group what neither of the two writers wrote as a whole, that is a conflict over all of it. A list stands for the `fields` alone. At most " + strconv.Itoa(maxGroups) + " groups."},
	{name: "detect", kind: kindWords, none: true, defDoc: "`value` and `structure`", words: []word{
		{name: detectValue, doc: "two different values at one place; where it is left out, the incoming one wins"},
		{name: detectStructure, doc: "removed by one and changed by the other, or made a value of another kind; where it is left out, the side that kept the data wins"},
	}, doc: "Which differences that do not combine are conflicts. The list may be empty."},
}

// settleKeys are the keys of a field, and of a group, that say what settles a
// dispute.
func settleKeys(def, defDoc, doc string) []*key {
	return []*key{
		{name: "on_conflict", kind: kindChoice, def: def, defDoc: defDoc, optional: def == "", keys: authorityKeys, words: []word{
			{name: string(merge.RuleReject), doc: "nothing does, and a person decides"},
			{name: string(merge.RuleTheirs), doc: "the stored value stays"},
			{name: string(merge.RuleMine), doc: "the incoming value wins"},
			{name: string(merge.RuleNewest), doc: "the side whose time at `by` is later"},
			{name: string(merge.RuleHighest), doc: "the side whose number is greater"},
			{name: string(merge.RuleLowest), doc: "the side whose number is smaller"},
		}, doc: doc + " What is equal, missing or of another kind is left to a person."},
		{name: "by", kind: kindText, optional: true, defDoc: "the values themselves; `newest` needs it", check: checkCompared, doc: "JSON Pointer to what `newest`, `highest` and `lowest` compare, as in `/updatedAt`: within the element of a `list`, if it is there, else in the document. `newest` takes a text with a date-time of RFC 3339. In a conflict, the value there goes with the side that wins. Where `contributions` are on, `highest` may go by `confidence`, and `newest` goes by `observedAt`."},
	}
}

var authorityKeys = []*key{
	{name: "authority", kind: kindTexts, required: true, check: checkPrincipal, doc: "Roles, the one with the most authority first, as in `[admin, editor]`. The side wins whose writer has the role that stands earlier. Where `contributions` are on they are sources."},
}

// mergeRules returns what a collection's file says about merging, and reports
// what can mean nothing.
func (d *decoder) mergeRules(v *value, c *Collection) merge.Rules {
	fields, together, detect := v.get("fields"), v.get("together"), v.get("detect")
	rules := merge.Rules{Fields: d.fields(fields, c), Together: d.groups(together)}
	if detect.set {
		rules.IgnoreValues, rules.IgnoreStructure = !detect.holds(detectValue), !detect.holds(detectStructure)
	}
	d.storedOnly(fields.list, together.list, c.added())
	whole := len(rules.Fields) == len(fields.list) && len(rules.Together) == len(together.list)
	if c.Contributions != nil {
		if c.Contributions.Rules = rules; whole {
			d.compileRules(compileContributions, rules, fields.list, together.list)
		}
		rules = contribution.ForMerges(rules)
	}
	if whole {
		d.compileRules(compileMerge, rules, fields.list, together.list)
	}
	return rules
}

func compileMerge(r merge.Rules) error {
	_, err := merge.Compile(r)
	return err
}

// holds tells whether a word stands in a list of words.
func (v *value) holds(word string) bool {
	return slices.ContainsFunc(v.list, func(w *value) bool { return w.text == word })
}

// onConflict returns what a field or a group says about disputes.
func (d *decoder) onConflict(v *value) merge.OnConflict {
	on := v.get("on_conflict")
	settle := merge.OnConflict{Rule: merge.Rule(on.text), By: v.get("by").text}
	if on.members == nil {
		return settle
	}
	settle.Rule = merge.RuleAuthority
	authority := on.get("authority")
	if authority.set && len(authority.list) == 0 {
		d.fail(authority.at, authority.path, "must name at least one role, as in [admin, editor]")
	}
	for _, role := range authority.list {
		if role.text != "" && slices.Contains(settle.Authority, role.text) {
			d.fail(role.at, role.path, fault(role.text+" stands twice"))
		}
		settle.Authority = append(settle.Authority, role.text)
	}
	return settle
}

// compileRules reports the rules that cannot be compiled, each at the value that
// is to blame. Those of which something was said before are left out, since what
// could be said of them may only follow from it.
func (d *decoder) compileRules(compile func(merge.Rules) error, rules merge.Rules, fields, groups []*value) {
	rules.Fields, fields = unreported(d, rules.Fields, fields)
	rules.Together, groups = unreported(d, rules.Together, groups)
	for {
		bad, refused := refusedRule(compile(rules))
		if !refused { // there are no other errors
			return
		}
		var of *value
		if i := bad.index; bad.group {
			of = groups[i]
			rules.Together, groups = slices.Delete(rules.Together, i, i+1), slices.Delete(groups, i, i+1)
		} else {
			of = fields[i]
			rules.Fields, fields = slices.Delete(rules.Fields, i, i+1), slices.Delete(fields, i, i+1)
		}
		name := bad.key
		if name == "together" { // which means the fields of the group
			name = "fields"
		}
		at := of.get(name)
		d.fail(at.at, at.path, bad.message)
	}
}

// ruleFault is what is wrong with a rule, whichever compiler says so.
type ruleFault struct {
	group   bool // index counts groups, else fields
	index   int
	key     string
	message fault
}

func refusedRule(err error) (ruleFault, bool) {
	if bad, ok := errors.AsType[*merge.RuleError](err); ok {
		return ruleFault{bad.Group, bad.Index, bad.Key, fault(bad.Message())}, true
	}
	bad, ok := errors.AsType[*contribution.RuleError](err)
	if !ok {
		return ruleFault{}, false
	}
	return ruleFault{bad.Group, bad.Index, bad.Key, fault(bad.Message())}, true
}

// unreported returns copies of both lists, without the rules whose value, or
// something in it, was reported.
func unreported[T any](d *decoder, rules []T, values []*value) (left []T, of []*value) {
	for i, v := range values {
		if !d.reported(v) {
			left, of = append(left, rules[i]), append(of, v)
		}
	}
	return left, of
}

func (d *decoder) reported(v *value) bool {
	return slices.ContainsFunc(d.errs, func(e *Error) bool {
		below, in := strings.CutPrefix(e.Key, v.path)
		return in && (below == "" || below[0] == '.' || below[0] == '[')
	})
}

// storedOnly refuses fields that are, or lie in, what the contract adds to
// bodies, and comparisons by these: they are never stored, so that no merge meets
// them.
func (d *decoder) storedOnly(fields, groups []*value, added []string) {
	var named, compared []*value
	elements := false
	for _, f := range fields {
		named, compared = append(named, f.get("path")), append(compared, f.get("by"))
		elements = elements || f.get("type").text == string(merge.List)
	}
	for _, g := range groups {
		named, compared = append(named, g.get("fields").list...), append(compared, g.get("by"))
	}
	if !elements { // else the element of a list may have such a member
		named = append(named, compared...)
	}
	for _, pointer := range named {
		for _, field := range added {
			if strings.HasPrefix(pointer.text+"/", asPointer(field)+"/") {
				d.fail(pointer.at, pointer.path, fault(pointer.text+" is a member that the contract adds, or lies in it, and is never stored; choose one that writers send"))
			}
		}
	}
}

// settleMembers returns what settles disputes as it stands in a policy file.
func settleMembers(o *merge.OnConflict) yaml.MapSlice {
	var members yaml.MapSlice
	switch {
	case o.Rule == merge.RuleAuthority:
		members = yaml.MapSlice{{Key: "on_conflict", Value: yaml.MapSlice{{Key: "authority", Value: o.Authority}}}}
	case o.Rule != "":
		members = yaml.MapSlice{{Key: "on_conflict", Value: string(o.Rule)}}
	}
	if o.By != "" {
		members = append(members, yaml.MapItem{Key: "by", Value: o.By})
	}
	return members
}

// mergeMembers returns the rules for merging as they stand in a policy file.
func (c *Collection) mergeMembers() yaml.MapSlice {
	var members yaml.MapSlice
	fields := c.Merge.Fields
	if c.Contributions != nil {
		fields = c.Contributions.Rules.Fields
	}
	if len(fields) > 0 {
		list := make([]yaml.MapSlice, len(fields))
		for i := range fields {
			list[i] = fieldMembers(&fields[i], ruleAt(c.MayResolve, i), ruleAt(c.Read, i))
		}
		members = append(members, yaml.MapItem{Key: "fields", Value: list})
	}
	if len(c.Merge.Together) > 0 {
		list := make([]yaml.MapSlice, len(c.Merge.Together))
		for i := range c.Merge.Together {
			g := &c.Merge.Together[i]
			list[i] = append(yaml.MapSlice{{Key: "fields", Value: g.Paths}}, settleMembers(&g.OnConflict)...)
		}
		members = append(members, yaml.MapItem{Key: "together", Value: list})
	}
	detect := []string{}
	if !c.Merge.IgnoreValues {
		detect = append(detect, detectValue)
	}
	if !c.Merge.IgnoreStructure {
		detect = append(detect, detectStructure)
	}
	return append(members, yaml.MapItem{Key: "detect", Value: detect})
}
