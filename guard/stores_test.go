package guard_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/ifmatch/ifmatch/guard"
)

// mapStore keeps every version of every document in memory.
type mapStore struct {
	mu       sync.Mutex
	versions map[string][]guard.Document // version v at v-1
}

func newMapStore() *mapStore { return &mapStore{versions: make(map[string][]guard.Document)} }

func (s *mapStore) Load(_ context.Context, id string) (guard.Document, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at(id, int64(len(s.versions[id]))), nil
}

func (s *mapStore) at(id string, version int64) guard.Document {
	if version < 1 || version > int64(len(s.versions[id])) {
		return guard.Document{}
	}
	return s.versions[id][version-1]
}

func (s *mapStore) CompareAndSwap(_ context.Context, id string, from int64, next guard.Document) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if int64(len(s.versions[id])) != from {
		return false, nil
	}
	s.versions[id] = append(s.versions[id], next)
	return true, nil
}

func (s *mapStore) LoadVersion(_ context.Context, id string, version int64) (guard.Document, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at(id, version), nil
}

// sqlStore is what a service writes over its own tables.
type sqlStore struct{ db *sql.DB }

const tables = `
CREATE TABLE notes (id TEXT PRIMARY KEY, version INTEGER NOT NULL);
CREATE TABLE note_versions (
	id TEXT NOT NULL, version INTEGER NOT NULL, body BLOB, deleted INTEGER NOT NULL, modified INTEGER NOT NULL,
	same_second INTEGER NOT NULL, life INTEGER NOT NULL, writer TEXT NOT NULL, PRIMARY KEY (id, version));`

func newSQLStore(t *testing.T) *sqlStore {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notes.db")
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(10000)&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := db.Exec(tables); err != nil {
		t.Fatal(err)
	}
	return &sqlStore{db: db}
}

const columns = `SELECT body, version, deleted, modified, same_second, life, writer FROM note_versions WHERE id = ? AND version = `

func (s *sqlStore) Load(ctx context.Context, id string) (guard.Document, error) {
	return scan(s.db.QueryRowContext(ctx, columns+`(SELECT version FROM notes WHERE id = ?)`, id, id))
}

func (s *sqlStore) LoadVersion(ctx context.Context, id string, version int64) (guard.Document, error) {
	return scan(s.db.QueryRowContext(ctx, columns+`?`, id, version))
}

func scan(row *sql.Row) (guard.Document, error) {
	var d guard.Document
	var modified int64
	err := row.Scan(&d.Body, &d.Version, &d.Deleted, &modified, &d.SameSecond, &d.Life, &d.By)
	if errors.Is(err, sql.ErrNoRows) {
		return guard.Document{}, nil
	}
	d.Modified = time.UnixMicro(modified)
	return d, err
}

func (s *sqlStore) CompareAndSwap(ctx context.Context, id string, from int64, d guard.Document) (swapped bool, err error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer func() {
		if !swapped {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	swap := `UPDATE notes SET version = ? WHERE id = ? AND version = ?`
	if from == 0 {
		swap = `INSERT INTO notes (version, id) SELECT ?, ? WHERE ? = 0 ON CONFLICT DO NOTHING`
	}
	res, err := tx.ExecContext(ctx, swap, d.Version, id, from)
	if err != nil {
		return false, err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return false, err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO note_versions (id, version, body, deleted, modified, same_second, life, writer) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		id, d.Version, d.Body, d.Deleted, d.Modified.UnixMicro(), d.SameSecond, d.Life, d.By)
	if err != nil {
		return false, err
	}
	err = tx.Commit()
	return err == nil, err
}

// stores are the ones that every test of answers runs over.
var stores = map[string]func(*testing.T) guard.Store{
	"map": func(*testing.T) guard.Store { return newMapStore() },
	"sql": func(t *testing.T) guard.Store { return newSQLStore(t) },
}
