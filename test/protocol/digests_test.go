package protocol_test

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/jsonvalue"
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
		for want, digest := range wanted {
			a.header(a.must(200, "GET", "/v1/docs/1", "", "Want-Repr-Digest", want), "Repr-Digest", digest(large))
		}
	})
}

// wanted are preferences, with the digest that they get.
var wanted = map[string]func(string) string{
	"sha-256=1": sha256Of, "sha-512=1": sha512Of, "sha-512=3, sha-256=2": sha512Of, "sha-512=3, sha-256=3": sha256Of, "sha=9, unixsum=10, sha-512=1": sha512Of,
	"sha-256=0, sha-512=1": sha512Of, "sha-256=11, sha-512=1": sha512Of, "sha-256=1;x=\"a,b\";y, sha-512=2;z": sha512Of, "a=(1 \"),\" :YQ==:);p, sha-256=1": sha256Of,
	"a=1.5, b=?1, c=@17, d=tok/en, e=%\"f%c3\", sha-256=1": sha256Of, "sha-512=1, sha-512=0": noDigest, "sha-256=1, sha-256": noDigest,
	"": noDigest, "sha-256=0": noDigest, "sha-256=-1": noDigest, "sha-256": noDigest, "sha-256=x": noDigest, "sha-256=1.0": noDigest, "sha-256=\"1\"": noDigest, "md5=1": noDigest,
	// What is no dictionary is ignored as a whole.
	"sha-256=1,": noDigest, ",sha-256=1": noDigest, "sha-256=1 sha-512=1": noDigest, "sha-256=1, =2": noDigest, "sha-256=": noDigest, "sha-256=1, A=1": noDigest,
	"sha-256=1;": noDigest, "sha-256=1, a=\"": noDigest, "sha-256=1, a=(1": noDigest, "sha-256=1, a=:YQ": noDigest, "sha-256=1000000000000000": noDigest, "sha-256=1, a=?2": noDigest,
}

func noDigest(string) string { return "" }

// TestReprDigestOfWrites: answers to writes with content have it too, the same request
// again as well, whatever is wanted then; and pages of every kind.
func TestReprDigestOfWrites(t *testing.T) {
	onEveryStore(t, setup{rules: engine.Rules{Contract: optional, Contributions: &engine.Contributions{Confidence: jsonvalue.Int(1)}}}, func(t *testing.T, a *api) {
		const batch = `{"atomic":ATOMIC,"operations":[{"method":"PUT","path":"/v1/docs/1","body":{"n":3}}]}`
		for _, r := range [][]string{
			{"PUT", "/v1/docs/1", `{"n":1}`}, {"PUT", "/v1/docs/1", `{"n":2}`}, {"PATCH", "/v1/docs/1", `{"m":1}`}, {"PATCH", "/v1/docs/1?dryRun=true", `{"m":2}`}, {"POST", "/v1/docs", `{"n":1}`},
			{"PUT", "/v1/docs/1/_fields/n", `7`}, {"POST", "/v1/docs/c/_contributions", `{"source":"x","confidence":0.5,"observedAt":"2026-01-01T00:00:00Z","data":{"k":1}}`},
			{"POST", "/_batch", strings.Replace(batch, "ATOMIC", "true", 1)}, {"POST", "/_batch", strings.Replace(batch, "ATOMIC", "false", 1)},
			{"GET", "/v1/docs", ""}, {"GET", "/v1/docs/1/_history", ""}, {"GET", "/v1/docs/1/_history/1", ""}, {"GET", "/v1/docs/1/_diff?from=1&to=2", ""}, {"GET", "/v1/docs/1/_blame", ""},
			{"GET", "/v1/docs/1/_fields/n", ""}, {"GET", "/v1/docs/c/_contributions", ""}, {"GET", "/_changes", ""}, {"GET", "/_/api/audit", ""}, {"GET", "/healthz", ""},
		} {
			got := a.do(r[0], r[1], r[2], "Want-Repr-Digest", "sha-512=2, sha-256=1")
			if a.header(got, "Repr-Digest", sha512Of(got.body)); got.body == "" || got.status/100 != 2 {
				t.Errorf("%s %s: %d %s", r[0], r[1], got.status, got.body)
			}
			if got := a.do(r[0], r[1], r[2]); got.header.Get("Repr-Digest") != "" {
				t.Errorf("%s %s: nobody has asked for a digest", r[0], r[1])
			}
		}
		a.header(a.must(204, "PUT", "/v1/docs/1", `{"n":9}`, "Prefer", "return=minimal", "Want-Repr-Digest", "sha-256=1"), "Repr-Digest", "")
		a.header(a.must(204, "DELETE", "/v1/docs/1", "", "Want-Repr-Digest", "sha-256=1"), "Repr-Digest", "")
		key := []string{"Idempotency-Key", "0199b6a1-7e2c-7000-8000-000000000002"}
		a.header(a.must(201, "PUT", "/v1/docs/2", `{"n":1}`, key...), "Repr-Digest", "")
		again := a.must(201, "PUT", "/v1/docs/2", `{"n":1}`, append(key, "Want-Repr-Digest", "sha-256=1")...)
		a.header(again, "Idempotent-Replayed", "true")
		a.header(again, "Repr-Digest", sha256Of(again.body))
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
				sha256Of(other) + ",", "SHA-256=:aaaa:", "md5=:aaaa",
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
