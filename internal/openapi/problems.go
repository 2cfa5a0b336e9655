package openapi

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/problem"
)

// refusal is a code under a status, which is the code's own where it is 0.
type refusal struct {
	code   problem.Code
	status int
}

// refusals are what an operation may be refused with.
type refusals []refusal

func of(codes ...problem.Code) refusals {
	all := make(refusals, len(codes))
	for i, code := range codes {
		all[i].code = code
	}
	return all
}

// everywhere are those that any request may meet, before it is known what it is about.
func (d *describer) everywhere(open bool) refusals {
	all := append(of(problem.Forbidden, problem.Internal),
		refusal{problem.TooLarge, http.StatusRequestURITooLong}, refusal{problem.TooLarge, http.StatusRequestHeaderFieldsTooLarge})
	if d.api.Caller != CallerUnknown && !open {
		all = append(all, refusal{code: problem.Unauthenticated})
	}
	if d.api.Rated && !open {
		all = append(all, refusal{code: problem.RateLimited})
	}
	if !open { // the server has too much to do, or cannot ask who a token is of
		all = append(all, refusal{code: problem.Overloaded})
	}
	if len(d.api.Versions) > 0 {
		all = append(all, refusal{code: problem.UnsupportedVersion})
	}
	return all
}

// read are those of anything that reads. A server that ends reads no more either.
var read = of(problem.Malformed, problem.ReadOnly)

// unmatched are those of a read whose preconditions are false. Their status is their
// own whatever the contract says.
var unmatched = of(problem.Stale, problem.WeakValidator)

// write are those of anything that writes. That is stale under its own status where
// If-None-Match names the state that is there.
var write = of(problem.Malformed, problem.Exists, problem.Stale, problem.LeaseExpired, problem.TooLarge, problem.IdempotencyInFlight,
	problem.IdempotencyMismatch, problem.Locked, problem.Contended, problem.ReadOnly, problem.OutcomeUnknown, problem.StorageFull)

// stale are those of a write that names another state than the current one, under the
// status that the contract gives them.
func (c *Collection) stale() refusals {
	all := refusals{{problem.Stale, c.Dialect.StaleStatus}, {problem.WeakValidator, c.Dialect.StaleStatus}}
	if c.Contract.Token == ifmatch.TokenSigned {
		all = append(all, refusal{problem.TokenForged, c.Dialect.StaleStatus})
	}
	if c.merges() {
		all = append(all, refusal{problem.MergeConflict, c.Dialect.StaleStatus}, refusal{problem.BaseUnavailable, c.Dialect.StaleStatus})
	}
	return all
}

// refusing returns the answers that are made of refusals: one for each status, which
// names the codes that it may have.
func (d *describer) refusing(open bool, all ...refusals) []response {
	byStatus := make(map[int][]problem.Code)
	for _, r := range append(slices.Concat(all...), d.everywhere(open)...) {
		status := cmp.Or(r.status, r.code.Status())
		if !slices.Contains(byStatus[status], r.code) {
			byStatus[status] = append(byStatus[status], r.code)
		}
	}
	var answers []response
	for status, codes := range byStatus {
		slices.Sort(codes)
		answers = append(answers, d.refused(status, codes))
	}
	return answers
}

// refused is the answer with a status whose problem has one of some codes.
func (d *describer) refused(status int, codes []problem.Code) response {
	form := d.form(status)
	names := make([]string, len(codes))
	titles := make([]string, len(codes))
	for i, code := range codes {
		names[i], titles[i] = string(code), code.Title()
	}
	r := response{key: strconv.Itoa(status) + "." + strings.Join(names, "."), status: status, doc: strings.Join(titles, ", or: ") + ".", codes: names}
	for _, f := range form {
		r.content = append(r.content, f.media(status, codes))
		if r.key += f.suffix; len(form) > 1 && f.suffix == "" {
			r.key += ".problem"
		}
	}
	r.headers = d.fields(fieldsOfProblems(status))
	return r
}

