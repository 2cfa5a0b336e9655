package openapi

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/ifmatch/ifmatch/problem"
)

// group begins a tag, which the paths that follow belong to.
func (d *describer) group(name, doc string) {
	d.doc.groups = append(d.doc.groups, &group{name: name, doc: doc})
}

// at begins a path. Its parameters are those of its template.
func (d *describer) at(template string) *path {
	p := &path{template: template}
	for _, name := range parametersOf(template) {
		p.parameters = append(p.parameters, d.inPath(name))
	}
	g := d.doc.groups[len(d.doc.groups)-1]
	g.paths = append(g.paths, p)
	return p
}

func parametersOf(template string) (names []string) {
	for segment := range strings.SplitSeq(template, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
	}
	return names
}

// inPath is a parameter of a path.
func (d *describer) inPath(name string) parameter {
	p := parameter{name: name, in: "path", required: true, schema: `{"type":"string","pattern":"^[A-Za-z0-9~-][A-Za-z0-9._~-]{0,127}$"}`}
	switch name {
	case "versionNumber":
		p.doc, p.schema = "Which version.", ref("Version")
	case "member":
		p.doc, p.schema = "The name of a member; further segments lead deeper, with `~1` for `/` and `~0` for `~`. Where a name is empty, `.` or `..`, `?pointer=` takes it.", aString
	case "conflictId":
		p.doc = "A parked write."
	case "contributionId":
		p.doc = "A contribution."
	case "collection":
		p.doc = "The name of a collection. Those that begin with `_` are reserved."
	case d.c.idParam():
		p.doc = "The id of a document."
	}
	return p
}

// idParam is the name of the id in paths, "" for a singleton.
func (c *Collection) idParam() string {
	if c == nil || c.Singleton {
		return ""
	}
	return c.Param
}

// add adds an operation to a path, with what it answers: its own, and what it
// refuses.
func (d *describer) add(p *path, o *operation, answers []response, all ...refusals) {
	o.id = d.unique(o.id)
	if strings.Contains(p.template, "{") { // a name that none can have leads nowhere
		all = append(all, of(problem.NotFound))
	}
	o.responses = append(answers, d.refusing(o.open, all...)...)
	slices.SortFunc(o.responses, func(a, b response) int { return a.status - b.status })
	p.operations = append(p.operations, o)
	if o.method == http.MethodGet {
		d.head(p, o)
	}
}

// head adds what HEAD does where there is a GET: all of it but the content.
func (d *describer) head(p *path, get *operation) {
	o := *get
	o.method, o.id, o.summary, o.doc = http.MethodHead, d.unique("head"+strings.ToUpper(get.id[:1])+get.id[1:]), "The header of: "+get.summary, ""
	o.responses = slices.Clone(get.responses)
	for i := range o.responses {
		r := &o.responses[i]
		if r.content = nil; r.key != "" {
			r.key += ".head"
		}
	}
	p.operations = append(p.operations, &o)
}

// options ends a path with what OPTIONS answers there.
func (d *describer) options(p *path, patches, open bool) {
	names := "Allow Cache-Control"
	if patches {
		names += " Accept-Patch"
	}
	if d.api.Pages { // a preflight is answered instead
		names = "Allow? Accept-Patch? Cache-Control Access-Control-Allow-Headers? Access-Control-Allow-Methods? Access-Control-Max-Age?"
	}
	o := &operation{method: http.MethodOptions, id: "options" + d.noun + pascal(strings.TrimPrefix(p.template, d.path)), summary: "Tell what can be done here", open: open}
	d.add(p, o, []response{{status: http.StatusNoContent, doc: "The methods that do something here.", headers: d.fields(names)}})
}

// unique returns an id that no other operation has.
func (d *describer) unique(id string) string {
	name := id
	for n := 2; d.ids[name]; n++ {
		name = id + strconv.Itoa(n)
	}
	d.ids[name] = true
	return name
}

// pascal makes a name of the words in a text.
func pascal(s string) string {
	var b strings.Builder
	up := true
	for _, c := range s {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
			if up && c >= 'a' && c <= 'z' {
				c -= 'a' - 'A'
			}
			up = false
			b.WriteRune(c)
		default:
			up = true
		}
	}
	return b.String()
}

// inJSON is content of one schema.
func inJSON(schema string, examples ...example) []media {
	return []media{{kind: "application/json", schema: schema, examples: examples}}
}
