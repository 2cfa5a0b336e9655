package openapi

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/problem"
)

// apis are several APIs, which between them have everything that can be described.
func apis() map[string]API {
	optional := ifmatch.MethodPreconditions{Put: ifmatch.PreconditionOptional, Patch: ifmatch.PreconditionTag, Delete: ifmatch.PreconditionRequired}
	schema := parse(`{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","required":["title"],"additionalProperties":false,
		"properties":{"title":{"type":"string","minLength":3},"tags":{"type":"array","items":{"$ref":"#/$defs/tag"}},"kind":{"enum":["a","b"]}},"$defs":{"tag":{"type":"string"}}}`)
	notes := Collection{Name: "notes", Path: "/v1/notes", Param: "id", Schema: schema, Meta: true}
	everything := Collection{
		Name: "users", Path: "/v1/orgs/{orgId}/users", Param: "userId", Links: true, Contributions: true, Meta: true, NaturalKey: true, Ruled: true,
		Contract: ifmatch.Contract{Token: ifmatch.TokenHash, AcceptWeak: true, Precondition: optional}, Default: ifmatch.StrategyMerge, Allow: []ifmatch.Strategy{ifmatch.StrategyPark},
		Dialect: ifmatch.Dialect{BodyVersion: ifmatch.BodyVersionAlways, VersionField: "/meta/version", VersionAsString: true, DigestField: "sha256", StaleStatus: 409, Envelope: true},
		Indexes: []Index{{"age", "number"}, {"address.city", "string"}, {"seen", "time"}, {"on", "boolean"}},
	}
	brand := Collection{Name: "brand", Path: "/v1/orgs/{orgId}/brand", Singleton: true, Schema: parse(`{"allOf":[{"$ref":"#/$defs/x"}],"$defs":{"x":{"type":"object"}}}`)}
	all := map[string]API{
		"zero":       {Collections: []Collection{{Path: "/v1/{collection}", Param: "id"}}, MaxPage: 1000},
		"schema":     {Collections: []Collection{notes}, MaxPage: 10, Versions: []string{"1", "2"}, Pages: true, Rated: true, Caller: CallerBearer},
		"everything": {Collections: []Collection{everything, brand, notes}, MaxPage: 1000, Caller: CallerProxied},
		"alike":      {Collections: []Collection{{Name: "no-tes", Path: "/a", Param: "id"}, {Name: "no.tes", Path: "/b", Param: "id"}, {Name: "Problem", Path: "/c", Param: "id", Contract: ifmatch.Contract{Token: ifmatch.TokenSigned}}}, MaxPage: 1000},
	}
	for name, api := range all {
		api.DefaultPage, api.Outcomes, api.Included, api.Lines = 10, []string{"created", "rejected"}, []string{"version", "links"}, []string{"application/jsonl"}
		all[name] = api
	}
	return all
}

// members walks over every value of a JSON text.
func members(v any, path string, each func(path string, v map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		each(path, v)
		for name, m := range v {
			members(m, path+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(name), each)
		}
	case []any:
		for i, e := range v {
			members(e, fmt.Sprint(path, "/", i), each)
		}
	}
}

