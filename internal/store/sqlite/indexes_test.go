package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/store"
)

// openTest opens a store, and closes it at the end unless the test has.
func openTest(t *testing.T, path string, o Options) *Store {
	t.Helper()
	s, err := Open(context.Background(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil && !errors.Is(err, store.ErrClosed) {
			t.Errorf("closing the store: %v", err)
		}
	})
	return s
}

// TestWalksNeitherSortNorScan: a page by an index costs what it shows, so SQLite
// must find its rows in their order where they begin.
func TestWalksNeitherSortNorScan(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "plan.db"), Options{Readers: 1})
	var x indexReads
	texts := x.statements()
	for name, statement := range map[string]**stmt{
		"up": &x.upFirst, "up after": &x.upAfter, "down": &x.downFirst, "down after": &x.downAfter,
		"under": &x.under, "by id": &x.byID, "listed": &x.listed, "rows of a part": &x.partRows,
	} {
		var plan []string
		explain, err := s.writer.conn.prepare("EXPLAIN QUERY PLAN " + texts[statement])
		if err != nil {
			t.Fatal(err)
		}
		if err := s.writer.conn.each(explain, func(r row) error { plan = append(plan, r.text(3)); return nil }); err != nil {
			t.Fatal(err)
		}
		all := strings.Join(plan, "; ")
		if len(plan) == 0 || strings.Contains(all, "TEMP B-TREE") || strings.Contains(all, "SCAN") {
			t.Errorf("%s: %s", name, all)
		}
		if strings.HasPrefix(name, "up after") || strings.HasPrefix(name, "down after") {
			if !strings.Contains(all, "(key,id)") {
				t.Errorf("%s does not begin where the page does: %s", name, all)
			}
		}
	}
}