// fieldsOfProblems are the header fields of a refusal.
func fieldsOfProblems(status int) string {
	names := "Cache-Control Ifmatch-Outcome? Ifmatch-Dry-Run? Preference-Applied? Retry-After? Vary?"
	switch status {
	case http.StatusUnauthorized:
		names += " WWW-Authenticate"
	case http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired:
		names += " ETag? Location?"
	case http.StatusMethodNotAllowed:
		names += " Allow"
	case http.StatusUnsupportedMediaType:
		names += " Accept-Encoding? Accept-Patch?"
	}
	return names
}

// form is one of the shapes that problems have.
type form struct {
	dialect problem.Dialect
	suffix  string // of keys
}

var (
	problemForm  = form{problem.ProblemJSON, ""}
	envelopeForm = form{problem.Envelope, ".envelope"}
)

// form returns the shapes that problems of a status have here. Before a header is
// read it is not known what a request is about.
func (d *describer) form(status int) []form {
	switch {
	case status == http.StatusRequestHeaderFieldsTooLarge:
	case d.c == nil:
		for i := range d.api.Collections {
			if d.api.Collections[i].Dialect.Envelope { // a batch is refused as its operation is
				return []form{problemForm, envelopeForm}
			}
		}
	case d.c.Dialect.Envelope:
		return []form{envelopeForm}
	}
	return []form{problemForm}
}

// media is the content of a refusal.
func (f form) media(status int, codes []problem.Code) media {
	types := make([]string, len(codes))
	m := media{kind: f.dialect.ContentType()}
	for i, code := range codes {
		types[i] = text(code.Type())
		key := string(code)
		if status != code.Status() {
			key += "." + strconv.Itoa(status)
		}
		m.examples = append(m.examples, example{key + f.suffix, string(code), sample(f.dialect, code, status)})
	}
	narrow := `{"type":"object","properties":{"type":{"enum":[` + strings.Join(types, ",") + `]},"status":{"const":` + strconv.Itoa(status) + `}}}`
	m.schema = `{"allOf":[` + ref("Problem") + "," + narrow + `]}`
	if f.dialect == problem.Envelope {
		m.schema = `{"allOf":[` + ref("Envelope") + `,{"type":"object","properties":{"error":` + narrow + `}}]}`
	}
	return m
}

// sample is a problem as it might be told. Nothing in it is of a stored document.
func sample(dialect problem.Dialect, code problem.Code, status int) string {
	const id = "0199a4c1-7e00-7000-8000-000000000000"
	p := problem.Document{Code: code, Status: status, CorrelationID: id}
	switch code {
	case problem.Stale, problem.MergeConflict:
		applied := false
		p.YourETag, p.YourVersion, p.CurrentETag, p.CurrentVersion = `"5"`, 5, `"7"`, 7
		p.ChangedAt, p.ChangedBy = time.Date(2026, 11, 20, 18, 0, 0, 0, time.UTC), "ann"
		p.AlreadyApplied, p.Advice, p.Strategies = &applied, problem.AdviceAskAPerson, []string{"reject"}
		p.Changes = []problem.Change{{Path: "/title", Op: "replace", From: []byte(`"A"`), To: []byte(`"B"`), Version: 7, By: "ann"}}
		p.Conflict = &problem.Conflict{Disputes: []problem.Dispute{{Path: "/title", Base: []byte(`"A"`), Theirs: []byte(`"B"`), Yours: []byte(`"C"`)}}}
	case problem.PreconditionRequired, problem.Exists, problem.WeakValidator:
		p.CurrentETag = `"7"`
	case problem.Invalid:
		p.Faults = []problem.Fault{{Pointer: "/title", Detail: "It is missing."}}
	case problem.Locked, problem.IdempotencyInFlight, problem.Contended, problem.Overloaded, problem.RateLimited:
		p.RetryAfter = time.Second
	}
	return string(dialect.Append(nil, &p))
}
