package patch

import (
	"unicode/utf8"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// node is a place in the document under edit: an untouched value, or an object
// or array of which something changed. It is immutable but for the value that
// freeze remembers, so a copy operation shares it.
type node struct {
	value  jsonvalue.Value
	object *object
	array  *array
}

// plain wraps a value; nil stands for absent.
func plain(v jsonvalue.Value) *node {
	if v.IsAbsent() {
		return nil
	}
	return &node{value: v}
}

// freeze returns the value of n. It is remembered, so that a subtree in many
// places is built once.
func (n *node) freeze() jsonvalue.Value {
	if n == nil {
		return jsonvalue.Value{}
	}
	if n.value.IsAbsent() {
		if n.object != nil {
			n.value = n.object.freeze()
		} else {
			n.value = n.array.freeze()
		}
	}
	return n.value
}

// open returns n as an object or array to edit; both are nil for a scalar.
func (n *node) open() (*object, *array) {
	if n.object == nil && n.array == nil {
		switch n.value.Kind() {
		case jsonvalue.KindObject:
			return &object{base: n.value}, nil
		case jsonvalue.KindArray:
			return nil, newArray(n.value.Elems())
		}
	}
	return n.object, n.array
}

// child returns what stands under a reference token, or nil.
func (n *node) child(token string) *node {
	switch {
	case n.object != nil:
		return n.object.get(token)
	case n.array != nil:
		if i, ok := jsonvalue.ArrayIndex(token, n.array.len()); ok {
			return n.array.get(i)
		}
		return nil
	}
	return plain(n.value.At(jsonvalue.Pointer{token}))
}

// at returns what is at path, or nil.
func (n *node) at(path jsonvalue.Pointer) *node {
	for _, token := range path {
		if n == nil {
			return nil
		}
		n = n.child(token)
	}
	return n
}

// edit is what happens at the last token of a path.
type edit uint8

const (
	insert edit = iota
	replace
	remove
)

// apply returns the document with an edit done at path, or the reason why it
// cannot be. The root is not its business: path is not empty. next is nil for
// remove.
func (n *node) apply(what edit, path jsonvalue.Pointer, next *node) (*node, string) {
	if n == nil {
		return nil, ReasonMissingParent
	}
	token := path[0]
	obj, arr := n.open()
	if obj == nil && arr == nil {
		return nil, ReasonScalarParent
	}
	if len(path) > 1 {
		below, reason := n.child(token).apply(what, path[1:], next)
		if reason != "" {
			return nil, reason
		}
		what, next = replace, below
	}
	if obj != nil {
		return applyToObject(obj, what, token, next)
	}
	return applyToArray(arr, what, token, next)
}

func applyToObject(o *object, what edit, name string, next *node) (*node, string) {
	if what != insert && o.get(name) == nil {
		return nil, ReasonMissing
	}
	if what == remove {
		return &node{object: o.remove(name)}, ""
	}
	if !utf8.ValidString(name) {
		return nil, ReasonUnusable
	}
	return &node{object: o.set(name, next)}, ""
}

func applyToArray(a *array, what edit, token string, next *node) (*node, string) {
	length := a.len()
	if what == insert {
		if token == "-" {
			return &node{array: a.splice(length, length, next)}, ""
		}
		i, ok := jsonvalue.ArrayIndex(token, length+1)
		if !ok {
			return nil, ReasonBadIndex
		}
		return &node{array: a.splice(i, i, next)}, ""
	}
	i, ok := jsonvalue.ArrayIndex(token, length)
	if !ok {
		return nil, ReasonMissing
	}
	return &node{array: a.splice(i, i+1, next)}, ""
}