func described(t *testing.T, api API) (document map[string]any, text []byte) {
	t.Helper()
	text = Describe(api).JSON()
	if _, err := jsonvalue.Parse(text, jsonvalue.Limits{Depth: 1000}); err != nil { // which refuses members that stand twice
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	return document, text
}

// TestReferences: every reference leads to something, every component is referred to,
// no two operations have one id, and each parameter of a path is said what it is.
func TestReferences(t *testing.T) {
	for name, api := range apis() {
		t.Run(name, func(t *testing.T) {
			document, text := described(t, api)
			whole, err := jsonvalue.Parse(text, jsonvalue.Limits{Depth: 1000})
			if err != nil {
				t.Fatal(err)
			}
			referred, ids := make(map[string]bool), make(map[string]bool)
			members(document, "", func(path string, v map[string]any) {
				if at, ok := v["$ref"].(string); ok {
					referred[at] = true
					p, err := jsonvalue.ParsePointer(strings.TrimPrefix(at, "#"))
					if err != nil || !strings.HasPrefix(at, "#/") || whole.At(p).IsAbsent() {
						t.Errorf("%s refers to %s, which is not there", path, at)
					}
				}
				if id, ok := v["operationId"].(string); ok {
					if ids[id] {
						t.Errorf("two operations are called %s", id)
					}
					ids[id] = true
				}
			})
			for kind, components := range document["components"].(map[string]any) {
				for name := range components.(map[string]any) {
					if at := "#/components/" + kind + "/" + name; kind != "securitySchemes" && !referred[at] {
						t.Errorf("nothing refers to %s", at)
					}
				}
			}
			for template, item := range document["paths"].(map[string]any) {
				var named []string
				declared, _ := item.(map[string]any)["parameters"].([]any)
				for _, p := range declared {
					named = append(named, p.(map[string]any)["name"].(string))
				}
				if want := parametersOf(template); !slices.Equal(named, want) {
					t.Errorf("%s has the parameters %v", template, named)
				}
			}
		})
	}
}

// TestEveryProblemIsTold: each code stands under its status, with an example that is a
// problem of that code, in the form that the collection has.
func TestEveryProblemIsTold(t *testing.T) {
	told := make(map[string]bool)
	for _, api := range apis() {
		document, _ := described(t, api)
		for name, e := range document["components"].(map[string]any)["examples"].(map[string]any) {
			value := e.(map[string]any)["value"].(map[string]any)
			if inner, envelope := value["error"].(map[string]any); envelope != strings.HasSuffix(name, ".envelope") {
				t.Errorf("%s has an example of another form: %v", name, value)
			} else if envelope {
				value = inner
			}
			code, _, _ := strings.Cut(name, ".")
			if value["type"] != problem.TypePrefix+code {
				t.Errorf("%s is a %v", name, value["type"])
			}
			told[code] = true
		}
	}
	for _, code := range problem.Codes() {
		if !told[string(code)] {
			t.Errorf("no operation is said to be refused with %s", code)
		}
	}
}

// TestContract: what a contract says decides what is described.
func TestContract(t *testing.T) {
	all := apis()
	at := func(api string, path ...string) any {
		document, _ := described(t, all[api])
		var v any = document
		for _, name := range path {
			switch of := v.(type) {
			case map[string]any:
				v = of[name]
			case []any:
				v = nil
				for _, one := range of {
					if one.(map[string]any)["$ref"] == name {
						v = true
					}
				}
			}
		}
		return v
	}
	const user, note = "/v1/orgs/{orgId}/users/{userId}", "/v1/notes/{id}"
	ref := func(kind, name string) string { return "#/components/" + kind + "/" + name }
	for _, tt := range []struct {
		name string
		got  any
		want any
	}{
		{"If-Match is required of a DELETE", at("everything", "paths", user, "delete", "parameters", ref("parameters", "If-Match-required")), true},
		{"the content can stand for it in a PATCH", at("everything", "paths", user, "patch", "parameters", ref("parameters", "If-Match")), true},
		{"a PUT without it creates", at("schema", "paths", note, "put", "parameters", ref("parameters", "If-Match")), true},
		{"stale writes have the contract's status", at("everything", "paths", user, "put", "responses", "409", "$ref"), ref("responses", "409.base-unavailable.duplicate.idempotency-in-flight.merge-conflict.outranked.stale.weak-validator.envelope")},
		{"a false If-None-Match has its own", at("everything", "paths", user, "put", "responses", "412", "$ref"), ref("responses", "412.exists.lease-expired.stale.envelope")},
		{"an optional precondition is never missed", at("everything", "paths", user, "put", "responses", "428"), nil},
		{"parking", at("everything", "paths", user, "put", "responses", "202", "content", "application/json", "schema", "$ref"), ref("schemas", "Parked")},
		{"no parking", at("schema", "paths", note, "put", "responses", "202"), nil},
		{"nobody is asked for health", at("schema", "paths", "/healthz", "get", "security"), []any{}},
		{"a singleton has no list", at("everything", "paths", "/v1/orgs/{orgId}/brand", "post"), nil},
		{"no contributions", at("schema", "paths", note+"/_contributions"), nil},
		{"versions", at("schema", "components", "parameters", "Api-Version", "schema", "enum"), []any{"1", "2"}},
		{"pages", at("schema", "components", "parameters", "limit", "schema", "maximum"), 10.0},
		{"the schema's own reference", at("schema", "components", "schemas", "Notes", "properties", "tags", "items", "$ref"), "#/components/schemas/Notes/$defs/tag"},
		{"what the contract adds fits too", at("schema", "components", "schemas", "Notes", "properties", "_meta", "$ref"), ref("schemas", "HistoryEntry")},
		{"an example", at("schema", "paths", note, "get", "responses", "200", "content", "application/json", "examples", "document", "value", "title"), "AAA"},
	} {
		if fmt.Sprint(tt.got) != fmt.Sprint(tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

// TestHidden: what only some callers see is in no example, default, constant or list of
// values.
func TestHidden(t *testing.T) {
	for name, tt := range map[string]struct{ schema, hidden string }{
		"a member":        {`{"type":"object","required":["pay"],"properties":{"pay":{"const":"secret"},"title":{"type":"string","default":"secret"}},"examples":[{"pay":"secret"}]}`, "/pay"},
		"an inner member": {`{"type":"object","properties":{"a":{"type":"object","properties":{"pay":{"enum":["secret"]}},"example":{"pay":"secret"}}}}`, "/a/pay"},
		"of elements":     {`{"type":"object","properties":{"list":{"type":"array","items":{"type":"object","required":["pay"],"properties":{"pay":{"default":"secret"}}}}}}`, "/list/*/pay"},
		"elsewhere":       {`{"type":"object","allOf":[{"properties":{"pay":{"const":"secret"}}}]}`, "/pay"},
		"referred to":     {`{"type":"object","properties":{"a":{"$ref":"#/$defs/a"}},"$defs":{"a":{"properties":{"pay":{"const":"secret"}}}}}`, "/a/pay"},
		"of any name":     {`{"type":"object","patternProperties":{"^p":{"const":"secret"}}}`, "/pay"},
		"by its own name": {`{"$id":"urn:x","type":"object","properties":{"pay":{"const":"secret"}}}`, "/pay"},
	} {
		t.Run(name, func(t *testing.T) {
			c := Collection{Name: "staff", Path: "/v1/staff", Param: "id", Hidden: []string{tt.hidden}, Schema: parse(tt.schema)}
			d := Describe(API{Collections: []Collection{c}, MaxPage: 1000})
			for _, text := range [][]byte{d.JSON(), d.Page()} {
				if strings.Contains(string(text), "secret") {
					t.Errorf("a hidden value is given away: %s", text[strings.Index(string(text), "secret")-100:][:200])
				}
				if strings.Contains(string(text), `"required":["pay"]`) {
					t.Error("what may be hidden is said to be there always")
				}
			}
		})
	}
}

// TestPage: the page has every operation, and loads nothing.
func TestPage(t *testing.T) {
	for name, api := range apis() {
		d := Describe(api)
		page := string(d.Page())
		for _, g := range d.groups {
			for _, p := range g.paths {
				for _, o := range p.operations {
					if there := strings.Contains(page, `<details id="`+o.id+`">`); there == (o.method == "HEAD" || o.method == "OPTIONS") {
						t.Errorf("%s: %s is on the page: %t", name, o.id, there)
					}
				}
			}
		}
		for _, loads := range []string{"<script", "src=", "@import", "url(", "http://", `href="https://`, " onclick"} {
			if strings.Contains(page, loads) {
				t.Errorf("%s: the page has %s", name, loads)
			}
		}
	}
	_, style, _ := strings.Cut(string(Describe(apis()["zero"]).Page()), "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	sum := sha256.Sum256([]byte(style))
	if own := base64.StdEncoding.EncodeToString(sum[:]); !strings.Contains(PagePolicy, "style-src 'sha256-"+own+"'") {
		t.Errorf("browsers would not take the style of the page: it is %s, and the policy %s", own, PagePolicy)
	}
	c := Collection{Name: "notes", Path: "/v1/notes", Param: "id", Schema: parse(`{"type":"object","title":"<script>alert(1)</script>"}`)}
	if page := string(Describe(API{Collections: []Collection{c}, MaxPage: 1}).Page()); strings.Contains(page, "<script") {
		t.Error("what the policy says is not escaped")
	}
}
