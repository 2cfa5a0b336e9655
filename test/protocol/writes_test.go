package protocol_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
)

const jsonPatch = "application/json-patch+json"

// newest returns the newest entry of a document's history.
func (a *api) newest(path string) entry {
	a.t.Helper()
	return a.history(path + "?limit=1").Items[0]
}

// entry is one entry of a history.
type entry struct {
	Version                       int64
	Etag, Action, Outcome         string
	At, By, Sha256, CorrelationID string
	YourVersion, MergedFrom       int64
	Conflict                      string
	Blind                         bool
}

type historyPage struct {
	Items []entry
	Next  string
}

func (a *api) history(item string) historyPage {
	a.t.Helper()
	item, query, _ := strings.Cut(item, "?")
	var page historyPage
	if err := json.Unmarshal([]byte(a.must(200, "GET", item+"/_history?"+query, "").body), &page); err != nil {
		a.t.Fatal(err)
	}
	return page
}

var changing = regexp.MustCompile(`"(instance|correlationId|changedAt|retryAfterMs)":("[^"]*"|\d+)`)

// TestConflictDocument compares the whole of it.
func TestConflictDocument(t *testing.T) {
	onEveryStore(t, setup{actor: writerName, rules: engine.Rules{Allow: []engine.Strategy{engine.StrategyOverwrite}}}, func(t *testing.T, a *api) {
		const path = "/v1/notes/1"
		a.must(201, "PUT", path, `{"title":"A","n":1.0,"gone":[1],"same":true}`, "X-Writer", "ann")
		a.must(200, "PATCH", path, `{"title":"B","new":{"x":[null]}}`, "If-Match", `"1"`, "X-Writer", "bob")
		last := a.must(200, "PATCH", path, `{"gone":null,"n":9007199254740993}`, "If-Match", `"2"`, "X-Writer", "eve")
		const id = "0199a0b1-1234-7000-8000-00000000000a"
		before := a.dump()
		got := a.do("PUT", path, `{"title":"C"}`, "If-Match", `"1"`, "X-Writer", "ann", "X-Request-Id", id)
		p := a.isProblem(got, 412, "stale", "PUT", path)
		changed, err := time.Parse("2006-01-02T15:04:05.000Z", p.ChangedAt)
		if modified, bad := http.ParseTime(last.header.Get("Last-Modified")); err != nil || bad != nil || !changed.Truncate(time.Second).Equal(modified) {
			t.Errorf("changedAt %q, Last-Modified %q: %v, %v", p.ChangedAt, last.header.Get("Last-Modified"), err, bad)
		}
		if p.CorrelationID != id || got.header.Get("X-Request-Id") != id {
			t.Errorf("correlationId %q, X-Request-Id %q", p.CorrelationID, got.header.Get("X-Request-Id"))
		}
		want := `{"type":"urn:ifmatch:problem:stale","title":"The document changed since you read it","status":412,` +
			`"detail":"You sent version 1; the current version is 3. Read it again, apply your change to what you find, and send it with If-Match: \"3\".",` +
			`"instance":"","correlationId":"","resource":"/v1/notes/1","action":"PUT","yourEtag":"\"1\"","yourVersion":1,` +
			`"currentEtag":"\"3\"","currentVersion":3,"changedAt":"","changedBy":"eve","alreadyApplied":false,"changes":[` +
			`{"path":"/title","op":"replace","from":"A","to":"B","version":2,"by":"bob"},` +
			`{"path":"/n","op":"replace","from":1.0,"to":9007199254740993,"version":3,"by":"eve"},` +
			`{"path":"/gone","op":"remove","from":[1],"version":3,"by":"eve"},` +
			`{"path":"/new","op":"add","to":{"x":[null]},"version":2,"by":"bob"}],"conflicts":[` +
			`{"path":"/n","base":1.0,"theirs":9007199254740993,"rule":"reject","reason":"removed-and-changed"},` +
			`{"path":"/title","base":"A","theirs":"B","yours":"C","rule":"reject","reason":"both-changed"}],"mergeable":false,` +
			`"strategies":["reject","overwrite"],"retryAfterMs":"","advice":"ask-a-person"}`
		if p.RetryAfterMs < 50 || p.RetryAfterMs > 200 || got.header.Get("Retry-After") != "1" {
			t.Errorf("it advises to wait for %d ms, and in Retry-After for %q s", p.RetryAfterMs, got.header.Get("Retry-After"))
		}
		if body := changing.ReplaceAllString(got.body, `"$1":""`); body != want {
			t.Errorf("the conflict document is\n%s\nwant\n%s", body, want)
		}
		if a.dump() != before {
			t.Error("something was written")
		}
	})
}

