// Package atomicfile replaces files as a whole: whoever reads one finds what was there
// before or what is there now, also where writing fails or the machine goes down.
package atomicfile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Options say how a file is replaced. The zero value makes one for its owner alone.
type Options struct {
	// Mode is that of a file where there was none, less what the umask takes away; 0 is
	// 0600. One that was there keeps its own.
	Mode fs.FileMode
	// Lock, where it is set, is what the name of the file that is written first ends in,
	// behind that of the one it replaces. While it is there nobody else replaces that.
	Lock string
	// Owner has a file keep its owner and group too, or not be replaced: only its owner
	// and root can.
	Owner bool
}

// BusyError says that somebody else replaces a file, or did when the machine went down.
type BusyError struct{ Lock string }

func (e *BusyError) Error() string {
	return fmt.Sprintf("%s is there: somebody else replaces the file", e.Lock)
}

// Replace puts a content in the place of that of a file, which need not be there. Content
// is asked for when nobody else can replace the file any more, where there is a lock. A
// symbolic link stays one. When Replace returns without an error what it wrote is durable;
// else the file is as it was. It fails with a [*BusyError] where its lock is taken.
func Replace(path string, o Options, content func() ([]byte, error)) error {
	if target, err := filepath.EvalSymlinks(path); err == nil { // or the link would be replaced
		path = target
	}
	_, there, err := stat(path)
	if err != nil {
		return err
	}
	next := path + o.Lock
	if o.Lock == "" {
		next = filepath.Join(filepath.Dir(path), ".ifmatch-"+rand.Text())
	}
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_EXCL, modeOf(o, there))
	if errors.Is(err, fs.ErrExist) {
		return &BusyError{Lock: next}
	}
	if err != nil {
		return err
	}
	if err := errors.Join(fill(f, path, o, content), f.Close()); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	if err := os.Rename(next, path); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	return syncFolder(filepath.Dir(path))
}

// modeOf is the mode that a file is made with: of one that takes another's place what
// nobody else may read, until it is as that was.
func modeOf(o Options, there bool) fs.FileMode {
	if there || o.Mode == 0 {
		return 0o600
	}
	return o.Mode
}

// stat is os.Stat, for which it is no failure that a file is not there.
func stat(path string) (info fs.FileInfo, there bool, err error) {
	info, err = os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return info, false, nil
	}
	return info, err == nil, err
}

// fill writes the new content of the file at path to f. What that is like is looked up
// now, when a lock keeps others from replacing it.
func fill(f *os.File, path string, o Options, content func() ([]byte, error)) error {
	text, err := content()
	if err != nil {
		return err
	}
	if _, err := f.Write(text); err != nil {
		return err
	}
	was, there, err := stat(path)
	if err != nil {
		return err
	}
	if there {
		if err := handOver(f, o, was); err != nil {
			return err
		}
	}
	return f.Sync()
}

// handOver makes a file the like of another. Nobody who may not read the one is let read
// the other on the way.
func handOver(f *os.File, o Options, as fs.FileInfo) error {
	if o.Owner {
		if err := chown(f, as); err != nil {
			return fmt.Errorf("%w; only the owner of the file and root can replace it", err)
		}
	}
	return f.Chmod(as.Mode().Perm())
}

// syncFolder makes what was renamed in a folder durable.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" { // where folders are not flushed by themselves
		return nil
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
