package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/ifmatch/ifmatch/internal/store"
)

// compare compares what is cheap to read.
func (m *model) compare(rt *rapid.T) {
	print := func(s store.Store) string {
		var b strings.Builder
		for _, ref := range m.refs {
			d, err := s.Get(ctx, ref)
			if err != nil {
				rt.Fatalf("Get(%s): %v", refLine(ref), err)
			}
			fmt.Fprintf(&b, "%s body %q\n", m.headLine(d.Head), d.Body)
		}
		for _, k := range keyNames {
			if a, err := s.Answer(ctx, scope, k); err == nil && m.clock.Now().Before(a.Expires) {
				fmt.Fprintf(&b, "answer %s %s\n", k, a.Content)
			}
		}
		return b.String()
	}
	if d := diff(print(m.got), print(m.want)); d != "" {
		rt.Fatalf("the state differs from the reference:%s", d)
	}
}

// compareAll compares everything.
func (m *model) compareAll() {
	print := func(s store.Store) string {
		// The rig's readers fail through its own T, which a model has not; so a
		// failed read shows as what is missing.
		var b strings.Builder
		for _, ref := range m.refs {
			rows, err := s.History(ctx, ref, 0, 1<<20)
			fmt.Fprintf(&b, "history of %s: error %v\n", refLine(ref), err)
			older, err := s.History(ctx, ref, 3, 1)
			fmt.Fprintf(&b, "%d rows before rev 3, error %v\n", len(older), err)
			for _, e := range older {
				fmt.Fprintf(&b, "  rev %d body %q\n", e.Rev, e.Body)
			}
			for _, e := range rows {
				e.Lane, e.Position = 0, 0
				fmt.Fprintln(&b, entryLine(&e))
				found, err := s.Entry(ctx, ref, e.Version)
				if err != nil {
					m.Fatalf("Entry of version %d of %s: %v", e.Version, refLine(ref), err)
				}
				found = &store.Entry{Log: found.Log, Rev: found.Rev, Version: found.Version, Life: found.Life, Body: found.Body}
				fmt.Fprintf(&b, "  written by %s body %q\n", entryLine(found), found.Body)
			}
			if rr, ok := s.(store.RowReader); ok {
				for _, kind := range []string{kindNote, kindTicket} {
					side, err := rr.Rows(ctx, ref, kind)
					fmt.Fprintf(&b, "rows: error %v\n", err)
					for _, row := range side {
						fmt.Fprintln(&b, rowLine(row))
					}
				}
			}
			page, err := s.List(ctx, ref.Part, store.ListQuery{After: store.Place{ID: ref.ID}, Limit: 1})
			fmt.Fprintf(&b, "list after %s: %s more %t error %v\n", refLine(ref), ids(page), page.More, err)
			if m.rig.indexed {
				b.WriteString(m.lists(s, ref))
			}
		}
		return b.String()
	}
	if d := diff(print(m.got), print(m.want)); d != "" {
		m.Fatalf("the state at the end differs from the reference:%s", d)
	}
	if sc, ok := m.got.(store.Scanner); ok {
		m.compareScans(sc)
	}
}

// lists prints pages by every index, that begin behind a document.
func (m *model) lists(s store.Store, ref store.Ref) string {
	var b strings.Builder
	few := store.Condition{Index: "few", In: [][]byte{{1}, {3}}}
	for _, q := range []store.ListQuery{
		{Sort: "few", Limit: 2}, {Sort: "many", Descending: true, Limit: 2}, {Where: []store.Condition{few}, Limit: 2}, {Sort: "many", Where: []store.Condition{few}, Limit: 1, Scan: 1},
	} {
		q.After.ID = ref.ID
		if q.Sort != "" {
			q.After.Key = []byte{2}
		}
		page, err := s.List(ctx, ref.Part, q)
		fmt.Fprintf(&b, "%+v: %s more %t last %+v error %v\n", q, ids(page), page.More, page.Last, err)
	}
	return b.String()
}

func (m *model) compareScans(got store.Scanner) {
	print := func(sc store.Scanner) string {
		var lines []string
		err := sc.ScanDocuments(ctx, func(d *store.Document) error {
			lines = append(lines, fmt.Sprintf("%s body %q", m.headLine(d.Head), d.Body))
			return nil
		})
		if err != nil {
			m.Fatalf("ScanDocuments: %v", err)
		}
		var log []store.Entry
		err = sc.ScanLog(ctx, func(e *store.Entry) error { log = append(log, *e); return nil })
		if err != nil {
			m.Fatalf("ScanLog: %v", err)
		}
		// Lanes count apart, so that documents may come interleaved otherwise.
		slices.SortStableFunc(log, func(a, b store.Entry) int {
			return cmp.Or(compareRefs(a.Ref, b.Ref), cmp.Compare(a.Position, b.Position))
		})
		for _, e := range log {
			e.Lane, e.Position = 0, 0
			if e.Action == store.ActionTouch {
				e.Body = nil
			}
			lines = append(lines, fmt.Sprintf("%s body %q", entryLine(&e), e.Body))
		}
		if x, ok := sc.(store.Indexer); ok {
			err = x.ScanIndexes(ctx, func(row *store.IndexRow) error { lines = append(lines, indexLine(row)); return nil })
			if err != nil {
				m.Fatalf("ScanIndexes: %v", err)
			}
		}
		return strings.Join(lines, "\n")
	}
	if d := diff(print(got), print(m.want.(store.Scanner))); d != "" {
		m.Fatalf("the scans differ from the reference:%s", d)
	}
}
