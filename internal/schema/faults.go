package schema

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// faultsOf makes of the library's tree of errors about v a list: what is wrong at
// the leaves, each thing once, ordered by pointer since objects are walked in no
// order.
func faultsOf(v jsonvalue.Value, bad *jsonschema.ValidationError) []Fault {
	var faults []Fault
	collect(v, bad, &faults)
	slices.SortFunc(faults, func(a, b Fault) int {
		return cmp.Or(slices.Compare(a.Pointer, b.Pointer), strings.Compare(a.Detail, b.Detail))
	})
	faults = slices.CompactFunc(faults, func(a, b Fault) bool {
		return a.Detail == b.Detail && slices.Equal(a.Pointer, b.Pointer)
	})
	return slices.Clip(faults[:min(len(faults), MaxFaults)])
}

func collect(v jsonvalue.Value, bad *jsonschema.ValidationError, into *[]Fault) {
	switch k := bad.ErrorKind.(type) {
	case *kind.AnyOf:
		*into = append(*into, alternatives(v, bad))
	case *kind.OneOf:
		if k.Subschemas == nil {
			*into = append(*into, alternatives(v, bad))
		} else {
			*into = append(*into, Fault{bad.InstanceLocation, "Fits more than one of the alternatives, and must fit exactly one."})
		}
	case *kind.PropertyNames:
		*into = append(*into, Fault{holder(v, bad.InstanceLocation, k.Property), "The name " + quoted(k.Property) + " is not allowed here" + because(v, bad)})
	default:
		for _, cause := range bad.Causes {
			collect(v, cause, into)
		}
		if len(bad.Causes) == 0 {
			*into = append(*into, Fault{bad.InstanceLocation, describe(bad.ErrorKind)})
		}
	}
}

// maxAlternatives bounds how many alternatives are told why they do not fit.
const maxAlternatives = 4

// alternatives tells why none of several schemas fits.
func alternatives(v jsonvalue.Value, bad *jsonschema.ValidationError) Fault {
	var why []string
	for _, branch := range bad.Causes[:min(len(bad.Causes), maxAlternatives)] {
		first := faultsOf(v, branch)[0]
		detail := strings.TrimSuffix(first.Detail, ".")
		if len(first.Pointer) > len(bad.InstanceLocation) {
			detail = first.Pointer.String() + ": " + detail
		}
		why = append(why, detail)
	}
	return Fault{bad.InstanceLocation, sentence("Fits none of the " + strconv.Itoa(len(bad.Causes)) + " alternatives: " + strings.Join(why, "; "))}
}

// holder returns where in v the object is that has a member of that name. The
// library gives the location of a name in memory that it uses again, so that only
// its length can be relied on.
func holder(v jsonvalue.Value, at jsonvalue.Pointer, name string) jsonvalue.Pointer {
	if !v.At(at).Lookup(name).IsAbsent() {
		return at
	}
	found, ok := search(v, len(at), name)
	if !ok {
		return nil
	}
	slices.Reverse(found)
	return found
}

// search finds the first object at a depth that has a member of that name. The
// way to it is given from its end.
func search(v jsonvalue.Value, depth int, name string) (jsonvalue.Pointer, bool) {
	if depth == 0 {
		return nil, !v.Lookup(name).IsAbsent()
	}
	for _, m := range v.Members() {
		if at, ok := search(m.Value, depth-1, name); ok {
			return append(at, m.Name), true
		}
	}
	for i, e := range v.Elems() {
		if at, ok := search(e, depth-1, name); ok {
			return append(at, strconv.Itoa(i)), true
		}
	}
	return nil, false
}

// because repeats the first cause of an error, after a colon.
func because(v jsonvalue.Value, bad *jsonschema.ValidationError) string {
	if len(bad.Causes) == 0 {
		return "."
	}
	return ": " + faultsOf(v, bad.Causes[0])[0].Detail
}

// anyCause tells whether an error or one of its causes is of a kind.
func anyCause(bad *jsonschema.ValidationError, is func(jsonschema.ErrorKind) bool) bool {
	return is(bad.ErrorKind) || slices.ContainsFunc(bad.Causes, func(c *jsonschema.ValidationError) bool { return anyCause(c, is) })
}
