package storetest

import (
	"slices"
	"strings"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

var listTests = []test{
	{name: "order by bytes and cursors", run: listOrder},
	{name: "an empty part", run: listEmpty},
	{name: "deletions leave and come back", run: listDeletions},
	{name: "head grows with every change", run: listHead},
	{name: "parts do not mix", run: listParts},
	{name: "a singleton", run: listSingleton},
}

func ids(page store.Page) string {
	var all []string
	for _, d := range page.Documents {
		all = append(all, d.Ref.ID)
	}
	return strings.Join(all, "|")
}

func listOrder(r *rig) {
	want := []string{"B", "a", "Z", "b", "a ", "10", "9", "é", "z", "aa", "a-", "日本", "ab", "\U0001f600", "\uffee"}
	for _, id := range want {
		r.save(ref(id), "body of "+id)
	}
	slices.Sort(want)
	p := part("things")
	for limit := 1; limit <= len(want)+1; limit++ {
		var got []string
		after := ""
		for {
			page := r.list(p, after, limit)
			for _, d := range page.Documents {
				got = append(got, d.Ref.ID)
				r.same("the listed document", documentLine(d), documentLine(r.get(d.Ref)))
				after = d.Ref.ID
			}
			if more := len(got) < len(want); page.More != more {
				r.Fatalf("pages of %d after %q: More is %t after %d of %d", limit, after, page.More, len(got), len(want))
			}
			if !page.More {
				break
			}
			if len(page.Documents) != limit {
				r.Fatalf("a page of %d has %d documents and says that more follow", limit, len(page.Documents))
			}
		}
		r.same("the ids", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for after, first := range map[string]string{"a!": "a-", "0": "10", "zz": "é"} {
		if page := r.list(p, after, 1); ids(page) != first {
			r.Errorf("after %q, which is no id, comes %q, want %q", after, ids(page), first)
		}
	}
	if page := r.list(p, "\U0001f601", 3); len(page.Documents) != 0 || page.More {
		r.Errorf("after the last comes %q", ids(page))
	}
}

func listEmpty(r *rig) {
	r.save(in(part("others"), "a"), "1")
	if page := r.list(part("things"), "", 10); page.Head != 0 || len(page.Documents) != 0 || page.More {
		r.Errorf("page is %+v", page)
	}
}

func listDeletions(r *rig) {
	for _, id := range []string{"a", "b", "c", "d"} {
		r.save(ref(id), id)
	}
	r.drop(ref("b"))
	r.drop(ref("d"))
	p := part("things")
	if page := r.list(p, "", 2); ids(page) != "a|c" || page.More {
		r.Errorf("page is %q, more %t", ids(page), page.More)
	}
	if page := r.list(p, "b", 2); ids(page) != "c" || page.More {
		r.Errorf("page after a deleted id is %q, more %t", ids(page), page.More)
	}
	r.save(ref("b"), "again")
	if page := r.list(p, "", 2); ids(page) != "a|b" || !page.More {
		r.Errorf("page is %q, more %t", ids(page), page.More)
	}
}

func listHead(r *rig) {
	p, last := part("things"), int64(0)
	grown := func(what string, want bool) {
		r.Helper()
		head := r.list(p, "", 1).Head
		if want && head <= last || !want && head != last {
			r.Errorf("after %s Head is %d, before %d; must it grow: %t", what, head, last, want)
		}
		last = head
	}
	r.save(ref("a"), "1")
	grown("a create", true)
	r.save(ref("a"), "1")
	grown("a write of the same content", true)
	r.brush(ref("a"))
	grown("a touch", true)
	w := r.touch(r.get(ref("a")).Head)
	w.Lease = store.LeaseChange{Op: store.LeaseGrant, ID: "l", TTL: time.Second}
	r.do(r.commit(w))
	grown("a lease", true)
	r.clock.advance(time.Minute)
	r.drop(ref("a"))
	grown("a deletion", true)
	r.save(in(part("others"), "a"), "1")
	grown("a change in another part", false)
	if _, err := r.s.Commit(ctx, r.commit(r.put(store.Head{Ref: ref("a"), Next: 9}, "x"))); err == nil {
		r.Error("a stale commit went through")
	}
	grown("a refusal", false)
}

func listParts(r *rig) {
	parts := []store.Part{part("things"), part("thing"), {Collection: "things", Params: "o1"}, {Collection: "things", Params: "o1/u1"}}
	for i, p := range parts {
		r.save(in(p, "same"), bodyf("%d", i))
		r.save(in(p, bodyf("%d", i)), "own")
	}
	for i, p := range parts {
		page := r.list(p, "", 10)
		if len(page.Documents) != 2 {
			r.Errorf("part %v has %q", p, ids(page))
		}
		for _, d := range page.Documents {
			if d.Ref.Part != p || d.Ref.ID == "same" && string(d.Body) != bodyf("%d", i) {
				r.Errorf("part %v lists %s", p, documentLine(d))
			}
		}
	}
}

func listSingleton(r *rig) {
	r.save(ref(""), "1")
	if page := r.list(part("things"), "", 10); len(page.Documents) != 1 || page.Documents[0].Ref.ID != "" || page.More {
		r.Errorf("page is %+v", page)
	}
}
