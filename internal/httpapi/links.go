package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Link is something that the documents of a collection are related to.
type Link struct {
	// Rel names the relation. It is the name of a member under _links.
	Rel string
	// Path is that of a document or a list. Its parameters are those of the
	// collection's own path, and its id; any other is no parameter.
	Path string
}

// RoomForLinks returns how long the value of _links is at most, in bytes; 0
// without links.
func RoomForLinks(links []Link) int {
	const around = len(`,"":{"href":"","etag":""}`) + 128 // with the longest tag, a list's
	room := 0
	for _, l := range links {
		room += around + len(l.Rel) + len(l.Path) + strings.Count(l.Path, "{")*ifmatch.MaxName
	}
	return room
}

// relations are the links of a collection, ready to be filled in; nil for none.
type relations struct {
	links []relation
	// named tells that the first value is the collection's name.
	named bool
}

// relation is one link, whose path is words and values in turn: each value stands
// behind the word with its number.
type relation struct {
	rel    string
	words  []string
	values []int // which of the path's values
}

// relationsOf takes links apart. Names are those of the values that they are
// filled in with.
func relationsOf(links []Link, names []string, named bool) *relations {
	if len(links) == 0 {
		return nil
	}
	rs := &relations{named: named}
	for _, l := range links {
		one := relation{rel: l.Rel}
		word := ""
		for segment := range strings.SplitSeq(l.Path[1:], "/") {
			word += "/"
			value := slices.IndexFunc(names, func(name string) bool { return segment == "{"+name+"}" })
			if value < 0 {
				word += segment
				continue
			}
			one.words, one.values = append(one.words, word), append(one.values, value)
			word = ""
		}
		one.words = append(one.words, word)
		rs.links = append(rs.links, one)
	}
	return rs
}

// relations returns the collection's links.
func (c *Collection) relations() *relations {
	var names []string
	for segment := range strings.SplitSeq(c.Path, "/") {
		if strings.HasPrefix(segment, "{") {
			names = append(names, strings.Trim(segment, "{}"))
		}
	}
	if !c.Singleton {
		names = append(names, cmp.Or(c.Param, "id"))
	}
	return relationsOf(c.Links, names, false)
}

// valuesOf returns what links are filled in with.
func (rs *relations) valuesOf(ref *store.Ref) []string { return valuesOf(ref, rs.named) }

func (l *relation) href(values []string) string {
	var path strings.Builder
	for i, word := range l.words {
		path.WriteString(word)
		if i < len(l.values) {
			path.WriteString(values[l.values[i]])
		}
	}
	return path.String()
}

// links makes the function that returns what a route's document is related to, for
// who makes the request.
func (s *Server) links(r *http.Request, to route) func(context.Context) ([]byte, error) {
	return func(ctx context.Context) ([]byte, error) {
		values := to.related.valuesOf(&to.ref)
		body := []byte{'{'}
		for i := range to.related.links {
			link := &to.related.links[i]
			href := link.href(values)
			tag, err := s.tagAt(ctx, r, href)
			if err != nil {
				return nil, err
			}
			if i > 0 {
				body = append(body, ',')
			}
			body = jsonvalue.String(link.rel).Append(body)
			body = append(body, `:{"href":`...)
			body = jsonvalue.String(href).Append(body)
			if tag != "" {
				body = append(body, `,"etag":`...)
				body = jsonvalue.String(tag).Append(body)
			}
			body = append(body, '}')
		}
		return append(body, '}'), nil
	}
}

// tagAt returns the current entity tag of what a path leads to, as reading that
// would; "" where nothing is there, or nothing that the maker of the request may
// read.
func (s *Server) tagAt(ctx context.Context, r *http.Request, path string) (string, error) {
	to, ok := s.router.match(path)
	if !ok || s.deny(r) != nil {
		return "", nil
	}
	t := door.Target{Ref: to.ref, Rules: to.rules, Path: path}
	s.authorize(r, &t, to.authority)
	switch to.kind {
	case routeItem:
		tag, err := s.door.Engine.Tag(ctx, t.Ref, t.Rules, t.Authority)
		return tag.String(), err
	case routeCollection:
		if t.Rules.MayRead(t.Authority) != engine.Yes { // it tells of every change of any document
			return "", nil
		}
		head, err := s.door.Engine.ListHead(ctx, to.ref.Part)
		if err != nil {
			return "", err
		}
		return s.listTag(t, head), nil
	}
	return "", nil
}
