// Package notes keeps notes, and every version of them, in SQL tables.
package notes

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	_ "modernc.org/sqlite" // the driver of the tables

	"github.com/ifmatch/ifmatch/guard"
)

// notes says at which version a note stands, and is what writers compare and
// swap; note_versions says what each version was. A deletion is a version too.
const schema = `
CREATE TABLE IF NOT EXISTS notes (
	id      TEXT PRIMARY KEY,
	version INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS note_versions (
	id          TEXT NOT NULL,
	version     INTEGER NOT NULL,
	body        BLOB,
	deleted     INTEGER NOT NULL,
	modified    INTEGER NOT NULL, -- microseconds since 1970
	same_second INTEGER NOT NULL,
	life        INTEGER NOT NULL,
	writer      TEXT NOT NULL,
	PRIMARY KEY (id, version)
);`

// Store is the service's storage. It implements [guard.Store] and
// [guard.Historian], and is safe for concurrent use.
type Store struct{ db *sql.DB }

var (
	_ guard.Store     = (*Store)(nil)
	_ guard.Historian = (*Store)(nil)
)

// Open opens the file at path, or makes it. Its transactions take the write lock
// when they begin: one that took it later could find it taken, and would fail.
func Open(ctx context.Context, path string) (*Store, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(10000)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4) // more would only wait for one another to write
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, errors.Join(fmt.Errorf("make the tables in %s: %w", path, err), db.Close())
	}
	return &Store{db: db}, nil
}

// Close releases the file.
func (s *Store) Close() error { return s.db.Close() }

const selectVersion = `SELECT body, version, deleted, modified, same_second, life, writer
	FROM note_versions WHERE id = ?1 AND version = `

// Load implements [guard.Store].
func (s *Store) Load(ctx context.Context, id string) (guard.Document, error) {
	return scan(s.db.QueryRowContext(ctx, selectVersion+`(SELECT version FROM notes WHERE id = ?1)`, id))
}

// LoadVersion implements [guard.Historian].
func (s *Store) LoadVersion(ctx context.Context, id string, version int64) (guard.Document, error) {
	return scan(s.db.QueryRowContext(ctx, selectVersion+`?2`, id, version))
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

// CompareAndSwap implements [guard.Store]: one transaction, so that a version is
// kept if and only if the note stands at it.
func (s *Store) CompareAndSwap(ctx context.Context, id string, from int64, next guard.Document) (swapped bool, err error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer func() {
		if !swapped {
			err = errors.Join(err, rollback(tx))
		}
	}()
	if swapped, err = swap(ctx, tx, id, from, next.Version); err != nil || !swapped {
		return false, err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO note_versions (id, version, body, deleted, modified, same_second, life, writer)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		id, next.Version, next.Body, next.Deleted, next.Modified.UnixMicro(), next.SameSecond, next.Life, next.By)
	if err != nil {
		return false, err
	}
	if err := tx.Commit(); err != nil {
		return false, err
	}
	return true, nil
}

// swap moves a note from one version to another, if it stands there.
func swap(ctx context.Context, tx *sql.Tx, id string, from, to int64) (bool, error) {
	query, args := `UPDATE notes SET version = ? WHERE id = ? AND version = ?`, []any{to, id, from}
	if from == 0 {
		query, args = `INSERT INTO notes (version, id) VALUES (?, ?) ON CONFLICT DO NOTHING`, []any{to, id}
	}
	res, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return false, err
	}
	rows, err := res.RowsAffected()
	return rows == 1, err
}

// rollback undoes a transaction, which a failed commit may have done already.
func rollback(tx *sql.Tx) error {
	if err := tx.Rollback(); !errors.Is(err, sql.ErrTxDone) {
		return err
	}
	return nil
}
