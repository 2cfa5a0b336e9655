package protocol_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
	"github.com/ifmatch/ifmatch/internal/store"
)

var (
	signed = ifmatch.Contract{Token: ifmatch.TokenSigned}

	oldKey = bytes.Repeat([]byte("old "), 8)
	newKey = bytes.Repeat([]byte("new "), 8)
)

// newSigner returns a signer for a store under oldKey.
func newSigner(t *testing.T, st store.Store) *ifmatch.Signer {
	t.Helper()
	info := st.Info()
	s, err := ifmatch.NewSigner(info.ID, info.Epoch, oldKey)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ring replaces the keys of the signer.
func (a *api) ring(keys ...[]byte) {
	a.t.Helper()
	if err := a.signer.SetKeys(keys...); err != nil {
		a.t.Fatal(err)
	}
}

// TestSignedTags: whatever shows the tag of a state shows the same one, and takes it.
func TestSignedTags(t *testing.T) {
	links := []httpapi.Link{{Rel: "other", Path: "/v1/notes/2"}}
	rules := showing(t, ifmatch.Dialect{}, signed, links)
	rules.OnStale = engine.StrategyMerge
	onEveryStore(t, setup{rules: rules, links: links}, func(t *testing.T, a *api) {
		first := a.must(201, "PUT", note, `{"a":1,"b":1}`).header.Get("ETag")
		if strings.Contains(first, "1\"") && len(first) < 10 {
			t.Errorf("%s can be guessed", first)
		}
		other := a.must(201, "PUT", "/v1/notes/2", `{"a":1,"b":1}`).header.Get("ETag")
		if first == other {
			t.Errorf("two documents have the tag %s", first)
		}
		a.header(a.must(200, "PUT", note, `{"b":1,"a":1}`, "If-Match", first), "ETag", first) // unchanged
		tag := a.must(200, "PUT", note, `{"a":2,"b":1}`, "If-Match", first).header.Get("ETag")
		a.header(a.must(200, "GET", note, ""), "ETag", tag)
		a.header(a.must(304, "GET", note, "", "If-None-Match", tag), "ETag", tag)
		a.header(a.must(304, "GET", note, "", "If-None-Match", "W/"+tag), "ETag", tag)
		a.header(a.must(200, "GET", note+"/_history/1", ""), "ETag", first)
		a.header(a.must(304, "GET", note+"/_history/1", "", "If-None-Match", first), "ETag", first)
		a.header(a.must(200, "GET", note+"/_blame", ""), "Ifmatch-ETag", tag)
		for path, shown := range map[string][]string{
			"/v1/notes": {tag, other}, note + "/_history": {tag, first}, "/v1/notes/_changes": {first, tag, other},
			note + "?include=links": {other}, note + "?include=meta": {tag},
		} {
			body := a.must(200, "GET", path, "").body
			for _, want := range shown {
				if quoted, err := json.Marshal(want); err != nil || !strings.Contains(body, `"etag":`+string(quoted)) {
					t.Errorf("GET %s does not show %s: %s", path, want, body)
				}
			}
		}
		p := a.refused(412, "merge-conflict", "PUT", note, `{"a":3,"b":1}`, "If-Match", first)
		if p.YourEtag != first || p.YourVersion != 1 || p.CurrentEtag != tag || p.CurrentVersion != 2 {
			t.Errorf("%+v", p)
		}
		merged := a.must(200, "PUT", note, `{"a":1,"b":2}`, "If-Match", first)
		a.body(merged, `{"a":2,"b":2}`)
		a.header(a.must(200, "GET", note, ""), "ETag", merged.header.Get("Ifmatch-ETag"))
		tag = merged.header.Get("Ifmatch-ETag")
		a.must(200, "POST", "/_batch", together(oper("CHECK", note, "", "If-Match", tag), oper("PUT", "/v1/notes/2", `{}`, "If-Match", other)))
		a.must(204, "DELETE", note, "", "If-Match", tag)
		again := a.must(201, "PUT", note, `{"a":2,"b":2}`).header.Get("ETag")
		p = a.refused(412, "stale", "PUT", note, `{}`, "If-Match", tag) // of another life
		if p.YourVersion != 0 || p.CurrentEtag != again {
			t.Errorf("%+v", p)
		}
		a.verify()
	})
}

// forgeries are tags that were not made for what they are sent to. Each is refused
// wherever it stands.
func (a *api) forgeries(path string) map[string]string {
	a.t.Helper()
	good := a.tagOf(path)
	raw, err := base64.RawURLEncoding.DecodeString(strings.Trim(good, `"`))
	if err != nil {
		a.t.Fatal(err)
	}
	altered := func(at int) string {
		other := bytes.Clone(raw)
		other[at] ^= 1
		return `"` + base64.RawURLEncoding.EncodeToString(other) + `"`
	}
	elsewhere, err := ifmatch.NewSigner("another store", a.store.Info().Epoch, oldKey)
	if err != nil {
		a.t.Fatal(err)
	}
	return map[string]string{
		"another version": altered(16), "another MAC": altered(len(raw) - 1), "another epoch": altered(9),
		"another document": a.tagOf("/v1/notes/2"), "another collection": a.tagOf("/v1/books/1"),
		"another field": a.tagOf(fields + "/a"), "another store": elsewhere.Sign(&ifmatch.Subject{Collection: "notes", ID: "1"}, 1).String(),
	}
}

// TestForgedTags: a forged tag is refused as token-forged, by every way of a write, and
// nothing is changed; a read is not told.
func TestForgedTags(t *testing.T) {
	log := &logLines{}
	rules := engine.Rules{Contract: signed, OnStale: engine.StrategyOverwrite, Allow: []engine.Strategy{engine.StrategyMerge}}
	onEveryStore(t, setup{rules: rules, log: slog.New(slog.NewJSONHandler(log, nil))}, func(t *testing.T, a *api) {
		for _, path := range []string{note, "/v1/notes/2", "/v1/books/1"} {
			a.must(201, "PUT", path, `{"a":1,"b":1}`)
		}
		for name, tag := range a.forgeries(note) {
			for _, sent := range []string{tag, "W/" + tag, strings.TrimSuffix(tag, `"`) + `;gzip"`, tag + `, "5"`} {
				p := a.refused(412, "token-forged", "PUT", note, `{"a":2}`, "If-Match", sent)
				if p.CurrentEtag != a.tagOf(note) || p.YourVersion != 0 || p.Strategies != nil || !strings.Contains(p.Detail, p.CurrentEtag) {
					t.Errorf("%s: %+v", name, p)
				}
				if logged := log.with(p.CorrelationID); !strings.Contains(logged, "forged") || !strings.Contains(logged, note) {
					t.Errorf("%s is logged as %q", name, logged)
				}
			}
			for _, way := range [][]string{{"PATCH", note, `{"a":2}`}, {"DELETE", note, ""}, {"PUT", "/v1/notes/none", `{}`}} {
				a.refused(412, "token-forged", way[0], way[1], way[2], "If-Match", tag, "Prefer", "conflict=merge")
			}
			a.refused(412, "token-forged", "PUT", fields+"/b", `2`, "If-Match", tag)
			a.refused(412, "token-forged", "PUT", fields+"/none", `2`, "If-Match", tag)
			a.refused(412, "token-forged", "POST", note+"/_lease", `{"ttlMs":1000}`, "If-Match", a.tagOf("/v1/notes/2"))
			for _, op := range []string{oper("PUT", note, `{"a":2}`, "If-Match", tag), oper("CHECK", note, "", "If-Match", tag)} {
				a.refusedInBatch(412, "token-forged", together(oper("PUT", "/v1/notes/3", `{}`), op))
			}
			a.refused(412, "stale", "GET", note, "", "If-Match", tag)
			a.must(200, "GET", note, "", "If-None-Match", tag)
		}
		a.refused(412, "token-forged", "PUT", fields+"/a", `2`, "If-Match", a.tagOf(note))
		a.must(200, "PUT", note, `{"a":2}`, "If-Match", a.tagOf("/v1/notes/2")+", "+a.tagOf(note))
		a.verify()
	})
	t.Run("as the contract words it", func(t *testing.T) {
		onEveryStore(t, setup{rules: engine.Rules{Contract: signed}, dialect: ifmatch.Dialect{StaleStatus: 409}}, func(t *testing.T, a *api) {
			a.must(201, "PUT", note, `{}`)
			a.must(201, "PUT", "/v1/notes/2", `{}`)
			a.refused(409, "token-forged", "PUT", note, `{"a":1}`, "If-Match", a.tagOf("/v1/notes/2"))
		})
	})
}

// TestSignedTagsAfterRotation: what an earlier key has signed goes on naming what it
// named, to the byte in a 304, until the key is removed; then it is stale.
func TestSignedTagsAfterRotation(t *testing.T) {
	links := []httpapi.Link{{Rel: "other", Path: "/v1/books/1"}}
	onEveryStore(t, setup{rules: showing(t, ifmatch.Dialect{}, signed, links), links: links}, func(t *testing.T, a *api) {
		first := a.must(201, "PUT", note, large).header.Get("ETag")
		put := []string{"If-Match", first, "Idempotency-Key", bareKey}
		changed := strings.Replace(large, `{`, `{"changed":true,`, 1)
		saved := a.must(200, "PUT", note, changed, put...)
		old, oldField := saved.header.Get("ETag"), a.tagOf(fields+"/changed")
		oldLinks := a.must(200, "GET", note+"?include=links", "").header.Get("ETag")
		oldBlame := a.must(200, "GET", note+"/_blame", "").header.Get("ETag")
		oldList := a.tagOf("/v1/notes")
		oldCoded := a.must(200, "GET", note, "", "Accept-Encoding", "gzip").header.Get("ETag")

		a.ring(oldKey, newKey)
		tag := a.tagOf(note)
		if tag == old || a.tagOf(fields+"/changed") == oldField {
			t.Error("the new key does not sign")
		}
		a.must(200, "GET", "/v1/notes", "", "If-None-Match", oldList) // whose items have new tags
		for path, had := range map[string]string{note: old, fields + "/changed": oldField, note + "?include=links": oldLinks, note + "/_blame": oldBlame, note + "/_history/1": first} {
			a.header(a.must(304, "GET", path, "", "If-None-Match", had), "ETag", had)
			a.header(a.must(304, "GET", path, "", "If-None-Match", `"x", `+had), "ETag", had)
		}
		a.header(a.must(304, "GET", note, "", "If-None-Match", "W/"+old), "ETag", old)
		a.header(a.must(304, "GET", note, "", "If-None-Match", old+", "+tag), "ETag", tag)
		a.header(a.must(304, "GET", note, "", "If-None-Match", oldCoded, "Accept-Encoding", "gzip"), "ETag", oldCoded)
		a.header(a.must(200, "GET", note+"?include=links", "", "If-None-Match", oldBlame), "Ifmatch-ETag", tag)
		again := a.must(200, "PUT", note, changed, put...)
		a.header(again, "Idempotent-Replayed", "true")
		a.header(again, "ETag", old)
		a.header(a.must(200, "PUT", note, changed, "If-Match", old), "ETag", tag) // unchanged
		a.must(200, "PUT", note, changed, "If-Match", oldCoded)
		p := a.refused(412, "stale", "PUT", note, large, "If-Match", first)
		if p.YourVersion != 1 || p.CurrentEtag != tag {
			t.Errorf("%+v", p)
		}
		a.must(200, "PUT", fields+"/changed", `1`, "If-Match", oldField)
		a.refused(412, "stale", "PUT", fields+"/changed", `2`, "If-Match", oldField) // which it was, so not forged

		old, oldField = a.tagOf(note), a.tagOf(fields+"/changed")
		a.ring(oldKey)
		p = a.refused(412, "stale", "PUT", note, `{}`, "If-Match", old)
		if p.YourVersion != 0 || p.Strategies != nil {
			t.Errorf("a tag of a key that is gone is explained: %+v", p)
		}
		a.refused(412, "stale", "PUT", fields+"/changed", `2`, "If-Match", oldField)
		a.must(200, "GET", note, "", "If-None-Match", old)
		a.verify()
	})
}

// TestSignedTagsWeak: a weak contract publishes and takes them as it does others.
func TestSignedTagsWeak(t *testing.T) {
	onEveryStore(t, setup{rules: engine.Rules{Contract: ifmatch.Contract{Token: ifmatch.TokenSigned, Weak: true}}}, func(t *testing.T, a *api) {
		first := a.must(201, "PUT", note, `{"n":1}`).header.Get("ETag")
		if !strings.HasPrefix(first, `W/"`) {
			t.Errorf("%s is not weak", first)
		}
		a.ring(oldKey, newKey)
		a.header(a.must(304, "GET", note, "", "If-None-Match", first), "ETag", first)
		second := a.must(200, "PUT", note, `{"n":2}`, "If-Match", first[2:]).header.Get("ETag")
		p := a.refused(412, "stale", "PUT", note, `{"n":3}`, "If-Match", first)
		if p.YourVersion != 1 || p.CurrentEtag != second {
			t.Errorf("%+v", p)
		}
		a.must(200, "PUT", note, `{"n":3}`, "If-Match", second)
	})
}

// TestSignedTagsOfAnotherEpoch: what was signed before a restore is stale and says
// nothing, since its version may be one that was lost.
func TestSignedTagsOfAnotherEpoch(t *testing.T) {
	onEveryStore(t, setup{rules: engine.Rules{Contract: signed}}, func(t *testing.T, a *api) {
		a.must(201, "PUT", note, `{"n":1}`)
		info := a.store.Info()
		for _, epoch := range []int64{info.Epoch + 1, info.Epoch - 1} {
			s, err := ifmatch.NewSigner(info.ID, epoch, oldKey)
			if err != nil {
				t.Fatal(err)
			}
			tag := s.Sign(&ifmatch.Subject{Collection: "notes", ID: "1"}, 1).String()
			if p := a.refused(412, "stale", "PUT", note, `{"n":2}`, "If-Match", tag); p.YourVersion != 0 {
				t.Errorf("%+v", p)
			}
			a.must(200, "GET", note, "", "If-None-Match", tag)
		}
	})
}

// logLines collects what is logged.
type logLines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// with returns the line that holds a text.
func (l *logLines) with(text string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, text) {
			return line
		}
	}
	return fmt.Sprintf("nothing about %s", text)
}
