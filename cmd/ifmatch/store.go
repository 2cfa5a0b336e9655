package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/etcd"
	"github.com/ifmatch/ifmatch/internal/store/memory"
	"github.com/ifmatch/ifmatch/internal/store/sqlite"
	"github.com/ifmatch/ifmatch/policy"
)

// openStore opens the store that a valid store value names, or makes one. Every
// command comes through here.
func openStore(ctx context.Context, dsn string, log *slog.Logger) (store.Store, error) {
	switch {
	case dsn == inMemory:
		return memory.Open(memory.Options{}), nil
	case isEtcd(dsn):
		return etcd.Open(ctx, dsn, etcd.Options{Logger: log})
	}
	return sqlite.Open(ctx, sqlitePath(dsn), sqlite.Options{Logger: log})
}

// openAlone opens a store that must be there, for reading only. It keeps servers off
// where the kind of store can; beside one that writes, what is read one after the other
// would be of two moments.
func openAlone(ctx context.Context, dsn string) (store.Store, error) {
	if err := isThere(dsn); err != nil {
		return nil, err
	}
	if isEtcd(dsn) {
		return etcd.Open(ctx, dsn, etcd.Options{Existing: true})
	}
	return sqlite.Open(ctx, sqlitePath(dsn), sqlite.Options{ReadOnly: true, Alone: true})
}

// openExisting opens a store that must be there, for a command that changes it.
func openExisting(ctx context.Context, dsn string) (store.Store, error) {
	if err := isThere(dsn); err != nil {
		return nil, err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if isEtcd(dsn) {
		return etcd.Open(ctx, dsn, etcd.Options{Logger: log, Existing: true})
	}
	return openStore(ctx, dsn, log)
}

// isThere fails where a store value is not valid, or names a file that is not there,
// which opening it would make.
func isThere(dsn string) error {
	if err := policy.CheckStore(dsn); err != nil {
		return err
	}
	if dsn == inMemory {
		return errors.New("a store in memory ends with its process; name a file, as in sqlite:PATH")
	}
	if isSQLite(dsn) {
		_, err := os.Stat(sqlitePath(dsn))
		return err
	}
	return nil
}

// inMemory is the store value that names no file.
const inMemory = "memory:"

// shown returns a store value without the password that it may have.
func shown(dsn string) string { return password.ReplaceAllString(dsn, "$1:…@") }

var password = regexp.MustCompile(`(://[^:@/]*):[^/]*@`)

func isEtcd(dsn string) bool { return strings.HasPrefix(dsn, etcd.Scheme) }

func isSQLite(dsn string) bool { return strings.HasPrefix(dsn, "sqlite:") }

func sqlitePath(dsn string) string { return strings.TrimPrefix(dsn, "sqlite:") }

// ringBeside returns the file of the key ring beside a store, "" where the store is no
// file.
func ringBeside(s store.Store) string {
	if file, ok := s.(interface{ Path() string }); ok {
		return file.Path() + ringSuffix
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
