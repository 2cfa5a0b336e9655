package openapi

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// JSON returns the description as a document of OpenAPI 3.1, compact.
func (d *Document) JSON() []byte {
	p := printer{w: jsonvalue.NewWriter(nil)}
	w := p.w.Open('{').Name("openapi").String("3.1.0")
	w.Name("info").Open('{').Name("title").String("ifmatch").Name("version").String(d.version).Name("description").String(d.intro).Close('}')
	w.Name("servers").Raw([]byte(`[{"url":"/"}]`))
	security := d.caller == CallerBearer
	if security {
		w.Name("security").Raw([]byte(`[{"bearer":[]}]`))
	} else {
		w.Name("security").Raw([]byte("[]"))
	}
	w.Name("tags").Open('[')
	for _, g := range d.groups {
		w.Open('{').Name("name").String(g.name).Name("description").String(g.doc).Close('}')
	}
	w.Close(']').Name("paths").Open('{')
	for _, g := range d.groups {
		for _, at := range g.paths {
			p.path(at, g, security)
		}
	}
	w.Close('}').Name("components")
	p.components(d, security)
	return w.Close('}').Bytes()
}

// printer prints a description, and gathers the components that it refers to.
type printer struct {
	w          *jsonvalue.Writer
	responses  gathered[*response]
	parameters gathered[*parameter]
	headers    gathered[header]
	examples   gathered[string]
}

// gathered are components in the order in which they were met.
type gathered[T any] struct {
	names []string
	by    map[string]T
}

func (g *gathered[T]) add(name string, one T) {
	if g.by == nil {
		g.by = make(map[string]T)
	}
	if _, there := g.by[name]; !there {
		g.names, g.by[name] = append(g.names, name), one
	}
}

func (p *printer) ref(kind, name string) {
	p.w.Raw([]byte(`{"$ref":"#/components/` + kind + "/" + name + `"}`))
}

func (p *printer) path(at *path, g *group, security bool) {
	w := p.w.Name(at.template).Open('{')
	p.parametersOf(at.parameters)
	for _, o := range at.operations {
		w.Name(strings.ToLower(o.method)).Open('{')
		w.Name("operationId").String(o.id).Name("tags").Open('[').String(g.name).Close(']').Name("summary").String(o.summary).NonEmpty("description", o.doc)
		if o.open && security {
			w.Name("security").Raw([]byte("[]"))
		}
		p.parametersOf(o.parameters)
		if o.body != nil {
			w.Name("requestBody").Open('{').Name("required").Bool(true)
			p.content(o.body)
			w.Close('}')
		}
		w.Name("responses").Open('{')
		for i := range o.responses {
			r := &o.responses[i]
			w.Name(strconv.Itoa(r.status))
			if r.key != "" {
				p.responses.add(r.key, r)
				p.ref("responses", r.key)
				continue
			}
			p.response(r)
		}
		w.Close('}').Close('}')
	}
	w.Close('}')
}

func (p *printer) parametersOf(all []parameter) {
	if len(all) == 0 {
		return
	}
	p.w.Name("parameters").Open('[')
	for i := range all {
		if one := &all[i]; one.key != "" {
			p.parameters.add(one.key, one)
			p.ref("parameters", one.key)
		} else {
			p.parameter(one)
		}
	}
	p.w.Close(']')
}

func (p *printer) parameter(one *parameter) {
	w := p.w.Open('{').Name("name").String(one.name).Name("in").String(one.in).NonEmpty("description", one.doc)
	if one.required {
		w.Name("required").Bool(true)
	}
	w.Name("schema").Raw([]byte(one.schema)).Close('}')
}

func (p *printer) response(r *response) {
	w := p.w.Open('{').Name("description").String(r.doc)
	w.Name("headers").Open('{')
	for _, h := range r.headers {
		w.Name(h.name)
		name := h.name
		if !h.required {
			name += "-optional"
		}
		p.headers.add(name, h)
		p.ref("headers", name)
	}
	w.Close('}')
	p.content(r.content)
	w.Close('}')
}

func (p *printer) content(all []media) {
	if len(all) == 0 {
		return
	}
	w := p.w.Name("content").Open('{')
	for _, m := range all {
		w.Name(m.kind).Open('{').Name("schema").Raw([]byte(m.schema))
		if len(m.examples) > 0 {
			w.Name("examples").Open('{')
			for _, e := range m.examples {
				w.Name(e.name)
				if e.key != "" {
					p.examples.add(e.key, e.value)
					p.ref("examples", e.key)
				} else {
					w.Open('{').Name("value").Raw([]byte(e.value)).Close('}')
				}
			}
			w.Close('}')
		}
		w.Close('}')
	}
	w.Close('}')
}

// components prints what was referred to. What that refers to in turn is met while it
// is printed.
func (p *printer) components(d *Document, security bool) {
	w := p.w.Open('{')
	if security {
		w.Name("securitySchemes").Raw([]byte(`{"bearer":{"type":"http","scheme":"bearer","description":"A key or a token of whoever runs this server."}}`))
	}
	w.Name("responses").Open('{')
	for _, name := range p.responses.names {
		w.Name(name)
		p.response(p.responses.by[name])
	}
	w.Close('}').Name("parameters").Open('{')
	for _, name := range p.parameters.names {
		w.Name(name)
		p.parameter(p.parameters.by[name])
	}
	w.Close('}').Name("headers").Open('{')
	for _, name := range p.headers.names {
		h := p.headers.by[name]
		w.Name(name).Open('{').Name("description").String(answered[h.name].doc)
		if h.required {
			w.Name("required").Bool(true)
		}
		schema := answered[h.name].schema
		if h.name == "Ifmatch-Outcome" {
			schema = d.outcomes
		}
		w.Name("schema").Raw([]byte(schema)).Close('}')
	}
	w.Close('}').Name("examples").Open('{')
	for _, name := range p.examples.names {
		w.Name(name).Open('{').Name("value").Raw([]byte(p.examples.by[name])).Close('}')
	}
	w.Close('}').Name("schemas").Open('{')
	for _, s := range d.used(string(w.Bytes())) {
		w.Name(s.name).Raw([]byte(s.text))
	}
	w.Close('}').Close('}')
}

// used returns the schemas that a text refers to, by itself or through each other.
func (d *Document) used(text string) (all []schemaOf) {
	for grown := true; grown; {
		grown = false
		for _, list := range [][]schemaOf{d.schemas, shared} {
			for _, s := range list {
				at := `"#/components/schemas/` + s.name
				if !slices.Contains(all, s) && (strings.Contains(text, at+`"`) || strings.Contains(text, at+"/")) {
					all, text, grown = append(all, s), text+s.text, true
				}
			}
		}
	}
	return all
}
