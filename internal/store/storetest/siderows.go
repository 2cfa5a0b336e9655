package storetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ifmatch/ifmatch/internal/store"
)

var rowTests = []test{
	{name: "put replace delete", run: rowLife},
	{name: "order by bytes", run: rowOrder},
	{name: "kinds and documents are apart", run: rowSpaces},
}

func putRow(ref store.Ref, kind, id, value string) store.RowChange {
	return store.RowChange{Row: store.Row{Ref: ref, Kind: kind, ID: id, Value: []byte(value)}}
}

func deleteRow(ref store.Ref, kind, id string) store.RowChange {
	return store.RowChange{Row: store.Row{Ref: ref, Kind: kind, ID: id}, Delete: true}
}

// rowed touches ref, which must exist, and changes rows of it.
func (r *rig) rowed(ref store.Ref, rows ...store.RowChange) {
	r.Helper()
	c := r.commit(r.touch(r.get(ref).Head))
	c.Rows = rows
	r.do(c)
}

// rowReader skips the test where the driver cannot list rows.
func (r *rig) rowReader() {
	r.Helper()
	if _, ok := r.s.(store.RowReader); !ok {
		r.Skip("SKIPPED, NOT CHECKED: the driver is no store.RowReader")
	}
}

func (r *rig) wantRows(ref store.Ref, kind string, want ...string) {
	r.Helper()
	var got []string
	for _, row := range r.rows(ref, kind) {
		if row.Ref != ref || row.Kind != kind {
			r.Errorf("rows of %s, %s: there is %s", refLine(ref), kind, rowLine(row))
		}
		got = append(got, fmt.Sprintf("%s=%s", row.ID, row.Value))
	}
	r.same("rows of "+refLine(ref)+" "+kind, strings.Join(got, "\n"), strings.Join(want, "\n"))
}

func rowLife(r *rig) {
	r.rowReader()
	a := ref("a")
	c := r.commit(r.put(r.get(a).Head, "1"))
	c.Rows = []store.RowChange{putRow(a, kindNote, "1", "one"), putRow(a, kindNote, "2", "")}
	r.do(c)
	r.wantRows(a, kindNote, "1=one", "2=")
	r.rowed(a, putRow(a, kindNote, "1", "uno"), putRow(a, kindNote, "3", "three"))
	r.wantRows(a, kindNote, "1=uno", "2=", "3=three")
	r.rowed(a, deleteRow(a, kindNote, "1"), deleteRow(a, kindNote, "nothing"))
	r.wantRows(a, kindNote, "2=", "3=three")
	r.save(a, "2")
	r.wantRows(a, kindNote, "2=", "3=three")
	if r.reopen() {
		r.wantRows(a, kindNote, "2=", "3=three")
	}
}

func rowOrder(r *rig) {
	r.rowReader()
	a := ref("a")
	r.save(a, "1")
	order := []string{"b", "10", "9", "B", "é", "a", "aa", ""}
	var changes []store.RowChange
	var want []string
	for _, id := range order {
		changes = append(changes, putRow(a, kindNote, id, "x"))
		want = append(want, id+"=x")
	}
	r.rowed(a, changes...)
	slices.Sort(order)
	for i, id := range order {
		want[i] = id + "=x"
	}
	r.wantRows(a, kindNote, want...)
}

func rowSpaces(r *rig) {
	r.rowReader()
	a, b, c := ref("a"), ref("b"), in(part("others"), "a")
	for _, ref := range []store.Ref{a, b, c} {
		r.save(ref, "1")
	}
	r.rowed(a, putRow(a, kindNote, "1", "a"), putRow(a, kindTicket, "1", "ticket"))
	r.rowed(b, putRow(b, kindNote, "1", "b"))
	r.rowed(c, putRow(c, kindNote, "1", "c"))
	r.rowed(b, deleteRow(b, kindTicket, "1"))
	r.wantRows(a, kindNote, "1=a")
	r.wantRows(a, kindTicket, "1=ticket")
	r.wantRows(b, kindNote, "1=b")
	r.wantRows(b, kindTicket)
	r.wantRows(c, kindNote, "1=c")
	r.wantRows(ref("never"), kindNote)
}
