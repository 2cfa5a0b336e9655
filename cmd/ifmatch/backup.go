package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/ifmatch/ifmatch/internal/store/sqlite"
)

type backupCmd struct {
	storeFlag
	File string `arg:"" placeholder:"FILE" type:"path" help:"The file to make, which must not be there yet."`
}

// Help says what the flags do not.
func (*backupCmd) Help() string {
	return "Copies a SQLite store as it is at one moment, also while a server serves it. The key ring beside it is not in the copy: keep it elsewhere. " +
		"Other kinds of store are backed up by their engine's own means."
}

// Run copies the store into a file, which appears when it is whole.
func (c *backupCmd) Run(ctx context.Context, k *kong.Context) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	dsn := c.dsn()
	if err := isThere(dsn); err != nil {
		return blame(k, "store", err)
	}
	if !isSQLite(dsn) {
		return errors.New("only SQLite stores are backed up so; for others use the engine's own means, and ifmatch restore without a file after them")
	}
	if err := isFree(c.File); err != nil {
		return err
	}
	draft := draftBeside(c.File)
	err := copyStore(ctx, sqlitePath(dsn), draft)
	if err == nil {
		err = rename(draft, c.File)
	}
	if err != nil {
		return errors.Join(err, removeStore(draft))
	}
	fmt.Fprintf(os.Stderr, "%s is a copy of the store; its key ring is not in it\n", c.File)
	return nil
}

// copyStore copies one file of a store into another, which nobody may read who may not
// read the one, with a progress bar.
func copyStore(ctx context.Context, from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm())
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return err
	}
	bar := progress(-1, "pages")
	err = sqlite.Backup(ctx, from, to, func(done, all int) {
		bar.ChangeMax(all)
		_ = bar.Set(done) // a bar that cannot be drawn is no fault
	})
	_ = bar.Exit()
	return err
}

// isFree fails where there is a store in a file already, or what one has left.
func isFree(path string) error {
	for _, suffix := range []string{"", "-wal"} {
		if _, err := os.Lstat(path + suffix); !errors.Is(err, fs.ErrNotExist) {
			return errors.Join(fmt.Errorf("%s is there already, and is left as it is", path+suffix), err)
		}
	}
	return nil
}

// draftBeside names a file in the folder of another, for what takes its name once it
// is whole.
func draftBeside(path string) string {
	return filepath.Join(filepath.Dir(path), ".ifmatch-"+rand.Text())
}

// storeSuffixes are those of the files that a SQLite store can consist of.
var storeSuffixes = []string{"", "-wal", "-shm", "-journal"}

// removeStore removes a draft with all that SQLite may have put beside it.
func removeStore(path string) error {
	var errs []error
	for _, suffix := range append(storeSuffixes, ".lock") {
		errs = append(errs, removeIfThere(path+suffix))
	}
	return errors.Join(errs...)
}

// rename gives a file its name, and waits until that is durable.
func rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
