package engine

import (
	"context"
	"errors"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/patch"
)

// patchGrowth is how many times the body limit a patched document may reach: a
// document that was within the limit must stay editable, a bomb must not.
const patchGrowth = 4

// content is the parsed body of an intent.
type content struct {
	parsed bool
	value  jsonvalue.Value // of OpPut and OpMergePatch
	patch  patch.JSONPatch // of OpJSONPatch
	// What the contract's members came to, which are no part of the above.
	version int64 // that the writer has read, 0 for none
	tests   []memberTest
}

// candidate is a document that may be committed: parsed once, printed once.
type candidate struct {
	value  jsonvalue.Value
	body   []byte
	digest [32]byte
	key    string // its value of the natural key, "" where there is no rule
	// brings tells that its writer gave a value for what they may not see, and brought
	// is the document as they gave it, without what was kept for them.
	brings  bool
	brought jsonvalue.Value
}

// readable tells whether the intent's body can be read. Who asks goes on without it
// where not: it is refused in its turn.
func (w *write) readable() bool { return w.parse() == nil }

// parse reads the intent's body, once for all turns.
func (w *write) parse() error {
	if w.content.parsed {
		return nil
	}
	limits := w.engine.limits
	v, err := jsonvalue.Parse(w.intent.Body, jsonvalue.Limits{Depth: limits.Depth})
	if err != nil {
		return w.malformed(err)
	}
	if w.intent.edit() == OpJSONPatch {
		w.content.patch, err = patch.ParseJSONPatch(v, patch.Limits{
			Ops: limits.PatchOps, Size: limits.Body * patchGrowth, Depth: limits.Depth,
		})
		if err != nil {
			return w.badPatch(err)
		}
	}
	if members := w.intent.Rules.Members; members != nil && w.intent.Op != OpField {
		if v, err = w.takeMembers(members, v); err != nil {
			return err
		}
	}
	w.content.value, w.content.parsed = v, true
	return nil
}

// takeMembers takes what the contract adds to bodies out of the content v.
func (w *write) takeMembers(members *Members, v jsonvalue.Value) (jsonvalue.Value, error) {
	if w.intent.Op == OpJSONPatch {
		var err error
		if w.content.patch, w.content.tests, err = members.takeTests(w.content.patch); err != nil {
			return v, w.badPatch(err)
		}
		return v, nil
	}
	v, version := members.strip(v)
	if version.IsAbsent() || !members.version.always || w.intent.posted {
		return v, nil
	}
	var ok bool
	if w.content.version, ok = members.readVersion(version); !ok {
		return v, w.badVersion(members)
	}
	return v, nil
}

// candidate applies the intent's content to a document, whose state is at: to what
// the caller sees of it, and keeps the rest. A PUT of somebody who sees everything
// says itself what it wants, so that on is not called for it.
func (w *write) candidate(ctx context.Context, on func() (jsonvalue.Value, error), at *store.Head) (candidate, error) {
	if w.intent.Op == OpField {
		was, err := on()
		if err != nil {
			return candidate{}, err
		}
		return w.fieldCandidate(was)
	}
	if err := w.parse(); err != nil {
		return candidate{}, err
	}
	v := w.content.value
	var was jsonvalue.Value
	if w.intent.Op != OpPut || w.view != nil {
		var err error
		if was, err = on(); err != nil {
			return candidate{}, err
		}
	}
	if w.intent.Op != OpPut {
		var err error
		if v, err = w.patched(ctx, w.view.Value(was), at); err != nil {
			return candidate{}, err
		}
	}
	return w.keeping(was, v)
}

// keeping makes a candidate of what a caller wants to have in the place of was, with
// what they do not see of that.
func (w *write) keeping(was, wanted jsonvalue.Value) (candidate, error) {
	whole, err := w.view.Keep(was, wanted)
	if err != nil {
		return candidate{}, w.ambiguous(err)
	}
	c, err := w.finish(whole)
	if c.brings = w.view.Brings(wanted); c.brings {
		c.brought = wanted
	}
	return c, err
}

// finish makes a candidate of the document that would be stored.
func (w *write) finish(v jsonvalue.Value) (candidate, error) {
	if v.Kind() != jsonvalue.KindObject {
		return candidate{}, w.invalid("A document is a JSON object, and this is " + article(v.Kind()) + ".")
	}
	if members := w.intent.Rules.Members; members != nil {
		if at, blocked := members.obstacle(v); blocked {
			return candidate{}, w.blocked(at, v.At(at))
		}
	}
	key, err := w.keyOf(v)
	if err != nil {
		return candidate{}, err
	}
	body := v.Append(make([]byte, 0, len(w.intent.Body)+64))
	if int64(len(body)) > w.engine.limits.Body*patchGrowth {
		return candidate{}, &Refusal{Reason: ReasonTooLarge, Current: w.current}
	}
	return candidate{value: v, body: body, digest: v.Digest(), key: key}, nil
}

