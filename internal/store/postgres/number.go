package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"strings"
	"unicode/utf8"

	"github.com/ifmatch/ifmatch/internal/store"
)

// number returns what stands for a part in every key: the first 8 bytes of a SHA-256
// over the schema's salt and the part's name. Nobody who does not know the salt can make
// two parts meet; where two do all the same, the second is refused. 0 is no part.
func (s *Store) number(p store.Part) int64 { return s.numberOf("part", p.Collection, p.Params) }

func (s *Store) numberOf(names ...string) int64 {
	h := sha256.New()
	h.Write([]byte(s.salt))
	for _, name := range names {
		h.Write([]byte{0})
		h.Write([]byte(name))
	}
	if n := int64(binary.BigEndian.Uint64(h.Sum(nil))); n != 0 {
		return n
	}
	return 1
}

// laneOf returns the lane of a document: FNV-1a over its collection, parameters and id,
// with a zero byte between them, modulo the number of lanes. It must never change.
func laneOf(ref store.Ref) int {
	h := fnv.New32a()
	h.Write([]byte(ref.Part.Collection + "\x00" + ref.Part.Params + "\x00" + ref.ID))
	return int(h.Sum32() % lanes)
}

// longest is how long what callers name may be to stand in a key as it is. What is
// longer stands there as its digest.
const longest = 512

// keyOf returns the column of a name that is looked up and never shown.
func keyOf(name string) []byte {
	if len(name) <= longest {
		return append([]byte{0}, name...)
	}
	sum := sha256.Sum256([]byte(name))
	return append([]byte{1}, sum[:]...)
}

// keepLong stores the names of a commit that stand in keys as their digests alone, so
// that who copies the store finds them. Few commits have any, and none is ever changed:
// that it comes before the commit does no harm.
func (s *Store) keepLong(ctx context.Context, c *store.Commit) error {
	var long []string
	add := func(name string) {
		if len(name) > longest {
			long = append(long, name)
		}
	}
	for i := range c.Claims {
		add(c.Claims[i].Value)
	}
	if c.Key != nil {
		add(c.Key.Scope)
		add(c.Key.Key)
	}
	if len(long) == 0 || c.Dry {
		return nil
	}
	var digests, names [][]byte
	for _, name := range long {
		digests, names = append(digests, keyOf(name)), append(names, []byte(name))
	}
	_, err := s.pools.read.Exec(ctx, `INSERT INTO long_names (digest, name)
		SELECT DISTINCT * FROM unnest($1::bytea[], $2::bytea[]) u(digest, name) ORDER BY 1 ON CONFLICT DO NOTHING`, digests, names)
	return classify(err)
}

// plain refuses text that a column of the database cannot hold.
func plain(texts ...string) error {
	for _, t := range texts {
		if !utf8.ValidString(t) || strings.IndexByte(t, 0) >= 0 {
			return fmt.Errorf("%w: %.40q is not text that PostgreSQL can hold", store.ErrInvalid, t)
		}
	}
	return nil
}

// isPlain tells whether the database can hold texts. What it cannot hold is not there.
func isPlain(texts ...string) bool { return plain(texts...) == nil }
