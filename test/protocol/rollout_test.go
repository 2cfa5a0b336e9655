package protocol_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
)

// asking has one rule for all methods.
func asking(p ifmatch.Precondition) ifmatch.Contract {
	return ifmatch.Contract{Precondition: ifmatch.MethodPreconditions{Put: p, Patch: p, Delete: p}}
}

// observedRow is what a history shows of an unconditional write.
type observedRow struct {
	Version       int64
	Action        string
	Outcome       string
	Unconditional string
	ReadVersion   int64
}

func (a *api) observations(path string) []observedRow {
	a.t.Helper()
	var page struct{ Items []observedRow }
	if err := json.Unmarshal([]byte(a.must(200, "GET", path+"/_history", "").body), &page); err != nil {
		a.t.Fatal(err)
	}
	return page.Items
}

// kinds counts what the rows of a history say of unconditional writes.
func kinds(rows []observedRow) map[string]int {
	n := map[string]int{}
	for _, r := range rows {
		if r.Unconditional != "" {
			n[r.Unconditional]++
		}
	}
	return n
}

// TestLostUpdatesAreCounted: many clients read one version, and all of them write
// without a precondition. Whoever comes first overwrites what they have read; everybody
// else overwrites what they have not, and that many lost updates are counted, whatever
// races the writes lose on their way.
func TestLostUpdatesAreCounted(t *testing.T) {
	const clients = 12
	for method, body := range map[string]string{"PUT": `{"n":%d}`, "PATCH": `{"n":%d}`} {
		t.Run(method, func(t *testing.T) {
			onEveryStore(t, setup{rules: engine.Rules{Contract: asking(ifmatch.PreconditionObserve)}, actor: writerName}, func(t *testing.T, a *api) {
				a.must(201, "PUT", "/v1/notes/1", `{"n":-1}`)
				var written sync.WaitGroup
				for i := range clients {
					a.must(200, "GET", "/v1/notes/1", "", "X-Writer", "ann", "Ifmatch-Client", strconv.Itoa(i))
				}
				for i := range clients {
					written.Go(func() {
						got, err := a.send(method, "/v1/notes/1", fmt.Sprintf(body, i), "X-Writer", "ann", "Ifmatch-Client", strconv.Itoa(i))
						if err != nil || got.status != 200 {
							t.Errorf("%v %d %s", err, got.status, got.body)
						}
					})
				}
				written.Wait()
				rows := a.observations("/v1/notes/1")
				if got, want := fmt.Sprint(kinds(rows)), fmt.Sprint(map[string]int{"current": 1, "lost": clients - 1}); got != want {
					t.Errorf("the history has %s, want %s", got, want)
				}
				for _, r := range rows {
					if r.Unconditional == "lost" && r.ReadVersion != 1 || r.Unconditional == "current" && r.Version != 2 {
						t.Errorf("%+v", r)
					}
				}
				want := fmt.Sprintf("notes: %d unconditional writes: %d lost an update, 1 overwrote what had been read", clients, clients-1)
				if got := a.watch.Totals(); len(got) != 1 || got[0] != want {
					t.Errorf("%q, want %q", got, want)
				}
				a.verify()
			})
		})
	}
}

