package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	_ "modernc.org/sqlite"

	"github.com/ifmatch/ifmatch"
)

// The row of a deleted note stays, without its text: were its version forgotten,
// a tag from before the deletion would match the note that takes its place.
const schema = `CREATE TABLE IF NOT EXISTS notes (id TEXT PRIMARY KEY, version INTEGER NOT NULL, body BLOB)`

func open(ctx context.Context, path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(10000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4) // more would only wait for one another to write
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, errors.Join(fmt.Errorf("make the table in %s: %w", path, err), db.Close())
	}
	return db, nil
}

// notes is the service's table.
type notes struct{ db *sql.DB }

// note is one row; the zero note is none.
type note struct {
	version int64
	body    []byte // nil where it was deleted
}

// state is the note as preconditions see it.
func (n *note) state() ifmatch.State {
	if n.body == nil {
		return ifmatch.State{}
	}
	return ifmatch.State{Exists: true, ETag: ifmatch.VersionTag(n.version)}
}

func (s *notes) load(ctx context.Context, id string) (n note, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT version, body FROM notes WHERE id = ?`, id).Scan(&n.version, &n.body)
	if errors.Is(err, sql.ErrNoRows) {
		return note{}, nil
	}
	return n, err
}

// swap stores body, nil for a deletion, as the version after from, and tells
// whether the note still had that one.
func (s *notes) swap(ctx context.Context, id string, from int64, body []byte) (bool, error) {
	query, args := `UPDATE notes SET version = version + 1, body = ? WHERE id = ? AND version = ?`, []any{body, id, from}
	if from == 0 {
		query, args = `INSERT INTO notes (version, body, id) VALUES (1, ?, ?) ON CONFLICT DO NOTHING`, []any{body, id}
	}
	res, err := s.db.ExecContext(ctx, query, args...)
	if err != nil {
		return false, err
	}
	rows, err := res.RowsAffected()
	return rows == 1, err
}
