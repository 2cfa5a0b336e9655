package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/etcd"
	"github.com/ifmatch/ifmatch/internal/store/memory"
	"github.com/ifmatch/ifmatch/internal/store/postgres"
	"github.com/ifmatch/ifmatch/internal/store/sqlite"
	"github.com/ifmatch/ifmatch/policy"
)

// opening is what a command wants of a store.
type opening struct {
	existing bool // it must be there: none is made
	// reading asks for nothing but reading, and that servers are kept off where the kind
	// of store can; beside one that writes, what is read one after the other would be of
	// two moments.
	reading bool
	half    bool // also where a copy has not come to its end
	log     *slog.Logger
}

// openStore opens the store that a valid store value names, or makes one.
func openStore(ctx context.Context, dsn string, log *slog.Logger) (store.Store, error) {
	return opening{log: log}.open(ctx, dsn)
}

// openAlone opens a store that must be there, for reading only.
func openAlone(ctx context.Context, dsn string) (store.Store, error) {
	if err := isThere(dsn); err != nil {
		return nil, err
	}
	return opening{existing: true, reading: true}.open(ctx, dsn)
}

// openExisting opens a store that must be there, for a command that changes it.
func openExisting(ctx context.Context, dsn string) (store.Store, error) {
	if err := isThere(dsn); err != nil {
		return nil, err
	}
	return opening{existing: true, log: toStderr()}.open(ctx, dsn)
}

func toStderr() *slog.Logger { return slog.New(slog.NewTextHandler(os.Stderr, nil)) }

// open opens a store. Every command comes through here.
func (o opening) open(ctx context.Context, dsn string) (s store.Store, err error) {
	switch {
	case dsn == inMemory:
		return memory.Open(memory.Options{}), nil
	case isEtcd(dsn):
		s, err = etcd.Open(ctx, dsn, etcd.Options{Logger: o.log, Existing: o.existing})
	case isPostgres(dsn):
		s, err = postgres.Open(ctx, dsn, postgres.Options{Logger: o.log, Existing: o.existing})
	default:
		s, err = sqlite.Open(ctx, sqlitePath(dsn), sqlite.Options{Logger: o.log, ReadOnly: o.reading, Alone: o.reading})
	}
	if err != nil {
		return nil, err
	}
	if in, ok := s.(store.Importer); ok && !o.half {
		if err := isWhole(ctx, in); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// isWhole fails where a copy has not come to its end: the store lacks a part of every
// document's history, or all of it.
func isWhole(ctx context.Context, s store.Importer) error {
	state, err := s.Importing(ctx)
	if err == nil && state != nil {
		err = errors.New("a copy into this store did not come to its end; run ifmatch copy again, or begin with an empty store")
	}
	return err
}

// isLasting fails where a store value is not valid, or names a store that ends with its
// process.
func isLasting(dsn string) error {
	if err := policy.CheckStore(dsn); err != nil {
		return err
	}
	if dsn == inMemory {
		return errors.New("a store in memory ends with its process; name a file, as in sqlite:PATH")
	}
	return nil
}

// isThere is isLasting, and fails where a store value names a file that is not there,
// which opening it would make.
func isThere(dsn string) error {
	if err := isLasting(dsn); err != nil {
		return err
	}
	if isSQLite(dsn) {
		_, err := os.Stat(sqlitePath(dsn))
		return err
	}
	return nil
}

// inMemory is the store value that names no file.
const inMemory = "memory:"

func isEtcd(dsn string) bool { return strings.HasPrefix(dsn, etcd.Scheme) }

func isPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres:") || strings.HasPrefix(dsn, "postgresql:")
}

func isSQLite(dsn string) bool { return strings.HasPrefix(dsn, "sqlite:") }

func sqlitePath(dsn string) string { return strings.TrimPrefix(dsn, "sqlite:") }

// ringBeside returns the file of a store's key ring: beside it where it is a file itself,
// in the working folder where several nodes share it, and "" where it ends with the
// process.
func ringBeside(s store.Store) string {
	if file, ok := s.(interface{ Path() string }); ok {
		return file.Path() + ringSuffix
	}
	if s.Info().Capabilities.SharedByProcess {
		return sharedRing
	}
	return ""
}

// storeFlag names the store that a command is about.
type storeFlag struct {
	Store string `placeholder:"DSN" env:"IFMATCH_STORE" help:"The store (default: sqlite:ifmatch.db)."`
}

func (f *storeFlag) dsn() string { return cmp.Or(f.Store, policy.Default().Store) }

// cannot says that a kind of store does not have what a command needs.
func cannot(do string) error {
	return fmt.Errorf("this kind of store cannot be %s", do)
}
