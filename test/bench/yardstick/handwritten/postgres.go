package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const postgresSchema = `
CREATE TABLE IF NOT EXISTS docs (
	id      text COLLATE "C" PRIMARY KEY,
	version bigint NOT NULL,
	body    bytea NOT NULL,
	updated timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS history (
	id      text COLLATE "C" NOT NULL,
	version bigint NOT NULL,
	body    bytea NOT NULL,
	updated timestamptz NOT NULL,
	PRIMARY KEY (id, version)
)`

// connections is what 64 clients are served best with on two processors: with 8 and
// with 64 there is less.
const connections = 32

type postgresStore struct{ pool *pgxpool.Pool }

func openPostgres(dsn string) (store, error) {
	ctx := context.Background()
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	config.MaxConns = connections
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	if _, err := pool.Exec(ctx, postgresSchema); err != nil {
		return nil, fmt.Errorf("make the tables: %w", err)
	}
	return &postgresStore{pool}, nil
}

func (s *postgresStore) read(ctx context.Context, id string) (version int64, body []byte, err error) {
	err = s.pool.QueryRow(ctx, `SELECT version, body FROM docs WHERE id = $1`, id).Scan(&version, &body)
	if errors.Is(err, pgx.ErrNoRows) {
		err = errAbsent
	}
	return version, body, err
}

func (s *postgresStore) create(ctx context.Context, id string, body []byte) error {
	return s.write(ctx, id, 1, body, `INSERT INTO docs (id, version, body, updated) VALUES ($1, $2, $3, now()) ON CONFLICT DO NOTHING`)
}

func (s *postgresStore) replace(ctx context.Context, id string, version int64, body []byte) error {
	return s.write(ctx, id, version+1, body, `UPDATE docs SET version = $2, body = $3, updated = now() WHERE id = $1 AND version = $2 - 1`)
}

// write changes the document by a statement, which must affect one row, and keeps the
// new version in the history, both or neither.
func (s *postgresStore) write(ctx context.Context, id string, version int64, body []byte, statement string) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		changed, err := tx.Exec(ctx, statement, id, version, body)
		if err != nil {
			return fmt.Errorf("change the document: %w", err)
		}
		if changed.RowsAffected() != 1 {
			return errStale
		}
		_, err = tx.Exec(ctx, `INSERT INTO history (id, version, body, updated) VALUES ($1, $2, $3, now())`, id, version, body)
		return err
	})
}
