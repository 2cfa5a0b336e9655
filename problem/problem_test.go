package problem

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch"
)

const id = "01990000-0000-7000-8000-000000000001"

// full is the conflict document that the protocol's description shows.
func full() *Document {
	return &Document{
		Code:          Stale,
		Detail:        "You sent version 5; the current version is 7.",
		CorrelationID: id,
		Resource:      "/v1/notes/1", Action: "PUT",
		YourETag: `"5"`, YourVersion: 5, CurrentETag: `"7"`, CurrentVersion: 7,
		ChangedAt:      time.Date(2026, 11, 20, 19, 0, 0, 123_900_000, time.FixedZone("", 3600)),
		ChangedBy:      "ann",
		AlreadyApplied: new(bool),
		Changes:        []Change{{Path: "/title", Op: "replace", From: []byte(`"A"`), To: []byte(`"B"`), Version: 7, By: "ann"}},
		Conflict: &Conflict{
			Disputes: []Dispute{{Path: "/title", Base: []byte(`"A"`), Theirs: []byte(`"B"`), Yours: []byte(`"C"`),
				Rule: "reject", MayResolve: []string{"editor"}}},
		},
		Strategies: []string{"reject", "merge", "park"},
		RetryAfter: 120 * time.Millisecond,
		Advice:     AdviceAskAPerson,
	}
}

const fullRest = `"resource":"/v1/notes/1","action":"PUT","yourEtag":"\"5\"","yourVersion":5,"currentEtag":"\"7\"","currentVersion":7,` +
	`"changedAt":"2026-11-20T18:00:00.123Z","changedBy":"ann","alreadyApplied":false,` +
	`"changes":[{"path":"/title","op":"replace","from":"A","to":"B","version":7,"by":"ann"}],` +
	`"conflicts":[{"path":"/title","base":"A","theirs":"B","yours":"C","rule":"reject","mayResolve":["editor"]}],` +
	`"mergeable":false,"strategies":["reject","merge","park"],"retryAfterMs":120,"advice":"ask-a-person"`

// A conflict alone has the members that it has in a document.
func TestAppendConflict(t *testing.T) {
	doc := full()
	if got := string(doc.Conflict.Append([]byte("x"))); !strings.HasPrefix(got, `x{"conflicts":[{"path":"/title",`) ||
		!strings.Contains(fullRest, strings.TrimSuffix(strings.TrimPrefix(got, "x{"), "}")) {
		t.Errorf("got %s", got)
	}
}

