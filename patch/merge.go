package patch

import "github.com/ifmatch/ifmatch/jsonvalue"

// MergePatch returns target with a JSON Merge Patch applied (RFC 7396 §2):
// members of patch replace those of target, null removes, objects are merged
// member by member, and a patch that is not an object is the result. Either may
// be of any kind; an absent target is an empty one, an absent patch changes
// nothing.
//
// Members of target keep their order, new ones stand at the end in the order of
// patch. The result nests no deeper than the deeper argument and is no longer
// than both together. Cost is linear in patch and in the width of the objects
// that it names.
func MergePatch(target, patch jsonvalue.Value) jsonvalue.Value {
	if patch.IsAbsent() {
		return target
	}
	if patch.Kind() != jsonvalue.KindObject {
		return patch
	}
	members := make([]jsonvalue.Member, 0, target.Len()+patch.Len())
	for _, m := range target.Members() {
		change := patch.Lookup(m.Name)
		if change.Kind() == jsonvalue.KindNull {
			continue
		}
		members = append(members, jsonvalue.Member{Name: m.Name, Value: MergePatch(m.Value, change)})
	}
	for _, m := range patch.Members() {
		if m.Value.Kind() != jsonvalue.KindNull && target.Lookup(m.Name).IsAbsent() {
			members = append(members, jsonvalue.Member{Name: m.Name, Value: MergePatch(jsonvalue.Value{}, m.Value)})
		}
	}
	return mustObject(members)
}

// MergeDiff returns the JSON Merge Patch (RFC 7396) of what differs between from
// and to: MergePatch(from, patch) is identical to it, number spellings included.
// An object without members is the patch of two identical objects.
//
// It reports false when there is none, because a merge patch cannot set a member
// to null: if to holds a null that from does not hold at the same place, inside
// objects only, since arrays are replaced whole; or if to is absent. Cost is
// linear in the sizes of both.
func MergeDiff(from, to jsonvalue.Value) (jsonvalue.Value, bool) {
	if to.IsAbsent() {
		return jsonvalue.Value{}, false
	}
	if to.Kind() != jsonvalue.KindObject {
		return to, true
	}
	var members []jsonvalue.Member
	for _, m := range from.Members() {
		if to.Lookup(m.Name).IsAbsent() {
			members = append(members, jsonvalue.Member{Name: m.Name, Value: jsonvalue.Null()})
		}
	}
	for _, m := range to.Members() {
		old := from.Lookup(m.Name)
		if unchanged(old, m.Value) {
			continue
		}
		if m.Value.Kind() == jsonvalue.KindNull {
			return jsonvalue.Value{}, false
		}
		change, ok := MergeDiff(old, m.Value)
		if !ok {
			return jsonvalue.Value{}, false
		}
		if bothObjects(old, m.Value) && change.Len() == 0 {
			continue
		}
		members = append(members, jsonvalue.Member{Name: m.Name, Value: change})
	}
	return mustObject(members), true
}

// unchanged leaves two objects to the walk that follows anyway, so that no
// subtree is compared once per level above it.
func unchanged(a, b jsonvalue.Value) bool {
	return !bothObjects(a, b) && jsonvalue.Identical(a, b)
}

func bothObjects(a, b jsonvalue.Value) bool {
	return a.Kind() == jsonvalue.KindObject && b.Kind() == jsonvalue.KindObject
}

// mustObject returns an object of members that are all valid by construction:
// unique names in UTF-8, no value absent.
func mustObject(members []jsonvalue.Member) jsonvalue.Value {
	v, err := jsonvalue.Object(members...)
	if err != nil {
		panic(err)
	}
	return v
}
