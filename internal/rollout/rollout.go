// Package rollout watches what unconditional writes overwrite, while an owner leads
// the callers of a collection to preconditions: what each caller was shown last, and
// how many updates were lost.
package rollout

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/maypok86/otter/v2"

	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
)

// DefaultReads is how many reads a watch remembers where nothing else is said: some
// 15 MiB of them.
const DefaultReads = 100_000

// Watch is a [door.Observer]. It remembers up to a number of reads, each of one document
// by one caller, in this process alone; those that are used least go first. What is
// forgotten counts as never read, so that it never makes a lost update of a write that
// is none. It is safe for concurrent use.
type Watch struct {
	Counts
	reads *otter.Cache[read, int64] // the newest version that was shown
}

// read names a caller and a document: a part of a digest of both, so that what is kept
// has one size whatever callers call themselves.
type read [16]byte

// New returns a watch that remembers so many reads; 0 means [DefaultReads].
func New(reads int) (*Watch, error) {
	if reads == 0 {
		reads = DefaultReads
	}
	cache, err := otter.New(&otter.Options[read, int64]{
		MaximumSize: reads,
		Executor:    func(task func()) { task() }, // a goroutine for it would cost more
	})
	return &Watch{reads: cache}, err
}

func readOf(c door.Caller, ref store.Ref) read {
	var text []byte
	for _, part := range [...]string{c.Name, c.Client, ref.Part.Collection, ref.Part.Params, ref.ID} {
		text = append(binary.AppendUvarint(text, uint64(len(part))), part...)
	}
	sum := sha256.Sum256(text)
	return read(sum[:len(read{})])
}

// Tell implements [door.Observer]. A version that is not the newest one which the caller
// was shown changes nothing.
func (w *Watch) Tell(c door.Caller, ref store.Ref, version int64) {
	w.reads.Compute(readOf(c, ref), func(known int64, _ bool) (int64, otter.ComputeOp) {
		if known >= version {
			return known, otter.CancelOp
		}
		return version, otter.WriteOp
	})
}

// Told implements [door.Observer].
func (w *Watch) Told(c door.Caller, ref store.Ref) int64 {
	version, _ := w.reads.GetIfPresent(readOf(c, ref))
	return version
}

// Count implements [door.Observer].
func (w *Watch) Count(collection string, did engine.Result, o engine.Observation) {
	w.Counts.add(collection, o.Overwriting, did)
}
