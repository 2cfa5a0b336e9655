package engine

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// NaturalKey names the members that no two documents of a part may share. A
// document's values of them are claimed in the commit that writes it, and let go
// in the one that changes or deletes it. It is safe for concurrent use.
type NaturalKey struct {
	pointers []jsonvalue.Pointer
	texts    []string // the pointers as they are written
	index    string   // what the store calls the claims
}

// NewNaturalKey makes a natural key of one or more JSON Pointers (RFC 6901). It
// fails where one of them is none.
func NewNaturalKey(pointers ...string) (*NaturalKey, error) {
	k := &NaturalKey{texts: pointers, index: strings.Join(pointers, " ")}
	for _, text := range pointers {
		p, err := jsonvalue.ParsePointer(text)
		if err != nil {
			return nil, fmt.Errorf("engine: natural key: %w", err)
		}
		k.pointers = append(k.pointers, p)
	}
	return k, nil
}

// of returns a document's values of the key as a canonical JSON array, so that 1
// and 1.0 are one value and 1 and "1" are two. Values that are missing, null,
// empty or no texts and numbers are faults.
func (k *NaturalKey) of(document jsonvalue.Value) (value string, faults []Fault) {
	values := make([]jsonvalue.Value, len(k.pointers))
	for i, p := range k.pointers {
		v := document.At(p)
		switch kind := v.Kind(); {
		case kind == jsonvalue.KindAbsent:
			faults = append(faults, Fault{k.texts[i], "It is missing, and is part of the natural key. Give it a text or a number."})
		case kind != jsonvalue.KindString && kind != jsonvalue.KindNumber:
			faults = append(faults, Fault{k.texts[i], "It is " + article(kind) + ", and is part of the natural key. Give it a text or a number."})
		case kind == jsonvalue.KindString && v.Text() == "":
			faults = append(faults, Fault{k.texts[i], "It is empty, and is part of the natural key. Give it a text or a number."})
		}
		values[i] = v
	}
	if faults != nil {
		return "", faults
	}
	return string(jsonvalue.Array(values...).AppendCanonical(nil)), nil
}

// held returns the key's value that a stored document has, "" for none: it may
// have been written before its collection had a natural key.
func (k *NaturalKey) held(e *Engine, d *store.Document) (string, error) {
	if !d.Exists() {
		return "", nil
	}
	v, err := e.parseStored(d.Body)
	if err != nil {
		return "", err
	}
	value, _ := k.of(v)
	return value, nil
}

// hashedID begins the ids of keys that are too long to be spelt out.
const hashedID = "~h"

// id makes a document's id of its values of the key. Two keys never make one id.
//
// Each byte of a text that is a letter, a digit, "-", or, except in front, "."
// or "_", stands for itself; any other is "~" and two upper-case hexadecimal
// digits. A number is "~n" and its canonical form, spelt the same way. Several
// values are joined by "~.". An id that would be longer than 128 bytes is "~h"
// and the unpadded base64url of SHA-256 over the canonical JSON array of the
// values instead.
func (k *NaturalKey) id(document jsonvalue.Value) string {
	var id []byte
	for i, p := range k.pointers {
		if i > 0 {
			id = append(id, "~."...)
		}
		v := document.At(p)
		text := v.Text()
		if v.Kind() == jsonvalue.KindNumber {
			id = append(id, "~n"...)
			text = string(v.AppendCanonical(nil))
		}
		id = appendEscaped(id, text)
	}
	if len(id) <= ifmatch.MaxName {
		return string(id)
	}
	value, _ := k.of(document)
	sum := sha256.Sum256([]byte(value))
	return hashedID + base64.RawURLEncoding.EncodeToString(sum[:])
}

func appendEscaped(id []byte, text string) []byte {
	for i := range len(text) {
		switch c := text[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-',
			(c == '.' || c == '_') && len(id) > 0:
			id = append(id, c)
		default:
			id = fmt.Appendf(id, "~%02X", c)
		}
	}
	return id
}

// keyOf returns a candidate's value of the natural key.
func (w *write) keyOf(document jsonvalue.Value) (string, error) {
	if w.intent.Rules.Key == nil {
		return "", nil
	}
	value, faults := w.intent.Rules.Key.of(document)
	if faults != nil {
		return "", &Refusal{Reason: ReasonInvalid, Current: w.current, Faults: faults}
	}
	return value, nil
}

// claims are what a plan takes and lets go of. It asks for the current body,
// which is loaded where there is a key.
func (w *write) claims(p *plan) ([]store.Claim, error) {
	key := w.intent.Rules.Key
	if key == nil || p.content == store.ContentTouch {
		return nil, nil
	}
	was, err := key.held(w.engine, w.current)
	if err != nil {
		return nil, err
	}
	claim := store.Claim{Part: w.intent.Ref.Part, Index: key.index, ID: w.intent.Ref.ID}
	var claims []store.Claim
	if was != "" && was != p.candidate.key {
		claim.Value, claim.Release = was, true
		claims = append(claims, claim)
	}
	if p.content == store.ContentBody { // also where it has the key: it may be older than the rule
		claim.Value, claim.Release = p.candidate.key, false
		claims = append(claims, claim)
	}
	return claims, nil
}

// leftover is a claim whose document does not have the key, as it stood then.
type leftover struct {
	claim store.Claim
	head  store.Head
}

// taken answers a commit that was refused because of another document's claim:
// with a *Refusal, or errLostRace where that document has let go since. One that
// does not have the key and holds the claim all the same was written under
// another natural key meanwhile; the next turn takes the claim from it.
func (w *write) taken(ctx context.Context, t *store.TakenError) error {
	holder, err := w.engine.store.Get(ctx, store.Ref{Part: t.Claim.Part, ID: t.By})
	if err != nil {
		return w.failed(err)
	}
	value, err := w.intent.Rules.Key.held(w.engine, holder)
	if err != nil {
		return w.failed(err)
	}
	if value == t.Claim.Value {
		return w.duplicate(holder)
	}
	release := t.Claim
	release.ID, release.Release = t.By, true
	w.leftover = &leftover{claim: release, head: holder.Head}
	return errLostRace
}

// clear adds to a commit what frees a claim that was left over, provided that
// its document stands where it stood.
func (l *leftover) clear(c *store.Commit) {
	c.Checks = append(c.Checks, store.Check{Ref: l.head.Ref, Rev: l.head.Rev, Version: l.head.Version})
	c.Claims = append(c.Claims, l.claim)
}

func (w *write) duplicate(holder *store.Document) *Refusal {
	r := &Refusal{Reason: ReasonDuplicate, Current: w.current}
	if w.engine.permit(w.intent.Rules, w.intent.Authority, holder) == nil {
		r.Holder = holder
	} else { // its place is not told
		r.Detail = "Choose another key: the document that holds this one is none that you may read. Nothing was done."
	}
	for _, pointer := range w.intent.Rules.Key.texts {
		r.Faults = append(r.Faults, Fault{pointer, "Another document has this value of the natural key."})
	}
	return r
}
