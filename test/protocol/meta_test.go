package protocol_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/memory"
)

// historyItem returns an item of a document's history as it stands there.
func (a *api) historyItem(path string, i int) string {
	a.t.Helper()
	var page struct{ Items []json.RawMessage }
	if err := json.Unmarshal([]byte(a.must(200, "GET", path+"/_history", "").body), &page); err != nil {
		a.t.Fatal(err)
	}
	return string(page.Items[i])
}

// TestMeta: who asks for it is told how the version came to be, as the history has
// it. That is of the state, so that the tag is the state's.
func TestMeta(t *testing.T) {
	const item, meta = "/v1/notes/1", "/v1/notes/1?include=meta"
	for name, contract := range map[string]ifmatch.Contract{"version": {}, "hash": hashTokens, "weak": {Weak: true}} {
		t.Run(name, func(t *testing.T) {
			s := setup{rules: showing(t, ifmatch.Dialect{BodyVersion: ifmatch.BodyVersionInclude}, contract, nil), actor: writerName}
			s.rules.Allow = []engine.Strategy{engine.StrategyOverwrite}
			onEveryStore(t, s, func(t *testing.T, a *api) {
				shows := func(body string) {
					t.Helper()
					got := a.must(200, "GET", meta, "")
					a.body(got, body+`"_meta":`+a.historyItem(item, 0)+`}`)
					plain := a.must(200, "GET", item, "")
					for _, field := range []string{"ETag", "Last-Modified", "Cache-Control", "Vary", "Ifmatch-ETag"} {
						a.header(got, field, strings.Join(plain.header.Values(field), " | "))
					}
					a.header(got, "Ifmatch-ETag", "")
					a.header(a.must(200, "HEAD", meta, ""), "Content-Length", fmt.Sprint(len(got.body)))
					a.header(a.must(304, "GET", meta, "", "If-None-Match", plain.header.Get("ETag")), "ETag", plain.header.Get("ETag"))
				}
				first := a.must(201, "PUT", item, `{"a":1}`, "X-Writer", `a"n`, "X-Request-Id", "0199aaaa-0000-7000-8000-000000000001")
				shows(`{"a":1,`)
				got := a.must(200, "GET", meta, "").body
				for _, want := range []string{`{"a":1,"_meta":{"version":1,"etag":` + quoted(first.header.Get("ETag")) + `,"action":"put","outcome":"created","at":"`, `Z","by":"a\"n","sha256":"015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862","correlationId":"0199aaaa-0000-7000-8000-000000000001"}}`} {
					if !strings.Contains(got, want) {
						t.Errorf("%s lacks %s", got, want)
					}
				}
				a.must(200, "PATCH", item, `{"a":2}`, "If-Match", first.header.Get("ETag"))
				shows(`{"a":2,`)
				a.must(200, "PUT", item, `{"a":3}`, "If-Match", "*", "X-Writer", "bob")
				shows(`{"a":3,`)
				a.must(200, "PUT", item, `{"a":4}`, "If-Match", first.header.Get("ETag"), "Prefer", "conflict=overwrite")
				shows(`{"a":4,`)
				a.body(a.must(200, "GET", item+"?include=version,meta", ""), `{"a":4,"version":4,"_meta":`+a.historyItem(item, 0)+`}`)
				a.body(a.must(200, "GET", item+"/_history/2?include=meta", ""), `{"a":2,"_meta":`+a.historyItem(item, 2)+`}`)
				a.body(a.must(200, "GET", item+"/_history/2?include=links", ""), `{"a":2}`)
				a.body(a.must(200, "PUT", meta, `{"a":5}`, "If-Match", a.etagOf(item)), `{"a":5}`) // a write shows none
				a.must(204, "DELETE", item, "", "If-Match", "*")
				a.refused(404, "not-found", "GET", meta, "")
				a.must(201, "PUT", item, `{"b":1}`)
				shows(`{"b":1,`)
				a.verify()
			})
		})
	}
}

// TestMetaIsNeverStored: nothing of that name reaches the store, however it is sent.
func TestMetaIsNeverStored(t *testing.T) {
	const item = "/v1/notes/1"
	onEveryStore(t, setup{rules: showing(t, ifmatch.Dialect{}, ifmatch.Contract{}, nil)}, func(t *testing.T, a *api) {
		a.must(201, "PUT", item, `{"a":1,"_meta":{"by":"me"}}`)
		a.must(200, "PATCH", item, `{"_meta":null,"b":2}`, "If-Match", `"1"`)
		a.header(a.must(200, "PATCH", item, `{"\u005fmeta":{"by":"me"}}`, "If-Match", `"2"`), "Ifmatch-Outcome", "unchanged")
		a.must(200, "PATCH", item, `[{"op":"test","path":"/_meta/version","value":2},{"op":"add","path":"/c","value":3}]`, "Content-Type", jsonPatch, "If-Match", `"2"`)
		a.refused(400, "malformed", "PATCH", item, `[{"op":"add","path":"/_meta","value":{"by":"me"}}]`, "Content-Type", jsonPatch, "If-Match", `"3"`)
		a.refused(422, "invalid", "PUT", item, `[{"_meta":1}]`, "If-Match", `"3"`)
		a.body(a.must(201, "POST", "/v1/notes", `{"_meta":1}`), `{}`)
		a.stored(3, `{"a":1,"b":2,"c":3}`)
		if dump := a.dump(); strings.Contains(dump, "_meta") {
			t.Errorf("%s", dump)
		}
		a.verify()
	})
}

// forgetful is a store that keeps no log rows.
type forgetful struct{ store.Store }

func (forgetful) Entry(context.Context, store.Ref, int64) (*store.Entry, error) {
	return nil, store.ErrNoEntry
}

// TestMetaWithoutLogRow: where the row is not kept, what the head knows is shown.
func TestMetaWithoutLogRow(t *testing.T) {
	for name, st := range map[string]func() store.Store{
		"kept": func() store.Store { return memory.Open(memory.Options{}) }, "gone": func() store.Store { return forgetful{memory.Open(memory.Options{})} },
	} {
		t.Run(name, func(t *testing.T) {
			s := setup{rules: showing(t, ifmatch.Dialect{}, ifmatch.Contract{}, nil), actor: writerName}
			s.rules.Keep = 1
			a := newAPI(t, st(), s)
			a.must(201, "PUT", "/v1/notes/1", `{"a":0}`)
			a.must(200, "PUT", "/v1/notes/1", `{"a":1}`, "If-Match", `"1"`, "X-Writer", "ann")
			var got struct {
				Meta map[string]any `json:"_meta"`
			}
			if err := json.Unmarshal([]byte(a.must(200, "GET", "/v1/notes/1?include=meta", "").body), &got); err != nil {
				t.Fatal(err)
			}
			known := map[string]any{"version": 2.0, "etag": `"2"`, "sha256": "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"}
			if name == "kept" {
				known["by"], known["action"], known["outcome"], known["yourVersion"] = "ann", "put", "replaced", 1.0
				delete(got.Meta, "correlationId")
			}
			if at, ok := got.Meta["at"].(string); !ok || len(at) != len("2024-05-01T12:00:00.000Z") {
				t.Errorf("at is %v", got.Meta["at"])
			}
			delete(got.Meta, "at")
			if fmt.Sprint(got.Meta) != fmt.Sprint(known) {
				t.Errorf("got %v, want %v", got.Meta, known)
			}
		})
	}
}
