package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/ifmatch/ifmatch/internal/audit"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/memory"
	"github.com/ifmatch/ifmatch/internal/store/sqlite"
)

// openStore opens the store that a valid store value names, and the audit chain
// whose key lies beside it.
func openStore(ctx context.Context, dsn string, log *slog.Logger) (store.Store, *audit.Chain, error) {
	if dsn == inMemory {
		chain, err := audit.NewChain(newKey())
		return memory.Open(memory.Options{}), chain, err
	}
	s, err := sqlite.Open(ctx, sqlitePath(dsn), sqlite.Options{Logger: log})
	if err != nil {
		return nil, nil, err
	}
	chain, err := openChain(s.Path()+keySuffix, true)
	if err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	return s, chain, nil
}

// inMemory is the store value that names no file.
const inMemory = "memory:"

func sqlitePath(dsn string) string { return strings.TrimPrefix(dsn, "sqlite:") }

// keySuffix names the file with the audit chain's key, beside the store. Whoever
// has both can forge the chain; keep a copy of the key elsewhere to detect that.
const keySuffix = ".key"

// openChain reads the key file, or makes one where create is set.
func openChain(path string, create bool) (*audit.Chain, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && create {
		text = []byte(hex.EncodeToString(newKey()) + "\n")
		err = writeKey(path, text)
	}
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("%s does not hold a key in hex; restore it from a copy", path)
	}
	return audit.NewChain(key)
}

// writeKey makes the key durable before anything is sealed with it.
func writeKey(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

func newKey() []byte {
	key := make([]byte, audit.MinChainKey)
	rand.Read(key)
	return key
}
