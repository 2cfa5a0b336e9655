package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// versions is where goose notes which migrations are in.
const versions = "schema_versions"

// standing is what a schema is found to hold.
type standing struct {
	exists  bool     // the schema
	tables  []string // in it
	version int64    // of ours, 0 for none
	ours    bool     // meta says that it is ours
}

// newest returns the version that this program has.
func newest() (int64, error) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	return int64(len(files)), err
}

// look finds out what is in the schema. It changes nothing.
func (p *pools) look(ctx context.Context) (s standing, err error) {
	err = p.read.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1),
		ARRAY(SELECT tablename::text FROM pg_tables WHERE schemaname = $1 ORDER BY 1)`, p.schema).Scan(&s.exists, &s.tables)
	if err != nil || !s.has(versions) {
		return s, err
	}
	if err := p.read.QueryRow(ctx, "SELECT coalesce(max(version_id), 0) FROM "+versions+" WHERE is_applied").Scan(&s.version); err != nil {
		return s, err
	}
	if s.has("meta") {
		err = p.read.QueryRow(ctx, "SELECT EXISTS (SELECT FROM meta WHERE key = 'program' AND value = 'ifmatch')").Scan(&s.ours)
	}
	return s, err
}

func (s *standing) has(table string) bool { return slices.Contains(s.tables, table) }

// judge refuses, in a sentence that says what to do, a schema that is not one of ours
// at a version that this program can work with.
func (p *pools) judge(s standing, migrating bool) error {
	known, err := newest()
	if err != nil {
		return err
	}
	others := slices.DeleteFunc(slices.Clone(s.tables), func(t string) bool { return t == versions })
	switch {
	case s.version == 0 && len(others) > 0:
		return fmt.Errorf("postgres: schema %s of database %s holds tables that ifmatch did not make (%s); name an empty schema with ?search_path= in the DSN",
			p.schema, p.database, strings.Join(others[:min(len(others), 3)], ", "))
	case s.version > known:
		return fmt.Errorf("postgres: schema %s is at version %d and this ifmatch knows %d; run a newer ifmatch", p.schema, s.version, known)
	case s.version > 0 && !s.ours:
		return fmt.Errorf("postgres: schema %s is at version %d, but what ifmatch keeps there is missing: a migration or a restore has not come to its end; restore the schema whole from a backup, or name an empty one", p.schema, s.version)
	case s.version > 0 && s.version < known && !migrating:
		return fmt.Errorf("postgres: schema %s is at version %d and this ifmatch needs %d; stop the older nodes and run ifmatch migrate on it", p.schema, s.version, known)
	}
	return nil
}

// isThere refuses a schema that holds no store. What else it may hold is for judge.
func (p *pools) isThere(ctx context.Context) error {
	s, err := p.look(ctx)
	if err == nil && s.version == 0 && len(s.tables) == 0 {
		err = fmt.Errorf("postgres: schema %s of database %s holds no store; name another with ?search_path= in the DSN", p.schema, p.database)
	}
	return p.describe(err)
}

// prepare has the schema at this program's version: it makes one where there is none
// and, if migrating, brings one of an older version up to date.
func (p *pools) prepare(ctx context.Context, dsn string, migrating bool) error {
	for tries := 0; ; tries++ {
		s, err := p.look(ctx)
		if err != nil {
			return p.describe(err)
		}
		known, err := newest()
		if err != nil || s.version == known && s.ours {
			return err
		}
		// Another node may be at the same: one of the two is rolled back and looks again.
		if err = p.judge(s, migrating); err == nil {
			if err = p.migrate(ctx, dsn, !s.exists); err == nil {
				continue
			}
		} else if s.version == 0 || s.version > known {
			return err
		}
		if tries == 10 || codeOf(err) == codeNoRights || ctx.Err() != nil {
			return p.describe(err)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// migrate runs what is missing, each step in a transaction of its own.
func (p *pools) migrate(ctx context.Context, dsn string, create bool) (err error) {
	c, err := parse(dsn)
	if err != nil {
		return err
	}
	db := stdlib.OpenDB(*c.ConnConfig)
	defer func() { err = errors.Join(err, db.Close()) }()
	if create {
		if _, err := db.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+pgx.Identifier{p.schema}.Sanitize()); err != nil {
			return err
		}
	}
	return up(ctx, db)
}

func up(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithTableName(versions), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

// Migrate brings the schema that a DSN names to this program's version, and returns
// the version it was at before and is at now. Nodes of an older version should not
// run meanwhile.
func Migrate(ctx context.Context, dsn string) (from, to int64, err error) {
	o := Options{}.withDefaults()
	p, err := openPools(ctx, dsn, &o)
	if err != nil {
		return 0, 0, err
	}
	defer p.close()
	s, err := p.look(ctx)
	if err != nil {
		return 0, 0, p.describe(err)
	}
	if err := p.prepare(ctx, dsn, true); err != nil {
		return s.version, s.version, err
	}
	to, err = newest()
	return s.version, to, err
}
