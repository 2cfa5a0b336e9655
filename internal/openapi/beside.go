package openapi

import (
	"net/http"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/problem"
)

const noStored = "Cache-Control Repr-Digest?"

// reads adds a GET that nobody may store the answer of.
func (d *describer) reads(p *path, id, summary, asks string, ok response, more ...refusals) {
	o := &operation{method: http.MethodGet, id: id, summary: summary, parameters: d.asks(asks)}
	if ok.status = http.StatusOK; asks == "?cursor" {
		o.parameters = append(o.parameters, d.limit())
	}
	d.add(p, o, []response{ok}, append(more, read, of(problem.NotFound))...)
}

// fieldsOfDocument describes the values in a document, each by itself.
func (d *describer) fieldsOfDocument() {
	const doc = "Tags and preconditions are those of the value, so that who edits another part of the document is not in the way."
	for _, at := range []string{"/_fields", "/_fields/{member}"} {
		p := d.at(d.item + at)
		noun, in := d.noun+"Member", []parameter(nil)
		if at == "/_fields" {
			noun = d.noun + "Value"
			in = []parameter{{name: "pointer", in: "query", doc: "Which value, as a JSON Pointer (RFC 6901).", required: true, schema: `{"type":"string","pattern":"^/"}`}}
		}
		get := &operation{method: http.MethodGet, id: "read" + noun, summary: "Read one value of a document", doc: doc, parameters: append(d.asks(asksOfRead), in...)}
		d.add(p, get, []response{
			{status: http.StatusOK, doc: "The value.", headers: d.fields(fieldsOfRead + fieldsOfContent), content: inJSON(ref("AnyValue"))},
			{status: http.StatusNotModified, doc: "It is as you know it.", headers: d.fields(fieldsOfRead)},
		}, read, unmatched, of(problem.NotFound))
		rule := d.c.Contract.Precondition
		d.writesField(p, in, &operation{method: http.MethodPut, id: "put" + noun, summary: "Set one value of a document", doc: doc, body: inJSON(ref("AnyValue"))}, rule.Put)
		d.writesField(p, in, &operation{method: http.MethodPatch, id: "patch" + noun, summary: "Change one value of a document", doc: doc, body: patches()}, rule.Patch)
		d.writesField(p, in, &operation{method: http.MethodDelete, id: "delete" + noun, summary: "Remove one value of a document", doc: doc}, rule.Delete)
		d.options(p, true, false)
	}
}

func (d *describer) writesField(p *path, in []parameter, o *operation, rule ifmatch.Precondition) {
	more := of(problem.NotFound, problem.Invalid)
	asks := d.conditions(rule, o.method == http.MethodPut, false) + d.asksOfWrite()
	answers := []response{{status: http.StatusNoContent, doc: "The value is gone, or not shown as you prefer.", headers: d.fields(fieldsOfWrite)}}
	if o.method != http.MethodDelete {
		asks += " Content-Digest Repr-Digest Want-Repr-Digest"
		more = append(more, of(problem.UnsupportedMediaType)...)
		answers = append(answers, response{status: http.StatusOK, doc: "The value as it is now.", headers: d.fields(fieldsOfWrite), content: inJSON(ref("AnyValue"))},
			response{status: http.StatusCreated, doc: "It was created.", headers: d.fields(fieldsOfWrite), content: inJSON(ref("AnyValue"))})
	}
	more = append(more, of(problem.PatchTestFailed, problem.PatchInapplicable)...)
	o.parameters = append(d.asks(asks), in...)
	d.add(p, o, answers, write, d.c.stale(), more, d.required(rule), d.duplicate(), d.beside())
}