func article(k jsonvalue.Kind) string {
	switch k {
	case jsonvalue.KindArray:
		return "an array"
	case jsonvalue.KindNull, jsonvalue.KindAbsent:
		return "null"
	}
	return "a " + k.String()
}

func (w *write) patched(ctx context.Context, was jsonvalue.Value, at *store.Head) (v jsonvalue.Value, err error) {
	members := w.intent.Rules.Members
	if w.intent.Op == OpMergePatch {
		v = patch.MergePatch(was, w.content.value)
	} else {
		if err := w.checkMembers(ctx, was, at); err != nil {
			return v, err
		}
		if v, err = w.content.patch.Apply(members.open(was)); err != nil {
			return v, w.badPatch(err)
		}
	}
	if members != nil { // they may be in a document that is older than the contract
		v, _ = members.strip(v)
	}
	return v, nil
}

// currentValue returns the current document parsed, absent where there is none.
func (w *write) currentValue() (jsonvalue.Value, error) {
	if !w.current.Exists() {
		return jsonvalue.Value{}, nil
	}
	if !w.hasBody() {
		return jsonvalue.Value{}, errHeadOnly
	}
	if w.value.IsAbsent() {
		var err error
		if w.value, err = w.engine.parseLike(w.current.Body, w.content.value); err != nil {
			return jsonvalue.Value{}, err
		}
	}
	return w.value, nil
}

// parseStored parses what the engine once printed itself. Limits that were
// lowered since do not make stored documents unreadable.
func (e *Engine) parseStored(body []byte) (jsonvalue.Value, error) {
	return e.parseLike(body, jsonvalue.Value{})
}

// parseLike is parseStored for what is much like another state of the document.
func (e *Engine) parseLike(body []byte, like jsonvalue.Value) (jsonvalue.Value, error) {
	v, err := jsonvalue.ParseLike(body, like, jsonvalue.Limits{Depth: storedDepth})
	if err != nil {
		return v, &Refusal{Reason: ReasonInternal, cause: err}
	}
	return v, nil
}

// storedDepth is deeper than any document that a limit lets in.
const storedDepth = 1 << 20

// isCurrent tells whether a candidate has the members and number spellings of
// the current document, so that writing it would change nothing. Digests that
// differ spare the comparison, where the store gives one. What was given for a hidden
// value always counts as another one, so that nobody learns it by guessing.
func (w *write) isCurrent(c candidate) (bool, error) {
	if !w.current.Exists() || c.brings || c.digest != w.current.Digest && w.current.Digest != [32]byte{} {
		return false, nil
	}
	v, err := w.currentValue()
	if err != nil {
		return false, err
	}
	return jsonvalue.Identical(c.value, v), nil
}

func (w *write) malformed(err error) *Refusal {
	r := &Refusal{Reason: ReasonMalformed, Current: w.current, cause: err}
	fault := Fault{Detail: err.Error()}
	if syntax, ok := errors.AsType[*jsonvalue.SyntaxError](err); ok {
		fault.Pointer = syntax.Pointer
	}
	r.Faults = []Fault{fault}
	return r
}

// badVersion refuses what stands in the version's place.
func (w *write) badVersion(members *Members) *Refusal {
	detail := "the version is a positive integer, such as 5"
	if members.text {
		detail = `the version is a positive integer in a string, such as "5"`
	}
	return &Refusal{Reason: ReasonMalformed, Current: w.current,
		Faults: []Fault{{Pointer: members.version.at.String(), Detail: detail}}}
}

// blocked refuses a document that has no place for the contract's members.
func (w *write) blocked(at jsonvalue.Pointer, is jsonvalue.Value) *Refusal {
	return &Refusal{Reason: ReasonInvalid, Current: w.current, Faults: []Fault{{Pointer: at.String(),
		Detail: "The server shows a member of its own in here. It must be an object or left out, and is " + article(is.Kind()) + "."}}}
}

func (w *write) invalid(detail string) *Refusal {
	return &Refusal{Reason: ReasonInvalid, Current: w.current, Faults: []Fault{{Detail: detail}}}
}

// badPatch gives each way in which a JSON Patch fails its reason.
func (w *write) badPatch(err error) *Refusal {
	r := &Refusal{Reason: ReasonInapplicable, Current: w.current, cause: err}
	var format *patch.FormatError
	var test *patch.TestFailedError
	var large *patch.TooLargeError
	var members *memberWriteError
	switch {
	case errors.As(err, &format), errors.As(err, &members):
		r.Reason = ReasonMalformed
	case errors.As(err, &test):
		r.Reason = ReasonPatchTestFailed
	case errors.As(err, &large):
		r.Reason = ReasonTooLarge
	}
	r.Faults = []Fault{{Detail: err.Error()}}
	return r
}
