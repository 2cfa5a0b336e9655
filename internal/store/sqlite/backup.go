package sqlite

import (
	"context"
	"errors"
	"os"

	"zombiezen.com/go/sqlite"
)

// backupPages is how many pages are copied between two looks at the context.
const backupPages = 256

// Backup copies the store in one file into another, which must not be there, as it
// is at one moment: also while a process serves it, whose commits wait for nothing.
// Meanwhile the write-ahead log of the one grows. When it returns without an error
// the copy is on stable storage; else what it has made of it is for the caller to
// remove. Report is told how many pages are copied, and of how many.
func Backup(ctx context.Context, from, to string, report func(done, all int)) (err error) {
	if _, err := os.Stat(from); err != nil {
		return err
	}
	src, err := connect(Options{ReadOnly: true}, from)
	if err != nil {
		return classify(err)
	}
	defer func() { err = errors.Join(err, src.close()) }()
	if err := isOurs(src); err != nil {
		return classify(err)
	}
	switch version, err := userVersion(src); {
	case err != nil:
		return classify(err)
	case version == 0:
		return errors.New("sqlite: the file is empty, and no ifmatch store")
	}
	if err := makePrivate(to); err != nil {
		return err
	}
	raw, err := sqlite.OpenConn(to, sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		return classify(err)
	}
	dst := &conn{raw: raw}
	defer func() { err = errors.Join(err, dst.close()) }()
	if err := dst.do("PRAGMA " + durability); err != nil {
		return classify(err)
	}
	// A read transaction holds one moment from the first page to the last. Without it
	// the copy would begin anew with every commit of the process that serves the file.
	if err := src.script("BEGIN; SELECT count(*) FROM meta"); err != nil {
		return classify(err)
	}
	return classify(copyPages(ctx, dst, src, report))
}

func copyPages(ctx context.Context, dst, src *conn, report func(done, all int)) (err error) {
	b, err := sqlite.NewBackup(dst.raw, "main", src.raw, "main")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if more, err = b.Step(backupPages); err != nil {
			return err
		}
		report(b.PageCount()-b.Remaining(), b.PageCount())
	}
	return nil
}

// Lock keeps every process off the store in a file, whether it is there or not, until
// what it returns is closed. It fails with [ErrInUse] while one serves it.
func Lock(path string) (*os.File, error) {
	path, err := realPath(path)
	if err != nil {
		return nil, err
	}
	return lockFile(path+".lock", os.O_RDWR|os.O_CREATE)
}
