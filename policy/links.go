package policy

import (
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/ifmatch/ifmatch"
)

// Link is something that a collection's documents are related to.
type Link struct {
	// Rel names the relation. It is the name of a member under _links.
	Rel string
	// Path leads to a document or a list that is served. Its parameters are those
	// of the collection's own path and its id.
	Path string
}

// Members that bodies may show beside those of a dialect.
const (
	linksMember = "_links"
	metaMember  = "_meta"
)

// maxLinks bounds the links of a collection: each of them costs a read.
const maxLinks = 16

var linkKeys = []*key{
	{name: "rel", kind: kindText, required: true, check: checkName, doc: "Names the relation, and the link under `_links`. Has the form of a collection's name."},
	{name: "path", kind: kindText, required: true, check: checkLink, doc: "Path of a document or a list that this file serves. `{parameters}` are those of the collection's own path, and its id."},
}

// checkLink wants the path of a document or a list, with parameters in it.
func checkLink(s string) fault {
	segments, ok := strings.CutPrefix(s, "/")
	if !ok || segments == "" {
		return fault(strconv.Quote(s) + " is not a path; it begins with /, as in /v1/orgs/{orgId}/brand")
	}
	for segment := range strings.SplitSeq(segments, "/") {
		name, isParam := parameter(segment)
		switch {
		case isParam && !validParam.MatchString(name):
			return fault("segment " + strconv.Quote(segment) + " is not valid; the name of a parameter matches " + paramForm)
		case !isParam && !ifmatch.ValidName(segment):
			return fault("segment " + strconv.Quote(segment) + " is not valid; each segment matches " + ifmatch.NameForm + ", or is a {parameter}")
		}
	}
	return ""
}

// defaultPath is that of the collections which default serves.
const defaultPath = "/v1/{collection}"

// linksOf returns a collection's links, and reports relations that stand twice and
// parameters that its documents' paths do not have.
func (d *decoder) linksOf(v *value, c *Collection) []Link {
	if len(v.list) > maxLinks {
		d.fail(v.at, v.path, fault("has "+strconv.Itoa(len(v.list))+" links, and at most "+strconv.Itoa(maxLinks)+" are allowed"))
	}
	valid := c.Parameters()
	var links []Link
	lines := map[string]int{}
	for _, l := range v.list {
		rel, path := l.get("rel"), l.get("path")
		if line, twice := lines[rel.text]; twice && rel.text != "" {
			d.fail(rel.at, rel.path, fault(rel.text+" stands twice; the first is on line "+strconv.Itoa(line)))
		}
		lines[rel.text] = rel.at.line
		if checkLink(path.text) == "" {
			d.knownParameters(path, valid)
		}
		links = append(links, Link{Rel: rel.text, Path: path.text})
	}
	return links
}

func (d *decoder) knownParameters(path *value, valid []string) {
	for segment := range strings.SplitSeq(path.text, "/") {
		name, ok := parameter(segment)
		if !ok || slices.Contains(valid, name) {
			continue
		}
		list := "; valid are {" + strings.Join(valid, "}, {") + "}"
		if len(valid) == 0 {
			list = "; the path of its document has none"
		}
		d.fail(path.at, path.path, fault("{"+name+"} is no parameter of this collection"+didYouMean(name, valid)+list))
	}
}

// Parameters returns the names of what the path of a document is filled with.
func (c *Collection) Parameters() []string {
	path := c.Path
	if path == "" {
		path = defaultPath
	}
	var names []string
	for segment := range strings.SplitSeq(path, "/") {
		if name, ok := parameter(segment); ok {
			names = append(names, name)
		}
	}
	if !c.Singleton {
		names = append(names, c.ID.Param)
	}
	return names
}

