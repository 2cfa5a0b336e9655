package postgres

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"strings"
	"unicode/utf8"

	"github.com/ifmatch/ifmatch/internal/store"
)

// number returns what stands for a part in every key: the first 8 bytes of a SHA-256
// over the store's id and the part's name. Nobody who does not know the id can make
// two parts meet; where two do all the same, the second is refused. 0 is no part.
func (s *Store) number(p store.Part) int64 { return s.numberOf("part", p.Collection, p.Params) }

func (s *Store) numberOf(names ...string) int64 {
	h := sha256.New()
	h.Write([]byte(s.id))
	for _, name := range names {
		h.Write([]byte{0})
		h.Write([]byte(name))
	}
	if n := int64(binary.BigEndian.Uint64(h.Sum(nil))); n != 0 {
		return n
	}
	return 1
}

// laneOf returns the lane of a document: FNV-1a over its part's number, big-endian,
// and its id, modulo the number of lanes. It must never change.
func laneOf(part int64, id string) int {
	h := fnv.New32a()
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(part)))
	h.Write([]byte(id))
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

// plain refuses text that a column of the database cannot hold.
func plain(texts ...string) error {
	for _, t := range texts {
		if !utf8.ValidString(t) || strings.IndexByte(t, 0) >= 0 {
			return fmt.Errorf("%w: %.40q is not text that PostgreSQL can hold", store.ErrInvalid, t)
		}
	}
	return nil
}
