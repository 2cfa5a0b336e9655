// Package keyring keeps the secret keys of a store in a file: the newest signs entity
// tags and seals the log, and what an earlier one has signed or sealed stays good.
//
// The file is text. Each line holds one key, the newest last: the key in hex, 32 bytes
// or more; when it was made, by RFC 3339, if that is known; and the word retired behind
// that for a key which no longer vouches for tags, and is kept so that the log can be
// verified. Empty lines, and those that begin with #, say nothing. Whoever can read the
// file can make tags and rows of the log, so it must be its owner's alone.
package keyring

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ifmatch/ifmatch"
)

// Key is one key of a ring.
type Key struct {
	Secret  []byte
	Made    time.Time // zero where that is not known
	Retired bool      // it verifies the log, and nothing else
}

// ID returns the key's public name, which stands in each tag that it signs.
func (k *Key) ID() string { return ifmatch.KeyID(k.Secret) }

// Ring is the keys of one store, the newest last. It has one at least, and that is not
// retired. A Ring is not modified once it was made.
type Ring struct{ keys []Key }

// New returns a ring with a fresh key.
func New(now time.Time) Ring { return Ring{}.Rotated(now) }

// Rotated returns the ring with one more key, which signs from then on.
func (r Ring) Rotated(now time.Time) Ring {
	for {
		secret := make([]byte, ifmatch.MinSigningKey)
		_, _ = rand.Read(secret) // it never fails
		key := Key{Secret: secret, Made: now.UTC().Truncate(time.Second)}
		if r.index(key.ID()) < 0 { // ids are short
			return Ring{keys: append(slices.Clone(r.keys), key)}
		}
	}
}

// Retired returns the ring with a key retired. It fails where no key has that id, and
// for the newest.
func (r Ring) Retired(id string) (Ring, error) {
	i := r.index(id)
	switch {
	case i < 0:
		return r, fmt.Errorf("no key of the ring has the id %q", id)
	case i == len(r.keys)-1:
		return r, fmt.Errorf("%s is the newest key, which signs; rotate first, then retire it", id)
	}
	keys := slices.Clone(r.keys)
	keys[i].Retired = true
	return Ring{keys: keys}, nil
}

func (r Ring) index(id string) int {
	return slices.IndexFunc(r.keys, func(k Key) bool { return k.ID() == id })
}

// Keys returns the keys, the newest last. Nobody may modify them.
func (r Ring) Keys() []Key { return r.keys }

// Signing returns the keys that vouch for tags, the newest last.
func (r Ring) Signing() [][]byte {
	return r.secrets(func(k *Key) bool { return !k.Retired })
}

// Sealing returns the keys that vouch for rows of the log, the newest last: all.
func (r Ring) Sealing() [][]byte { return r.secrets(func(*Key) bool { return true }) }

func (r Ring) secrets(which func(*Key) bool) (secrets [][]byte) {
	for i := range r.keys {
		if which(&r.keys[i]) {
			secrets = append(secrets, r.keys[i].Secret)
		}
	}
	return secrets
}

const (
	heading = "# The key ring of an ifmatch store. Keep it secret, and keep a copy elsewhere.\n" +
		"# A key a line, the newest last; it signs. See docs/tags.md.\n"
	retired = "retired"
)

// Text returns what stands in the ring's file.
func (r Ring) Text() []byte {
	text := []byte(heading)
	for i := range r.keys {
		k := &r.keys[i]
		text = hex.AppendEncode(text, k.Secret)
		if !k.Made.IsZero() {
			text = k.Made.AppendFormat(append(text, ' '), time.RFC3339)
		}
		if k.Retired {
			text = append(text, " "+retired...)
		}
		text = append(text, '\n')
	}
	return text
}

// Parse reads what Text writes. Its errors name the line, and say nothing of what is in
// it.
func Parse(text []byte) (Ring, error) {
	var r Ring
	number := 0
	for line := range bytes.Lines(text) {
		number++
		words := strings.Fields(string(line))
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		key, err := parseKey(words)
		if err != nil {
			return Ring{}, fmt.Errorf("line %d %w", number, err)
		}
		if r.index(key.ID()) >= 0 {
			return Ring{}, fmt.Errorf("line %d holds a key that is there already, or has the id of one; take it out", number)
		}
		r.keys = append(r.keys, key)
	}
	switch {
	case len(r.keys) == 0:
		return Ring{}, errors.New("there is no key in it")
	case r.keys[len(r.keys)-1].Retired:
		return Ring{}, fmt.Errorf("line %d retires the newest key, which signs; put a newer one behind it", number)
	}
	return r, nil
}

func parseKey(words []string) (k Key, err error) {
	if k.Secret, err = hex.DecodeString(words[0]); err != nil {
		return k, errors.New("does not begin with a key in hex") // the cause would quote it
	}
	if len(k.Secret) < ifmatch.MinSigningKey {
		return k, fmt.Errorf("holds a key of %d bytes; it needs %d", len(k.Secret), ifmatch.MinSigningKey)
	}
	words = words[1:]
	if len(words) > 0 && words[0] != retired {
		if k.Made, err = time.Parse(time.RFC3339, words[0]); err != nil {
			return k, errors.New("has something behind the key that is no time as in 2026-11-21T15:00:00Z")
		}
		words = words[1:]
	}
	if len(words) > 0 && words[0] == retired {
		k.Retired, words = true, words[1:]
	}
	if len(words) > 0 {
		return k, errors.New("has more than a key, when it was made, and the word retired")
	}
	return k, nil
}
