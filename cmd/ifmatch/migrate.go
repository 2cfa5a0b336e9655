package main

import (
	"context"
	"fmt"

	"github.com/alecthomas/kong"

	"github.com/ifmatch/ifmatch/internal/store/postgres"
)

type migrateCmd struct {
	storeFlag
}

// Help says what the flags do not.
func (*migrateCmd) Help() string {
	return "A server does so by itself when it starts on a SQLite store. In PostgreSQL it makes the schema too, and the older servers must have ended. " +
		"Each step happens as a whole or not at all: run again after an interruption it goes on where it was."
}

// Run brings the schema up, as opening the store does where nobody else can have it open.
func (c *migrateCmd) Run(ctx context.Context, k *kong.Context) error {
	dsn := c.dsn()
	if err := isLasting(dsn); err != nil {
		return blame(k, "store", err)
	}
	if isPostgres(dsn) {
		from, to, err := postgres.Migrate(ctx, dsn)
		if err != nil {
			return blame(k, "store", err)
		}
		fmt.Printf("the schema was at version %d, and is at %d\n", from, to)
		return nil
	}
	s, err := openExisting(ctx, dsn)
	if err != nil {
		return blame(k, "store", err)
	}
	info := s.Info()
	if err := s.Close(); err != nil {
		return err
	}
	fmt.Printf("store %s is at this version's schema\n", info.ID)
	return nil
}