func TestConflictSummaryHidesValues(t *testing.T) {
	onEveryStore(t, setup{rules: engine.Rules{Summary: true}}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"n":"hidden1"}`)
		a.must(200, "PUT", "/v1/notes/1", `{"n":"hidden2"}`, "If-Match", `"1"`)
		got := a.must(412, "PUT", "/v1/notes/1", `{"n":"mine"}`, "If-Match", `"1"`)
		if p := a.problem(got); len(p.Changes) != 1 || p.Changes[0].Path != "/n" || strings.Contains(got.body, "hidden") {
			t.Errorf("the summary shows %s", got.body)
		}
	})
}

// TestWhichVersionATagNames: of several the newest, of a repeated hash the
// newest that had it, of what is unknown none.
func TestWhichVersionATagNames(t *testing.T) {
	for name, contract := range map[string]ifmatch.Contract{"version": {}, "hash": hashTokens} {
		t.Run(name, func(t *testing.T) {
			onEveryStore(t, setup{rules: engine.Rules{Contract: contract}}, func(t *testing.T, a *api) {
				const path = "/v1/notes/1"
				tags := []string{"", a.must(201, "PUT", path, `{"n":"A"}`).header.Get("ETag")}
				for _, value := range []string{"B", "A", "C", "D"} {
					tags = append(tags, a.must(200, "PUT", path, `{"n":"`+value+`"}`, "If-Match", tags[len(tags)-1]).header.Get("ETag"))
				}
				versionOfA := int64(1)
				if contract.Token == ifmatch.TokenHash {
					versionOfA = 3
				}
				for _, test := range []struct {
					tag  string
					want int64
				}{
					{tags[1], versionOfA}, {tags[2], 2}, {tags[4], 4}, {tags[2] + ", " + tags[4], 4}, {tags[4] + ", " + tags[2], 4},
					{`"none", ` + tags[2], 2}, {`"none"`, 0}, {`"99"`, 0}, {`W/` + tags[2], 0}, {`W/` + tags[4] + `,` + tags[2], 2},
				} {
					p := a.refused(412, "stale", "PUT", path, `{"n":"mine"}`, "If-Match", test.tag)
					if p.YourVersion != test.want || (p.Strategies != nil) != (test.want > 0) || (p.AlreadyApplied != nil) != (test.want > 0) || p.CurrentVersion != 5 {
						t.Errorf("If-Match: %s names version %d, want %d: %+v", test.tag, p.YourVersion, test.want, p)
					}
					if test.want > 0 && (len(p.Changes) != 1 || string(p.Changes[0].To) != `"D"` || p.Changes[0].Version != 5) {
						t.Errorf("If-Match: %s: changes %+v", test.tag, p.Changes)
					}
				}
				a.verify()
			})
		})
	}
}

func TestAlreadyApplied(t *testing.T) {
	tests := []struct {
		name, method, media, body string
		applied                   bool
	}{
		{"PUT of the same", "PUT", "", `{"m":1,"n":2}`, true},
		{"PUT of the same, other order", "PUT", "", `{"n":2,"m":1}`, true},
		{"PUT of another spelling", "PUT", "", `{"m":1,"n":2.0}`, false},
		{"PUT of something else", "PUT", "", `{"m":1,"n":3}`, false},
		{"PUT of what was", "PUT", "", `{"m":1,"n":1}`, false},
		{"merge patch on the base", "PATCH", "", `{"n":2}`, true},
		{"merge patch on the current only", "PATCH", "", `{"z":null}`, false},
		{"JSON Patch on the base", "PATCH", jsonPatch, `[{"op":"test","path":"/n","value":1},{"op":"replace","path":"/n","value":2}]`, true},
		{"JSON Patch that fits only the current", "PATCH", jsonPatch, `[{"op":"test","path":"/n","value":2}]`, false},
		{"not JSON", "PUT", "", `{`, false},
		{"DELETE", "DELETE", "", "", false},
	}
	for _, accept := range []bool{false, true} {
		t.Run(fmt.Sprintf("accept %v", accept), func(t *testing.T) {
			onEveryStore(t, setup{rules: engine.Rules{Contract: ifmatch.Contract{AcceptApplied: accept}}}, func(t *testing.T, a *api) {
				a.must(201, "PUT", "/v1/notes/1", `{"m":1,"n":1}`)
				current := a.must(200, "PUT", "/v1/notes/1", `{"m":1,"n":2}`, "If-Match", `"1"`)
				for _, test := range tests {
					t.Run(test.name, func(t *testing.T) {
						a, headers := a.in(t), []string{"If-Match", `"1"`}
						if test.media != "" {
							headers = append(headers, "Content-Type", test.media)
						}
						if !accept || !test.applied {
							p := a.refused(412, "stale", test.method, "/v1/notes/1", test.body, headers...)
							if p.AlreadyApplied == nil || *p.AlreadyApplied != test.applied {
								t.Errorf("alreadyApplied %v, want %v", p.AlreadyApplied, test.applied)
							}
							return
						}
						before := a.dump()
						got := a.must(200, test.method, "/v1/notes/1", test.body, headers...)
						a.header(got, "Ifmatch-Outcome", "unchanged")
						a.header(got, "ETag", `"2"`)
						a.header(got, "Last-Modified", current.header.Get("Last-Modified"))
						a.body(got, `{"m":1,"n":2}`)
						if a.dump() != before {
							t.Error("something was written")
						}
					})
				}
				early := httpDate(noon)
				if accept {
					a.header(a.must(200, "PUT", "/v1/notes/1", `{"n":2,"m":1}`, "If-Unmodified-Since", early), "Ifmatch-Outcome", "unchanged")
				}
				a.refused(412, "stale", "PUT", "/v1/notes/1", `{"n":3}`, "If-Unmodified-Since", early)
				a.refused(412, "stale", "PATCH", "/v1/notes/1", `{"n":2}`, "If-Unmodified-Since", early)
				a.refused(412, "exists", "PUT", "/v1/notes/1", `{"m":1,"n":2}`, "If-None-Match", "*")
				a.refused(412, "stale", "PUT", "/v1/notes/1", `{"m":1,"n":2}`, "If-Match", `"77"`)
			})
		})
	}
}

func TestPreferConflict(t *testing.T) {
	allowed := engine.Rules{Allow: []engine.Strategy{engine.StrategyOverwrite}}
	byDefault := engine.Rules{OnStale: engine.StrategyOverwrite}
	const path, doc = "/v1/notes/1", `{"a":1,"l":[1]}`
	add := `[{"op":"add","path":"/l/-","value":9}]`
	tests := []struct {
		name          string
		rules         engine.Rules
		prefer        string
		method, body  string
		status        int
		outcome       string
		applied, want string // Preference-Applied, and the document afterwards
	}{
		{"not allowed", engine.Rules{}, "conflict=overwrite", "PUT", `{"b":2}`, 412, "rejected", "", ""},
		{"allowed, not asked for", allowed, "", "PUT", `{"b":2}`, 412, "rejected", "", ""},
		{"allowed, PUT", allowed, "conflict=overwrite", "PUT", `{"b":2}`, 200, "overwritten", "conflict=overwrite", `{"b":2}`},
		{"quoted, beside another", allowed, `return=representation, Conflict="overwrite"; x=1`, "PUT", `{"b":2}`, 200, "overwritten", "return=representation, conflict=overwrite", `{"b":2}`},
		{"the first of two counts", allowed, "conflict=reject, conflict=overwrite", "PUT", `{"b":2}`, 412, "rejected", "conflict=reject", ""},
		{"an unknown strategy", allowed, "conflict=guess", "PUT", `{"b":2}`, 412, "rejected", "", ""},
		{"merge patch to the current", allowed, "conflict=overwrite", "PATCH", `{"b":2}`, 200, "overwritten", "conflict=overwrite", `{"a":1,"l":[1,5],"now":true,"b":2}`},
		{"JSON Patch to the current", allowed, "conflict=overwrite", "JSON PATCH", add, 200, "overwritten", "conflict=overwrite", `{"a":1,"l":[1,5,9],"now":true}`},
		{"JSON Patch that does not fit", allowed, "conflict=overwrite", "JSON PATCH", `[{"op":"test","path":"/l/1","value":6}]`, 409, "rejected", "conflict=overwrite", ""},
		{"what is there already", allowed, "conflict=overwrite", "PATCH", `{"now":true}`, 200, "unchanged", "conflict=overwrite", `{"a":1,"l":[1,5],"now":true}`},
		{"by default", byDefault, "", "PUT", `{"b":2}`, 200, "overwritten", "", `{"b":2}`},
		{"reject is always allowed", byDefault, "conflict=reject", "PUT", `{"b":2}`, 412, "rejected", "conflict=reject", ""},
		{"DELETE", allowed, "conflict=overwrite", "DELETE", "", 204, "overwritten", "conflict=overwrite", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			onEveryStore(t, setup{rules: test.rules}, func(t *testing.T, a *api) {
				a.must(201, "PUT", path, doc)
				a.must(200, "PATCH", path, `{"now":true,"l":[1,5]}`, "If-Match", `"1"`)
				method, media, _ := strings.Cut(test.method, " ")
				headers := []string{"If-Match", `"1"`}
				if media != "" {
					method, headers = media, append(headers, "Content-Type", jsonPatch)
				}
				if test.prefer != "" {
					headers = append(headers, "Prefer", test.prefer)
				}
				before := a.dump()
				got := a.must(test.status, method, path, test.body, headers...)
				a.header(got, "Ifmatch-Outcome", test.outcome)
				a.header(got, "Preference-Applied", test.applied)
				if (test.status >= 400 || test.outcome == "unchanged") && a.dump() != before {
					t.Error("something was written")
				}
				if test.want != "" {
					a.body(got, test.want)
					a.body(a.must(200, "GET", path, ""), test.want)
				}
				if e := a.newest(path); test.outcome == "overwritten" && (e.Outcome != "overwritten" || e.Version != 3 || e.YourVersion != 1) {
					t.Errorf("recorded %+v", e)
				}
				if test.method == "DELETE" {
					a.must(404, "GET", path, "")
				}
				a.verify()
			})
		})
	}
}

func TestStrategiesAreOnlyForStaleWrites(t *testing.T) {
	onEveryStore(t, setup{rules: engine.Rules{Allow: []engine.Strategy{engine.StrategyOverwrite}}}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		a.must(200, "PUT", "/v1/notes/1", `{"n":2}`, "If-Match", `"1"`)
		const wish = "conflict=overwrite"
		a.refused(412, "stale", "PUT", "/v1/notes/1", `{"n":3}`, "If-Match", `"77"`, "Prefer", wish)
		a.refused(412, "weak-validator", "PUT", "/v1/notes/1", `{"n":3}`, "If-Match", `W/"2"`, "Prefer", wish)
		a.refused(412, "exists", "PUT", "/v1/notes/1", `{"n":3}`, "If-None-Match", "*", "Prefer", wish)
		a.refused(412, "stale", "PUT", "/v1/notes/1", `{"n":3}`, "If-Unmodified-Since", httpDate(noon), "Prefer", wish)
		a.refused(428, "precondition-required", "PUT", "/v1/notes/1", `{"n":3}`, "Prefer", wish)
		a.header(a.must(200, "PUT", "/v1/notes/1", `{"n":3}`, "If-Match", `"2"`, "Prefer", wish), "Ifmatch-Outcome", "replaced")
		a.must(204, "DELETE", "/v1/notes/1", "", "If-Match", `"3"`)
		a.refused(412, "stale", "PUT", "/v1/notes/1", `{"n":3}`, "If-Match", `"3"`, "Prefer", wish)
	})
}

func TestStaleDelete(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		a.must(200, "PUT", "/v1/notes/1", `{"n":2}`, "If-Match", `"1"`)
		p := a.refused(412, "stale", "DELETE", "/v1/notes/1", "", "If-Match", `"1"`)
		if p.YourVersion != 1 || p.CurrentVersion != 2 || p.AlreadyApplied == nil || *p.AlreadyApplied || len(p.Changes) != 1 {
			t.Errorf("%+v", p)
		}
	})
}