// history describes what was.
func (d *describer) history() {
	p := d.at(d.item + "/_history")
	d.reads(p, "history"+d.noun, "List the versions of a document, the newest first", "?cursor", response{doc: "A page of its history.", headers: d.fields(noStored), content: inJSON(page("HistoryEntry"))})
	d.options(p, false, false)

	p = d.at(d.item + "/_history/{versionNumber}")
	get := &operation{method: http.MethodGet, id: "readVersion" + d.noun, summary: "Read one version of a document", parameters: append(d.asks(asksOfRead), d.include())}
	d.add(p, get, []response{
		{status: http.StatusOK, doc: "The document as it was.", headers: d.fields(fieldsOfRead + fieldsOfContent + " Last-Modified? Link"), content: inJSON(ref(d.body))},
		{status: http.StatusNotModified, doc: "You have it.", headers: d.fields(fieldsOfRead + " Last-Modified? Link")},
	}, read, unmatched, of(problem.NotFound))
	d.options(p, false, false)

	p = d.at(d.item + "/_diff")
	d.reads(p, "diff"+d.noun, "Tell what changed between two versions", "?from! ?to!", response{doc: "A JSON Patch, or a merge patch for who prefers that in Accept.", headers: d.fields(noStored + " Vary"), content: []media{
		{kind: "application/json-patch+json", schema: ref("JSONPatch"), examples: []example{{name: "change", value: `[{"op":"replace","path":"/title","value":"B"}]`}}},
		{kind: "application/merge-patch+json", schema: ref("AnyValue")},
	}}, refusals{{problem.PatchInapplicable, http.StatusNotAcceptable}})
	d.options(p, false, false)

	p = d.at(d.item + "/_blame")
	blame := &operation{method: http.MethodGet, id: "blame" + d.noun, summary: "Tell which version gave a document each of its values", parameters: append(d.asks(asksOfRead), query("pointer", "The part of the document that is asked about.", ref("Pointer")))}
	d.add(p, blame, []response{
		{status: http.StatusOK, doc: "A member for each leaf.", headers: d.fields(fieldsOfRead + fieldsOfContent), content: inJSON(ref("Blame"), example{name: "title", value: `{"/title":{"version":2,"at":"2026-11-20T18:00:00Z","by":"ann"}}`})},
		{status: http.StatusNotModified, doc: "It is as you know it.", headers: d.fields(fieldsOfRead)},
	}, read, unmatched, of(problem.NotFound), refusals{{problem.TooLarge, http.StatusNotAcceptable}})
	d.options(p, false, false)
}

// lease describes the lease on a document.
func (d *describer) lease() {
	p := d.at(d.item + "/_lease")
	more := []refusals{write, d.c.stale(), of(problem.NotFound, problem.Invalid, problem.UnsupportedMediaType)}
	shown := inJSON(ref("Lease"), example{name: "lease", value: `{"lease":"AAAAAAAAAAAAAAAAAAAAAA","fencing":1,"expiresAt":"2026-11-20T18:00:05Z"}`})
	body := inJSON(ref("LeaseRequest"), example{name: "five seconds", value: `{"ttlMs":5000}`})
	const conditions = "If-Match If-None-Match If-Unmodified-Since "
	d.add(p, &operation{method: http.MethodPost, id: "lease" + d.noun, summary: "Take a lease on a document", doc: "Nobody else writes it until the lease ends. `Prefer: wait=5` waits for it in line.", body: body, parameters: d.asks(conditions + asksOfLease)},
		[]response{{status: http.StatusCreated, doc: "You hold it.", headers: d.fields(fieldsBeside), content: shown}}, more...)
	d.add(p, &operation{method: http.MethodPut, id: "renewLease" + d.noun, summary: "Renew a lease", body: body, parameters: d.asks(conditions + "Ifmatch-Lease! " + asksOfLease)},
		[]response{{status: http.StatusOK, doc: "It ends later now.", headers: d.fields(fieldsBeside), content: shown}}, more...)
	d.add(p, &operation{method: http.MethodDelete, id: "releaseLease" + d.noun, summary: "Give a lease back", parameters: d.asks(conditions + "Ifmatch-Lease! " + asksOfLease)},
		[]response{{status: http.StatusNoContent, doc: "The document is free.", headers: d.fields(fieldsBeside)}}, more...)
	d.options(p, false, false)
}

