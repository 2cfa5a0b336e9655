//go:build unix

package main

import (
	"math"
	"syscall"
)

// openFiles returns how many files this process may have open, 0 for any number.
func openFiles() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > math.MaxInt32 {
		return 0
	}
	return int(limit.Cur)
}
