package policy

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// template is a collection's path, taken apart.
type template struct {
	*Collection
	at       *value // what decides the path
	segments []string
	params   bool // one of the segments is a parameter
}

func templates(values []*value, collections []Collection) []template {
	var all []template
	names := make(map[string]bool, len(collections))
	for i := range collections {
		c := &collections[i]
		if c.Path == "" || checkPath(c.Path) != "" || names[c.Name] { // reported by itself
			continue
		}
		names[c.Name] = c.Name != ""
		all = append(all, template{
			Collection: c, at: pathOf(values[i]),
			segments: strings.Split(c.Path[1:], "/"), params: strings.Contains(c.Path, "{"),
		})
	}
	return all
}

// meet returns a path that both templates have, "" where there is none.
func meet(a, b []string) string {
	if len(a) != len(b) {
		return ""
	}
	var path strings.Builder
	for i, segment := range a {
		_, aParam := parameter(segment)
		_, bParam := parameter(b[i])
		switch {
		case aParam:
			segment = b[i]
		case !bParam && segment != b[i]:
			return ""
		}
		path.WriteString("/" + segment)
	}
	return path.String()
}

// shape is a path without the names of its parameters.
func (t *template) shape(segments int) string {
	var b strings.Builder
	for _, segment := range t.segments[:segments] {
		if _, ok := parameter(segment); ok {
			segment = "{}"
		}
		b.WriteString("/" + segment)
	}
	return b.String()
}

// paths reports paths that two collections would have. Nothing goes before
// anything else, so a path that could be both is refused here.
func (d *decoder) paths(all []template) {
	byShape := make(map[string]*template, len(all))
	for i := range all {
		t := &all[i]
		shape := t.shape(len(t.segments))
		if first := byShape[shape]; first != nil {
			d.fail(t.at.at, t.at.path, fault(t.Path+" is taken by the collection on line "+strconv.Itoa(first.at.at.line)))
			continue
		}
		byShape[shape] = t
	}
	for i := range all {
		t := &all[i]
		if above := byShape[t.shape(len(t.segments)-1)]; above != nil && !above.Singleton {
			d.fail(t.at.at, t.at.path, fault(t.Path+" is the path of a document in the collection on line "+
				strconv.Itoa(above.at.at.line)+"; choose another one"))
		}
		d.sameParams(t, byShape)
		if t.params {
			d.apartFromTemplate(i, all)
		}
	}
}

// sameParams wants one name for one thing: what a collection calls its id is
// what the paths below its documents call it.
func (d *decoder) sameParams(t *template, byShape map[string]*template) {
	for n, segment := range t.segments {
		name, ok := parameter(segment)
		if !ok {
			continue
		}
		above := byShape[t.shape(n)]
		if above != nil && !above.Singleton && above.ID.Param != defaultParam && above.ID.Param != name {
			d.fail(t.at.at, t.at.path, fault("{"+name+"} is called {"+above.ID.Param+"} by the collection on line "+
				strconv.Itoa(above.at.at.line)+"; give it one name"))
		}
	}
}

// apartFromTemplate reports the collections whose paths differ from those of the
// i-th in shape and yet fit some of the same requests.
func (d *decoder) apartFromTemplate(i int, all []template) {
	t := &all[i]
	for j := range all {
		other := &all[j]
		if j == i || j < i && other.params { // two templates meet once
			continue
		}
		path := t.shared(other)
		if path == "" || t.sameShape(other) {
			continue
		}
		earlier, later := t, other
		if j < i {
			earlier, later = other, t
		}
		d.fail(later.at.at, later.at.path, fault(later.Path+" collides with "+earlier.Path+" on line "+
			strconv.Itoa(earlier.at.at.line)+": "+path+" would belong to both; choose another one"))
	}
}

// shared returns a path that both collections would have, for their lists or
// for their documents, "" where there is none.
func (t *template) shared(other *template) string {
	return cmp.Or(meet(t.segments, other.segments), meet(t.documents(), other.segments), meet(t.segments, other.documents()))
}

// sameShape tells whether two collections have one path, or one lies at the
// documents of the other, but for the names of parameters. That is found, and
// reported, without comparing each to each.
func (t *template) sameShape(other *template) bool {
	n, m := len(t.segments), len(other.segments)
	return n == m && t.shape(n) == other.shape(n) ||
		n == m+1 && t.shape(m) == other.shape(m) ||
		m == n+1 && other.shape(n) == t.shape(n)
}

// documents is the template of a collection's documents, nil where there are
// none.
func (t *template) documents() []string {
	if t.Singleton {
		return nil
	}
	return append(slices.Clone(t.segments), "{"+t.ID.Param+"}")
}

// apart reports paths that are those of documents, or of the lists, that the
// default serves.
func (d *decoder) apart(all []template) {
	for i := range all {
		t := &all[i]
		_, param := parameter(t.segments[0])
		overlaps := false
		switch len(t.segments) {
		case 1:
			overlaps = t.segments[0] == "v1" && !t.Singleton
		case 2:
			overlaps = param
		case 3:
			overlaps = param || t.segments[0] == "v1"
		}
		if overlaps {
			d.fail(t.at.at, t.at.path, fault(t.Path+" overlaps what default serves, /v1/{collection}/{id}; choose another one"))
		}
	}
}
