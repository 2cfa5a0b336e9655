package main

import (
	"context"
	"fmt"

	"github.com/alecthomas/kong"
)

type migrateCmd struct {
	storeFlag
}

// Help says what the flags do not.
func (*migrateCmd) Help() string {
	return "A server does so by itself when it starts on a SQLite store. Run again after an interruption it goes on where it was."
}

// Run opens the store as a server would, which brings its schema up, and closes it.
func (c *migrateCmd) Run(ctx context.Context, k *kong.Context) error {
	s, err := openExisting(ctx, c.dsn())
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
