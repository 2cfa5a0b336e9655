package main

import (
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"runtime"
)

// byOthers are the permissions of those who are neither the owner nor of the group.
const byOthers fs.FileMode = 0o007

// warnExposed logs that a file with a secret is open to everybody on the machine. It is
// no more than a warning: the file is somebody else's to give, and where orchestrators
// mount it in that way nobody else is there.
func warnExposed(log *slog.Logger, path, secret string) {
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&byOthers == 0 { // whoever reads it says what is wrong
		return
	}
	log.Warn("everybody on this machine can read "+secret+"; chmod 640 the file or less, and replace what is in it if somebody may have read it",
		"file", path, "mode", fmt.Sprintf("%04o", info.Mode().Perm()))
}
