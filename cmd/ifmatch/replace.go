package main

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// replaceFile puts text in the place of a file's content, at once: whoever reads
// it sees the old content or the new one, also where writing fails or the process
// ends. A file that is there keeps its permissions, and a symbolic link stays one.
// What is no regular file, such as a pipe, is written to instead.
func replaceFile(path string, text []byte) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	const fresh = 0o666 // less what the umask takes away
	mode := fs.FileMode(fresh)
	switch info, err := os.Stat(path); {
	case err == nil && !info.Mode().IsRegular():
		return writeTo(path, os.O_WRONLY, 0, text)
	case err == nil:
		mode = info.Mode().Perm()
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	next := filepath.Join(filepath.Dir(path), ".ifmatch-"+rand.Text())
	err := writeTo(next, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode, text)
	if err == nil && mode != fresh {
		err = os.Chmod(next, mode) // also what the umask has taken away
	}
	if err == nil {
		err = os.Rename(next, path)
	}
	if err != nil {
		return errors.Join(err, removeIfThere(next))
	}
	return nil
}

// writeTo writes a file and, where it is a regular one, waits until it is durable.
func writeTo(path string, flag int, mode fs.FileMode, text []byte) error {
	f, err := os.OpenFile(path, flag, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil && flag&os.O_CREATE != 0 {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
