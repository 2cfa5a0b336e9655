package guard_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/guard"
)

func newSigner(t *testing.T) *ifmatch.Signer {
	t.Helper()
	s, err := ifmatch.NewSigner("notes", 1, bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSignedTags: a tag is good for its own document, also under an earlier key; anywhere
// else it is forged, which is logged, and nothing is changed.
func TestSignedTags(t *testing.T) {
	var log bytes.Buffer
	signer, store := newSigner(t), newMapStore()
	a := serve(t, store, guard.Options{
		Contract: ifmatch.Contract{Token: ifmatch.TokenSigned, Signer: signer}, Log: slog.New(slog.NewTextHandler(&log, nil)),
		Hide: []string{"/secret"}, MayRead: func(*http.Request, string, []byte) bool { return true },
	})
	tag := a.must(201, "PUT", "1", `{"n":1}`).header.Get("ETag")
	other := a.must(201, "PUT", "2", `{"n":1}`).header.Get("ETag")
	if err := signer.SetKeys(bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)); err != nil {
		t.Fatal(err)
	}
	if got := a.must(304, "GET", "1", "", "If-None-Match", tag); got.header.Get("ETag") != tag {
		t.Errorf("the 304 to %s carries %s", tag, got.header.Get("ETag"))
	}
	got := a.must(412, "PUT", "1", `{"n":2}`, "If-Match", other)
	if !strings.Contains(got.body, "urn:ifmatch:problem:token-forged") || !strings.Contains(log.String(), "forged") {
		t.Errorf("%s, logged as %s", got.body, log.String())
	}
	if got := a.must(200, "GET", "1", ""); got.body != `{"n":1}` {
		t.Errorf("a refused write has left %s", got.body)
	}
	second := a.must(200, "PUT", "1", `{"n":2}`, "If-Match", tag).header.Get("ETag")
	a.must(204, "DELETE", "1", "", "If-Match", second)
	a.must(201, "PUT", "1", `{"n":2}`)
	a.must(412, "PUT", "1", `{"n":3}`, "If-Match", second)
}

func TestSignedTagsNeedASigner(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	guard.New(newMapStore(), guard.Options{Contract: ifmatch.Contract{Token: ifmatch.TokenSigned}})
}