// lead reports links that lead nowhere: whatever fills in the parameters, one
// collection of the file must serve what comes of it. It keeps still where a
// collection's own path is wrong, as that would be said of links to it too.
func (d *decoder) lead(collections []*value, def *value, all []template) {
	if len(all) < len(collections) {
		return
	}
	for _, c := range append(slices.Clone(collections), def) {
		for _, l := range c.get("links").list {
			path := l.get("path")
			if path.text == "" || checkLink(path.text) != "" || isServed(path.text, all, def.set) {
				continue
			}
			d.fail(path.at, path.path, fault("no collection serves "+path.text+"; served are "+servedPaths(all, def.set)))
		}
	}
}

func isServed(path string, all []template, def bool) bool {
	segments := strings.Split(path[1:], "/")
	for i := range all {
		if all[i].serves(segments) {
			return true
		}
	}
	if !def || len(segments) < 2 || len(segments) > 3 || segments[0] != "v1" {
		return false
	}
	return !slices.ContainsFunc(all, func(t template) bool { return t.Name == segments[1] })
}

// serves tells whether the collection's list or its documents are what a path
// leads to, whatever is filled in.
func (t *template) serves(segments []string) bool {
	return covers(t.segments, segments) || covers(t.documents(), segments)
}

func covers(template, segments []string) bool {
	return slices.EqualFunc(template, segments, func(t, s string) bool {
		_, param := parameter(t)
		return param || t == s
	})
}

// maxServed bounds the paths that a message lists.
const maxServed = 10

func servedPaths(all []template, def bool) string {
	var paths []string
	for i := range all {
		t := &all[i]
		paths = append(paths, t.Path)
		if !t.Singleton {
			paths = append(paths, "/"+strings.Join(t.documents(), "/"))
		}
	}
	if def {
		paths = append(paths, defaultPath, defaultPath+"/{id}")
	}
	if len(paths) > maxServed {
		paths = append(paths[:maxServed], "others")
	}
	return strings.Join(paths, ", ")
}

// added returns where bodies show members that are not stored.
func (c *Collection) added() []string {
	fields := dialectFields(&c.Contract.Dialect)
	if len(c.Links) > 0 {
		fields = append(fields, linksMember)
	}
	if c.Contributions != nil {
		fields = append(fields, provenanceMember)
	}
	return append(fields, metaMember)
}

func dialectFields(dialect *ifmatch.Dialect) []string {
	var fields []string
	if dialect.BodyVersion != ifmatch.BodyVersionNone {
		fields = append(fields, dialect.VersionField)
	}
	if dialect.DigestField != "" {
		fields = append(fields, dialect.DigestField)
	}
	return fields
}

// apartFromMembers refuses a version or a digest that would stand where _meta,
// _links or _provenance does.
func (d *decoder) apartFromMembers(contract *value, c *Collection) {
	shown := dialectFields(&c.Contract.Dialect)
	for _, name := range []string{"version_field", "digest_field"} {
		field := contract.get(name)
		if !slices.Contains(shown, field.text) {
			continue
		}
		switch {
		case within(field.text, metaMember):
			d.fail(field.at, field.path, "cannot stand in "+metaMember+", which ?include=meta shows; choose another place")
		case len(c.Links) > 0 && within(field.text, linksMember):
			d.fail(field.at, field.path, "cannot stand in "+linksMember+", which ?include=links shows; choose another place")
		case c.Contributions != nil && within(field.text, provenanceMember):
			d.fail(field.at, field.path, "cannot stand in "+provenanceMember+", which ?include=provenance shows; choose another place")
		}
	}
}

// linksMembers returns the collection's links as they stand in a policy file.
func (c *Collection) linksMembers() yaml.MapSlice {
	if len(c.Links) == 0 {
		return nil
	}
	list := make([]yaml.MapSlice, len(c.Links))
	for i, l := range c.Links {
		list[i] = yaml.MapSlice{{Key: "rel", Value: l.Rel}, {Key: "path", Value: l.Path}}
	}
	return yaml.MapSlice{{Key: "links", Value: list}}
}
