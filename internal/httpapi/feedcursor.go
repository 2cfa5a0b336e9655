package httpapi

import (
	"bytes"
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
// position for each lane, of which the stores that there are have one.
type feedCursor struct {
	store digestOf // which numbers positions
	part  digestOf // whose feed it is
	epoch int64    // of the store
	at    engine.FeedPlace
}

// cursor returns the cursor of where a feed has come to.
func (f *feed) cursor() feedCursor {
	info := f.server.door.Engine.StoreInfo()
	c := feedCursor{store: nameOf(info.ID), part: nameOfPart(f.scope.Part), epoch: info.Epoch}
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

func nameOfPart(p store.Part) digestOf { return nameOf(p.Collection, p.Params) }

func (c feedCursor) String() string {
	raw := append(append([]byte{}, c.store[:]...), c.part[:]...)
	for _, n := range []int64{c.epoch, c.at.Position, c.at.Pruned} {
		raw = binary.AppendUvarint(raw, uint64(n))
	}
	return encodeCursor(cursorFeed, string(raw))
}

// decodeFeedCursor reads what String has written, byte for byte.
func decodeFeedCursor(cursor string) (c feedCursor, ok bool) {
	text, ok := decodeCursor(cursorFeed, cursor)
	raw := bytes.NewReader([]byte(text))
	if !ok || raw.Len() < len(c.store)+len(c.part) {
		return c, false
	}
	for _, name := range []*digestOf{&c.store, &c.part} {
		copy(name[:], text[raw.Size()-int64(raw.Len()):])
		raw.Seek(int64(len(name)), 1)
	}
	for _, n := range []*int64{&c.epoch, &c.at.Position, &c.at.Pruned} {
		u, err := binary.ReadUvarint(raw)
		if err != nil || u > math.MaxInt64 {
			return c, false
		}
		*n = int64(u)
	}
	return c, c.String() == cursor
}
