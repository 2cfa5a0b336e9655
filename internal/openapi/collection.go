package openapi

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/problem"
)

// The header fields of answers, by what they are answers to.
const (
	fieldsOfRead    = "ETag Ifmatch-ETag? Cache-Control Vary"
	fieldsOfContent = " Accept-Ranges? Content-Encoding? Repr-Digest?"
	fieldsOfWrite   = "Cache-Control Ifmatch-Outcome ETag? Ifmatch-ETag? Last-Modified? Content-Location? Preference-Applied? Idempotent-Replayed? Ifmatch-Dry-Run? Ifmatch-Outranked? Ifmatch-Warning? Repr-Digest?"
	fieldsBeside    = "Cache-Control Ifmatch-Outcome Ifmatch-ETag? Preference-Applied? Idempotent-Replayed? Ifmatch-Dry-Run? Repr-Digest?"
	asksOfRead      = "If-Match If-None-Match If-Unmodified-Since If-Modified-Since Want-Repr-Digest"
)

// asksOfWrite are what every write may say.
func (d *describer) asksOfWrite() string {
	if d.c.KeyRequired {
		return "Idempotency-Key! Prefer ?dryRun"
	}
	return asksOfLease
}

// asksOfReader are what a read of a document may say.
func (d *describer) asksOfReader() string {
	if d.c.Contract.Precondition.Observes() {
		return asksOfRead + " Ifmatch-Client"
	}
	return asksOfRead
}

// asksOfLease are what a request about a lease may say, which needs no key.
const asksOfLease = "Idempotency-Key Prefer ?dryRun"

// collection describes a collection.
func (d *describer) collection(c *Collection) {
	d.c, d.path, d.noun = c, c.Path, pascal(c.Name)
	name := c.Name
	if name == "" {
		name, d.noun = "any collection", "Document"
	}
	if d.item = c.Path + "/{" + c.Param + "}"; c.Singleton {
		d.item = c.Path
	}
	d.group(name, d.about())
	d.describeBody()
	if !c.Singleton {
		d.list()
	}
	d.document()
	d.fieldsOfDocument()
	d.history()
	d.lease()
	d.conflicts()
	if c.Contributions {
		d.contributions()
	}
	d.changes(d.path+"/_changes", d.noun)
}

// about says what is worth knowing of a collection as a whole.
func (d *describer) about() string {
	c := d.c
	said := []string{"An entity tag is made of the version of a document."}
	switch c.Contract.Token {
	case ifmatch.TokenHash:
		said[0] = "An entity tag is made of the content of a document: equal content has equal tags."
	case ifmatch.TokenSigned:
		said[0] = "An entity tag is opaque, and none but the server can make one."
	}
	switch c.Contract.Precondition {
	case ifmatch.MethodPreconditions{}:
		said = append(said, "A write of a document that is there needs a precondition, such as `If-Match`.")
	case ifmatch.MethodPreconditions{Put: ifmatch.PreconditionOptional, Patch: ifmatch.PreconditionOptional, Delete: ifmatch.PreconditionOptional}:
		said = append(said, "A write without a precondition overwrites what is there.")
	default:
		said = append(said, "Preconditions: PUT "+c.Contract.Precondition.Put.String()+", PATCH "+c.Contract.Precondition.Patch.String()+", DELETE "+c.Contract.Precondition.Delete.String()+".")
	}
	if c.Contract.AcceptWeak {
		said = append(said, "`If-Match` takes weak tags.")
	}
	if field := c.versionField(); c.takesVersion() {
		said = append(said, "Every body shows its version as `"+field+"`. Sent back with a PUT or a merge patch, it does what `If-Match` does.")
	}
	if strategies := c.strategies(); len(strategies) > 1 {
		said = append(said, "What a stale write may ask for with `Prefer: conflict=…`: "+strings.Join(strategies, ", ")+"; by default "+strategies[0]+".")
	}
	if c.Ruled {
		said = append(said, "Not everybody may do everything: what you may not know of is not found, what you may not do is forbidden.")
	}
	if len(c.Hidden) > 0 {
		said = append(said, "Some members are shown to some callers alone.")
	}
	return strings.Join(said, " ")
}

// strategies are what callers may ask for, the default first.
func (c *Collection) strategies() []string {
	all := []string{string(cmp.Or(c.Default, ifmatch.StrategyReject))}
	for _, s := range append([]ifmatch.Strategy{ifmatch.StrategyReject}, c.Allow...) {
		if !slices.Contains(all, string(s)) {
			all = append(all, string(s))
		}
	}
	return all
}

// beside are the refusals of writes that some policies add.
func (d *describer) beside() refusals {
	var all refusals
	if d.c.Ruled {
		all = append(all, of(problem.NotFound)...)
	}
	if d.c.Contributions {
		all = append(all, of(problem.Outranked)...)
	}
	return all
}

// needs words what a method needs.
func (d *describer) needs(p ifmatch.Precondition) string {
	switch p {
	case ifmatch.PreconditionOptional:
		return "Without a precondition it overwrites what is there."
	case ifmatch.PreconditionObserve, ifmatch.PreconditionWarn:
		return "Without a precondition it overwrites what is there, and that is noted: it is going to be refused."
	case ifmatch.PreconditionTag:
		return "A document that is there is changed under an entity tag in If-Match alone."
	}
	return "A document that is there is changed under a precondition alone: as a rule If-Match, else If-Unmodified-Since."
}

