package schema

import "github.com/ifmatch/ifmatch/jsonvalue"

// TypesAt returns which types the value of a member may have, as a schema says in
// plain words: by "type", where "properties" leads to the member. It is nil where
// the schema does not say it there. References and alternatives are not followed;
// what they say comes on top, and cannot allow what "type" does not.
func TypesAt(schema jsonvalue.Value, member jsonvalue.Pointer) []string {
	for _, name := range member {
		schema = schema.Lookup("properties").Lookup(name)
	}
	switch types := schema.Lookup("type"); types.Kind() {
	case jsonvalue.KindString:
		return []string{types.Text()}
	case jsonvalue.KindArray:
		names := make([]string, types.Len())
		for i, t := range types.Elems() {
			names[i] = t.Text()
		}
		return names
	}
	return nil
}
