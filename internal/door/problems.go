package door

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/problem"
)

func about(r *http.Request, t Target, code problem.Code, detail string) *problem.Document {
	return &problem.Document{Code: code, Detail: detail, Resource: t.Path, Action: r.Method}
}

func malformed(r *http.Request, t Target, detail string) *problem.Document {
	return about(r, t, problem.Malformed, detail)
}

func unsupported(r *http.Request, t Target, detail string, allowed []string) *problem.Document {
	p := about(r, t, problem.UnsupportedMediaType, detail)
	p.Allowed = allowed
	return p
}

func tooLarge(r *http.Request, t Target, limit int64) *problem.Document {
	return about(r, t, problem.TooLarge,
		"The content is larger than "+strconv.FormatInt(limit, 10)+" bytes. Send less, or have the limit raised.")
}

func quote(s string) string { return strconv.Quote(s) }

// describe makes the problem document of a refusal.
func describe(r *http.Request, t Target, f *engine.Refusal) *problem.Document {
	p := about(r, t, problem.Code(f.Reason), f.Detail)
	p.RetryAfter = f.RetryAfter
	for _, fault := range f.Faults {
		p.Faults = append(p.Faults, problem.Fault{Pointer: fault.Pointer, Detail: fault.Detail})
	}
	if f.Current != nil {
		p.Deleted = f.Current.Deleted
		p.CurrentETag = currentTag(t, f).String()
	}
	switch f.Reason {
	case engine.ReasonStale, engine.ReasonMergeConflict, engine.ReasonBaseUnavailable, engine.ReasonWeakValidator, engine.ReasonTokenForged, engine.ReasonExists:
		describePrecondition(r, t, f, p)
	case engine.ReasonRequired:
		p.Detail = required(currentState(r, t, f), t.Rules.Contract, r.Method)
	case engine.ReasonMalformed:
		p.Detail = cmp.Or(f.Detail, malformedDetail(f))
	case engine.ReasonOutranked:
		p.Detail = "Other contributions rank above yours in " + places(f.Faults) + ", so that nothing was written. Leave those as they are, withdraw what outranks you, or send Prefer: handling=lenient to have the rest."
	case engine.ReasonForbidden:
		p.Detail = cmp.Or(f.Detail, "You may not decide about "+places(f.Faults)+". Ask somebody who may. The write stays parked.")
	case engine.ReasonNotFound:
		p.Detail = cmp.Or(f.Detail, notFoundDetail(r, f))
	}
	p.Status = t.StaleStatus(r, p.Code, f.By)
	// A tag that a status did not come of would be taken for the answer's own; with
	// that of a write that is parked, its client would write once more.
	if !showsCurrent(p.StatusCode()) || f.Parked != "" {
		p.CurrentETag = ""
	}
	return p
}

// places names what faults are about.
func places(faults []engine.Fault) string {
	return enumerated(len(faults), func(i int) string { return faults[i].Pointer })
}

func notFoundDetail(r *http.Request, f *engine.Refusal) string {
	switch {
	case f.Current == nil:
		return "There is no such version, or it is no longer kept. The document's _history lists those that were."
	case f.Current.Deleted && r.Method == http.MethodPost:
		return "It was deleted, and its contributions with it. Send If-None-Match: * to have this one create it anew."
	case f.Current.Deleted:
		return "It was deleted. PUT it again to create it anew."
	case f.Current.Exists():
		return "There is no such contribution, or it was withdrawn. The document's _contributions lists those that are there."
	}
	return ""
}

// StaleStatus returns the status that the contract gives to a write which names a
// state that is not the current one, 0 for any other refusal.
func (t *Target) StaleStatus(r *http.Request, code problem.Code, by ifmatch.Field) int {
	switch code {
	case problem.Stale, problem.MergeConflict, problem.WeakValidator, problem.TokenForged, problem.BaseUnavailable:
		if t.Dialect != nil && isWrite(r.Method) && by != ifmatch.FieldIfNoneMatch {
			return t.Dialect.StaleStatus
		}
	}
	return 0
}

