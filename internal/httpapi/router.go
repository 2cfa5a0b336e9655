package httpapi

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
)

// router finds what a raw path names. At most one collection has a path: the
// policy file is refused otherwise, so that nothing needs to go before anything.
type router struct {
	byPath    map[string]*Collection // without parameters
	templates *node                  // the others, nil for none
	named     map[string]*Collection // which the rules below do not cover
	rules     *engine.Rules          // of every other collection under /v1/; nil for none
	dialect   *ifmatch.Dialect       // of these
	authority *Authority             // over these
	related   *relations             // of these
	forms     string                 // of documents' paths, for who asks for another one
}

// maxForms bounds the paths that a caller is told of.
const maxForms = 10

// formsOf lists the forms that documents' paths have.
func formsOf(collections []Collection, rules *engine.Rules) string {
	var forms []string
	if rules != nil {
		forms = append(forms, "/v1/{collection}/{id}")
	}
	for i := range collections {
		c := &collections[i]
		form := c.Path
		if !c.Singleton {
			form += "/{" + cmp.Or(c.Param, "id") + "}"
		}
		forms = append(forms, form)
	}
	if len(forms) > maxForms {
		forms = append(forms[:maxForms], "others")
	}
	if n := len(forms); n > 1 {
		forms = append(forms[:n-2], forms[n-2]+" and "+forms[n-1])
	}
	return strings.Join(forms, ", ")
}

func newRouter(collections []Collection, rules *engine.Rules) router {
	rt := router{byPath: make(map[string]*Collection, len(collections)), named: make(map[string]*Collection, len(collections)), rules: rules, forms: formsOf(collections, rules)}
	for i := range collections {
		c := &collections[i]
		c.related = c.relations()
		rt.named[c.Name] = c
		if !strings.Contains(c.Path, "{") {
			rt.byPath[c.Path] = c
			continue
		}
		if rt.templates == nil {
			rt.templates = new(node)
		}
		rt.templates.add(c)
	}
	return rt
}

// serves tells whether documents of a collection can have a path.
func (rt *router) serves(collection string) bool {
	return rt.named[collection] != nil || rt.rules != nil && ifmatch.ValidName(collection)
}

type routeKind uint8

const (
	routeCollection routeKind = iota
	routeItem
	routeHistory
	routeVersion
	routeDiff
	routeBlame
	routeContributions
	routeContribution
	routeConflicts
	routeConflict
	routeResolve
	routeLease
	routeField
	routeChanges
	routeAllChanges // of every collection
	routeAudit      // of every collection
)

type route struct {
	kind      routeKind
	ref       store.Ref
	rules     *engine.Rules
	dialect   *ifmatch.Dialect
	authority *Authority // over the collection's documents
	related   *relations // of the collection's documents
	version   int64      // of routeVersion
	id        string     // of routeContribution, routeConflict and routeResolve
	field     string     // of routeField: what follows _fields, as it came
}

// match returns the route of a path, or false for a path that nothing can have.
func (rt *router) match(path string) (route, bool) {
	if path == "/"+changesName {
		return route{kind: routeAllChanges, rules: new(engine.Rules), dialect: new(ifmatch.Dialect)}, true
	}
	if path == auditPath {
		return route{kind: routeAudit, rules: new(engine.Rules), dialect: new(ifmatch.Dialect)}, true
	}
	literal := false
	for end := len(path); end > 0 && len(rt.byPath) > 0; end = strings.LastIndexByte(path[:end], '/') {
		if c := rt.byPath[path[:end]]; c != nil {
			if r, ok := c.route("", path[end:]); ok {
				return r, true
			}
			literal = true
			break
		}
	}
	if rt.templates != nil {
		if r, ok := rt.templates.match(path, ""); ok {
			return r, true
		}
	}
	rest, ok := strings.CutPrefix(path, "/v1/")
	if !ok || rt.rules == nil || literal {
		return route{}, false
	}
	name, tail := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		name, tail = rest[:i], rest[i:]
	}
	if !ifmatch.ValidName(name) || rt.named[name] != nil {
		return route{}, false
	}
	return inList(route{ref: store.Ref{Part: store.Part{Collection: name}}, rules: rt.rules, dialect: rt.dialect, authority: rt.authority, related: rt.related}, tail)
}

