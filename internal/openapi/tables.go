package openapi

import (
	"strconv"
	"strings"

	"github.com/ifmatch/ifmatch"
)

// field describes a header field, or a query parameter.
type field struct{ doc, schema string }

const (
	aString = `{"type":"string"}`
	aTag    = `{"$ref":"#/components/schemas/EntityTag"}`
	aTrue   = `{"type":"string","const":"true"}`
	aDate   = `{"type":"string","pattern":"^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$"}`
)

// answered are the header fields of answers.
var answered = map[string]field{
	"Accept-Encoding":                  {"What content may be coded with here: nothing.", `{"type":"string","const":"identity"}`},
	"Accept-Patch":                     {"What a PATCH may be (RFC 5789).", aString},
	"Accept-Ranges":                    {"No part of a document is sent by itself.", `{"type":"string","const":"none"}`},
	"Access-Control-Allow-Credentials": {"For pages of a listed origin.", aTrue},
	"Access-Control-Allow-Headers":     {"For pages of a listed origin.", aString},
	"Access-Control-Allow-Methods":     {"For pages of a listed origin.", aString},
	"Access-Control-Allow-Origin":      {"For pages of a listed origin.", aString},
	"Access-Control-Expose-Headers":    {"For pages of a listed origin.", aString},
	"Access-Control-Max-Age":           {"For pages of a listed origin.", aString},
	"Allow":                            {"The methods that do something here.", aString},
	"Api-Version":                      {"The one that was asked for.", aString},
	"Cache-Control":                    {"Who may store the answer. What may be stored is asked for again before each use.", aString},
	"Connection":                       {"A stream ends with its connection.", aString},
	"Content-Encoding":                 {"Larger answers are compressed for who accepts it. The entity tag is then that of the coding too.", `{"type":"string","enum":["zstd","gzip","br"]}`},
	"Content-Location":                 {"The path of what the body shows.", aString},
	"Content-Security-Policy":          {"The page loads nothing.", aString},
	"ETag":                             {"Names the state that is there. Send it in If-Match.", aTag},
	"Idempotent-Replayed":              {"The request was carried out before, and this is its answer once more.", aTrue},
	"Ifmatch-Dry-Run":                  {"Nothing was done.", aTrue},
	"Ifmatch-ETag":                     {"The document's own entity tag, where this answer is of something else, or not simply of what was sent. Send it in If-Match.", aTag},
	"Ifmatch-Outcome":                  {doc: "What became of a write."}, // with a schema of what there is
	"Ifmatch-Outranked":                {"The fields in which another source outranks the write.", aString},
	"Ifmatch-Warning":                  {"What a write without a precondition has done, and what to send: it is going to be refused.", aString},
	"Last-Modified":                    {"When the state came to be.", aDate},
	"Link":                             {"Other versions (RFC 5829), or the next page.", aString},
	"Location":                         {"The path of what was made, or of what stands in the way.", aString},
	"Preference-Applied":               {"Which preferences were followed (RFC 7240).", aString},
	"Repr-Digest":                      {"The digest of the body as it was sent (RFC 9530).", `{"type":"string","pattern":"^sha-(256|512)=:[A-Za-z0-9+/=]+:$"}`},
	"Retry-After":                      {"When to try again, in seconds.", `{"type":"integer","minimum":1}`},
	"Vary":                             {"What of a request decides about the answer.", aString},
	"WWW-Authenticate":                 {"What credentials are asked for (RFC 6750 §3).", aString},
	"X-Accel-Buffering":                {"Proxies are not to hold events back.", aString},
	"X-Content-Type-Options":           {"The type is what Content-Type says.", `{"type":"string","const":"nosniff"}`},
	"X-Request-Id":                     {"The one of the request.", aString},
}

// fields reads names of header fields, separated by spaces; a "?" behind one makes
// it optional. Those that every answer may have come with them.
func (d *describer) fields(names string) []header {
	var all []header
	has := make(map[string]bool)
	add := func(name string, required bool) {
		if !has[name] {
			has[name] = true
			all = append(all, header{name, required})
		}
	}
	for name := range strings.FieldsSeq(names) {
		bare := strings.TrimSuffix(name, "?")
		if bare == "Ifmatch-Warning" && !d.c.warns() {
			continue
		}
		add(bare, bare == name)
	}
	add("X-Request-Id", false)
	add("Api-Version", false)
	if d.api.Pages {
		for _, name := range []string{"Access-Control-Allow-Credentials", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Vary"} {
			add(name, false)
		}
	}
	return all
}

