package main

import (
	"errors"
	"io/fs"
	"os"

	"github.com/ifmatch/ifmatch/internal/atomicfile"
)

// replaceFile puts text in the place of a file's content, at once: whoever reads
// it sees the old content or the new one, also where writing fails or the process
// ends. A file that is there keeps its permissions, and a symbolic link stays one.
// What is no regular file, such as a pipe, is written to instead.
func replaceFile(path string, text []byte) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return writeTo(path, text)
	}
	return atomicfile.Replace(path, atomicfile.Options{Mode: 0o666}, func() ([]byte, error) { return text, nil })
}

// writeTo writes to what is there.
func writeTo(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
