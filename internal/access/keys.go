package access

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
)

// Digest is the SHA-256 of a key, which is all that is kept of one.
//
// A fast hash is right here: it is passwords, which people choose and which can
// be tried one after the other, that need a slow one. A key has at least 128
// random bits, and nobody tries 2^128 of them at any speed.
type Digest = [sha256.Size]byte

// keyPrefix lets people, and programs that look for leaked secrets, tell a key
// for what it is.
const keyPrefix = "ifm_"

// NewKey returns a fresh key of at least 128 random bits, and its digest. Its
// letters need no escaping in a header (RFC 6750 §2.1), a shell or a URL.
func NewKey() (key string, digest Digest) {
	key = keyPrefix + rand.Text()
	return key, sha256.Sum256([]byte(key))
}

const (
	// minKey is the length of 128 bits in base64; nothing shorter can have as many.
	minKey = 22
	// maxKey bounds what is hashed before anybody is known.
	maxKey = 256
)

// Key is one API key of a principal.
type Key struct {
	Principal
	Digest Digest
}

// Keys finds principals by their API keys. It is safe for concurrent use.
type Keys struct {
	byDigest map[Digest]*Principal
}

// NewKeys returns the finder of keys. It fails where two of them are the same
// key. Without any, nobody is found.
func NewKeys(keys []Key) (*Keys, error) {
	k := &Keys{byDigest: make(map[Digest]*Principal, len(keys))}
	for i := range keys {
		key := &keys[i]
		if same := k.byDigest[key.Digest]; same != nil {
			return nil, fmt.Errorf("access: %q and %q have the same key", same.Name, key.Name)
		}
		k.byDigest[key.Digest] = &key.Principal
	}
	return k, nil
}

// Find returns whose key this is, nil for nobody's. A string outside 22 to 256
// bytes is nobody's, whatever was configured. Nil Keys have nobody's.
//
// What is looked up is the digest of what was sent, so the time that it takes
// says nothing about the keys: who could steer a digest towards a known one,
// byte by byte, could do without the answer.
func (k *Keys) Find(key string) *Principal {
	if k == nil || len(key) < minKey || len(key) > maxKey {
		return nil
	}
	return k.byDigest[sha256.Sum256([]byte(key))]
}