// TestCollectionsWithoutIndexesPayNothing: their documents have no keys and no
// rows, and a write of theirs asks for none.
func TestCollectionsWithoutIndexesPayNothing(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "none.db"), Options{})
	plain, under := store.Ref{Part: store.Part{Collection: "plain"}, ID: "a"}, store.Ref{Part: store.Part{Collection: "under"}, ID: "a"}
	put(t, s, under, `{"n":1}`, store.IndexKey{Index: "n", Key: []byte("1")})
	for range 3 {
		put(t, s, plain, `{"n":1}`)
	}
	rows := func(query string) (n int64) {
		t.Helper()
		st, err := s.writer.conn.prepare(query)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.writer.conn.one(st, func(r row) { n = r.int(0) }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := rows("SELECT count(*) FROM document_keys"); n != 1 {
		t.Errorf("%d documents have keys, want the one under an index", n)
	}
	if n := rows("SELECT count(*) FROM index_rows"); n != 1 {
		t.Errorf("%d rows in indexes, want 1", n)
	}
}

// put writes a document, whatever stands there.
func put(t testing.TB, s *Store, ref store.Ref, body string, keys ...store.IndexKey) {
	t.Helper()
	d, err := s.Get(context.Background(), ref)
	if err != nil {
		t.Fatal(err)
	}
	w := writeOn(&d.Head, store.ContentBody, store.ActionPut)
	w.Version, w.Life, w.Body, w.Keys = d.Next, 1, []byte(body), keys
	_, err = s.Commit(context.Background(), newCommit(w))
	if err != nil {
		t.Fatal(err)
	}
}

// TestIndexesComeToAnOlderStore takes the second migration back and opens the
// store again, as a version before indexes would have left it.
func TestIndexesComeToAnOlderStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "older.db")
	s := openTest(t, path, Options{})
	for i := range 5 {
		put(t, s, store.Ref{Part: store.Part{Collection: "notes"}, ID: fmt.Sprint(i)}, fmt.Sprintf(`{"n":%d}`, 9-i))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := connect(Options{}, path)
	if err != nil {
		t.Fatal(err)
	}
	back := "DROP TABLE indexes; DROP TABLE index_rows; DROP TABLE document_keys; DROP INDEX answers_by_expiry; " +
		"ALTER TABLE parts DROP COLUMN pruned; DELETE FROM meta WHERE key IN ('pruned', 'floor'); PRAGMA user_version = 1"
	if err := errors.Join(c.script(back), c.close()); err != nil {
		t.Fatal(err)
	}
	if reader, err := Open(context.Background(), path, Options{ReadOnly: true}); err == nil || !strings.Contains(err.Error(), "ifmatch migrate") {
		t.Errorf("who only reads is not told what to do: %v, %v", reader, err)
	}
	s = openTest(t, path, Options{})
	n, err := s.Reindex(context.Background(), "notes", []string{"n"}, func(d *store.Document) ([]store.IndexKey, error) {
		return []store.IndexKey{{Index: "n", Key: d.Body}}, nil
	})
	if n != 5 || err != nil {
		t.Fatalf("%d documents, %v", n, err)
	}
	page, err := s.List(context.Background(), store.Part{Collection: "notes"}, store.ListQuery{Sort: "n", Limit: 2})
	if err != nil || len(page.Documents) != 2 || page.Documents[0].Ref.ID != "4" || !page.More {
		t.Errorf("the page is %+v, %v", page, err)
	}
	if err := s.CheckIntegrity(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestKeysOfADocumentAreRead(t *testing.T) {
	set := &indexSet{names: []string{"a", "b"}, numbers: []int64{300, 7}}
	keys := []store.IndexKey{{Index: "a"}, {Index: "b", Key: []byte(strings.Repeat("k", 300))}}
	column := set.encodeKeys(keys)
	got, err := decodeKeys(column)
	if err != nil || len(got) != 2 || got[0].index != 300 || len(got[0].key) != 0 || got[1].index != 7 || string(got[1].key) != string(keys[1].Key) {
		t.Errorf("%x is read as %v, %v", column, got, err)
	}
	for n := 1; n < len(column); n++ {
		if got, err := decodeKeys(column[:n]); err == nil && len(got) != 1 {
			t.Errorf("%d bytes of it are read as %v", n, got)
		}
	}
	if got, err := decodeKeys([]byte{0x80}); err == nil {
		t.Errorf("half a number is read as %v", got)
	}
}

// TestReindexBesideADeletion deletes a document after it was read and before it is
// put under its keys.
func TestReindexBesideADeletion(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "beside.db"), Options{})
	notes := store.Part{Collection: "notes"}
	for i := range 3 {
		put(t, s, store.Ref{Part: notes, ID: fmt.Sprint(i)}, "{}")
	}
	_, err := s.Reindex(context.Background(), "notes", []string{"n"}, func(d *store.Document) ([]store.IndexKey, error) {
		if d.Ref.ID == "1" {
			gone, err := s.Get(context.Background(), d.Ref)
			if err != nil {
				return nil, err
			}
			if _, err := s.Commit(context.Background(), newCommit(writeTombstone(&gone.Head))); err != nil {
				return nil, err
			}
		}
		return []store.IndexKey{{Index: "n", Key: []byte(d.Ref.ID)}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	page, err := s.List(context.Background(), notes, store.ListQuery{Sort: "n", Limit: 5})
	if err != nil || len(page.Documents) != 2 {
		t.Errorf("the page is %+v, %v, want what was not deleted", page, err)
	}
	var rows []string
	if err := s.ScanIndexes(context.Background(), func(row *store.IndexRow) error { rows = append(rows, row.Ref.ID); return nil }); err != nil || strings.Join(rows, " ") != "0 2" {
		t.Errorf("the rows are of %q, %v", rows, err)
	}
}

// TestIndexesThatDisagree: documents and indexes that do not know of each other
// fail the check of the file.
func TestIndexesThatDisagree(t *testing.T) {
	for name, falsify := range map[string]string{
		"a row is gone":              "DELETE FROM index_rows WHERE id = 'a'",
		"a row of nobody":            "INSERT INTO index_rows VALUES (1, 1, x'31', 'z', 99)",
		"a row of another document":  "UPDATE index_rows SET doc = 3 WHERE id = 'a'",
		"a row in another part":      "UPDATE index_rows SET part = 7 WHERE id = 'a'",
		"a row under another id":     "UPDATE index_rows SET id = 'z' WHERE id = 'a'",
		"a row under another key":    "UPDATE index_rows SET key = x'ff' WHERE id = 'a'",
		"a row in another index":     "UPDATE index_rows SET number = 7 WHERE id = 'a'",
		"a row of a tombstone":       "UPDATE documents SET deleted = 1 WHERE id = 'a'",
		"a document without keys":    "DELETE FROM document_keys WHERE doc = 2",
		"keys that cannot be read":   "UPDATE document_keys SET keys = x'80' WHERE doc = 2",
		"keys of nobody":             "INSERT INTO document_keys VALUES (99, x'010131')",
		"keys of another document":   "UPDATE document_keys SET keys = (SELECT keys FROM document_keys WHERE doc = 3) WHERE doc = 2",
		"":                           "",
		"nothing but another number": "UPDATE documents SET rev = rev + 1",
	} {
		t.Run(name, func(t *testing.T) {
			s := openTest(t, filepath.Join(t.TempDir(), "falsified.db"), Options{})
			for i, id := range []string{"x", "a", "b"} {
				put(t, s, store.Ref{Part: store.Part{Collection: "notes"}, ID: id}, "{}", store.IndexKey{Index: "n", Key: []byte{byte(i)}}, store.IndexKey{Index: "o"})
			}
			if err := s.writer.conn.script(falsify); err != nil {
				t.Fatal(err)
			}
			right := name == "" || strings.HasPrefix(name, "nothing")
			if err := s.CheckIntegrity(context.Background()); (err == nil) != right {
				t.Errorf("the check says %v", err)
			}
		})
	}
}
