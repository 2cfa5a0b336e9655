package ifmatch

import "fmt"

// Token says what a collection's entity tags are made of.
type Token uint8

// The tokens.
const (
	// TokenVersion makes "5" of version 5. Tags order a document's states.
	TokenVersion Token = iota
	// TokenHash makes a digest of the content. Equal content has equal tags, so
	// a change from A to B and back to A makes an old tag match again.
	TokenHash
	// TokenSigned makes a text that only a holder of the Signer's keys can make, and
	// that is good for the one document which it was made for. It names the version.
	TokenSigned
)

// String returns the policy file's word for the token.
func (t Token) String() string {
	switch t {
	case TokenVersion:
		return "version"
	case TokenHash:
		return "hash"
	case TokenSigned:
		return "signed"
	}
	return fmt.Sprintf("Token(%d)", uint8(t))
}

// Precondition says what a write to an existing document must bring along.
type Precondition uint8

// The precondition rules, the safest first.
const (
	// PreconditionRequired refuses an unconditional write with 428 (RFC 6585 §3).
	PreconditionRequired Precondition = iota
	// PreconditionOptional lets writers who ask for nothing overwrite.
	PreconditionOptional
	// PreconditionTag accepts nothing but an entity tag in If-Match: neither "*",
	// nor If-None-Match, nor a date, which all name no state that was read.
	PreconditionTag
	// PreconditionObserve lets writers who ask for nothing overwrite, like
	// PreconditionOptional, and has it noted what they overwrote: the first step of a
	// roll-out of PreconditionRequired.
	PreconditionObserve
	// PreconditionWarn is PreconditionObserve that tells those writers, too.
	PreconditionWarn
)

// String returns the policy file's word for the rule.
func (p Precondition) String() string {
	switch p {
	case PreconditionRequired:
		return "required"
	case PreconditionOptional:
		return "optional"
	case PreconditionTag:
		return "tag"
	case PreconditionObserve:
		return "observe"
	case PreconditionWarn:
		return "warn"
	}
	return fmt.Sprintf("Precondition(%d)", uint8(p))
}

// Observes tells whether what unconditional writes overwrite is noted.
func (p Precondition) Observes() bool { return p == PreconditionObserve || p == PreconditionWarn }

// MethodPreconditions holds the precondition rule of each writing method.
type MethodPreconditions struct {
	Put, Patch, Delete Precondition
}

// Observes tells whether the rule of any method does.
func (m MethodPreconditions) Observes() bool {
	return m.Put.Observes() || m.Patch.Observes() || m.Delete.Observes()
}

// Contract is what a collection promises about tags and preconditions. The zero
// value is RFC 9110 to the letter with preconditions required.
type Contract struct {
	// Token is what tags are made of.
	Token Token
	// Signer makes and verifies the tags where Token is TokenSigned, and must be there
	// then.
	Signer *Signer
	// Weak publishes weak tags (W/"…") and implies AcceptWeak.
	Weak bool
	// AcceptWeak lets If-Match compare weakly. A deliberate departure from RFC
	// 9110 §13.1.1, for intermediaries that weaken tags on their way.
	AcceptWeak bool
	// Precondition is required of PUT, PATCH and DELETE; other methods that
	// write follow Patch.
	Precondition MethodPreconditions
	// AcceptApplied answers a stale PUT or PATCH whose result is already there
	// as a success that changed nothing, instead of refusing it.
	AcceptApplied bool
}

// ETag returns the entity tag of one state of a document: the tag that is
// published is the tag that is checked, because both come from here. Of is the
// document, which signed tags are made for. Life counts from 1 how often it was
// created; digest is SHA-256 over its canonical form and read only where Token is
// TokenHash.
func (c *Contract) ETag(of *Subject, version, life int64, digest *[32]byte) ETag {
	var t ETag
	switch c.Token {
	case TokenHash:
		t = HashTag(digest, life)
	case TokenSigned:
		t = c.Signer.Sign(of, version)
	default:
		t = VersionTag(version)
	}
	t.weak = c.Weak
	return t
}

// Verifier returns what [State] needs to judge the tags of a document that stands at a
// version, 0 for none: nil where the tag alone says all, since tags are not signed.
func (c *Contract) Verifier(of Subject, version int64) func(ETag) Signature {
	if c.Token != TokenSigned {
		return nil
	}
	return func(t ETag) Signature { return c.Signer.Verify(&of, version, t) }
}

// ValueTag returns the entity tag of one value of a document, which stands at a JSON
// Pointer. Digest is of all that the tag is to tell apart: the value, and of which
// document it is, in which of its lives, at which place.
func (c *Contract) ValueTag(of *Subject, at string, digest *[32]byte) ETag {
	var t ETag
	if c.Token == TokenSigned {
		t = c.Signer.SignValue(of, at, digest)
	} else {
		t = HashTag(digest, 1) // which has the life in it already
	}
	t.weak = c.Weak
	return t
}

// ValueVerifier is [Contract.Verifier] for one value of a document, whose digest is nil
// where there is none.
func (c *Contract) ValueVerifier(of Subject, at string, digest *[32]byte) func(ETag) Signature {
	if c.Token != TokenSigned {
		return nil
	}
	return func(t ETag) Signature { return c.Signer.VerifyValue(&of, at, digest, t) }
}

// Due returns the precondition rule of a method.
func (c *Contract) Due(method string) Precondition { return c.due(classify(method)) }

func (c *Contract) due(m methodClass) Precondition {
	switch m {
	case methodPut:
		return c.Precondition.Put
	case methodDelete:
		return c.Precondition.Delete
	}
	return c.Precondition.Patch
}
