package ifmatch

import "time"

// State is what a request's preconditions are judged against: the selected
// representation as it stands now.
type State struct {
	// Exists tells whether there is a current representation.
	Exists bool
	// ETag is its entity tag. A tag in a condition matches it also with the suffix
	// of a content coding, such as "5;gzip" or "5-gzip", if it has a form that
	// [Contract.ETag] makes.
	ETag ETag
	// Version is its version, which one in the content is compared with.
	Version int64
	// LastModified is when it was last modified, zero where that is not known.
	// Fractions of a second do not count.
	LastModified time.Time
	// SameSecond tells that an earlier state was current within the second of
	// LastModified. A date then cannot tell the two apart, and dates equal to it
	// prove nothing (RFC 9110 §8.8.2.2).
	SameSecond bool
	// Earlier tells which earlier, still known version of this document a tag
	// names, 0 for none. It is called only when If-Match is false on a write.
	// Where it is nil no write is ever found Stale, only Failed.
	Earlier func(ETag) int64
	// Verify tells what a signed tag says of this document, without the suffix of a
	// coding; nil where tags are not signed. A tag then names the current state if and
	// only if it says so, since one that an earlier key made is not ETag. It is needed
	// also where nothing exists.
	Verify func(ETag) Signature
	// TagOf returns the entity tag that a version of this document had, false
	// where that is not known any more. It is called only for a version in the
	// content; where it is nil such a write is never found Stale, only Failed.
	TagOf func(version int64) (ETag, bool)
}

// Verdict is what the preconditions say about a request.
type Verdict uint8

// The verdicts. The zero value is none of them, so that a Result nobody made
// never passes for permission.
const (
	_ Verdict = iota
	// Fresh: nothing stands against performing the method.
	Fresh
	// NotModified: the reader has it already; answer 304 without a body.
	NotModified
	// Missing: there is nothing to read, patch or delete; answer 404.
	Missing
	// Malformed: a condition header of a write cannot be read, or contradicts the
	// version in the content; answer 400.
	Malformed
	// Failed: a precondition is false; answer 412.
	Failed
	// Stale: If-Match is false, or the version in the content is, and names an
	// earlier version that is still known, so that the conflict can be explained
	// or merged; else 412.
	Stale
	// Required: the write brings no precondition where one is due; answer 428.
	Required
)

var verdictNames = [...]string{"none", "fresh", "not modified", "missing", "malformed", "failed", "stale", "required"}

func (v Verdict) String() string {
	if int(v) < len(verdictNames) {
		return verdictNames[v]
	}
	return "unknown"
}

// Field names the header that decided.
type Field uint8

// The fields. NoField stands where no header decided.
const (
	NoField Field = iota
	FieldIfMatch
	FieldIfUnmodifiedSince
	FieldIfNoneMatch
	FieldIfModifiedSince
	// FieldVersion is no header but the version in the content.
	FieldVersion
)

var fieldNames = [...]string{"", "If-Match", "If-Unmodified-Since", "If-None-Match", "If-Modified-Since", "version"}

// String returns the header's name.
func (f Field) String() string {
	if int(f) < len(fieldNames) {
		return fieldNames[f]
	}
	return ""
}

// Result is what [Evaluate] found.
type Result struct {
	Verdict Verdict
	// By is the header that decided a verdict of NotModified, Failed or Stale. Of
	// Malformed it is FieldVersion where If-Match names another state than the
	// version in the content.
	By Field
	// Base is the earlier version that the writer has read, where Stale.
	Base int64
	// WeakOnly tells that If-Match failed only because strong comparison never
	// matches weak tags: its opaque part is the current one, or the tag is one that
	// [ETag.Composite] made of it.
	WeakOnly bool
	// Forged tells that If-Match is false and lists a signed tag that was not made for
	// this document. The verdict is Failed then, whatever else is listed.
	Forged bool
	// AnyTag tells that the header that decided was "*".
	AnyTag bool
	// Blind tells of a Fresh write that its precondition named no state which
	// the writer had read: "*", an If-None-Match list, or a date.
	Blind bool
	// Unconditional tells of a Fresh write to what exists that it brought no
	// precondition at all.
	Unconditional bool
}

// Fresh tells whether the method may be performed.
func (r Result) Fresh() bool { return r.Verdict == Fresh }

type methodClass uint8

const (
	methodOther methodClass = iota // preconditions do not apply
	methodRead
	methodPut
	methodPatch // and every other method that writes to what exists
	methodDelete
)

func classify(method string) methodClass {
	switch method {
	case "GET", "HEAD":
		return methodRead
	case "PUT":
		return methodPut
	case "DELETE":
		return methodDelete
	case "OPTIONS", "TRACE", "CONNECT":
		return methodOther
	}
	return methodPatch
}

