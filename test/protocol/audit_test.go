package protocol_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
)

const auditAt = "/_/api/audit"

// audited is what tests look at of a row.
type auditedRow struct {
	observedRow
	Path, By, Etag, At, CorrelationID, Conflict string
	YourVersion, MergedFrom                     int64
	Blind                                       bool
}

func (r auditedRow) String() string {
	return fmt.Sprintf("%s %d %s %s by %s", r.Path, r.Version, r.Action, r.Outcome, r.By)
}

// lines reads JSON Lines.
func (a *api) lines(text string) (rows []auditedRow) {
	a.t.Helper()
	for line := range strings.Lines(text) {
		var r auditedRow
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			a.t.Fatalf("%v: %s", err, line)
		}
		rows = append(rows, r)
	}
	return rows
}

// written has something of everything that the log keeps of who did what.
func (a *api) written(now *clock) {
	a.t.Helper()
	ann, bob := []string{"X-Writer", "ann"}, []string{"X-Writer", "bob"}
	a.must(201, "PUT", "/v1/notes/1", `{"a":1,"b":1}`, ann...)
	a.must(200, "PUT", "/v1/notes/1", `{"a":2,"b":1}`, append(ann, "If-Match", `"1"`)...)
	a.must(200, "PUT", "/v1/notes/1", `{"a":1,"b":2}`, append(bob, "If-Match", `"1"`, "Prefer", "conflict=merge")...)
	now.set(noon.Add(time.Hour))
	a.must(200, "PUT", "/v1/notes/1", `{"a":9,"b":9}`, bob...)
	a.must(200, "PUT", "/v1/notes/1", `{"a":8,"b":9}`, ann...)
	a.must(202, "PUT", "/v1/notes/1", `{"a":7,"b":9}`, append(bob, "If-Match", `"4"`, "Prefer", "conflict=park")...)
	a.must(201, "POST", "/v1/notes/1/_lease", `{"ttlMs":1}`, ann...)
	now.set(noon.Add(2 * time.Hour))
	a.must(201, "PUT", "/v1/drafts/1", `{}`, append(ann, "If-None-Match", "*")...)
	a.must(204, "DELETE", "/v1/drafts/1", "", append(bob, "If-Match", "*")...)
}

func auditSetup(now *clock) setup {
	return setup{now: now.Now, actor: writerName, rules: engine.Rules{Contract: asking(ifmatch.PreconditionObserve), Allow: []engine.Strategy{engine.StrategyMerge, engine.StrategyPark}}}
}

// TestAudit: every committed mutation is told once, in the order of commits, with who,
// what it was based on and how it came out; and the filters leave what they say.
func TestAudit(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			now := &clock{now: noon}
			a := newAPI(t, open(t), auditSetup(now))
			a.written(now)
			const note, draft = "/v1/notes/1", "/v1/drafts/1"
			all := []string{
				note + " 1 put created by ann", note + " 2 put replaced by ann", note + " 3 put merged by bob", note + " 4 put replaced by bob",
				note + " 5 put replaced by ann", note + " 5 touch parked by bob", note + " 5 touch leased by ann",
				draft + " 1 put created by ann", draft + " 2 delete deleted by bob",
			}
			at := func(i int) string {
				return url.QueryEscape(noon.Add(time.Duration(i) * time.Hour).Format(time.RFC3339))
			}
			for query, want := range map[string][]string{
				"":                                   all,
				"collection=drafts":                  all[7:],
				"document=" + note:                   all[:7],
				"document=/v1/notes/none":            {},
				"by=bob":                             {all[2], all[3], all[5], all[8]},
				"by=bob&document=" + note:            {all[2], all[3], all[5]},
				"outcome=replaced":                   {all[1], all[3], all[4]},
				"outcome=replaced&by=ann":            {all[1], all[4]},
				"since=" + at(1):                     all[3:],
				"until=" + at(1):                     all[:3],
				"since=" + at(1) + "&until=" + at(2): all[3:7],
				"since=2024-05-01T15%3A00%3A00%2B02%3A00&until=" + at(2): all[3:7],
				"collection=none":                    {},
				"collection=notes&document=" + draft: {},
			} {
				var got []string
				for _, r := range a.lines(a.must(200, "GET", auditAt+"?"+query, "", "Accept", "application/jsonl").body) {
					got = append(got, r.String())
				}
				if !slices.Equal(got, want) && len(got)+len(want) > 0 {
					t.Errorf("%s: %q, want %q", query, got, want)
				}
			}
			rows := a.lines(a.must(200, "GET", auditAt, "", "Accept", "application/x-ndjson").body)
			for i, r := range rows {
				if deleted := r.Action == "delete"; (r.Etag == "") != deleted || r.At == "" || r.CorrelationID == "" {
					t.Errorf("row %d: %+v", i, r)
				}
			}
			if r := rows[2]; r.YourVersion != 1 || r.MergedFrom != 1 {
				t.Errorf("the merge: %+v", r)
			}
			if r := rows[4]; r.Unconditional != "lost" || r.ReadVersion != 2 {
				t.Errorf("the lost update: %+v", r)
			}
			if rows[5].Conflict == "" || !rows[8].Blind {
				t.Errorf("parked: %+v, blind: %+v", rows[5], rows[8])
			}
		})
	}
}