// TestLostUpdateIsJudgedAtTheCommit: what counts is what the commit has overwritten, and
// not what stood there when the write was first looked at.
func TestLostUpdateIsJudgedAtTheCommit(t *testing.T) {
	onEveryStore(t, setup{rules: engine.Rules{Contract: asking(ifmatch.PreconditionObserve)}, actor: writerName, faulty: true}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		a.must(200, "GET", "/v1/notes/1", "", "X-Writer", "ann")
		a.must(200, "GET", "/v1/notes/1", "", "X-Writer", "bob")
		a.faults.onCommit(func(_ *store.Commit, commit func() (store.Receipt, error)) (store.Receipt, error) {
			a.faults.onCommit(nil)
			a.must(200, "PUT", "/v1/notes/1", `{"n":2}`, "X-Writer", "bob")
			return commit()
		})
		a.must(200, "PUT", "/v1/notes/1", `{"n":3}`, "X-Writer", "ann")
		want := []observedRow{
			{Version: 3, Action: "put", Outcome: "replaced", Unconditional: "lost", ReadVersion: 1},
			{Version: 2, Action: "put", Outcome: "replaced", Unconditional: "current", ReadVersion: 1},
			{Version: 1, Action: "put", Outcome: "created"},
		}
		if got := a.observations("/v1/notes/1"); !slices.Equal(got, want) {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

// TestWhatACallerHasRead walks what shows a caller a version. After it a PUT without a
// precondition overwrites what its sender has read, and otherwise nobody can say.
func TestWhatACallerHasRead(t *testing.T) {
	const item = "/v1/notes/1"
	for name, tt := range map[string]struct {
		method, path, body string
		headers            []string
		status             int
		kind               string
	}{
		"nothing":            {"GET", "/healthz", "", nil, 200, "unread"},
		"another document":   {"GET", "/v1/notes/2", "", nil, 200, "unread"},
		"a read":             {"GET", item, "", nil, 200, "current"},
		"a head":             {"HEAD", item, "", nil, 200, "current"},
		"a 304":              {"GET", item, "", []string{"If-None-Match", `"2"`}, 304, "current"},
		"what came of a PUT": {"PUT", item, `{"n":3}`, []string{"If-Match", `"2"`}, 200, "current"},
		"a dry run":          {"PUT", item + "?dryRun=true", `{"n":3}`, []string{"If-Match", `"2"`}, 200, "current"},
		"a conflict":         {"PUT", item, `{"n":3}`, []string{"If-Match", `"1"`}, 412, "current"},
		"a list":             {"GET", "/v1/notes", "", nil, 200, "current"},
		"another page":       {"GET", "/v1/notes?limit=1&cursor=", "", nil, 400, "unread"},
		"the history":        {"GET", item + "/_history", "", nil, 200, "current"},
		"this version":       {"GET", item + "/_history/2", "", nil, 200, "current"},
		"an earlier version": {"GET", item + "/_history/1", "", nil, 200, "lost"},
		"a difference":       {"GET", item + "/_diff?from=1&to=2", "", nil, 200, "current"},
		"a field":            {"GET", item + "/_fields/n", "", nil, 200, "current"},
		"the feed":           {"GET", "/v1/notes/_changes", "", nil, 200, "current"},
		"the feed of all":    {"GET", "/_changes", "", nil, 200, "current"},
		"a batch":            {"POST", "/_batch", `{"atomic":true,"operations":[{"method":"PATCH","path":"` + item + `","headers":{"If-Match":"\"2\""},"body":{"n":4}}]}`, nil, 200, "current"},
		"a batch apart":      {"POST", "/_batch", `{"atomic":false,"operations":[{"method":"PATCH","path":"` + item + `","headers":{"If-Match":"\"2\""},"body":{"n":4}}]}`, nil, 200, "current"},
	} {
		t.Run(name, func(t *testing.T) {
			onEveryStore(t, setup{rules: engine.Rules{Contract: asking(ifmatch.PreconditionObserve)}, actor: writerName}, func(t *testing.T, a *api) {
				a.must(201, "PUT", item, `{"n":1}`, "X-Writer", "bob")
				a.must(200, "PUT", item, `{"n":2}`, "X-Writer", "bob")
				a.must(201, "PUT", "/v1/notes/2", `{"n":1}`, "X-Writer", "bob")
				me := []string{"Ifmatch-Client", "window 1"}
				a.must(tt.status, tt.method, tt.path, tt.body, append(me, tt.headers...)...)
				a.must(200, "PUT", item, `{"n":9}`, me...)
				if got := a.observations(item)[0].Unconditional; got != tt.kind {
					t.Errorf("it is put down as %q, want %q", got, tt.kind)
				}
			})
		})
	}
}

// TestWhoHasRead: what one caller was shown is not known of another one, whether they
// have another name or another window.
func TestWhoHasRead(t *testing.T) {
	onEveryStore(t, setup{rules: engine.Rules{Contract: asking(ifmatch.PreconditionObserve)}, actor: writerName}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"n":0}`)
		for i, tt := range []struct {
			read, write []string
			kind        string
		}{
			{[]string{"X-Writer", "ann"}, []string{"X-Writer", "ann"}, "current"},
			{[]string{"X-Writer", "bob"}, []string{"X-Writer", "ann2"}, "unread"},
			{[]string{"X-Writer", "cyd", "Ifmatch-Client", "1"}, []string{"X-Writer", "cyd", "Ifmatch-Client", "2"}, "unread"},
			{[]string{"X-Writer", "dan", "Ifmatch-Client", "1"}, []string{"X-Writer", "dan"}, "unread"},
			{[]string{"Ifmatch-Client", "only a window"}, []string{"Ifmatch-Client", "only a window"}, "current"},
			{nil, nil, "anonymous"},
		} {
			a.must(200, "GET", "/v1/notes/1", "", tt.read...)
			a.must(200, "PUT", "/v1/notes/1", fmt.Sprintf(`{"n":%d}`, i+1), tt.write...)
			if got := a.observations("/v1/notes/1")[0].Unconditional; got != tt.kind {
				t.Errorf("%v after %v: %q, want %q", tt.write, tt.read, got, tt.kind)
			}
		}
	})
}

// TestPatchThatLosesNothing: a patch is applied to what is there, so that it loses an
// update only where what others have changed is not so any more.
func TestPatchThatLosesNothing(t *testing.T) {
	const was, theirs = `{"a":1,"b":{"c":1,"d":1},"list":[1],"gone":1}`, `{"a":2,"b":{"c":2,"d":1},"list":[1,2]}`
	merge, ops := "application/merge-patch+json", jsonPatch
	for name, tt := range map[string]struct {
		media, body, at, kind string
	}{
		"another member":              {merge, `{"e":1}`, "", "disjoint"},
		"another member inside":       {merge, `{"b":{"d":2}}`, "", "disjoint"},
		"the same as theirs":          {merge, `{"a":2,"e":1}`, "", "disjoint"},
		"the same member":             {merge, `{"a":3}`, "", "lost"},
		"back to what it was":         {merge, `{"a":1}`, "", "lost"},
		"the same member inside":      {merge, `{"b":{"c":3}}`, "", "lost"},
		"what holds it":               {merge, `{"b":1}`, "", "lost"},
		"what they took away":         {merge, `{"gone":2}`, "", "lost"},
		"an array, whole":             {merge, `{"list":[1,3]}`, "", "lost"},
		"an array, with theirs in it": {merge, `{"list":[3,2,1]}`, "", "disjoint"},
		"an element more":             {ops, `[{"op":"add","path":"/list/0","value":0}]`, "", "disjoint"},
		"an element less":             {ops, `[{"op":"remove","path":"/list/1"}]`, "", "lost"},
		"removes it":                  {ops, `[{"op":"remove","path":"/a"}]`, "", "lost"},
		"one field":                   {"application/json", `3`, "/_fields/a", "lost"},
		"one field of others":         {"application/json", `3`, "/_fields/b/d", "disjoint"},
		"nothing":                     {merge, `{"a":2}`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			onEveryStore(t, setup{rules: engine.Rules{Contract: asking(ifmatch.PreconditionObserve)}, actor: writerName}, func(t *testing.T, a *api) {
				a.must(201, "PUT", "/v1/notes/1", was, "X-Writer", "ann")
				a.must(200, "PUT", "/v1/notes/1", theirs, "X-Writer", "bob", "If-Match", `"1"`)
				method := "PATCH"
				if tt.at != "" {
					method = "PUT"
				}
				a.must(200, method, "/v1/notes/1"+tt.at, tt.body, "X-Writer", "ann", "Content-Type", tt.media)
				if got := a.observations("/v1/notes/1")[0].Unconditional; got != tt.kind {
					t.Errorf("it is put down as %q, want %q", got, tt.kind)
				}
			})
		})
	}
}

// TestPatchOfWhatIsNotKept: where the version that its sender has read is not kept,
// nobody can say what a patch lost.
func TestPatchOfWhatIsNotKept(t *testing.T) {
	onEveryStore(t, setup{rules: engine.Rules{Contract: asking(ifmatch.PreconditionObserve), Keep: 1}, actor: writerName}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"a":1}`, "X-Writer", "ann")
		a.must(200, "PUT", "/v1/notes/1", `{"a":2}`, "X-Writer", "bob")
		a.must(200, "PATCH", "/v1/notes/1", `{"a":3}`, "X-Writer", "ann")
		if got := a.observations("/v1/notes/1")[0]; got.Unconditional != "unread" || got.ReadVersion != 1 {
			t.Errorf("%+v", got)
		}
	})
}

