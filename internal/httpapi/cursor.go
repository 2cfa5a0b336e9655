package httpapi

import (
	"encoding/base64"
	"strconv"

	"github.com/ifmatch/ifmatch/internal/engine"
)

// Cursors are opaque to clients: a letter for what they page through, and where
// the next page begins. Nothing in them is secret or trusted.
const (
	cursorList    = 'l'
	cursorHistory = 'h'
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

// decodeListCursor returns the id after which a list goes on.
func decodeListCursor(cursor string) (after string, ok bool) {
	after, ok = decodeCursor(cursorList, cursor)
	return after, ok && engine.ValidName(after)
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
