package httpapi

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"sync"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/openapi"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Where a server is described: as a document of OpenAPI 3.1, and as a page to read.
const (
	describedAt = "/openapi.json"
	pageAt      = "/_/api-docs"
)

// OpenAPI returns the description of what c serves. It looks at nothing that is stored.
func (c *Config) OpenAPI() *openapi.Document {
	api := openapi.API{Versions: c.APIVersions, Rated: c.Admission.Burst > 0, Pages: len(c.Origins) > 0, MaxPage: cmp.Or(c.MaxPage, defaultMaxPage),
		Outcomes: door.Outcomes(), Included: door.Included, Lines: auditLines}
	api.DefaultPage = min(defaultPage, api.MaxPage)
	switch {
	case c.Auth.Upstream != nil:
		api.Caller = openapi.CallerProxied
	case c.Auth.on():
		api.Caller = openapi.CallerBearer
	}
	for i := range c.Collections {
		one := &c.Collections[i]
		api.Collections = append(api.Collections, described(one, one.Name))
	}
	if c.Default != nil {
		api.Collections = append(api.Collections, described(&Collection{
			Path: "/v1/{collection}", Param: c.DefaultParam, Rules: c.Default, Dialect: c.DefaultDialect, Authority: c.DefaultAuthority, Links: c.DefaultLinks, Schema: c.DefaultSchema,
		}, ""))
	}
	return openapi.Describe(api)
}

// described is what a description says of a collection.
func described(c *Collection, name string) openapi.Collection {
	r := c.Rules
	d := openapi.Collection{
		Name: name, Path: c.Path, Param: cmp.Or(c.Param, "id"), Singleton: c.Singleton, Contract: r.Contract, Dialect: c.Dialect, Default: ifmatch.Strategy(r.OnStale),
		Links: r.Members.HasLinks(), Meta: r.Members.HasMeta(), Contributions: r.Contributions != nil, NaturalKey: r.Key != nil, Ruled: r.Reserved.Access, KeyRequired: r.KeyRequired, Schema: c.Schema,
	}
	for _, s := range r.Allow {
		d.Allow = append(d.Allow, ifmatch.Strategy(s))
	}
	for _, x := range r.Indexes {
		d.Indexes = append(d.Indexes, openapi.Index{Name: x.Name(), Type: string(x.Type())})
	}
	if r.Readers != nil {
		d.Hidden = r.Readers.Paths()
	}
	if r.Validate != nil {
		d.Valid = func(document jsonvalue.Value) bool { return len(r.Validate(document)) == 0 }
	}
	return d
}

// description is a form in which a server is described, under the tag of its bytes.
type description struct {
	kind string
	body []byte
	tag  ifmatch.ETag
}

func describe(kind string, body []byte) *description {
	sum := sha256.Sum256(body)
	tag, err := ifmatch.ParseETag(`"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`)
	if err != nil {
		panic("httpapi: " + err.Error()) // letters and digits are a tag
	}
	return &description{kind, body, tag}
}

// descriptions are made when the first is asked for.
type descriptions struct{ document, page func() *description }

func newDescriptions(c Config) descriptions {
	made := sync.OnceValue(c.OpenAPI)
	return descriptions{
		document: sync.OnceValue(func() *description { return describe("application/json", made().JSON()) }),
		page:     sync.OnceValue(func() *description { return describe("text/html; charset=utf-8", made().Page()) }),
	}
}

// describe answers with a description of the server, which whoever may ask for anything
// may read.
func (s *Server) describe(w http.ResponseWriter, r *http.Request, form func() *description) {
	s.serveMethod(w, r, methods{http.MethodGet: func(w http.ResponseWriter, r *http.Request) {
		d, h := form(), w.Header()
		conditions := ifmatch.Conditions{IfNoneMatch: s.door.Conditions(r).IfNoneMatch}
		notModified := ifmatch.Evaluate(http.MethodGet, conditions, ifmatch.State{Exists: true, ETag: d.tag}, ifmatch.Contract{}).Verdict == ifmatch.NotModified
		as := s.door.Represent(r, d.tag, len(d.body), &conditions, notModified)
		h.Set("ETag", as.ETag.String())
		s.door.SetCaching(h, &engine.Rules{})
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", openapi.PagePolicy)
		if notModified {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		as.SendAs(w, r, d.kind, d.body)
	}})
}
