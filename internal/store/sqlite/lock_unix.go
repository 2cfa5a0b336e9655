//go:build unix

package sqlite

import (
	"errors"
	"os"
	"syscall"
)

// lockFile opens a file as flag says, and takes the lock on it that keeps a second
// process off the store. The kernel
// frees it when the process ends, however it ends.
func lockFile(path string, flag int) (*os.File, error) {
	f, err := os.OpenFile(path, flag, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrInUse
		}
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