// What two servers never have in common: how long they say to wait, and which store a
// list is of.
var (
	advisedWait = regexp.MustCompile(`"retryAfterMs":\d+`)
	storeInTag  = regexp.MustCompile(`W/"c\d+\.[0-9a-f]{8}`)
)

// TestObserveChangesNoAnswer sends the same requests to who observes and to who does
// not. But for the ids of requests, the dates, and what is noted in the history, nobody
// can tell the two apart.
func TestObserveChangesNoAnswer(t *testing.T) {
	requests := [][]string{
		{"PUT", "/v1/notes/1", `{"a":1}`}, {"PUT", "/v1/notes/1", `{"a":1}`}, {"PUT", "/v1/notes/1", `{"a":2}`},
		{"PATCH", "/v1/notes/1", `{"b":2}`}, {"PATCH", "/v1/notes/1?dryRun=true", `{"b":3}`}, {"PATCH", "/v1/notes/none", `{"b":2}`},
		{"PUT", "/v1/notes/1", `{"a":3}`, "If-Match", `"1"`}, {"PUT", "/v1/notes/1", `{"a":3}`, "If-Match", "*"}, {"PUT", "/v1/notes/1", `{`},
		{"PATCH", "/v1/notes/1", `{"b":4}`, "Prefer", "return=minimal"}, {"PUT", "/v1/notes/1/_fields/b", `5`}, {"DELETE", "/v1/notes/1/_fields/b", ""},
		{"PUT", "/v1/notes/1", `{"a":4}`, "Idempotency-Key", "0199b6a1-7e2c-7000-8000-000000000001"}, {"PUT", "/v1/notes/1", `{"a":4}`, "Idempotency-Key", "0199b6a1-7e2c-7000-8000-000000000001"},
		{"GET", "/v1/notes/1", ""}, {"GET", "/v1/notes", ""}, {"GET", "/v1/notes/1/_fields/a", ""},
		{"POST", "/_batch", `{"atomic":true,"operations":[{"method":"PUT","path":"/v1/notes/1","body":{"a":5}}]}`}, {"DELETE", "/v1/notes/1", ""}, {"DELETE", "/v1/notes/1", ""},
	}
	answers := map[ifmatch.Precondition][]string{}
	for _, rule := range []ifmatch.Precondition{ifmatch.PreconditionOptional, ifmatch.PreconditionObserve, ifmatch.PreconditionWarn} {
		now := &clock{now: noon}
		a := newAPI(t, stores["memory"](t), setup{rules: engine.Rules{Contract: asking(rule)}, actor: writerName, now: now.Now})
		warned := 0
		for _, r := range requests {
			got := a.do(r[0], r[1], r[2], append([]string{"X-Writer", "ann", "X-Request-Id", "0199b6a1-7e2c-7000-8000-0000000000aa"}, r[3:]...)...)
			if got.header.Get("Ifmatch-Warning") != "" {
				warned++
			}
			for _, name := range []string{"Ifmatch-Warning", "Date", "Content-Length"} {
				got.header.Del(name)
			}
			body := advisedWait.ReplaceAllString(got.body, "")
			if r[1] == "/_batch" {
				body = withoutWarnings(t, body)
			}
			answers[rule] = append(answers[rule], fmt.Sprint(r, got.status, storeInTag.ReplaceAllString(fmt.Sprint(got.header), ""), body))
		}
		if (warned > 0) != (rule == ifmatch.PreconditionWarn) {
			t.Errorf("%v: %d answers have a warning", rule, warned)
		}
	}
	for i, want := range answers[ifmatch.PreconditionOptional] {
		for _, rule := range []ifmatch.Precondition{ifmatch.PreconditionObserve, ifmatch.PreconditionWarn} {
			if got := answers[rule][i]; got != want {
				t.Errorf("%v answers\n%s\nand without it\n%s", rule, got, want)
			}
		}
	}
}

