package protocol_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/merge"
)

// TestParkDryRun says what would be, and keeps nothing.
func TestParkDryRun(t *testing.T) {
	onEveryStore(t, setup{rules: parkingByDefault(t, merge.Rules{})}, func(t *testing.T, a *api) {
		a.twoVersions(`{"title":"A"}`, `{"title":"B"}`)
		before := a.dump()
		for prefer, status := range map[string]int{"conflict=park": 202, "": 412} {
			got := a.must(status, "PUT", item+"?dryRun=true", `{"title":"C"}`, "If-Match", `"1"`, "Prefer", prefer)
			a.header(got, "Ifmatch-Outcome", "parked")
			a.header(got, "Ifmatch-Dry-Run", "true")
			a.header(got, "Location", "")
			a.header(got, "ETag", "")
			if strings.Contains(got.body, "_conflicts/") {
				t.Errorf("it says where nothing is: %s", got.body)
			}
			if a.dump() != before || len(a.conflicts(item+"/_conflicts").Items) != 0 {
				t.Error("something was written")
			}
		}
	})
}

// TestParkedOnce: the same write of the same caller is the same parked write.
func TestParkedOnce(t *testing.T) {
	onEveryStore(t, setup{rules: parking(t, merge.Rules{}), actor: writerName}, func(t *testing.T, a *api) {
		a.twoVersions(`{"title":"A","x":1}`, `{"title":"B","x":1}`)
		at := a.parked(`{"title":"C"}`)
		before := a.dump()
		if again := a.parked(`{"title":"C"}`); again != at || a.dump() != before {
			t.Errorf("parked again at %s, not %s; or something was written", again, at)
		}
		a.must(200, "PATCH", item, `{"x":2}`, "If-Match", `"2"`)
		before = a.dump()
		if again := a.parked(`{"title":"C"}`); again != at || a.dump() != before {
			t.Errorf("parked on another version at %s, not %s; or something was written", again, at)
		}
		others := map[string]bool{at: true}
		for _, other := range []string{
			a.parked(`{"title":"D"}`),
			a.must(202, "PATCH", item, `{"title":"C"}`, "If-Match", `"1"`, "Prefer", "conflict=park", "X-Writer", "bob").header.Get("Location"),
			a.must(202, "PATCH", item, `{"title":"C"}`, "If-Match", `"1"`, "Prefer", "conflict=park").header.Get("Location"),
			a.parked(`[{"op":"test","path":"/x","value":1},{"op":"replace","path":"/title","value":"C"}]`, "Content-Type", jsonPatch),
		} {
			if others[other] {
				t.Errorf("%s is two writes", other)
			}
			others[other] = true
		}
		if n := len(a.conflicts(item + "/_conflicts").Items); n != len(others) {
			t.Errorf("%d are parked, want %d", n, len(others))
		}
		a.verify()
	})
}

// TestParkedAreBounded: one more than a document may have is refused, and told so.
func TestParkedAreBounded(t *testing.T) {
	onEveryStore(t, setup{rules: parking(t, merge.Rules{})}, func(t *testing.T, a *api) {
		a.twoVersions(`{"n":0}`, `{"n":-1}`)
		var last string
		for i := range engine.MaxParked {
			last = a.parked(fmt.Sprintf(`{"n":%d}`, i+1))
		}
		p := a.refused(412, "merge-conflict", "PATCH", item, `{"n":1000}`, "If-Match", `"1"`, "Prefer", "conflict=park")
		if !strings.Contains(p.Detail, "not parked either, since 100 writes") || listed(p.Conflicts) != "/n reject" {
			t.Errorf("told %+v", p)
		}
		a.parked(`{"n":1}`) // it is there already
		a.must(204, "DELETE", last, "")
		a.parked(`{"n":1000}`)
		a.verify()
	})
}

// TestParkedInALife: what was parked is gone with the document, and with what it is
// created anew as.
func TestParkedInALife(t *testing.T) {
	onEveryStore(t, setup{rules: parking(t, merge.Rules{})}, func(t *testing.T, a *api) {
		a.refused(404, "not-found", "GET", item+"/_conflicts", "")
		a.twoVersions(`{"n":0}`, `{"n":-1}`)
		at := a.parked(`{"n":1}`)
		a.must(204, "DELETE", item, "", "If-Match", `"2"`)
		gone := func() {
			a.refused(404, "not-found", "GET", at, "")
			a.refused(404, "not-found", "DELETE", at, "")
			a.refused(404, "not-found", "POST", at+"/resolve", `{"choices":{"/n":"yours"}}`, "If-Match", `"4"`)
		}
		a.refused(404, "not-found", "GET", item+"/_conflicts", "")
		gone()
		a.must(201, "PUT", item, `{"n":0}`)
		a.must(200, "PUT", item, `{"n":5}`, "If-Match", `"4"`)
		gone()
		if page := a.conflicts(item + "/_conflicts"); len(page.Items) != 0 {
			t.Errorf("parked is %+v", page)
		}
		again := a.must(202, "PATCH", item, `{"n":1}`, "If-Match", `"4"`, "Prefer", "conflict=park").header.Get("Location")
		if page := a.conflicts(item + "/_conflicts"); len(page.Items) != 1 || again == at || page.Items[0].YourVersion != 4 {
			t.Errorf("parked is %+v at %s", page, again)
		}
		gone()
		ref := store.Ref{Part: store.Part{Collection: "notes"}, ID: "1"}
		if rows, err := a.store.(store.RowReader).Rows(context.Background(), ref, "parked"); err != nil || len(rows) != 1 {
			t.Errorf("stored are %v, %v", rows, err)
		}
		a.verify()
	})
}