func TestAppend(t *testing.T) {
	tests := []struct {
		name string
		doc  *Document
		want string
	}{
		{"full conflict", full(), `{"type":"urn:ifmatch:problem:stale","title":"The document changed since you read it","status":412,` +
			`"detail":"You sent version 5; the current version is 7.","instance":"urn:uuid:` + id + `","correlationId":"` + id + `",` + fullRest + `}`},
		{"only a code", New(StorageFull, ""), `{"type":"urn:ifmatch:problem:storage-full","title":"The storage is full","status":507,` +
			`"detail":"Nothing was written. Reads go on; whoever runs this API has to make room."}`},
		{"status overridden", &Document{Code: Stale, Status: 409, Detail: "d"},
			`{"type":"urn:ifmatch:problem:stale","title":"The document changed since you read it","status":409,"detail":"d"}`},
		{"clean merge prints empty lists", &Document{Code: Stale, Detail: "d", AlreadyApplied: new(true), Changes: []Change{}, Conflict: &Conflict{Mergeable: true}},
			`{"type":"urn:ifmatch:problem:stale","title":"The document changed since you read it","status":412,"detail":"d",` +
				`"alreadyApplied":true,"changes":[],"conflicts":[],"mergeable":true}`},
		{"null is a value, nil is none", &Document{Code: "x", Detail: "d", Deleted: true,
			Changes:  []Change{{Path: "", Op: "add", To: []byte("null")}, {Path: "/a", Op: "remove", From: []byte("1")}},
			Conflict: &Conflict{Disputes: []Dispute{{Path: "/b", Theirs: []byte(`{"k":[]}`)}, {Path: "/c"}}}},
			`{"type":"urn:ifmatch:problem:x","status":500,"detail":"d","deleted":true,` +
				`"changes":[{"path":"","op":"add","to":null},{"path":"/a","op":"remove","from":1}],` +
				`"conflicts":[{"path":"/b","theirs":{"k":[]}},{"path":"/c"}],"mergeable":false}`},
		{"changes known, disputes not", &Document{Code: "x", Detail: "d", Changes: []Change{}},
			`{"type":"urn:ifmatch:problem:x","status":500,"detail":"d","changes":[]}`},
		{"faults and allowed", &Document{Code: Invalid, Detail: "d", Faults: []Fault{{"", "must be an object"}, {"/age", "must be at least 0"}},
			Allowed: []string{"a", "b"}},
			`{"type":"urn:ifmatch:problem:invalid","title":"The document is not valid","status":422,"detail":"d",` +
				`"faults":[{"pointer":"","detail":"must be an object"},{"pointer":"/age","detail":"must be at least 0"}],"allowed":["a","b"]}`},
		{"wait rounded up", &Document{Code: "x", Detail: "d", RetryAfter: time.Millisecond + 1},
			`{"type":"urn:ifmatch:problem:x","status":500,"detail":"d","retryAfterMs":2}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.doc.Append([]byte("before"))
			if string(got) != "before"+tt.want {
				t.Errorf("got  %s\nwant %s", got, "before"+tt.want)
			}
			if !json.Valid(got[len("before"):]) {
				t.Errorf("not JSON: %s", got)
			}
		})
	}
}

func TestAppendEnvelope(t *testing.T) {
	tests := []struct {
		name string
		doc  *Document
		want string
	}{
		{"stale is CONFLICT", full(), `{"error":{"code":"CONFLICT","message":"Version mismatch — read fresh and retry","correlationId":"` + id + `",` +
			`"type":"urn:ifmatch:problem:stale","title":"The document changed since you read it","status":412,` +
			`"detail":"You sent version 5; the current version is 7.","instance":"urn:uuid:` + id + `",` + fullRest + `}}`},
		{"upper snake case, the detail is the message", New(IdempotencyInFlight, "Wait."),
			`{"error":{"code":"IDEMPOTENCY_IN_FLIGHT","message":"Wait.","type":"urn:ifmatch:problem:idempotency-in-flight",` +
				`"title":"A request with this Idempotency-Key is still running","status":409,"detail":"Wait."}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.doc.AppendEnvelope(nil)
			if string(got) != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if !json.Valid(got) {
				t.Errorf("not JSON: %s", got)
			}
		})
	}
}

