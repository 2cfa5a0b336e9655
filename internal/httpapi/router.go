package httpapi

import (
	"strconv"
	"strings"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
)

// router finds what a raw path names.
type router struct {
	byPath map[string]*Collection
	named  map[string]bool // which the rules below do not cover
	rules  *engine.Rules   // of every other collection under /v1/; nil for none
}

func newRouter(collections []Collection, rules *engine.Rules) router {
	rt := router{byPath: make(map[string]*Collection, len(collections)), named: make(map[string]bool, len(collections)), rules: rules}
	for i := range collections {
		rt.byPath[collections[i].Path] = &collections[i]
		rt.named[collections[i].Name] = true
	}
	return rt
}

type routeKind uint8

const (
	routeCollection routeKind = iota
	routeItem
	routeHistory
	routeVersion
	routeDiff
)

type route struct {
	kind    routeKind
	ref     store.Ref
	rules   *engine.Rules
	version int64 // of routeVersion
}

// match returns the route of a path, or false for a path that nothing can have.
func (rt *router) match(path string) (route, bool) {
	for end := len(path); end > 0 && len(rt.byPath) > 0; end = strings.LastIndexByte(path[:end], '/') {
		if c := rt.byPath[path[:end]]; c != nil {
			return below(route{ref: store.Ref{Part: store.Part{Collection: c.Name}}, rules: c.Rules}, path[end:])
		}
	}
	rest, ok := strings.CutPrefix(path, "/v1/")
	if !ok || rt.rules == nil {
		return route{}, false
	}
	name, tail := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		name, tail = rest[:i], rest[i:]
	}
	if !validName(name) || rt.named[name] {
		return route{}, false
	}
	return below(route{ref: store.Ref{Part: store.Part{Collection: name}}, rules: rt.rules}, tail)
}

// below resolves what follows a collection's path: nothing, "/id", or "/id/"
// and a reserved name.
func below(r route, tail string) (route, bool) {
	if tail == "" {
		return r, true
	}
	id, sub, nested := strings.Cut(tail[1:], "/")
	if !validName(id) {
		return route{}, false
	}
	r.ref.ID, r.kind = id, routeItem
	if !nested {
		return r, true
	}
	switch {
	case sub == "_history":
		r.kind = routeHistory
	case sub == "_diff":
		r.kind = routeDiff
	case strings.HasPrefix(sub, "_history/"):
		v, ok := parseVersion(sub[len("_history/"):])
		r.kind, r.version = routeVersion, v
		return r, ok
	default:
		return route{}, false
	}
	return r, true
}

// parseVersion reads a version number as it is printed: no sign, no zeros in
// front.
func parseVersion(s string) (int64, bool) {
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || v < 1 || v > ifmatch.MaxVersion || strconv.FormatInt(v, 10) != s {
		return 0, false
	}
	return v, true
}

const maxName = 128

// validName tells whether s can name a collection or a document:
// [A-Za-z0-9~-][A-Za-z0-9._~-]{0,127}.
func validName(s string) bool {
	if s == "" || len(s) > maxName || s[0] == '.' || s[0] == '_' {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9',
			c == '.', c == '_', c == '~', c == '-':
		default:
			return false
		}
	}
	return true
}
