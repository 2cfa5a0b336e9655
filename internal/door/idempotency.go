package door

import (
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/problem"
)

// Keys says what a door does about Idempotency-Key.
type Keys uint8

const (
	// KeysStored answers a request under a key once and for all.
	KeysStored Keys = iota
	// KeysRefused refuses requests with one, where nothing can keep their answers:
	// who sends a key trusts that sending the request again does no harm.
	KeysRefused
	// KeysIgnored leaves them to something else on the way of a request.
	KeysIgnored
)

// DefaultKeep is how long answers are kept under their keys.
const DefaultKeep = 24 * time.Hour

// maxKey bounds a key in bytes.
const maxKey = 255

// key reads a request's Idempotency-Key, nil where it has none. An operation's
// content is read by then.
func (d *Door) key(r *http.Request, t Target, in *engine.Intent) (*engine.Key, *problem.Document) {
	lines := r.Header["Idempotency-Key"]
	if len(lines) == 0 || d.Keys == KeysIgnored {
		return nil, nil
	}
	if d.Keys == KeysRefused {
		return nil, malformed(r, t, "Idempotency-Key is not supported here: answers are not kept, so that the same request sent again would be carried out again. "+
			"Leave the header out, and send a precondition such as If-Match, which lets a write through once. Nothing was done.")
	}
	key, wrong := parseKey(lines)
	if wrong == "" && in.Actor.Name == "" && !hard(key) {
		wrong = "you are not authenticated, and such callers share their keys, so that yours must be one that nobody else comes upon: a UUID, or 128 random bits as 32 hexadecimal digits or 22 characters of base64url"
	}
	if wrong != "" {
		return nil, malformed(r, t, "Idempotency-Key cannot be taken: "+wrong+". Nothing was done.")
	}
	keep := d.KeepAnswers
	if keep == 0 {
		keep = DefaultKeep
	}
	return &engine.Key{Scope: scopeOf(in.Actor.Name, t.Ref.Part), Key: key, Digest: digestOf(r, in.Body), Keep: keep}, nil
}

// parseKey reads the lines of an Idempotency-Key: a String of a Structured Field
// (RFC 9651 §3.3.3), or the same text bare, as most clients send it. Wrong says
// what is wrong with it, "" for nothing. Every other kind of Structured Field is
// wrong, and so are parameters: none may be taken for the key of another request.
func parseKey(lines []string) (key, wrong string) {
	if len(lines) > 1 {
		return "", "it was sent " + strconv.Itoa(len(lines)) + " times; send it once"
	}
	text := strings.Trim(lines[0], " ")
	var ok bool
	if strings.HasPrefix(text, `"`) {
		key, ok = unquoted(text)
	} else {
		key, ok = text, isBare(text)
	}
	switch {
	case text == "" || ok && key == "":
		return "", "it is empty"
	case !ok:
		return "", `write it as a string in quotes, such as "8e03978e-40d5-43e8-bc93-6894a57f9324", with nothing after it`
	case len(key) > maxKey:
		return "", "it is longer than " + strconv.Itoa(maxKey) + " characters"
	}
	return key, ""
}

// unquoted reads a String that is all of text (RFC 9651 §4.2.5).
func unquoted(text string) (string, bool) {
	if len(text) < 2 || text[len(text)-1] != '"' {
		return "", false
	}
	var key strings.Builder
	inside := text[1 : len(text)-1]
	for i := 0; i < len(inside); i++ {
		c := inside[i]
		if c == '\\' {
			if i++; i == len(inside) || inside[i] != '"' && inside[i] != '\\' {
				return "", false
			}
			c = inside[i]
		} else if c == '"' || c < ' ' || c > '~' {
			return "", false
		}
		key.WriteByte(c)
	}
	return key.String(), true
}

// isBare tells whether text can be a key without quotes: the characters of a Token
// (RFC 9651 §3.3.4) and "=", not beginning like a value of another kind.
func isBare(text string) bool {
	for i := range len(text) {
		c := text[i]
		switch {
		case isAlphanumeric(c), c == '-', c == '_', c == '*':
		case i > 0 && strings.IndexByte("!#$%&'+.^`|~:/=", c) >= 0:
		default:
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// hard tells whether a key is long enough for 128 random bits, with 4 in each of
// its characters where they are hexadecimal digits, else with 6. Punctuation
// counts for nothing in between digits.
func hard(key string) bool {
	digits, hexadecimal := 0, true
	for i := range len(key) {
		if c := key[i]; isAlphanumeric(c) {
			digits++
			hexadecimal = hexadecimal && (c <= '9' || c|0x20 <= 'f')
		}
	}
	if hexadecimal {
		return digits*4 >= 128
	}
	return len(key)*6 >= 128
}

// scopeOf names whose key it is: the caller's in a part. Callers without a name
// share their keys.
func scopeOf(caller string, p store.Part) string {
	if caller != "" {
		caller = strconv.Quote(caller)
	}
	return caller + " " + p.Collection + "/" + p.Params
}

// conditional are the header fields that make another request of one to the same
// target with the same content: with others it asks for something else.
var conditional = []string{"Content-Type", "Prefer", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"}

// digestOf tells a request from others. Lines of one field count as one line, since
// whoever passes a request on may join them.
func digestOf(r *http.Request, body []byte) [32]byte {
	h := sha256.New()
	text := func(s string) {
		h.Write(binary.AppendUvarint(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
	text(r.Method)
	text(r.URL.EscapedPath())
	text(r.URL.RawQuery)
	for _, name := range conditional {
		text(strconv.Itoa(min(len(r.Header[name]), 1)))
		text(join(r.Header[name]))
	}
	if lines := r.Header["Ifmatch-Lease"]; lines != nil { // among the others it would change the digests that are kept
		text("Ifmatch-Lease")
		text(join(lines))
	}
	sum := sha256.Sum256(body)
	h.Write(sum[:])
	return [32]byte(h.Sum(nil))
}