// conditions are the parameters of a write that names what it is based on. Whether
// If-Match is required is what the contract says where nothing else can stand for it.
func (d *describer) conditions(p ifmatch.Precondition, creates, body bool) string {
	match := "If-Match"
	if demanded(p) && !creates && !(body && d.c.takesVersion()) {
		match += "!"
	}
	if d.c.Contract.Precondition.Observes() {
		match += " Ifmatch-Client"
	}
	return match + " If-None-Match If-Unmodified-Since Ifmatch-Lease "
}

// document describes a document.
func (d *describer) document() {
	p, rule := d.at(d.item), d.c.Contract.Precondition
	get := &operation{method: http.MethodGet, id: "read" + d.noun, summary: "Read a document", parameters: append(d.asks(d.asksOfReader()), d.include())}
	d.add(p, get, []response{
		{status: http.StatusOK, doc: "The document.", headers: d.fields(fieldsOfRead + fieldsOfContent + " Last-Modified?"), content: inJSON(ref(d.body), d.examples()...)},
		{status: http.StatusNotModified, doc: "It is as you know it.", headers: d.fields(fieldsOfRead + " Last-Modified?")},
	}, read, unmatched, of(problem.NotFound))

	put := &operation{method: http.MethodPut, id: "put" + d.noun, summary: "Create or replace a document", doc: d.needs(rule.Put), body: inJSON(ref(d.body), d.examples()...)}
	put.parameters = append(d.asks(d.conditions(rule.Put, true, true)+"Content-Digest Repr-Digest Want-Repr-Digest "+d.asksOfWrite()), d.include())
	d.add(p, put, append(d.written(), response{status: http.StatusCreated, doc: "It was created.", headers: d.fields(fieldsOfWrite), content: inJSON(ref(d.body), d.examples()...)}),
		write, d.c.stale(), of(problem.UnsupportedMediaType, problem.Invalid), d.required(rule.Put), d.duplicate(), d.beside())

	patch := &operation{method: http.MethodPatch, id: "patch" + d.noun, summary: "Change a document", doc: d.needs(rule.Patch), body: patches()}
	patch.parameters = append(d.asks(d.conditions(rule.Patch, false, true)+"Content-Digest Repr-Digest Want-Repr-Digest "+d.asksOfWrite()), d.include())
	d.add(p, patch, d.written(), write, d.c.stale(), of(problem.NotFound, problem.UnsupportedMediaType, problem.Invalid, problem.PatchTestFailed, problem.PatchInapplicable),
		d.required(rule.Patch), d.duplicate(), d.beside())

	remove := &operation{method: http.MethodDelete, id: "delete" + d.noun, summary: "Delete a document", doc: d.needs(rule.Delete)}
	remove.parameters = d.asks(d.conditions(rule.Delete, false, false) + d.asksOfWrite())
	d.add(p, remove, []response{{status: http.StatusNoContent, doc: "It was deleted.", headers: d.fields(fieldsOfWrite)}},
		write, d.c.stale(), of(problem.NotFound), d.required(rule.Delete))
	d.options(p, true, false)
}

// patches is the content of a PATCH of a document.
func patches() []media {
	const merge = `{"title":"B"}`
	const operations = `[{"op":"replace","path":"/title","value":"B"}]`
	return []media{
		{kind: "application/merge-patch+json", schema: ref("MergePatch"), examples: []example{{name: "change", value: merge}}},
		{kind: "application/json-patch+json", schema: ref("JSONPatch"), examples: []example{{name: "change", value: operations}}},
		{kind: "application/json", schema: ref("MergePatch")},
	}
}

// written are the answers to a write that went through.
func (d *describer) written() []response {
	all := []response{
		{status: http.StatusOK, doc: "The document as it is now.", headers: d.fields(fieldsOfWrite), content: inJSON(ref(d.body), d.examples()...)},
		{status: http.StatusNoContent, doc: "As 200, without the body that you prefer not to have.", headers: d.fields(fieldsOfWrite)},
	}
	if d.c.parks() {
		all = append(all, response{status: http.StatusAccepted, doc: "It was not stored. It disputes a change that was, and is kept at Location until somebody decides.",
			headers: d.fields("Cache-Control Ifmatch-Outcome Preference-Applied Location? Idempotent-Replayed? Ifmatch-Dry-Run? Repr-Digest?"), content: inJSON(ref("Parked"))})
	}
	return all
}

func (d *describer) required(p ifmatch.Precondition) refusals {
	if !demanded(p) {
		return nil
	}
	return of(problem.PreconditionRequired)
}

// demanded tells whether a write without a precondition is refused.
func demanded(p ifmatch.Precondition) bool {
	return p == ifmatch.PreconditionRequired || p == ifmatch.PreconditionTag
}

func (d *describer) duplicate() refusals {
	if !d.c.NaturalKey {
		return nil
	}
	return of(problem.Duplicate)
}

// page makes the schema of a page of what is beside a document.
func page(of string) string {
	return `{"type":"object","required":["items"],"properties":{"items":{"type":"array","items":` + ref(of) + `},"next":{"type":"string","description":"The cursor of the next page; left out on the last one."}}}`
}

// schema names a schema of the collection.
func (d *describer) schema(name, text string) string {
	for n, taken := 2, name; ; n++ {
		if !d.doc.has(taken) {
			d.doc.schemas = append(d.doc.schemas, schemaOf{taken, text})
			return taken
		}
		taken = name + strconv.Itoa(n)
	}
}

func (d *Document) has(name string) bool {
	is := func(s schemaOf) bool { return s.name == name }
	return slices.ContainsFunc(shared, is) || slices.ContainsFunc(d.schemas, is)
}
