//go:build unix

package keyring

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestUpdateKeepsWhoMayRead: a ring stays its owner's, and its group's to read, whoever
// changes it. Else the server that it is for could not start again.
func TestUpdateKeepsWhoMayRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ring")
	rotate := func() (fs.FileInfo, *syscall.Stat_t) {
		t.Helper()
		if _, err := Update(path, func(r Ring) (Ring, error) { return r.Rotated(made), nil }); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		owner, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			t.Fatalf("who owns %s is not known", path)
		}
		return info, owner
	}
	if info, _ := rotate(); info.Mode().Perm() != 0o600 {
		t.Errorf("a new ring has the mode %v", info.Mode())
	}
	write(t, path, one, 0o640)
	if info, _ := rotate(); info.Mode().Perm() != 0o640 {
		t.Errorf("its mode has become %v", info.Mode())
	}
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED, NOT CHECKED: only root can give files to others")
	}
	const user, group = 4711, 4712
	if err := os.Chown(path, user, group); err != nil {
		t.Fatal(err)
	}
	if info, owner := rotate(); owner.Uid != user || owner.Gid != group || info.Mode().Perm() != 0o640 {
		t.Errorf("it belongs to %d and %d now, and its mode is %v", owner.Uid, owner.Gid, info.Mode())
	}
}
