// Package clone copies a store into another one, of the same kind or of a different one,
// and proves that the copy holds the same.
package clone

import (
	"context"
	"errors"
	"fmt"

	"github.com/ifmatch/ifmatch/internal/store"
)

// How much one step of the import takes at most: what it costs to make a step durable
// is shared by so many pieces, and so many are copied again after an interruption.
const (
	stepPieces = 1000
	stepBytes  = 4 << 20
)

// Tally is what a run has copied.
type Tally struct {
	Counts
	Resumed int64 // pieces that an earlier run had copied
	// Epoch of the copy: that of the one it was made of, or one more where the feed
	// could not keep its positions, so that cursors from before are void.
	Epoch int64
}

var (
	// ErrOther refuses to go on with the copy of another store.
	ErrOther = errors.New("it holds a part of the copy of another store; begin with an empty one")
	// ErrChanged refuses to go on after the store that is copied was written.
	ErrChanged = errors.New("the store was written since its copy was begun; begin again with an empty one")
	// ErrDiffers says that the copy does not hold what it was made of.
	ErrDiffers = errors.New("the copy does not hold the same; begin again with an empty one")
)

// Run copies all that from holds into to, which is empty or holds a part of the same
// copy already, from where it goes on. Nobody may write to either. The copy is a store
// that can be served only once it was read again and found to be the same; it has the
// ID of the one that it was made of. Report is told how many pieces are copied, and of
// how many, roughly.
func Run(ctx context.Context, from, to store.Store, report func(done, about int64)) (Tally, error) {
	out, ok := from.(store.Exporter)
	if !ok {
		return Tally{}, errors.New("this kind of store cannot be copied")
	}
	in, ok := to.(store.Importer)
	back, both := to.(store.Exporter)
	if !ok || !both {
		return Tally{}, errors.New("stores cannot be copied to this kind of store")
	}
	r := &run{info: from.Info(), to: in, report: report}
	was, err := in.Importing(ctx)
	if err != nil {
		return Tally{}, err
	}
	if err := r.begin(was); err != nil {
		return Tally{}, err
	}
	if err := out.Export(ctx, func(p store.Piece) error { return r.piece(ctx, p) }); err != nil {
		return r.tally(), err
	}
	return r.tally(), r.end(ctx, back)
}

// run is one run of a copy.
type run struct {
	info    store.Info
	to      store.Importer
	report  func(done, about int64)
	resumed state // how far an earlier run has come

	about int64
	keeps bool // log rows keep their positions
	sum   digest
	batch []store.Piece
	bytes int
}

// begin reads how far an earlier run has come.
func (r *run) begin(was []byte) error {
	if was == nil {
		return nil
	}
	var err error
	if r.resumed, err = parseState(was); err != nil {
		return err
	}
	if r.resumed.ID != r.info.ID || r.resumed.Epoch != r.info.Epoch {
		return ErrOther
	}
	return nil
}

func (r *run) tally() Tally {
	t := Tally{Counts: r.sum.counts(), Resumed: r.resumed.Pieces, Epoch: r.info.Epoch}
	if !r.keeps {
		t.Epoch++
	}
	return t
}

// piece counts a piece, and copies it unless an earlier run has.
func (r *run) piece(ctx context.Context, p store.Piece) error {
	if p.Whole != nil {
		r.keeps, r.about = r.to.KeepsPositions(p.Whole.Lanes), p.Whole.About
	}
	size := r.sum.add(&p, r.keeps)
	if n := r.sum.pieces(); n <= r.resumed.Pieces {
		if n == r.resumed.Pieces && r.sum.String() != r.resumed.Digest {
			return ErrChanged
		}
		r.report(n, r.about)
		return nil
	}
	r.batch, r.bytes = append(r.batch, p), r.bytes+size
	if len(r.batch) < stepPieces && r.bytes < stepBytes {
		return nil
	}
	return r.step(ctx)
}

// step has the pieces that were gathered taken over.
func (r *run) step(ctx context.Context) error {
	err := r.to.Import(ctx, &store.Import{State: r.state(), Pieces: r.batch})
	r.batch, r.bytes = nil, 0
	r.report(r.sum.pieces(), r.about)
	return err
}

// end takes the rest over, reads the copy, and declares it whole if it is the same.
func (r *run) end(ctx context.Context, copied store.Exporter) error {
	if r.sum.pieces() < r.resumed.Pieces {
		return ErrChanged
	}
	if len(r.batch) > 0 {
		if err := r.step(ctx); err != nil {
			return err
		}
	}
	var there digest
	if err := copied.Export(ctx, func(p store.Piece) error {
		there.add(&p, r.keeps)
		return nil
	}); err != nil {
		return err
	}
	if there != r.sum {
		return fmt.Errorf("%w: %s", ErrDiffers, r.sum.difference(&there))
	}
	return r.to.Import(ctx, &store.Import{State: r.state(), Done: true, ID: r.info.ID, Epoch: r.tally().Epoch})
}

func (r *run) state() []byte {
	return state{ID: r.info.ID, Epoch: r.info.Epoch, Pieces: r.sum.pieces(), Digest: r.sum.String()}.bytes()
}
