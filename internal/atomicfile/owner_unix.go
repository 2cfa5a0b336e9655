//go:build unix

package atomicfile

import (
	"io/fs"
	"os"
	"syscall"
)

// chown gives a file to the owner and the group of another, where it is not theirs yet:
// who owns both need not be allowed to.
func chown(f *os.File, as fs.FileInfo) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	is, ok := info.Sys().(*syscall.Stat_t)
	to, also := as.Sys().(*syscall.Stat_t)
	if !ok || !also || is.Uid == to.Uid && is.Gid == to.Gid {
		return nil
	}
	return f.Chown(int(to.Uid), int(to.Gid))
}
