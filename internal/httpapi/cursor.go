package httpapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/index"
	"github.com/ifmatch/ifmatch/internal/store"
)

// Cursors are opaque to clients: a letter for what they page through, and where
// the next page begins. Nothing in them is trusted; those of lists that are sifted for
// their reader are sealed, for the place where a page begins may be hidden from them.
const (
	cursorList    = 'l'
	cursorHistory = 'h'
	cursorParked  = 'p'
	// cursorContributions is followed by the arrival behind which the page begins.
	cursorContributions = 'c'
)

func encodeCursor(kind byte, at string) string {
	return base64.RawURLEncoding.EncodeToString(append([]byte{kind}, at...))
}

func decodeCursor(kind byte, cursor string) (string, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(raw) < 2 || raw[0] != kind {
		return "", false
	}
	at := string(raw[1:])
	return at, encodeCursor(kind, at) == cursor // the decoder skips line breaks
}

// binding stands for everything that a place in a list depends on: the store and
// its epoch, the part, the order and the filters. A cursor goes on under the same
// binding only.
type binding [8]byte

// bind returns the binding of a query, under which limit and fields may change
// from page to page.
func (s *Server) bind(part store.Part, q *listQuery) binding {
	info := s.door.Engine.StoreInfo()
	h := sha256.New()
	write := func(pieces ...[]byte) {
		var length [binary.MaxVarintLen64]byte
		for _, piece := range pieces {
			h.Write(length[:binary.PutUvarint(length[:], uint64(len(piece)))])
			h.Write(piece)
		}
	}
	write([]byte(info.ID), strconv.AppendInt(nil, info.Epoch, 10), []byte(part.Collection), []byte(part.Params),
		[]byte(q.Sort), strconv.AppendBool(nil, q.Descending))
	for i := range q.Where {
		c := &q.Where[i]
		write([]byte(c.Index), strconv.AppendInt(nil, int64(len(c.In)), 10), c.From, c.To)
		write(c.In...)
	}
	return binding(h.Sum(nil)[:len(binding{})])
}

// encode returns the cursor of the page that begins behind a place.
func (b binding) encode(at store.Place) string {
	raw := append([]byte{}, b[:]...)
	raw = binary.AppendUvarint(raw, uint64(len(at.Key)))
	raw = append(append(raw, at.Key...), at.ID...)
	return encodeCursor(cursorList, string(raw))
}

// decode returns the place in the order of sort behind which a list goes on.
func (b binding) decode(cursor string, sort *index.Index) (at store.Place, ok bool) {
	raw, ok := decodeCursor(cursorList, cursor)
	if !ok || len(raw) < len(b) || !bytes.Equal([]byte(raw[:len(b)]), b[:]) {
		return at, false
	}
	rest := []byte(raw[len(b):])
	length, n := binary.Uvarint(rest)
	if n <= 0 || length > uint64(len(rest)-n) {
		return at, false
	}
	rest = rest[n:]
	at = store.Place{Key: rest[:length], ID: string(rest[length:])}
	fits := length == 0 || sort != nil && sort.Fits(at.Key)
	return at, fits && ifmatch.ValidName(at.ID) && b.encode(at) == cursor
}

// suffix tells the tag of one query's page from those of others: a page is another
// when its list goes on elsewhere, or shows other members.
func (q *listQuery) suffix(b binding) string {
	if q.plain {
		return ""
	}
	h := sha256.New()
	h.Write(b[:])
	h.Write([]byte(strconv.Itoa(q.limit) + " " + q.cursor + " "))
	h.Write([]byte(q.asked))
	return ".q" + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:9])
}

func encodeHistoryCursor(rev int64) string {
	return encodeCursor(cursorHistory, strconv.FormatInt(rev, 10))
}

// decodeHistoryCursor returns the rev below which a history goes on.
func decodeHistoryCursor(cursor string) (before int64, ok bool) {
	s, ok := decodeCursor(cursorHistory, cursor)
	if !ok {
		return 0, false
	}
	return parseVersion(s)
}

func encodeParkedCursor(at engine.ParkedPlace) string {
	return encodeCursor(cursorParked, strconv.FormatInt(at.At.UnixMicro(), 10)+" "+at.ID)
}

// decodeParkedCursor returns the place behind which a list of parked writes goes on.
func decodeParkedCursor(cursor string) (*engine.ParkedPlace, bool) {
	s, ok := decodeCursor(cursorParked, cursor)
	text, id, both := strings.Cut(s, " ")
	micros, err := strconv.ParseInt(text, 10, 64)
	at := engine.ParkedPlace{At: time.UnixMicro(micros).UTC(), ID: id}
	return &at, ok && both && err == nil && ifmatch.ValidName(id) && encodeParkedCursor(at) == cursor
}