// asked are the header fields and the query parameters of requests. A query
// parameter begins with "?".
var asked = map[string]field{
	"?cursor":             {"Where the page begins: `next` of the page before.", aString},
	"?dryRun":             {"Answers as the write would be, and does nothing.", `{"type":"boolean"}`},
	"?fields":             {"Names of members, separated by commas, with dots for nesting: what is shown of each document.", aString},
	"?from":               {"The version to compare from.", `{"$ref":"#/components/schemas/Version"}`},
	"?id":                 {"Changes of one document alone.", aString},
	"?since":              {"Where to begin: `next` of the page before, or `now`. Without it, the oldest change that is kept.", aString},
	"?to":                 {"The version to compare to.", `{"$ref":"#/components/schemas/Version"}`},
	"Content-Digest":      {"The digest of the content (RFC 9530). Content that does not match is refused.", aString},
	"Idempotency-Key":     {"Has a write carried out once, however often it is sent: a text that nobody else comes upon, such as a UUID.", `{"type":"string","minLength":1,"maxLength":255}`},
	"If-Match":            {"The entity tag of the state that you have read, or `*` for any. Another state is not overwritten.", aString},
	"If-Modified-Since":   {"Answers 304 where nothing was changed since. Counts only without If-None-Match.", aString},
	"If-None-Match":       {"On a read, the entity tag that you have: 304 tells that nothing changed. On a write, `*` creates and never overwrites.", aString},
	"If-Unmodified-Since": {"As If-Match, by date. Counts only without If-Match.", aString},
	"Ifmatch-Client":      {"Names one of your programs or windows, so that what it has read is known apart from what others have.", aString},
	"Ifmatch-Lease":       {"The lease that you hold on the document.", aString},
	"Last-Event-ID":       {"Where a stream goes on: the id of the last event.", aString},
	"Prefer":              {"Preferences (RFC 7240), separated by commas.", aString},
	"Repr-Digest":         {"As Content-Digest.", aString},
	"Want-Repr-Digest":    {"`sha-256=1` asks for the digest of the body, and so does `sha-512=1`.", aString},
	"X-Request-Id":        {"Repeated in the answer. A UUID is what the answer is logged under, too.", `{"type":"string","maxLength":200}`},
}

// asks reads names of what is in the table; a "!" behind one makes it required.
func (d *describer) asks(names string) []parameter {
	var all []parameter
	for name := range strings.FieldsSeq(names) {
		bare := strings.TrimSuffix(name, "!")
		f, known := asked[bare]
		if !known {
			panic("openapi: nothing is known of " + bare)
		}
		p := parameter{key: bare, name: bare, in: "header", doc: f.doc, schema: f.schema, required: bare != name}
		if query, ok := strings.CutPrefix(bare, "?"); ok {
			p.key, p.name, p.in = query, query, "query"
		}
		if p.required {
			p.key += "-required"
		}
		all = append(all, p)
	}
	all = append(all, parameter{key: "X-Request-Id", name: "X-Request-Id", in: "header", doc: asked["X-Request-Id"].doc, schema: asked["X-Request-Id"].schema})
	return append(all, d.apiVersion())
}

// apiVersion is the parameter that every request may have.
func (d *describer) apiVersion() parameter {
	p := parameter{key: "Api-Version", name: "Api-Version", in: "header", doc: "The version of the API that you were made for.", schema: aString}
	if len(d.api.Versions) > 0 {
		p.schema = `{"type":"string","enum":` + texts(d.api.Versions) + `}`
		p.doc += " Another one is refused."
	}
	return p
}

func texts(all []string) string {
	quoted := make([]string, len(all))
	for i, one := range all {
		quoted[i] = text(one)
	}
	return "[" + strings.Join(quoted, ",") + "]"
}

// query is a parameter of one collection's queries.
func query(name, doc, schema string) parameter {
	return parameter{name: name, in: "query", doc: doc, schema: schema}
}

// limit is the parameter that bounds a page.
func (d *describer) limit() parameter {
	return parameter{key: "limit", name: "limit", in: "query", doc: "How many items a page has at most.",
		schema: `{"type":"integer","minimum":1,"maximum":` + strconv.Itoa(d.api.MaxPage) + `,"default":` + strconv.Itoa(d.api.DefaultPage) + `}`}
}

// include is the parameter that asks for members which bodies do not always have. Of
// sha256 it tells nothing: it is taken, and does nothing.
func (d *describer) include() parameter {
	var offers []string
	for _, of := range []struct {
		word string
		any  bool
	}{
		{"version", d.c.Dialect.BodyVersion != ifmatch.BodyVersionNone}, {"links", d.c.Links}, {"meta", d.c.Meta}, {"provenance", d.c.Contributions},
	} {
		if of.any {
			offers = append(offers, "`"+of.word+"`")
		}
	}
	doc := "What the body is to show beside the document: nothing is offered here."
	if offers != nil {
		doc = "What the body is to show beside the document, separated by commas: " + strings.Join(offers, ", ") + "."
	}
	word := "(" + strings.Join(d.api.Included, "|") + ")"
	return query("include", doc, `{"type":"string","pattern":"^`+word+`(,`+word+`)*$"}`)
}
