package sqlite

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
)

// migrations are numbered from 1; user_version counts those that are in.
//
//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the schema up to date, each step in a transaction of its own.
func migrate(c *conn) error {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	version, err := userVersion(c)
	if err != nil {
		return err
	}
	if version > int64(len(files)) {
		return fmt.Errorf("sqlite: the store has schema %d and this version knows %d; run a newer ifmatch", version, len(files))
	}
	for i := int(version); i < len(files); i++ {
		script, err := migrations.ReadFile(files[i])
		if err != nil {
			return err
		}
		step := fmt.Sprintf("BEGIN IMMEDIATE;\n%s\nPRAGMA user_version = %d;\nCOMMIT", script, i+1)
		if err := c.script(step); err != nil {
			return fmt.Errorf("sqlite: migration %s: %w", files[i], err)
		}
	}
	return nil
}

// isMigrated fails where the schema is not this version's. Who only reads cannot
// bring it up to date.
func isMigrated(c *conn) error {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	version, err := userVersion(c)
	if err == nil && version != int64(len(files)) {
		err = fmt.Errorf("sqlite: the store has schema %d and this version reads %d; bring it up with ifmatch migrate", version, len(files))
	}
	return err
}

// isOurs fails where a file has tables, and they are not those of a store.
func isOurs(c *conn) error {
	version, err := userVersion(c)
	if err != nil {
		return err
	}
	st, err := c.prepare("SELECT count(*), count(*) FILTER (WHERE name IN ('meta', 'parts', 'documents', 'log')) FROM sqlite_schema WHERE type = 'table'")
	if err != nil {
		return err
	}
	var tables, ours int64
	if _, err := c.one(st, func(r row) { tables, ours = r.int(0), r.int(1) }); err != nil {
		return err
	}
	if version == 0 && tables == 0 || version > 0 && ours == 4 {
		return nil
	}
	return errors.New("sqlite: the file is another program's database; name another file")
}

func userVersion(c *conn) (version int64, err error) {
	s, err := c.prepare("PRAGMA user_version")
	if err != nil {
		return 0, err
	}
	_, err = c.one(s, func(r row) { version = r.int(0) })
	return version, err
}
