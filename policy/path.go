package policy

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ifmatch/ifmatch"
)

// ID says how the documents of a collection come by their ids.
type ID struct {
	// Param names the id in paths, as in /v1/orgs/{orgId}; "id" by default.
	Param string
	// Generate is how a POST makes an id that no natural key gives.
	Generate Generator
	// NaturalKey holds the JSON Pointers (RFC 6901) of the members that are unique
	// within a part and that a POST makes the id of; nil for none.
	NaturalKey []string
}

// Generator names a way to make ids.
type Generator string

// UUIDv7 makes ids of RFC 9562 §5.7, which order by the time they were made.
const UUIDv7 Generator = "uuidv7"

// defaultParam is what an id is called where the file does not say.
const defaultParam = "id"

const paramForm = "[A-Za-z][A-Za-z0-9_]{0,63}"

var validParam = regexp.MustCompile("^" + paramForm + "$")

func checkParam(s string) fault {
	if !validParam.MatchString(s) {
		return fault(strconv.Quote(s) + " is not the name of a parameter; it matches " + paramForm)
	}
	return ""
}

// parameter returns the name in a segment such as {orgId}.
func parameter(segment string) (name string, ok bool) {
	name, ok = strings.CutPrefix(segment, "{")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(name, "}")
}

// reservedPaths are served beside the API.
var reservedPaths = []string{"/healthz", "/readyz", "/metrics", "/openapi.json"}

func checkPath(s string) fault {
	segments, ok := strings.CutPrefix(s, "/")
	if !ok || segments == "" {
		return fault(strconv.Quote(s) + " is not a path of a collection; it begins with / and has at least one segment, as in /v1/notes")
	}
	if slices.Contains(reservedPaths, s) {
		return fault(s + " is reserved; choose another path")
	}
	var params []string
	last := ""
	for last = range strings.SplitSeq(segments, "/") {
		name, isParam := parameter(last)
		switch {
		case isParam && !validParam.MatchString(name):
			return fault("segment " + strconv.Quote(last) + " is not valid; the name of a parameter matches " + paramForm)
		case isParam && slices.Contains(params, name):
			return fault("{" + name + "} stands twice; give each parameter a name of its own")
		case isParam:
			params = append(params, name)
		case strings.HasPrefix(last, "_"):
			return fault("segments that begin with _ are reserved, as " + last + " is; choose another one")
		case !validName.MatchString(last):
			return fault("segment " + strconv.Quote(last) + " is not valid; each segment matches " + nameForm + ", or is a {parameter}")
		}
	}
	if _, isParam := parameter(last); isParam {
		return fault("ends with the parameter " + last + "; a path ends with a word, and id: {param: …} names what follows it")
	}
	return ""
}

// checkPointer wants a JSON Pointer (RFC 6901 §3) to a member.
func checkPointer(s string) fault {
	const form = "is not a JSON Pointer to a member; it begins with /, as in /email, and holds ~ as ~0 and / as ~1"
	if !strings.HasPrefix(s, "/") {
		return fault(strconv.Quote(s) + " " + form)
	}
	for i := range len(s) {
		if s[i] == '~' && (i+1 == len(s) || s[i+1] != '0' && s[i+1] != '1') {
			return fault(strconv.Quote(s) + " " + form)
		}
	}
	return ""
}

// id returns what a collection says about ids.
func (d *decoder) id(v *value, singleton bool, path string) ID {
	if singleton {
		if v.set {
			d.fail(v.at, v.path, "a singleton has no id; remove id or singleton")
		}
		return ID{}
	}
	param := v.get("param")
	id := ID{Param: param.text, Generate: Generator(v.get("generate").text)}
	for segment := range strings.SplitSeq(path, "/") {
		if name, ok := parameter(segment); ok && name == id.Param {
			d.fail(param.at, param.path, fault("{"+name+"} stands in the path already; give the id another name"))
		}
	}
	for _, pointer := range v.get("natural_key").list {
		if slices.Contains(id.NaturalKey, pointer.text) {
			d.fail(pointer.at, pointer.path, fault(pointer.text+" stands twice"))
			continue
		}
		id.NaturalKey = append(id.NaturalKey, pointer.text)
	}
	return id
}

// keyOfTheWriter refuses a natural key of what the contract adds to bodies: that
// is never stored, so that every document would lack it.
func (d *decoder) keyOfTheWriter(key *value, dialect *ifmatch.Dialect) {
	var added []string
	if dialect.BodyVersion != ifmatch.BodyVersionNone {
		added = append(added, dialect.VersionField)
	}
	if dialect.DigestField != "" {
		added = append(added, dialect.DigestField)
	}
	for _, pointer := range key.list {
		for _, field := range added {
			if within(pointer.text, field) {
				d.fail(pointer.at, pointer.path, fault(pointer.text+" is a member that the contract adds, or lies around it; choose one that writers send"))
			}
		}
	}
}

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

// Example returns the path of a document of the collection: each parameter and
// the id are 1.
func (c *Collection) Example() string {
	segments := strings.Split(c.Path, "/")
	for i, segment := range segments {
		if _, ok := parameter(segment); ok {
			segments[i] = "1"
		}
	}
	if !c.Singleton {
		segments = append(segments, "1")
	}
	return strings.Join(segments, "/")
}