// withoutWarnings takes the warnings out of the results of a batch.
func withoutWarnings(t *testing.T, body string) string {
	t.Helper()
	var batch struct {
		Results []struct {
			Status  int
			Headers map[string]string
			Body    json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(body), &batch); err != nil {
		t.Fatal(err)
	}
	for _, r := range batch.Results {
		delete(r.Headers, "Ifmatch-Warning")
	}
	text, err := json.Marshal(batch)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestWarning: who writes without a precondition is told what they did, in each kind of
// answer, and who sends one is not.
func TestWarning(t *testing.T) {
	const words = `;detail="You sent no precondition`
	onEveryStore(t, setup{rules: engine.Rules{Contract: asking(ifmatch.PreconditionWarn)}, actor: writerName}, func(t *testing.T, a *api) {
		a.header(a.must(201, "PUT", "/v1/notes/1", `{"n":1}`, "X-Writer", "ann"), "Ifmatch-Warning", "")
		a.header(a.must(200, "PUT", "/v1/notes/1", `{"n":2}`, "X-Writer", "bob", "If-Match", `"1"`), "Ifmatch-Warning", "")
		a.header(a.must(200, "PUT", "/v1/notes/1", `{"n":3}`, "X-Writer", "cyd", "If-Match", "*"), "Ifmatch-Warning", "")
		for _, tt := range []struct {
			path, method, body, writer, prefer, want string
			status                                   int
		}{
			{"", "PUT", `{"n":4}`, "ann", "", "lost-update;overwrote=3;read=1", 200},
			{"", "PUT", `{"n":4}`, "ann", "", "unconditional;read=4", 200},
			{"", "PUT", `{"n":5}`, "ann", "return=minimal", "unconditional;overwrote=4;read=4", 204},
			{"", "PATCH", `{"m":1}`, "bob", "", "unconditional;overwrote=5;read=2", 200},
			{"?dryRun=true", "PATCH", `{"m":2}`, "", "", "unconditional;overwrote=6", 200},
			{"", "PATCH", `{"m":2}`, "", "", "unconditional;overwrote=6", 200},
			{"/_fields/m", "PUT", `3`, "dan", "", "unconditional;overwrote=7", 200},
			{"", "DELETE", "", "bob", "", "lost-update;overwrote=8;read=6", 204},
		} {
			got := a.must(tt.status, tt.method, "/v1/notes/1"+tt.path, tt.body, "X-Writer", tt.writer, "Prefer", tt.prefer, "Content-Type", "application/json").header.Get("Ifmatch-Warning")
			if !strings.HasPrefix(got, tt.want+words) || !strings.HasSuffix(got, `"`) || strings.Count(got, `"`) != 2 || !strings.Contains(got, "If-Match") {
				t.Errorf("%s by %s: %s, want %s", tt.method, tt.writer, got, tt.want)
			}
		}
	})
}

// TestWarningIsReplayed: the same request again is answered as before, and counts for
// nothing.
func TestWarningIsReplayed(t *testing.T) {
	onEveryStore(t, setup{rules: engine.Rules{Contract: asking(ifmatch.PreconditionWarn)}, actor: writerName}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		key := []string{"X-Writer", "ann", "Idempotency-Key", "k"}
		first := a.must(200, "PUT", "/v1/notes/1", `{"n":2}`, key...)
		again := a.must(200, "PUT", "/v1/notes/1", `{"n":2}`, key...)
		if first.header.Get("Ifmatch-Warning") == "" || again.header.Get("Ifmatch-Warning") != first.header.Get("Ifmatch-Warning") || again.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%v, and again %v", first.header, again.header)
		}
		if got, want := a.watch.Totals(), "notes: 1 unconditional writes: 1 by callers who are not known to have read the document"; len(got) != 1 || got[0] != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

// TestWhatIsNotCounted: what is refused, what is not carried out, and what has a
// precondition count for nothing.
func TestWhatIsNotCounted(t *testing.T) {
	contract := ifmatch.Contract{Precondition: ifmatch.MethodPreconditions{Put: ifmatch.PreconditionObserve, Patch: ifmatch.PreconditionRequired, Delete: ifmatch.PreconditionOptional}}
	onEveryStore(t, setup{rules: engine.Rules{Contract: contract}, actor: writerName}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"n":1}`)
		a.must(200, "PUT", "/v1/notes/1", `{"n":2}`, "If-Match", `"1"`)
		a.must(200, "PUT", "/v1/notes/1?dryRun=true", `{"n":3}`)
		a.refused(428, "precondition-required", "PATCH", "/v1/notes/1", `{"n":3}`)
		a.refused(422, "invalid", "PUT", "/v1/notes/1", `[]`)
		a.refused(400, "malformed", "PUT", "/v1/notes/1", `{`)
		a.must(204, "DELETE", "/v1/notes/1", "")
		a.must(201, "PUT", "/v1/notes/1", `{"n":3}`)
		if got := a.watch.Totals(); got != nil {
			t.Errorf("it has counted %q", got)
		}
		if got := kinds(a.observations("/v1/notes/1")); len(got) != 0 {
			t.Errorf("the history has %v", got)
		}
		a.must(200, "PUT", "/v1/notes/1", `{"n":4}`)
		a.must(http.StatusOK, "PUT", "/v1/notes/1", `{"n":4}`)
		if got, want := a.watch.Totals(), "notes: 2 unconditional writes: 1 by callers who are anonymous, 1 changed nothing"; len(got) != 1 || got[0] != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
}
