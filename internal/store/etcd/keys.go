package etcd

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ifmatch/ifmatch/internal/store"
)

// The kinds of keys, each under the store's prefix and followed by what it names.
const (
	kindMeta    = "m" // what the store is
	kindTail    = "n" // where the feed ends; every change of anything rewrites it
	kindParts   = "p" // collection, params: floor, place of the newest commit
	kindIndexes = "i" // collection: which indexes its documents are under
	kindHeads   = "d" // collection, params, id: a head
	kindLog     = "h" // collection, params, id, rev from the newest: a log row
	kindBodies  = "v" // collection, params, id, version, when: a version's rev and body
	kindRows    = "r" // collection, params, id, kind, id: a side row
	kindClaims  = "u" // collection, params, index, value: the id that holds it
	kindAnswers = "a" // scope, key: an answer
	kindExpiry  = "x" // when, scope, key: an answer ends
	kindImport  = "c" // how far another store has been taken over
	kindFeed    = "f" // last position of a transaction: which rows it wrote
)

// space is where a store's keys lie.
type space string

// key returns the key of a kind that names the given texts. Keys of one kind order
// as their texts do, one after the other, and none is the beginning of another's.
func (s space) key(kind string, texts ...string) string {
	return string(s) + kind + "/" + escape(texts...)
}

// escape writes texts one after the other. Each ends with 00 01, and a 00 inside is
// written 00 FF, so that what goes on orders behind what ends.
func escape(texts ...string) string {
	var b strings.Builder
	for _, t := range texts {
		b.WriteString(strings.ReplaceAll(t, "\x00", "\x00\xff"))
		b.WriteString("\x00\x01")
	}
	return b.String()
}

// unescape cuts the first text from the rest of a key.
func unescape(rest string) (text, after string, err error) {
	end := strings.Index(rest, "\x00\x01")
	if end < 0 {
		return "", "", fmt.Errorf("etcd: a key ends early: %q", rest)
	}
	return strings.ReplaceAll(rest[:end], "\x00\xff", "\x00"), rest[end+2:], nil
}

func (s space) meta() string { return s.key(kindMeta) }
func (s space) tail() string { return s.key(kindTail) }

// importing returns the key that is there while another store is being taken over.
func (s space) importing() string { return s.key(kindImport) }

func (s space) part(p store.Part) string {
	return s.key(kindParts, p.Collection, p.Params)
}
func (s space) indexes(collection string) string { return s.key(kindIndexes, collection) }
func (s space) head(r store.Ref) string          { return s.of(kindHeads, r) }
func (s space) answer(scope, key string) string  { return s.key(kindAnswers, scope, key) }

// of returns the beginning of all keys of a kind that belong to a document.
func (s space) of(kind string, r store.Ref) string {
	return s.key(kind, r.Part.Collection, r.Part.Params, r.ID)
}

// log returns the key of a document's row. The newest come first.
func (s space) log(r store.Ref, rev int64) string { return s.of(kindLog, r) + number(^rev) }

// version returns the beginning of the one key of a document's version.
func (s space) version(r store.Ref, version int64) string {
	return s.of(kindBodies, r) + number(version)
}

// body returns the key of a document's version. It says when the version was
// written, so that retention need not read what it drops.
func (s space) body(r store.Ref, version int64, at time.Time) string {
	return s.version(r, version) + number(at.UnixNano())
}

func (s space) row(r store.Ref, kind, id string) string {
	return s.of(kindRows, r) + escape(kind, id)
}

func (s space) claim(c *store.Claim) string {
	return s.key(kindClaims, c.Part.Collection, c.Part.Params, c.Index, c.Value)
}

func (s space) expiry(at time.Time, scope, key string) string {
	return s.key(kindExpiry) + number(at.UnixNano()) + escape(scope, key)
}

// feed returns the key of what was written up to a position.
func (s space) feed(last int64) string { return s.key(kindFeed) + number(last) }

// number writes a number in eight bytes; numbers of one sign order as their bytes do.
func number(n int64) string {
	return string(binary.BigEndian.AppendUint64(nil, uint64(n)))
}

func readNumber(b string) int64 { return int64(binary.BigEndian.Uint64([]byte(b))) }

// end returns the end of the range of keys that begin with prefix.
func end(prefix string) string { return clientv3.GetPrefixRangeEnd(prefix) }

// refOf returns the document that a key of heads belongs to.
func (s space) refOf(key []byte) (r store.Ref, err error) {
	rest, ok := bytes.CutPrefix(key, []byte(s.key(kindHeads)))
	if !ok {
		return r, fmt.Errorf("etcd: %q is not the key of a head", key)
	}
	after := string(rest)
	for _, text := range []*string{&r.Part.Collection, &r.Part.Params, &r.ID} {
		if *text, after, err = unescape(after); err != nil {
			return r, err
		}
	}
	return r, nil
}

// partOf returns the part that a key of parts names.
func (s space) partOf(key []byte) (p store.Part, err error) {
	after := string(key[len(s.key(kindParts)):])
	if p.Collection, after, err = unescape(after); err == nil {
		p.Params, _, err = unescape(after)
	}
	return p, err
}
