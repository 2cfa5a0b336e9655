package protocol_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// TestResolve: each dispute as it was chosen, in one write of whoever decided, with
// which the parked one is gone.
func TestResolve(t *testing.T) {
	rules := parking(t, merge.Rules{
		Fields:   []merge.Field{{Path: "/items", Type: merge.List, Key: "/id"}, {Path: "/n", Type: merge.Counter, Max: "9"}},
		Together: []merge.Group{{Paths: []string{"/from", "/to"}}},
	})
	tests := []struct {
		name                 string
		first, second, yours string
		moves                string // what is written after that; "" for nothing
		headers              []string
		disputed             string
		content              string
		want                 string
	}{
		{name: "theirs, yours and a value", first: `{"a":1,"b":1,"c":1,"d":1}`, second: `{"a":2,"b":2,"c":2,"d":1}`, yours: `{"a":3,"b":3,"c":3,"d":4}`,
			disputed: "/a reject, /b reject, /c reject", content: `{"choices":{"/c":{"value":{"new":[true]}},"/a":"yours","/b":"theirs"}}`, want: `{"a":3,"b":2,"c":{"new":[true]},"d":4}`},
		{name: "a document", first: `{"a":1}`, second: `{"a":2}`, yours: `{"a":3}`, disputed: "/a reject", content: `{"document":{"other":true}}`, want: `{"other":true}`},
		{name: "merged with what is there by then", first: `{"a":1,"b":1}`, second: `{"a":2,"b":1}`, yours: `{"a":3,"b":1}`, moves: `{"a":5,"b":7}`,
			disputed: "/a reject", content: `{"choices":{"/a":"yours"}}`, want: `{"a":3,"b":7}`},
		{name: "what has become clean", first: `{"a":1,"b":1}`, second: `{"a":2,"b":1}`, yours: `{"a":3,"b":4}`, moves: `{"a":1}`,
			content: `{"choices":{}}`, want: `{"a":3,"b":4}`},
		{name: "an element of a list", first: `{"items":[{"id":"x","q":1},{"id":"y","q":1}]}`, second: `{"items":[{"id":"y","q":2},{"id":"x","q":1}]}`, yours: `{"items":[{"id":"x","q":1},{"id":"y","q":3}]}`,
			disputed: "/items/0/q reject", content: `{"choices":{"/items/0/q":"yours"}}`, want: `{"items":[{"id":"y","q":3},{"id":"x","q":1}]}`},
		{name: "a group, by its first field", first: `{"from":1,"to":2}`, second: `{"from":5,"to":2}`, yours: `{"to":9}`,
			disputed: "/from reject", content: `{"choices":{"/from":"yours"}}`, want: `{"from":1,"to":9}`},
		{name: "a group, by values", first: `{"from":1,"to":2}`, second: `{"from":5,"to":2}`, yours: `{"to":9}`,
			disputed: "/from reject", content: `{"choices":{"/from":{"value":{"/from":3,"/to":4}}}}`, want: `{"from":3,"to":4}`},
		{name: "a counter, which counts once", first: `{"a":1,"n":1}`, second: `{"a":2,"n":2}`, yours: `{"a":3,"n":2}`,
			disputed: "/a reject", content: `{"choices":{"/a":"theirs"}}`, want: `{"a":2,"n":3}`},
		{name: "a test of a JSON Patch", first: `{"status":"open","a":1}`, second: `{"status":"closed","a":1}`,
			yours: `[{"op":"test","path":"/status","value":"open"},{"op":"replace","path":"/a","value":2}]`, headers: []string{"Content-Type", jsonPatch},
			disputed: "/status test", content: `{"choices":{"/status":"theirs"}}`, want: `{"status":"closed","a":2}`},
		{name: "a test of a JSON Patch, by what was tested", first: `{"status":"open","a":1}`, second: `{"status":"closed","a":1}`,
			yours: `[{"op":"test","path":"/status","value":"open"},{"op":"replace","path":"/a","value":2}]`, headers: []string{"Content-Type", jsonPatch},
			disputed: "/status test", content: `{"choices":{"/status":"yours"}}`, want: `{"status":"open","a":2}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			onEveryStore(t, setup{rules: rules, actor: writerName}, func(t *testing.T, a *api) {
				a.twoVersions(tt.first, tt.second)
				at := a.parked(tt.yours, tt.headers...)
				id, version := at[strings.LastIndex(at, "/")+1:], int64(2)
				if tt.moves != "" {
					a.must(200, "PATCH", item, tt.moves, "If-Match", `"2"`)
					version++
				}
				current := a.must(200, "GET", at, "")
				if is := listed(a.openConflict(current).Conflicts); is != tt.disputed {
					t.Fatalf("in dispute are %s, want %s", is, tt.disputed)
				}
				tag := current.header.Get("Ifmatch-ETag")
				before := a.dump()
				dry := a.must(200, "POST", at+"/resolve?dryRun=true", tt.content, "If-Match", tag, "X-Writer", "cy")
				a.body(dry, tt.want)
				a.header(dry, "Ifmatch-ETag", tag)
				a.header(dry, "Ifmatch-Dry-Run", "true")
				if a.dump() != before {
					t.Fatal("a dry run has written something")
				}
				got := a.must(200, "POST", at+"/resolve", tt.content, "If-Match", tag, "X-Writer", "cy", "Prefer", "return=minimal, conflict=overwrite")
				a.body(got, tt.want)
				for name, want := range map[string]string{"Ifmatch-Outcome": "merged", "ETag": "", "Last-Modified": "", "Content-Location": item,
					"Ifmatch-ETag": fmt.Sprintf(`"%d"`, version+1), "Preference-Applied": "", "Cache-Control": "no-store"} {
					a.header(got, name, want)
				}
				a.body(a.must(200, "GET", item, ""), tt.want)
				if e := a.newest(item); e.Outcome != "merged" || e.Action != "put" || e.Version != version+1 || e.MergedFrom != 1 || e.YourVersion != version || e.By != "cy" || e.Conflict != id {
					t.Errorf("the history says %+v", e)
				}
				a.refused(404, "not-found", "GET", at, "")
				a.refused(404, "not-found", "POST", at+"/resolve", tt.content, "If-Match", a.must(200, "GET", item, "").header.Get("ETag"))
				if page := a.conflicts(item + "/_conflicts"); len(page.Items) != 0 {
					t.Errorf("still parked is %+v", page)
				}
				a.verify()
			})
		})
	}
}

// TestResolveToWhatIsThere: no version is made of it, and it is decided all the
// same.
func TestResolveToWhatIsThere(t *testing.T) {
	onEveryStore(t, setup{rules: parking(t, merge.Rules{}), actor: writerName}, func(t *testing.T, a *api) {
		a.twoVersions(`{"a":1}`, `{"a":2}`)
		at := a.parked(`{"a":3}`)
		got := a.must(200, "POST", at+"/resolve", `{"choices":{"/a":"theirs"}}`, "If-Match", `"2"`, "X-Writer", "cy")
		a.header(got, "Ifmatch-Outcome", "unchanged")
		a.header(got, "Ifmatch-ETag", `"2"`)
		a.body(got, `{"a":2}`)
		a.header(a.must(200, "GET", item, ""), "ETag", `"2"`)
		if e := a.newest(item); e.Outcome != "merged" || e.Action != "touch" || e.By != "cy" || e.Version != 2 || e.Conflict == "" {
			t.Errorf("the history says %+v", e)
		}
		a.refused(404, "not-found", "GET", at, "")
		a.verify()
	})
}

// TestResolveRefused: whatever is wrong with a decision, nothing changes and the
// write stays parked.
func TestResolveRefused(t *testing.T) {
	rules := parking(t, merge.Rules{
		Fields:   []merge.Field{{Path: "/a", OnConflict: merge.OnConflict{Rule: merge.RuleReject}}, {Path: "/id", Type: merge.Immutable}},
		Together: []merge.Group{{Paths: []string{"/from", "/to"}}},
	})
	rules.Validate = func(v jsonvalue.Value) []engine.Fault {
		if v.Lookup("a").Kind() != jsonvalue.KindNumber {
			return []engine.Fault{{Pointer: "/a", Detail: "is no number"}}
		}
		return nil
	}
	key, err := engine.NewNaturalKey("/key")
	if err != nil {
		t.Fatal(err)
	}
	rules.Key = key
	const decided, tag = `{"choices":{"/a":"yours","/from":"theirs"}}`, `"2"`
	tests := []struct {
		name, content string
		headers       []string
		status        int
		slug, says    string
		disputed      string
	}{
		{"no precondition", decided, []string{"If-Match", ""}, 428, "precondition-required", `If-Match: "2"`, ""},
		{"a star", decided, []string{"If-Match", "*"}, 428, "precondition-required", "else read it first", ""},
		{"a date", decided, []string{"If-Match", "", "If-Unmodified-Since", "Fri, 01 Jan 2100 00:00:00 GMT"}, 428, "precondition-required", "", ""},
		{"a tag that is no tag", decided, []string{"If-Match", "2"}, 400, "malformed", "", ""},
		{"an earlier version", decided, []string{"If-Match", `"1"`}, 412, "stale", "Choose for /a, /from, and for nothing else", "/a reject, /from reject"},
		{"a version that never was", decided, []string{"If-Match", `"9"`}, 412, "stale", "", ""},
		{"a weak tag", decided, []string{"If-Match", `W/"2"`}, 412, "weak-validator", "", ""},
		{"too little", `{"choices":{"/a":"yours"}}`, nil, 412, "merge-conflict", "Choose for /a, /from, and for nothing else", "/a reject, /from reject"},
		{"nothing", `{"choices":{}}`, nil, 412, "merge-conflict", "It stays parked", "/a reject, /from reject"},
		{"too much", `{"choices":{"/a":"yours","/from":"yours","/b":"yours"}}`, nil, 412, "merge-conflict", "", "/a reject, /from reject"},
		{"another field of the group", `{"choices":{"/a":"yours","/to":"yours"}}`, nil, 412, "merge-conflict", "", "/a reject, /from reject"},
		{"a value that is no object for a group", `{"choices":{"/a":"yours","/from":{"value":3}}}`, nil, 422, "invalid", "", ""},
		{"a value that is not valid", `{"choices":{"/a":{"value":"x"},"/from":"yours"}}`, nil, 422, "invalid", "", ""},
		{"a document that is not valid", `{"document":{"a":"x","id":1,"key":1}}`, nil, 422, "invalid", "", ""},
		{"a document that is none", `{"document":[]}`, nil, 422, "invalid", "", ""},
		{"what does not change", `{"document":{"a":1,"id":2,"key":1}}`, nil, 422, "invalid", "", ""},
		{"a key that is taken", `{"document":{"a":1,"id":1,"key":"taken"}}`, nil, 409, "duplicate", "", ""},
		{"neither", `{}`, nil, 400, "malformed", `send {"choices":{…}} or {"document":{…}}`, ""},
		{"both", `{"choices":{},"document":{}}`, nil, 400, "malformed", "", ""},
		{"something else", `{"choose":{}}`, nil, 400, "malformed", "", ""},
		{"a list", `[]`, nil, 400, "malformed", "", ""},
		{"a list of choices", `{"choices":[]}`, nil, 400, "malformed", "", ""},
		{"a choice that is none", `{"choices":{"/a":"mine","/from":"yours"}}`, nil, 400, "malformed", `a choice is "yours", "theirs" or {"value": …}`, ""},
		{"a value and more", `{"choices":{"/a":{"value":1,"why":"so"},"/from":"yours"}}`, nil, 400, "malformed", "", ""},
		{"an empty choice", `{"choices":{"/a":{},"/from":"yours"}}`, nil, 400, "malformed", "", ""},
		{"no JSON", `{"choices":`, nil, 400, "malformed", "", ""},
		{"another media type", decided, []string{"Content-Type", "text/plain"}, 415, "unsupported-media-type", "", ""},
		{"more than may be", `{"document":{"a":1,"x":"` + strings.Repeat("x", 1000) + `"}}`, nil, 413, "too-large", "", ""},
		{"deeper than may be", `{"document":{"a":1,"id":1,"key":1,"x":` + strings.Repeat("[", 8) + strings.Repeat("]", 8) + `}}`, nil, 413, "too-large", "", ""},
		{"deeper than can be", `{"document":{"x":` + strings.Repeat("[", 20) + strings.Repeat("]", 20) + `}}`, nil, 400, "malformed", "", ""},
		{"a value deeper than may be", `{"choices":{"/a":{"value":` + strings.Repeat("[", 8) + strings.Repeat("]", 8) + `},"/from":"yours"}}`, nil, 413, "too-large", "", ""},
		{"a dry run that is misspelt", decided, []string{"?dry_run", "true"}, 400, "malformed", "dryRun", ""},
	}
	onEveryStore(t, setup{rules: rules, limits: engine.Limits{Body: 1000, Depth: 8}}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/other", `{"a":1,"key":"taken"}`)
		a.twoVersions(`{"a":1,"id":1,"key":1,"from":1,"to":1}`, `{"a":2,"id":1,"key":1,"from":2,"to":1}`)
		at := a.parked(`{"a":3,"to":3}`)
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				a, path := a.in(t), at+"/resolve"
				headers := slices.Clone(tt.headers)
				if !slices.Contains(headers, "If-Match") {
					headers = append(headers, "If-Match", tag)
				}
				if headers[0] == "?dry_run" {
					path, headers = path+"?dry_run=true", headers[2:]
				}
				before := a.dump()
				got := a.do("POST", path, tt.content, headers...)
				if tt.slug == "duplicate" {
					a.header(got, "Location", "/v1/notes/other")
				} else {
					a.isProblem(got, tt.status, tt.slug, "POST", path)
				}
				p := a.problem(got)
				if !strings.Contains(got.body, strings.ReplaceAll(tt.says, `"`, `\"`)) || listed(p.Conflicts) != tt.disputed || len(p.Strategies) > 0 && tt.disputed != "" {
					t.Errorf("told %s", got.body)
				}
				if a.dump() != before {
					t.Error("something was written")
				}
				if c := a.openConflict(a.must(200, "GET", at, "")); listed(c.Conflicts) != "/a reject, /from reject" {
					t.Errorf("parked is %+v", c)
				}
			})
		}
		a.refused(404, "not-found", "POST", item+"/_conflicts/none/resolve", decided, "If-Match", tag)
		a.refused(404, "not-found", "POST", "/v1/notes/none/_conflicts/none/resolve", decided, "If-Match", tag)
		a.must(200, "POST", at+"/resolve", decided, "If-Match", tag)
		a.body(a.must(200, "GET", item, ""), `{"a":3,"id":1,"key":1,"from":2,"to":1}`)
		a.verify()
	})
}
