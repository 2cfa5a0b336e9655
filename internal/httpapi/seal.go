package httpapi

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"fmt"
)

// newSeal returns what seals cursors, under a key that ends with the server: who goes
// on after a restart starts over. Nonces are random, and made by it.
func newSeal() cipher.AEAD {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails
	block, err := aes.NewCipher(key)
	if err == nil {
		var seal cipher.AEAD
		if seal, err = cipher.NewGCMWithRandomNonce(block); err == nil {
			return seal
		}
	}
	panic(fmt.Sprintf("httpapi: a key of 32 bytes is refused: %v", err))
}

// sealed returns a cursor that only this server reads.
func (s *Server) sealed(cursor string) string {
	return base64.RawURLEncoding.EncodeToString(s.seal.Seal(nil, nil, []byte(cursor), nil))
}

// open returns the cursor that was sealed.
func (s *Server) open(sealed string) (string, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return "", false
	}
	cursor, err := s.seal.Open(nil, nil, raw, nil)
	return string(cursor), err == nil
}
