package openapi

import (
	"net/http"

	"github.com/ifmatch/ifmatch/problem"
)

// list describes a collection as a whole.
func (d *describer) list() {
	p := d.at(d.path)
	o := &operation{method: http.MethodGet, id: "list" + d.noun, summary: "List documents", parameters: d.asks("?cursor ?fields If-None-Match If-Match If-Unmodified-Since If-Modified-Since Want-Repr-Digest")}
	o.parameters = append(o.parameters, d.limit())
	o.parameters = append(o.parameters, d.filters()...)
	d.add(p, o, []response{
		{status: http.StatusOK, doc: "A page of the list. Its entity tag changes with any document in it.", headers: d.fields(fieldsOfRead + fieldsOfContent), content: inJSON(d.pageOf())},
		{status: http.StatusNotModified, doc: "The list is as you know it.", headers: d.fields(fieldsOfRead)},
	}, read, unmatched)

	create := &operation{method: http.MethodPost, id: "create" + d.noun, summary: "Create a document under an id of its own", body: inJSON(ref(d.body), d.examples()...), parameters: d.asks("If-Match If-None-Match If-Unmodified-Since Ifmatch-Lease Content-Digest Repr-Digest Want-Repr-Digest " + d.asksOfWrite())}
	more := of(problem.UnsupportedMediaType, problem.Invalid)
	answers := []response{
		{status: http.StatusCreated, doc: "It was created, at Location.", headers: d.fields(fieldsOfWrite + " Location?"), content: inJSON(ref(d.body), d.examples()...)},
		{status: http.StatusNoContent, doc: "As 200, without the body that you prefer not to have.", headers: d.fields(fieldsOfWrite + " Location?")},
	}
	if d.c.NaturalKey || d.c.Contributions {
		create.doc = "Where the key is taken by a document of the same content, that one is the answer."
		more = append(more, of(problem.Duplicate)...)
	}
	answers = append(answers, response{status: http.StatusOK, doc: "It is there already, at Location, or would be created: nothing was written.", headers: d.fields(fieldsOfWrite + " Location?"), content: inJSON(ref(d.body))})
	create.parameters = append(create.parameters, d.include())
	d.add(p, create, answers, write, d.c.stale(), more, d.beside())
	d.options(p, false, false)
}

// filters are the parameters of a list that go by its indexes.
func (d *describer) filters() []parameter {
	var all []parameter
	var names []string
	for _, x := range d.c.Indexes {
		names = append(names, x.Name, "-"+x.Name)
		schema := map[string]string{"string": aString, "number": `{"type":"number"}`, "boolean": `{"type":"boolean"}`, "time": ref("Time")}[x.Type]
		all = append(all, query(x.Name, "Only documents with this "+x.Name+".", schema))
		for _, op := range []struct{ name, doc string }{{"gt", "greater than this"}, {"gte", "this or greater"}, {"lt", "less than this"}, {"lte", "this or less"}} {
			all = append(all, query(x.Name+"."+op.name, "Only documents whose "+x.Name+" is "+op.doc+".", schema))
		}
		all = append(all, query(x.Name+".in", "Only documents whose "+x.Name+" is one of these, separated by commas.", aString))
	}
	if names != nil {
		all = append([]parameter{query("sort", "The order; by id without it. A `-` in front is for descending.", `{"type":"string","enum":`+texts(names)+`}`)}, all...)
	}
	return all
}

// pageOf makes the schema of a page of a list, and returns it.
func (d *describer) pageOf() string {
	name := d.schema(d.noun+"Page", `{"type":"object","required":["items"],"properties":{"items":{"type":"array","items":{"type":"object","required":["id","etag","version","data"],"properties":{"id":{"type":"string"},"etag":`+
		ref("EntityTag")+`,"version":`+ref("Version")+`,"data":{"description":"The document, or what ?fields= names of it.","anyOf":[`+ref(d.body)+`,{"type":"object"}]}}}},"next":{"type":"string","description":"The cursor of the next page; left out on the last one."}}}`)
	return ref(name)
}
