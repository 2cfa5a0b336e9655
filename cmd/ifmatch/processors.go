package main

import (
	"os"
	"runtime"
)

// useProcessors has goroutines run on two threads at least, unless GOMAXPROCS says how
// many. On one alone everything would wait for as long as a flush to the disk takes,
// since the runtime takes its time to see that a thread hangs in the kernel: on a
// machine of one processor writes are several times as fast for the second.
func useProcessors() {
	if os.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) == 1 {
		runtime.GOMAXPROCS(2)
	}
}