func TestTable(t *testing.T) {
	statuses := map[Code]int{
		"malformed": 400, "unsupported-version": 400, "unauthenticated": 401, "forbidden": 403, "not-found": 404,
		"method-not-allowed": 405, "duplicate": 409, "outranked": 409, "idempotency-in-flight": 409, "patch-test-failed": 409,
		"patch-inapplicable": 409, "resync": 410, "stale": 412, "merge-conflict": 412, "weak-validator": 412, "token-forged": 412,
		"base-unavailable": 412, "exists": 412, "lease-expired": 412, "too-large": 413, "unsupported-media-type": 415, "invalid": 422,
		"idempotency-mismatch": 422, "locked": 423, "precondition-required": 428, "rate-limited": 429, "overloaded": 503,
		"contended": 503, "read-only": 503, "outcome-unknown": 503, "storage-full": 507, "internal": 500,
	}
	codes := Codes()
	if len(codes) != len(statuses) {
		t.Errorf("%d codes, want %d", len(codes), len(statuses))
	}
	titles := map[string]Code{}
	last := 0
	for _, c := range codes {
		if c.Status() != statuses[c] {
			t.Errorf("%s: status %d, want %d", c, c.Status(), statuses[c])
		}
		if c.Status() < last {
			t.Errorf("%s: %d stands after %d", c, c.Status(), last)
		}
		last = c.Status()
		if http.StatusText(c.Status()) == "" || !c.Known() {
			t.Errorf("%s: no status or not known", c)
		}
		if c.Title() == "" || titles[c.Title()] != "" || strings.HasSuffix(c.Title(), ".") {
			t.Errorf("%s: title %q is missing, double (%s) or a sentence", c, c.Title(), titles[c.Title()])
		}
		titles[c.Title()] = c
		if !strings.HasSuffix(c.Detail(), ".") {
			t.Errorf("%s: detail %q is not a sentence", c, c.Detail())
		}
		if c.Type() != "urn:ifmatch:problem:"+string(c) {
			t.Errorf("%s: type %s", c, c.Type())
		}
	}
	if c := Code("nothing"); c.Known() || c.Status() != 500 || c.Title() != "" || c.Detail() != "" {
		t.Errorf("a code outside the table has %d %q %q", c.Status(), c.Title(), c.Detail())
	}
}

func TestFromResult(t *testing.T) {
	tag := func(s string) ifmatch.ETag {
		e, err := ifmatch.ParseETag(s)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	state := ifmatch.State{Exists: true, ETag: tag(`"7"`), Earlier: func(e ifmatch.ETag) int64 {
		if e == tag(`"5"`) {
			return 5
		}
		return 0
	}}
	tests := []struct {
		name, method, field, value string
		state                      ifmatch.State
		want                       Code
	}{
		{"fresh", "PUT", "If-Match", `"7"`, state, ""},
		{"not modified", "GET", "If-None-Match", `"7"`, state, ""},
		{"missing", "DELETE", "If-Match", `"7"`, ifmatch.State{}, NotFound},
		{"malformed", "PUT", "If-Match", `7`, state, Malformed},
		{"required", "PUT", "X", "", state, PreconditionRequired},
		{"stale", "PUT", "If-Match", `"5"`, state, Stale},
		{"unknown tag", "PUT", "If-Match", `"4"`, state, Stale},
		{"weak", "PUT", "If-Match", `W/"7"`, state, WeakValidator},
		{"exists", "PUT", "If-None-Match", `*`, state, Exists},
		{"none-match list", "PUT", "If-None-Match", `"7"`, state, Exists},
		{"any where nothing is", "PUT", "If-Match", `*`, ifmatch.State{}, Stale},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res := ifmatch.Evaluate(tt.method, ifmatch.ParseConditions(http.Header{tt.field: {tt.value}}), tt.state, ifmatch.Contract{})
			d := FromResult(res)
			if d == nil {
				if tt.want != "" {
					t.Fatalf("no problem, want %s", tt.want)
				}
				return
			}
			if d.Code != tt.want {
				t.Errorf("%s, want %s", d.Code, tt.want)
			}
			if (d.YourVersion == 5) != (tt.name == "stale") {
				t.Errorf("yourVersion %d", d.YourVersion)
			}
		})
	}
	if d := FromResult(ifmatch.Result{}); d == nil || d.Code != Internal {
		t.Errorf("a result that nobody made is %v, want internal", d)
	}
}

func TestError(t *testing.T) {
	var err error = New(Forbidden, "Ask ann.")
	if err.Error() != "forbidden: Ask ann." {
		t.Error(err)
	}
}

func BenchmarkAppend(b *testing.B) {
	d, buf := full(), make([]byte, 0, 2048)
	b.ReportAllocs()
	for b.Loop() {
		buf = d.Append(buf[:0])
	}
	if !bytes.HasSuffix(buf, []byte("}")) {
		b.Fatal(string(buf))
	}
}
