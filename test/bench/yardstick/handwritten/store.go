package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	_ "modernc.org/sqlite"
)

// errStale says that the document was not in the state that the write expects.
var errStale = errors.New("stale")

const schema = `
CREATE TABLE IF NOT EXISTS docs (
	id      TEXT PRIMARY KEY,
	version INTEGER NOT NULL,
	body    BLOB NOT NULL,
	updated INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS history (
	seq     INTEGER PRIMARY KEY,
	id      TEXT NOT NULL,
	version INTEGER NOT NULL,
	body    BLOB NOT NULL,
	updated INTEGER NOT NULL
);`

type store struct {
	writers                            *sql.DB
	selectDoc, insert, update, history *sql.Stmt
}

func openStore(path string, writers, readers int) (*store, error) {
	dsn := "file:" + path + "?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)"
	w, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	w.SetMaxOpenConns(writers)
	w.SetMaxIdleConns(writers)
	if _, err := w.Exec(schema); err != nil {
		return nil, fmt.Errorf("make the tables in %s: %w", path, err)
	}
	r, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	r.SetMaxOpenConns(readers)
	r.SetMaxIdleConns(readers)
	s := &store{writers: w}
	for _, p := range []struct {
		stmt **sql.Stmt
		db   *sql.DB
		text string
	}{
		{&s.selectDoc, r, `SELECT version, body FROM docs WHERE id = ?`},
		{&s.insert, w, `INSERT INTO docs (id, version, body, updated) VALUES (?, 1, ?, ?) ON CONFLICT DO NOTHING`},
		{&s.update, w, `UPDATE docs SET version = version + 1, body = ?, updated = ? WHERE id = ? AND version = ?`},
		{&s.history, w, `INSERT INTO history (id, version, body, updated) VALUES (?, ?, ?, ?)`},
	} {
		if *p.stmt, err = p.db.Prepare(p.text); err != nil {
			return nil, fmt.Errorf("prepare %q: %w", p.text, err)
		}
	}
	return s, nil
}

func (s *store) read(ctx context.Context, id string) (version int64, body []byte, err error) {
	err = s.selectDoc.QueryRowContext(ctx, id).Scan(&version, &body)
	return version, body, err
}

func (s *store) create(ctx context.Context, id string, body []byte) error {
	now := time.Now().UnixMilli()
	return s.write(ctx, id, 1, body, now, s.insert, id, body, now)
}

func (s *store) replace(ctx context.Context, id string, version int64, body []byte) error {
	now := time.Now().UnixMilli()
	return s.write(ctx, id, version+1, body, now, s.update, body, now, id, version)
}

// write changes the document by stmt, which must affect one row, and keeps the
// new version in the history, both or neither.
func (s *store) write(ctx context.Context, id string, version int64, body []byte, now int64, stmt *sql.Stmt, args ...any) error {
	tx, err := s.writers.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := change(ctx, tx, stmt, args); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if _, err := tx.StmtContext(ctx, s.history).ExecContext(ctx, id, version, body, now); err != nil {
		return errors.Join(fmt.Errorf("keep version %d of %s: %w", version, id, err), tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func change(ctx context.Context, tx *sql.Tx, stmt *sql.Stmt, args []any) error {
	result, err := tx.StmtContext(ctx, stmt).ExecContext(ctx, args...)
	if err != nil {
		return fmt.Errorf("change the document: %w", err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return fmt.Errorf("count the changed rows: %w", err)
	}
	if n != 1 {
		return errStale
	}
	return nil
}
