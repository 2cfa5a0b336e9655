package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// A small heap may gather twice its size in garbage before it is collected,
// which writes are some 5 % faster for; a large one three quarters of it, so
// that a store of a million documents stays within 300 MiB.
const (
	smallHeap        = 48 << 20
	smallHeapPercent = 200
	largeHeapPercent = 75
	collectorTick    = time.Second
)

// tuneCollector follows the heap's size until ctx ends, unless GOGC is set.
func tuneCollector(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	percent := smallHeapPercent
	debug.SetGCPercent(percent)
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	repeat(ctx, collectorTick, func() {
		metrics.Read(live)
		want := smallHeapPercent
		if live[0].Value.Uint64() > smallHeap {
			want = largeHeapPercent
		}
		if want != percent {
			percent = want
			debug.SetGCPercent(percent)
		}
	})
}
