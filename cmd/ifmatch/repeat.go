package main

import (
	"context"
	"time"
)

// lookEvery is how often the files are looked at that a server reads again when they
// change: its certificate and its keys.
const lookEvery = 2 * time.Second

// repeat does something every so often until ctx ends.
func repeat(ctx context.Context, every time.Duration, do func()) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do()
		}
	}
}