// conflicts describes writes that are kept for somebody to decide. They stay to be
// decided where the policy does not park any more.
func (d *describer) conflicts() {
	p := d.at(d.item + "/_conflicts")
	d.reads(p, "listConflicts"+d.noun, "List the writes of a document that wait for a decision", "?cursor", response{doc: "A page of them, the oldest first.", headers: d.fields(noStored + " Ifmatch-ETag"), content: inJSON(page("OpenConflict"))})
	d.options(p, false, false)

	p = d.at(d.item + "/_conflicts/{conflictId}")
	d.reads(p, "readConflict"+d.noun, "Read one of them", "", response{doc: "What it disputes of the current document.", headers: d.fields(noStored + " Ifmatch-ETag"), content: inJSON(ref("OpenConflict"))})
	d.add(p, &operation{method: http.MethodDelete, id: "discardConflict" + d.noun, summary: "Discard one of them", parameters: d.asks("If-Match If-None-Match If-Unmodified-Since " + d.asksOfWrite())},
		[]response{{status: http.StatusNoContent, doc: "It was discarded.", headers: d.fields(fieldsBeside)}}, write, d.c.stale(), of(problem.NotFound))
	d.options(p, false, false)

	p = d.at(d.item + "/_conflicts/{conflictId}/resolve")
	o := &operation{method: http.MethodPost, id: "resolveConflict" + d.noun, summary: "Decide about one of them", parameters: append(d.asks("If-Match! Ifmatch-Lease "+d.asksOfWrite()), d.include()),
		body: inJSON(ref("Resolution"), example{name: "choices", value: `{"choices":{"/title":"yours","/body":"theirs","/n":{"value":3}}}`})}
	settle := refusals{{problem.MergeConflict, d.c.Dialect.StaleStatus}, {problem.BaseUnavailable, d.c.Dialect.StaleStatus}}
	d.add(p, o, d.written(), write, d.c.stale(), settle, of(problem.NotFound, problem.Invalid, problem.UnsupportedMediaType, problem.PreconditionRequired, problem.PatchInapplicable, problem.PatchTestFailed), d.duplicate(), d.beside())
	d.options(p, false, false)
}

// contributions describes what a document is made of.
func (d *describer) contributions() {
	p := d.at(d.item + "/_contributions")
	d.reads(p, "listContributions"+d.noun, "List what sources say about a document", "?cursor", response{doc: "A page of contributions, in the order in which they came.", headers: d.fields(noStored), content: inJSON(page("Contribution"))})
	told := inJSON(ref("Contributed"), example{name: "contribution", value: `{"id":"0199a4c1-7e00-7000-8000-000000000000","etag":"\"2\"","version":2}`})
	d.add(p, &operation{method: http.MethodPost, id: "contribute" + d.noun, summary: "Contribute what a source says about a document", parameters: d.asks("If-Match If-None-Match If-Unmodified-Since Ifmatch-Lease Content-Digest Repr-Digest Want-Repr-Digest " + d.asksOfWrite()),
		body: inJSON(ref("NewContribution"), example{name: "contribution", value: `{"source":"crm","confidence":0.8,"observedAt":"2026-11-20T18:00:00Z","data":{"title":"A"}}`})}, []response{
		{status: http.StatusCreated, doc: "It counts.", headers: d.fields(fieldsBeside + " Location?"), content: told},
		{status: http.StatusOK, doc: "It was there already.", headers: d.fields(fieldsBeside + " Location?"), content: told},
		{status: http.StatusNoContent, doc: "As 200, without the body that you prefer not to have.", headers: d.fields(fieldsBeside + " Location?")},
	}, write, d.c.stale(), of(problem.NotFound, problem.Invalid, problem.UnsupportedMediaType), d.duplicate())
	d.options(p, false, false)

	p = d.at(d.item + "/_contributions/{contributionId}")
	d.reads(p, "readContribution"+d.noun, "Read one contribution", "", response{doc: "The contribution.", headers: d.fields(noStored), content: inJSON(ref("Contribution"))})
	d.add(p, &operation{method: http.MethodDelete, id: "withdrawContribution" + d.noun, summary: "Withdraw one contribution", parameters: d.asks("If-Match If-None-Match If-Unmodified-Since Ifmatch-Lease " + d.asksOfWrite())},
		[]response{{status: http.StatusNoContent, doc: "It counts no more.", headers: d.fields(fieldsBeside)}}, write, d.c.stale(), of(problem.NotFound, problem.Invalid), d.duplicate())
	d.options(p, false, false)
}