// route resolves what follows the collection's path, under the values of its
// parameters.
func (c *Collection) route(params, tail string) (route, bool) {
	r := route{ref: store.Ref{Part: store.Part{Collection: c.Name, Params: params}}, rules: c.Rules, dialect: &c.Dialect, authority: c.Authority, related: c.related}
	if !c.Singleton {
		return inList(r, tail)
	}
	if r.kind = routeItem; tail == "" {
		return r, true
	}
	if tail == "/"+changesName { // of the list that the one document would be in
		r.kind = routeChanges
		return r, true
	}
	return beside(r, tail[1:])
}

// inList resolves what follows the path of a collection's list: nothing, "/id", or
// "/id/" and a reserved name.
func inList(r route, tail string) (route, bool) {
	if tail == "" {
		return r, true
	}
	if tail == "/"+changesName {
		r.kind = routeChanges
		return r, true
	}
	id, sub, nested := strings.Cut(tail[1:], "/")
	if !ifmatch.ValidName(id) {
		return route{}, false
	}
	r.ref.ID, r.kind = id, routeItem
	if !nested {
		return r, true
	}
	return beside(r, sub)
}

// beside resolves a reserved name under a document's path.
func beside(r route, sub string) (route, bool) {
	switch {
	case sub == "_history":
		r.kind = routeHistory
	case sub == "_diff":
		r.kind = routeDiff
	case sub == leaseName:
		r.kind = routeLease
	case sub == fieldsName || strings.HasPrefix(sub, fieldsName+"/"):
		r.kind, r.field = routeField, sub[len(fieldsName):]
	case sub == "_blame":
		r.kind = routeBlame
	case sub == conflictsName:
		r.kind = routeConflicts
	case strings.HasPrefix(sub, conflictsName+"/"):
		var resolves bool
		r.kind = routeConflict
		if r.id, resolves = strings.CutSuffix(sub[len(conflictsName)+1:], resolveSuffix); resolves {
			r.kind = routeResolve
		}
		return r, ifmatch.ValidName(r.id)
	case strings.HasPrefix(sub, "_history/"):
		v, ok := parseVersion(sub[len("_history/"):])
		r.kind, r.version = routeVersion, v
		return r, ok
	case sub == contributionsName && r.rules.Contributions != nil:
		r.kind = routeContributions
	case strings.HasPrefix(sub, contributionsName+"/") && r.rules.Contributions != nil:
		r.kind, r.id = routeContribution, sub[len(contributionsName)+1:]
		return r, ifmatch.ValidName(r.id)
	default:
		return route{}, false
	}
	return r, true
}

// node is one segment in a tree of templates.
type node struct {
	words      map[string]*node
	parameter  *node       // whatever its name
	collection *Collection // whose path ends here
}

func (n *node) add(c *Collection) {
	for segment := range strings.SplitSeq(c.Path[1:], "/") {
		next := n.words[segment]
		if segment[0] == '{' {
			next = n.parameter
		}
		switch {
		case next != nil:
		case segment[0] == '{':
			next = new(node)
			n.parameter = next
		default:
			if n.words == nil {
				n.words = make(map[string]*node)
			}
			next = new(node)
			n.words[segment] = next
		}
		n = next
	}
	n.collection = c
}

// match returns the route of what is left of a path, under the parameters so
// far. A word may lead nowhere where a parameter does, so both are tried; that
// takes no more turns than the tree has nodes.
func (n *node) match(path, params string) (route, bool) {
	if n.collection != nil {
		if r, ok := n.collection.route(params, path); ok {
			return r, true
		}
	}
	if path == "" || path[0] != '/' {
		return route{}, false
	}
	segment, tail := path[1:], ""
	if i := strings.IndexByte(segment, '/'); i >= 0 {
		segment, tail = segment[:i], segment[i:]
	}
	if next := n.words[segment]; next != nil {
		if r, ok := next.match(tail, params); ok {
			return r, true
		}
	}
	if n.parameter == nil || !ifmatch.ValidName(segment) {
		return route{}, false
	}
	return n.parameter.match(tail, joinParams(params, segment))
}

// joinParams adds a value to those of a part. Names hold no "/", so that no two
// lists of values are joined alike.
func joinParams(params, value string) string {
	if params == "" {
		return value
	}
	return params + "/" + value
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
