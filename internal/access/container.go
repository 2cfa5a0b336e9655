package access

import (
	"errors"
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// array shows a JSON array as a list.
type array struct{ elems jsonvalue.Value }

// object shows a JSON object as a map.
type object struct{ members jsonvalue.Value }

var (
	_ traits.Lister = array{}
	_ traits.Adder  = array{}
	_ traits.Mapper = object{}
)

// errNative answers who wants a value as one of Go: no expression does.
var errNative = errors.New("a part of a document has no other form")

func (a array) ConvertToNative(reflect.Type) (any, error)  { return nil, errNative }
func (o object) ConvertToNative(reflect.Type) (any, error) { return nil, errNative }

func (a array) ConvertToType(t ref.Type) ref.Val  { return convert(a, types.ListType, t) }
func (o object) ConvertToType(t ref.Type) ref.Val { return convert(o, types.MapType, t) }

func convert(v ref.Val, is *types.Type, to ref.Type) ref.Val {
	switch to {
	case is:
		return v
	case types.TypeType:
		return is
	}
	return types.NewErr("a %s cannot be made a %s", is.TypeName(), to.TypeName())
}

// Equal compares two arrays of documents by the digits of their numbers.
func (a array) Equal(other ref.Val) ref.Val {
	switch b := other.(type) {
	case array:
		return types.Bool(jsonvalue.Equal(a.elems, b.elems))
	case traits.Lister:
		return b.Equal(a)
	}
	return types.False
}

// Equal compares two objects of documents by the digits of their numbers.
func (o object) Equal(other ref.Val) ref.Val {
	switch b := other.(type) {
	case object:
		return types.Bool(jsonvalue.Equal(o.members, b.members))
	case traits.Mapper:
		return b.Equal(o)
	}
	return types.False
}

func (a array) Type() ref.Type  { return types.ListType }
func (o object) Type() ref.Type { return types.MapType }

func (a array) Value() any  { return a.elems }
func (o object) Value() any { return o.members }

func (a array) Size() ref.Val  { return types.Int(a.elems.Len()) }
func (o object) Size() ref.Val { return types.Int(o.members.Len()) }

// Add joins two lists.
func (a array) Add(other ref.Val) ref.Val {
	b, ok := other.(traits.Lister)
	if !ok {
		return types.MaybeNoSuchOverloadErr(other)
	}
	joined := make([]ref.Val, 0, a.elems.Len())
	for it := a.Iterator(); it.HasNext() == types.True; {
		joined = append(joined, it.Next())
	}
	for it := b.Iterator(); it.HasNext() == types.True; {
		joined = append(joined, it.Next())
	}
	return types.NewRefValList(types.DefaultTypeAdapter, joined)
}

// Contains tells whether an element equals v. A number that cannot be held
// exactly equals none that can.
func (a array) Contains(v ref.Val) ref.Val {
	if types.IsUnknownOrError(v) {
		return v
	}
	for _, e := range a.elems.Elems() {
		if types.Equal(v, valueOf(e)) == types.True {
			return types.True
		}
	}
	return types.False
}

// Contains tells whether there is a member of that name.
func (o object) Contains(name ref.Val) ref.Val {
	if types.IsUnknownOrError(name) {
		return name
	}
	s, ok := name.(types.String)
	return types.Bool(ok && !o.members.Lookup(string(s)).IsAbsent())
}

// Get returns an element by its index.
func (a array) Get(index ref.Val) ref.Val {
	i, err := types.GetOrError(index)
	if err != nil {
		return types.ValOrErr(index, "%v", err)
	}
	e := a.elems.Elem(i)
	if e.IsAbsent() {
		return types.NewErr("the list has no element %d", i)
	}
	return valueOf(e)
}

// Get returns a member by its name.
func (o object) Get(name ref.Val) ref.Val {
	if v, ok := o.Find(name); ok || v != nil {
		return v
	}
	return types.ValOrErr(name, "no such key: %v", name)
}

// Find returns a member by its name.
func (o object) Find(name ref.Val) (ref.Val, bool) {
	if types.IsUnknownOrError(name) {
		return name, false
	}
	s, ok := name.(types.String)
	if !ok {
		return nil, false
	}
	member := o.members.Lookup(string(s))
	if member.IsAbsent() {
		return nil, false
	}
	return valueOf(member), true
}

// Iterator goes through the elements.
func (a array) Iterator() traits.Iterator {
	elems := a.elems.Elems()
	return &iterator{len: len(elems), at: func(i int) ref.Val { return valueOf(elems[i]) }}
}

// Iterator goes through the names of the members.
func (o object) Iterator() traits.Iterator {
	members := o.members.Members()
	return &iterator{len: len(members), at: func(i int) ref.Val { return types.String(members[i].Name) }}
}

type iterator struct {
	ref.Val // which nobody asks an iterator for
	i, len  int
	at      func(int) ref.Val
}

func (it *iterator) HasNext() ref.Val { return types.Bool(it.i < it.len) }

func (it *iterator) Next() ref.Val {
	it.i++
	return it.at(it.i - 1)
}