// currentTag returns the tag of what a refusal was decided on, zero for nothing.
func currentTag(t Target, f *engine.Refusal) ifmatch.ETag {
	switch {
	case f.Field != nil:
		return f.Field.ETag
	case f.Current.Exists():
		return engine.ETagOf(&f.Current.Head, &t.Rules.Contract)
	}
	return ifmatch.ETag{}
}

// currentState says how a write is to name the state that is there now.
func currentState(r *http.Request, t Target, f *engine.Refusal) string {
	s := "If-Match: " + currentTag(t, f).String()
	if f.Field != nil {
		return s
	}
	if field := t.Rules.Members.VersionField(); field != "" && (r.Method == http.MethodPut || r.Method == http.MethodPatch) {
		s += ", or with " + strconv.FormatInt(f.Current.Version, 10) + " in " + field
	}
	return s
}

func showsCurrent(status int) bool {
	switch status {
	case http.StatusPreconditionFailed, http.StatusConflict, http.StatusPreconditionRequired:
		return true
	}
	return false
}

func malformedDetail(f *engine.Refusal) string {
	if f.By == ifmatch.FieldVersion {
		return "If-Match and the version in the content name two states. Send one of them, or both of one answer. Nothing was done."
	}
	if f.Condition != nil {
		return fmt.Sprintf(`%s cannot be read: %s. Write it as %s: "5", with the quotes, or %s: *. Nothing was done.`,
			f.Condition.Field, f.Condition.Reason, f.Condition.Field, f.Condition.Field)
	}
	if len(f.Faults) > 0 {
		return "The content cannot be read: " + f.Faults[0].Detail + ". Correct it and send it again."
	}
	return ""
}

func required(current string, c ifmatch.Contract, method string) string {
	s := "This would overwrite what is there unseen. Send it with " + current + ", if that is the state you mean to change"
	if c.Due(method) == ifmatch.PreconditionTag {
		return s + "; else read it first."
	}
	return s + ", or with If-Match: * to change it whatever it is."
}

// describePrecondition fills in what a false precondition has to say.
func describePrecondition(r *http.Request, t Target, f *engine.Refusal, p *problem.Document) {
	cur := f.Current
	if cur.Exists() {
		p.CurrentVersion = cur.Version
		p.ChangedAt = cur.At
	}
	p.YourETag = yourTag(r)
	switch {
	case f.Reason == engine.ReasonTokenForged:
		p.Detail = forgedDetail(p.CurrentETag)
	case f.Field != nil:
		describeField(f, p)
	case f.Conflict != nil:
		describeConflict(r, t, f, p)
	case f.Reason == engine.ReasonBaseUnavailable:
		p.Detail = "The version you read is no longer kept, so that your change cannot be merged with what happened since. Read it again, apply your change to what you find, and send it with " + currentState(r, t, f) + "."
	case !cur.Exists() && f.By == ifmatch.FieldVersion:
		p.Detail = "There is no document here that could have this version. Leave the version out to create one."
	case !cur.Exists():
		p.Detail = "There is no document here that If-Match could name. Leave If-Match out, or send If-None-Match: *, to create one."
		if cur.Deleted {
			p.Detail = "The document was deleted. Leave If-Match out, or send If-None-Match: *, to create it anew."
		}
	case f.Reason == engine.ReasonWeakValidator && sentComposite(r):
		p.Detail = "You sent the tag of an answer that showed more than the document, as with ?include=links, or less of it, as you may not see all. That is a weak tag, and If-Match compares strongly, so it never matches. " +
			"The document is as that answer showed it: send If-Match: " + p.CurrentETag + ", which stood in its Ifmatch-ETag."
	case f.Reason == engine.ReasonWeakValidator:
		p.Detail = "You sent the current tag marked as weak (W/), and If-Match compares strongly, so it never matches. " +
			"Usually a proxy that compresses answers has weakened it. Send If-Match: " + p.CurrentETag +
			", switch that proxy's compression off here, or set weak_if_match: accept for this collection."
	case f.Reason == engine.ReasonExists:
		p.Detail = "There is a document here already, and If-None-Match: * asks for none. To change it, read it and send If-Match: " + p.CurrentETag + "."
	case f.By == ifmatch.FieldIfNoneMatch:
		p.Detail = "If-None-Match names the state that the document is in. To change it, send If-Match: " + p.CurrentETag + "."
	case f.By == ifmatch.FieldIfUnmodifiedSince:
		p.Detail = "The document was modified after the date you sent. Read it again, apply your change to what you find, and send it with If-Match: " + p.CurrentETag + "."
	case f.By == ifmatch.FieldIfMatch && sentComposite(r):
		p.Detail = "The tag you sent is that of an answer which showed more than the document, as with ?include=links, or less of it, as you may not see all, and the document has another state now. Read it again, apply your change to what you find, and send it with " +
			currentState(r, t, f) + ". In such an answer this tag stands in Ifmatch-ETag."
	default:
		named := "tag"
		if f.By == ifmatch.FieldVersion {
			named = "version"
		}
		p.Detail = "The " + named + " you sent names no state of this document that is still known. Read it again, apply your change to what you find, and send it with " + currentState(r, t, f) + "."
	}
}

