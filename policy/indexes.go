package policy

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/ifmatch/ifmatch/internal/index"
)

// Index is a member that a collection's list can be filtered and sorted by.
type Index struct {
	// Path is a JSON Pointer (RFC 6901). Queries name its tokens, joined by dots.
	Path string
	Type IndexType
}

// IndexType says which values of a member count. A document with another value
// there is listed as if it had none.
type IndexType = index.Type

// The types of indexes.
const (
	IndexString  = index.String
	IndexNumber  = index.Number
	IndexBoolean = index.Boolean
	IndexTime    = index.Time
)

// maxIndexes bounds the indexes of one collection: each costs a row for every
// document.
const maxIndexes = 32

var indexesKey = &key{
	name: "indexes", kind: kindBlocks, short: "path", example: "[/status, {path: /age, type: number}]",
	keys: []*key{
		{name: "path", kind: kindText, required: true, check: checkIndexPath, doc: "JSON Pointer to the member, as in `/address/city`. Queries call it by its segments, joined by dots: `address.city`."},
		{name: "type", kind: kindWord, def: string(IndexString), words: []word{
			{name: string(IndexString), doc: "a text, ordered by the bytes of its UTF-8"},
			{name: string(IndexNumber), doc: "a number, by its exact value"},
			{name: string(IndexBoolean), doc: "`false` before `true`"},
			{name: string(IndexTime), doc: "a text with a date-time of RFC 3339, by the instant"},
		}, doc: "Which values count. A document with another value there is listed as if it had none: before all others, and by no filter."},
	},
	optional: true, defDoc: "none",
	doc: "The members that lists can be filtered and sorted by, as in `?status=open&age.gte=21&sort=-age`. A text stands for the `path` alone. Where a filter holds for few of the documents that are looked at, a page may be short, or empty: there is more as long as it has `next`. A change takes effect at the start, which reads every document of the collection once. Not for a singleton.",
}

// reservedQueries are the parameters of every list.
var reservedQueries = []string{"limit", "cursor", "sort", "fields", "include"}

func checkIndexPath(s string) fault {
	if bad := checkPointer(s); bad != "" {
		return bad
	}
	x, err := index.New(s, IndexString)
	if err != nil {
		return fault(strconv.Quote(s) + " is not a JSON Pointer to a member, as in /age")
	}
	name := x.Name()
	called := s + " is called " + strconv.Quote(name) + " in queries"
	switch {
	case slices.Contains(reservedQueries, name):
		return fault(called + ", as a parameter of every list is; choose a member of another name than " + strings.Join(reservedQueries, ", "))
	case name == "":
		return fault(called + "; choose a member that has a name")
	case name[0] == '-':
		return fault(called + ", and sort takes the - for descending; choose a member whose name begins with something else")
	}
	return ""
}

// indexes reads a collection's indexes and reports those that a query could not
// tell apart.
func (d *decoder) indexes(v *value, c *Collection) []Index {
	if c.Singleton && v.set {
		d.fail(v.at, v.path, "a singleton has no list; remove indexes or singleton")
		return nil
	}
	if len(v.list) > maxIndexes {
		d.fail(v.at, v.path, fault("must not have more than "+strconv.Itoa(maxIndexes)+" indexes; each costs every write"))
		return nil
	}
	var indexes []Index
	var paths []*value
	names := make(map[string]*value, len(v.list))
	for _, one := range v.list {
		path, typ := one.get("path"), IndexType(one.get("type").text)
		x, err := index.New(path.text, cmp.Or(typ, IndexString))
		if err != nil || checkIndexPath(path.text) != "" {
			continue // reported by itself
		}
		indexes = append(indexes, Index{Path: path.text, Type: typ})
		if first := names[x.Name()]; first != nil {
			d.sameName(x.Name(), first, path)
			continue
		}
		names[x.Name()], paths = path, append(paths, path)
	}
	for name, path := range names {
		for _, op := range index.Ops {
			if of := names[strings.TrimSuffix(name, "."+op)]; of != nil && of != path {
				d.fail(path.at, path.path, fault(path.text+" is called "+strconv.Quote(name)+" in queries, and that filters by "+of.text+" on line "+
					strconv.Itoa(of.at.line)+"; the name of an index must not be that of another with .gt, .gte, .lt, .lte or .in behind it"))
			}
		}
	}
	d.keyOfTheWriter(paths, c.added())
	return indexes
}

func (d *decoder) sameName(name string, first, second *value) {
	if first.text == second.text {
		d.fail(second.at, second.path, fault(second.text+" stands twice; the first is on line "+strconv.Itoa(first.at.line)))
		return
	}
	d.fail(second.at, second.path, fault(second.text+" is called "+strconv.Quote(name)+" in queries, and so is "+first.text+" on line "+
		strconv.Itoa(first.at.line)+"; give each index a name of its own"))
}

// indexesMember returns the collection's indexes as they stand in a policy file.
func (c *Collection) indexesMember() yaml.MapSlice {
	if len(c.Indexes) == 0 {
		return nil
	}
	list := make([]yaml.MapSlice, len(c.Indexes))
	for i, x := range c.Indexes {
		list[i] = yaml.MapSlice{{Key: "path", Value: x.Path}, {Key: "type", Value: string(x.Type)}}
	}
	return yaml.MapSlice{{Key: "indexes", Value: list}}
}
