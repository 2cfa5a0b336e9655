package openapi

import (
	"net/http"

	"github.com/ifmatch/ifmatch/problem"
)

// changes describes a feed.
func (d *describer) changes(at, noun string) {
	p := d.at(at)
	o := &operation{method: http.MethodGet, id: "follow" + noun, summary: "Follow changes",
		doc:        "`Prefer: wait=30` waits for one. With `Accept: text/event-stream` it is a live stream: each event has a cursor as its id, `change` as its name and an entry of the feed as its data.",
		parameters: append(d.asks("?since Prefer Last-Event-ID Want-Repr-Digest"), d.limit(), query("include", "`data` shows documents too.", `{"type":"string","enum":["data"]}`))}
	if d.c != nil {
		o.parameters = append(o.parameters, d.asks("?id")[0])
	}
	content := append(inJSON(ref("FeedPage"), example{name: "one change", value: `{"items":[{"id":"1","version":2,"etag":"\"2\"","action":"put","at":"2026-11-20T18:00:00Z","by":"ann"}],"next":"CURSOR"}`}),
		media{kind: "text/event-stream", schema: `{"type":"string"}`})
	d.add(p, o, []response{{status: http.StatusOK, doc: "A page of changes, or a stream of them.", headers: d.fields("Cache-Control Vary? Preference-Applied? X-Accel-Buffering? Connection?" + fieldsOfContent), content: content}},
		read, of(problem.Resync))
	d.options(p, false, false)
}

// server describes what belongs to no collection.
func (d *describer) server() {
	d.c, d.noun, d.path = nil, "", ""
	d.group("server", "What belongs to no collection.")
	d.changes("/_changes", "Everything")
	d.audit()
	d.batch()

	for _, at := range []struct{ path, id, summary string }{
		{"/healthz", "health", "Tell whether the server runs"}, {"/readyz", "ready", "Tell whether it takes writes"},
	} {
		p := d.at(at.path)
		o := &operation{method: http.MethodGet, id: at.id, summary: at.summary, open: true, parameters: d.asks("")}
		d.add(p, o, []response{{status: http.StatusOK, doc: "It does.", headers: d.fields(noStored), content: inJSON(ref("Health"))}}, of(problem.ReadOnly))
		d.options(p, false, true)
	}
	for _, at := range []struct{ path, id, summary, kind, schema string }{
		{"/openapi.json", "describe", "This description, in OpenAPI 3.1", "application/json", `{"type":"object","required":["openapi","info","paths"]}`},
		{"/_/api-docs", "readDescription", "This description, as a page", "text/html", aString},
	} {
		p := d.at(at.path)
		o := &operation{method: http.MethodGet, id: at.id, summary: at.summary, parameters: d.asks("If-None-Match Want-Repr-Digest")}
		d.add(p, o, []response{
			{status: http.StatusOK, doc: "What the policy makes.", headers: d.fields("ETag Cache-Control Vary Content-Security-Policy? X-Content-Type-Options?" + fieldsOfContent), content: []media{{kind: at.kind, schema: at.schema}}},
			{status: http.StatusNotModified, doc: "It is as you know it.", headers: d.fields("ETag Cache-Control Vary Content-Security-Policy? X-Content-Type-Options?")},
		})
		d.options(p, false, false)
	}
}

// audit describes the log of all collections.
func (d *describer) audit() {
	const text, time = aString, `{"type":"string","format":"date-time"}`
	p := d.at("/_/api/audit")
	o := &operation{method: http.MethodGet, id: "audit", summary: "Read who has done what",
		doc: "Committed mutations of all collections whose rule `audit` you pass, the oldest first; no values.",
		parameters: append(d.asks("?cursor Want-Repr-Digest"), d.limit(),
			query("collection", "Its name.", text), query("document", "The path of one.", text), query("by", "The principal.", text), query("outcome", "As in Ifmatch-Outcome.", text),
			query("since", "Not earlier than this.", time), query("until", "Earlier than this.", time))}
	content := inJSON(page("AuditEntry"))
	for _, lines := range d.api.Lines {
		content = append(content, media{kind: lines, schema: aString})
	}
	d.add(p, o, []response{{status: http.StatusOK, doc: "A page of the log, or its rows in a line each.", headers: d.fields("Cache-Control Vary Link?" + fieldsOfContent), content: content}}, read, of(problem.Resync))
	d.options(p, false, false)
}

// batch describes several operations in one request, which fails as one of them does.
func (d *describer) batch() {
	const sent = `{"operations":[{"method":"PUT","path":"/v1/notes/1","headers":{"If-Match":"\"5\""},"body":{"title":"B"}},{"method":"CHECK","path":"/v1/notes/2","headers":{"If-Match":"\"1\""}}],"atomic":true}`
	const told = `{"results":[{"status":200,"headers":{"Content-Type":"application/json","ETag":"\"6\"","Ifmatch-Outcome":"replaced"},"body":{"title":"B"}},{"status":204,"headers":{"ETag":"\"1\"","Ifmatch-Outcome":"unchanged"}}]}`
	p := d.at("/_batch")
	o := &operation{method: http.MethodPost, id: "batch", summary: "Carry out several operations", parameters: d.asks("Idempotency-Key Prefer ?dryRun Content-Digest Repr-Digest Want-Repr-Digest"), body: inJSON(ref("Batch"), example{name: "two", value: sent}),
		doc: "Each operation has its own preconditions, which are about the state before the batch. An atomic batch is carried out as a whole or not at all: then it is refused as the operation is that `failedIndex` names."}
	fails := []refusals{write, of(problem.NotFound, problem.MethodNotAllowed, problem.UnsupportedMediaType, problem.Invalid, problem.PreconditionRequired, problem.PatchTestFailed, problem.PatchInapplicable, problem.Duplicate, problem.Outranked)}
	for i := range d.api.Collections {
		fails = append(fails, d.api.Collections[i].stale())
	}
	d.add(p, o, []response{{status: http.StatusOK, doc: "The answer to each operation.", headers: d.fields("Cache-Control Idempotent-Replayed? Ifmatch-Dry-Run? Repr-Digest?"), content: inJSON(ref("BatchResults"), example{name: "two", value: told})}}, fails...)
	d.options(p, false, false)
}