// forgedDetail says what to do about a tag that was not made for what it was sent to.
func forgedDetail(current string) string {
	s := "The tag in If-Match was not made for this resource: it is that of something else, or was altered on its way. Nothing was done, and the server has logged it. "
	if current == "" {
		return s + "There is nothing here that If-Match could name. Leave it out to create it."
	}
	return s + "Read what is here, apply your change to that, and send it with If-Match: " + current + "."
}

// describeField fills in what a false precondition on one value has to say.
func describeField(f *engine.Refusal, p *problem.Document) {
	send := "send it with If-Match: " + p.CurrentETag + "."
	if f.Reason == engine.ReasonStale {
		p.AlreadyApplied = &f.Applied
	}
	switch {
	case !f.Field.Exists():
		p.Detail = "There is nothing here that If-Match could name. Leave If-Match out, or send If-None-Match: *, to put something here."
	case f.Reason == engine.ReasonWeakValidator:
		p.Detail = "You sent the current tag marked as weak (W/), and If-Match compares strongly, so it never matches. Without that mark, " + send
	case f.Reason == engine.ReasonExists:
		p.Detail = "There is a value here already, and If-None-Match: * asks for none. To change it, read it and " + send
	case f.By == ifmatch.FieldIfNoneMatch:
		p.Detail = "If-None-Match names the value that is here. To change it, " + send
	case f.By == ifmatch.FieldIfUnmodifiedSince:
		p.Detail = "The document was modified after the date you sent. Read this field again, apply your change to what you find, and " + send
	case f.Applied:
		p.Detail = "The tag you sent is not that of the value which is here. What you sent is what is stored already: if this was a retry, it is done. Else read this field again, and " + send
	default:
		p.Detail = "The tag you sent is not that of the value which is here: somebody changed it, or it is the tag of something else, such as the document. Read this field again, apply your change to what you find, and " + send
	}
}

// sentComposite tells whether If-Match has the tag of an answer that showed more
// than a document.
func sentComposite(r *http.Request) bool {
	c := ifmatch.ParseConditions(r.Header)
	for tag := range c.IfMatch.All() {
		if _, ok := tag.State(); ok {
			return true
		}
	}
	return false
}

// yourTag returns the tag that a caller sent, where it is one.
func yourTag(r *http.Request) string {
	c := ifmatch.ParseConditions(r.Header)
	if c.IfMatch.Len() == 1 {
		for tag := range c.IfMatch.All() {
			return tag.String()
		}
	}
	return ""
}
