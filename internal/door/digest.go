package door

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/ifmatch/ifmatch/problem"
)

// digests are the algorithms of RFC 9530 §7.2 that are checked on the way in; the
// others are not secure, and nobody has to know them (§6.5).
var digests = map[string]func([]byte) []byte{
	"sha-256": func(b []byte) []byte { sum := sha256.Sum256(b); return sum[:] },
	"sha-512": func(b []byte) []byte { sum := sha512.Sum512(b); return sum[:] },
}

// checkDigests compares a request's content with the digests it comes with (RFC
// 9530 §2, §3). Content has no coding, and a patch is its own representation (RFC
// 9530 §B.4), so that both fields are about the same bytes.
func checkDigests(r *http.Request, t Target, body []byte) *problem.Document {
	for _, field := range []string{"Content-Digest", "Repr-Digest"} {
		for name, value := range dictionary(r.Header[field]) {
			sum := digests[name]
			if sum == nil {
				continue
			}
			claimed, ok := byteSequence(value)
			if !ok {
				return malformed(r, t, field+" cannot be read: write it as "+name+"=:BASE64:, with the colons. Nothing was done.")
			}
			if is := sum(body); !bytes.Equal(claimed, is) {
				return malformed(r, t, field+" does not match the content that arrived, whose "+name+" is :"+
					base64.StdEncoding.EncodeToString(is)+":. It was changed on its way, or the digest is of something else. Nothing was done.")
			}
		}
	}
	return nil
}

// dictionary reads the members of a Structured Field (RFC 9651 §3.2) that hold
// neither commas nor inner lists: the last of equal names counts, parameters do
// not.
func dictionary(lines []string) map[string]string {
	var members map[string]string
	for _, line := range lines {
		for member := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.Trim(member, " \t"), "=")
			if members == nil {
				members = make(map[string]string, 1)
			}
			value, _, _ = strings.Cut(value, ";")
			members[name] = value
		}
	}
	return members
}

// byteSequence reads :BASE64: (RFC 9651 §3.3.5).
func byteSequence(s string) ([]byte, bool) {
	if len(s) < 2 || s[0] != ':' || s[len(s)-1] != ':' {
		return nil, false
	}
	b, err := base64.StdEncoding.DecodeString(s[1 : len(s)-1])
	return b, err == nil
}
