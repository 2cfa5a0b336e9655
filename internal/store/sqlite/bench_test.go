package sqlite

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

// BenchmarkCommit replaces documents of 1 KiB at random, each writer its own.
func BenchmarkCommit(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) { benchmarkCommit(b, writers, 10_000) })
	}
}

func benchmarkCommit(b *testing.B, writers, documents int) {
	s, err := Open(context.Background(), filepath.Join(b.TempDir(), "bench.db"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	heads := make([]store.Head, documents)
	inParallel(64, func(w int) {
		for i := w; i < documents; i += 64 {
			heads[i] = benchWrite(b, s, benchRef(i), &store.Head{Next: 1})
		}
	})
	var done atomic.Int64
	b.ResetTimer()
	inParallel(writers, func(w int) {
		for i := w; done.Add(1) <= int64(b.N); i = (i + writers*7919) % documents {
			i -= (i - w) % writers
			heads[i] = benchWrite(b, s, heads[i].Ref, &heads[i])
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}

// BenchmarkGet reads documents of 1 KiB at random, from the cache and past it.
func BenchmarkGet(b *testing.B) {
	for _, c := range []struct {
		name  string
		cache int64
	}{{"hit", 0}, {"miss", 1}} {
		b.Run(c.name, func(b *testing.B) { benchmarkGet(b, c.cache) })
	}
}

func benchmarkGet(b *testing.B, cacheBytes int64) {
	const documents = 30_000
	s, err := Open(context.Background(), filepath.Join(b.TempDir(), "bench.db"), Options{CacheBytes: cacheBytes})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	refs := make([]store.Ref, documents)
	inParallel(64, func(w int) {
		for i := w; i < documents; i += 64 {
			refs[i] = benchRef(i)
			benchWrite(b, s, refs[i], &store.Head{Next: 1})
		}
	})
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if _, err := s.Get(context.Background(), refs[i*7919%documents]); err != nil {
			b.Fatal(err)
		}
	}
}

func benchRef(i int) store.Ref {
	return store.Ref{Part: store.Part{Collection: "docs"}, ID: fmt.Sprintf("doc-%08d", i)}
}

var benchIDs atomic.Uint64

// benchWrite replaces the document that h shows and returns its new head.
func benchWrite(b *testing.B, s *Store, ref store.Ref, h *store.Head) store.Head {
	c := &store.Commit{Now: time.Now(), Correlation: "0199aaaa-0000-7000-8000-000000000000", Writes: []store.Write{{
		Ref: ref, Rev: h.Rev, Content: store.ContentBody, Version: h.Next, Life: 1, At: time.Now().UTC(),
		Body: bytes.Repeat([]byte("x"), 1024), Digest: [32]byte{1}, Log: store.Log{Action: store.ActionPut, Outcome: "replaced", Link: make([]byte, 20)},
	}}}
	binary.BigEndian.PutUint64(c.ID[:], benchIDs.Add(1))
	r, err := s.Commit(context.Background(), c)
	if err != nil {
		b.Error(err)
		return *h
	}
	return r.Heads[0]
}

func inParallel(n int, f func(int)) {
	finished := make(chan struct{})
	for w := range n {
		go func() {
			f(w)
			finished <- struct{}{}
		}()
	}
	for range n {
		<-finished
	}
}
