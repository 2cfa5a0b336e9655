package door

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"net/http"
	"strconv"

	"github.com/ifmatch/ifmatch/problem"
)

// digests are the algorithms of RFC 9530 §7.2 that are checked on the way in and made on
// the way out, the one first that is made where several are wanted alike. The others are
// not secure, and nobody has to know them (§6.5).
var digests = []struct {
	name string
	sum  func([]byte) []byte
}{
	{"sha-256", func(b []byte) []byte { sum := sha256.Sum256(b); return sum[:] }},
	{"sha-512", func(b []byte) []byte { sum := sha512.Sum512(b); return sum[:] }},
}

// checkDigests compares a request's content with the digests it comes with (RFC
// 9530 §2, §3). Content has no coding, and a patch is its own representation (RFC
// 9530 §B.4), so that both fields are about the same bytes. A field that cannot be read
// is refused: whoever sends one counts on its being checked.
func checkDigests(r *http.Request, t Target, body []byte) *problem.Document {
	for _, field := range []string{"Content-Digest", "Repr-Digest"} {
		lines := r.Header[field]
		if lines == nil {
			continue
		}
		claims, ok := dictionary(lines)
		if !ok {
			return unreadableDigest(r, t, field, digests[0].name)
		}
		for _, d := range digests {
			value, there := claims[d.name]
			if !there {
				continue
			}
			claimed, ok := byteSequence(value)
			if !ok {
				return unreadableDigest(r, t, field, d.name)
			}
			if is := d.sum(body); !bytes.Equal(claimed, is) {
				return malformed(r, t, field+" does not match the content that arrived, whose "+d.name+" is :"+
					base64.StdEncoding.EncodeToString(is)+":. It was changed on its way, or the digest is of something else. Nothing was done.")
			}
		}
	}
	return nil
}

func unreadableDigest(r *http.Request, t Target, field, name string) *problem.Document {
	return malformed(r, t, field+" cannot be read: write it as "+name+"=:BASE64:, with the colons. Nothing was done.")
}

// SetReprDigest adds the digest of a body, as it is sent, where the request wants one
// that can be had (RFC 9530 §4): of those with the greatest weight, SHA-256 first.
func SetReprDigest(h http.Header, r *http.Request, body []byte) {
	lines := r.Header["Want-Repr-Digest"]
	if lines == nil || body == nil {
		return
	}
	weights, _ := dictionary(lines) // what is none is ignored as a whole (RFC 9651 §4.2)
	best, most := 0, 0
	for i, d := range digests {
		if w, err := strconv.Atoi(weights[d.name]); err == nil && w > most && w <= 10 {
			best, most = i, w
		}
	}
	if most > 0 {
		d := digests[best]
		h["Repr-Digest"] = []string{d.name + "=:" + base64.StdEncoding.EncodeToString(d.sum(body)) + ":"}
	}
}

// byteSequence reads :BASE64: (RFC 9651 §3.3.5).
func byteSequence(s string) ([]byte, bool) {
	if len(s) < 2 || s[0] != ':' || s[len(s)-1] != ':' {
		return nil, false
	}
	b, err := base64.StdEncoding.DecodeString(s[1 : len(s)-1])
	return b, err == nil
}
