package protocol_test

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"strings"
	"testing"
)

func sha256Of(body string) string {
	sum := sha256.Sum256([]byte(body))
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

func sha512Of(body string) string {
	sum := sha512.Sum512([]byte(body))
	return "sha-512=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

// Repr-Digest is over the bytes that are sent, content coding included, and comes
// to those who ask.
func TestReprDigest(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/docs/1", large)
		for _, want := range []string{"sha-256=1", "sha-256=10", "sha-512=3, sha-256=5", " md5=1 ,\tsha-256=2;a=b"} {
			for _, coding := range append(codings, "identity") {
				got := a.must(200, "GET", "/v1/docs/1", "", "Want-Repr-Digest", want, "Accept-Encoding", coding)
				a.header(got, "Repr-Digest", sha256Of(got.body))
				a.header(a.must(200, "HEAD", "/v1/docs/1", "", "Want-Repr-Digest", want, "Accept-Encoding", coding), "Repr-Digest", sha256Of(got.body))
			}
		}
		for _, want := range []string{"", "sha-256=0", "sha-256", "sha-256=x", "sha-256=11", "sha-512=1", "sha-256=1, sha-256=0"} {
			a.header(a.must(200, "GET", "/v1/docs/1", "", "Want-Repr-Digest", want), "Repr-Digest", "")
		}
	})
}

// Content that is not what its digest says is refused, and nothing is done.
func TestDigestsOfContent(t *testing.T) {
	const was, other, mergePatch, jsonPatch = `{"a":1}`, `{"a":2}`, `{"a":3}`, `[{"op":"replace","path":"/a","value":4}]`
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/docs/1", was, "Content-Digest", sha256Of(was), "Repr-Digest", sha512Of(was))
		for _, field := range []string{"Content-Digest", "Repr-Digest"} {
			for _, value := range []string{
				sha256Of(was), sha512Of(was), "sha-256=abc", "sha-256=:abc:", "sha-256", sha256Of(other) + "x", "md5=:aaaa:, " + sha256Of(was),
				sha256Of(other) + ", " + sha512Of(was),
			} {
				p := a.refused(400, "malformed", "PUT", "/v1/docs/1", other, "If-Match", `"1"`, field, value)
				if !strings.HasPrefix(p.Detail, field+" ") {
					t.Errorf("%s: %s: %s", field, value, p.Detail)
				}
			}
			a.refused(400, "malformed", "PATCH", "/v1/docs/1", mergePatch, "If-Match", `"1"`, field, sha256Of(was))
			a.refused(400, "malformed", "PATCH", "/v1/docs/1", jsonPatch, "If-Match", `"1"`, "Content-Type", "application/json-patch+json", field, sha256Of(was))
			a.refused(400, "malformed", "POST", "/v1/docs", other, field, sha256Of(was))
			a.refused(400, "malformed", "PUT", "/v1/docs/1?dryRun=true", other, "If-Match", `"1"`, field, sha256Of(was))
		}
		for _, value := range []string{sha256Of(other), sha512Of(other), sha256Of(other) + ", " + sha512Of(other), "md5=:aaaa:", "unixsum=:aa:, " + sha256Of(other) + ";a=b", ""} {
			a.must(200, "PUT", "/v1/docs/1?dryRun=true", other, "If-Match", `"1"`, "Content-Digest", value, "Repr-Digest", value)
		}
		a.must(200, "PUT", "/v1/docs/1", other, "If-Match", `"1"`, "Content-Digest", "md5=:aaaa:", "Content-Digest", sha256Of(other))
		a.must(200, "PATCH", "/v1/docs/1", mergePatch, "If-Match", `"2"`, "Content-Digest", sha256Of(mergePatch), "Repr-Digest", sha256Of(mergePatch))
		a.verify()
	})
}