// TestAuditPages: pages of any size, in both forms, are the whole log once, and the
// cursor of the end goes on when there is more.
func TestAuditPages(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			now := &clock{now: noon}
			a := newAPI(t, open(t), auditSetup(now))
			a.written(now)
			whole := a.must(200, "GET", auditAt, "", "Accept", "application/jsonl").body
			for _, query := range []string{"", "&by=ann"} {
				whole := a.must(200, "GET", auditAt+"?limit=1000"+query, "", "Accept", "application/jsonl").body
				for limit := 1; limit < 10; limit++ {
					next, lines := fmt.Sprintf("%s?limit=%d%s", auditAt, limit, query), ""
					for next != "" {
						got := a.must(200, "GET", next, "", "Accept", "application/jsonl")
						if lines += got.body; strings.Count(got.body, "\n") > limit {
							t.Fatalf("%s has %s", next, got.body)
						}
						next = strings.TrimSuffix(strings.TrimPrefix(got.header.Get("Link"), "<"), `>; rel="next"`)
					}
					if lines != whole {
						t.Errorf("pages of %d come to\n%s\nand all at once is\n%s", limit, lines, whole)
					}
				}
			}
			got := a.must(200, "GET", auditAt+"?limit=2", "")
			var page struct {
				Items []json.RawMessage
				Next  string
			}
			if err := json.Unmarshal([]byte(got.body), &page); err != nil || len(page.Items) != 2 || !strings.HasPrefix(whole, string(page.Items[0])+"\n"+string(page.Items[1])+"\n") {
				t.Errorf("%v: %s", err, got.body)
			}
			a.header(got, "Link", "<"+auditAt+"?cursor="+page.Next+`&limit=2>; rel="next"`)
			a.header(got, "Content-Type", "application/json")
			a.header(got, "Cache-Control", "no-store")
		})
	}
}

// TestAuditIsAskedWell: whatever is not understood is refused by name.
func TestAuditIsAskedWell(t *testing.T) {
	now := &clock{now: noon}
	a := newAPI(t, stores["memory"](t), auditSetup(now))
	a.written(now)
	feed := a.must(200, "GET", "/_changes?limit=1", "").body
	var page struct{ Next string }
	if err := json.Unmarshal([]byte(feed), &page); err != nil {
		t.Fatal(err)
	}
	for query, detail := range map[string]string{
		"page=2": `"page"`, "by=": "by is empty", "since=yesterday": "RFC 3339", "until=2024-05-01": "RFC 3339", "limit=0": "limit", "limit=1001": "limit",
		"document=/v1/notes": "path of a document", "document=/v1/notes/1/_history": "path of a document", "cursor=x": "cursor", "cursor=" + page.Next: "cursor", "outcome=replacd": "replaced, patched", "collection=_none": "no collection", "by=a&by=b": "given once", "%zz": "cannot be read",
	} {
		if p := a.refused(400, "malformed", "GET", auditAt+"?"+query, ""); !strings.Contains(p.Detail, detail) {
			t.Errorf("%s: %s", query, p.Detail)
		}
	}
	a.refused(405, "method-not-allowed", "DELETE", auditAt, "")
	a.header(a.must(204, "OPTIONS", auditAt, ""), "Allow", "GET, HEAD, OPTIONS")
}
