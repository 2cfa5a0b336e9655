package openapi

import (
	_ "embed"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Document is a description, ready to be printed. It is immutable, and safe for
// concurrent use.
type Document struct {
	version string
	intro   string
	caller  Caller
	groups  []*group
	schemas []schemaOf // of collections, beside those that all documents share
	// outcomes is the schema of Ifmatch-Outcome.
	outcomes string
}

// group is what belongs to one collection, or to the server as a whole: a tag.
type group struct {
	name, doc string
	paths     []*path
}

// path is one path, with the operations on it.
type path struct {
	template   string
	parameters []parameter
	operations []*operation
}

// operation is one method of a path.
type operation struct {
	method, id, summary, doc string
	open                     bool // nobody is asked who they are
	parameters               []parameter
	body                     []media // of requests, nil for none
	responses                []response
}

// parameter is one thing that a request may say. Its key names it among the
// components; "" keeps it where it is.
type parameter struct {
	key, name, in, doc string
	required           bool
	schema             string // JSON text
}

// response is what is answered under one status.
type response struct {
	key     string // names it among the components; "" keeps it where it is
	status  int
	doc     string
	headers []header
	content []media
	codes   []string // of the problem that it is; nil for none
}

// header is one field of an answer.
type header struct {
	name     string
	required bool
}

// media is content of one type. Schemas and examples are JSON texts.
type media struct {
	kind, schema string
	examples     []example
}

// example is a piece of content. One with a key is a component of that name.
type example struct{ key, name, value string }

// schemaOf is a named schema.
type schemaOf struct{ name, text string }

//go:embed schemas.json
var sharedText []byte

// shared are the schemas that all descriptions have in common.
var shared = func() []schemaOf {
	v, err := jsonvalue.Parse(sharedText, jsonvalue.Limits{Depth: 100})
	if err != nil {
		panic("openapi: schemas.json: " + err.Error())
	}
	var all []schemaOf
	for _, m := range v.Members() {
		all = append(all, schemaOf{m.Name, string(m.Value.Append(nil))})
	}
	return all
}()

// ref returns the schema that refers to a named one.
func ref(name string) string { return `{"$ref":"#/components/schemas/` + name + `"}` }

// text prints a string of JSON.
func text(s string) string { return string(jsonvalue.String(s).Append(nil)) }

func newDocument(api *API) *Document {
	d := &Document{version: "1", caller: api.Caller}
	if n := len(api.Versions); n > 0 {
		d.version = api.Versions[n-1]
	}
	d.intro = "Documents that cannot lose an update. Read a document, keep its `ETag`, and send that in `If-Match` with your change: " +
		"if somebody else was faster, nothing is overwritten, and the answer says what changed.\n\n" +
		"`X-Request-Id` is repeated in every answer. Refusals are logged under the `correlationId` that they show."
	if api.Caller == CallerProxied {
		d.intro += "\n\nA proxy in front of this server authenticates callers. How is for whoever runs that to say."
	}
	return d
}
