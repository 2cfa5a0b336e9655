package openapi

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/ifmatch/ifmatch/problem"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{"code": coded}).Parse(pageText))

// PagePolicy is the Content-Security-Policy of the page: it has its own style, and
// neither loads nor runs nor sends anything.
var PagePolicy = func() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// coded makes HTML of a sentence in which code stands between backquotes.
func coded(s string) template.HTML {
	var b strings.Builder
	for i, part := range strings.Split(s, "`") {
		part = template.HTMLEscapeString(part)
		if i%2 == 1 {
			part = "<code>" + part + "</code>"
		}
		b.WriteString(part)
	}
	return template.HTML(b.String()) //nolint:gosec // every part is escaped
}

// What the template is filled in with.
type (
	pageData struct {
		Style    template.CSS
		Intro    []string
		Groups   []pageGroup
		Problems []pageProblem
		Schemas  []pageSchema
	}
	pageGroup struct {
		Anchor, Name, Doc string
		Operations        []pageOperation
	}
	pageOperation struct {
		ID, Method, Path, Summary, Doc string
		Parameters                     []pageParameter
		Body                           []pageMedia
		Responses                      []pageResponse
	}
	pageParameter struct {
		Name, In, Doc, Values string
		Required              bool
	}
	pageMedia struct {
		Type, Schema string
		Examples     []string
	}
	pageResponse struct {
		Status       int
		Doc, Headers string
		Codes        []string
		Content      []pageMedia
	}
	pageProblem struct {
		Code, Title, Detail string
		Status              int
	}
	pageSchema struct{ Name, Text string }
)

// Page returns the description as a page to read, in HTML. It needs nothing else, and
// runs no script.
func (d *Document) Page() []byte {
	data := pageData{Style: template.CSS(pageStyle), Intro: strings.Split(d.intro, "\n\n")} //nolint:gosec // the style is ours
	for i, g := range d.groups {
		data.Groups = append(data.Groups, pageOf(g, i))
	}
	for _, code := range problem.Codes() {
		data.Problems = append(data.Problems, pageProblem{string(code), code.Title(), code.Detail(), code.Status()})
	}
	for _, s := range d.used(string(d.JSON())) {
		data.Schemas = append(data.Schemas, pageSchema{s.name, indented(s.text)})
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, &data); err != nil {
		panic("openapi: " + err.Error()) // the template fits the data, and a buffer takes everything
	}
	return b.Bytes()
}

func pageOf(g *group, number int) pageGroup {
	out := pageGroup{Anchor: fmt.Sprintf("section-%d", number), Name: g.name, Doc: g.doc}
	for _, p := range g.paths {
		for _, o := range p.operations {
			if o.method == http.MethodHead || o.method == http.MethodOptions {
				continue // which follow from the others
			}
			one := pageOperation{ID: o.id, Method: o.method, Path: p.template, Summary: o.summary, Doc: o.doc, Body: pageContent(o.body)}
			for _, x := range append(p.parameters[:len(p.parameters):len(p.parameters)], o.parameters...) {
				one.Parameters = append(one.Parameters, pageParameter{x.name, x.in, x.doc, valuesIn(x.schema), x.required})
			}
			for i := range o.responses {
				one.Responses = append(one.Responses, pageAnswer(&o.responses[i]))
			}
			out.Operations = append(out.Operations, one)
		}
	}
	return out
}

func pageAnswer(r *response) pageResponse {
	names := make([]string, len(r.headers))
	for i, h := range r.headers {
		names[i] = h.name
	}
	answer := pageResponse{Status: r.status, Doc: r.doc, Headers: strings.Join(names, ", "), Codes: r.codes}
	if r.codes == nil {
		answer.Content = pageContent(r.content)
	}
	return answer
}

func pageContent(all []media) []pageMedia {
	var content []pageMedia
	for _, m := range all {
		schema, ok := strings.CutPrefix(m.schema, `{"$ref":"#/components/schemas/`)
		if schema = strings.TrimSuffix(schema, `"}`); !ok {
			schema = ""
		}
		one := pageMedia{Type: m.kind, Schema: schema}
		for _, e := range m.examples {
			one.Examples = append(one.Examples, indented(e.value))
		}
		content = append(content, one)
	}
	return content
}

// valuesIn names the values that a schema lists, "" where it lists none.
func valuesIn(schema string) string {
	var names []string
	for _, v := range parse(schema).Lookup("enum").Elems() {
		names = append(names, v.Text())
	}
	if names == nil {
		return ""
	}
	return "One of " + strings.Join(names, ", ") + "."
}

// indented prints JSON on several lines.
func indented(text string) string {
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(text), "", "  "); err != nil {
		return text
	}
	return b.String()
}
