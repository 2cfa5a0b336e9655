package httpapi

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
)

// cursorFeed is followed by a feedCursor.
const cursorFeed = 'f'

// errBadCursor says that a cursor is not one of this feed.
var errBadCursor = errors.New("the cursor is not one of this feed")

// digestOf names something in few bytes. It keeps mistakes apart and no secrets.
type digestOf [6]byte

// feedCursor is how far a caller has come in the feed of a part, or of all: a
// position for each lane.
type feedCursor struct {
	store digestOf // which numbers positions
	part  digestOf // whose feed it is
	epoch int64    // of the store
	at    engine.FeedPlace
}

// beginning is the cursor of a feed before its oldest change.
func (s *Server) beginning(part store.Part) feedCursor {
	info := s.door.Engine.StoreInfo()
	return feedCursor{store: nameOf(info.ID), part: nameOf(part.Collection, part.Params), epoch: info.Epoch}
}

// cursor returns the cursor of where a feed has come to.
func (f *feed) cursor() feedCursor {
	c := f.origin
	if f.at != nil {
		c.at = *f.at
	}
	return c
}

func nameOf(texts ...string) (name digestOf) {
	var all []byte
	for _, text := range texts {
		all = append(binary.AppendUvarint(all, uint64(len(text))), text...)
	}
	sum := sha256.Sum256(all)
	copy(name[:], sum[:])
	return name
}

func (c feedCursor) String() string {
	raw := append(append([]byte{}, c.store[:]...), c.part[:]...)
	raw = binary.AppendUvarint(raw, uint64(c.epoch))
	for _, mark := range []store.Mark{c.at.Mark, c.at.Pruned} {
		raw = binary.AppendUvarint(raw, uint64(len(mark)))
		for _, position := range mark {
			raw = binary.AppendUvarint(raw, uint64(position))
		}
	}
	return encodeCursor(cursorFeed, string(raw))
}

// decodeFeedCursor reads what String has written, byte for byte.
func decodeFeedCursor(cursor string) (c feedCursor, ok bool) {
	text, ok := decodeCursor(cursorFeed, cursor)
	names := len(c.store) + len(c.part)
	if !ok || len(text) < names {
		return c, false
	}
	copy(c.store[:], text)
	copy(c.part[:], text[len(c.store):])
	rest := []byte(text[names:])
	c.epoch, rest, ok = readCount(rest)
	for _, mark := range []*store.Mark{&c.at.Mark, &c.at.Pruned} {
		if ok {
			*mark, rest, ok = readMark(rest)
		}
	}
	return c, ok && c.String() == cursor
}

func readMark(raw []byte) (mark store.Mark, rest []byte, ok bool) {
	lanes, rest, ok := readCount(raw)
	if !ok || lanes > int64(len(rest)) { // each takes a byte at least
		return nil, nil, false
	}
	for range lanes {
		var position int64
		if position, rest, ok = readCount(rest); !ok {
			return nil, nil, false
		}
		mark = append(mark, position)
	}
	return mark, rest, true
}

func readCount(raw []byte) (n int64, rest []byte, ok bool) {
	u, size := binary.Uvarint(raw)
	if size <= 0 || u > math.MaxInt64 {
		return 0, nil, false
	}
	return int64(u), raw[size:], true
}
