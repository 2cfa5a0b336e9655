package main

import (
	"context"
	"log/slog"
	"strings"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/memory"
	"github.com/ifmatch/ifmatch/internal/store/sqlite"
)

// openStore opens the store that a valid store value names.
func openStore(ctx context.Context, dsn string, log *slog.Logger) (store.Store, error) {
	if dsn == inMemory {
		return memory.Open(memory.Options{}), nil
	}
	return sqlite.Open(ctx, sqlitePath(dsn), sqlite.Options{Logger: log})
}

// inMemory is the store value that names no file.
const inMemory = "memory:"

func sqlitePath(dsn string) string { return strings.TrimPrefix(dsn, "sqlite:") }
