package keyring

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"time"

	"github.com/ifmatch/ifmatch/internal/atomicfile"
)

// maxFile bounds what is read of a key ring, in bytes.
const maxFile = 1 << 20

// others are the permissions that nobody but the owner may have, and group that of
// reading: orchestrators give secrets to programs in that way.
const others fs.FileMode = 0o037

// Load reads the ring in a file. Its errors name the file and say what to do; one that
// is not there is [fs.ErrNotExist].
func Load(path string) (Ring, error) {
	text, err := read(path)
	if err != nil {
		return Ring{}, err
	}
	r, err := Parse(text)
	if err != nil {
		return Ring{}, fmt.Errorf("the key ring %s cannot be used: %w; restore it from a copy, or remove it to have a new one made, under which no tag and nothing of the log from before is good", path, err)
	}
	return r, nil
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no key ring: %w; restore it from a copy, or make a new one with ifmatch keyring rotate", err)
	case err != nil:
		return nil, fmt.Errorf("the key ring cannot be read: %w; it must belong to whom the server runs as", err)
	}
	text, err := readOpen(f, path)
	return text, errors.Join(err, f.Close())
}

func readOpen(f *os.File, path string) ([]byte, error) {
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("the key ring cannot be read: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("the key ring %s is not a file", path)
	case runtime.GOOS != "windows" && info.Mode().Perm()&others != 0:
		return nil, fmt.Errorf("the key ring %s is open to others (its mode is %04o), who could sign tags with it: chmod 600 it, and rotate if somebody may have read it", path, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the key ring cannot be read: %w", err)
	case len(text) > maxFile:
		return nil, fmt.Errorf("the key ring %s is larger than %d bytes; restore it from a copy", path, maxFile)
	}
	return text, nil
}

// Open reads the ring in a file, and where there is none makes one.
func Open(path string) (Ring, error) {
	r, err := Load(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Update(path, func(made Ring) (Ring, error) {
			if len(made.keys) > 0 { // somebody else was first
				return made, nil
			}
			return New(time.Now()), nil
		})
	}
	return r, err
}

// lock is what the name of the file ends in that a ring is written to first.
const lock = ".new"

// Update puts what change makes of the ring in a file in its place: the zero Ring where
// there is no file. Whoever reads it meanwhile finds one ring or the other, and of two
// who update it at once one is refused. The file keeps its owner, its group and its mode:
// root may rotate the keys of a server that runs as somebody else. What is there when
// Update returns is durable.
func Update(path string, change func(Ring) (Ring, error)) (Ring, error) {
	var r Ring
	var refused error
	err := atomicfile.Replace(path, atomicfile.Options{Lock: lock, Owner: true}, func() ([]byte, error) {
		if r, refused = updated(path, change); refused != nil {
			return nil, refused
		}
		return r.Text(), nil
	})
	busy, taken := errors.AsType[*atomicfile.BusyError](err)
	switch {
	case err == nil:
		return r, nil
	case taken:
		return Ring{}, fmt.Errorf("the key ring is being changed by somebody else, or was when the machine went down; if nobody is, remove %s", busy.Lock)
	case refused != nil:
		return Ring{}, err
	}
	return Ring{}, fmt.Errorf("the key ring cannot be written: %w", err)
}

func updated(path string, change func(Ring) (Ring, error)) (Ring, error) {
	r, err := Load(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Ring{}, err
	}
	return change(r)
}
