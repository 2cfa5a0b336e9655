// Package view says what of a document a caller sees, where the policy keeps fields
// from some: it takes what is hidden out of a value, and puts it back into what the
// caller makes of the rest.
//
// The package is pure. What it tells of a document depends on what is seen of it
// alone, so that nobody learns a hidden value by trying.
package view

import (
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// Fields are the places of documents that not every caller sees. It is immutable
// and safe for concurrent use.
type Fields struct {
	paths []string
	rules *merge.Policy // a field for each path
	lists *merge.Policy // a field for each list
	keys  []jsonvalue.Pointer
}

// List is an array of objects that a member tells apart.
type List struct {
	Path string // as of a merge.Field
	Key  string // a JSON Pointer within an element
}

// Compile makes Fields of paths, JSON Pointers with the wildcards of merge.Field: the
// most exact that matches a place holds for it, and for all below that none of the
// others matches. Lists are arrays whose elements are known by their keys when they
// come back. It fails where a path or a key is none, or two paths are equal.
func Compile(paths []string, lists []List) (*Fields, error) {
	f := &Fields{paths: paths}
	rules, arrays := merge.Rules{}, merge.Rules{}
	for _, p := range paths {
		rules.Fields = append(rules.Fields, merge.Field{Path: p})
	}
	for _, l := range lists {
		arrays.Fields = append(arrays.Fields, merge.Field{Path: l.Path})
		key, err := jsonvalue.ParsePointer(l.Key)
		if err != nil {
			return nil, err
		}
		f.keys = append(f.keys, key)
	}
	var err error
	if f.rules, err = merge.Compile(rules); err != nil {
		return nil, err
	}
	f.lists, err = merge.Compile(arrays)
	return f, err
}

// Paths returns the paths, as they were given. They must not be written to.
func (f *Fields) Paths() []string { return f.paths }

// Len is how many paths there are.
func (f *Fields) Len() int { return len(f.paths) }

// View returns what somebody sees for whom sees tells it of each path, by its index:
// nil for everything.
func (f *Fields) View(sees func(path int) bool) *View {
	var v *View
	for i := range f.paths {
		if sees(i) {
			continue
		}
		if v == nil {
			v = &View{fields: f, hidden: make([]bool, len(f.paths)), rules: f.rules.Places(), lists: f.lists.Places()}
		}
		v.hidden[i] = true
	}
	return v
}

// View is what one caller sees. Nil is everything. It is not safe for concurrent use.
type View struct {
	fields       *Fields
	hidden       []bool // by path
	rules, lists *merge.Places
}

// Paths returns the paths that are hidden, as they were compiled, none for everything.
func (v *View) Paths() []string {
	if v == nil {
		return nil
	}
	var paths []string
	for i, path := range v.fields.paths {
		if v.hidden[i] {
			paths = append(paths, path)
		}
	}
	return paths
}

// Tag tells views of one kind of document from each other. It is nil for everything.
func (v *View) Tag() []byte {
	if v == nil {
		return nil
	}
	tag := []byte("_hidden")
	for _, path := range v.Paths() {
		tag = append(append(tag, 0), path...)
	}
	return tag
}

// spot is where a walk down a document has come to.
type spot struct {
	at, list merge.Place
	hidden   bool
	// sealed tells that nothing below is seen, whatever other paths say: an element of
	// an array has no name, and could not be shown without those around it.
	sealed bool
}

func (v *View) top() spot {
	s := spot{at: v.rules.Top(), list: v.lists.Top()}
	if f := s.at.Field(); f >= 0 {
		s.hidden = v.hidden[f]
	}
	return s
}

func (v *View) below(above spot, token string, element bool) spot {
	s := spot{at: v.rules.Below(above.at, token, element), list: v.lists.Below(above.list, token, element), hidden: above.hidden}
	s.sealed = above.sealed || element && above.hidden
	if f := s.at.Field(); f >= 0 && !s.sealed {
		s.hidden = v.hidden[f]
		s.sealed = element && s.hidden
	}
	return s
}

// ends tells that what holds for a spot holds for all below it.
func (s *spot) ends() bool { return s.sealed || s.at.Ends() }

// Value returns what is seen of a document, or of a part of one that begins at its
// top. An object of which nothing is seen stays as an empty one there.
func (v *View) Value(document jsonvalue.Value) jsonvalue.Value {
	if v == nil {
		return document
	}
	shown := v.seen(v.top(), document)
	if shown.IsAbsent() && document.Kind() == jsonvalue.KindObject {
		shown, _ = jsonvalue.Object()
	}
	return shown
}

// seen returns what is seen of a value, absent for nothing. An object that is hidden
// is seen as far as something in it is, an array is not.
func (v *View) seen(s spot, value jsonvalue.Value) jsonvalue.Value {
	kind := value.Kind()
	switch {
	case !s.hidden && (s.ends() || value.Len() == 0):
		return value
	case kind == jsonvalue.KindObject && !s.ends():
		return v.seenObject(s, value)
	case s.hidden:
		return jsonvalue.Value{}
	}
	element := v.below(s, "", true)
	if element.hidden {
		return jsonvalue.Array()
	}
	elems := make([]jsonvalue.Value, value.Len())
	for i, e := range value.Elems() {
		elems[i] = v.seen(element, e)
	}
	return jsonvalue.Array(elems...)
}

func (v *View) seenObject(s spot, value jsonvalue.Value) jsonvalue.Value {
	members := make([]jsonvalue.Member, 0, value.Len())
	for _, m := range value.Members() {
		if m.Value = v.seen(v.below(s, m.Name, false), m.Value); !m.Value.IsAbsent() {
			members = append(members, m)
		}
	}
	if s.hidden && len(members) == 0 {
		return jsonvalue.Value{}
	}
	return object(members)
}

// object makes an object of members of others, whose names are valid and differ.
func object(members []jsonvalue.Member) jsonvalue.Value {
	o, err := jsonvalue.Object(members...)
	if err != nil {
		panic("view: " + err.Error())
	}
	return o
}

// Hides reports whether the value at a path is hidden, or what stands around it. A
// token that could be an index or a name counts as both.
func (v *View) Hides(path jsonvalue.Pointer) bool {
	for _, s := range v.spots(path) {
		if s.hidden {
			return true
		}
	}
	return false
}

// MayHide reports whether the value at a path is hidden, or something in it could be.
func (v *View) MayHide(path jsonvalue.Pointer) bool {
	for _, s := range v.spots(path) {
		if s.hidden || !s.ends() {
			return true
		}
	}
	return false
}

// At returns what is seen of a value that stands, stood or would stand at a path of a
// document.
func (v *View) At(path jsonvalue.Pointer, value jsonvalue.Value) jsonvalue.Value {
	for _, s := range v.spots(path) {
		value = v.seen(s, value)
	}
	return value
}

// spots are what a path may lead to: which of its tokens are indexes depends on a
// document that is not at hand.
func (v *View) spots(path jsonvalue.Pointer) []spot {
	if v == nil {
		return nil
	}
	spots := []spot{v.top()}
	for _, token := range path {
		var next []spot
		seen := make(map[spot]bool)
		for _, s := range spots {
			for _, element := range []bool{false, true} {
				to := v.below(s, token, element)
				if (!element || isIndex(token)) && !seen[to] {
					seen[to] = true
					next = append(next, to)
				}
			}
		}
		spots = next
	}
	return spots
}

func isIndex(token string) bool {
	if token == "-" { // behind the last one
		return true
	}
	for _, c := range []byte(token) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return token != ""
}

// Key reports whether the key of the innermost list element around a path is seen.
func (v *View) Key(path jsonvalue.Pointer) bool {
	if v == nil {
		return true
	}
	for n := range path {
		for _, s := range v.spots(path[:n]) {
			if f := s.list.Field(); f >= 0 && v.Hides(append(path[:n+1:n+1], v.fields.keys[f]...)) {
				return false
			}
		}
	}
	return true
}
