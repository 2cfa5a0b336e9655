package ifmatch

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
)

// Subject names what signed tags are of: one document of a store. The zero value is a
// subject like any other.
type Subject struct {
	Collection string // the collection's name
	Params     string // the values of the parameters of its path, unambiguously joined
	ID         string // "" for a singleton
}

// Signature is what verifying a tag came to. The zero value is that of a tag which
// says nothing: it has another form, or was made under a key that is not in the ring,
// or before the store was restored.
type Signature struct {
	// Forged tells that the tag names a key of the ring, which did not make it for
	// this subject: somebody altered it, or carried it here from elsewhere.
	Forged bool
	// Current tells that it names the state that it was held against.
	Current bool
	// Version is the version that it names, 0 for none. A tag of a value names none.
	Version int64
}

// A signed tag is base64url of one of
//
//	1 | key, 4 bytes | epoch, 5 | version, 7  | MAC, 16    of a document
//	2 | key, 4 bytes | epoch, 5 | content, 16 | MAC, 16    of one value of a document
//
// with numbers in big endian. Both lengths are multiples of 3, so that no two texts
// are the same bytes. The MAC covers the kind, the store, the subject, and all before
// it but the key, under whose own secret it stands.
const (
	signedDocument = 1
	signedValue    = 2

	sizeKeyID   = 4
	sizeEpoch   = 5
	sizeVersion = 7
	sizeContent = 16
	sizeMAC     = 16

	headSigned   = 1 + sizeKeyID + sizeEpoch
	sizeDocument = headSigned + sizeVersion + sizeMAC
	sizeValue    = headSigned + sizeContent + sizeMAC
)

// signedTag is a signed tag taken apart, of which nothing is verified.
type signedTag struct {
	raw [sizeValue]byte
	len int // of raw, 0 for none
}

// parseSigned takes a tag apart, and reports whether it has the form of a signed one.
func parseSigned(t ETag) (s signedTag, ok bool) {
	length := base64.RawURLEncoding.DecodedLen(len(t.opaque))
	if length != sizeDocument && length != sizeValue {
		return s, false
	}
	n, err := base64.RawURLEncoding.Decode(s.raw[:], []byte(t.opaque))
	if err != nil || n != length || s.kind() == signedDocument != (n == sizeDocument) || s.kind() == signedValue != (n == sizeValue) {
		return s, false
	}
	s.len = n
	return s, true
}

// newSigned begins a tag: what is signed and the MAC are still to be written.
func newSigned(kind byte, id keyID, epoch int64) (s signedTag) {
	s.len = sizeDocument
	if kind == signedValue {
		s.len = sizeValue
	}
	s.raw[0] = kind
	copy(s.raw[1:], id[:])
	putUint(s.raw[1+sizeKeyID:headSigned], uint64(epoch))
	return s
}

func (s *signedTag) kind() byte      { return s.raw[0] }
func (s *signedTag) key() keyID      { return keyID(s.raw[1 : 1+sizeKeyID]) }
func (s *signedTag) epoch() int64    { return int64(getUint(s.raw[1+sizeKeyID : headSigned])) }
func (s *signedTag) payload() []byte { return s.raw[headSigned : s.len-sizeMAC] }
func (s *signedTag) mac() []byte     { return s.raw[s.len-sizeMAC : s.len] }

func (s *signedTag) tag() ETag {
	return ETag{opaque: base64.RawURLEncoding.EncodeToString(s.raw[:s.len]), set: true}
}

func putUint(dst []byte, n uint64) {
	var all [8]byte
	binary.BigEndian.PutUint64(all[:], n)
	copy(dst, all[len(all)-len(dst):])
}

func getUint(src []byte) uint64 {
	var all [8]byte
	copy(all[len(all)-len(src):], src)
	return binary.BigEndian.Uint64(all[:])
}

// Sign returns the strong tag of a version, which is from 1 to [MaxVersion], of a
// document.
func (s *Signer) Sign(of *Subject, version int64) ETag {
	key := s.newest()
	t := newSigned(signedDocument, key.id, s.epoch)
	putUint(t.payload(), uint64(version))
	key.seal(s, of, "", &t, t.mac())
	return t.tag()
}

// Verify says what a tag tells of a document that stands at a version, 0 for none. It
// takes the same time wherever a forged tag differs from a good one.
func (s *Signer) Verify(of *Subject, version int64, t ETag) Signature {
	signed, forged := s.open(of, "", signedDocument, t)
	if signed.len == 0 || forged {
		return Signature{Forged: forged}
	}
	named := int64(getUint(signed.payload()))
	return Signature{Version: named, Current: named == version}
}

// SignValue returns the strong tag of one value of a document, at a JSON Pointer. Digest
// stands for what the tag is to tell apart; it cannot be found out from the tag.
func (s *Signer) SignValue(of *Subject, at string, digest *[32]byte) ETag {
	key := s.newest()
	t := newSigned(signedValue, key.id, s.epoch)
	key.conceal(s, digest, t.payload())
	key.seal(s, of, at, &t, t.mac())
	return t.tag()
}

// VerifyValue says what a tag tells of the value of a document at a JSON Pointer, nil
// for none. It takes the same time wherever a forged tag differs from a good one.
func (s *Signer) VerifyValue(of *Subject, at string, digest *[32]byte, t ETag) Signature {
	signed, forged := s.open(of, at, signedValue, t)
	if signed.len == 0 || forged || digest == nil {
		return Signature{Forged: forged}
	}
	var content [sizeContent]byte
	s.key(signed.key()).conceal(s, digest, content[:])
	return Signature{Current: hmac.Equal(content[:], signed.payload())}
}

// open takes a tag apart and verifies it. It returns the zero signedTag for one that
// says nothing.
func (s *Signer) open(of *Subject, at string, kind byte, t ETag) (signed signedTag, forged bool) {
	signed, ok := parseSigned(t)
	if !ok {
		return signedTag{}, false
	}
	key := s.key(signed.key())
	if key == nil {
		return signedTag{}, false
	}
	var want [sizeMAC]byte
	key.seal(s, of, at, &signed, want[:])
	if !hmac.Equal(want[:], signed.mac()) || signed.kind() != kind {
		return signed, true
	}
	if signed.epoch() != s.epoch {
		return signedTag{}, false
	}
	return signed, false
}