// Evaluate judges the preconditions of one request, in the order of RFC 9110
// §13.2.2: existence, then If-Match, or If-Unmodified-Since where that is
// absent, then If-None-Match, or If-Modified-Since on reads where that is
// absent; at last whether the contract requires a precondition that is not
// there (RFC 6585 §3). A version in a write's content names a state as an entity
// tag does, and is judged right after If-Match. Evaluate is pure: nothing is
// read but its arguments, and nothing is written. Checking and writing must
// still be one atomic step: pass the state's version on to a compare-and-swap,
// and evaluate again when that is lost.
func Evaluate(method string, c Conditions, s State, k Contract) Result {
	class := classify(method)
	switch {
	case class == methodOther:
		return Result{Verdict: Fresh}
	case !s.Exists && class != methodPut:
		return Result{Verdict: Missing}
	case c.Malformed != nil && class != methodRead:
		return Result{Verdict: Malformed}
	case c.Version != 0 && class != methodRead && c.contradicted(&s, k.Token):
		return Result{Verdict: Malformed, By: FieldVersion}
	case !s.Exists:
		return evaluateCreate(&c, &s)
	}
	weakly := k.AcceptWeak || k.Weak
	if c.IfMatch.present && !c.IfMatch.any && !s.listed(&c.IfMatch, weakly) {
		return failedMatch(class, &c, &s, weakly)
	}
	if c.Version != 0 && c.Version != s.Version && class != methodRead {
		return failedVersion(&c, &s)
	}
	if !c.IfMatch.present && !c.IfUnmodifiedSince.IsZero() && !s.LastModified.IsZero() && s.modifiedAfter(c.IfUnmodifiedSince) {
		return Result{Verdict: Failed, By: FieldIfUnmodifiedSince}
	}
	if c.IfNoneMatch.present {
		if c.IfNoneMatch.any || s.listed(&c.IfNoneMatch, true) {
			return noneMatchFailed(class, &c)
		}
	} else if class == methodRead && !c.IfModifiedSince.IsZero() && !s.LastModified.IsZero() && !s.modifiedAfter(c.IfModifiedSince) {
		return Result{Verdict: NotModified, By: FieldIfModifiedSince}
	}
	if class == methodRead {
		return Result{Verdict: Fresh}
	}
	return demand(k.due(class), &c)
}

// modifiedAfter tells whether the state may be newer than what its reader saw
// at date, which has a resolution of one second.
func (s *State) modifiedAfter(date time.Time) bool {
	have, want := s.LastModified.Unix(), date.Unix()
	return have > want || have == want && s.SameSecond
}

// evaluateCreate judges a PUT where nothing exists. Dates do not count: there is
// no modification date to compare them with (RFC 9110 §13.1.4).
func evaluateCreate(c *Conditions, s *State) Result {
	if c.IfMatch.present {
		return Result{Verdict: Failed, By: FieldIfMatch, AnyTag: c.IfMatch.any, Forged: s.forged(&c.IfMatch)}
	}
	if c.Version != 0 {
		return Result{Verdict: Failed, By: FieldVersion}
	}
	return Result{Verdict: Fresh}
}

// earlier is Earlier for a tag as it came, with or without the suffix of a coding.
func (s *State) earlier(tag ETag) int64 {
	if version := s.Earlier(tag); version != 0 {
		return version
	}
	if bare, coded := tag.withoutCoding(); coded {
		return s.Earlier(bare)
	}
	return 0
}

func failedMatch(class methodClass, c *Conditions, s *State, weakly bool) Result {
	r := Result{Verdict: Failed, By: FieldIfMatch}
	r.Forged = class != methodRead && s.forged(&c.IfMatch)
	r.WeakOnly = !r.Forged && (s.listed(&c.IfMatch, true) || s.composed(&c.IfMatch))
	if class == methodRead || r.Forged || r.WeakOnly || s.Earlier == nil {
		return r
	}
	for tag := range c.IfMatch.All() {
		if weakly || !tag.weak { // a tag that can never match names nothing
			r.Base = max(r.Base, s.earlier(tag))
		}
	}
	if r.Base > 0 {
		r.Verdict = Stale
	}
	return r
}

// contradicted tells whether If-Match lists tags, and none of them is the one of
// the version in the content. Where that one is not known nobody can tell.
func (c *Conditions) contradicted(s *State, made Token) bool {
	if c.IfMatch.Len() == 0 {
		return false
	}
	var tag ETag
	known := true
	switch {
	case s.Verify != nil:
		return s.namesOther(&c.IfMatch, c.Version)
	case made == TokenVersion:
		tag = VersionTag(c.Version)
	case s.Exists && c.Version == s.Version:
		tag = s.ETag
	case s.TagOf != nil:
		tag, known = s.TagOf(c.Version)
	default:
		known = false
	}
	_, listed := c.IfMatch.match(tag, true)
	return known && !listed
}

func failedVersion(c *Conditions, s *State) Result {
	r := Result{Verdict: Failed, By: FieldVersion}
	if s.TagOf == nil || c.Version > s.Version {
		return r
	}
	if _, known := s.TagOf(c.Version); known {
		r.Verdict, r.Base = Stale, c.Version
	}
	return r
}

func noneMatchFailed(class methodClass, c *Conditions) Result {
	r := Result{Verdict: Failed, By: FieldIfNoneMatch, AnyTag: c.IfNoneMatch.any}
	if class == methodRead {
		r.Verdict = NotModified
	}
	return r
}

// demand judges a write that no precondition stands against by whether one is
// there at all.
func demand(rule Precondition, c *Conditions) Result {
	named := c.IfMatch.present && !c.IfMatch.any || c.Version != 0
	blind := c.IfMatch.any || c.IfNoneMatch.present || !c.IfUnmodifiedSince.IsZero()
	if !named && (rule == PreconditionTag || rule == PreconditionRequired && !blind) {
		return Result{Verdict: Required}
	}
	return Result{Verdict: Fresh, Blind: !named && blind, Unconditional: !named && !blind}
}
