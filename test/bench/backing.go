package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/ifmatch/ifmatch/test/stores"
)

// backing is what a server keeps its documents in.
type backing int

const (
	onNothing backing = iota
	onSQLite
	onPostgres
	onEtcd
)

// externals are the servers of stores, which are started when the first of them is
// needed, and the databases that were made there.
type externals struct {
	folder string // of those that this program has started, empty for none
	drops  []func() error
}

// script starts and stops the servers of stores.
const script = "scripts/stores.sh"

// emptyStore returns the DSN of a store that nobody has used, empty for none. It is gone
// when the program ends.
func (b *bench) emptyStore(ctx context.Context, on backing) (string, error) {
	switch on {
	case onSQLite:
		dir, err := os.MkdirTemp(b.dir, "store-")
		if err != nil {
			return "", fmt.Errorf("make the store's folder: %w", err)
		}
		return "sqlite:" + filepath.Join(dir, "docs.db"), nil
	case onPostgres:
		server, err := b.external(ctx, stores.PostgresVar)
		if err != nil {
			return "", err
		}
		dsn, drop, err := stores.MakeDatabase(ctx, server)
		if err == nil {
			b.stores.drops = append(b.stores.drops, drop)
		}
		return dsn, err
	case onEtcd:
		server, err := b.external(ctx, stores.EtcdVar)
		return "etcd://" + server + "/bench-" + rand.Text(), err
	}
	return "", nil
}

// external returns what a variable of the environment says about where a server is. What
// nobody has started is started.
func (b *bench) external(ctx context.Context, variable string) (string, error) {
	if os.Getenv(variable) == "" && b.stores.folder == "" {
		// Beside b.dir, which nobody but this program's user may enter: the servers run as
		// another one where that is root.
		folder, err := os.MkdirTemp(filepath.Dir(b.dir), filepath.Base(b.dir)+"-servers-")
		if err != nil {
			return "", fmt.Errorf("make the servers' folder: %w", err)
		}
		b.stores.folder = folder
		b.progress("start PostgreSQL and etcd")
		cmd := exec.CommandContext(ctx, script, "start", b.stores.folder)
		cmd.Dir, cmd.Stderr = b.root, os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return "", fmt.Errorf("%s start: %w", script, err)
		}
		for line := range strings.Lines(string(out)) {
			name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
			if !ok {
				continue
			}
			if err := os.Setenv(name, strings.Trim(value, "'")); err != nil {
				return "", err
			}
		}
	}
	if value := os.Getenv(variable); value != "" {
		return value, nil
	}
	return "", fmt.Errorf("%s does not name a server, and %s starts none", variable, script)
}

// dropStores removes what emptyStore has made outside of the program's folder.
func (b *bench) dropStores() error {
	var err error
	for _, drop := range b.stores.drops {
		err = errors.Join(err, drop())
	}
	if b.stores.folder != "" {
		cmd := exec.Command(script, "stop", b.stores.folder)
		cmd.Dir = b.root
		err = errors.Join(err, cmd.Run())
	}
	return err
}
