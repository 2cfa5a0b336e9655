package policy

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ifmatch/ifmatch/merge"
)

// The bounds on groups, each field of which is compared with all others.
const (
	maxGroups  = 64
	maxGrouped = 32
)

var groupKeys = append([]*key{
	{name: "fields", kind: kindTexts, required: true, check: checkGrouped, doc: "JSON Pointers to the fields, 2 to " + strconv.Itoa(maxGrouped) + ", without wildcards. None lies in another, and none in two groups."},
}, settleKeys(string(merge.RuleReject), "", "What settles a conflict over the group.")...)

func checkGrouped(s string) fault {
	if bad := checkPointer(s); bad != "" {
		return bad
	}
	if segments := strings.Split(s, "/"); slices.Contains(segments, "*") || slices.Contains(segments, "**") {
		return fault(s + " cannot stand in a group; name each field by its full path, without wildcards")
	}
	return ""
}

// groups returns a collection's groups, and reports fields that lie in each
// other.
func (d *decoder) groups(v *value) []merge.Group {
	if len(v.list) > maxGroups {
		d.fail(v.at, v.path, fault("must not have more than "+strconv.Itoa(maxGroups)+" groups; each costs every merge"))
		return nil
	}
	var groups []merge.Group
	var before []*value
	for _, g := range v.list {
		fields := g.get("fields")
		group := merge.Group{OnConflict: d.onConflict(g)}
		for _, field := range fields.list {
			group.Paths = append(group.Paths, field.text)
		}
		groups = append(groups, group)
		if len(fields.list) > maxGrouped {
			d.fail(fields.at, fields.path, fault("must not have more than "+strconv.Itoa(maxGrouped)+" fields; each is compared with all others"))
			continue
		}
		for _, field := range fields.list {
			if checkGrouped(field.text) == "" {
				d.apartFrom(field, before)
				before = append(before, field)
			}
		}
	}
	return groups
}

// apartFrom reports a field of a group that is, lies in or lies around one that
// stands in a group before it.
func (d *decoder) apartFrom(field *value, before []*value) {
	i := slices.IndexFunc(before, func(other *value) bool { return within(field.text, other.text) })
	if i < 0 {
		return
	}
	line := " on line " + strconv.Itoa(before[i].at.line)
	if field.text == before[i].text {
		d.fail(field.at, field.path, fault(field.text+" stands twice, first"+line+"; a field belongs to one group, once"))
		return
	}
	d.fail(field.at, field.path, fault(field.text+" and "+before[i].text+line+" lie one in the other; name each field once"))
}
